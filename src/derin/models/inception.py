"""Inception v3: Inception modules whose large windows are taken apart into small and one-sided ones.

Paper: C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception architecture for computer
    vision", CVPR 2016, arXiv:1512.00567, figures 5 to 8 and section 6: 23 834 568 parameters, 27 161 264 with the
    auxiliary head, 5.7 G multiply-adds at 299×299 (the abstract says 5).
Differs: as in the authors' release and every known weights file, the stem ends in 1×1 and 3×3 convolutions with 80
    and 192 channels and one more pooling, where table 1 has three 3×3 convolutions with 80, 192 and 288; the first
    three modules have 5×5 windows beside two 3×3 ones. Averages count zeros beyond the edge, as these weights expect.
    Weights begin as He's, those of the auxiliary head with the deviations 0.01 and 0.001 of the release. Smoothed
    labels, which the paper trains with, are in the loss.
Known weights: torchvision's inception_v3_google-0cc3c7bd (BSD-3-Clause, with the auxiliary head) and timm's
    inception_v3.tf_in1k, .gluon_in1k and others (Apache-2.0), all for pictures from −1 to 1 but gluon's.
"""

from __future__ import annotations

from dataclasses import dataclass

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
_AUXILIARY_WEIGHT = 0.4
_SMALLEST_SIDE = 75  # 75 → 37 → 35 → 17 → 15 → 7 → 3 → 1
_AUXILIARY_SIDE = 299  # the head's 5×5 average and 5×5 convolution need maps of 17 pixels


@dataclass(frozen=True, kw_only=True)
class InceptionV3Options:
    """Options of `inception_v3`.

    Args:
        auxiliary: one more classifier on the 17×17 maps while training, whose loss counts 0.4.
        dropout: share of what reaches the output layer that is set to zero in training.
    """

    auxiliary: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_range("inception_v3", "dropout", self.dropout, 0.0, 0.99)


class Branches(nn.Module):
    """Several views of one map, joined along the channels.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, sum of the branches' channels, H′, W′)``.
    """

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__()
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


def _module_35(in_channels: int, pooled: int) -> Branches:
    """Figure 5, on 35×35 maps, with 5×5 windows kept in the second branch; gives 224 + pooled channels."""
    return Branches(
        one=_unit(in_channels, 64),
        five=nn.Sequential(_unit(in_channels, 48), _unit(48, 64, 5)),
        three_twice=nn.Sequential(_unit(in_channels, 64), _unit(64, 96, 3), _unit(96, 96, 3)),
        pooled=nn.Sequential(_average(), _unit(in_channels, pooled)),
    )


def _reduction_17(in_channels: int) -> Branches:
    """Figure 10, from 35×35 to 17×17 maps; gives 480 + in_channels channels."""
    return Branches(
        three=_unit(in_channels, 384, 3, stride=2, padding=0),
        three_twice=nn.Sequential(_unit(in_channels, 64), _unit(64, 96, 3), _unit(96, 96, 3, stride=2, padding=0)),
        pooled=nn.MaxPool2d(3, 2),
    )


def _module_17(in_channels: int, width: int) -> Branches:
    """Figure 6 with n = 7, on 17×17 maps: 7×7 windows as 1×7 and 7×1 ones; gives 768 channels."""
    return Branches(
        one=_unit(in_channels, 192),
        seven=nn.Sequential(_unit(in_channels, width), _unit(width, width, (1, 7)), _unit(width, 192, (7, 1))),
        seven_twice=nn.Sequential(
            _unit(in_channels, width),
            _unit(width, width, (7, 1)),
            _unit(width, width, (1, 7)),
            _unit(width, width, (7, 1)),
            _unit(width, 192, (1, 7)),
        ),
        pooled=nn.Sequential(_average(), _unit(in_channels, 192)),
    )


def _reduction_8(in_channels: int) -> Branches:
    """From 17×17 to 8×8 maps; gives 512 + in_channels channels."""
    return Branches(
        three=nn.Sequential(_unit(in_channels, 192), _unit(192, 320, 3, stride=2, padding=0)),
        seven_three=nn.Sequential(
            _unit(in_channels, 192),
            _unit(192, 192, (1, 7)),
            _unit(192, 192, (7, 1)),
            _unit(192, 192, 3, stride=2, padding=0),
        ),
        pooled=nn.MaxPool2d(3, 2),
    )


def _module_8(in_channels: int) -> Branches:
    """Figure 7, on 8×8 maps: branches that split into 1×3 and 3×1 windows; gives 2 048 channels."""
    return Branches(
        one=_unit(in_channels, 320),
        three=nn.Sequential(_unit(in_channels, 384), _split(384)),
        three_twice=nn.Sequential(_unit(in_channels, 448), _unit(448, 384, 3), _split(384)),
        pooled=nn.Sequential(_average(), _unit(in_channels, 192)),
    )


def _split(channels: int) -> Branches:
    return Branches(wide=_unit(channels, 384, (1, 3)), tall=_unit(channels, 384, (3, 1)))


class AuxiliaryHead(nn.Module):
    """A classifier on the 17×17 maps: 5×5 average, 1×1 and 5×5 convolution, global average, output.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, num_outputs)``.
    """

    def __init__(self, in_channels: int, num_outputs: int) -> None:
        super().__init__()
        self.average = nn.AvgPool2d(5, 3)
        self.conv1 = _unit(in_channels, 128)
        self.conv2 = _unit(128, 768, 5, padding=0)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(768, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.conv1(self.average(x)))  # (B, 768, 1, 1) at 299 × 299 pixels
        return self.output(self.pool(x).flatten(1))


class InceptionV3(Network):
    """Stem, three modules on 35×35 maps, four on 17×17, two on 8×8, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``; in training with the auxiliary head a `WithAuxiliary` of two such.

    Example:
        >>> net = InceptionV3((3, 299, 299), 1000, InceptionV3Options())
        >>> sum(p.numel() for p in net.parameters())
        23834568
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: InceptionV3Options) -> None:
        smallest = _AUXILIARY_SIDE if options.auxiliary else _SMALLEST_SIDE
        super().__init__(input_shape, smallest=(smallest, smallest), options=options)
        if options.auxiliary and min(input_shape[1:]) < smallest:
            raise ShapeError(
                f"inception_v3 with its auxiliary head needs pictures of at least {smallest} × {smallest} pixels; "
                f"got {input_shape[1]} × {input_shape[2]}. Use auxiliary=False or larger pictures."
            )
        self.conv1 = _unit(input_shape[0], 32, 3, stride=2, padding=0)
        self.conv2 = _unit(32, 32, 3, padding=0)
        self.conv3 = _unit(32, 64, 3)
        self.pool1 = nn.MaxPool2d(3, 2)
        self.conv4 = _unit(64, 80)
        self.conv5 = _unit(80, 192, 3, padding=0)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.stage35 = nn.Sequential(_module_35(192, 32), _module_35(256, 64), _module_35(288, 64))
        self.reduction17 = _reduction_17(288)
        self.stage17 = nn.Sequential(*(_module_17(768, width) for width in (128, 160, 160, 192)))
        self.auxiliary = AuxiliaryHead(768, num_outputs) if options.auxiliary else None
        self.reduction8 = _reduction_8(768)
        self.stage8 = nn.Sequential(_module_8(1280), _module_8(2048))
        self.average = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(2048, num_outputs)
        initialize(self, "he")
        initialize(self.output, "xavier")
        if self.auxiliary is not None:
            nn.init.normal_(self.auxiliary.conv2.conv.weight, std=0.01)
            nn.init.normal_(self.auxiliary.output.weight, std=0.001)

    def forward(self, x: Tensor) -> Tensor | WithAuxiliary:
        x = self.pool1(self.conv3(self.conv2(self.conv1(self.require(x)))))  # (B, 64, 73, 73)
        x = self.pool2(self.conv5(self.conv4(x)))  # (B, 192, 35, 35)
        x = self.stage35(x)  # (B, 288, 35, 35)
        inner = self.stage17(self.reduction17(x))  # (B, 768, 17, 17)
        x = self.stage8(self.reduction8(inner))  # (B, 2048, 8, 8)
        outputs = self.output(self.dropout(self.average(x).flatten(1)))
        if self.training and self.auxiliary is not None:
            return WithAuxiliary(outputs, (self.auxiliary(inner),), _AUXILIARY_WEIGHT)
        return outputs


def _unit(
    in_channels: int,
    out_channels: int,
    kernel: int | tuple[int, int] = 1,
    *,
    stride: int = 1,
    padding: int | None = None,
) -> ConvUnit:
    return ConvUnit(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=padding,
        epsilon=_EPSILON,
        activation=nn.ReLU(inplace=True),
    )


def _average() -> nn.Module:
    return nn.AvgPool2d(3, 1, padding=1)


_STEM = {"1a_3x3": "conv1", "2a_3x3": "conv2", "2b_3x3": "conv3", "3b_1x1": "conv4", "4a_3x3": "conv5"}
_MIXED = {
    "5b": "stage35.0",
    "5c": "stage35.1",
    "5d": "stage35.2",
    "6a": "reduction17",
    "6b": "stage17.0",
    "6c": "stage17.1",
    "6d": "stage17.2",
    "6e": "stage17.3",
    "7a": "reduction8",
    "7b": "stage8.0",
    "7c": "stage8.1",
}
# Within a module the scheme counts the units of a branch from 1: branch7x7dbl_4 is the fourth.
_35 = {"branch1x1": "one", "branch_pool": "pooled.1"}
_35 |= {f"branch5x5_{n}": f"five.{n - 1}" for n in (1, 2)}
_35 |= {f"branch3x3dbl_{n}": f"three_twice.{n - 1}" for n in (1, 2, 3)}
_TO_17 = {"branch3x3": "three"} | {f"branch3x3dbl_{n}": f"three_twice.{n - 1}" for n in (1, 2, 3)}
_17 = {"branch1x1": "one", "branch_pool": "pooled.1"}
_17 |= {f"branch7x7_{n}": f"seven.{n - 1}" for n in (1, 2, 3)}
_17 |= {f"branch7x7dbl_{n}": f"seven_twice.{n - 1}" for n in (1, 2, 3, 4, 5)}
_TO_8 = {f"branch3x3_{n}": f"three.{n - 1}" for n in (1, 2)}
_TO_8 |= {f"branch7x7x3_{n}": f"seven_three.{n - 1}" for n in (1, 2, 3, 4)}
_8 = {
    "branch1x1": "one",
    "branch3x3_1": "three.0",
    "branch3x3_2a": "three.1.wide",
    "branch3x3_2b": "three.1.tall",
    "branch3x3dbl_1": "three_twice.0",
    "branch3x3dbl_2": "three_twice.1",
    "branch3x3dbl_3a": "three_twice.2.wide",
    "branch3x3dbl_3b": "three_twice.2.tall",
    "branch_pool": "pooled.1",
}
_BRANCHES = {"stage35": _35, "reduction17": _TO_17, "stage17": _17, "reduction8": _TO_8, "stage8": _8}


def _torchvision(*, auxiliary: bool) -> KeyMap:
    """The scheme of torchvision and, in the same words, of timm.

    Args:
        auxiliary: the head's tensors are wanted; else they are known and left alone.
    """
    units = {f"Conv2d_{foreign}": own for foreign, own in _STEM.items()}
    for foreign, own in _MIXED.items():
        branches = _BRANCHES[own.split(".")[0]]
        units |= {rf"Mixed_{foreign}.{branch}": f"{own}.{place}" for branch, place in branches.items()}
    if auxiliary:
        units |= {"AuxLogits.conv0": "auxiliary.conv1", "AuxLogits.conv1": "auxiliary.conv2"}
    rules = [(r"fc\.(weight|bias)", r"output.\1"), (r"AuxLogits\.fc\.(weight|bias)", r"auxiliary.output.\1")]
    for foreign, own in units.items():
        start = foreign.replace(".", r"\.")
        rules.append((rf"{start}\.conv\.weight", f"{own}.conv.weight"))
        rules.append((rf"{start}\.bn\.(weight|bias|running_mean|running_var)", rf"{own}.norm.\1"))
    count = r".*\.num_batches_tracked"
    if auxiliary:
        return KeyMap("torchvision, timm, with the auxiliary head", rules=tuple(rules), unused=(count,))
    del rules[1]
    return KeyMap("torchvision, timm", rules=tuple(rules), unused=(count, r"AuxLogits\..*"))


INCEPTION_V3 = ModelInfo(
    name="inception_v3",
    build=InceptionV3,
    options=InceptionV3Options,
    input_kind="picture",
    native_input=(3, 299, 299),
    native_outputs=1000,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception architecture. CVPR 2016",
    year=2015,
    note="As in the authors' release; auxiliary=True adds its head in training, from 299×299 pixels on.",
    gradient_layer="stage8",
    output_layers=("output", "auxiliary.output"),
    key_maps=(_torchvision(auxiliary=False), _torchvision(auxiliary=True)),
)
