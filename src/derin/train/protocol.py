"""The small protocol between the training loop and whatever is trained.

The loop knows batches, losses and metrics; it knows no model, no picture and no class. A task joins them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from derin.data.batch import Batch, Source

if TYPE_CHECKING:
    from torch import Tensor, nn

Losses = dict[str, "Tensor"]
Outputs = dict[str, "Tensor"]

__all__ = ["Batch", "Losses", "Metrics", "Outputs", "Source", "Step", "Task", "update_single"]


class Metrics(Protocol):
    """Accumulates what a split's measurement needs, on the device where a sum is enough."""

    def update(self, outputs: Outputs, batch: Batch) -> None: ...

    def compute(self) -> dict[str, Any]:
        """Plain numbers by name, `loss` among them; what is no number (a confusion matrix) as nested lists."""
        ...

    def intervals(self) -> Any:
        """Between which bounds some of these lie, by name; empty where no examples tell."""
        ...


class Step(Protocol):
    """What the loop hands to `Task.update`: it owns precision, accumulation, clipping, optimisers and averages."""

    model: nn.Module
    index: int  # optimizer steps done since the start of training
    lr: float  # the learning rate of this step, for a task that makes its updates itself

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of the plan, for forward passes and losses; backward passes run outside."""
        ...

    def is_due(self, name: str) -> bool:
        """Whether the named network learns at this update; where not, `minimize` passes its loss over, and the task may
        leave its forward pass out.
        """
        ...

    def minimize(self, name: str, loss: Tensor, weight: Tensor | float = 1.0) -> None:
        """Backward pass of a mean loss and, when enough batches are accumulated, one update of the named optimizer.

        Only the parameters of that optimizer get a gradient: what a loss says of other networks on its way, a
        generator's of the discriminator, is not kept.

        Args:
            name: of the optimizer; ``"model"`` where there is one.
            loss: the mean over the batch.
            weight: the denominator of that mean: the number of examples, or the sum of their weights. It tells how
                much the batch counts among those that are accumulated.
        """
        ...


class Task(Protocol):
    """What a network is trained to do.

    A task with several networks has a method ``networks(model) -> dict[str, nn.Module]``; each gets an optimizer of
    that name. Its `update` moves them, and `loss` is never asked.

    A method ``make_samples(model, epoch, folder)`` is called after every epoch of a run, the evaluated weights in
    place; what it makes is a function of these arguments. Where `update` gives further scalars beside the loss and a
    tuple ``running`` names them, their means over the epoch stand in the log beside that of the loss.

    Attributes:
        name: in the registry of tasks.
        monitor: the metric by which states are compared (``"accuracy"``); None where there is none: then the last
            state is kept, nothing is measured between epochs and nothing stops early.
        maximize: whether a larger headline is better.
        forbids: precisions that the task cannot bear (``frozenset({"bf16"})``).
        state: what the task carries between steps; saved and restored.
    """

    name: str
    monitor: str | None
    maximize: bool
    forbids: frozenset[str]
    state: dict[str, Tensor]

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """The mean loss of a batch under ``"loss"``.

        Where it is no mean over the examples, ``"weight_sum"`` gives its denominator (the sum of the examples'
        weights, the number of tokens), so that accumulation and the mean over an epoch stay exact.
        """
        ...

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """Things with names, such as ``logits`` and ``probabilities``; the first axis of each is the example."""
        ...

    def metrics(self) -> Metrics:
        """A fresh accumulator."""
        ...

    def update(self, step: Step, batch: Batch) -> Losses:
        """One training step, and its losses as `loss` gives them. The usual one is `update_single`; adversarial
        training and the like have their own.
        """
        ...

    def to_json(self) -> Mapping[str, Any]:
        """What the card keeps, so that `tasks.task_from_json` builds the same task again."""
        ...


def update_single(task: Task, step: Step, batch: Batch) -> Losses:
    """The usual step: one network, one loss, one optimiser."""
    with step.autocast():
        losses = task.loss(step.model, batch)
    step.minimize("model", losses["loss"], losses.get("weight_sum", len(batch)))
    return losses
