"""SqueezeNet: fire modules, which squeeze the channels by 1×1 convolutions before few 3×3 ones see them.

Paper: F. Iandola, S. Han, M. Moskewicz, K. Ashraf, W. Dally, K. Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x
    fewer parameters and <0.5MB model size", 2016, arXiv:1602.07360, table 1.
`squeezenet1_0` is the table: 1 248 424 parameters; `squeezenet1_1` is the authors' later release, which pools earlier
and costs less than half: 1 235 496. The table's 111×111 first maps come from 227×227 pixels without padding.
Differs: weights begin as He's, with 0.01 in the class layer, where the authors' release has Xavier's and 0.01.
Known weights: the authors' (BSD 2-clause; Deep Compression's copy pads the class layer by one pixel, output_padding=1)
    and torchvision's (BSD 3-clause).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network

# Number of the fire module in the paper: (squeezed channels, channels of each of the two expansions).
_FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
_STAGES_1_0 = ((2, 3, 4), (5, 6, 7, 8), (9,))  # a max pool stands before each stage
_STAGES_1_1 = ((2, 3), (4, 5), (6, 7, 8, 9))


@dataclass(frozen=True, kw_only=True)
class SqueezeNetOptions:
    """Options of `squeezenet1_0` and `squeezenet1_1`.

    Args:
        dropout: share of the last maps that is set to zero in training.
        output_padding: zeros around the maps that the 1×1 class layer reads; the Deep-Compression weights want 1.
        output_activation: "relu" rectifies the class maps before their average, as published; a network with a single
            output, whose sign means something, needs "linear". "auto" decides by that.
    """

    dropout: float = 0.5
    output_padding: Literal[0, 1] = 0
    output_activation: Literal["auto", "relu", "linear"] = "auto"

    def __post_init__(self) -> None:
        require_range("squeezenet", "dropout", self.dropout, 0.0, 0.99)


class Fire(nn.Module):
    """s = relu(conv1×1(x)), y = relu([conv1×1(s), conv3×3(s)]), joined along the channels.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, 2 · expanded, H, W)``.

    Example:
        >>> Fire(96, 16, 64)(torch.zeros(2, 96, 5, 7)).shape
        torch.Size([2, 128, 5, 7])
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.squeeze(x))
        return self.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


def _width(fires: tuple[int, ...]) -> int:
    """Channels after these fire modules."""
    return 2 * _FIRES[fires[-1]][1]


def _stage(in_channels: int, fires: tuple[int, ...]) -> nn.Sequential:
    stage = nn.Sequential()
    stage.add_module("pool", nn.MaxPool2d(3, 2, ceil_mode=True))
    for fire in fires:
        squeezed, expanded = _FIRES[fire]
        stage.add_module(f"fire{fire}", Fire(in_channels, squeezed, expanded))
        in_channels = 2 * expanded
    return stage


class SqueezeNet(Network):
    """Stem, three stages of a 3×3 max pool and fire modules, a 1×1 class layer and the average of each class map.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        options: SqueezeNetOptions,
        *,
        stem: nn.Conv2d,
        stages: tuple[tuple[int, ...], ...],
        smallest_side: int,
    ) -> None:
        if options.output_activation == "auto":
            options = replace(options, output_activation="linear" if num_outputs == 1 else "relu")
        super().__init__(input_shape, smallest=(smallest_side, smallest_side), options=options)
        self.stem = nn.Sequential()
        self.stem.add_module("conv", stem)
        self.stem.add_module("relu", nn.ReLU(inplace=True))
        self.stage1 = _stage(stem.out_channels, stages[0])
        self.stage2 = _stage(_width(stages[0]), stages[1])
        self.stage3 = _stage(_width(stages[1]), stages[2])
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Conv2d(_width(stages[2]), num_outputs, 1, padding=options.output_padding)
        self.rectify = nn.ReLU(inplace=True) if options.output_activation == "relu" else nn.Identity()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        initialize(self, "he")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(self.require(x))  # 1.0: (B, 96, 111, 111) of 227 × 227; 1.1: (B, 64, 113, 113)
        x = self.stage3(self.stage2(self.stage1(x)))  # (B, 512, 13, 13) in 1.0 and 14 × 14 in 1.1
        return self.flatten(self.average(self.rectify(self.output(self.dropout(x)))))


def squeezenet1_0(input_shape: tuple[int, ...], num_outputs: int, options: SqueezeNetOptions) -> SqueezeNet:
    """The paper's table 1.

    Example:
        >>> net = squeezenet1_0((3, 227, 227), 1000, SqueezeNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        1248424
    """
    stem = nn.Conv2d(input_shape[0], 96, 7, 2)
    return SqueezeNet(input_shape, num_outputs, options, stem=stem, stages=_STAGES_1_0, smallest_side=21)


def squeezenet1_1(input_shape: tuple[int, ...], num_outputs: int, options: SqueezeNetOptions) -> SqueezeNet:
    """The authors' later form: a smaller stem, and pools before fire 2, 4 and 6.

    Example:
        >>> net = squeezenet1_1((3, 227, 227), 1000, SqueezeNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        1235496
    """
    stem = nn.Conv2d(input_shape[0], 64, 3, 2)
    return SqueezeNet(input_shape, num_outputs, options, stem=stem, stages=_STAGES_1_1, smallest_side=17)


def _key_map(fires_by_place: Mapping[int, str]) -> KeyMap:
    """The scheme numbers every operation of the trunk; timm has no SqueezeNet."""
    rules = [(r"features\.0\.(weight|bias)", r"stem.conv.\1"), (r"classifier\.1\.(weight|bias)", r"output.\1")]
    for place, fire in fires_by_place.items():
        rules.append((rf"features\.{place}\.(squeeze|expand1x1|expand3x3)\.(weight|bias)", rf"{fire}.\1.\2"))
    return KeyMap("torchvision", rules=tuple(rules))


_TORCHVISION_1_0 = _key_map(
    {
        3: "stage1.fire2",
        4: "stage1.fire3",
        5: "stage1.fire4",
        7: "stage2.fire5",
        8: "stage2.fire6",
        9: "stage2.fire7",
        10: "stage2.fire8",
        12: "stage3.fire9",
    }
)
_TORCHVISION_1_1 = _key_map(
    {
        3: "stage1.fire2",
        4: "stage1.fire3",
        6: "stage2.fire4",
        7: "stage2.fire5",
        9: "stage3.fire6",
        10: "stage3.fire7",
        11: "stage3.fire8",
        12: "stage3.fire9",
    }
)
_PAPER = "Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: SqueezeNet: AlexNet-level accuracy. arXiv:1602.07360, 2016"

SQUEEZENET1_0 = ModelInfo(
    name="squeezenet1_0",
    build=squeezenet1_0,
    options=SqueezeNetOptions,
    input_kind="picture",
    native_input=(3, 227, 227),
    native_outputs=1000,
    smallest_input=(1, 21, 21),
    paper=_PAPER,
    year=2016,
    note="As in table 1; Deep Compression's weights want output_padding=1.",
    gradient_layer="stage3",
    key_maps=(_TORCHVISION_1_0,),
)
SQUEEZENET1_1 = ModelInfo(
    name="squeezenet1_1",
    build=squeezenet1_1,
    options=SqueezeNetOptions,
    input_kind="picture",
    native_input=(3, 227, 227),
    native_outputs=1000,
    smallest_input=(1, 17, 17),
    paper=_PAPER,
    year=2016,
    note="The authors' later release: a smaller stem and earlier pools, at less than half the cost.",
    gradient_layer="stage3",
    key_maps=(_TORCHVISION_1_1,),
)
