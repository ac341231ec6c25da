"""Residual networks, whose blocks learn what to add to their input, and the plain ones that they are compared with.

Paper: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385.
`resnet18`, -34, -50, -101 and -152 are table 1 with shortcuts of option B (1×1 convolutions where the shape changes):
    11 689 512, 21 797 672, 25 557 032, 44 549 160 and 60 192 808 parameters. `resnet20`, -32, -44, -56 and -110 are the
    CIFAR form of section 4.2, 6n+2 layers with 16, 32 and 64 channels and shortcuts of option A (subsampled, padded
    with zero channels, no weights): resnet20 has 269 722 parameters.
`plain18`, -34 and the CIFAR ones are the same networks without shortcuts: they show how depth alone does harm.
Differs: bottlenecks take their stride in the 3×3 convolution, as most weights do (4.1 G multiply-adds in resnet50);
    `stride_in="1x1"` is the paper (3.8 G). `stem="small"` for pictures below 64 pixels, a 3×3 stem without pooling.
    Where asked, the last norm of each block begins at zero (P. Goyal et al., arXiv:1706.02677, section 5.1); the paper
    begins at one. Weights are He's, with n the outputs that an input reaches (fan-out), as in the authors' release.
Known weights: torchvision's (BSD 3-clause), timm's (Apache 2.0); for CIFAR-10 those of akamaster/pytorch_resnet_cifar10
    (BSD 2-clause).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.models.info import ModelInfo, NoOptions
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem

_EXPANSION = 4  # how much wider a bottleneck is outside than inside


@dataclass(frozen=True, kw_only=True)
class PlainOptions:
    """Options of `plain18` and `plain34`.

    Args:
        stem: "imagenet" is a 7×7 convolution with stride 2 and pooling, "small" a 3×3 one; "auto" takes "small"
            below 64 pixels.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"


@dataclass(frozen=True, kw_only=True)
class ResNetOptions(PlainOptions):
    """Options of `resnet18` and `resnet34`: the stem, and how the blocks begin.

    Args:
        zero_init: the last norm of each block begins at zero, so that each block begins as the identity.
    """

    zero_init: bool = False


@dataclass(frozen=True, kw_only=True)
class BottleneckOptions(ResNetOptions):
    """Options of `resnet50`, `resnet101` and `resnet152`: those of `resnet18`, and where a block halves the picture.

    Args:
        stride_in: the convolution of the block that has the stride; the paper's is "1x1".
    """

    stride_in: Literal["3x3", "1x1"] = "3x3"


@dataclass(frozen=True, kw_only=True)
class CifarResNetOptions:
    """Options of `resnet20`, `resnet32`, `resnet44`, `resnet56` and `resnet110`.

    Args:
        zero_init: the last norm of each block begins at zero, so that each block begins as the identity.
    """

    zero_init: bool = False


class PaddedShortcut(nn.Module):
    """Option A: every second pixel, and zero channels on both sides to make up the width. It has no weights."""

    def __init__(self, missing_channels: int) -> None:
        super().__init__()
        self.before, self.after = missing_channels // 2, missing_channels - missing_channels // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """y = relu(shortcut(x) + norm(conv(relu(norm(conv(x)))))); without a shortcut the block of a plain network.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return self.relu(y if self.shortcut is None else y + self.shortcut(x))


class Bottleneck(nn.Module):
    """y = relu(shortcut(x) + f(x)), with f a 1×1 convolution that narrows, a 3×3 one, and a 1×1 one that widens again.

    Args:
        in_channels: of the input.
        out_channels: of the output; a quarter of them is the width inside.
        stride: 2 halves the picture.
        shortcut: what is added.
        stride_in: the convolution that has the stride.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        shortcut: nn.Module,
        *,
        stride_in: Literal["3x3", "1x1"] = "3x3",
    ) -> None:
        super().__init__()
        width = out_channels // _EXPANSION
        strides = (stride, 1) if stride_in == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, strides[0], bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, strides[1], padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(out_channels)
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        y = self.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return self.relu(y + self.shortcut(x))


class CifarResNet(Network):
    """3×3 stem, three stages of n blocks with 16, 32 and 64 channels, global average, dense output.

    Args:
        input_shape: of one example.
        num_outputs: classes or values.
        options: how the blocks begin; a plain network has none.
        depth: layers with weights, 6n + 2.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = CifarResNet((3, 32, 32), 10, CifarResNetOptions(), depth=20)
        >>> sum(p.numel() for p in net.parameters())
        269722
    """

    def __init__(
        self, input_shape: tuple[int, ...], num_outputs: int, options: CifarResNetOptions | NoOptions, *, depth: int
    ) -> None:
        super().__init__(input_shape, smallest=(8, 8), options=options)
        is_plain, num_blocks = isinstance(options, NoOptions), (depth - 2) // 6
        self.conv = nn.Conv2d(input_shape[0], 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = _cifar_stage(16, 16, 1, num_blocks, is_plain=is_plain)
        self.stage2 = _cifar_stage(16, 32, 2, num_blocks, is_plain=is_plain)
        self.stage3 = _cifar_stage(32, 64, 2, num_blocks, is_plain=is_plain)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(64, num_outputs)
        _init_weights(self, options)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(self.require(x))))  # (B, 16, H, W)
        x = self.stage3(self.stage2(self.stage1(x)))  # (B, 64, H/4, W/4)
        return self.output(self.pool(x).flatten(1))


class ResNet(Network):
    """Stem, four stages of blocks, global average, dense output.

    The stages have 64, 128, 256 and 512 channels, four times as many with bottlenecks. Each halves the picture but the
    first.

    Args:
        input_shape: of one example.
        num_outputs: classes or values.
        options: their class says what the blocks are: `PlainOptions`, `ResNetOptions` or `BottleneckOptions`.
        depths: blocks of each stage.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = ResNet((3, 224, 224), 1000, BottleneckOptions(), depths=(3, 4, 6, 3))
        >>> sum(p.numel() for p in net.parameters())
        25557032
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        options: PlainOptions,
        *,
        depths: tuple[int, int, int, int],
    ) -> None:
        options = with_stem(options, input_shape)
        smallest = (16, 16) if options.stem == "small" else (33, 33)
        super().__init__(input_shape, smallest=smallest, options=options)
        is_small = options.stem == "small"
        kernel, stride = (3, 1) if is_small else (7, 2)
        self.conv = nn.Conv2d(input_shape[0], 64, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.pool: nn.Module = nn.Identity() if is_small else nn.MaxPool2d(3, 2, padding=1)
        one, two, three, four = (64, 128, 256, 512)
        if isinstance(options, BottleneckOptions):
            one, two, three, four = (_EXPANSION * width for width in (one, two, three, four))
        self.stage1 = _stage(64, one, 1, depths[0], options)
        self.stage2 = _stage(one, two, 2, depths[1], options)
        self.stage3 = _stage(two, three, 2, depths[2], options)
        self.stage4 = _stage(three, four, 2, depths[3], options)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(four, num_outputs)
        _init_weights(self, options)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.norm(self.conv(self.require(x)))))  # (B, 64, H/4, W/4); small stem: (B, 64, H, W)
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))  # (B, 512 or 2048, H/32, W/32); small stem: H/8
        return self.output(self.average(x).flatten(1))


def _cifar_stage(in_channels: int, out_channels: int, stride: int, num_blocks: int, *, is_plain: bool) -> nn.Sequential:
    first: nn.Module = nn.Identity() if stride == 1 else PaddedShortcut(out_channels - in_channels)
    blocks = [BasicBlock(in_channels, out_channels, stride, None if is_plain else first)]
    for _ in range(num_blocks - 1):
        blocks.append(BasicBlock(out_channels, out_channels, 1, None if is_plain else nn.Identity()))
    return nn.Sequential(*blocks)


def _stage(in_channels: int, out_channels: int, stride: int, depth: int, options: PlainOptions) -> nn.Sequential:
    blocks = [_block(in_channels, out_channels, stride, options)]
    blocks += [_block(out_channels, out_channels, 1, options) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def _block(in_channels: int, out_channels: int, stride: int, options: PlainOptions) -> nn.Module:
    if not isinstance(options, ResNetOptions):
        return BasicBlock(in_channels, out_channels, stride, None)
    shortcut: nn.Module = nn.Identity()
    if stride > 1 or in_channels != out_channels:
        convolution = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        shortcut = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))
    if isinstance(options, BottleneckOptions):
        return Bottleneck(in_channels, out_channels, stride, shortcut, stride_in=options.stride_in)
    return BasicBlock(in_channels, out_channels, stride, shortcut)


@torch.no_grad()
def _init_weights(network: nn.Module, options: PlainOptions | CifarResNetOptions | NoOptions) -> None:
    """He's initialization by fan-out for convolutions, √(1/n) for the output; zeros in the last norms where asked."""
    zero_init = isinstance(options, ResNetOptions | CifarResNetOptions) and options.zero_init
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            module.weight.normal_(0.0, math.sqrt(2 / (module.out_channels * math.prod(module.kernel_size))))
        elif isinstance(module, nn.Linear):
            initialize(module, "xavier")
        elif isinstance(module, BasicBlock | Bottleneck) and zero_init:
            last = module.norm3 if isinstance(module, Bottleneck) else module.norm2
            last.weight.zero_()


_NORM = "(weight|bias|running_mean|running_var)"
_NOT_NEEDED = (r".*\.num_batches_tracked",)
_BLOCKS = (
    (r"(?:module\.)?conv1\.weight", "conv.weight"),
    (rf"(?:module\.)?bn1\.{_NORM}", r"norm.\1"),
    (r"(?:module\.)?layer(\d)\.(\d+)\.conv(\d)\.weight", r"stage\1.\2.conv\3.weight"),
    (rf"(?:module\.)?layer(\d)\.(\d+)\.bn(\d)\.{_NORM}", r"stage\1.\2.norm\3.\4"),
)
_IMAGENET_KEYS = KeyMap(
    "torchvision, timm",
    rules=(
        *_BLOCKS,
        (r"(?:module\.)?layer(\d)\.(\d+)\.downsample\.0\.weight", r"stage\1.\2.shortcut.0.weight"),
        (rf"(?:module\.)?layer(\d)\.(\d+)\.downsample\.1\.{_NORM}", r"stage\1.\2.shortcut.1.\3"),
        (r"(?:module\.)?fc\.(weight|bias)", r"output.\1"),
    ),
    unused=_NOT_NEEDED,
)
_CIFAR_KEYS = KeyMap(
    "akamaster/pytorch_resnet_cifar10",
    rules=(*_BLOCKS, (r"(?:module\.)?linear\.(weight|bias)", r"output.\1")),
    unused=_NOT_NEEDED,
)


def _imagenet(name: str, options: type[PlainOptions], depths: tuple[int, int, int, int], note: str) -> ModelInfo:
    return _info(
        name,
        partial(ResNet, depths=depths),
        options,
        native_input=(3, 224, 224),
        native_outputs=1000,
        smallest_input=(1, 16, 16),
        note=note,
        gradient_layer="stage4",
        key_maps=(_IMAGENET_KEYS,) if issubclass(options, ResNetOptions) else (),
    )


def _cifar(name: str, options: type[CifarResNetOptions | NoOptions], depth: int, note: str) -> ModelInfo:
    return _info(
        name,
        partial(CifarResNet, depth=depth),
        options,
        native_input=(3, 32, 32),
        native_outputs=10,
        smallest_input=(1, 8, 8),
        note=note,
        gradient_layer="stage3",
        key_maps=(_CIFAR_KEYS,) if options is CifarResNetOptions else (),
    )


def _info(name: str, build: Any, options: type, **facts: Any) -> ModelInfo:
    paper = "He, Zhang, Ren, Sun: Deep residual learning for image recognition. CVPR 2016"
    return ModelInfo(name=name, build=build, options=options, input_kind="picture", paper=paper, year=2015, **facts)


_BASIC_NOTE = "Shortcuts of option B; below 64 pixels a 3×3 stem without pooling (stem=small)."
_BOTTLENECK_NOTE = "Stride in the 3×3 convolution (stride_in=1x1 is the paper's); below 64 pixels stem=small."
_PLAIN_NOTE = "The residual network of this depth without its shortcuts, to compare with."
_CIFAR_NOTE = "The CIFAR form with shortcuts of option A, which have no weights."

RESNET18 = _imagenet("resnet18", ResNetOptions, (2, 2, 2, 2), _BASIC_NOTE)
RESNET34 = _imagenet("resnet34", ResNetOptions, (3, 4, 6, 3), _BASIC_NOTE)
RESNET50 = _imagenet("resnet50", BottleneckOptions, (3, 4, 6, 3), _BOTTLENECK_NOTE)
RESNET101 = _imagenet("resnet101", BottleneckOptions, (3, 4, 23, 3), _BOTTLENECK_NOTE)
RESNET152 = _imagenet("resnet152", BottleneckOptions, (3, 8, 36, 3), _BOTTLENECK_NOTE)
PLAIN18 = _imagenet("plain18", PlainOptions, (2, 2, 2, 2), _PLAIN_NOTE)
PLAIN34 = _imagenet("plain34", PlainOptions, (3, 4, 6, 3), _PLAIN_NOTE)
RESNET20 = _cifar("resnet20", CifarResNetOptions, 20, _CIFAR_NOTE)
RESNET32 = _cifar("resnet32", CifarResNetOptions, 32, _CIFAR_NOTE)
RESNET44 = _cifar("resnet44", CifarResNetOptions, 44, _CIFAR_NOTE)
RESNET56 = _cifar("resnet56", CifarResNetOptions, 56, _CIFAR_NOTE)
RESNET110 = _cifar("resnet110", CifarResNetOptions, 110, _CIFAR_NOTE)
PLAIN20 = _cifar("plain20", NoOptions, 20, _PLAIN_NOTE)
PLAIN32 = _cifar("plain32", NoOptions, 32, _PLAIN_NOTE)
PLAIN44 = _cifar("plain44", NoOptions, 44, _PLAIN_NOTE)
PLAIN56 = _cifar("plain56", NoOptions, 56, _PLAIN_NOTE)
PLAIN110 = _cifar("plain110", NoOptions, 110, _PLAIN_NOTE)
