"""The default for series: a linear forecast, and beside it a dense network for what is not linear.

A window is read relative to its last step. All targets share their weights, so that each is one more series to learn
from. Strong dropout keeps the dense part from learning a short series by heart.
Paper: A. Das et al., "Long-term forecasting with TiDE: time-series dense encoder", TMLR 2023, arXiv:2304.08424 (the
    linear path beside the dense one); A. Zeng et al., AAAI 2023, arXiv:2205.13504 (the linear path itself).
Differs: one plain dense network in place of encoder and decoder; further variables add a linear term.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.series_linear import averaging, other_variables
from derin.models.series_network import Level, SeriesNetwork, SeriesOptions


@dataclass(frozen=True, kw_only=True)
class SeriesMLPOptions(SeriesOptions):
    """Options of `series_mlp`.

    Args:
        targets: variables that are forecast, the first ones.
        hidden: units of each hidden layer.
        dropout: share of hidden activations set to zero in training.
        level: what a window is read relative to.
    """

    hidden: tuple[int, ...] = (128,)
    dropout: float = 0.5
    level: Level = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("series_mlp", "len(hidden)", len(self.hidden), 1, 100)
        require_range("series_mlp", "dropout", self.dropout, 0.0, 0.99)
        for width in self.hidden:
            require_range("series_mlp", "hidden", width, 1)


class SeriesMLP(SeriesNetwork):
    """ŷ = W (x − x_last) + MLP(x − x_last) + x_last, alike for every target.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``.

    Example:
        >>> import torch
        >>> net = SeriesMLP((24, 2), 5 * 2, SeriesMLPOptions(targets=2))
        >>> net(torch.zeros(4, 24, 2)).shape
        torch.Size([4, 10])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: SeriesMLPOptions) -> None:
        super().__init__(input_shape, num_outputs, options, level=options.level)
        self.dense = nn.Sequential()
        width = self.context_length
        for units in options.hidden:
            self.dense.extend((nn.Linear(width, units), nn.GELU(), nn.Dropout(options.dropout)))
            width = units
        self.linear = averaging(self.context_length, self.horizon)
        self.correction = nn.Linear(width, self.horizon)
        self.others = other_variables(self)
        initialize(self.dense, "he")
        # The dense part begins as a small correction of the linear one.
        nn.init.normal_(self.correction.weight, std=1e-3)
        nn.init.zeros_(self.correction.bias)

    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        series = targets.transpose(1, 2)
        found = (self.linear(series) + self.correction(self.dense(series))).transpose(1, 2)
        return found if self.others is None else found + self.others(others)


SERIES_MLP = ModelInfo(
    name="series_mlp",
    build=SeriesMLP,
    options=SeriesMLPOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper="Das et al.: Long-term forecasting with TiDE. TMLR 2023",
    year=2023,
    note="A linear path and one dense network; targets share weights; windows relative to their last step.",
    output_layers=("linear", "correction", "others"),
)
