"""Dropout: in training a share of the values is set to zero and the rest is scaled up to keep the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range


@dataclass(frozen=True)
class Dropout(Layer):
    """y = x m / (1 − rate), m ~ Bernoulli(1 − rate); the identity in evaluation.

    Args:
        rate: share of values set to zero, 0 ≤ rate < 1.

    Shapes:
        ``(B, ...)`` → the same.

    Example:
        >>> Dropout(0.5).build((12,))
        Dropout(p=0.5, inplace=False)

    Source: N. Srivastava et al., JMLR 15, 2014.
    """

    kind: ClassVar[str] = "dropout"

    rate: float

    def __post_init__(self) -> None:
        require_range("dropout", "rate", self.rate, 0.0, 0.999)

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def build(self, *inputs: Shape) -> nn.Module:
        return nn.Dropout(self.rate)
