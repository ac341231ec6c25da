"""Maxout: a unit that takes the largest of p linear pieces, so that it learns its own convex activation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range


class MaxoutLinear(nn.Module):
    """h_i = max_j (x W_ij + b_ij), j = 1 … p.

    Args:
        in_features: length of the input.
        out_features: number of units.
        pieces: p, linear pieces per unit.

    Shapes:
        ``(B, ..., in_features)`` → ``(B, ..., out_features)``; weight ``(out_features · p, in_features)``, a unit's
        pieces in neighboring rows.

    Example:
        >>> unit = MaxoutLinear(1, 1, pieces=2)
        >>> _ = unit.weight.data.copy_(torch.tensor([[1.0], [-1.0]])), unit.bias.data.zero_()
        >>> unit(torch.tensor([[-3.0], [2.0]])).squeeze(1)  # |x|
        tensor([3., 2.], grad_fn=<SqueezeBackward1>)

    Source: I. Goodfellow et al., "Maxout networks", ICML 2013, arXiv:1302.4389.
    """

    def __init__(self, in_features: int, out_features: int, pieces: int = 2) -> None:
        super().__init__()
        self.in_features, self.out_features, self.pieces = in_features, out_features, pieces
        self.weight = nn.Parameter(torch.empty(out_features * pieces, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features * pieces))
        nn.init.normal_(self.weight, 0.0, math.sqrt(1 / in_features))

    def forward(self, x: Tensor) -> Tensor:
        z = F.linear(x, self.weight, self.bias)  # (B, out_features · p)
        return z.unflatten(-1, (self.out_features, self.pieces)).amax(-1)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, pieces={self.pieces}"


@dataclass(frozen=True)
class Maxout(Layer):
    """A dense layer of maxout units, see `MaxoutLinear`.

    Args:
        units: length of the output.
        pieces: p, linear pieces per unit.

    Shapes:
        ``(B, ..., D)`` → ``(B, ..., units)``.

    Example:
        >>> Maxout(5, pieces=3).build((12,))
        MaxoutLinear(in_features=12, out_features=5, pieces=3)
    """

    kind: ClassVar[str] = "maxout"

    units: int
    pieces: int = 2

    def __post_init__(self) -> None:
        require_range("maxout", "units", self.units, 1)
        require_range("maxout", "pieces", self.pieces, 1, 1024)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        return (*shape[:-1], self.units)

    def build(self, *inputs: Shape) -> nn.Module:
        return MaxoutLinear(inputs[0][-1], self.units, self.pieces)
