"""Dense layer: y = g(x Wᵀ + b) over the last axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from derin.layers.activations import activation, suitable_initializer
from derin.layers.initializers import initialize, require_initializer
from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range


@dataclass(frozen=True)
class Dense(Layer):
    """y = g(x Wᵀ + b).

    Args:
        units: length of the output.
        activation: g, a name of `ACTIVATIONS`.
        bias: whether there is a b.
        initializer: a name of `INITIALIZERS`; "auto" suits the activation.

    Shapes:
        ``(B, ..., D)`` → ``(B, ..., units)``.

    Example:
        >>> Dense(5, activation="relu").build((12,))
        Linear(in_features=12, out_features=5, bias=True)
    """

    kind: ClassVar[str] = "dense"

    units: int
    activation: str = "linear"
    bias: bool = True
    initializer: str = "auto"

    def __post_init__(self) -> None:
        require_range("dense", "units", self.units, 1)
        activation(self.activation)
        require_initializer(self.initializer)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        return (*shape[:-1], self.units)

    def build(self, *inputs: Shape) -> nn.Module:
        module = nn.Linear(inputs[0][-1], self.units, bias=self.bias)
        begin(module, self.initializer, self.activation)
        return module


def begin(module: nn.Module, initializer: str, activation_name: str) -> None:
    """Draws a layer's weights by name; "auto" is He's before a rectifier and Xavier's otherwise."""
    initialize(module, suitable_initializer(activation_name) if initializer == "auto" else initializer)
