"""Linear forecasts: each step of the horizon is a weighted sum of the steps that were looked at.

NLinear reads a window relative to its last step. DLinear parts it into a moving average and what remains, with weights
for each. All targets share their weights.
Paper: A. Zeng, M. Chen, L. Zhang, Q. Xu, "Are Transformers effective for time series forecasting?", AAAI 2023,
    arXiv:2205.13504.
Differs: further variables add a linear term of their own; they are not in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.series_network import OtherVariables, SeriesNetwork, SeriesOptions

_PAPER = "Zeng, Chen, Zhang, Xu: Are Transformers effective for time series forecasting? AAAI 2023"


@dataclass(frozen=True, kw_only=True)
class DLinearOptions(SeriesOptions):
    """Options of `dlinear`.

    Args:
        targets: variables that are forecast, the first ones.
        average: steps of the moving average, odd.
    """

    average: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("dlinear", "average", self.average, 1, 9_999)


class NLinear(SeriesNetwork):
    """ŷ = W (x − x_last) + b + x_last, alike for every target.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``.

    Example:
        >>> import torch
        >>> net = NLinear((24, 3), 5 * 2, SeriesOptions(targets=2))
        >>> net(torch.zeros(4, 24, 3)).shape
        torch.Size([4, 10])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: SeriesOptions) -> None:
        super().__init__(input_shape, num_outputs, options, level="last")
        self.steps = averaging(self.context_length, self.horizon)
        self.others = other_variables(self)

    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        found = self.steps(targets.transpose(1, 2)).transpose(1, 2)
        return found if self.others is None else found + self.others(others)


class DLinear(SeriesNetwork):
    """ŷ = W_t · average(x) + W_r · (x − average(x)) + b, alike for every target.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``.
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: DLinearOptions) -> None:
        super().__init__(input_shape, num_outputs, options)
        self.trend = averaging(self.context_length, self.horizon)
        self.remainder = averaging(self.context_length, self.horizon)
        before = (options.average - 1) // 2
        # The first and the last step stand in for those beyond the ends.
        self.pad = nn.ReplicationPad1d((before, options.average - 1 - before))
        self.average = nn.AvgPool1d(options.average, stride=1)
        self.others = other_variables(self)

    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        series = targets.transpose(1, 2)
        trend = self.average(self.pad(series))
        found = (self.trend(trend) + self.remainder(series - trend)).transpose(1, 2)
        return found if self.others is None else found + self.others(others)


def averaging(context_length: int, horizon: int) -> nn.Linear:
    """A linear map that begins as weighted means of the steps; in the paper's program as plain means.

    Shapes:
        ``(…, context_length)`` → ``(…, horizon)``.
    """
    linear = nn.Linear(context_length, horizon)
    nn.init.uniform_(linear.weight, 0, 2 / context_length)
    nn.init.zeros_(linear.bias)
    return linear


def other_variables(network: SeriesNetwork) -> OtherVariables | None:
    """The map of a network's further variables; None where it has none."""
    num = network.num_variables - network.num_targets
    return OtherVariables(network.context_length, num, network.horizon, network.num_targets) if num else None


NLINEAR = ModelInfo(
    name="nlinear",
    build=NLinear,
    options=SeriesOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper=_PAPER,
    year=2022,
    note="A window is read relative to its last step; targets share weights.",
    output_layers=("steps", "others"),
)
DLINEAR = ModelInfo(
    name="dlinear",
    build=DLinear,
    options=DLinearOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper=_PAPER,
    year=2022,
    note="Moving average and remainder, each with weights of its own; targets share them.",
    output_layers=("trend", "remainder", "others"),
)
