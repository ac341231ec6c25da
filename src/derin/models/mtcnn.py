"""MTCNN: three small networks, one after the other, that find faces and five points in each.

Paper: K. Zhang, Z. Zhang, Z. Li, Y. Qiao, "Joint face detection and alignment using multitask cascaded convolutional
    networks", IEEE Signal Processing Letters 23 (10), 2016, arXiv:1604.02878, figure 2.
Each looks at a window of 12, 24 or 48 pixels and gives a row of numbers: two for "no face" and "face", whose softmax is
    the probability; four by which the sides of the face (left, top, right, bottom) lie off those of the window, in
    widths and heights of it; and, by the third network, ten for x and y of the eyes, the nose and the corners of the
    mouth, in the same unit from the window's left upper corner: first the five x, then the five y. The first is
    convolutional throughout: of a larger picture it gives a map, one row for each window two pixels further.
Differs: the three parts of a row come from one layer, whose weights are those of the published three, one below the
    other. The figure's poolings keep a window that reaches over the edge, as Caffe's do; the maps that go into a dense
    layer are read column by column, as in Matlab. P-, R- and O-Net have 6,632, 100,178 and 389,040 parameters.
Known weights: timesler/facenet-pytorch (MIT), converted from the authors', for RGB pictures (x − 127.5)/128.
    `derin.apps.faces.finding` puts the three together.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo, NoOptions
from derin.models.key_map import KeyMap
from derin.models.network import Network

STRIDE = 2  # pixels from one window of `PNet` to the next
_WINDOWS = {"pnet": 12, "rnet": 24, "onet": 48}


class PNet(Network):
    """Three 3×3 convolutions and a 1×1 one: every window of 12 pixels, two pixels apart.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs, ⌈(H − 10) / 2⌉, ⌈(W − 10) / 2⌉)``: row i, column j is of the window whose
        left upper corner is ``(2j, 2i)``.

    Example:
        >>> import torch
        >>> net = PNet((3, 12, 12), 6, NoOptions())
        >>> sum(p.numel() for p in net.parameters()), net(torch.zeros(1, 3, 14, 33)).shape
        (6632, torch.Size([1, 6, 2, 12]))
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        side = _WINDOWS["pnet"]
        super().__init__(input_shape, smallest=(side, side), options=options)
        self.conv1 = _unit(input_shape[0], 10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = _unit(10, 16)
        self.conv3 = _unit(16, 32)
        self.output = nn.Conv2d(32, num_outputs, 1)
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.conv1(self.require(x)))
        return self.output(self.conv3(self.conv2(x)))


class RNet(Network):
    """Three convolutions and two poolings, a dense layer of 128 units, the row of numbers.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> sum(p.numel() for p in RNet((3, 24, 24), 6, NoOptions()).parameters())
        100178
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        super().__init__(input_shape, options=options)
        self.conv1 = _unit(input_shape[0], 28)
        self.pool1 = _halve()
        self.conv2 = _unit(28, 48)
        self.pool2 = _halve()
        self.conv3 = _unit(48, 64, 2)
        # 24 → 22 → 11 → 9 → 4 → 3
        sides = (_halved(_halved(side - 2) - 2) - 1 for side in input_shape[1:])
        self.dense = nn.Linear(64 * math.prod(sides), 128)
        self.activation = nn.PReLU(128)
        self.output = nn.Linear(128, num_outputs)
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.conv1(self.require(x)))
        x = self.conv3(self.pool2(self.conv2(x)))
        return self.output(self.activation(self.dense(_by_columns(x))))


class ONet(Network):
    """Four convolutions and three poolings, a dense layer of 256 units, the row of numbers.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> sum(p.numel() for p in ONet((3, 48, 48), 16, NoOptions()).parameters())
        389040
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        super().__init__(input_shape, options=options)
        self.conv1 = _unit(input_shape[0], 32)
        self.pool1 = _halve()
        self.conv2 = _unit(32, 64)
        self.pool2 = _halve()
        self.conv3 = _unit(64, 64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = _unit(64, 128, 2)
        # 48 → 46 → 23 → 21 → 10 → 8 → 4 → 3
        sides = (-(-(_halved(_halved(side - 2) - 2) - 2) // 2) - 1 for side in input_shape[1:])
        self.dense = nn.Linear(128 * math.prod(sides), 256)
        self.activation = nn.PReLU(256)
        self.output = nn.Linear(256, num_outputs)
        initialize(self, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.conv1(self.require(x)))
        x = self.pool3(self.conv3(self.pool2(self.conv2(x))))
        return self.output(self.activation(self.dense(_by_columns(self.conv4(x)))))


def _unit(in_channels: int, out_channels: int, kernel: int = 3) -> ConvUnit:
    activation = nn.PReLU(out_channels)
    return ConvUnit(in_channels, out_channels, kernel, padding=0, epsilon=None, activation=activation)


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def _halved(side: int) -> int:
    """What windows of three pixels, two apart, leave of a side; the last one may reach over the edge."""
    return -(-(side - 3) // 2) + 1


def _by_columns(x: Tensor) -> Tensor:
    return x.permute(0, 3, 2, 1).flatten(1)


def _facenet_pytorch(num_convolutions: int, *heads: str) -> KeyMap:
    """The scheme of timesler/facenet-pytorch, which counts all layers through."""
    either = r"\.(weight|bias)"
    rules = []
    for number in range(1, num_convolutions + 1):
        rules.append((rf"conv{number}{either}", rf"conv{number}.conv.\1"))
        rules.append((rf"prelu{number}\.weight", f"conv{number}.activation.weight"))
    dense = num_convolutions + 1
    rules.append((rf"dense{dense}{either}", r"dense.\1"))
    rules.append((rf"prelu{dense}\.weight", "activation.weight"))
    rules += [(f"{head}{either}", r"output.\1") for head in heads]
    return KeyMap("timesler/facenet-pytorch", rules=tuple(rules))


def _info(name: str, build: type[Network], *, num_outputs: int, note: str, is_map: bool, key_map: KeyMap) -> ModelInfo:
    side = _WINDOWS[name]
    return ModelInfo(
        name=f"mtcnn_{name}",
        build=build,
        input_kind="picture",
        native_input=(3, side, side),
        native_outputs=num_outputs,
        smallest_input=(1, side, side),
        paper="Zhang, Zhang, Li, Qiao: Joint face detection and alignment using multitask cascaded convolutional "
        "networks. IEEE Signal Processing Letters 2016",
        year=2016,
        note=note,
        output_kind="map" if is_map else "vector",
        key_maps=(key_map,),
    )


PNET = _info(
    "pnet",
    PNet,
    num_outputs=6,
    note="Finds windows with faces: 2 numbers for face or not, 4 for its sides.",
    is_map=True,
    key_map=_facenet_pytorch(3, "conv4_1", "conv4_2"),
)
RNET = _info(
    "rnet",
    RNet,
    num_outputs=6,
    note="Sorts windows out: 2 numbers for face or not, 4 for its sides.",
    is_map=False,
    key_map=_facenet_pytorch(3, "dense5_1", "dense5_2"),
)
ONET = _info(
    "onet",
    ONet,
    num_outputs=16,
    note="2 numbers for face or not, 4 for its sides, 10 for eyes, nose and mouth.",
    is_map=False,
    key_map=_facenet_pytorch(4, "dense6_1", "dense6_2", "dense6_3"),
)
