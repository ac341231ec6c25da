"""Pooling: the largest value or the mean of a window, or of the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.layer import Layer, Shape, spread
from derin.layers.options import require_range

Sizes = int | tuple[int, ...]
_MAX: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
_MEAN: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
_LARGEST_WINDOW = 4096


@dataclass(frozen=True)
class _Pool(Layer):
    """A window of `size` moved by `stride`; ⌊(n + 2p − size)/stride⌋ + 1 outputs along an axis, or ⌈n/stride⌉ for
    "same".

    Args:
        size: of the window along every axis, or one per axis.
        stride: the window's size where none is given.
        padding: "valid", "same", or a number p of at most half the window; what is padded never counts.

    Shapes:
        ``(B, C, L)``, ``(B, C, H, W)`` or ``(B, C, D, H, W)`` → the same number of axes.
    """

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Literal["valid", "same"] | int = "valid"

    def __post_init__(self) -> None:
        for name in ("size", "stride"):
            value = getattr(self, name)
            for part in () if value is None else (value,) if isinstance(value, int) else value:
                require_range(self.kind, name, part, 1, _LARGEST_WINDOW)
        if not isinstance(self.padding, str):
            least = self.size if isinstance(self.size, int) else min(self.size)
            require_range(self.kind, "padding", self.padding, 0, least // 2)

    def _resolve(self, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], bool]:
        """Window, stride, padding and rounding up, one per axis."""
        num_axes = len(shape) - 1
        if num_axes not in _MAX:
            raise self.refuse(
                shape, "(channels, length), (channels, height, width) or (channels, depth, height, width)"
            )
        size = spread(self.kind, "size", self.size, num_axes)
        stride = size if self.stride is None else spread(self.kind, "stride", self.stride, num_axes)
        if self.padding == "same":
            if all(s % 2 for s in size):
                return size, stride, tuple(s // 2 for s in size), False
            if size == stride:
                return size, stride, (0,) * num_axes, True
            raise UsageError(
                f'{self.kind} with padding="same" needs an odd window or a stride equal to it; got size={self.size}, '
                f"stride={self.stride}. Give the padding as a number."
            )
        return size, stride, (0 if self.padding == "valid" else self.padding,) * num_axes, False

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        size, stride, padding, round_up = self._resolve(shape)
        if not round_up and any(n + 2 * p < s for n, p, s in zip(shape[1:], padding, size)):
            raise self.refuse(shape, f"at least {'×'.join(str(s - 2 * p) for s, p in zip(size, padding))} values")
        if round_up:
            return (shape[0], *(-(-n // t) for n, t in zip(shape[1:], stride)))
        return (shape[0], *((n + 2 * p - s) // t + 1 for n, s, t, p in zip(shape[1:], size, stride, padding)))


@dataclass(frozen=True)
class MaxPool(_Pool):
    """The largest value of each window.

    Args:
        size: of the window along every axis, or one per axis.
        stride: the window's size where none is given.
        padding: "valid", "same", or a number of at most half the window; what is padded never counts.

    Shapes:
        ``(B, C, L)``, ``(B, C, H, W)`` or ``(B, C, D, H, W)`` → the same number of axes.

    Example:
        >>> MaxPool(2).output_shape((3, 7, 9)), MaxPool(2, padding="same").output_shape((3, 7, 9))
        ((3, 3, 4), (3, 4, 5))
    """

    kind: ClassVar[str] = "max_pool"

    def build(self, *inputs: Shape) -> nn.Module:
        size, stride, padding, round_up = self._resolve(inputs[0])
        return _MAX[len(size)](size, stride, padding, ceil_mode=round_up)


@dataclass(frozen=True)
class AvgPool(_Pool):
    """The mean of each window.

    Args:
        size: of the window along every axis, or one per axis.
        stride: the window's size where none is given.
        padding: "valid", "same", or a number of at most half the window; what is padded never counts.

    Shapes:
        ``(B, C, L)``, ``(B, C, H, W)`` or ``(B, C, D, H, W)`` → the same number of axes.

    Example:
        >>> AvgPool(3, stride=2).output_shape((3, 7, 9))
        (3, 3, 4)
    """

    kind: ClassVar[str] = "avg_pool"

    def build(self, *inputs: Shape) -> nn.Module:
        size, stride, padding, round_up = self._resolve(inputs[0])
        return _MEAN[len(size)](size, stride, padding, ceil_mode=round_up, count_include_pad=False)


class GlobalMean(nn.Module):
    """The mean over every axis behind the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).mean(2)


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """The mean of each channel's whole map.

    Shapes:
        ``(B, C, ...)`` → ``(B, C)``.

    Example:
        >>> GlobalAvgPool().output_shape((64, 7, 7))
        (64,)

    Source: M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014, arXiv:1312.4400.
    """

    kind: ClassVar[str] = "global_avg_pool"

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if len(shape) < 2:
            raise self.refuse(shape, "channels and at least one axis behind them")
        return shape[:1]

    def build(self, *inputs: Shape) -> nn.Module:
        return GlobalMean()
