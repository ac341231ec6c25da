"""Measurements of regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.intervals import Floats, Interval, bootstrap
from derin.tasks.metrics.sums import Collected, LossSum, wide_dtype
from derin.train.protocol import Outputs

Criterion = Callable[[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor | None]]


class RegressionMetrics:
    """Adds up errors on the device and tells them in the target's own unit.

    Args:
        std: the factor from standardised numbers to the unit, for each number.
        criterion: the task's loss of (standardised output, target, weights).

    `compute` gives ``loss`` (the training criterion, on standardised numbers), ``mae``, ``mse``, ``rmse``, ``r2``
    and, for several numbers, ``per_output`` with the same of each; the plain values then are their means, as in
    scikit-learn. R² = 1 − Σ(t − o)² / Σ(t − t̄)² is NaN where the target does not vary.
    """

    def __init__(self, std: Sequence[float], criterion: Criterion) -> None:
        self._std = np.array(std, dtype=np.float64)
        self._criterion = criterion
        self._loss = LossSum()
        self._collected = Collected()
        self._sums: Tensor | None = None  # (2, D): absolute and squared errors
        self._mean: Tensor | None = None  # (D,) of the targets so far
        self._spread: Tensor | None = None  # (D,) Σ (t − t̄)² of the targets so far
        self._num_examples = 0

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            standardized and target alike, ``(B,)`` or ``(B, D)``.
        """
        standardized, target = outputs["standardized"], batch["target"]
        self._loss.add(*self._criterion(standardized, target, batch.columns.get("weight")), batch)
        wide = wide_dtype(target.device)
        target = target.to(wide).reshape(len(target), -1)
        errors = standardized.to(wide).reshape(len(target), -1) - target
        sums = torch.stack([errors.abs().sum(dim=0), errors.square().sum(dim=0)])
        mean = target.mean(dim=0)
        spread = (target - mean).square().sum(dim=0)
        num, before = len(target), self._num_examples
        if self._sums is None or self._mean is None or self._spread is None:
            self._sums, self._mean, self._spread = sums, mean, spread
        else:
            # Chan's merge of two groups: no difference of large sums, so nothing cancels.
            delta = mean - self._mean
            self._sums = self._sums + sums
            self._mean = self._mean + delta * (num / (before + num))
            self._spread = self._spread + spread + delta.square() * (before * num / (before + num))
        self._num_examples += num
        self._collected.add(errors, target)

    def compute(self) -> dict[str, Any]:
        num = self._num_examples
        if self._sums is None or self._spread is None or not num:
            nan = float("nan")
            return {"loss": nan, "mae": nan, "mse": nan, "rmse": nan, "r2": nan}
        absolute, squared = self._sums.double().cpu().numpy()
        spread = self._spread.double().cpu().numpy()
        share = np.divide(squared, spread, out=np.full_like(spread, np.nan), where=spread > 0)
        each = {
            "mae": absolute / num * self._std,
            "mse": squared / num * self._std**2,
            "rmse": np.sqrt(squared / num) * self._std,
            "r2": 1 - share,
        }
        result: dict[str, Any] = {"loss": self._loss.mean()} | {k: float(v.mean()) for k, v in each.items()}
        if len(self._std) > 1:
            result["per_output"] = {k: v.tolist() for k, v in each.items()}
        return result

    def intervals(self) -> dict[str, Interval]:
        """95 % bootstrap intervals of ``mae``, ``mse``, ``rmse`` and ``r2``; none where more came than is kept."""
        arrays = self._collected.arrays()
        if arrays is None:
            return {}
        errors, targets = (array.double().numpy() for array in arrays)
        centered = targets - targets.mean(axis=0)
        parts = [np.abs(errors), np.square(errors), centered, np.square(centered)]
        return bootstrap(np.concatenate(parts, axis=1), self._of_means)

    def _of_means(self, means: Floats) -> dict[str, Floats]:
        """The metrics of resamples from the means of |e|, e², t and t², ``(R, 4 · D)`` → ``(R,)`` each."""
        absolute, squared, target, target_squared = np.split(means, 4, axis=1)
        spread = target_squared - np.square(target)
        share = np.divide(squared, spread, out=np.full_like(spread, np.nan), where=spread > 0)
        return {
            "mae": (absolute * self._std).mean(axis=1),
            "mse": (squared * self._std**2).mean(axis=1),
            "rmse": (np.sqrt(squared) * self._std).mean(axis=1),
            "r2": (1 - share).mean(axis=1),
        }
