"""YOLO as the course has it: a grid over the picture, and for each cell and anchor [p_c, b_x, b_y, b_h, b_w, c₁, …].

Papers: J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You only look once", CVPR 2016, arXiv:1506.02640; J. Redmon,
    A. Farhadi, "YOLO9000", CVPR 2017, arXiv:1612.08242 (anchors by k-means, b within its cell by a sigmoid, sides by an
    exponential). Course: A. Ng, "Convolutional neural networks", week 3: with a grid of 3×3 and three classes the map
    is 3×3×8, with two anchors 3×3×16.
Differs: the trunk is any of `derin.models.trunk`; `grid=3` gives the course's grid whatever the picture's size, by
    averaging. A box counts as of class k with p_c · p(k).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.box_output import middles_of_places
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.trunk import Trunk, TrunkOptions

_SMALLEST_SIDE = 64
_STRIDE = 16
_PRIOR = 0.05  # p_c before anything was learned
_MOST_LOG_SIDE = 4.0  # a box is at most e⁴ times its anchor, so that no exponential overflows
_SURE = 1e-6


@dataclass(frozen=True, kw_only=True)
class YoloGridOptions:
    """Options of `yolo_grid`.

    Args:
        trunk: the classifier that it stands on.
        trunk_options: of that classifier, pairs of name and value.
        width: channels of the layer before the last.
        grid: cells along each side; 0 takes one for each place of the map of stride 16.
        anchors: width and height of each anchor box as shares of the picture's longer side; training finds them by
            k-means.
    """

    trunk: str = "mobilenet_v2"
    trunk_options: TrunkOptions = ()
    width: int = 128
    grid: int = 0
    anchors: tuple[tuple[float, float], ...] = ((0.1, 0.1), (0.3, 0.3))

    def __post_init__(self) -> None:
        require_range("yolo_grid", "width", self.width, 8, 4096)
        require_range("yolo_grid", "grid", self.grid, 0, 256)
        if not 1 <= len(self.anchors) <= 64 or not all(0 < side <= 4 for anchor in self.anchors for side in anchor):
            raise UsageError(f"yolo_grid.anchors must be 1 to 64 pairs of sides above 0, to 4; got {self.anchors}.")


class YoloGrid(Network):
    """Trunk, a 3×3 convolution, and a 1×1 one that says all of each cell.

    Shapes:
        ``(B, C, H, W)`` → ``(B, cells · anchors, K + 7 + (9 + K))``, see `derin.models.box_output`; behind the common
        columns stand p_c, b_x, b_y, b_w, b_h and the classes as the last layer gives them, and width and height of the
        anchor and of a cell in pixels.

    Example:
        >>> options = YoloGridOptions(width=16, grid=3, anchors=((0.2, 0.6), (0.6, 0.2)))
        >>> net = YoloGrid((3, 100, 100), 3, options).eval()
        >>> net.cells(torch.rand(2, 3, 100, 100)).shape, net(torch.rand(2, 3, 100, 100)).shape
        (torch.Size([2, 16, 3, 3]), torch.Size([2, 18, 22]))
    """

    box_loss = "anchors"

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: YoloGridOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        self.trunk = Trunk(options.trunk, input_shape[0], options.trunk_options, strides=(_STRIDE,))
        (channels,) = self.trunk.channels
        self.narrow = ConvUnit(channels, options.width, 3, activation=nn.SiLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(options.grid) if options.grid else nn.Identity()
        self.output = nn.Conv2d(options.width, len(options.anchors) * (5 + num_outputs), 1)
        initialize(self.narrow, "he")
        initialize(self.output, "normal")
        with torch.no_grad():
            self.output.bias.view(len(options.anchors), -1)[:, 0].fill_(-math.log((1 - _PRIOR) / _PRIOR))  # type: ignore[union-attr]

    def cells(self, x: Tensor) -> Tensor:
        """The map of the course: ``(B, C, H, W)`` → ``(B, anchors · (5 + K), rows, columns)``."""
        (seen,) = self.trunk(self.require(x))
        found: Tensor = self.output(self.pool(self.narrow(seen)))
        return found

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        cells = self.cells(x).float()
        rows, columns = cells.shape[2:]
        anchors = torch.tensor(self.options.anchors, dtype=torch.float32, device=x.device) * max(height, width)
        num = len(anchors)
        # Anchor by anchor, each over all cells.
        raw = cells.unflatten(1, (num, -1)).flatten(3).transpose(2, 3)  # (B, A, cells, 5 + K)
        sides = torch.tensor([width / columns, height / rows], dtype=torch.float32, device=x.device)
        middles = middles_of_places(rows, columns, 1, x.device) * sides  # (1, cells, 2)
        places = (middles + (raw[..., 1:3].sigmoid() - 0.5) * sides).flatten(1, 2)
        halves = (raw[..., 3:5].clamp(max=_MOST_LOG_SIDE).exp() * anchors[:, None] / 2).flatten(1, 2)
        sure = (raw[..., :1].sigmoid() * raw[..., 5:].softmax(dim=3)).clamp(_SURE, 1 - _SURE).flatten(1, 2)
        spread = raw.flatten(1, 2)
        own = anchors[:, None].expand(-1, rows * columns, -1).reshape(1, -1, 2).expand(spread.shape[0], -1, -1)
        common = middles.repeat(spread.shape[0], num, 1)
        cell = sides.expand_as(common)
        strides = cell.amax(dim=2, keepdim=True)
        return torch.cat(
            [sure.log() - (-sure).log1p(), places - halves, places + halves, common, strides, spread, own, cell], dim=2
        )


YOLO_GRID = ModelInfo(
    name="yolo_grid",
    build=YoloGrid,
    options=YoloGridOptions,
    input_kind="picture",
    native_input=(3, 320, 320),
    native_outputs=20,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Redmon, Divvala, Girshick, Farhadi: You only look once: unified, real-time object detection. CVPR 2016",
    year=2016,
    note="The course's: a grid, anchors by k-means; grid=3 with two anchors and three classes is 3×3×16.",
    output_kind="boxes",
    has_trunk=True,
)
