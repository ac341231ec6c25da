"""One thing in a picture: a classifier that also says whether anything is there, and where.

Course: A. Ng, "Convolutional neural networks", week 3, "Object localization": the last layer gives p_c, b_x, b_y, b_h,
    b_w, c₁, …, with the box in shares of the picture.
Differs: behind the trunk a few dense layers see a coarse map and not its average, in which no place is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.trunk import Trunk, TrunkOptions

_SMALLEST_SIDE = 64
_STRIDE = 32
_SURE = 1e-6


@dataclass(frozen=True, kw_only=True)
class LocalizerOptions:
    """Options of `localizer`.

    Args:
        trunk: the classifier that it stands on.
        trunk_options: of that classifier, pairs of name and value.
        width: channels of the coarse map.
        cells: of the coarse map along each side.
        units: of the dense layer before the last.
    """

    trunk: str = "mobilenet_v2"
    trunk_options: TrunkOptions = ()
    width: int = 64
    cells: int = 5
    units: int = 256

    def __post_init__(self) -> None:
        require_range("localizer", "width", self.width, 8, 4096)
        require_range("localizer", "cells", self.cells, 1, 64)
        require_range("localizer", "units", self.units, 8, 8192)


class TrunkVector(Network):
    """Trunk, a coarse map, a dense layer, and a vector.

    Args:
        input_shape: of one picture.
        size: of the vector.
        options: of trunk, map and layer.

    Shapes:
        `vector`: ``(B, C, H, W)`` → ``(B, size)``.
    """

    def __init__(self, input_shape: tuple[int, ...], size: int, options: LocalizerOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        self.trunk = Trunk(options.trunk, input_shape[0], options.trunk_options, strides=(_STRIDE,))
        self.narrow = ConvUnit(self.trunk.channels[0], options.width, 1, activation=nn.SiLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(options.cells)
        self.dense = nn.Linear(options.width * options.cells**2, options.units)
        self.activation = nn.SiLU(inplace=True)
        self.output = nn.Linear(options.units, size)
        for layer in (self.narrow, self.dense):
            initialize(layer, "he")
        initialize(self.output, "normal")

    def vector(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, size)``."""
        (seen,) = self.trunk(self.require(x))
        found: Tensor = self.output(self.activation(self.dense(self.pool(self.narrow(seen)).flatten(1))))
        return found


class Localizer(TrunkVector):
    """Trunk, a coarse map, a dense layer, and the course's vector of one thing in a picture.

    Shapes:
        ``(B, C, H, W)`` → ``(B, 1, K + 7 + (5 + K))``, see `derin.models.box_output`: the place is the whole picture,
        and behind the common columns stands the vector; p_c and the classes as logits, the box as shares of the
        picture.

    Example:
        >>> net = Localizer((3, 64, 96), 3, LocalizerOptions(units=16)).eval()
        >>> net.vector(torch.rand(2, 3, 64, 96)).shape, net(torch.rand(2, 3, 64, 96)).shape
        (torch.Size([2, 8]), torch.Size([2, 1, 18]))
    """

    box_loss = "one thing"

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LocalizerOptions) -> None:
        super().__init__(input_shape, 5 + num_outputs, options)
        with torch.no_grad():
            self.output.bias[1:5].fill_(0.5)  # the middle of the picture, half as wide and high

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        vector = self.vector(x).float()
        sides = torch.tensor([width, height], dtype=torch.float32, device=x.device)
        middle, halves = vector[:, 1:3] * sides, vector[:, [4, 3]].clamp(min=0) * sides / 2
        sure = (vector[:, :1].sigmoid() * vector[:, 5:].softmax(dim=1)).clamp(_SURE, 1 - _SURE)
        common = torch.cat([sides / 2, sides.max()[None]]).expand(vector.shape[0], -1)
        return torch.cat(
            [sure.log() - (-sure).log1p(), middle - halves, middle + halves, common, vector], dim=1
        ).unsqueeze(1)


LOCALIZER = ModelInfo(
    name="localizer",
    build=Localizer,
    options=LocalizerOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=3,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Ng: Convolutional neural networks, week 3, object localization. DeepLearning.AI",
    year=2017,
    note="The course's p_c, b_x, b_y, b_h, b_w and classes, for one thing in a picture.",
    output_kind="boxes",
    has_trunk=True,
)
