"""Layers that only move, repeat or surround values: flatten, reshape, padding, enlarging."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.layer import Layer, Shape, spread
from derin.layers.options import require_range


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes of an example become one.

    Shapes:
        ``(B, ...)`` → ``(B, D)``.

    Example:
        >>> Flatten().output_shape((16, 5, 5))
        (400,)
    """

    kind: ClassVar[str] = "flatten"

    def output_shape(self, *inputs: Shape) -> Shape:
        return (math.prod(inputs[0]),)

    def build(self, *inputs: Shape) -> nn.Module:
        return nn.Flatten()


class Unflatten(nn.Module):
    """Gives each example a shape, whatever its memory layout."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        return f"shape={self.shape}"


@dataclass(frozen=True)
class Reshape(Layer):
    """The same values in another shape.

    Args:
        shape: of one example; one size may be -1 and is then what remains.

    Shapes:
        ``(B, ...)`` → ``(B, *shape)``.

    Example:
        >>> Reshape((2, -1)).output_shape((3, 4))
        (2, 6)
    """

    kind: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        for size in self.shape:
            if size != -1:
                require_range("reshape", "shape", size, 1)
        if not 1 <= len(self.shape) <= 8 or self.shape.count(-1) > 1:
            raise ShapeError(f"reshape.shape must have 1 to 8 sizes and at most one -1; got shape={self.shape}.")

    def output_shape(self, *inputs: Shape) -> Shape:
        total, known = math.prod(inputs[0]), math.prod(size for size in self.shape if size != -1)
        if (total % known if -1 in self.shape else total != known) != 0:
            raise self.refuse(inputs[0], f"an input whose {total} values fill the shape {self.shape}")
        return tuple(total // known if size == -1 else size for size in self.shape)

    def build(self, *inputs: Shape) -> nn.Module:
        return Unflatten(self.output_shape(*inputs))


class PadEdges(nn.Module):
    """Surrounds every axis behind the channels."""

    def __init__(self, amounts: tuple[int, ...], mode: str) -> None:
        super().__init__()
        self.mode = mode
        # torch wants (before, after) from the last axis to the first.
        self.amounts = [amount for size in reversed(amounts) for amount in (size, size)]

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.amounts, mode=self.mode)

    def extra_repr(self) -> str:
        return f"amounts={self.amounts}, mode={self.mode!r}"


@dataclass(frozen=True)
class ZeroPad(Layer):
    """Surrounds every axis behind the channels with zeros.

    Args:
        amount: values on both sides of every axis, or one number per axis.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, H + 2·amount, W + 2·amount)``; likewise with one or three axes.

    Example:
        >>> ZeroPad(2).output_shape((1, 28, 28))
        (1, 32, 32)
    """

    kind: ClassVar[str] = "zero_pad"

    amount: int | tuple[int, ...]

    def __post_init__(self) -> None:
        for amount in (self.amount,) if isinstance(self.amount, int) else self.amount:
            require_range(self.kind, "amount", amount, 0, 65_536)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if not 2 <= len(shape) <= 4:
            raise self.refuse(shape, "channels and 1 to 3 axes behind them")
        amounts = spread(self.kind, "amount", self.amount, len(shape) - 1)
        return (shape[0], *(size + 2 * amount for size, amount in zip(shape[1:], amounts)))

    def build(self, *inputs: Shape) -> nn.Module:
        return PadEdges(spread(self.kind, "amount", self.amount, len(inputs[0]) - 1), "constant")


@dataclass(frozen=True)
class ReflectionPad(ZeroPad):
    """Surrounds every axis behind the channels with its mirror image, the edge itself not repeated: 1 2 3 → 2 1 2 3 2.

    Args:
        amount: values on both sides of every axis, or one number per axis; below the size of the axis.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, H + 2·amount, W + 2·amount)``; likewise with one or three axes.

    Example:
        >>> ReflectionPad(1).output_shape((1, 6, 6))
        (1, 8, 8)
    """

    kind: ClassVar[str] = "reflection_pad"

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        padded = super().output_shape(shape)
        for size, amount in zip(shape[1:], spread(self.kind, "amount", self.amount, len(shape) - 1)):
            if amount >= size:
                raise self.refuse(shape, f"more than {amount} values along each axis to mirror {amount}")
        return padded

    def build(self, *inputs: Shape) -> nn.Module:
        return PadEdges(spread(self.kind, "amount", self.amount, len(inputs[0]) - 1), "reflect")


@dataclass(frozen=True)
class Upsample(Layer):
    """Enlarges every axis behind the channels by a whole factor.

    Args:
        factor: how many times larger.
        mode: "nearest" repeats values; "linear" runs straight between them (bilinear on pictures), corners not aligned.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, H·factor, W·factor)``; likewise with one or three axes.

    Example:
        >>> Upsample(2).output_shape((8, 7, 5))
        (8, 14, 10)
    """

    kind: ClassVar[str] = "upsample"

    factor: int = 2
    mode: Literal["nearest", "linear"] = "nearest"

    def __post_init__(self) -> None:
        require_range("upsample", "factor", self.factor, 1, 1024)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if not 2 <= len(shape) <= 4:
            raise self.refuse(shape, "channels and 1 to 3 axes behind them")
        return (shape[0], *(size * self.factor for size in shape[1:]))

    def build(self, *inputs: Shape) -> nn.Module:
        linear = {2: "linear", 3: "bilinear", 4: "trilinear"}[len(inputs[0])]
        return nn.Upsample(scale_factor=self.factor, mode="nearest" if self.mode == "nearest" else linear)
