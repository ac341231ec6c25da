"""A pyramid of feature maps: what is seen coarsely is told to the fine maps, and what is seen finely to the coarse.

Papers: T.-Y. Lin et al., "Feature pyramid networks for object detection", CVPR 2017, arXiv:1612.03144 (from coarse
    to fine); S. Liu et al., "Path aggregation network", CVPR 2018, arXiv:1803.01534 (and back).
Differs: maps are added, as in the first paper, and looked at by separable convolutions, at a ninth of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from derin.models.conv_unit import ConvUnit


class SeparableUnit(nn.Sequential):
    """A 3×3 window on each channel by itself, then a 1×1 convolution, each with norm and SiLU.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__(
            ConvUnit(in_channels, in_channels, 3, stride=stride, groups=in_channels, activation=nn.SiLU(inplace=True)),
            ConvUnit(in_channels, out_channels, 1, activation=nn.SiLU(inplace=True)),
        )


class TopDown(nn.Module):
    """Maps of several strides, each half as fine as the one before, brought to one width; what is seen coarsely is told
    to the fine ones.

    Args:
        channels: of the maps that come.
        width: of the maps that go.
        depth: separable convolutions after each addition.

    Shapes:
        ``(B, channels[i], H / 2^i, W / 2^i)`` → ``(B, width, H / 2^i, W / 2^i)``.
    """

    def __init__(self, channels: Sequence[int], width: int, depth: int) -> None:
        super().__init__()
        self.width, self.depth = width, depth
        self.narrow = nn.ModuleList(ConvUnit(num, width, 1, activation=nn.SiLU(inplace=True)) for num in channels)
        self.down_looks = self.looks(len(channels) - 1)

    def looks(self, num: int) -> nn.ModuleList:
        """So many times the separable convolutions after an addition."""
        return nn.ModuleList(
            nn.Sequential(*(SeparableUnit(self.width, self.width) for _ in range(self.depth))) for _ in range(num)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        levels = [narrow(x) for narrow, x in zip(self.narrow, maps, strict=True)]
        for place, look in zip(reversed(range(len(levels) - 1)), self.down_looks):
            above = F.interpolate(levels[place + 1], scale_factor=2.0, mode="nearest")
            levels[place] = look(levels[place] + above)
        return levels


class Pyramid(TopDown):
    """A `TopDown` whose fine maps tell the coarse ones in turn."""

    def __init__(self, channels: Sequence[int], width: int, depth: int) -> None:
        super().__init__(channels, width, depth)
        steps = len(channels) - 1
        self.up_looks = self.looks(steps)
        self.halve = nn.ModuleList(SeparableUnit(width, width, stride=2) for _ in range(steps))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        levels = super().forward(maps)
        for place, (halve, look) in enumerate(zip(self.halve, self.up_looks)):
            levels[place + 1] = look(levels[place + 1] + halve(levels[place]))
        return levels


def fill_up(x: Tensor, multiple: int) -> Tensor:
    """Zeros below and to the right until the sides are multiples of a number: no place moves."""
    rows, columns = -x.shape[2] % multiple, -x.shape[3] % multiple
    return F.pad(x, (0, columns, 0, rows)) if rows or columns else x
