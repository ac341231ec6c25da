"""Measurements of boxes: average precision and recall by COCO's rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.data.batch import Batch
from derin.data.codecs.base import Packed
from derin.tasks.metrics.average_precision import BoxMatches, Placed
from derin.tasks.metrics.intervals import Interval
from derin.tasks.metrics.sums import LossSum
from derin.train.protocol import Outputs


class DetectionMetrics:
    """Keeps all boxes of a pass over a split, and measures them at its end.

    Args:
        classes: names of the classes.

    `compute` gives ``loss`` and what `BoxMatches.numbers` names, and ``per_class``: ``ap`` (mean over the thresholds of
    IoU), ``ap50``, ``recall`` at 100 boxes, and ``support``, how many things there are.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._loss = LossSum()
        self._found: list[tuple[npt.NDArray[Any], ...]] = []  # corners, classes, pictures, scores
        self._true: list[tuple[npt.NDArray[Any], ...]] = []  # corners, classes, pictures, crowds
        self._num_pictures = 0

    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            outputs ``boxes`` ``(B, M, 4)`` in pixels of the picture, ``scores`` and ``classes`` ``(B, M)``, ``loss``
            and ``loss_weight`` ``(B,)``, ``true_boxes`` ``(total, 4)``; target `Packed`.
        """
        weight = outputs["loss_weight"].sum()
        self._loss.add(outputs["loss"].sum() / weight.clamp(min=1e-12), weight, batch)
        scores = outputs["scores"].numpy()
        picture, place = np.nonzero(scores)
        self._found.append(
            (
                outputs["boxes"].numpy()[picture, place],
                outputs["classes"].numpy()[picture, place],
                picture + self._num_pictures,
                scores[picture, place],
            )
        )
        target: Any = batch["target"]
        assert isinstance(target, Packed)
        self._true.append(
            (
                outputs["true_boxes"].numpy(),
                target["classes"].cpu().numpy(),
                target.owners.numpy() + self._num_pictures,
                target["crowds"].cpu().numpy(),
            )
        )
        self._num_pictures += len(batch)
        self.__dict__.pop("matches", None)

    @property
    def found(self) -> Placed:
        """All that was found."""
        corners, classes, pictures, scores = _joined(self._found)
        return Placed(corners=corners, classes=classes, pictures=pictures, scores=scores)

    @property
    def true(self) -> Placed:
        """All that is there."""
        corners, classes, pictures, crowds = _joined(self._true)
        return Placed(corners=corners, classes=classes, pictures=pictures, crowds=crowds.astype(bool))

    @cached_property
    def matches(self) -> BoxMatches:
        """Who found what."""
        return BoxMatches(self.found, self.true, num_classes=len(self.classes), num_pictures=max(self._num_pictures, 1))

    def compute(self) -> dict[str, Any]:
        precision, recall = self.matches.precision(), self.matches.recall()
        support = np.array([one.num_true[0].sum() for one in self.matches.of_classes])
        return {
            "loss": self._loss.mean(),
            **self.matches.numbers(),
            "per_class": {
                name: {
                    "ap": float(precision[place].mean()),
                    "ap50": float(precision[place, 0].mean()),
                    "recall": float(recall[place].mean()),
                    "support": int(support[place]),
                }
                for place, name in enumerate(self.classes)
            },
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % bootstrap intervals of ``map``, ``ap50`` and ``ap75``; whole pictures are drawn."""
        return self.matches.intervals() if self._num_pictures else {}


def _joined(parts: list[tuple[npt.NDArray[Any], ...]]) -> tuple[npt.NDArray[Any], ...]:
    if not parts:
        return np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    return tuple(np.concatenate(each) for each in zip(*parts))
