"""U-Net whose path down is a published classifier: a class for every pixel, learned from few pictures.

Papers: O. Ronneberger, P. Fischer, T. Brox, "U-Net", MICCAI 2015, arXiv:1505.04597 (the path up and its bridges); V.
    Iglovikov, A. Shvets, "TernausNet: U-Net with VGG11 encoder pre-trained on ImageNet for image segmentation", 2018,
    arXiv:1801.05746 (a classifier with its weights as the path down).
Differs: any classifier of `derin.models.trunk` is the path down. The path up enlarges by the nearest pixel, ends at
    every second pixel, and classes are brought to every pixel bilinearly: the full size would cost as much as all
    below it. 0.7 G multiply-adds at 192 × 256 pixels on mobilenet_v2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.trunk import Trunk, TrunkOptions
from derin.models.unet import cropped, filled

_STRIDES = (2, 4, 8, 16, 32)
_SMALLEST_SIDE = _STRIDES[-1]


@dataclass(frozen=True, kw_only=True)
class UNetTrunkOptions:
    """Options of `unet_trunk`.

    Args:
        trunk: the classifier that it stands on, of `derin.models.trunk.TRUNKS`.
        trunk_options: of that classifier, pairs of name and value.
        width: channels of the last stage of the path up; each stage below has twice as many.
    """

    trunk: str = "mobilenet_v2"
    trunk_options: TrunkOptions = ()
    width: int = 16

    def __post_init__(self) -> None:
        require_range("unet_trunk", "width", self.width, 1, 512)


class Widening(nn.Module):
    """Doubles a map, puts what the path down saw beside it, and looks at both twice.

    Shapes:
        ``(B, in_channels, H, W)``, ``(B, bridge, 2H, 2W)`` → ``(B, out_channels, 2H, 2W)``.
    """

    def __init__(self, in_channels: int, bridge: int, out_channels: int) -> None:
        super().__init__()
        self.first = ConvUnit(in_channels + bridge, out_channels, 3, activation=nn.ReLU(inplace=True))
        self.second = ConvUnit(out_channels, out_channels, 3, activation=nn.ReLU(inplace=True))

    def forward(self, x: Tensor, bridge: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        seen: Tensor = self.second(self.first(torch.cat((bridge, x), 1)))
        return seen


class UNetTrunk(Network):
    """A classifier's maps at five strides, the way up from the coarsest, 1×1 output, and pixels between places.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs, H, W)``.

    Example:
        >>> net = UNetTrunk((3, 45, 70), 7, UNetTrunkOptions(width=2))
        >>> net(torch.rand(2, 3, 45, 70)).shape
        torch.Size([2, 7, 45, 70])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: UNetTrunkOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        self.trunk = Trunk(options.trunk, input_shape[0], options.trunk_options, strides=_STRIDES)
        *bridges, channels = self.trunk.channels
        widths = [options.width * 2**stage for stage in reversed(range(len(_STRIDES)))]
        self.narrow = ConvUnit(channels, widths[0], activation=nn.ReLU(inplace=True))
        self.up = nn.ModuleList(
            Widening(below, bridge, width) for below, bridge, width in zip(widths, reversed(bridges), widths[1:])
        )
        self.output = nn.Conv2d(options.width, num_outputs, 1)
        for part in (self.narrow, self.up):
            initialize(part, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.require(x).shape[2:]
        *bridges, x = self.trunk(filled(x, _STRIDES[-1]))
        x = self.narrow(x)  # (B, 16 · width, H / 32, W / 32)
        for stage, bridge in zip(self.up, reversed(bridges)):
            x = stage(x, bridge)
        x = F.interpolate(self.output(x), scale_factor=float(_STRIDES[0]), mode="bilinear", align_corners=False)
        return cropped(x, height, width)


UNET_TRUNK = ModelInfo(
    name="unet_trunk",
    build=UNetTrunk,
    options=UNetTrunkOptions,
    input_kind="picture",
    native_input=(3, 256, 256),
    native_outputs=2,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Iglovikov, Shvets: TernausNet: U-Net with VGG11 encoder pre-trained on ImageNet. 2018",
    year=2018,
    note="The path down is any trunk of the zoo, with its published weights.",
    gradient_layer="narrow",
    output_kind="map",
    has_trunk=True,
)
