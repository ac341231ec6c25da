"""What is to be known of landmarks beside their metrics: what mean shapes reach, the errors, and the worst pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from derin.core.files import write_bytes
from derin.data.batch import Source
from derin.data.table import Points, Table
from derin.tasks.metrics.counts import Floats
from derin.tasks.metrics.landmarks import box_of_points, distances_of, mean_of_known, normalized_errors
from derin.tasks.segmentation_findings import shown_pixels
from derin.train.evaluation import predict_batches

EXAMPLES = "points.npz"
_NUM_WORST = 8
_QUANTILES = 101


def landmark_findings(
    task: Any, network: nn.Module, codec: Any, table: Table, source: Callable[[str], Source], folder: Path
) -> dict[str, Any]:
    """Looks at test (val where there is none).

    Args:
        task: of landmarks.
        network: in evaluation mode.
        codec: of its pictures.
        table: with its splits.
        source: gives the batches of a split.
        folder: of the run, where the worst pictures are kept in `EXAMPLES` unless it keeps none.

    Returns:
        ``split``, ``normalize``, ``baselines`` (``nme`` and ``nme_median`` of the training pictures' ``mean_shape`` in
        the picture, and of ``mean_shape_in_box`` in the box around the true points), and ``curve``, the error of
        pictures at each hundredth of them.
    """
    split = next((name for name in ("test", "val") if name in table.splits), None)
    if split is None:
        return {}
    points = table[table.target().name]
    assert isinstance(points, Points)
    train, measured = points.take(table.splits["train"]), points.take(table.splits[split])
    distances = distances_of(measured.places.astype(np.float64), measured.visible, measured.frames, task.distance)
    shapes = {"mean_shape": mean_shape(train) * measured.frames[:, None, ::-1]}
    low, high = box_of_points(measured.places, measured.visible)
    with np.errstate(invalid="ignore"):  # a picture without points has no box
        shapes["mean_shape_in_box"] = low[:, None] + mean_shape_in_box(train) * (high - low)[:, None]
    baselines = {}
    for name, places in shapes.items():
        errors = mean_of_known(normalized_errors(places, measured.places, measured.visible, distances), 1)
        errors = errors[~np.isnan(errors)]
        if len(errors):
            baselines[name] = {"nme": float(errors.mean()), "nme_median": float(np.median(errors))}
    errors = _look(task, network, codec, source(split), table.row_names, folder if task.keeps_pictures else None)
    known = errors[~np.isnan(errors)]
    curve = np.quantile(known, np.linspace(0, 1, _QUANTILES)).round(5).tolist() if len(known) else []
    return {"split": split, "normalize": task.normalize, "baselines": baselines, "curve": curve}


def mean_shape(points: Points) -> Floats:
    """The mean place of each point in shares of its picture's width and height; the middle where it is never visible.

    Shapes:
        → ``(K, 2)``.
    """
    return _mean_places(points.places / points.frames[:, None, ::-1], points.visible)


def mean_shape_in_box(points: Points) -> Floats:
    """The mean place of each point in shares of the box around the visible ones.

    Shapes:
        → ``(K, 2)``.
    """
    low, high = box_of_points(points.places, points.visible)
    has_box = (high > low).all(axis=1)
    low, high = low[has_box, None], high[has_box, None]
    return _mean_places((points.places[has_box] - low) / (high - low), points.visible[has_box])


def _mean_places(places: Floats, visible: npt.NDArray[np.bool_]) -> Floats:
    num = visible.sum(axis=0)[:, None]
    total = np.where(visible[..., None], places, 0.0).sum(axis=0)
    return np.divide(total, num, out=np.full(total.shape, 0.5), where=num > 0)


def _look(
    task: Any, network: nn.Module, codec: Any, source: Source, names: Any, folder: Path | None
) -> npt.NDArray[np.float64]:
    """The normalized error of each picture; the worst ones are kept."""
    kept: list[dict[str, Any]] = []
    errors: list[Floats] = []
    for outputs, batch in predict_batches(network, task, source):
        one = task.metrics()
        one.update(outputs, batch)
        errors.append(mean_of_known(one.errors, 1))
        worst = np.argsort(np.where(np.isnan(errors[-1]), np.inf, -errors[-1]), kind="stable")[:_NUM_WORST]
        for place in worst[~np.isnan(errors[-1][worst])].tolist() if folder is not None else ():
            size = batch[task.size_of_picture][place].cpu().numpy().astype(np.int64)[None]
            seen, row = codec.frame.geometry(size), int(batch.rows[place])
            parts = {name: outputs[f"{name}places"][place].numpy()[None] for name in ("", "true_")}
            kept.append(
                {
                    "pictures": shown_pixels(codec, batch[task.input][place]),
                    "found": seen.moved(parts[""])[0].astype(np.float32),
                    "true": seen.moved(parts["true_"])[0].astype(np.float32),
                    "visible": outputs["visible"][place].cpu().numpy(),
                    "errors": errors[-1][place],
                    "names": str(row) if names is None else names[row],
                }
            )
        kept = sorted(kept, key=lambda each: -each["errors"])[:_NUM_WORST]
    if folder is not None and kept:
        file = io.BytesIO()
        joined: dict[str, Any] = {name: np.stack([each[name] for each in kept]) for name in kept[0]}
        np.savez_compressed(file, **joined)
        write_bytes(folder / EXAMPLES, file.getvalue())
    return np.concatenate(errors) if errors else np.zeros(0)
