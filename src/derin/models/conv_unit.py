"""The unit that many convolutional networks repeat: convolution, batch norm, activation."""

from __future__ import annotations

from torch import nn


class ConvUnit(nn.Sequential):
    """y = g(norm(w ∗ x)): a convolution, a batch norm where one is wanted, and an activation where one is wanted.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the window, or (height, width).
        stride: of the window along both axes.
        padding: zeros around the picture; None keeps its size at stride 1, which needs an odd kernel.
        groups: parts into which the channels are split.
        epsilon: ε of the batch norm; None leaves the norm out.
        bias: of the convolution; None gives one where no norm follows, since a norm's own shift makes it idle.
        activation: g; None leaves it out.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, H′, W′)``.

    Example:
        >>> unit = ConvUnit(3, 8, (1, 7), epsilon=1e-3, activation=nn.ReLU())
        >>> [name for name, _ in unit.named_children()], unit.conv.padding, unit.conv.bias
        (['conv', 'norm', 'activation'], (0, 3), None)
    """

    conv: nn.Conv2d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int] = 1,
        *,
        stride: int = 1,
        padding: int | tuple[int, int] | None = None,
        groups: int = 1,
        epsilon: float | None = 1e-5,
        bias: bool | None = None,
        activation: nn.Module | None,
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        if padding is None:
            padding = (sides[0] // 2, sides[1] // 2)
        has_bias = epsilon is None if bias is None else bias
        convolution = nn.Conv2d(in_channels, out_channels, sides, stride, padding=padding, groups=groups, bias=has_bias)
        self.add_module("conv", convolution)
        if epsilon is not None:
            self.add_module("norm", nn.BatchNorm2d(out_channels, eps=epsilon))
        if activation is not None:
            self.add_module("activation", activation)
