"""MobileFaceNet: inverted residual blocks that turn an aligned face into a vector of length 1, on a phone.

Paper: S. Chen, Y. Liu, X. Gao, Z. Han, "MobileFaceNets: Efficient CNNs for accurate real-time face verification on
    mobile devices", CCBR 2018, arXiv:1804.07573, table 1.
In place of the global average stands a depthwise convolution as large as the last map, which learns how much each place
of a face tells.
Differs: native are faces of 112×96 pixels, as the known weights have them and as the paper also tries; its main form,
    112×112, is another input shape (221 M multiply-adds). The expansion t of table 1 is taken of a block's input
    channels, as in the weights. Weights begin as He's.
Known weights: Xiaoccer/MobileFaceNet_Pytorch, 068.ckpt (trained on CASIA-WebFace; no licence is stated), for RGB
    pictures (x − 127.5)/128.
"""

from __future__ import annotations

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.l2_normalization import UnitLength
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo, NoOptions
from derin.models.key_map import KeyMap
from derin.models.network import Network

# Expansion t, output channels c, blocks n, stride s of the first block, as in table 1.
_STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
_SMALLEST_SIDE = 16  # one pixel of the last map


class Bottleneck(nn.Module):
    """1×1 up to t times the channels, 3×3 on each channel by itself, 1×1 down; added to the input where shapes agree.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.expand = ConvUnit(in_channels, inner, activation=nn.PReLU(inner))
        self.depthwise = ConvUnit(inner, inner, 3, stride=stride, groups=inner, activation=nn.PReLU(inner))
        self.project = ConvUnit(inner, out_channels, activation=None)
        self.adds_input = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds_input else y


class MobileFaceNet(Network):
    """Two 3×3 units, fifteen bottlenecks in five stages, 1×1 unit, global depthwise convolution, 1×1 embedding.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``, each row of length 1.

    Example:
        >>> net = MobileFaceNet((3, 112, 96), 128, NoOptions())
        >>> net.global_depthwise.conv.kernel_size, sum(p.numel() for p in net.parameters())
        ((7, 6), 999552)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        super().__init__(input_shape, options=options)
        self.conv1 = ConvUnit(input_shape[0], 64, 3, stride=2, activation=nn.PReLU(64))
        self.depthwise1 = ConvUnit(64, 64, 3, groups=64, activation=nn.PReLU(64))
        self.stages = nn.Sequential()
        channels = 64
        for expansion, width, num_blocks, stride in _STAGES:
            stage = nn.Sequential()
            for place in range(num_blocks):
                stage.append(Bottleneck(channels, width, stride if place == 0 else 1, expansion))
                channels = width
            self.stages.append(stage)
        self.conv2 = ConvUnit(channels, 512, activation=nn.PReLU(512))
        rows, columns = (-(-side // 16) for side in input_shape[1:])
        self.global_depthwise = ConvUnit(512, 512, (rows, columns), padding=0, groups=512, activation=None)
        self.output = ConvUnit(512, num_outputs, activation=None)
        self.flatten = nn.Flatten()
        self.unit_length = UnitLength()
        initialize(self, "he")
        for linear in (self.global_depthwise, self.output):
            initialize(linear, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise1(self.conv1(self.require(x)))  # (B, 64, H/2, W/2)
        x = self.conv2(self.stages(x))  # (B, 512, H/16, W/16)
        x = self.output(self.global_depthwise(x))  # (B, num_outputs, 1, 1)
        return self.unit_length(self.flatten(x))


def _xiaoccer() -> KeyMap:
    """The scheme of Xiaoccer/MobileFaceNet_Pytorch: blocks counted through, the parts of a block numbered."""
    norm = "(weight|bias|running_mean|running_var)"
    rules = []
    units = {
        "conv1": "conv1",
        "dw_conv1": "depthwise1",
        "conv2": "conv2",
        "linear7": "global_depthwise",
        "linear1": "output",
    }
    for foreign, own in units.items():
        rules.append((rf"{foreign}\.conv\.weight", f"{own}.conv.weight"))
        rules.append((rf"{foreign}\.bn\.{norm}", rf"{own}.norm.\1"))
        rules.append((rf"{foreign}\.prelu\.weight", f"{own}.activation.weight"))
    places = [(stage, place) for stage, (_, _, num_blocks, _) in enumerate(_STAGES) for place in range(num_blocks)]
    for block, (stage, place) in enumerate(places):
        for first, part in ((0, "expand"), (3, "depthwise"), (6, "project")):
            foreign, own = rf"blocks\.{block}\.conv\.", f"stages.{stage}.{place}.{part}"
            rules.append((rf"{foreign}{first}\.weight", f"{own}.conv.weight"))
            rules.append((rf"{foreign}{first + 1}\.{norm}", rf"{own}.norm.\1"))
            if part != "project":
                rules.append((rf"{foreign}{first + 2}\.weight", f"{own}.activation.weight"))
    return KeyMap("Xiaoccer/MobileFaceNet_Pytorch", rules=tuple(rules), unused=(r".*\.num_batches_tracked",))


MOBILEFACENET = ModelInfo(
    name="mobilefacenet",
    build=MobileFaceNet,
    input_kind="picture",
    native_input=(3, 112, 96),
    native_outputs=128,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Chen, Liu, Gao, Han: MobileFaceNets: Efficient CNNs for accurate real-time face verification. CCBR 2018",
    year=2018,
    note="num_outputs is the length of the embedding; the last window is as large as the last map.",
    gradient_layer="conv2",
    output_kind="embedding",
    key_maps=(_xiaoccer(),),
)
