"""What is to be known of a detection beside its metrics: thresholds, where errors come from, and the worst pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.files import write_bytes
from derin.data.batch import Source
from derin.tasks.metrics.average_precision import Matches, precision_at_recalls
from derin.tasks.metrics.box_errors import box_errors
from derin.tasks.metrics.detection import DetectionMetrics
from derin.tasks.segmentation_findings import shown_pixels
from derin.tasks.thresholds import required_precision, unreached

EXAMPLES = "boxes.npz"
_NUM_WORST = 8

Array = npt.NDArray[Any]


def detection_findings(task: Any, codec: Any, names: Sequence[str] | None, folder: Path) -> dict[str, Any]:
    """Chooses the thresholds on val, and looks at test (val where there is none) with them.

    Args:
        task: of detection, whose splits were measured; takes the thresholds.
        codec: of its pictures.
        names: of the rows, or None.
        folder: of the run, where the worst pictures are kept in `EXAMPLES`, unless it keeps none or time is over.

    Returns:
        ``thresholds`` (``split``, ``criterion`` and what `unreached` gives) where they were chosen, ``split``, and of
        that split ``at_threshold`` (``threshold``, ``precision``, ``recall`` and ``f1`` by class), ``curves``
        (``precision`` at 101 recalls, by class) and ``errors`` as `box_errors` gives them.
    """
    found: dict[str, Any] = {}
    measured, criterion = task.measured, task.threshold_criterion
    if "val" in measured and criterion is not None:
        matches = measured["val"][0].matches.of_classes
        task.thresholds = tuple(best_threshold(one, criterion) for one in matches)
        reached = (np.nan_to_num(_at(one, least)["precision"]) for one, least in zip(matches, task.thresholds))
        short = unreached(criterion, dict(zip(task.classes, map(float, reached))))
        found["thresholds"] = {"split": "val", "criterion": criterion, **short}
    split = next((name for name in ("test", "val") if name in measured), None)
    if split is None:
        return found
    metrics, source = measured[split]
    of_classes = dict(zip(task.classes, metrics.matches.of_classes, strict=True))
    at_threshold = {
        name: {"threshold": threshold, **_at(one, threshold)}
        for threshold, (name, one) in zip(task.thresholds, of_classes.items())
    }
    curves = {name: _curve(one) for name, one in of_classes.items() if one.num_true[0].sum()}
    errors = box_errors(metrics.found, metrics.true, metrics.matches)
    if task.keeps_pictures and task.analysis_seconds > 0:
        _write(folder / EXAMPLES, task, codec, source, metrics, names)
    return {**found, "split": split, "at_threshold": at_threshold, "curves": curves, "errors": errors}


def best_threshold(one: Matches, criterion: str = "f1") -> float:
    """The probability from which on the boxes of a class have the best F1 at IoU ½, between two that occur; or the
    lowest that has the precision that is required, and the largest precision where none does.

    Example:
        >>> yes = np.ones((1, 1, 3), dtype=bool)
        >>> right = np.array([[[True, True, False]]])
        >>> one = Matches(scores=np.array([0.9, 0.6, 0.2]), pictures=np.zeros(3, int), ranks=np.arange(3), right=right,
        ...               ignored=~yes, num_true=np.array([[2]]), places=np.arange(3), is_found=yes[0, :, :2])
        >>> best_threshold(one), best_threshold(one, "precision=0.6")
        (0.4, 0.1)
    """
    counts = ~one.ignored[0, 0]
    scores, right = one.scores[counts], one.right[0, 0][counts].cumsum()
    if not len(scores) or not right[-1]:
        return 0.5
    num, wanted = np.arange(1, len(scores) + 1), required_precision(criterion)
    # Of boxes of one score all are taken or none.
    is_last = np.append(scores[1:] != scores[:-1], True)
    if wanted is None:
        score = is_last * 2 * right / (num + one.num_true[0].sum())
    else:
        precision = is_last * right / num
        score = num * (precision >= min(wanted, precision.max()))
    best = int(score.argmax())
    return float((scores[best] + (scores[best + 1] if best + 1 < len(scores) else 0.0)) / 2)


def _at(one: Matches, threshold: float) -> dict[str, float]:
    chosen = (one.scores >= threshold) & ~one.ignored[0, 0]
    right, num_true = int(one.right[0, 0][chosen].sum()), int(one.num_true[0].sum())
    precision = right / chosen.sum() if chosen.any() else float("nan")
    recall = right / num_true if num_true else float("nan")
    return {"precision": float(precision), "recall": recall, "f1": 2 * right / max(1, int(chosen.sum()) + num_true)}


def _curve(one: Matches) -> list[float]:
    right, counts = (part.cumsum().astype(np.float64) for part in (one.right[0, 0], ~one.ignored[0, 0]))
    precision, _ = precision_at_recalls(right, counts, np.asarray(float(one.num_true[0].sum())))
    return [round(value, 4) for value in precision.tolist()]


def _write(path: Path, task: Any, codec: Any, source: Source, metrics: DetectionMetrics, names: Any) -> None:
    """The pictures in which most is wrong at the thresholds, each with what is there and what was answered."""
    wrong = _num_wrong(metrics, np.array(task.thresholds))
    worst = [int(place) for place in np.argsort(-wrong, kind="stable")[:_NUM_WORST] if wrong[place]]
    kept: list[dict[str, Any]] = []
    found, true = metrics.found, metrics.true
    assert found.scores is not None
    found = found.where(found.scores >= np.array(task.thresholds)[found.classes])
    seen = 0
    for batch in source.batches(0):
        for place in worst:
            if not seen <= place < seen + len(batch):
                continue
            size = batch[task.size_of_picture][place - seen].cpu().numpy().astype(np.int64)
            row = int(batch.rows[place - seen])
            parts = {"picture": shown_pixels(codec, batch[task.input][place - seen])}
            for name, boxes in (("true", true), ("found", found)):
                own = boxes.where(boxes.pictures == place)
                moved = codec.frame.geometry(np.tile(size, (len(own), 1))).moved(own.corners.reshape(-1, 2, 2))
                parts |= {f"{name}_corners": moved.reshape(-1, 4).astype(np.float32), f"{name}_classes": own.classes}
                parts |= {f"{name}_scores": own.scores} if own.scores is not None else {}
            kept.append({**parts, "wrong": int(wrong[place]), "name": str(row) if names is None else names[row]})
        seen += len(batch)
    if not kept:
        return
    kept.sort(key=lambda each: -each["wrong"])
    joined: dict[str, Any] = {
        "pictures": np.stack([each["picture"] for each in kept]),
        "wrong": np.array([each["wrong"] for each in kept]),
        "names": np.array([each["name"] for each in kept]),
        "found_scores": np.concatenate([each["found_scores"] for each in kept]).astype(np.float32),
    }
    for name in ("true", "found"):
        joined[f"{name}_corners"] = np.concatenate([each[f"{name}_corners"] for each in kept])
        joined[f"{name}_classes"] = np.concatenate([each[f"{name}_classes"] for each in kept]).astype(np.int64)
        joined[f"{name}_nums"] = np.array([len(each[f"{name}_classes"]) for each in kept])
    file = io.BytesIO()
    np.savez_compressed(file, **joined)
    write_bytes(path, file.getvalue())


def _num_wrong(metrics: DetectionMetrics, thresholds: Array) -> Array:
    """How many boxes of each picture are wrong or missing at the thresholds."""
    wrong = np.zeros(metrics.matches.num_pictures, dtype=np.int64)
    for one, threshold in zip(metrics.matches.of_classes, thresholds):
        chosen = (one.scores >= threshold) & ~one.ignored[0, 0]
        right = one.right[0, 0]
        num = len(wrong)
        wrong += np.bincount(one.pictures[chosen & ~right], minlength=num)
        wrong += one.num_true[0] - np.bincount(one.pictures[chosen & right], minlength=num)
    return wrong
