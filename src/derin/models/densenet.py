"""DenseNet: every layer of a block reads the maps of all layers before it.

Paper: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional networks", CVPR 2017,
    arXiv:1608.06993, table 1: DenseNet-121 in the form BC (bottlenecks of 4k maps, transitions that halve the maps),
    growth rate k = 32.
`densenet121` has 7 978 856 parameters.
Differs: `stem="small"` for pictures below 64 pixels, a 3×3 stem without pooling, as the paper's own networks for CIFAR
have it. Weights begin as He's, as the paper's do.
Known weights: torchvision's and timm's (BSD 3-clause, Apache 2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem

_DEPTHS = (6, 12, 24, 16)  # layers in each block
_BOTTLENECK = 4  # maps between the two convolutions of a layer, in multiples of the growth rate


@dataclass(frozen=True, kw_only=True)
class DenseNetOptions:
    """Options of `densenet121`.

    Args:
        stem: "imagenet" is a 7×7 convolution with stride 2 and pooling, "small" a 3×3 one; "auto" takes "small"
            below 64 pixels.
        growth_rate: k, the maps that each layer adds.
        dropout: share of each layer's new maps that is set to zero in training; the paper has 0.2 where it trains
            without augmentation.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"
    growth_rate: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_range("densenet121", "growth_rate", self.growth_rate, 1, 1024)
        require_range("densenet121", "dropout", self.dropout, 0.0, 0.99)


class DenseLayer(nn.Module):
    """y = [x, dropout(conv3×3(relu(norm(conv1×1(relu(norm(x)))))))], joined along the channels.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, in_channels + growth_rate, H, W)``.

    Example:
        >>> DenseLayer(64, 32, dropout=0.0)(torch.zeros(2, 64, 5, 7)).shape
        torch.Size([2, 96, 5, 7])
    """

    def __init__(self, in_channels: int, growth_rate: int, *, dropout: float) -> None:
        super().__init__()
        between = _BOTTLENECK * growth_rate
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, between, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(between)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(between, growth_rate, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu1(self.norm1(x)))  # (B, 4k, H, W)
        new = self.dropout(self.conv2(self.relu2(self.norm2(new))))  # (B, k, H, W)
        return torch.cat([x, new], dim=1)


class DenseNet121(Network):
    """Stem, four dense blocks with transitions between them, norm, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = DenseNet121((3, 224, 224), 1000, DenseNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        7978856
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: DenseNetOptions) -> None:
        options = with_stem(options, input_shape)
        smallest = (8, 8) if options.stem == "small" else (29, 29)  # three transitions halve at least 8 pixels
        super().__init__(input_shape, smallest=smallest, options=options)
        channels = 2 * options.growth_rate
        self.stem = _stem(input_shape[0], channels, small=options.stem == "small")
        self.stage1 = _stage(channels, _DEPTHS[0], options)
        channels += _DEPTHS[0] * options.growth_rate
        self.transition1 = _transition(channels)
        channels //= 2
        self.stage2 = _stage(channels, _DEPTHS[1], options)
        channels += _DEPTHS[1] * options.growth_rate
        self.transition2 = _transition(channels)
        channels //= 2
        self.stage3 = _stage(channels, _DEPTHS[2], options)
        channels += _DEPTHS[2] * options.growth_rate
        self.transition3 = _transition(channels)
        channels //= 2
        self.stage4 = _stage(channels, _DEPTHS[3], options)
        channels += _DEPTHS[3] * options.growth_rate
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.output = nn.Linear(channels, num_outputs)
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(self.require(x))  # (B, 64, 56, 56)
        x = self.transition1(self.stage1(x))  # (B, 256, 56, 56) → (B, 128, 28, 28)
        x = self.transition2(self.stage2(x))  # (B, 512, 28, 28) → (B, 256, 14, 14)
        x = self.transition3(self.stage3(x))  # (B, 1024, 14, 14) → (B, 512, 7, 7)
        x = self.relu(self.norm(self.stage4(x)))  # (B, 1024, 7, 7)
        return self.output(self.flatten(self.average(x)))


def _stem(in_channels: int, out_channels: int, *, small: bool) -> nn.Sequential:
    stem = nn.Sequential()
    if small:
        stem.add_module("conv", nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False))
    else:
        stem.add_module("conv", nn.Conv2d(in_channels, out_channels, 7, 2, padding=3, bias=False))
    stem.add_module("norm", nn.BatchNorm2d(out_channels))
    stem.add_module("relu", nn.ReLU(inplace=True))
    if not small:
        stem.add_module("pool", nn.MaxPool2d(3, 2, padding=1))
    return stem


def _stage(in_channels: int, depth: int, options: DenseNetOptions) -> nn.Sequential:
    stage = nn.Sequential()
    for place in range(depth):
        layer = DenseLayer(in_channels + place * options.growth_rate, options.growth_rate, dropout=options.dropout)
        stage.add_module(f"layer{place + 1}", layer)
    return stage


def _transition(in_channels: int) -> nn.Sequential:
    transition = nn.Sequential()
    transition.add_module("norm", nn.BatchNorm2d(in_channels))
    transition.add_module("relu", nn.ReLU(inplace=True))
    transition.add_module("conv", nn.Conv2d(in_channels, in_channels // 2, 1, bias=False))
    transition.add_module("pool", nn.AvgPool2d(2))
    return transition


_NORM = "(weight|bias|running_mean|running_var)"
# timm took over torchvision's names; the oldest files of both have a dot before the numbers within a layer.
_PUBLISHED = KeyMap(
    "torchvision, timm",
    rules=(
        (r"features\.conv0\.weight", r"stem.conv.weight"),
        (rf"features\.norm0\.{_NORM}", r"stem.norm.\1"),
        (r"features\.denseblock(\d)\.denselayer(\d+)\.conv\.?(\d)\.weight", r"stage\1.layer\2.conv\3.weight"),
        (rf"features\.denseblock(\d)\.denselayer(\d+)\.norm\.?(\d)\.{_NORM}", r"stage\1.layer\2.norm\3.\4"),
        (r"features\.transition(\d)\.conv\.weight", r"transition\1.conv.weight"),
        (rf"features\.transition(\d)\.norm\.{_NORM}", r"transition\1.norm.\2"),
        (rf"features\.norm5\.{_NORM}", r"norm.\1"),
        (r"classifier\.(weight|bias)", r"output.\1"),
    ),
    unused=(r"features\..*\.num_batches_tracked",),
)

DENSENET121 = ModelInfo(
    name="densenet121",
    build=DenseNet121,
    options=DenseNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 8, 8),
    paper="Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks. CVPR 2017",
    year=2016,
    note="Form BC, growth rate 32; below 64 pixels a 3×3 stem without pooling (stem=small).",
    gradient_layer="relu",
    key_maps=(_PUBLISHED,),
)
