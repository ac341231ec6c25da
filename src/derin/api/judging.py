"""Made pictures judged by a classifier of the user's own: beside true ones, in its features and in its classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.bundle import WEIGHTS_NAME
from derin.core.errors import UsageError
from derin.explain.embeddings import layer_activations
from derin.tasks.classification import Classification
from derin.tasks.metrics.made_pictures import frechet_distance, precision_recall
from derin.tasks.picture_maker import PictureMaker, true_pixels

if TYPE_CHECKING:
    import torch

    from derin.api.model import Model
    from derin.data.table import Table

Floats = npt.NDArray[np.float32]

NUM_JUDGED = 3_000
_SURE = 0.9  # from this probability on a picture counts as one of a class
_SEED = 1
_BATCH_SIZE = 250
_FEWEST = 10


def judge_pictures(model: Model, judge: Model, table: Table, split: str) -> dict[str, Any]:
    """What a classifier says of made pictures beside true ones of a split.

    Args:
        model: whose task makes pictures.
        judge: a classifier of such pictures.
        table: the data, with its splits.
        split: whose pictures are the true ones.

    Returns:
        ``frechet``, ``precision`` and ``recall`` over the features before the classifier's last layer, beside them
        ``frechet_true``, which true pictures of the training reach against the same split; ``classified_share`` (and
        ``classified_share_true``), the share that the classifier is at least 0.9 sure of; ``class_coverage``, the share
        of each class; and under ``judge`` which classifier, layer and pictures these were.

    Raises:
        UsageError: the model makes no pictures, the judge tells no classes of pictures, or there are too few of them.
    """
    if not isinstance(model.task, PictureMaker):
        raise UsageError(
            f"A judge looks at pictures that a network makes; the task {model.task.name!r} makes none. "
            "Leave the judge out."
        )
    if not isinstance(judge.task, Classification) or not judge.preparation.reads_pictures:
        raise UsageError(
            f"A judge tells the classes of pictures; {judge.path} is of the task {judge.task.name!r}. Train one on the "
            "same data: derin train DATA --out runs/judge."
        )
    if split not in table.splits:
        raise UsageError(f"Made pictures are judged beside those of test, val or train; got the split {split!r}.")
    true = true_pixels(model.preparation, table, split, NUM_JUDGED)
    if len(true) < _FEWEST:
        raise UsageError(f"Judging takes at least {_FEWEST} true pictures; the split {split!r} has {len(true)}.")
    made = model.task.make_pictures(model.network, NUM_JUDGED, seed=_SEED)
    layer, true_features, of_true = _seen(judge, true)
    _, made_features, of_made = _seen(judge, made)
    precision, recall = precision_recall(true_features, made_features)
    found: dict[str, Any] = {
        "frechet": frechet_distance(true_features, made_features),
        "precision": precision,
        "recall": recall,
        "classified_share": _sure(of_made),
        "classified_share_true": _sure(of_true),
        "class_coverage": _coverage(judge, of_made),
        "judge": {
            "path": str(judge.path),
            "sha256": judge.card["files"][WEIGHTS_NAME]["sha256"],
            "layer": layer,
            "features": true_features.shape[1],
            "num_made": len(made),
            "num_true": len(true),
        },
    }
    if split != "train":
        others = true_pixels(model.preparation, table, "train", NUM_JUDGED)
        if len(others) >= _FEWEST:
            found["frechet_true"] = frechet_distance(true_features, _seen(judge, others)[1])
    return found


def _seen(judge: Model, pictures: npt.NDArray[np.uint8]) -> tuple[str, Floats, Floats]:
    """The layer, its features of each picture, and the probability of each class."""
    import torch

    from derin.data.batch import Batch

    def inputs() -> Iterator[torch.Tensor]:
        device = next(judge.network.parameters()).device
        for start in range(0, len(pictures), _BATCH_SIZE):
            rows = judge.preparation.read(list(pictures[start : start + _BATCH_SIZE]))
            yield judge.preparation.to_model_input(torch.from_numpy(rows).to(device))

    layer, features = layer_activations(judge.network, inputs())
    with torch.inference_mode():
        probabilities = [
            judge.task.predict(judge.network, Batch({judge.task.input: x}, torch.arange(len(x))))["probabilities"]
            for x in inputs()
        ]
    return layer, features, torch.cat(probabilities).float().cpu().numpy()


def _sure(probabilities: Floats) -> float:
    return float((probabilities.max(axis=1) >= _SURE).mean())


def _coverage(judge: Model, probabilities: Floats) -> dict[str, float]:
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return {name: float(count / len(probabilities)) for name, count in zip(judge.task.classes, counts, strict=True)}
