"""Losses and metrics that are functions of the caller's own, in place of and beside those of a task."""

from __future__ import annotations

import copy
import functools
import inspect
import operator
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


class OutputLosses:
    """A loss for each named output of a network: Σ weight · loss(outputs[name], targets[name]).

    Args:
        functions: by the name of the output; see `OwnLoss`.
        weights: how much each counts; 1 where nothing is said.

    Raises:
        UsageError: a weight of an output that has no loss.

    Example:
        >>> squared, absolute = torch.nn.functional.mse_loss, torch.nn.functional.l1_loss
        >>> losses = OutputLosses({"size": squared, "age": absolute}, {"age": 10})
        >>> ones, zeros = torch.ones(4), torch.zeros(4)
        >>> losses({"size": ones, "age": ones}, {"size": zeros, "age": zeros})[0].item()
        11.0
    """

    def __init__(self, functions: Mapping[str, Loss], weights: Mapping[str, float] | None = None) -> None:
        self._functions = {name: OwnLoss(function) for name, function in functions.items()}
        self._weights = dict(weights or {})
        if unknown := set(self._weights) - set(self._functions):
            raise UsageError(
                f"loss_weights are of the outputs that have a loss: {', '.join(functions)}; got {min(unknown)!r}."
            )

    def parts(self, outputs: Any, target: Any, weights: Tensor | None = None) -> dict[str, Tensor]:
        """The mean loss of each output.

        Raises:
            UsageError: outputs or targets lack one of the names.
        """
        for what, found in (("The network gives", outputs), ("The targets are", target)):
            if not isinstance(found, Mapping) or not set(self._functions) <= set(found):
                came = ", ".join(found) if isinstance(found, Mapping) else f"a {type(found).__name__} without names"
                raise UsageError(
                    f"Each output that has a loss is found by its name: {', '.join(self._functions)}. {what} {came}."
                )
        return {name: loss(outputs[name], target[name], weights)[0] for name, loss in self._functions.items()}

    def joined(self, parts: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of the losses of the outputs."""
        scaled = (loss * self._weights[name] if name in self._weights else loss for name, loss in parts.items())
        return functools.reduce(operator.add, scaled)

    def __call__(self, outputs: Any, target: Any, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The weighted sum, and its denominator where examples are weighted."""
        return self.joined(self.parts(outputs, target, weights)), None if weights is None else weights.sum()


def read_loss(loss: Any, weights: Mapping[str, float] | None) -> OwnLoss | OutputLosses | None:
    """The loss that a caller gave: one, or one for each output; None where there are only names, as in a card."""
    if isinstance(loss, Mapping) and loss and all(callable(one) for one in loss.values()):
        return OutputLosses(loss, weights)
    if not callable(loss):
        return None
    if weights:
        raise UsageError("loss_weights belong to a loss for each output; give loss={name: function, …}.")
    return OwnLoss(loss)


class OwnMetrics:
    """The metrics of a task, and functions of the caller's own beside them.

    Args:
        inner: of the task; None where there are no others.
        functions: by name: a function of (outputs, targets) that gives the mean of a batch, whose means are averaged
            over the examples; or a class, or an object, with ``update(outputs, targets)`` and ``compute()``. Under the
            name of an output may stand such metrics of it by name, which are called ``"output/name"``.
        target: the name of the targets in a batch.
    """

    def __init__(self, inner: Metrics | None, functions: Functions, target: str) -> None:
        self._inner, self._target = inner, target
        functions, self._output_of = _by_output(functions)
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
        seen: Any = next(outputs[name] for name in _SEEN_BY_LOSSES if name in outputs)

        truth: Any = batch[self._target]

        def of(name: str) -> tuple[Any, Any]:
            output = self._output_of.get(name)
            return (seen, truth) if output is None else (seen[output], truth[output])

        for name, function in self._means.items():
            self._sums[name] = self._sums[name] + function(*of(name)) * len(batch)
        for name, each in self._objects.items():
            each.update(*of(name))
        self._num_examples += len(batch)

    def compute(self) -> dict[str, Any]:
        """All by name, as plain numbers where they are one number."""
        found = {} if self._inner is None else self._inner.compute()
        own = {name: total / self._num_examples for name, total in self._sums.items()}
        own |= {name: each.compute() for name, each in self._objects.items()}
        return {**found, **{name: _plain(name, value) for name, value in own.items()}}

    def intervals(self) -> dict[str, Any]:
        """Of the task's own metrics."""
        return {} if self._inner is None else self._inner.intervals()


def with_own_functions(task: Any, loss: Loss | Mapping[str, Loss] | None, metrics: Functions | None) -> Any:
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
    if isinstance(loss, Mapping) or any(isinstance(one, Mapping) for one in (metrics or {}).values()):
        raise UsageError(
            f"The task {task.name!r} has one output; losses and metrics for each output are for data of your own form."
        )
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
    for name, function in _by_output(functions)[0].items():
        if not callable(function) and not _accumulates(function):
            raise UsageError(
                f"The metric {name!r} must be a function of (outputs, targets), or have update and compute; got "
                f"{type(function).__name__}."
            )


def _by_output(functions: Functions) -> tuple[dict[str, Any], dict[str, str]]:
    """Metrics side by side, and of which output each is that stands under the name of one."""
    found: dict[str, Any] = {}
    output_of: dict[str, str] = {}
    for name, function in functions.items():
        if not isinstance(function, Mapping):
            found[name] = function
            continue
        for inner, one in function.items():
            found[f"{name}/{inner}"], output_of[f"{name}/{inner}"] = one, name
    return found, output_of


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
