"""Measurements of several columns at once: those of each, and the loss of all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from derin.data.batch import Batch
from derin.tasks.metrics.intervals import Interval
from derin.train.protocol import Outputs

if TYPE_CHECKING:
    from derin.tasks.multitask import MultiTask


class MultiTaskMetrics:
    """The measurements of each part under ``"<column>/<name>"``, and ``loss``, the weighted sum of all losses.

    Args:
        task: whose parts are measured.
    """

    def __init__(self, task: MultiTask) -> None:
        self._task = task
        self._parts = {column: part.metrics() for column, part in task.parts.items()}

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave."""
        task, target = self._task, batch[self._task.target]
        weights = batch.columns.get(task.weight)
        for (column, metrics), piece in zip(self._parts.items(), task.split_targets(target), strict=True):
            part = task.parts[column]
            columns = {part.target: piece} | ({} if weights is None else {part.weight: weights})
            metrics.update(task.of_part(column, outputs), Batch(columns, batch.rows))

    def compute(self) -> dict[str, Any]:
        parts = {column: metrics.compute() for column, metrics in self._parts.items()}
        # Each part's mean over the whole pass: parts have denominators of their own, where classes are weighted.
        found: dict[str, Any] = {
            "loss": sum(weight * parts[column]["loss"] for column, weight in self._task.loss_weights.items())
        }
        for column, measured in parts.items():
            found |= {f"{column}/{name}": value for name, value in measured.items()}
        return found

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of each part."""
        return {
            f"{column}/{name}": interval
            for column, metrics in self._parts.items()
            for name, interval in metrics.intervals().items()
        }
