"""Convolution and transposed convolution over one, two or three axes; the input says how many.

Along each axis, with n inputs, kernel f, stride s, padding p and dilation d, a convolution has ⌊(n + 2p − d(f−1) −
1)/s⌋ + 1 outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.activations import activation
from derin.layers.dense import begin
from derin.layers.initializers import require_initializer
from derin.layers.layer import Layer, Shape, spread
from derin.layers.options import require_range

Sizes = int | tuple[int, ...]
_CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_LARGEST_KERNEL = 4096


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution (cross-correlation, as the field has it) with an activation.

    Args:
        channels: of the output.
        kernel: size f along every axis, or one per axis.
        stride: s.
        padding: "same" gives ⌈n/s⌉ outputs (odd kernels), "valid" pads nothing, p puts p zeros on both sides.
        dilation: distance between two taps of the kernel.
        groups: parts into which the channels are split, each convolved by itself.
        activation: a name of `ACTIVATIONS`.
        bias: whether each output channel has one.
        initializer: a name of `INITIALIZERS`; "auto" suits the activation.

    Shapes:
        ``(B, C, L)``, ``(B, C, H, W)`` or ``(B, C, D, H, W)`` → the same number of axes with `channels` channels.

    Raises:
        ShapeError: the kernel is larger than the padded input, or groups do not divide the channels.

    Example:
        >>> Conv(16, 3, stride=2).output_shape((3, 15, 8))
        (16, 8, 4)
    """

    kind: ClassVar[str] = "conv"

    channels: int
    kernel: Sizes
    stride: Sizes = 1
    padding: Literal["same", "valid"] | int | tuple[int, ...] = "same"
    dilation: Sizes = 1
    groups: int = 1
    activation: str = "linear"
    bias: bool = True
    initializer: str = "auto"

    def __post_init__(self) -> None:
        require_range("conv", "channels", self.channels, 1)
        require_range("conv", "groups", self.groups, 1)
        for name in ("kernel", "stride", "dilation"):
            _require_sizes("conv", name, getattr(self, name), 1)
        if not isinstance(self.padding, str):
            _require_sizes("conv", "padding", self.padding, 0)
        activation(self.activation)
        require_initializer(self.initializer)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        num_axes = _axes(self, shape)
        _require_groups(self, shape)
        kernel, stride, dilation = (
            spread("conv", n, getattr(self, n), num_axes) for n in ("kernel", "stride", "dilation")
        )
        padding = self._padding(num_axes)
        sizes = []
        for axis, size in enumerate(shape[1:]):
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            padded = size + 2 * padding[axis]
            if padded < reach:
                raise self.refuse(
                    shape, f"at least {reach - 2 * padding[axis]} values along axis {axis + 1} (kernel {reach})"
                )
            sizes.append((padded - reach) // stride[axis] + 1)
        return (self.channels, *sizes)

    def _padding(self, num_axes: int) -> tuple[int, ...]:
        """Zeros on both sides of every axis; for "same" d(f − 1)/2, as many before as behind."""
        if self.padding == "valid":
            return (0,) * num_axes
        if not isinstance(self.padding, str):
            return spread("conv", "padding", self.padding, num_axes)
        kernel, dilation = (spread("conv", name, getattr(self, name), num_axes) for name in ("kernel", "dilation"))
        missing = [d * (k - 1) for k, d in zip(kernel, dilation)]
        if any(m % 2 for m in missing):
            raise UsageError(
                f'conv with padding="same" needs an odd kernel; got kernel={self.kernel}. Give the padding as a number.'
            )
        return tuple(m // 2 for m in missing)

    def build(self, *inputs: Shape) -> nn.Module:
        (shape,) = inputs
        num_axes = _axes(self, shape)
        module = _CONVOLUTIONS[num_axes](
            shape[0],
            self.channels,
            self.kernel,
            self.stride,
            padding=self._padding(num_axes),
            dilation=self.dilation,
            groups=self.groups,
            bias=self.bias,
        )
        begin(module, self.initializer, self.activation)
        return module


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """Transposed convolution: each input value paints the kernel, weighted, onto the output.

    Along each axis the output has (n − 1)s − 2p + d(f − 1) + 1 + output_padding values.

    Args:
        channels: of the output.
        kernel: size f along every axis, or one per axis.
        stride: s, the distance between two paintings.
        padding: p, values cut from both sides of the output.
        output_padding: values added at the end, below the stride or the dilation.
        dilation: distance between two taps of the kernel.
        groups: parts into which the channels are split.
        activation: a name of `ACTIVATIONS`.
        bias: whether each output channel has one.
        initializer: a name of `INITIALIZERS`; "auto" suits the activation.

    Shapes:
        ``(B, C, L)``, ``(B, C, H, W)`` or ``(B, C, D, H, W)`` → the same number of axes with `channels` channels.

    Example:
        >>> ConvTranspose(5, 3, stride=2, padding=1).output_shape((4, 2, 2))
        (5, 3, 3)
    """

    kind: ClassVar[str] = "conv_transpose"

    channels: int
    kernel: Sizes
    stride: Sizes = 1
    padding: Sizes = 0
    output_padding: Sizes = 0
    dilation: Sizes = 1
    groups: int = 1
    activation: str = "linear"
    bias: bool = True
    initializer: str = "auto"

    def __post_init__(self) -> None:
        require_range("conv_transpose", "channels", self.channels, 1)
        require_range("conv_transpose", "groups", self.groups, 1)
        for name, least in (("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0)):
            _require_sizes("conv_transpose", name, getattr(self, name), least)
        activation(self.activation)
        require_initializer(self.initializer)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        num_axes = _axes(self, shape)
        _require_groups(self, shape)
        names = ("kernel", "stride", "padding", "output_padding", "dilation")
        per_axis = zip(*(spread("conv_transpose", name, getattr(self, name), num_axes) for name in names))
        sizes = []
        for size, (kernel, stride, padding, extra, dilation) in zip(shape[1:], per_axis):
            if extra >= max(stride, dilation):
                raise ShapeError(
                    f"conv_transpose.output_padding must be below the stride or the dilation; "
                    f"got output_padding={extra}, stride={stride}, dilation={dilation}."
                )
            sizes.append((size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + extra)
        if min(sizes) < 1:
            raise self.refuse(shape, "an output of at least one value along each axis (less padding)")
        return (self.channels, *sizes)

    def build(self, *inputs: Shape) -> nn.Module:
        (shape,) = inputs
        module = _TRANSPOSED[_axes(self, shape)](
            shape[0],
            self.channels,
            self.kernel,
            self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            groups=self.groups,
            bias=self.bias,
            dilation=self.dilation,
        )
        begin(module, self.initializer, self.activation)
        return module


def _axes(layer: Layer, shape: Shape) -> int:
    if len(shape) - 1 not in _CONVOLUTIONS:
        raise layer.refuse(shape, "(channels, length), (channels, height, width) or (channels, depth, height, width)")
    return len(shape) - 1


def _require_groups(layer: Conv | ConvTranspose, shape: Shape) -> None:
    if shape[0] % layer.groups or layer.channels % layer.groups:
        raise ShapeError(
            f"{layer.kind}.groups must divide the channels of input and output; "
            f"got groups={layer.groups}, channels {shape[0]} and {layer.channels}."
        )


def _require_sizes(where: str, name: str, value: Sizes, least: int) -> None:
    for size in (value,) if isinstance(value, int) else value:
        require_range(where, name, size, least, _LARGEST_KERNEL)
