"""A picture and a row of numbers, such as those of a second sensor, joined early or late.

Early: a dense layer writes the row as one more channel of the picture, a number for each column and the same in every
row of it; it begins as interpolation, so that a scan from left to right lies over what it measured. Late: each has
layers of its own, and what they found is joined before the output.
Papers: the two ways and their names follow C. G. M. Snoek, M. Worring, A. W. M. Smeulders, "Early versus late fusion in
    semantic video analysis", ACM Multimedia 2005; layers in place of single classifiers, J. Ngiam et al., "Multimodal
    deep learning", ICML 2011.
Differs: one small network serves all; `fusion="picture"` and `fusion="features"` are its two branches alone, to compare
    with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.network import Network


@dataclass(frozen=True, kw_only=True)
class SensorFusionOptions:
    """Options of `sensor_fusion`.

    Args:
        fusion: "late" joins what both branches found, "early" reads the row as one more channel of the picture;
            "picture" and "features" leave the other input out.
        num_features: numbers of the row; the data say how many.
        widths: channels of the stages of the picture, each half as high and wide as the one before.
        units: of the dense layers.
    """

    fusion: Literal["late", "early", "picture", "features"] = "late"
    num_features: int = 32
    widths: tuple[int, ...] = (8, 16, 32)
    units: int = 64

    def __post_init__(self) -> None:
        require_range("sensor_fusion", "num_features", self.num_features, 1, 65_536)
        require_range("sensor_fusion", "units", self.units, 1, 65_536)
        require_range("sensor_fusion", "len(widths)", len(self.widths), 1, 3)
        for width in self.widths:
            require_range("sensor_fusion", "widths", width, 1, 65_536)


class SensorFusion(Network):
    """Branches of convolutions and of dense layers, and a dense output.

    Shapes:
        ``(B, C, H, W)`` and ``(B, num_features)`` → ``(B, num_outputs)``.

    Example:
        >>> net = SensorFusion((1, 32, 64), 4, SensorFusionOptions(num_features=5))
        >>> net(torch.rand(2, 1, 32, 64), torch.rand(2, 5)).shape
        torch.Size([2, 4])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: SensorFusionOptions) -> None:
        super().__init__(input_shape, options=options)
        channels, height, width = input_shape
        joined = 0
        if options.fusion == "early":
            self.across = nn.Linear(options.num_features, width)
            with torch.no_grad():
                self.across.weight.copy_(_interpolation(options.num_features, width))
                self.across.bias.zero_()
            channels += 1
        if options.fusion != "features":
            self.stages = nn.Sequential()
            for wide in options.widths:
                self.stages.append(ConvUnit(channels, wide, 3, activation=nn.ReLU(inplace=True)))
                self.stages.append(nn.MaxPool2d(2))
                channels, height, width = wide, height // 2, width // 2
            # Flattened, for an average would forget where something is.
            self.seen = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, options.units), nn.ReLU())
            joined += options.units
        if options.fusion in ("late", "features"):
            self.measured = nn.Sequential(
                *(nn.Linear(options.num_features, options.units), nn.ReLU()),
                *(nn.Linear(options.units, options.units), nn.ReLU()),
            )
            joined += options.units
        for name in ("stages", "seen", "measured"):
            if hasattr(self, name):
                initialize(getattr(self, name), "he")
        # What was found in the one may mean another thing beside what was found in the other.
        self.joined = nn.Sequential(nn.Linear(joined, options.units), nn.ReLU())
        self.output = nn.Linear(options.units, num_outputs)
        initialize(self.joined, "he")
        initialize(self.output, "xavier")

    def forward(self, picture: Tensor, features: Tensor) -> Tensor:
        self.require(picture)
        if features.shape[1:] != (self.options.num_features,):
            raise ShapeError(
                f"SensorFusion reads rows of {self.options.num_features} numbers; got {tuple(features.shape)}. "
                f"Build the model with num_features={features.shape[-1]}."
            )
        fusion, found = self.options.fusion, []
        if fusion == "early":
            plane = self.across(features)[:, None, None].expand(-1, 1, picture.shape[2], -1)
            picture = torch.cat([picture, plane.to(picture.dtype)], dim=1)
        if fusion != "features":
            found.append(self.seen(self.stages(picture)))
        if fusion in ("late", "features"):
            found.append(self.measured(features))
        return self.output(self.joined(torch.cat(found, dim=1)))


def _interpolation(num: int, width: int) -> Tensor:
    """The matrix that stretches ``num`` numbers over ``width`` places."""
    return nn.functional.interpolate(torch.eye(num)[:, None], width, mode="linear", align_corners=False)[:, 0].T


SENSOR_FUSION = ModelInfo(
    name="sensor_fusion",
    build=SensorFusion,
    options=SensorFusionOptions,
    input_kind="picture",
    native_input=(1, 32, 64),
    native_outputs=4,
    smallest_input=(1, 8, 8),
    paper="Snoek, Worring, Smeulders: Early versus late fusion in semantic video analysis. ACM Multimedia 2005",
    year=2005,
    note="A picture and the row of a second sensor, joined early or late, or one of both alone.",
    inputs=("picture", "features"),
    gradient_layer="stages",
    beside={"features": "num_features"},
)
