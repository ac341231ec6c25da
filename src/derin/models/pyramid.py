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


class Pyramid(nn.Module):
    """Maps of several strides, each half as fine as the one before, brought to one width and mixed both ways.

    Args:
        channels: of the maps that come.
        width: of the maps that go.
        depth: separable convolutions after each addition.

    Shapes:
        ``(B, channels[i], H / 2^i, W / 2^i)`` → ``(B, width, H / 2^i, W / 2^i)``.
    """

    def __init__(self, channels: Sequence[int], width: int, depth: int) -> None:
        super().__init__()

        def looks(num: int) -> nn.ModuleList:
            return nn.ModuleList(
                nn.Sequential(*(SeparableUnit(width, width) for _ in range(depth))) for _ in range(num)
            )

        self.narrow = nn.ModuleList(ConvUnit(num, width, 1, activation=nn.SiLU(inplace=True)) for num in channels)
        steps = len(channels) - 1
        self.down_looks, self.up_looks = looks(steps), looks(steps)
        self.halve = nn.ModuleList(SeparableUnit(width, width, stride=2) for _ in range(steps))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        levels = [narrow(x) for narrow, x in zip(self.narrow, maps, strict=True)]
        for place, look in zip(reversed(range(len(levels) - 1)), self.down_looks):
            above = F.interpolate(levels[place + 1], scale_factor=2.0, mode="nearest")
            levels[place] = look(levels[place] + above)
        for place, (halve, look) in enumerate(zip(self.halve, self.up_looks)):
            levels[place + 1] = look(levels[place + 1] + halve(levels[place]))
        return levels
