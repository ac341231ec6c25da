"""YOLO as it is today: each place of three maps says what is there and how far away the four sides of its box are.

Papers: J. Redmon et al., "You only look once", CVPR 2016, arXiv:1506.02640 (one look, all boxes); Z. Tian et al.,
    "FCOS", ICCV 2019, arXiv:1904.01355 (distances and no anchors); Z. Ge et al., "YOLOX", 2021, arXiv:2107.08430 (a
    branch for classes beside one for boxes); X. Li et al., "Generalized focal loss", NeurIPS 2020, arXiv:2006.04388 (a
    distribution over distances); T.-Y. Lin et al., "Focal loss", ICCV 2017, arXiv:1708.02002, section 4.1 (what is rare
    begins as improbable). Assignment and loss: `derin.tasks.box_assignment` and `derin.tasks.box_criteria`.
Differs: the trunk is any classifier of `derin.models.trunk`, with its published weights where there are some; pyramid
    and branches are of separable convolutions, for two cores. `yolo` has 0.75 G multiply-adds at 320 × 320 pixels on
    mobilenet_v2, `yolo_large` 6 G on resnet34.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.box_output import boxes_of_distances
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.pyramid import Pyramid, SeparableUnit, fill_up
from derin.models.trunk import STRIDES, Trunk, TrunkOptions

_SMALLEST_SIDE = 64  # two places at the coarsest map
_PRIOR = 0.01  # how probable a thing is at a place before anything was learned
_SHRINKING = 0.35  # how much less a distance is expected than the one before it: 2.4 strides on average of 16


@dataclass(frozen=True, kw_only=True)
class YoloOptions:
    """Options of `yolo`.

    Args:
        trunk: the classifier that it stands on, of `derin.models.trunk.TRUNKS`.
        trunk_options: of that classifier, pairs of name and value.
        width: channels of the pyramid and of the branches.
        depth: separable convolutions after each addition of the pyramid, and in each branch.
        bins: distances 0, 1, …, bins − 1 in strides that a side may lie at.
    """

    trunk: str = "mobilenet_v2"
    trunk_options: TrunkOptions = ()
    width: int = 96
    depth: int = 2
    bins: int = 16

    def __post_init__(self) -> None:
        require_range("yolo", "width", self.width, 8, 1024)
        require_range("yolo", "depth", self.depth, 1, 8)
        require_range("yolo", "bins", self.bins, 2, 64)


@dataclass(frozen=True, kw_only=True)
class YoloLargeOptions(YoloOptions):
    """Options of `yolo_large`: those of `yolo`, with a deeper trunk and twice the width."""

    trunk: str = "resnet34"
    width: int = 192


class Branch(nn.Sequential):
    """Separable convolutions, and a last 1×1 one that says of each place what it has as its bias at first."""

    def __init__(self, width: int, depth: int, bias: Tensor) -> None:
        super().__init__(*(SeparableUnit(width, width) for _ in range(depth)))
        initialize(self, "he")
        last = nn.Conv2d(width, len(bias), 1)
        initialize(last, "normal")
        with torch.no_grad():
            last.bias.copy_(bias)  # type: ignore[union-attr]
        self.append(last)


class Yolo(Network):
    """Trunk, pyramid, and for each of its maps a branch of classes and one of distances.

    Distances of a side are the mean of a distribution over 0, 1, …, bins − 1, times the stride.

    Shapes:
        ``(B, C, H, W)`` → ``(B, places, num_outputs + 7 + 4 · bins)``, see `derin.models.box_output`; behind the common
        columns stand the logits of the four distributions.

    Example:
        >>> net = Yolo((3, 64, 96), 5, YoloOptions(width=16, depth=1))
        >>> net(torch.rand(2, 3, 64, 96)).shape  # 8·12 + 4·6 + 2·3 places
        torch.Size([2, 126, 76])
    """

    box_loss = "distances"

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: YoloOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        self.trunk = Trunk(options.trunk, input_shape[0], options.trunk_options)
        self.pyramid = Pyramid(self.trunk.channels, options.width, options.depth)
        sizes = (options.width, options.depth)
        rare = torch.full((num_outputs,), -math.log((1 - _PRIOR) / _PRIOR))
        near = -_SHRINKING * torch.arange(options.bins, dtype=torch.float32).repeat(4)
        initialize(self.pyramid, "he")
        self.boxes = nn.ModuleList(Branch(*sizes, near) for _ in STRIDES)
        self.classes = nn.ModuleList(Branch(*sizes, rare) for _ in STRIDES)

    @property
    def level_layers(self) -> dict[int, str]:
        """The layers that give the maps from which boxes are read, by stride: each the last look of its level."""
        return dict(zip(STRIDES, ("pyramid.down_looks.1", "pyramid.up_looks.0", "pyramid.up_looks.1"), strict=True))

    def forward(self, x: Tensor) -> Tensor:
        x = fill_up(self.require(x), STRIDES[-1])
        levels = self.pyramid(self.trunk(x))
        found = [
            boxes_of_distances(boxes(level), classes(level), stride)
            for level, boxes, classes, stride in zip(levels, self.boxes, self.classes, STRIDES)
        ]
        return torch.cat(found, dim=1)


YOLO = ModelInfo(
    name="yolo",
    build=Yolo,
    options=YoloOptions,
    input_kind="picture",
    native_input=(3, 320, 320),
    native_outputs=80,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Redmon, Divvala, Girshick, Farhadi: You only look once: unified, real-time object detection. CVPR 2016",
    year=2016,
    note="Today's form: no anchors, two branches, a pyramid of strides 8, 16 and 32, on any trunk of the zoo.",
    output_layers=("classes",),
    output_kind="boxes",
    has_trunk=True,
)
YOLO_LARGE = ModelInfo(
    name="yolo_large",
    build=Yolo,
    options=YoloLargeOptions,
    input_kind="picture",
    native_input=(3, 640, 640),
    native_outputs=80,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Redmon, Divvala, Girshick, Farhadi: You only look once: unified, real-time object detection. CVPR 2016",
    year=2016,
    note="yolo with twice the width, on resnet34.",
    output_layers=("classes",),
    output_kind="boxes",
    has_trunk=True,
)
