"""What the networks that forecast share: a window of steps in, all steps of the horizon out at once, moved to the level
of their own window.

A series drifts: what was its mean in training is not its mean today. Each window is therefore read relative to its own
last step or to its own mean and spread, and the forecast is moved back.

Source: T. Kim et al., "Reversible instance normalization for accurate time-series forecasting against distribution
    shift", ICLR 2022 (mean and spread, here without its learned scale); A. Zeng et al., "Are Transformers effective for
    time series forecasting?", AAAI 2023, arXiv:2205.13504 (last step).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.options import require_range
from derin.models.network import Network

Level = Literal["none", "last", "spread"]
# Of a variable whose spread over all training steps is 1: a window that hardly moves is not blown up beyond this.
_LEAST_VARIANCE = 1e-4
_LEAST_OTHER_STEPS = 24


@dataclass(frozen=True, kw_only=True)
class SeriesOptions:
    """Options of every network that forecasts.

    Args:
        targets: how many variables of a step, the first ones, are forecast.
    """

    targets: int = 1

    def __post_init__(self) -> None:
        require_range("series", "targets", self.targets, 1)


class SeriesNetwork(Network):
    """Base of the networks that forecast.

    Args:
        input_shape: steps that are looked at, and variables of each; the targets come first.
        num_outputs: steps of the horizon times targets.
        options: with `targets` among them.
        level: what a window's targets are read relative to: nothing, their last step, or their mean and spread.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``, the targets of the first step first.

    Raises:
        ShapeError: the outputs are no whole number of steps, or there are more targets than variables.
    """

    def __init__(
        self, input_shape: tuple[int, ...], num_outputs: int, options: SeriesOptions, *, level: Level = "none"
    ) -> None:
        super().__init__(input_shape, options=options)
        if len(input_shape) != 2 or input_shape[1] < options.targets or num_outputs % options.targets:
            raise ShapeError(
                f"{type(self).__name__} needs input_shape=(steps, variables) with at least targets={options.targets} "
                f"variables, and that many outputs for each step of the horizon; got input_shape={tuple(input_shape)}, "
                f"num_outputs={num_outputs}."
            )
        self.context_length, self.num_variables = input_shape
        self.num_targets, self.horizon, self.level = options.targets, num_outputs // options.targets, level

    def forward(self, x: Tensor) -> Tensor:
        x = self.require(x)
        targets, others = x[..., : self.num_targets], x[..., self.num_targets :]
        if self.level == "none":
            return self.forecast(targets, others).flatten(1)
        if self.level == "last":
            center = targets[:, -1:]
            return (self.forecast(targets - center, others) + center).flatten(1)
        center = targets.mean(dim=1, keepdim=True)
        moved = targets - center
        spread = ((moved * moved).mean(dim=1, keepdim=True) + _LEAST_VARIANCE).sqrt()
        return (self.forecast(moved / spread, others) * spread + center).flatten(1)

    @abstractmethod
    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        """The horizon, relative to the window's level.

        Shapes:
            targets ``(B, steps, C)``, others ``(B, steps, F − C)`` → ``(B, horizon, C)``.
        """


class OtherVariables(nn.Module):
    """What the last steps of the further variables add to the forecast, linearly.

    So many steps as the horizon has, at least a day of hours, are read: of variables that are known in advance they
    hold the future, and of others what lies further back says little.

    Shapes:
        ``(B, steps, K)`` → ``(B, horizon, C)``.
    """

    def __init__(self, context_length: int, num_others: int, horizon: int, num_targets: int) -> None:
        super().__init__()
        self.num_steps = min(context_length, max(horizon, _LEAST_OTHER_STEPS))
        self.horizon, self.num_targets = horizon, num_targets
        self.linear = nn.Linear(self.num_steps * num_others, horizon * num_targets, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, others: Tensor) -> Tensor:
        last = others[:, -self.num_steps :].flatten(1)
        return self.linear(last).unflatten(1, (self.horizon, self.num_targets))
