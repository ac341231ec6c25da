"""Is a gradient right? Three answers side by side: the engine's, autograd's, and that of central differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from derin.core.errors import UsageError
from derin.explain.trace import engine
from derin.explain.trace.capture import capture
from derin.explain.trace.experiment import Experiment, experiment
from derin.explain.trace.objective import Loss
from derin.explain.trace.operation import Array
from derin.explain.trace.trace import relative_difference

# Below this share of the model's largest gradient a tensor's gradient is rounding, and is compared as it stands.
_NEGLIGIBLE = 1e-10
# Central differences lose about 1e-16/step of the loss to rounding; below this share of the model's largest gradient
# that loss would be all there is.
_NUMERICALLY_NEGLIGIBLE = 1e-4
# Where a ReLU or a maximum turns within the step, a shorter step finds the slope; a wrong gradient is wrong for all.
_STEPS = (1e-5, 1e-6, 1e-7)
_GOOD_ENOUGH = 1e-6
# Slopes to the left and to the right that are further apart than this are a corner, not a bend.
_CORNER = 1e-3


@dataclass(frozen=True, kw_only=True)
class GradientReport:
    """What was found of one parameter or input.

    Args:
        name: dotted name of the parameter; ``x``, or ``x1``, ``x2`` … of an input.
        shape: of the tensor.
        largest: the largest |gradient|, by autograd.
        relative_error: engine against autograd: the largest |a − b| divided by `largest`; undivided where that is
            below 1e-10 of the largest gradient of the model.
        numeric_error: central differences against autograd at the cells that were tried, divided likewise; undivided
            where `largest` is below 1e-4 of the largest gradient of the model.
        num_tried: how many cells were tried by central differences.
    """

    name: str
    shape: tuple[int, ...]
    largest: float
    relative_error: float
    numeric_error: float
    num_tried: int


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """The whole report.

    Args:
        loss: by the engine.
        loss_error: engine against PyTorch, relative.
        tensors: one report for each parameter, then for each input of real numbers.
    """

    loss: float
    loss_error: float
    tensors: tuple[GradientReport, ...]

    @property
    def max_relative_error(self) -> float:
        """The worst of engine against autograd, over gradients and the loss itself."""
        return max([self.loss_error, *(one.relative_error for one in self.tensors)])

    @property
    def max_numeric_error(self) -> float:
        """The worst of central differences against autograd."""
        return max((one.numeric_error for one in self.tensors), default=0.0)

    def __str__(self) -> str:
        width = max([len("tensor"), *(len(one.name) for one in self.tensors)])
        lines = [f"{'tensor':<{width}}  {'shape':<14}  {'largest':>9}  {'engine':>8}  {'numeric':>8}  tried"]
        for one in self.tensors:
            shape = "×".join(map(str, one.shape)) or "1"
            lines.append(
                f"{one.name:<{width}}  {shape:<14}  {one.largest:9.3g}  {one.relative_error:8.1e}  "
                f"{one.numeric_error:8.1e}  {one.num_tried}"
            )
        lines.append(
            f"loss {self.loss:.6g}; worst: engine against autograd {self.max_relative_error:.1e}, "
            f"central differences against autograd {self.max_numeric_error:.1e}"
        )
        return "\n".join(lines)


def gradcheck(
    model: nn.Module,
    batch: Any,
    *,
    loss: str | Loss | None = None,
    training: bool | None = None,
    num_tried: int = 5,
    seed: int = 0,
) -> GradientCheck:
    """Compares the gradients of a network from three sources, in float64 on a copy of it.

    The engine's (`derin.explain.trace.engine`, NumPy alone), autograd's of the network itself, and central
    differences (J(w + h) − J(w − h))/2h of PyTorch's forward pass; at a corner, such as a ReLU of 0, the slope must
    lie between those of both sides.

    Args:
        model: any network that `derin.explain.trace.trace.trace` can read; it stays as it is.
        batch: ``(inputs, targets)``; several inputs are a tuple themselves.
        loss: see `derin.explain.trace.objective.objective_of`; None reads it off the targets.
        training: the mode; None takes the one that the model is in.
        num_tried: cells of each tensor that central differences try: the one with the largest gradient, and others
            drawn by the seed.
        seed: of that draw and of what the network draws.

    Raises:
        UsageError: the batch is not a pair, or the network cannot be run or traced.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
        >>> report = gradcheck(network, (torch.randn(7, 3), torch.tensor([0, 1, 1, 0, 1, 0, 0])))
        >>> report.max_relative_error < 1e-12, report.max_numeric_error < 1e-6, len(report.tensors)
        (True, True, 5)
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise UsageError(f"gradcheck needs a batch (inputs, targets); got {type(batch).__name__}.")
    if num_tried < 0:
        raise UsageError(f"gradcheck.num_tried must be at least 0; got {num_tried}.")
    made = experiment(model, batch[0], batch[1], loss=loss, training=training, seed=seed)
    captured = capture(made)
    values = engine.run(captured.graph, captured.given)
    ours = engine.backward(captured.graph, values)
    expected, found = made.autograd()
    theirs = {
        name: np.zeros(tuple(made.named[name].shape)) if gradient is None else gradient.numpy()
        for name, gradient in found.items()
    }
    largest = max((float(np.abs(one).max()) for one in theirs.values() if one.size), default=0.0)
    reports = [
        _report(made, name, ours.get(name, np.zeros_like(gradient)), gradient, largest, num_tried)
        for name, gradient in theirs.items()
    ]
    own = values[captured.graph.output]
    return GradientCheck(
        loss=float(own),
        loss_error=relative_difference(own, np.array(expected)),
        tensors=tuple(reports),
    )


def _report(made: Experiment, name: str, ours: Array, theirs: Array, largest: float, num_tried: int) -> GradientReport:
    own = float(np.abs(theirs).max()) if theirs.size else 0.0
    scale = own if own > _NUMERICALLY_NEGLIGIBLE * largest else 1.0
    cells = _chosen(theirs, num_tried, made.seed)
    return GradientReport(
        name=name,
        shape=theirs.shape,
        largest=own,
        relative_error=relative_difference(ours, theirs, _NEGLIGIBLE * largest),
        numeric_error=max(
            (_numeric_error(made, name, cell, float(theirs[cell]), scale) for cell in cells), default=0.0
        ),
        num_tried=len(cells),
    )


def _chosen(gradient: Array, count: int, seed: int) -> list[tuple[int, ...]]:
    """The cell of the largest gradient, and others by chance, each once."""
    if count == 0 or gradient.size == 0:
        return []
    drawn = np.random.default_rng(seed).permutation(gradient.size)
    flat = dict.fromkeys([int(np.abs(gradient).argmax()), *map(int, drawn[:count])])
    return [tuple(map(int, np.unravel_index(place, gradient.shape))) for place in list(flat)[:count]]


def _numeric_error(made: Experiment, name: str, cell: tuple[int, ...], slope: float, scale: float) -> float:
    moved = _moved(made, name, cell)
    best = float("inf")
    for step in _STEPS:
        best = min(best, abs((moved(step) - moved(-step)) / (2 * step) - slope) / scale)
        if best < _GOOD_ENOUGH:
            return best
    here, step = moved(0.0), _STEPS[1]
    left, right = sorted(((moved(step) - here) / step, (here - moved(-step)) / step))
    if right - left < _CORNER * scale:
        return best
    # A corner at this very place, such as a ReLU of 0: any slope between both sides is right.
    return min(best, max(0.0, left - slope, slope - right) / scale)


def _moved(made: Experiment, name: str, cell: tuple[int, ...]) -> Callable[[float], float]:
    """The loss as one cell is moved."""

    def loss(by: float) -> float:
        value = made.named[name].clone()
        value[cell] += by
        with torch.no_grad():
            return float(made.loss({name: value}))

    return loss
