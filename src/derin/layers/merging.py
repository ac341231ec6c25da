"""Layers that bring the branches of a graph together: sum, product, concatenation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.layer import Layer, Shape


class Sum(nn.Module):
    """x₁ + x₂ + …"""

    def forward(self, *inputs: Tensor) -> Tensor:
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total


class Product(nn.Module):
    """x₁ · x₂ · …, place by place."""

    def forward(self, *inputs: Tensor) -> Tensor:
        product = inputs[0]
        for x in inputs[1:]:
            product = product * x
        return product


class Concatenation(nn.Module):
    """The inputs one behind the other along an axis, counted without the batch."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, dim=self.axis + 1)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


def _require_equal(layer: Layer, inputs: tuple[Shape, ...]) -> Shape:
    if len(set(inputs)) > 1:
        raise ShapeError(
            f"The layer {layer.name or layer.kind} needs inputs of one shape; got {', '.join(map(str, inputs))}."
        )
    return inputs[0]


@dataclass(frozen=True)
class Add(Layer):
    """y = x₁ + x₂ + …; in a graph ``a + b`` says the same.

    Shapes:
        ``(B, ...)``, all alike → the same.

    Example:
        >>> Add().output_shape((5, 3), (5, 3))
        (5, 3)
    """

    kind: ClassVar[str] = "add"
    num_inputs: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        return _require_equal(self, inputs)

    def build(self, *inputs: Shape) -> nn.Module:
        return Sum()


@dataclass(frozen=True)
class Multiply(Layer):
    """y = x₁ · x₂ · …, place by place; in a graph ``a * b`` says the same.

    Shapes:
        ``(B, ...)``, all alike → the same.

    Example:
        >>> Multiply().output_shape((5, 3), (5, 3))
        (5, 3)
    """

    kind: ClassVar[str] = "multiply"
    num_inputs: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        return _require_equal(self, inputs)

    def build(self, *inputs: Shape) -> nn.Module:
        return Product()


@dataclass(frozen=True)
class Concat(Layer):
    """The inputs one behind the other along an axis.

    Args:
        axis: counted without the batch; 0 is the channel of a picture.

    Shapes:
        ``(B, C₁, ...)``, ``(B, C₂, ...)``, … → ``(B, C₁ + C₂ + …, ...)``.

    Example:
        >>> Concat().output_shape((5, 3), (2, 3))
        (7, 3)
    """

    kind: ClassVar[str] = "concat"
    num_inputs: ClassVar[tuple[int, int | None]] = (2, None)

    axis: int = 0

    def output_shape(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        if not 0 <= self.axis < len(first):
            raise self.refuse(first, f"an axis from 0 to {len(first) - 1} to join along, not {self.axis}")
        if (
            len({(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in inputs}) > 1
            or len(set(map(len, inputs))) > 1
        ):
            raise ShapeError(
                f"The layer {self.name or self.kind} needs inputs that differ along axis {self.axis} only; "
                f"got {', '.join(map(str, inputs))}."
            )
        return (*first[: self.axis], sum(shape[self.axis] for shape in inputs), *first[self.axis + 1 :])

    def build(self, *inputs: Shape) -> nn.Module:
        return Concatenation(self.axis)
