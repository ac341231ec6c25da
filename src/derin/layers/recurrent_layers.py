"""Recurrent layers for networks that are written down layer by layer: RNN, GRU and LSTM.

Every step of the input is read. For sequences that are padded there are networks in the zoo that find their lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, RecurrentKind


class RecurrentReader(nn.Module):
    """`Recurrent` over whole sequences: all outputs, or what the last layer remembers at the end.

    Shapes:
        ``(B, T, D)`` → ``(B, T, output_size)``, or ``(B, output_size)`` of both directions side by side.
    """

    def __init__(self, recurrent: Recurrent, *, sequences: bool) -> None:
        super().__init__()
        self.recurrent, self.sequences = recurrent, sequences

    def forward(self, x: Tensor) -> Tensor:
        outputs, state = self.recurrent(x)
        return outputs if self.sequences else torch.cat(list(state[0][-self.recurrent.num_directions :]), dim=1)


@dataclass(frozen=True)
class _Recurrent(Layer):
    cell: ClassVar[RecurrentKind]

    units: int
    num_layers: int = 1
    bidirectional: bool = False
    sequences: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_range(self.kind, "units", self.units, 1)
        require_range(self.kind, "num_layers", self.num_layers, 1, 100)
        require_range(self.kind, "dropout", self.dropout, 0.0, 0.999)

    def output_shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != 2:
            raise self.refuse(inputs[0], "an input (steps, numbers)")
        size = self.units * (2 if self.bidirectional else 1)
        return (inputs[0][0], size) if self.sequences else (size,)

    def build(self, *inputs: Shape) -> nn.Module:
        self.output_shape(*inputs)
        recurrent = Recurrent(
            self.cell,
            inputs[0][1],
            self.units,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            dropout=self.dropout,
        )
        return RecurrentReader(recurrent, sequences=self.sequences)


@dataclass(frozen=True)
class RNN(_Recurrent):
    """a⟨t⟩ = tanh(W_aa a⟨t−1⟩ + W_ax x⟨t⟩ + b).

    Args:
        units: numbers of the memory.
        num_layers: one above the other.
        bidirectional: whether a second one reads from the end; the outputs stand side by side.
        sequences: whether the outputs of all steps are given on, and not the last memory alone.
        dropout: between the layers, with one mask per sequence.

    Shapes:
        ``(B, T, D)`` → ``(B, units)``, or ``(B, T, units)``; twice the units in both directions.

    Example:
        >>> RNN(7, bidirectional=True).output_shape((5, 12))
        (14,)

    Source: J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    """

    kind: ClassVar[str] = "rnn"
    cell: ClassVar[RecurrentKind] = "rnn"


@dataclass(frozen=True)
class GRU(_Recurrent):
    """A memory with gates for writing and for looking; torch's equations, see `layers.recurrent_cells`.

    Args:
        units: numbers of the memory.
        num_layers: one above the other.
        bidirectional: whether a second one reads from the end; the outputs stand side by side.
        sequences: whether the outputs of all steps are given on, and not the last memory alone.
        dropout: between the layers, with one mask per sequence.

    Shapes:
        ``(B, T, D)`` → ``(B, units)``, or ``(B, T, units)``; twice the units in both directions.

    Example:
        >>> GRU(7, sequences=True).output_shape((5, 12))
        (5, 7)

    Source: K. Cho et al., EMNLP 2014, arXiv:1406.1078.
    """

    kind: ClassVar[str] = "gru"
    cell: ClassVar[RecurrentKind] = "gru"


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """A memory with gates for writing, keeping and showing.

    Args:
        units: numbers of the memory.
        num_layers: one above the other.
        bidirectional: whether a second one reads from the end; the outputs stand side by side.
        sequences: whether the outputs of all steps are given on, and not the last one alone.
        dropout: between the layers, with one mask per sequence.

    Shapes:
        ``(B, T, D)`` → ``(B, units)``, or ``(B, T, units)``; twice the units in both directions.

    Example:
        >>> LSTM(7).build((5, 12))(torch.zeros(2, 5, 12)).shape
        torch.Size([2, 7])

    Source: S. Hochreiter and J. Schmidhuber, Neural Computation 9, 1997.
    """

    kind: ClassVar[str] = "lstm"
    cell: ClassVar[RecurrentKind] = "lstm"
