"""VGG: depth by stacks of 3×3 convolutions between poolings.

Paper: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
    arXiv:1409.1556, table 1: configurations A (`vgg11`), B (`vgg13`), D (`vgg16`) and E (`vgg19`).
`vgg16` has 138 357 544 parameters and 15.5 billion multiply-adds. The forms `…_bn` have a batch norm (S. Ioffe, C.
Szegedy, ICML 2015, arXiv:1502.03167) after each convolution; the convolutions keep their bias there, which training
leaves without effect, because the known weights have it.
Differs: weights begin as He's (arXiv:1502.01852), the class layer's with 0.01, where the paper begins with 0.01 or with
the layers of a shallower network. Maps that are not 7×7, from pictures of another size, are averaged to 7×7.
Known weights: the authors' of 16 and 19 layers (CC BY 4.0), torchvision's of all eight (BSD 3-clause).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network

_WIDTHS = (64, 128, 256, 512, 512)
# Convolutions in each of the five stages, by the number of layers with weights.
_DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_SMALLEST_SIDE = 32  # halved five times


@dataclass(frozen=True, kw_only=True)
class VGGOptions:
    """Options of the VGG networks.

    Args:
        dropout: share of the dense layers' outputs that is set to zero in training.
        dense_width: outputs of each of the two dense layers before the last; published weights have 4096.
        grid: rows and columns of the maps that the dense layers read; published weights have 7, and 1 is the average of
            each map, which small pictures ask for.
    """

    dropout: float = 0.5
    dense_width: int = 4096
    grid: int = 7

    def __post_init__(self) -> None:
        require_range("vgg", "dropout", self.dropout, 0.0, 0.99)
        require_range("vgg", "dense_width", self.dense_width, 1)
        require_range("vgg", "grid", self.grid, 1, 64)


class VGG(Network):
    """Five stages of 3×3 convolutions, each followed by 2×2 max pooling, then three dense layers.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> import torch
        >>> net = VGG((3, 32, 45), 10, VGGOptions(dense_width=20, grid=1), depth=11, normalized=False)
        >>> net(torch.zeros(2, 3, 32, 45)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self, input_shape: tuple[int, ...], num_outputs: int, options: VGGOptions, *, depth: int, normalized: bool
    ) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        inputs = (input_shape[0], *_WIDTHS)
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5 = (
            _stage(inputs[number], width, num_convolutions, normalized=normalized)
            for number, (width, num_convolutions) in enumerate(zip(_WIDTHS, _DEPTHS[depth]))
        )
        self.grid = nn.AdaptiveAvgPool2d(options.grid)
        self.flatten = nn.Flatten()
        self.dense1 = nn.Linear(_WIDTHS[-1] * options.grid**2, options.dense_width)
        self.relu1 = nn.ReLU(inplace=True)
        self.dropout1 = nn.Dropout(options.dropout)
        self.dense2 = nn.Linear(options.dense_width, options.dense_width)
        self.relu2 = nn.ReLU(inplace=True)
        self.dropout2 = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.dense_width, num_outputs)
        initialize(self, "he")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.stage1(self.require(x))))  # (B, 256, H/8, W/8)
        x = self.grid(self.stage5(self.stage4(x)))  # (B, 512, 7, 7)
        x = self.dropout1(self.relu1(self.dense1(self.flatten(x))))
        return self.output(self.dropout2(self.relu2(self.dense2(x))))


def _stage(in_channels: int, out_channels: int, num_convolutions: int, *, normalized: bool) -> nn.Sequential:
    stage = nn.Sequential()
    for place in range(1, num_convolutions + 1):
        stage.add_module(f"conv{place}", nn.Conv2d(in_channels, out_channels, 3, padding=1))
        if normalized:
            stage.add_module(f"norm{place}", nn.BatchNorm2d(out_channels))
        stage.add_module(f"relu{place}", nn.ReLU(inplace=True))
        in_channels = out_channels
    stage.add_module("pool", nn.MaxPool2d(2))
    return stage


def _key_maps(depth: int, *, normalized: bool) -> tuple[KeyMap, KeyMap]:
    """Both schemes number every operation of the trunk: convolution, norm where there is one, ReLU, pooling."""
    trunk: list[tuple[str, str]] = []
    number = 0
    for stage, num_convolutions in enumerate(_DEPTHS[depth], start=1):
        for place in range(1, num_convolutions + 1):
            trunk.append((rf"features\.{number}\.(weight|bias)", rf"stage{stage}.conv{place}.\1"))
            if normalized:
                kinds = "weight|bias|running_mean|running_var"
                trunk.append((rf"features\.{number + 1}\.({kinds})", rf"stage{stage}.norm{place}.\1"))
            number += 3 if normalized else 2
        number += 1  # the pool
    torchvision = (
        (r"classifier\.0\.(weight|bias)", r"dense1.\1"),
        (r"classifier\.3\.(weight|bias)", r"dense2.\1"),
        (r"classifier\.6\.(weight|bias)", r"output.\1"),
    )
    # timm keeps the dense layers as convolutions of 7×7 and 1×1 pixels: the same numbers in the same order.
    timm = (
        (r"pre_logits\.fc1\.(weight|bias)", r"dense1.\1"),
        (r"pre_logits\.fc2\.(weight|bias)", r"dense2.\1"),
        (r"head\.fc\.(weight|bias)", r"output.\1"),
    )
    unused = (r"features\.\d+\.num_batches_tracked",) if normalized else ()
    return (
        KeyMap("torchvision", rules=(*trunk, *torchvision), unused=unused),
        KeyMap("timm", rules=(*trunk, *timm), unused=unused),
    )


def _info(depth: int, *, normalized: bool) -> ModelInfo:
    return ModelInfo(
        name=f"vgg{depth}_bn" if normalized else f"vgg{depth}",
        build=functools.partial(VGG, depth=depth, normalized=normalized),
        options=VGGOptions,
        input_kind="picture",
        native_input=(3, 224, 224),
        native_outputs=1000,
        smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
        paper="Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition. ICLR 2015",
        year=2014,
        note=("Batch norm after each convolution; " if normalized else "")
        + "maps of other sizes than the paper's are averaged to 7×7.",
        gradient_layer=f"stage5.relu{_DEPTHS[depth][-1]}",
        key_maps=_key_maps(depth, normalized=normalized),
    )


VGG11, VGG13, VGG16, VGG19 = (_info(depth, normalized=False) for depth in (11, 13, 16, 19))
VGG11_BN, VGG13_BN, VGG16_BN, VGG19_BN = (_info(depth, normalized=True) for depth in (11, 13, 16, 19))
