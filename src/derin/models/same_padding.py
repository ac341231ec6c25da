"""The padding that TensorFlow calls SAME: where a stride leaves one pixel to pad, it goes right and below."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from derin.models.conv_unit import ConvUnit


class SameConv2d(nn.Conv2d):
    """A convolution whose output has ⌈side / stride⌉ pixels along each axis, padded as TensorFlow's SAME does.

    p = max((⌈n/s⌉ − 1)·s + k − n, 0) zeros along an axis of n pixels, ⌊p/2⌋ of them before it. At stride 2 an even
    picture is padded on its right and lower border alone, where a symmetric padding looks one pixel further left.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the window.
        stride: of the window along both axes.
        groups: parts into which the channels are split.
        bias: whether one is added.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.

    Example:
        >>> import torch
        >>> SameConv2d(3, 8, 3, stride=2, bias=False)(torch.zeros(2, 3, 10, 7)).shape
        torch.Size([2, 8, 5, 4])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        above, below = _same(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = _same(x.shape[3], self.kernel_size[1], self.stride[1])
        return super().forward(F.pad(x, (left, right, above, below)))


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return missing // 2, missing - missing // 2


def padded_unit(
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    padding: Literal["symmetric", "same"],
    epsilon: float | None,
    activation: nn.Module | None,
) -> ConvUnit:
    """A `ConvUnit` with either padding; its other arguments are that one's.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the window, odd.
        stride: of the window along both axes.
        groups: parts into which the channels are split.
        padding: "symmetric" pads all borders alike, "same" as `SameConv2d` does.
        epsilon: ε of the batch norm; None leaves it out, and the convolution has a bias.
        activation: None leaves it out.

    Example:
        >>> padded_unit(3, 8, 3, stride=2, padding="same", epsilon=None, activation=None)
        ConvUnit(
          (conv): SameConv2d(3, 8, kernel_size=(3, 3), stride=(2, 2))
        )
    """
    unit = ConvUnit(
        in_channels, out_channels, kernel, stride=stride, groups=groups, epsilon=epsilon, activation=activation
    )
    if padding == "same" and stride > 1:  # at stride 1 an odd window is padded alike on both sides
        has_bias = epsilon is None
        unit.conv = SameConv2d(in_channels, out_channels, kernel, stride=stride, groups=groups, bias=has_bias)
    return unit
