"""Measuring a network on a split."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from derin.data.batch import Batch
from derin.train.protocol import Outputs, Source, Task

if TYPE_CHECKING:
    from torch import nn


def evaluate(
    model: nn.Module, task: Task, source: Source, *, autocast: AbstractContextManager[Any] | None = None
) -> dict[str, Any]:
    """The task's metrics over all batches of a source.

    The network is measured in eval mode and left in the mode in which it came.

    Args:
        autocast: the precision; None measures in the weights' own.
    """
    metrics = task.metrics()
    for outputs, batch in predict_batches(model, task, source, autocast=autocast):
        metrics.update(outputs, batch)
    return metrics.compute()


def predict_batches(
    model: nn.Module, task: Task, source: Source, *, autocast: AbstractContextManager[Any] | None = None
) -> Iterator[tuple[Outputs, Batch]]:
    """What the task predicts for each batch of a source, in eval mode and without gradients."""
    was_training = model.training
    model.eval()
    try:
        for batch in source.batches(0):
            with torch.inference_mode(), autocast or nullcontext():
                outputs = task.predict(model, batch)
            yield outputs, batch
    finally:
        model.train(was_training)
