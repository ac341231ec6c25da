"""Points of one thing in a picture, such as the corners of a face's eyes and mouth: by numbers, and by a map of each.

Course: A. Ng, "Convolutional neural networks", week 3, "Landmark detection" (numbers).
Papers: A. Newell, K. Yang, J. Deng, "Stacked hourglass networks for human pose estimation", ECCV 2016,
    arXiv:1603.06937 (a map of heat for each point); A. Nibali et al., "Numerical coordinate regression with
    convolutional neural networks", 2018, arXiv:1801.07372 (the place is the mean of the heat); T.-Y. Lin et al.,
    "Feature pyramid networks for object detection", CVPR 2017, arXiv:1612.03144.
Differs: both stand on any trunk of `derin.models.trunk`, with its published weights; in place of hourglasses the fine
    map of a feature pyramid is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.localizer import LocalizerOptions, TrunkVector
from derin.models.network import Network
from derin.models.point_output import means_of_maps
from derin.models.pyramid import TopDown, fill_up
from derin.models.trunk import STRIDES, Trunk, TrunkOptions

_SMALLEST_SIDE = 64
_FINE = 4  # pixels of the input from one cell of a map to the next


@dataclass(frozen=True, kw_only=True)
class LandmarkRegressorOptions(LocalizerOptions):
    """Options of `landmark_regressor`: those of `localizer`, and where it begins.

    Args:
        mean_shape: x and y of each point in shares of the input, which it says at first; empty begins in the middle.
    """

    mean_shape: tuple[tuple[float, float], ...] = ()


class LandmarkRegressor(TrunkVector):
    """Trunk, a coarse map, a dense layer, and the course's vector.

    Shapes:
        ``(B, C, H, W)`` → ``(B, 1 + 2K)``, see `derin.models.point_output`.

    Example:
        >>> net = LandmarkRegressor((3, 64, 96), 129, LandmarkRegressorOptions(units=16)).eval()
        >>> net(torch.rand(2, 3, 64, 96)).shape
        torch.Size([2, 129])
    """

    point_loss = "numbers"

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LandmarkRegressorOptions) -> None:
        super().__init__(input_shape, num_outputs, options)
        shape = torch.tensor(options.mean_shape).flatten() if options.mean_shape else torch.tensor([0.5])
        if len(shape) not in (1, num_outputs - 1):
            raise ShapeError(
                f"landmark_regressor: mean_shape must have x and y of each of {num_outputs // 2} points; got "
                f"{len(options.mean_shape)} points."
            )
        with torch.no_grad():
            self.output.bias[1:] = shape

    def forward(self, x: Tensor) -> Tensor:
        return self.vector(x)


@dataclass(frozen=True, kw_only=True)
class LandmarkHeatmapsOptions:
    """Options of `landmark_heatmaps`.

    Args:
        trunk: the classifier that it stands on, of `derin.models.trunk.TRUNKS`.
        trunk_options: of that classifier, pairs of name and value.
        width: channels of the pyramid.
        depth: separable convolutions after each addition of the pyramid.
    """

    trunk: str = "mobilenet_v2"
    trunk_options: TrunkOptions = ()
    width: int = 96
    depth: int = 1

    def __post_init__(self) -> None:
        require_range("landmark_heatmaps", "width", self.width, 8, 1024)
        require_range("landmark_heatmaps", "depth", self.depth, 1, 8)


class LandmarkHeatmaps(Network):
    """Trunk, the way down of a pyramid to stride 4, and there a map of heat for each point.

    Shapes:
        ``(B, C, H, W)`` → ``(B, 1 + 2K + K · h · w)``, see `derin.models.point_output`: behind the common numbers stand
        the logits of the maps, h = ⌈H / 32⌉ · 8 and w alike.

    Example:
        >>> net = LandmarkHeatmaps((3, 64, 96), 11, LandmarkHeatmapsOptions(width=16)).eval()
        >>> net(torch.rand(2, 3, 64, 96)).shape, net.map_size(64, 96)
        (torch.Size([2, 1931]), (16, 24))
    """

    point_loss = "maps"
    stride = _FINE

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LandmarkHeatmapsOptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE, _SMALLEST_SIDE), options=options)
        self.trunk = Trunk(options.trunk, input_shape[0], options.trunk_options, strides=(_FINE, *STRIDES))
        self.pyramid = TopDown(self.trunk.channels, options.width, options.depth)
        self.maps = nn.Conv2d(options.width, max(1, num_outputs // 2), 1)
        self.presence = nn.Linear(self.trunk.channels[-1], 1)
        initialize(self.pyramid, "he")
        for layer in (self.maps, self.presence):
            initialize(layer, "normal")

    def map_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the maps of a picture."""
        return tuple(-(-side // STRIDES[-1]) * STRIDES[-1] // _FINE for side in (height, width))  # type: ignore[return-value]

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.require(x).shape[2:]
        seen = self.trunk(fill_up(x, STRIDES[-1]))
        maps = self.maps(self.pyramid(seen)[0])
        sides = torch.tensor([width, height], dtype=torch.float32, device=x.device)
        places = means_of_maps(maps) * _FINE / sides
        presence = self.presence(seen[-1].mean(dim=(2, 3)))
        return torch.cat([presence.float(), places.flatten(1), maps.float().flatten(1)], dim=1)


LANDMARK_REGRESSOR = ModelInfo(
    name="landmark_regressor",
    build=LandmarkRegressor,
    options=LandmarkRegressorOptions,
    input_kind="picture",
    native_input=(3, 128, 128),
    native_outputs=129,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Ng: Convolutional neural networks, week 3, landmark detection. DeepLearning.AI",
    year=2017,
    note="The course's 1 + 2K numbers for K points of one thing in a picture.",
    output_kind="points",
    has_trunk=True,
)
LANDMARK_HEATMAPS = ModelInfo(
    name="landmark_heatmaps",
    build=LandmarkHeatmaps,
    options=LandmarkHeatmapsOptions,
    input_kind="picture",
    native_input=(3, 128, 128),
    native_outputs=137,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Nibali, He, Morgan, Prendergast: Numerical coordinate regression with convolutional neural networks. 2018",
    year=2018,
    note="A map of heat for each point, and the mean of its heat as the place, on any trunk of the zoo.",
    output_layers=("maps",),
    output_kind="points",
    has_trunk=True,
)
