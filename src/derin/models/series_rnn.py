"""Recurrent forecasts: an LSTM or GRU reads the window, and the horizon is read from its last output.

Paper: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; K. Cho et al., "Learning
    phrase representations using RNN encoder-decoder", EMNLP 2014, arXiv:1406.1078 (GRU).
Differs: all steps of the horizon come at once, from one dense layer, and not one from the other; the window is read
    relative to its own mean and spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, RecurrentKind
from derin.models.info import ModelInfo
from derin.models.series_network import Level, SeriesNetwork, SeriesOptions


@dataclass(frozen=True, kw_only=True)
class RecurrentOptions(SeriesOptions):
    """Options of `series_lstm` and `series_gru`.

    Args:
        targets: variables that are forecast, the first ones.
        hidden: units of each layer.
        layers: one above the other.
        dropout: between the layers, and before the last one.
        level: what a window is read relative to.
    """

    hidden: int = 64
    layers: int = 1
    dropout: float = 0.0
    level: Level = "spread"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_range("series_rnn", "hidden", self.hidden, 1)
        require_range("series_rnn", "layers", self.layers, 1, 100)
        require_range("series_rnn", "dropout", self.dropout, 0.0, 0.99)


class SeriesRNN(SeriesNetwork):
    """A recurrent network over the window, then one dense layer.

    Shapes:
        ``(B, steps, variables)`` → ``(B, horizon · targets)``.

    Example:
        >>> SeriesRNN((24, 3), 5, RecurrentOptions(), kind="gru")(torch.zeros(2, 24, 3)).shape
        torch.Size([2, 5])
    """

    def __init__(
        self, input_shape: tuple[int, ...], num_outputs: int, options: RecurrentOptions, *, kind: RecurrentKind
    ) -> None:
        super().__init__(input_shape, num_outputs, options, level=options.level)
        self.recurrent = Recurrent(
            kind, self.num_variables, options.hidden, num_layers=options.layers, dropout=options.dropout
        )
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.hidden, num_outputs)
        initialize(self.output, "xavier")

    def forecast(self, targets: Tensor, others: Tensor) -> Tensor:
        steps, _ = self.recurrent(torch.cat([targets, others], dim=2), final_state=False)
        return self.output(self.dropout(steps[:, -1])).unflatten(1, (self.horizon, self.num_targets))


def _lstm(input_shape: tuple[int, ...], num_outputs: int, options: RecurrentOptions) -> SeriesRNN:
    return SeriesRNN(input_shape, num_outputs, options, kind="lstm")


def _gru(input_shape: tuple[int, ...], num_outputs: int, options: RecurrentOptions) -> SeriesRNN:
    return SeriesRNN(input_shape, num_outputs, options, kind="gru")


SERIES_LSTM = ModelInfo(
    name="series_lstm",
    build=_lstm,
    options=RecurrentOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper="Hochreiter, Schmidhuber: Long short-term memory. Neural Computation 1997",
    year=1997,
    note="All steps of the horizon at once, from the last output; windows relative to their own mean and spread.",
)
SERIES_GRU = ModelInfo(
    name="series_gru",
    build=_gru,
    options=RecurrentOptions,
    input_kind="series",
    native_input=(24, 3),
    native_outputs=12,
    paper="Cho et al.: Learning phrase representations using RNN encoder-decoder. EMNLP 2014",
    year=2014,
    note="All steps of the horizon at once, from the last output; windows relative to their own mean and spread.",
)
