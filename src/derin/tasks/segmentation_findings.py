"""What is to be known of a segmentation beside its metrics: a baseline, and pictures to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from derin.core.files import write_bytes
from derin.core.seeds import permutation
from derin.data.batch import Source
from derin.tasks.metrics.segmentation import confusions, overlaps

EXAMPLES = "masks.npz"
_NUM_WORST, _NUM_DRAWN = 6, 4


def segmentation_findings(
    task: Any,
    network: nn.Module,
    codec: Any,
    source: Source,
    split: str,
    *,
    train: np.ndarray,
    names: Sequence[str] | None,
    folder: Path | None,
) -> dict[str, Any]:
    """The baseline of the commonest class, and the worst and some drawn pictures, which are kept in `EXAMPLES`.

    Args:
        task: of segmentation.
        network: in evaluation mode.
        codec: of its pictures.
        source: the batches of the split.
        split: its name.
        train: pixels of each class in training.
        names: of the rows of the table.
        folder: of the run; None where it keeps no pictures.

    Returns:
        ``split``, and ``baseline``: ``class``, ``mean_iou``, ``dice`` and ``pixel_accuracy`` of always answering it.
    """
    drawn = set(permutation(0, "examples", 0, source.num_examples)[:_NUM_DRAWN].tolist())
    kept: list[tuple[float, bool, int, Any]] = []
    true = np.zeros(len(task.classes))
    seen = 0
    for batch in source.batches(0):
        with torch.inference_mode():
            found = task.predict(network, batch)["classes"]
        counts = confusions(found, batch[task.target], len(task.classes)).cpu().numpy().astype(np.float64)
        true += counts.sum(axis=(0, 2))
        right = np.diagonal(counts, axis1=1, axis2=2)
        iou, _ = overlaps(right, counts.sum(axis=1), counts.sum(axis=2))
        means = [float(row[~np.isnan(row)].mean()) if (~np.isnan(row)).any() else 1.0 for row in iou]
        worst = sorted(range(len(means)), key=means.__getitem__)[:_NUM_WORST]
        for place in sorted({*worst, *(p - seen for p in drawn if seen <= p < seen + len(means))}):
            shown = shown_pixels(codec, batch[task.input][place])
            masks = [part[place].to(torch.uint8).cpu().numpy() for part in (batch[task.target], found)]
            kept.append((means[place], place + seen in drawn, int(batch.rows[place]), (shown, *masks)))
        kept = _fewest(kept)
        seen += len(means)
    if folder is not None:
        _write(folder / EXAMPLES, kept, names)
    commonest = int(train.argmax())
    predicted, right = np.zeros_like(true), np.zeros_like(true)
    predicted[commonest], right[commonest] = true.sum(), true[commonest]
    iou, dice = overlaps(right, predicted, true)
    baseline = {"mean_iou": float(np.nanmean(iou)), "dice": float(np.nanmean(dice))} if true.sum() else {}
    accuracy = {"pixel_accuracy": float(right.sum() / true.sum())} if true.sum() else {}
    return {"split": split, "baseline": {"class": task.classes[commonest], **baseline, **accuracy}}


def _fewest(kept: list[tuple[float, bool, int, Any]]) -> list[tuple[float, bool, int, Any]]:
    """The worst of what was kept, and what was drawn."""
    worst = {each[2] for each in sorted(kept, key=lambda each: each[0])[:_NUM_WORST]}
    return [each for each in kept if each[1] or each[2] in worst]


def shown_pixels(codec: Any, picture: torch.Tensor) -> np.ndarray:
    """The pixels of a prepared picture."""
    mean, std = (torch.tensor(values, device=picture.device)[:, None, None] for values in (codec.mean, codec.std))
    pixels = ((picture * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
    return np.repeat(pixels.permute(1, 2, 0).cpu().numpy(), 3 // len(pixels), axis=2)


def _write(path: Path, kept: list[tuple[float, bool, int, Any]], names: Sequence[str] | None) -> None:
    worst = sorted(kept, key=lambda each: each[0])[:_NUM_WORST]
    # A picture that is among the worst need not be shown again.
    shown = {each[2] for each in worst}
    drawn = [each for each in kept if each[1] and each[2] not in shown]
    chosen = [(each, "worst") for each in worst] + [(each, "drawn") for each in drawn]
    if not chosen:
        return
    file = io.BytesIO()
    np.savez_compressed(
        file,
        pictures=np.stack([each[3][0] for each, _ in chosen]),
        true=np.stack([each[3][1] for each, _ in chosen]),
        predicted=np.stack([each[3][2] for each, _ in chosen]),
        iou=np.array([each[0] for each, _ in chosen]),
        reason=np.array([reason for _, reason in chosen]),
        names=np.array([str(each[2]) if names is None else names[each[2]] for each, _ in chosen]),
    )
    write_bytes(path, file.getvalue())
