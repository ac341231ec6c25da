"""AlexNet: five convolutions, three dense layers, ReLU and dropout, which won ImageNet 2012.

Papers: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS
    2012, sections 3 and 4 (`alexnet_2012`, 60 965 224 parameters); A. Krizhevsky, "One weird trick for parallelizing
    convolutional neural networks", 2014, arXiv:1404.5997 (`alexnet`, one tower, 61 100 840 parameters).
`alexnet_2012` keeps the two towers of the paper as groups of convolutions 2, 4 and 5, its response normalization, its
overlapping pools and its first weights.
Differs: the paper's 224 pixels give its 55×55 first maps only as 227, which is read here; response normalization
runs over all maps, across the border of the towers. `alexnet` has no response normalization, as in its known weights,
and begins with He's weights. Maps that are not 6×6, from pictures of another size, are averaged to 6×6.
Known weights: torchvision's of `alexnet` (BSD 3-clause).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network


@dataclass(frozen=True, kw_only=True)
class AlexNetOptions:
    """Options of `alexnet` and `alexnet_2012`.

    Args:
        dropout: share of the dense layers' outputs that is set to zero in training.
        dense_width: outputs of each of the two dense layers before the last; published weights have 4096.
        grid: rows and columns of the maps that the dense layers read; published weights have 6.
    """

    dropout: float = 0.5
    dense_width: int = 4096
    grid: int = 6

    def __post_init__(self) -> None:
        require_range("alexnet", "dropout", self.dropout, 0.0, 0.99)
        require_range("alexnet", "dense_width", self.dense_width, 1)
        require_range("alexnet", "grid", self.grid, 1, 64)


@dataclass(frozen=True, kw_only=True)
class _Form:
    """What the two papers have differently."""

    widths: tuple[int, int, int, int, int]
    groups: tuple[int, int, int, int, int] = (1, 1, 1, 1, 1)
    first_padding: int
    normalized: bool
    smallest_side: int  # the last pool must find a whole 3×3 window


_ONE_TOWER = _Form(widths=(64, 192, 384, 256, 256), first_padding=2, normalized=False, smallest_side=63)
_TWO_TOWERS = _Form(
    widths=(96, 256, 384, 384, 256), groups=(1, 2, 1, 2, 2), first_padding=0, normalized=True, smallest_side=67
)


class AlexNet(Network):
    """Blocks of convolution, ReLU, response normalization and 3×3/2 pooling, then dense layers fc6, fc7 and output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: AlexNetOptions, *, form: _Form) -> None:
        super().__init__(input_shape, smallest=(form.smallest_side, form.smallest_side), options=options)
        first, second, third, fourth, fifth = form.widths
        _, groups2, groups3, groups4, groups5 = form.groups
        self.block1 = _block(
            nn.Conv2d(input_shape[0], first, 11, 4, padding=form.first_padding), normalized=form.normalized, pooled=True
        )
        self.block2 = _block(
            nn.Conv2d(first, second, 5, padding=2, groups=groups2), normalized=form.normalized, pooled=True
        )
        self.block3 = _block(nn.Conv2d(second, third, 3, padding=1, groups=groups3))
        self.block4 = _block(nn.Conv2d(third, fourth, 3, padding=1, groups=groups4))
        self.block5 = _block(nn.Conv2d(fourth, fifth, 3, padding=1, groups=groups5), pooled=True)
        self.grid = nn.AdaptiveAvgPool2d(options.grid)
        self.flatten = nn.Flatten()
        self.fc6 = nn.Linear(fifth * options.grid**2, options.dense_width)
        self.relu6 = nn.ReLU(inplace=True)
        self.dropout6 = nn.Dropout(options.dropout)
        self.fc7 = nn.Linear(options.dense_width, options.dense_width)
        self.relu7 = nn.ReLU(inplace=True)
        self.dropout7 = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.dense_width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(self.require(x)))  # (B, 192 or 256, 13, 13)
        x = self.grid(self.block5(self.block4(self.block3(x))))  # (B, 256, 6, 6)
        x = self.dropout6(self.relu6(self.fc6(self.flatten(x))))
        return self.output(self.dropout7(self.relu7(self.fc7(x))))


def alexnet(input_shape: tuple[int, ...], num_outputs: int, options: AlexNetOptions) -> AlexNet:
    """The one tower of 2014.

    Example:
        >>> net = alexnet((3, 63, 63), 10, AlexNetOptions(dense_width=20, grid=1))
        >>> net.block1.conv.weight.shape, net.fc6.weight.shape
        (torch.Size([64, 3, 11, 11]), torch.Size([20, 256]))
    """
    network = AlexNet(input_shape, num_outputs, options, form=_ONE_TOWER)
    initialize(network, "he")
    initialize(network.output, "normal")
    return network


def alexnet_2012(input_shape: tuple[int, ...], num_outputs: int, options: AlexNetOptions) -> AlexNet:
    """The two towers of 2012, which see each other's maps in convolution 3 and the dense layers alone.

    Example:
        >>> net = alexnet_2012((3, 67, 67), 10, AlexNetOptions(dense_width=20, grid=1))
        >>> net.block2.conv.weight.shape, net.block2.conv.groups
        (torch.Size([256, 48, 5, 5]), 2)
    """
    network = AlexNet(input_shape, num_outputs, options, form=_TWO_TOWERS)
    initialize(network, "normal")
    with torch.no_grad():  # section 5: ones give the rectifiers positive inputs to begin with
        for layer in ("block2.conv", "block4.conv", "block5.conv", "fc6", "fc7"):
            network.get_parameter(f"{layer}.bias").fill_(1.0)
    return network


def _block(convolution: nn.Conv2d, *, normalized: bool = False, pooled: bool = False) -> nn.Sequential:
    block = nn.Sequential()
    block.add_module("conv", convolution)
    block.add_module("relu", nn.ReLU(inplace=True))
    if normalized:
        # Section 3.3: b = a / (2 + 10⁻⁴ Σ a²)^¾ over 5 maps; torch takes the mean where the paper has the sum.
        block.add_module("norm", nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
    if pooled:
        block.add_module("pool", nn.MaxPool2d(3, 2))
    return block


# timm has no AlexNet.
_TORCHVISION = KeyMap(
    "torchvision",
    rules=(
        (r"features\.0\.(weight|bias)", r"block1.conv.\1"),
        (r"features\.3\.(weight|bias)", r"block2.conv.\1"),
        (r"features\.6\.(weight|bias)", r"block3.conv.\1"),
        (r"features\.8\.(weight|bias)", r"block4.conv.\1"),
        (r"features\.10\.(weight|bias)", r"block5.conv.\1"),
        (r"classifier\.1\.(weight|bias)", r"fc6.\1"),
        (r"classifier\.4\.(weight|bias)", r"fc7.\1"),
        (r"classifier\.6\.(weight|bias)", r"output.\1"),
    ),
)

ALEXNET = ModelInfo(
    name="alexnet",
    build=alexnet,
    options=AlexNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, _ONE_TOWER.smallest_side, _ONE_TOWER.smallest_side),
    paper="Krizhevsky: One weird trick for parallelizing convolutional neural networks. arXiv:1404.5997, 2014",
    year=2014,
    note="One tower without response normalization; maps of other sizes are averaged to 6×6.",
    gradient_layer="block5.relu",
    key_maps=(_TORCHVISION,),
)
ALEXNET_2012 = ModelInfo(
    name="alexnet_2012",
    build=alexnet_2012,
    options=AlexNetOptions,
    input_kind="picture",
    native_input=(3, 227, 227),
    native_outputs=1000,
    smallest_input=(1, _TWO_TOWERS.smallest_side, _TWO_TOWERS.smallest_side),
    paper="Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks. NIPS 2012",
    year=2012,
    note="Two groups and response normalization; 227 pixels give the paper's 55×55; other maps are averaged to 6×6.",
    gradient_layer="block5.relu",
)
