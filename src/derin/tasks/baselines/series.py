"""What a network must beat on a series: the last value, the last season, the last year, and the best linear forecast.

The linear one is ridge regression in closed form, chosen on the validation split among three ways of reading a window
(as it is, relative to its last step, relative to its mean) and thirteen penalties. Targets share their weights.

Source: A. Zeng et al., "Are Transformers effective for time series forecasting?", AAAI 2023, arXiv:2205.13504; W.
    Toner, L. Darlow, "An analysis of linear time series forecasting models", ICML 2024, arXiv:2403.14587 (they have a
    closed form); A. E. Hoerl, R. W. Kennard, "Ridge regression", Technometrics 12, 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from derin.core.errors import RefusedFileError
from derin.data.batch import Batch, Source

NAIVE, SEASONAL_NAIVE, YEARLY_NAIVE, LINEAR = "naive", "seasonal_naive", "yearly_naive", "linear"
_LEVELS = ("none", "last", "mean")
# Of standardized values; multiplied by the number of examples over a thousand, so that it means alike for any series.
_PENALTIES = tuple(10.0 ** (half / 2) for half in range(-6, 7))
_PER_EXAMPLES = 1_000
_INPUT, _TARGET = "input", "target"


class Baseline(Protocol):
    """A forecast without training by gradients."""

    @property
    def name(self) -> str: ...

    def forecast(self, x: Tensor) -> Tensor:
        """The horizon of windows of standardized values, ``(B, steps, F)`` → ``(B, horizon, C)``."""
        ...


@dataclass(frozen=True)
class Naive:
    """The last value again and again.

    Args:
        num_targets: variables that are forecast, the first ones.
        horizon: steps.

    Example:
        >>> Naive(1, 3).forecast(torch.tensor([[[1.0], [2.0]]])).flatten().tolist()
        [2.0, 2.0, 2.0]
    """

    num_targets: int
    horizon: int
    name: str = NAIVE

    def forecast(self, x: Tensor) -> Tensor:
        return x[:, -1:, : self.num_targets].expand(-1, self.horizon, -1)


@dataclass(frozen=True)
class SeasonalNaive:
    """The last season again and again.

    Args:
        num_targets: variables that are forecast, the first ones.
        horizon: steps.
        season: steps after which the series is expected to repeat.

    Example:
        >>> SeasonalNaive(1, 3, season=2).forecast(torch.tensor([[[9.0], [1.0], [2.0]]])).flatten().tolist()
        [1.0, 2.0, 1.0]
    """

    num_targets: int
    horizon: int
    season: int
    name: str = SEASONAL_NAIVE

    def forecast(self, x: Tensor) -> Tensor:
        last = x[:, -self.season :, : self.num_targets]
        return last[:, torch.arange(self.horizon, device=x.device) % self.season]


@dataclass(frozen=True)
class Linear:
    """A linear forecast, alike for every target.

    Args:
        weights: of the steps that were looked at, of the further variables, and of a constant.
        num_targets: variables that are forecast, the first ones.
        level: what a window is read relative to: ``"none"``, ``"last"`` or ``"mean"``.
        num_other_steps: the last so many steps of the further variables are read.
        penalty: of the squared weights, for an account of how it was chosen.

    Shapes:
        weights ``(steps + num_other_steps · K + 1, horizon)``.
    """

    weights: Tensor
    num_targets: int
    level: str
    num_other_steps: int
    penalty: float
    name: str = LINEAR

    def forecast(self, x: Tensor) -> Tensor:
        inputs, center = _regressors(x, self.num_targets, self.level, self.num_other_steps)
        found = inputs @ self.weights.to(inputs.device) + center
        return found.unflatten(0, (len(x), self.num_targets)).transpose(1, 2).to(x)

    def tensors(self) -> dict[str, Tensor]:
        """What a file keeps."""
        level = torch.tensor(_LEVELS.index(self.level))
        numbers = torch.tensor([self.num_targets, self.num_other_steps])
        penalty = torch.tensor(self.penalty, dtype=torch.float64)
        return {"weights": self.weights, "level": level, "numbers": numbers, "penalty": penalty}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], *, input_shape: tuple[int, int], horizon: int) -> Linear:
        """What `tensors` gave.

        Raises:
            RefusedFileError: something in it does not fit.
        """
        shapes = {"weights": 2, "level": 0, "numbers": 1, "penalty": 0}
        if set(tensors) != set(shapes) or any(tensors[n].ndim != axes for n, axes in shapes.items()):
            raise RefusedFileError("The file of the linear baseline is damaged; train again.")
        steps, num_variables = input_shape
        num_targets, num_other_steps = (int(n) for n in tensors["numbers"].tolist()[:2])
        level = int(tensors["level"])
        rows = steps + num_other_steps * (num_variables - num_targets) + 1
        fits = 1 <= num_targets <= num_variables and 0 <= num_other_steps <= steps and 0 <= level < len(_LEVELS)
        if not fits or tuple(tensors["weights"].shape) != (rows, horizon):
            raise RefusedFileError("The linear baseline does not fit its network; train again.")
        return cls(tensors["weights"], num_targets, _LEVELS[level], num_other_steps, float(tensors["penalty"]))


def fit_linear(
    train: Source, validation: Source | None, *, num_targets: int, season: int
) -> tuple[Linear, dict[str, float]]:
    """Ridge regression over all training windows, its way of reading and its penalty chosen on the validation ones.

    Everything that choosing needs is in sums of products, so that each split is read once: with G = Σ aaᵀ, R = Σ ayᵀ
    and Y = Σ y², the squared error of weights W is Y − 2 tr(WᵀR) + tr(WᵀGW). Windows with a missing target are left
    out.

    Args:
        train: training windows.
        validation: windows to choose on; without them the smallest penalty on windows relative to their last step.
        num_targets: variables that are forecast, the first ones.
        season: so many steps, or the horizon where that is longer, are read of the further variables.

    Returns:
        the forecast, and the validation error of the best penalty of each way of reading.
    """
    horizon = next(iter(train.batches(0)))[_TARGET].shape[1]
    num_other_steps = max(horizon, season)
    best: tuple[float, Linear] | None = None
    errors: dict[str, float] = {}
    for level in _LEVELS if validation is not None else ("last",):
        gram, cross, _, count = _sums(train, num_targets, level, num_other_steps)
        num_other = min(num_other_steps, next(iter(train.batches(0)))[_INPUT].shape[1])
        judged = None if validation is None else _sums(validation, num_targets, level, num_other_steps)
        for penalty in _PENALTIES if judged is not None else _PENALTIES[:1]:
            weights = _solve(gram, cross, penalty * count / _PER_EXAMPLES)
            error = 0.0
            if judged is not None:
                g, r, squares, num = judged
                error = float(squares - 2 * (weights * r).sum() + (weights * (g @ weights)).sum()) / (num * horizon)
            found = Linear(weights, num_targets, level, num_other, penalty)
            errors[level] = min(error, errors.get(level, float("inf")))
            if best is None or error < best[0]:
                best = (error, found)
    assert best is not None
    return best[1], errors


def _solve(gram: Tensor, cross: Tensor, penalty: float) -> Tensor:
    """(G + λI)⁻¹ R; the constant, which comes last, bears no penalty."""
    diagonal = torch.full((len(gram),), penalty, dtype=gram.dtype, device=gram.device)
    diagonal[-1] = 1e-9  # not 0, lest a series that stands still leaves nothing to invert
    return torch.linalg.solve(gram + torch.diag(diagonal), cross)


def _sums(source: Source, num_targets: int, level: str, num_other_steps: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Σ aaᵀ, Σ ayᵀ, Σ y² and the number of examples."""
    gram: Any = 0
    cross: Any = 0
    squares: Any = 0
    count: Any = 0
    for inputs, targets in _examples(source, num_targets, level, num_other_steps):
        gram, cross = gram + inputs.T @ inputs, cross + inputs.T @ targets
        squares, count = squares + targets.square().sum(), count + len(inputs)
    return gram, cross, squares, max(1, count)


def _examples(source: Source, num_targets: int, level: str, num_other_steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Regressors and targets of each batch, both relative to the window's level, in float64."""
    for batch in source.batches(0):
        inputs, center = _regressors(batch[_INPUT], num_targets, level, num_other_steps)
        targets = _rows_of_targets(batch).to(center) - center
        whole = targets.isfinite().all(dim=1)
        yield inputs[whole], targets[whole]


def _rows_of_targets(batch: Batch) -> Tensor:
    """``(B, horizon, C)`` → ``(B · C, horizon)``."""
    return batch[_TARGET].transpose(1, 2).flatten(0, 1)


def _regressors(x: Tensor, num_targets: int, level: str, num_other_steps: int) -> tuple[Tensor, Tensor]:
    """Each target of each window as one example: its steps, those of the further variables, and 1.

    Shapes:
        ``(B, steps, F)`` → ``(B · C, R)``, ``(B · C, 1)``; float64.
    """
    # Apple's GPU has no float64, which sums over a long series need.
    wide = x.cpu().double() if x.device.type == "mps" else x.double()
    series = wide[..., :num_targets].transpose(1, 2).flatten(0, 1)
    others = wide[:, -num_other_steps:, num_targets:].flatten(1).repeat_interleave(num_targets, dim=0)
    if level == "last":
        center = series[:, -1:]
    elif level == "mean":
        center = series.mean(dim=1, keepdim=True)
    else:
        center = torch.zeros_like(series[:, :1])
    return torch.cat([series - center, others, torch.ones_like(series[:, :1])], dim=1), center
