"""What is to be known of an embedding beside its metrics: the ROC, distances, the worst pairs, and the raw inputs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.files import write_bytes
from derin.data.batch import Source
from derin.data.preparation import Preparation
from derin.data.table import Table
from derin.tasks.metrics.comparing import measured_pairs
from derin.tasks.metrics.verification import Roc, equal_error_rate, roc, threshold_at_fmr
from derin.tasks.segmentation_findings import shown_pixels
from derin.train.evaluation import predict_batches

WORST_PAIRS = "pairs.npz"
_NUM_WORST = 4  # of each kind
_CURVE_POINTS = 60
_BINS = 40  # of the distances 0 to 2
_USUAL_FMR = 0.01
_MOST_RAW_NUMBERS = 50_000_000  # of the inputs of which the baseline is taken: 200 MB


def embedding_findings(
    task: Any,
    network: nn.Module,
    preparation: Preparation,
    source: Source,
    split: str,
    *,
    table: Table,
    folder: Path | None,
) -> dict[str, Any]:
    """Of a split: the curve, the distances, a threshold and what it rests on, the worst pairs, and the raw inputs' EER.

    Args:
        task: an `Embedding`.
        network: in evaluation mode.
        preparation: of its inputs.
        source: the batches of the split.
        split: its name.
        table: the data.
        folder: of the run, where pictures of the worst pairs are kept in `WORST_PAIRS`; None keeps none.

    Returns:
        plain JSON; empty where the split has pairs of one kind only.
    """
    metrics, raw = task.metrics(), _RawInputs(source.num_examples)
    rows = []
    for outputs, batch in predict_batches(network, task, source):
        metrics.update(outputs, batch)
        raw.add(batch[task.input], batch[task.target])
        rows.append(batch.rows.numpy())
    points, labels = metrics.collected()
    distances, same, pairs = measured_pairs(points, labels)
    if same.all() or not same.any():
        return {}
    curve = roc(distances, same)
    fit = threshold_at_fmr(distances[~same], _USUAL_FMR)
    places = np.concatenate(rows)[pairs]
    worst = _worst(distances, same)
    names = table.row_names
    found: dict[str, Any] = {
        "split": split,
        "num_pairs": {"same": int(same.sum()), "different": int((~same).sum())},
        "roc": _points_of(curve),
        "distances": {
            kind: np.histogram(distances[of], bins=_BINS, range=(0, 2))[0].tolist()
            for kind, of in (("same", same), ("different", ~same))
        },
        "threshold": {
            "wanted_fmr": _USUAL_FMR,
            "threshold": fit.threshold,
            "fmr": fit.fmr,
            "fnmr": float((distances[same] > np.float32(fit.threshold)).mean()),
            "supported": fit.supported,
        },
        "worst": [
            {
                "same": bool(same[i]),
                "distance": float(distances[i]),
                "names": [f"row {row}" if names is None else names[row] for row in places[i].tolist()],
            }
            for i in worst
        ],
    }
    if raw.eer is not None:
        found["baseline"] = {"eer": raw.eer}
    if folder is not None and preparation.reads_pictures:
        _write(folder / WORST_PAIRS, preparation.input, source, task.input, places[worst])  # type: ignore[attr-defined]
    return found


class _RawInputs:
    """The equal error rate of the inputs themselves, where each is so many numbers: what no network was needed for."""

    def __init__(self, num: int) -> None:
        self._num, self._seen = num, 0
        self._points: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, inputs: Tensor, labels: Tensor) -> None:
        if not inputs.is_floating_point():  # numbers of words say nothing by their distance
            return
        flat = inputs.flatten(1).float().cpu()
        every = max(1, -(-self._num * flat.shape[1] // _MOST_RAW_NUMBERS))
        first = -self._seen % every
        self._points.append(flat[first::every])
        self._labels.append(labels[first::every].cpu())
        self._seen += len(flat)

    @property
    def eer(self) -> float | None:
        if not self._points or len({part.shape[1] for part in self._points}) > 1:
            return None
        distances, same, _ = measured_pairs(torch.cat(self._points).numpy(), torch.cat(self._labels).numpy())
        return None if same.all() or not same.any() else equal_error_rate(distances, same)


def _points_of(curve: Roc) -> list[list[float]]:
    """(false-match rate, false-non-match rate) at places that lie about evenly along the curve."""
    along = np.cumsum(np.abs(np.diff(curve.fmr)) + np.abs(np.diff(curve.fnmr)))
    places = np.unique(np.searchsorted(along, np.linspace(0, along[-1], _CURVE_POINTS)))
    kept = np.append(0, np.minimum(places + 1, len(curve.fmr) - 1))
    return np.stack([curve.fmr[kept], curve.fnmr[kept]], axis=1).tolist()


def _worst(distances: npt.NDArray[Any], same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The same pairs that are farthest, and the different ones that are nearest."""
    of_same, of_different = np.flatnonzero(same), np.flatnonzero(~same)
    farthest = of_same[np.argsort(-distances[of_same], kind="stable")[:_NUM_WORST]]
    return np.concatenate([farthest, of_different[np.argsort(distances[of_different], kind="stable")[:_NUM_WORST]]])


def _write(path: Path, codec: Any, source: Source, name: str, pairs: npt.NDArray[np.int64]) -> None:
    """Keeps the pictures of some pairs of rows, ``(pairs, 2, H, W, 3)``."""
    wanted, kept = set(pairs.reshape(-1).tolist()), {}
    for batch in source.batches(0):
        for place, row in enumerate(batch.rows.tolist()):
            if row in wanted:
                kept[row] = shown_pixels(codec, batch[name][place])
    file = io.BytesIO()
    np.savez_compressed(file, pictures=np.array([[kept[row] for row in pair] for pair in pairs.tolist()]))
    write_bytes(path, file.getvalue())
