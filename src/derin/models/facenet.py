"""FaceNet: networks that turn a face into a vector of length 1, near to those of the same person.

Paper: F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A unified embedding for face recognition and clustering",
    CVPR 2015, arXiv:1503.03832, table 1 (NN1) and section 3.3 (NN4).
`facenet_nn1` has the rows of table 1: 140 M parameters, 1.6 G multiply-adds at 220×220. The products of the table
    count one more for each bias. Poolings are padded by one pixel, which is what takes 55 pixels to 28.
`facenet_nn4_small2` is OpenFace's smaller form of NN4 (B. Amos, B. Ludwiczuk, M. Satyanarayanan, CMU-CS-16-118, 2016),
    without the modules 4b, 4c, 4d and with narrower 5a, 5b: 3 733 968 parameters at 96×96, convolutions with a bias
    before their batch norm. Its poolings within modules are as released: windows of two pixels' step (largest value) or
    three pixels' (root of the sum of squares) even where the module keeps its size, with zeros around what they give.
Differs: the papers do not print the constants of the response normalization of `facenet_nn1`; they are those of the
    Caffe release of GoogLeNet and of OpenFace (5 channels, α = 10⁻⁴, β = 0.75, k = 1). Weights begin as He's. Pictures
    larger than 96 pixels are averaged over the whole last map.
Known weights: OpenFace's nn4.small2.v1 (Apache-2.0) in the names of OpenFacePytorch. None for NN1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.l2_normalization import UnitLength
from derin.layers.maxout import MaxoutLinear
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo, NoOptions
from derin.models.key_map import KeyMap
from derin.models.network import Network

_NN1_SMALLEST_SIDE = 17  # 17 → 9 → 5 → 3 → 2 → 1: below it a pooling has a single pixel to choose from
_NN4_SMALLEST_SIDE = 65  # 65 → 33 → 17 → 9 → 5 → 3: the last modules pool 3×3 windows


@dataclass(frozen=True, kw_only=True)
class NN1Options:
    """Options of `facenet_nn1`.

    Args:
        dense_units: maxout units of each of the two dense layers; the paper's 32 × 128 hold 136 of 140 M parameters.
    """

    dense_units: int = 32 * 128

    def __post_init__(self) -> None:
        require_range("facenet_nn1", "dense_units", self.dense_units, 1, 65_536)


class FaceNetNN1(Network):
    """Eleven convolutions as in Zeiler and Fergus, two dense layers of maxout units, a dense embedding of length 1.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``, each row of length 1.

    Example:
        >>> net = FaceNetNN1((3, 33, 33), 128, NN1Options(dense_units=16))
        >>> net(torch.rand(2, 3, 33, 33)).norm(dim=1).round(decimals=5)
        tensor([1., 1.], grad_fn=<RoundBackward1>)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NN1Options) -> None:
        super().__init__(input_shape, options=options)
        self.conv1 = nn.Conv2d(input_shape[0], 64, 7, 2, padding=3)
        self.pool1 = _halve()
        self.rnorm1 = _normalize()
        self.conv2a = nn.Conv2d(64, 64, 1)
        self.conv2 = nn.Conv2d(64, 192, 3, padding=1)
        self.rnorm2 = _normalize()
        self.pool2 = _halve()
        self.conv3a = nn.Conv2d(192, 192, 1)
        self.conv3 = nn.Conv2d(192, 384, 3, padding=1)
        self.pool3 = _halve()
        self.conv4a = nn.Conv2d(384, 384, 1)
        self.conv4 = nn.Conv2d(384, 256, 3, padding=1)
        self.conv5a = nn.Conv2d(256, 256, 1)
        self.conv5 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv6a = nn.Conv2d(256, 256, 1)
        self.conv6 = nn.Conv2d(256, 256, 3, padding=1)
        self.pool4 = _halve()
        self.relu = nn.ReLU()
        # The convolution and the poolings each give ⌈n/2⌉ pixels: five times that is ⌈n/32⌉.
        pixels = math.prod(-(-side // 32) for side in input_shape[1:])
        self.fc1 = MaxoutLinear(256 * pixels, options.dense_units, pieces=2)
        self.fc2 = MaxoutLinear(options.dense_units, options.dense_units, pieces=2)
        self.output = nn.Linear(options.dense_units, num_outputs)
        self.unit_length = UnitLength()
        initialize(self, "he")
        # The larger of two equal normal pieces has the mean square of one: √(1/n) keeps the signal's size.
        for dense in (self.fc1, self.fc2, self.output):
            initialize(dense, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.rnorm1(self.pool1(self.relu(self.conv1(self.require(x)))))  # (B, 64, 55, 55)
        x = self.relu(self.conv2(self.relu(self.conv2a(x))))  # (B, 192, 55, 55)
        x = self.pool2(self.rnorm2(x))  # (B, 192, 28, 28)
        x = self.pool3(self.relu(self.conv3(self.relu(self.conv3a(x)))))  # (B, 384, 14, 14)
        x = self.relu(self.conv4(self.relu(self.conv4a(x))))  # (B, 256, 14, 14)
        x = self.relu(self.conv5(self.relu(self.conv5a(x))))
        x = self.pool4(self.relu(self.conv6(self.relu(self.conv6a(x)))))  # (B, 256, 7, 7)
        return self.unit_length(self.output(self.fc2(self.fc1(x.flatten(1)))))


class L2Pool(nn.Module):
    """y = √(Σ x²) over 3×3 windows three pixels apart.

    Where a window holds nothing but zeros, its root is taken as 10⁻⁶ and its gradient as zero instead of infinite.

    Example:
        >>> L2Pool()(torch.full((1, 1, 3, 3), 2.0))
        tensor([[[[6.]]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        return (9 * F.avg_pool2d(x.square(), 3)).clamp_min(1e-12).sqrt()


class FaceModule(nn.Module):
    """Windows of 3×3 and perhaps 5×5, a pooling and perhaps 1×1 windows, side by side, centered in zeros.

    Args:
        in_channels: of the map.
        three: channels of the 1×1 reduction before the 3×3 windows, and of these.
        five: the same for 5×5 windows; None leaves them out.
        pool: of the third branch.
        pooled: channels of the 1×1 projection behind the pooling; None leaves it out.
        one: channels of the 1×1 windows; None leaves them out.
        stride: of the 3×3 and 5×5 windows.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(
        self,
        in_channels: int,
        three: tuple[int, int],
        five: tuple[int, int] | None,
        pool: nn.Module,
        *,
        pooled: int | None = None,
        one: int | None = None,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.three = nn.Sequential(_unit(in_channels, three[0]), _unit(*three, 3, stride=stride))
        if five is not None:
            self.five = nn.Sequential(_unit(in_channels, five[0]), _unit(*five, 5, stride=stride))
        self.pooled = nn.Sequential(pool)
        if pooled is not None:
            self.pooled.append(_unit(in_channels, pooled))
        if one is not None:
            self.one = _unit(in_channels, one)

    def forward(self, x: Tensor) -> Tensor:
        views = [branch(x) for branch in self.children()]
        return torch.cat([_center(view, views[0]) for view in views], 1)


class FaceNetNN4Small2(Network):
    """Three convolutions, seven Inception modules, global average, a dense embedding of length 1.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``, each row of length 1.

    Example:
        >>> net = FaceNetNN4Small2((3, 96, 96), 128, NoOptions())
        >>> sum(p.numel() for p in net.parameters())
        3733968
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        smallest = (_NN4_SMALLEST_SIDE, _NN4_SMALLEST_SIDE)
        super().__init__(input_shape, smallest=smallest, options=options)
        self.conv1 = _unit(input_shape[0], 64, 7, stride=2)
        self.pool1 = _halve()
        self.rnorm1 = _normalize()
        self.conv2a = _unit(64, 64)
        self.conv2 = _unit(64, 192, 3)
        self.rnorm2 = _normalize()
        self.pool2 = _halve()
        self.inception3a = FaceModule(192, (96, 128), (16, 32), nn.MaxPool2d(3, 2), pooled=32, one=64)
        self.inception3b = FaceModule(256, (96, 128), (32, 64), L2Pool(), pooled=64, one=64)
        self.inception3c = FaceModule(320, (128, 256), (32, 64), nn.MaxPool2d(3, 2), stride=2)
        self.inception4a = FaceModule(640, (96, 192), (32, 64), L2Pool(), pooled=128, one=256)
        self.inception4e = FaceModule(640, (160, 256), (64, 128), nn.MaxPool2d(3, 2), stride=2)
        self.inception5a = FaceModule(1024, (96, 384), None, L2Pool(), pooled=96, one=256)
        self.inception5b = FaceModule(736, (96, 384), None, nn.MaxPool2d(3, 2), pooled=96, one=256)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(736, num_outputs)
        self.unit_length = UnitLength()
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.rnorm1(self.pool1(self.conv1(self.require(x))))  # (B, 64, 24, 24)
        x = self.pool2(self.rnorm2(self.conv2(self.conv2a(x))))  # (B, 192, 12, 12)
        x = self.inception3c(self.inception3b(self.inception3a(x)))  # (B, 640, 6, 6)
        x = self.inception4e(self.inception4a(x))  # (B, 1024, 3, 3)
        x = self.inception5b(self.inception5a(x))  # (B, 736, 3, 3)
        return self.unit_length(self.output(self.average(x).flatten(1)))


def _center(view: Tensor, like: Tensor) -> Tensor:
    """A map surrounded by zeros up to the size of another; an odd one goes below and to the right."""
    rows, columns = like.shape[2] - view.shape[2], like.shape[3] - view.shape[3]
    if not rows and not columns:
        return view
    return F.pad(view, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def _unit(in_channels: int, out_channels: int, kernel: int = 1, *, stride: int = 1) -> ConvUnit:
    return ConvUnit(in_channels, out_channels, kernel, stride=stride, bias=True, activation=nn.ReLU(inplace=True))


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, 2, padding=1)


def _normalize() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


def _openface() -> KeyMap:
    """The scheme of OpenFacePytorch, which counts layers, and numbers branches and what stands in them."""
    affine, norm = "(weight|bias)", "(weight|bias|running_mean|running_var)"
    rules = [(rf"layer25\.{affine}", r"output.\1")]
    for number, own in ((1, "conv1"), (6, "conv2a"), (9, "conv2")):
        rules.append((rf"layer{number}\.{affine}", rf"{own}.conv.\1"))
        rules.append((rf"layer{number + 1}\.{norm}", rf"{own}.norm.\1"))
    modules = {14: "3a", 15: "3b", 16: "3c", 17: "4a", 18: "4e", 19: "5a", 21: "5b"}
    for number, name in modules.items():
        branches = ["three", "pooled", "one"] if name.startswith("5") else ["three", "five", "pooled", "one"]
        for place, branch in enumerate(branches):
            units = {"pooled": {2: ".1"}, "one": {1: ""}}.get(branch, {1: ".0", 4: ".1"})
            for first, unit in units.items():
                foreign, own = rf"layer{number}\.seq_list\.{place}\.", f"inception{name}.{branch}{unit}"
                rules.append((rf"{foreign}{first}_conv\.{affine}", rf"{own}.conv.\1"))
                rules.append((rf"{foreign}{first + 1}_bn\.{norm}", rf"{own}.norm.\1"))
    return KeyMap("OpenFacePytorch", rules=tuple(rules), unused=(r".*\.num_batches_tracked",))


_PAPER = "Schroff, Kalenichenko, Philbin: FaceNet: A unified embedding for face recognition. CVPR 2015"

FACENET_NN1 = ModelInfo(
    name="facenet_nn1",
    build=FaceNetNN1,
    options=NN1Options,
    input_kind="picture",
    native_input=(3, 220, 220),
    native_outputs=128,
    smallest_input=(1, _NN1_SMALLEST_SIDE, _NN1_SMALLEST_SIDE),
    paper=_PAPER,
    year=2015,
    note="The rows of table 1; num_outputs is the length of the embedding.",
    gradient_layer="conv6",
    output_kind="embedding",
)
FACENET_NN4_SMALL2 = ModelInfo(
    name="facenet_nn4_small2",
    build=FaceNetNN4Small2,
    input_kind="picture",
    native_input=(3, 96, 96),
    native_outputs=128,
    smallest_input=(1, _NN4_SMALLEST_SIDE, _NN4_SMALLEST_SIDE),
    paper=_PAPER,
    year=2015,
    note="OpenFace's form of NN4; num_outputs is the length of the embedding.",
    gradient_layer="inception5b",
    output_kind="embedding",
    key_maps=(_openface(),),
)
