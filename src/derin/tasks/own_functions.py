"""Losses and metrics that are functions of the caller's own, in place of and beside those of a task."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.core.own import name_of
from derin.data.batch import Batch
from derin.tasks.supervised import SupervisedTask
from derin.train.protocol import Metrics, Outputs

Loss = Callable[..., Any]
Functions = Mapping[str, Any]

# What a network gave, in the form that losses see, by the names that tasks have for it.
_SEEN_BY_LOSSES = ("logits", "standardized", "outputs")


class OwnLoss:
    """A function of the caller's own as the criterion of a task.

    Args:
        function: ``(outputs, targets) -> mean``, or with weights of the examples as its third argument.

    Raises:
        UsageError: it takes neither two arguments nor three.
    """

    def __init__(self, function: Loss) -> None:
        self.function, self.name = function, name_of(function).removeprefix("own:")
        self.takes_weights = _num_arguments(function) >= 3

    def __call__(self, outputs: Any, target: Any, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The mean loss, and its denominator where examples are weighted."""
        if weights is not None and not self.takes_weights:
            raise UsageError(
                f"The loss {self.name} must take (outputs, targets, weights), as the examples are weighted; it takes "
                "two arguments. Add the third, or leave the weights out."
            )
        loss = self.function(outputs, target) if weights is None else self.function(outputs, target, weights)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            came = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise UsageError(
                f"The loss {self.name} must give one number, the mean of the batch, as a tensor; got {came}."
            )
        return loss.reshape(()), None if weights is None else weights.sum()


class OwnMetrics:
    """The metrics of a task, and functions of the caller's own beside them.

    Args:
        inner: of the task; None where there are no others.
        functions: by name: a function of (outputs, targets) that gives the mean of a batch, whose means are averaged
            over the examples; or a class, or an object, with ``update(outputs, targets)`` and ``compute()``.
        target: the name of the targets in a batch.
    """

    def __init__(self, inner: Metrics | None, functions: Functions, target: str) -> None:
        self._inner, self._target = inner, target
        self._means = {name: f for name, f in functions.items() if not _accumulates(f)}
        self._objects = {
            name: f() if isinstance(f, type) else copy.deepcopy(f) for name, f in functions.items() if _accumulates(f)
        }
        self._sums: dict[str, Any] = dict.fromkeys(self._means, 0.0)
        self._num_examples = 0

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what the task's `predict` gave."""
        if self._inner is not None:
            self._inner.update(outputs, batch)
        seen = next(outputs[name] for name in _SEEN_BY_LOSSES if name in outputs)
        for name, function in self._means.items():
            self._sums[name] = self._sums[name] + function(seen, batch[self._target]) * len(batch)
        for each in self._objects.values():
            each.update(seen, batch[self._target])
        self._num_examples += len(batch)

    def compute(self) -> dict[str, Any]:
        """All by name, as plain numbers where they are one number."""
        found = {} if self._inner is None else self._inner.compute()
        own = {name: total / self._num_examples for name, total in self._sums.items()}
        own |= {name: each.compute() for name, each in self._objects.items()}
        return {**found, **{name: _plain(name, value) for name, value in own.items()}}

    def intervals(self) -> dict[str, Any]:
        """Of the task's own metrics."""
        return {} if self._inner is None else self._inner.intervals()  # type: ignore[attr-defined]


def with_own_functions(task: Any, loss: Loss | None, metrics: Functions | None) -> Any:
    """The task with a loss of the caller's own in place of its own, and metrics beside its own.

    Nothing of them is kept in a card: who predicts needs neither.

    Raises:
        UsageError: the task has no one loss of outputs and targets.
    """
    if loss is None and not metrics:
        return task
    if hasattr(task, "with_functions"):
        return task.with_functions(loss, metrics)
    if not isinstance(task, SupervisedTask):
        raise UsageError(f"The task {task.name!r} has its own loss and metrics; leave loss and metrics out.")
    check_metrics(metrics or {})
    if loss is not None:
        task.criterion = task.plain_criterion = OwnLoss(loss)  # type: ignore[method-assign]
    if metrics:
        of_task, target = task.metrics, task.target
        task.metrics = lambda: OwnMetrics(of_task(), metrics, target)  # type: ignore[method-assign]
    return task


def check_metrics(functions: Functions) -> None:
    """Refuses metrics that cannot be called.

    Raises:
        UsageError: naming the first such one.
    """
    for name, function in functions.items():
        if not callable(function) and not _accumulates(function):
            raise UsageError(
                f"The metric {name!r} must be a function of (outputs, targets), or have update and compute; got "
                f"{type(function).__name__}."
            )


def _accumulates(function: Any) -> bool:
    return hasattr(function, "update") and hasattr(function, "compute")


def _num_arguments(function: Loss) -> int:
    """How many arguments it takes by position; two where that cannot be found out."""
    if isinstance(function, torch.nn.Module):
        function = function.forward
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 3
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    # A third argument with another name and a default is a setting, as `reduction` is.
    asked = [p for p in needed if p.default is p.empty or p.name in ("weight", "weights")]
    if len(asked) < 2 or len(asked) > 3:
        raise UsageError(
            f"The loss {name_of(function).removeprefix('own:')} must take (outputs, targets) or (outputs, targets, "
            f"weights); it needs {len(asked)} arguments."
        )
    # Torch's own losses have weights of classes second, and the weights of examples nowhere.
    return 2 if getattr(function, "__module__", "") == "torch.nn.functional" else len(asked)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Tensor):
        value = value.item() if value.numel() == 1 else value.tolist()
    return float(value) if hasattr(value, "__float__") and not isinstance(value, bool | int) else value
