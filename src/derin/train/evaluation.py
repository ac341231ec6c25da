"""Measuring a network on a split."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from derin.data.batch import Batch, open_batches
from derin.train.protocol import Outputs, Source, Task

if TYPE_CHECKING:
    from torch import nn

# Of the time for a measurement: so much for finding out how fast it goes, and so much for itself; the rest is spare.
_TRIED_SHARE, _USED_SHARE = 0.1, 0.75


def evaluate(
    model: nn.Module, task: Task, source: Source, *, autocast: AbstractContextManager[Any] | None = None
) -> dict[str, Any]:
    """The task's metrics over all batches of a source.

    The network is measured in eval mode, and every layer left in the mode in which it came.

    Args:
        autocast: the precision; None measures in the weights' own.
    """
    metrics = task.metrics()
    for outputs, batch in predict_batches(model, task, source, autocast=autocast):
        metrics.update(outputs, batch)
    return metrics.compute()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode; afterwards, come what may, the mode of every layer is put back."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def affordable(
    model: nn.Module,
    task: Task,
    source: Source,
    seconds: float,
    *,
    autocast: AbstractContextManager[Any] | None = None,
) -> int | None:
    """How many examples of a source can be measured in so many seconds; None where all of them can.

    A tenth of the time is taken for trying it on the first batches.
    """
    started, seen, took = time.perf_counter(), 0, 0.0
    for _, batch in predict_batches(model, task, source, autocast=autocast):
        seen += len(batch)
        took = time.perf_counter() - started
        if took >= _TRIED_SHARE * seconds:
            break
    rate = seen / max(took, 1e-9)  # examples per second
    num = int(rate * _USED_SHARE * seconds)
    return None if num >= source.num_examples else max(num, 1)


def predict_batches(
    model: nn.Module, task: Task, source: Source, *, autocast: AbstractContextManager[Any] | None = None
) -> Iterator[tuple[Outputs, Batch]]:
    """What the task predicts for each batch of a source, in eval mode and without gradients."""
    with evaluating(model), open_batches(source, 0) as batches:
        for batch in batches:
            with torch.inference_mode(), autocast or nullcontext():
                outputs = task.predict(model, batch)
            yield outputs, batch
