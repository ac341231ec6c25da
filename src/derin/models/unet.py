"""U-Net: a path down, a path up, and bridges between them; a class for every pixel.

Paper: O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional networks for biomedical image segmentation", MICCAI
    2015, arXiv:1505.04597, figure 1: 31 030 658 parameters with 1 channel and 2 classes, He's initialization, dropout
    at the end of the path down. (31 031 685, which is met as well, is a later form with two more 3×3 maps before a
    single output.)
Differs: convolutions are padded and pictures filled up with zeros to a multiple of 2^depth, then cut again, so that
    every size gives a map of its own size; `padding="valid"` is the paper's form, which loses a margin (572 → 388
    pixels) and takes only sizes whose poolings come out even. The paper's dropout has no number; ours is 0 and an
    option. `batch_norm=True` puts a norm behind each 3×3 convolution, whose bias is then left out; it trains faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.network import Network

_SMALLEST_SIDE = 16  # one pixel at the bottom of the paper's four halvings


@dataclass(frozen=True, kw_only=True)
class UNetOptions:
    """Options of `unet`.

    Args:
        width: channels of the first stage; each stage further down has twice as many.
        depth: halvings of the path down.
        padding: "same" gives a map of the picture's size, for any size; "valid" is the paper's.
        batch_norm: a norm behind each 3×3 convolution.
        dropout: share of the deepest maps that is set to zero in training.
        residual: the maps are added to the picture, of whose channels there are then as many.
    """

    width: int = 64
    depth: int = 4
    padding: Literal["same", "valid"] = "same"
    batch_norm: bool = False
    dropout: float = 0.0
    residual: bool = False

    def __post_init__(self) -> None:
        require_range("unet", "width", self.width, 1, 1024)
        require_range("unet", "depth", self.depth, 1, 8)
        require_range("unet", "dropout", self.dropout, 0.0, 0.99)


class Up(nn.Module):
    """Doubles a map by a 2×2 transposed convolution, puts what the path down saw beside it, and looks at both.

    Shapes:
        ``(B, in_channels, H, W)``, ``(B, in_channels/2, 2H + m, 2W + m)`` → ``(B, in_channels/2, 2H, 2W)``, less 4
        with valid convolutions; a margin m of the bridge is cut evenly.
    """

    def __init__(self, in_channels: int, options: UNetOptions) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, 2)
        self.look = _two(in_channels, in_channels // 2, options)

    def forward(self, x: Tensor, bridge: Tensor) -> Tensor:
        x = self.up(x)
        return self.look(torch.cat((cropped(bridge, x.shape[2], x.shape[3]), x), 1))


class UNet(Network):
    """`depth` times two 3×3 convolutions and a 2×2 pooling, two at the bottom, the same way up, 1×1 output.

    Attributes:
        reach, multiple: as `derin.models.tiling.tiled` reads them; no tiles of the valid form.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs, H, W)``; with valid convolutions 12 · 2^depth − 8 pixels less along both
        axes.

    Example:
        >>> net = UNet((3, 45, 37), 7, UNetOptions(width=2))
        >>> net(torch.rand(2, 3, 45, 37)).shape
        torch.Size([2, 7, 45, 37])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: UNetOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        if options.padding == "valid":
            _require_even(input_shape[1], input_shape[2], options.depth)
        if options.residual and (options.padding == "valid" or num_outputs != input_shape[0]):
            raise ShapeError(
                "unet with residual=True adds its maps to the picture: as many outputs as channels and padding=same "
                f"are required; got {num_outputs} outputs, {input_shape[0]} channels and padding={options.padding}."
            )
        self.multiple = 2**options.depth
        # Two convolutions on the way down, a pooling, an enlargement and two convolutions at each stage; two below.
        self.reach = 6 * (self.multiple - 1) + 2 * self.multiple if options.padding == "same" else None
        widths = [options.width * 2**stage for stage in range(options.depth + 1)]
        self.down = nn.ModuleList()
        channels = input_shape[0]
        for width in widths[:-1]:
            self.down.append(_two(channels, width, options))
            channels = width
        self.pool = nn.MaxPool2d(2)
        self.bottom = _two(channels, widths[-1], options)
        self.dropout = nn.Dropout(options.dropout)
        self.up = nn.ModuleList(Up(width, options) for width in reversed(widths[1:]))
        self.output = nn.Conv2d(options.width, num_outputs, 1)
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.require(x).shape[2:]
        if self.options.padding == "valid":
            _require_even(height, width, self.options.depth)
        else:
            x = filled(x, self.multiple)
        picture = x
        bridges = []
        for stage in self.down:
            x = stage(x)
            bridges.append(x)
            x = self.pool(x)
        x = self.dropout(self.bottom(x))  # (B, width · 2^depth, H / 2^depth, W / 2^depth)
        for stage, bridge in zip(self.up, reversed(bridges)):
            x = stage(x, bridge)
        x = self.output(x)
        if self.options.residual:
            x = x + picture
        return x if self.options.padding == "valid" else cropped(x, height, width)


def _two(in_channels: int, out_channels: int, options: UNetOptions) -> nn.Sequential:
    units = [
        ConvUnit(
            channels,
            out_channels,
            3,
            padding=1 if options.padding == "same" else 0,
            epsilon=1e-5 if options.batch_norm else None,
            activation=nn.ReLU(inplace=True),
        )
        for channels in (in_channels, out_channels)
    ]
    return nn.Sequential(*units)


def filled(x: Tensor, multiple: int) -> Tensor:
    """Zeros around a picture until its sides are multiples of a number, the odd one below and to the right."""
    rows, columns = -x.shape[2] % multiple, -x.shape[3] % multiple
    if not rows and not columns:
        return x
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of a map, where `filled` had put it."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def _require_even(height: int, width: int, depth: int) -> None:
    """Refuses sizes that lose a row at some pooling: b pixels at the bottom come from 2^depth (b + 4) − 4.

    The map that comes out has 2^depth (b − 8) + 4 pixels, so that b is at least 8, or 7 at depth 1.
    """
    step = 2**depth
    least = (12 - 3 // step) * step - 4
    for side in (height, width):
        if side < least or (side + 4) % step:
            fitting = max(least, -(-(side + 4) // step) * step - 4)
            raise ShapeError(
                f'unet with padding="valid" and depth={depth} needs sides of {least} pixels plus a multiple of {step}; '
                f'got {height} × {width}. Use {fitting} pixels, or padding="same".'
            )


UNET = ModelInfo(
    name="unet",
    build=UNet,
    options=UNetOptions,
    input_kind="picture",
    native_input=(1, 572, 572),
    native_outputs=2,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Ronneberger, Fischer, Brox: U-Net: Convolutional networks for biomedical image segmentation. MICCAI 2015",
    year=2015,
    note="A map of the picture's size; padding=valid is the paper's 572 → 388.",
    gradient_layer="bottom",
    output_kind="map",
)
