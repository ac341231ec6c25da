"""Residual networks: blocks that learn what to add to their input.

Paper: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385.
`resnet20` is the CIFAR form of section 4.2: 6n+2 layers, widths 16/32/64, shortcuts of option A (subsampled, padded
with zero channels, no weights): 269 722 parameters; depth 32, 44, 56, 110 and every other 6n+2 as an option.
`resnet18` is the ImageNet form of table 1, shortcuts of option B (1×1 convolutions where the shape changes): 11 689
512 parameters.
Differs: `stem="small"` for pictures below 64 pixels, a 3×3 stem without pooling. Where asked, the last norm of each
block begins at zero (P. Goyal et al., arXiv:1706.02677, section 5.1); the paper begins at one. Weights are He's,
with n the outputs that an input reaches (fan-out), as the authors' own release has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.initializers import initialize
from derin.models.info import ModelInfo
from derin.models.network import Network

_SMALL_PICTURE = 64  # below this many pixels the ImageNet stem leaves the later stages a picture of one or two pixels
_DEEPEST = 1202  # the paper's deepest


@dataclass(frozen=True, kw_only=True)
class CifarResNetOptions:
    """Options of `resnet20`.

    Args:
        depth: layers with weights, 6n + 2.
        zero_init: the last norm of each block begins at zero, so that each block begins as the identity.
    """

    depth: int = 20
    zero_init: bool = False

    def __post_init__(self) -> None:
        if self.depth % 6 != 2 or not 8 <= self.depth <= _DEEPEST:
            raise UsageError(
                f"resnet20.depth must be 6n + 2 between 8 and {_DEEPEST}; got depth={self.depth}. "
                "Use 20, 32, 44, 56 or 110."
            )


@dataclass(frozen=True, kw_only=True)
class ResNetOptions:
    """Options of `resnet18`.

    Args:
        stem: "imagenet" is a 7×7 convolution with stride 2 and pooling, "small" a 3×3 one; "auto" takes "small"
            below 64 pixels.
        zero_init: the last norm of each block begins at zero, so that each block begins as the identity.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"
    zero_init: bool = False


class PaddedShortcut(nn.Module):
    """Option A: every second pixel, and zero channels on both sides to make up the width. It has no weights."""

    def __init__(self, missing_channels: int) -> None:
        super().__init__()
        self.before, self.after = missing_channels // 2, missing_channels - missing_channels // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """y = relu(x + norm(conv(relu(norm(conv(x)))))).

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: nn.Module) -> None:
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
        return self.relu(y + self.shortcut(x))


class CifarResNet(Network):
    """3×3 stem, three stages of n blocks with 16, 32 and 64 channels, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = CifarResNet((3, 32, 32), 10, CifarResNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        269722
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: CifarResNetOptions) -> None:
        super().__init__(input_shape, smallest=(8, 8), options=options)
        num_blocks = (options.depth - 2) // 6
        self.conv = nn.Conv2d(input_shape[0], 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = self._stage(16, 16, 1, num_blocks)
        self.stage2 = self._stage(16, 32, 2, num_blocks)
        self.stage3 = self._stage(32, 64, 2, num_blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(64, num_outputs)
        _begin(self, zero_init=options.zero_init)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, stride: int, num_blocks: int) -> nn.Sequential:
        first: nn.Module = nn.Identity() if stride == 1 else PaddedShortcut(out_channels - in_channels)
        blocks = [BasicBlock(in_channels, out_channels, stride, first)]
        blocks += [BasicBlock(out_channels, out_channels, 1, nn.Identity()) for _ in range(num_blocks - 1)]
        return nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(self.require(x))))  # (B, 16, H, W)
        x = self.stage3(self.stage2(self.stage1(x)))  # (B, 64, H/4, W/4)
        return self.output(self.pool(x).flatten(1))


class ResNet18(Network):
    """Stem, four stages of two blocks with 64, 128, 256 and 512 channels, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = ResNet18((3, 224, 224), 1000, ResNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        11689512
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: ResNetOptions) -> None:
        if options.stem == "auto":
            options = replace(options, stem="small" if min(input_shape[1:]) < _SMALL_PICTURE else "imagenet")
        smallest = (16, 16) if options.stem == "small" else (33, 33)
        super().__init__(input_shape, smallest=smallest, options=options)
        if options.stem == "small":
            self.conv = nn.Conv2d(input_shape[0], 64, 3, padding=1, bias=False)
            self.pool: nn.Module = nn.Identity()
        else:
            self.conv = nn.Conv2d(input_shape[0], 64, 7, 2, padding=3, bias=False)
            self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.norm = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = self._stage(64, 64, 1)
        self.stage2 = self._stage(64, 128, 2)
        self.stage3 = self._stage(128, 256, 2)
        self.stage4 = self._stage(256, 512, 2)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(512, num_outputs)
        _begin(self, zero_init=options.zero_init)

    @staticmethod
    def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
        first: nn.Module = nn.Identity()
        if stride > 1:
            convolution = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            first = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))
        return nn.Sequential(
            BasicBlock(in_channels, out_channels, stride, first),
            BasicBlock(out_channels, out_channels, 1, nn.Identity()),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.norm(self.conv(self.require(x)))))  # (B, 64, H/4, W/4); small stem: (B, 64, H, W)
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))  # (B, 512, H/32, W/32); small stem: H/8
        return self.output(self.average(x).flatten(1))


@torch.no_grad()
def _begin(network: nn.Module, *, zero_init: bool) -> None:
    """He's initialization by fan-out for convolutions, √(1/n) for the output; zeros in the last norms where asked."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            module.weight.normal_(0.0, math.sqrt(2 / (module.out_channels * math.prod(module.kernel_size))))
        elif isinstance(module, nn.Linear):
            initialize(module, "xavier")
        elif isinstance(module, BasicBlock) and zero_init:
            module.norm2.weight.zero_()


_PAPER = "He, Zhang, Ren, Sun: Deep residual learning for image recognition. CVPR 2016"

RESNET20 = ModelInfo(
    name="resnet20",
    build=CifarResNet,
    options=CifarResNetOptions,
    input_kind="picture",
    native_input=(3, 32, 32),
    native_outputs=10,
    smallest_input=(1, 8, 8),
    paper=_PAPER,
    year=2015,
    note="The CIFAR form with shortcuts of option A; depth=32, 44, 56, 110 are the paper's others.",
    gradient_layer="stage3",
)
RESNET18 = ModelInfo(
    name="resnet18",
    build=ResNet18,
    options=ResNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 16, 16),
    paper=_PAPER,
    year=2015,
    note="Shortcuts of option B; below 64 pixels a 3×3 stem without pooling (stem=small).",
    gradient_layer="stage4",
)
