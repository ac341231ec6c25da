"""What is to be known of restored pictures beside the metrics: the classical method, and the worst ones to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.files import open_atomically
from derin.core.messages import translate
from derin.data.batch import Source
from derin.data.sheet import contact_sheet
from derin.tasks.baselines.denoising import non_local_means
from derin.tasks.made_picture import MadePicture

SHEET = "restored.png"
_MOST_MEASURED = 24  # pictures: non-local means takes seconds for each
_NUM_SHOWN = 4
_SIDE = 96  # pixels of a picture that are shown
_CELL = 192
_COLUMNS = ("degraded", "method", "restored", "clean")


def restoration_findings(
    task: Any, network: nn.Module, source: Source, split: str, *, names: Sequence[str] | None, folder: Path | None
) -> dict[str, Any]:
    """The first pictures of a split restored by the network and by the classical method.

    Args:
        task: of restoration.
        network: in evaluation mode.
        source: the batches of the split, a picture each.
        split: its name.
        names: of the rows of the table.
        folder: of the run; None where it keeps no pictures.

    Returns:
        ``method``: the classical one, ``psnr`` of the network and ``method_psnr`` on the same ``num`` pictures of
        ``split``; ``restored``: a file that shows the worst of them.
    """
    measured: list[tuple[float, float, int, dict[str, Tensor]]] = []
    for batch in source.batches(0):
        with torch.inference_mode():
            outputs = task.predict(network, batch)
            pictures = {name: outputs[name] for name in ("degraded", "restored", "clean")}
            pictures["method"] = _classical(task, pictures["degraded"])
            of_method = task.compared_psnr(pictures["method"], pictures["clean"])
        of_network = outputs["psnr"].tolist()
        for place, row in enumerate(batch.rows.tolist()):
            shown = {name: _worst_part(each[place], pictures, place) for name, each in pictures.items()}
            measured.append((of_network[place], of_method.tolist()[place], row, shown))
        if len(measured) >= _MOST_MEASURED:
            break
    found: dict[str, Any] = {
        "kind": task.name,
        "split": split,
        "num": len(measured),
        "method": _METHODS[task.degradation.kind],
        "psnr": sum(each[0] for each in measured) / len(measured),
        "method_psnr": sum(each[1] for each in measured) / len(measured),
    }
    if folder is not None:
        with open_atomically(folder / SHEET) as file:
            _sheet(sorted(measured, key=lambda each: each[0])[:_NUM_SHOWN], found["method"], names).save(file, "PNG")
        found["restored"] = {"file": SHEET}
    return found


_METHODS = {"noise": "non_local_means", "jpeg": "none", "sr": "bicubic", "gray": "gray"}


def _classical(task: Any, degraded: Tensor) -> Tensor:
    """What the classical method gives: of noise of unknown strength, told by how much pixels differ from the next."""
    if task.degradation.kind != "noise":
        return degraded
    return non_local_means(degraded, noise_level(degraded)).clamp(0, 1)


def noise_level(pictures: Tensor) -> float:
    """σ of the noise from the median of |x₀₀ − x₀₁ − x₁₀ + x₁₁| / 2 over squares of four pixels, which flat parts and
    edges do not change: 0.6745 σ of normal noise (D. Donoho, I. Johnstone, Biometrika 81, 1994).
    """
    height, width = (side - side % 2 for side in pictures.shape[2:])
    if not height or not width:
        return 1e-3
    x = pictures[:, :, :height, :width]
    details = (x[:, :, ::2, ::2] - x[:, :, ::2, 1::2] - x[:, :, 1::2, ::2] + x[:, :, 1::2, 1::2]) / 2
    return max(float(details.abs().median()) / 0.6745, 1e-3)


def _worst_part(picture: Tensor, pictures: dict[str, Tensor], place: int) -> Tensor:
    """The square of a picture in which the network is furthest from the truth."""
    error = (pictures["restored"][place] - pictures["clean"][place]).square().mean(0)
    height, width = error.shape
    side = min(_SIDE, height, width)
    means = torch.nn.functional.avg_pool2d(error[None, None], side, max(1, side // 4))[0, 0]
    down, along = divmod(int(means.argmax()), means.shape[1])
    top, left = down * max(1, side // 4), along * max(1, side // 4)
    return picture[:, top : top + side, left : left + side].cpu()


def _sheet(worst: Sequence[Any], method: str, names: Sequence[str] | None) -> Any:
    """A line for each picture: what the network read, the classical method, the network, the truth."""
    # Only non-local means is another picture than what came in.
    columns = [name for name in _COLUMNS if name != "method" or method == "non_local_means"]
    shown, captions = [], []
    for of_network, of_method, row, pictures in worst:
        named = str(row) if names is None else names[row]
        told = {
            "degraded": named,
            "method": f"{translate(f'restore.method_{method}')} {of_method:.1f} dB",
            "restored": f"{translate('restore.restored')} {of_network:.1f} dB",
            "clean": translate("restore.true"),
        }
        shown += [MadePicture.of_planes(pictures[name]).picture for name in columns]
        captions += [told[name] for name in columns]
    return contact_sheet(shown, captions, len(columns), title=translate("restore.sheet"), cell=_CELL)
