"""Measurements of segmentation: how far predicted and true regions of each class agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.counts import Floats
from derin.tasks.metrics.intervals import Interval, bootstrap
from derin.tasks.metrics.sums import LossSum
from derin.train.protocol import Outputs


def confusions(predicted: Tensor, true: Tensor, num_classes: int) -> Tensor:
    """How many pixels of each picture have which true and which predicted class; others than classes do not count.

    Args:
        predicted: class numbers.
        true: class numbers; a pixel without a class has another number.
        num_classes: K.

    Shapes:
        two of ``(B, H, W)`` int64 → ``(B, K, K)`` int64, rows true, columns predicted.

    Example:
        >>> confusions(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 255]]]), 2).tolist()
        [[[1, 1], [0, 0]]]
    """
    num, cells = len(true), num_classes * num_classes
    known = (true >= 0) & (true < num_classes)
    # What does not count falls into one cell behind all others, so that nothing waits for the device.
    places = torch.where(known, true * num_classes + predicted, cells).flatten(1)
    counts = torch.zeros(num, cells + 1, dtype=torch.int64, device=true.device)
    counts.scatter_add_(1, places, torch.ones_like(places))
    return counts[:, :cells].view(num, num_classes, num_classes)


class SegmentationMetrics:
    """Adds up on the device, without waiting for it, what one pass over a split needs.

    Args:
        classes: names of the classes.

    With t true, p predicted and r rightly predicted pixels of a class, over all pictures together, its IoU is
    r / (t + p − r) and its Dice 2 r / (t + p). `compute` gives ``loss``, ``mean_iou`` and ``dice``, their means over
    the classes that occur in the truth or in the prediction, ``pixel_accuracy``, ``per_class`` (``iou``, its 95 %
    bootstrap interval over pictures ``iou_interval``, ``dice``, ``support`` in pixels by name; NaN where a class never
    occurs) and ``confusion``. Void pixels count nowhere.

    Source: M. Everingham et al., "The PASCAL visual object classes challenge: a retrospective", IJCV 111, 2015.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self._loss = LossSum()
        self._confusion: Tensor | None = None  # (K, K)
        self._pictures: list[Tensor] = []  # (B, 3, K) each: right, predicted, true

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            outputs ``classes`` ``(B, H, W)`` int64, ``loss`` and ``loss_weight`` ``(B,)``; target ``(B, H, W)`` int64.
        """
        found = confusions(outputs["classes"], batch["target"], len(self.classes))
        weight = outputs["loss_weight"].sum()
        self._loss.add(outputs["loss"].sum() / weight.clamp(min=1e-12), weight, batch)
        total = found.sum(dim=0)
        self._confusion = total if self._confusion is None else self._confusion + total
        self._pictures.append(torch.stack([found.diagonal(dim1=1, dim2=2), found.sum(dim=1), found.sum(dim=2)], dim=1))

    def compute(self) -> dict[str, Any]:
        num = len(self.classes)
        confusion = np.zeros((num, num)) if self._confusion is None else self._confusion.cpu().numpy()
        right, predicted, true = (
            c.astype(np.float64) for c in (np.diag(confusion), confusion.sum(0), confusion.sum(1))
        )
        iou, dice = overlaps(right, predicted, true)
        return {
            "loss": self._loss.mean(),
            "mean_iou": float(_mean_of_known(iou)),
            "dice": float(_mean_of_known(dice)),
            "pixel_accuracy": float(right.sum() / true.sum()) if true.sum() else float("nan"),
            "per_class": {
                name: {"iou": i, "iou_interval": list(bounds), "dice": d, "support": int(n)}
                for name, i, bounds, d, n in zip(
                    self.classes, iou.tolist(), self._of_classes(), dice.tolist(), true.tolist()
                )
            },
            "confusion": confusion.astype(np.int64).tolist(),
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % bootstrap intervals of ``mean_iou``, ``dice`` and ``pixel_accuracy``; whole pictures are drawn."""
        return bootstrap(self._counts(), self._of_pictures)

    def _counts(self) -> Floats:
        """Of each picture ``(N, 3 · K)``."""
        pictures = torch.cat(self._pictures) if self._pictures else torch.zeros(0, 3, len(self.classes))
        counts: Floats = pictures.cpu().double().flatten(1).numpy()
        return counts

    def _of_classes(self) -> list[Interval]:
        """The interval of each class's IoU; of few pictures, a resample in which the class occurs nowhere is left
        out.
        """
        names = [str(place) for place in range(len(self.classes))]

        def of_each(means: Floats) -> dict[str, Floats]:
            right, predicted, true = means.reshape(len(means), 3, -1).transpose(1, 0, 2)
            return dict(zip(names, overlaps(right, predicted, true)[0].T))

        found = bootstrap(self._counts(), of_each)
        return [found.get(name, (math.nan, math.nan)) for name in names]

    def _of_pictures(self, means: Floats) -> dict[str, Floats]:
        right, predicted, true = means.reshape(len(means), 3, -1).transpose(1, 0, 2)
        iou, dice = overlaps(right, predicted, true)
        pixels = true.sum(axis=1)
        accuracy = np.divide(right.sum(axis=1), pixels, out=np.full_like(pixels, np.nan), where=pixels > 0)
        return {"mean_iou": _mean_of_known(iou), "dice": _mean_of_known(dice), "pixel_accuracy": accuracy}


def overlaps(right: Floats, predicted: Floats, true: Floats) -> tuple[Floats, Floats]:
    """IoU and Dice from counts of pixels; NaN for a class that is neither true nor predicted anywhere.

    Shapes:
        three of ``(..., K)`` → two of ``(..., K)``.

    Example:
        >>> iou, dice = overlaps(*(np.array([n]) for n in (2.0, 3.0, 4.0)))
        >>> round(float(iou[0]), 3), round(float(dice[0]), 3)
        (0.4, 0.571)
    """
    both = predicted + true
    nothing = np.full_like(both, np.nan)
    iou = np.divide(right, both - right, out=nothing.copy(), where=both > 0)
    return iou, np.divide(2 * right, both, out=nothing, where=both > 0)


def _mean_of_known(values: Floats) -> Any:
    """The mean over the last axis of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    num = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, num, out=np.full_like(total, np.nan), where=num > 0)
