"""GoogLeNet: modules that look at a map with windows of several sizes at once.

Paper: C. Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842, table 1 and figure 3.
`googlenet` is the network as published: biases, no batch norm, local response normalization after the first pooling
    and before the second: 6 998 552 parameters, 13 378 280 with both auxiliary heads. The paper does not print the
    constants of that normalization; they are those of the Caffe release (5 channels, α = 10⁻⁴, β = 0.75, k = 1).
`googlenet_bn` is the form in which most weights come: every convolution without bias and with batch norm (ε = 10⁻³),
    no response normalization, 3×3 windows where the paper has 5×5, 2×2 windows in the fourth pooling, and auxiliary
    heads that average any map to 4×4: 6 624 904 parameters, 13 004 888 with both heads.
Differs: two rows of table 1 contradict their own columns. 7×7 windows with 64 outputs on 112×112 pixels have 9.4 K
    weights and 118 M products, not 2.7 K and 34 M; those of module 5a make 51 M products, not 54 M. The other products
    agree. Weights begin as He's; the paper does not say how its own did.
Known weights: torchvision's googlenet-1378be20 for `googlenet_bn` (BSD-3-Clause, converted from TensorFlow: inputs are
    pictures from −1 to 1; its auxiliary heads were never trained).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.auxiliary import WithAuxiliary
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network

_EPSILON = 1e-3
_AUXILIARY_WEIGHT = 0.3
_SMALLEST_SIDE = {
    True: 15,
    False: 31,
}  # with batch norm, and as published, whose last pooling is 3×3: one pixel is left
_AUXILIARY_SIDE = 79  # as published: 79 → 40 → 20 → 10 → 5, the window of the average before the auxiliary heads


@dataclass(frozen=True, kw_only=True)
class GoogLeNetOptions:
    """Options of `googlenet` and `googlenet_bn`.

    Args:
        auxiliary: two more classifiers on inner maps while training, whose losses count 0.3 each.
        dropout: share of what reaches the output layer that is set to zero in training; the paper's is 0.4.
    """

    auxiliary: bool = False
    dropout: float = 0.4

    def __post_init__(self) -> None:
        require_range("googlenet", "dropout", self.dropout, 0.0, 0.99)


class Inception(nn.Module):
    """Four views of one map side by side: 1×1, 3×3 and 5×5 windows, and the largest value around each pixel.

    Args:
        in_channels: of the map.
        one: channels of the 1×1 windows.
        three: channels of the 1×1 reduction before the 3×3 windows, and of these.
        five: channels of the 1×1 reduction before the 5×5 windows (3×3 with batch norm), and of these.
        pooled: channels of the 1×1 projection behind the 3×3 maximum.
        batch_norm: the form with batch norm.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, one + three[1] + five[1] + pooled, H, W)``.
    """

    def __init__(
        self,
        in_channels: int,
        one: int,
        three: tuple[int, int],
        five: tuple[int, int],
        pooled: int,
        *,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.one = _unit(in_channels, one, batch_norm=batch_norm)
        self.three = nn.Sequential(
            _unit(in_channels, three[0], batch_norm=batch_norm), _unit(*three, 3, batch_norm=batch_norm)
        )
        side = 3 if batch_norm else 5
        self.five = nn.Sequential(
            _unit(in_channels, five[0], batch_norm=batch_norm), _unit(*five, side, batch_norm=batch_norm)
        )
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), _unit(in_channels, pooled, batch_norm=batch_norm))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.one(x), self.three(x), self.five(x), self.pooled(x)), 1)


class AuxiliaryHead(nn.Module):
    """A classifier on an inner map: average to 4×4, 1×1 convolution, dense layer of 1 024, dropout 0.7, output.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, num_outputs)``.
    """

    def __init__(self, in_channels: int, num_outputs: int, *, batch_norm: bool) -> None:
        super().__init__()
        to_four = nn.AdaptiveAvgPool2d(4)
        # The paper averages 5×5 windows, which makes 4×4 of its 14×14; maps of other sizes are averaged further.
        self.average = to_four if batch_norm else nn.Sequential(nn.AvgPool2d(5, 3), to_four)
        self.conv = _unit(in_channels, 128, batch_norm=batch_norm)
        self.dense = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.7)
        self.output = nn.Linear(1024, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.average(x)).flatten(1)  # (B, 2048)
        return self.output(self.dropout(self.relu(self.dense(x))))


class GoogLeNet(Network):
    """Three convolutions, nine Inception modules on maps of 28, 14 and 7 pixels, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``; in training with auxiliary heads a `WithAuxiliary` of three such.

    Example:
        >>> net = GoogLeNet((3, 224, 224), 1000, GoogLeNetOptions(), batch_norm=False)
        >>> sum(p.numel() for p in net.parameters())
        6998552
    """

    def __init__(
        self, input_shape: tuple[int, ...], num_outputs: int, options: GoogLeNetOptions, *, batch_norm: bool
    ) -> None:
        smallest = _SMALLEST_SIDE[batch_norm]
        if options.auxiliary and not batch_norm:
            smallest = _AUXILIARY_SIDE
            if min(input_shape[1:]) < smallest:
                raise ShapeError(
                    f"googlenet with auxiliary heads needs pictures of at least {smallest} × {smallest} pixels; "
                    f"got {input_shape[1]} × {input_shape[2]}. Use auxiliary=False or larger pictures."
                )
        super().__init__(input_shape, smallest=(smallest, smallest), options=options)
        module = partial(Inception, batch_norm=batch_norm)
        self.conv1 = _unit(input_shape[0], 64, 7, stride=2, batch_norm=batch_norm)
        self.pool1 = _halve()
        self.normalize1 = _normalize(batch_norm=batch_norm)
        self.conv2_reduce = _unit(64, 64, batch_norm=batch_norm)
        self.conv2 = _unit(64, 192, 3, batch_norm=batch_norm)
        self.normalize2 = _normalize(batch_norm=batch_norm)
        self.pool2 = _halve()
        self.inception3a = module(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = module(256, 128, (128, 192), (32, 96), 64)
        self.pool3 = _halve()
        self.inception4a = module(480, 192, (96, 208), (16, 48), 64)
        self.auxiliary1 = AuxiliaryHead(512, num_outputs, batch_norm=batch_norm) if options.auxiliary else None
        self.inception4b = module(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = module(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = module(512, 112, (144, 288), (32, 64), 64)
        self.auxiliary2 = AuxiliaryHead(528, num_outputs, batch_norm=batch_norm) if options.auxiliary else None
        self.inception4e = module(528, 256, (160, 320), (32, 128), 128)
        self.pool4 = nn.MaxPool2d(2, 2, ceil_mode=True) if batch_norm else _halve()
        self.inception5a = module(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = module(832, 384, (192, 384), (48, 128), 128)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(1024, num_outputs)
        initialize(self, "he")
        for head in (self, self.auxiliary1, self.auxiliary2):
            if head is not None:
                initialize(head.output, "xavier")

    def forward(self, x: Tensor) -> Tensor | WithAuxiliary:
        x = self.normalize1(self.pool1(self.conv1(self.require(x))))  # (B, 64, H/4, W/4)
        x = self.normalize2(self.conv2(self.conv2_reduce(x)))  # (B, 192, H/4, W/4)
        x = self.inception3b(self.inception3a(self.pool2(x)))  # (B, 480, H/8, W/8)
        inner1 = self.inception4a(self.pool3(x))  # (B, 512, H/16, W/16)
        inner2 = self.inception4d(self.inception4c(self.inception4b(inner1)))  # (B, 528, H/16, W/16)
        x = self.pool4(self.inception4e(inner2))  # (B, 832, H/32, W/32)
        x = self.inception5b(self.inception5a(x))  # (B, 1024, H/32, W/32)
        outputs = self.output(self.dropout(self.average(x).flatten(1)))
        if self.training and self.auxiliary1 is not None and self.auxiliary2 is not None:
            return WithAuxiliary(outputs, (self.auxiliary1(inner1), self.auxiliary2(inner2)), _AUXILIARY_WEIGHT)
        return outputs


def _unit(in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1, batch_norm: bool) -> ConvUnit:
    return ConvUnit(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        epsilon=_EPSILON if batch_norm else None,
        activation=nn.ReLU(inplace=True),
    )


def _halve() -> nn.Module:
    """Overlapping maxima; the last window may reach over the edge, so that 112 pixels become 56."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _normalize(*, batch_norm: bool) -> nn.Module:
    return nn.Identity() if batch_norm else nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


def _plain(input_shape: tuple[int, ...], num_outputs: int, options: Any) -> GoogLeNet:
    return GoogLeNet(input_shape, num_outputs, options, batch_norm=False)


def _with_batch_norm(input_shape: tuple[int, ...], num_outputs: int, options: Any) -> GoogLeNet:
    return GoogLeNet(input_shape, num_outputs, options, batch_norm=True)


_PAPER = "Szegedy, Liu, Jia, Sermanet et al.: Going deeper with convolutions. CVPR 2015"

_COUNT = r".*\.num_batches_tracked"
_BRANCHES = {"branch1": "one", "branch2": "three", "branch3": "five", "branch4": "pooled"}


def _torchvision(*, auxiliary: bool) -> KeyMap:
    """The scheme of torchvision's `googlenet`; timm has no such network.

    Args:
        auxiliary: the heads' tensors are wanted; else they are known and left alone.
    """
    parts = {r"conv\.(weight)": "conv", r"bn\.(weight|bias|running_mean|running_var)": "norm"}
    rules = [(r"fc\.(weight|bias)", r"output.\1")]
    for foreign, own in parts.items():
        rules += [
            (rf"conv1\.{foreign}", rf"conv1.{own}.\1"),
            (rf"conv2\.{foreign}", rf"conv2_reduce.{own}.\1"),
            (rf"conv3\.{foreign}", rf"conv2.{own}.\1"),
        ]
        for branch, view in _BRANCHES.items():
            place = r"((?:\.\d)?)"  # of the unit within its branch
            rules.append((rf"(inception\d[a-e])\.{branch}{place}\.{foreign}", rf"\1.{view}\2.{own}.\3"))
        if auxiliary:
            rules.append((rf"aux([12])\.conv\.{foreign}", rf"auxiliary\1.conv.{own}.\2"))
    if auxiliary:
        rules.append((r"aux([12])\.fc1\.(weight|bias)", r"auxiliary\1.dense.\2"))
        rules.append((r"aux([12])\.fc2\.(weight|bias)", r"auxiliary\1.output.\2"))
        return KeyMap("torchvision with auxiliary heads", rules=tuple(rules), unused=(_COUNT,))
    return KeyMap("torchvision", rules=tuple(rules), unused=(_COUNT, r"aux[12]\..*"))


GOOGLENET = ModelInfo(
    name="googlenet",
    build=_plain,
    options=GoogLeNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, _SMALLEST_SIDE[False], _SMALLEST_SIDE[False]),
    paper=_PAPER,
    year=2014,
    note="As published, with response normalization; auxiliary=True adds both heads in training.",
    gradient_layer="inception5b",
    output_layers=("output", "auxiliary1.output", "auxiliary2.output"),
)
GOOGLENET_BN = ModelInfo(
    name="googlenet_bn",
    build=_with_batch_norm,
    options=GoogLeNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, _SMALLEST_SIDE[True], _SMALLEST_SIDE[True]),
    paper=_PAPER,
    year=2014,
    note="The batch-norm form in which most weights come: 3×3 windows in place of 5×5.",
    gradient_layer="inception5b",
    output_layers=("output", "auxiliary1.output", "auxiliary2.output"),
    key_maps=(_torchvision(auxiliary=False), _torchvision(auxiliary=True)),
)
