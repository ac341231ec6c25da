"""MobileNet v1 and v2: a depthwise convolution looks at each channel, 1×1 convolutions mix the channels.

Papers: A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017,
    arXiv:1704.04861, table 1; M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: inverted residuals
    and linear bottlenecks", CVPR 2018, arXiv:1801.04381, table 2.
`mobilenet_v1` has 4 231 976 parameters and 0.57 G multiply-adds, `mobilenet_v2` 3 504 872 and 0.30 G.
Differs: version 1 cuts at six as version 2 does, since the authors' release and all known weights do (the paper writes
    relu: activation="relu"); the last depthwise convolution of its table 1 has stride 1, as the sizes beside it say.
    Widths are whole multiples of 8. `stem="small"` leaves out the first two halvings, for pictures below 64 pixels.
    Weights begin as He's, with 0.01 in the class layer; the papers do not say how theirs did.
Known weights: torchvision's (BSD 3-clause), timm's (Apache 2.0) and the authors' (Apache 2.0; trained in TensorFlow,
    they want padding="same" and, where their batch norms are not folded, epsilon=0.001). The copy
    from google-coral/test_data has its batch norm folded into the convolutions: norm="folded", padding="same".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem
from derin.models.same_padding import padded_unit
from derin.models.timm_names import NORM, timm_keys

# Version 1, table 1: channels, blocks, stride of the first block.
_STAGES_V1 = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))
# Version 2, table 2: expansion, channels, blocks, stride of the first block.
_STAGES_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True, kw_only=True)
class MobileNetOptions:
    """Options of `mobilenet_v2`.

    Args:
        width: multiplier of all channels; the paper has 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
        stem: "imagenet" halves the picture five times, "small" three times; "auto" takes "small" below 64 pixels.
        padding: "symmetric" pads all borders alike, "same" as TensorFlow does: at stride 2 right and below alone.
        norm: "batch", or "folded" for weights whose batch norm is already within the convolutions, which then have
            biases.
        epsilon: ε of the batch norms; weights trained in TensorFlow want 0.001.
        dropout: share of what reaches the output layer that is set to zero in training.
    """

    width: float = 1.0
    stem: Literal["auto", "imagenet", "small"] = "auto"
    padding: Literal["symmetric", "same"] = "symmetric"
    norm: Literal["batch", "folded"] = "batch"
    epsilon: float = 1e-5
    dropout: float = 0.2

    def __post_init__(self) -> None:
        require_range("mobilenet", "width", self.width, 0.05, 16.0)
        require_range("mobilenet", "epsilon", self.epsilon, 1e-8, 1.0)
        require_range("mobilenet", "dropout", self.dropout, 0.0, 0.99)


_Options = TypeVar("_Options", bound=MobileNetOptions)


@dataclass(frozen=True, kw_only=True)
class MobileNetV1Options(MobileNetOptions):
    """Options of `mobilenet_v1`: those of `mobilenet_v2`, with dropout 0.001 as in the authors' release, and the
    activation.

    Args:
        activation: "relu6" is min(max(x, 0), 6), "relu" what the paper writes.
    """

    dropout: float = 0.001
    activation: Literal["relu6", "relu"] = "relu6"


class Separable(nn.Sequential):
    """A 3×3 window on each channel by itself, then a 1×1 convolution: 1/m + 1/9 of the products of a 3×3 convolution
    to m channels.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, options: MobileNetV1Options) -> None:
        super().__init__()
        depthwise = _unit(in_channels, in_channels, 3, stride, in_channels, _activation(options), options)
        self.add_module("depthwise", depthwise)
        self.add_module("pointwise", _unit(in_channels, out_channels, 1, 1, 1, _activation(options), options))


class InvertedResidual(nn.Module):
    """y = x + project(depthwise(expand(x))): wide inside, narrow and linear outside; the sum only where shapes agree.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.

    Example:
        >>> import torch
        >>> block = InvertedResidual(16, 24, 2, expansion=6, options=MobileNetOptions())
        >>> block(torch.zeros(2, 16, 10, 7)).shape
        torch.Size([2, 24, 5, 4])
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, expansion: int, options: MobileNetOptions
    ) -> None:
        super().__init__()
        inner = expansion * in_channels
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = _unit(in_channels, inner, 1, 1, 1, nn.ReLU6(inplace=True), options)
        self.depthwise = _unit(inner, inner, 3, stride, inner, nn.ReLU6(inplace=True), options)
        self.project = _unit(inner, out_channels, 1, 1, 1, None, options)
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class MobileNetV1(Network):
    """Stem, five stages of separable convolutions, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = MobileNetV1((3, 224, 224), 1000, MobileNetV1Options())
        >>> sum(p.numel() for p in net.parameters())
        4231976
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: MobileNetV1Options) -> None:
        options, smallest = _choose_stem(options, input_shape)
        super().__init__(input_shape, smallest=smallest, options=options)
        is_small = options.stem == "small"
        channels = whole_width(32 * options.width)
        self.stem = _unit(input_shape[0], channels, 3, 1 if is_small else 2, 1, _activation(options), options)
        stages = []
        for number, (width, depth, stride) in enumerate(_STAGES_V1, start=1):
            stage, out_channels = nn.Sequential(), whole_width(width * options.width)
            for place in range(depth):
                block_stride = stride if place == 0 and not (is_small and number == 2) else 1
                stage.add_module(f"block{place + 1}", Separable(channels, out_channels, block_stride, options))
                channels = out_channels
            stages.append(stage)
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5 = stages
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(channels, num_outputs)
        initialize(self, "he")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(self.stem(self.require(x)))  # (B, 64, H/2, W/2); small stem: H
        x = self.stage5(self.stage4(self.stage3(self.stage2(x))))  # (B, 1024, H/32, W/32); small stem: H/8
        return self.output(self.dropout(self.flatten(self.average(x))))


class MobileNetV2(Network):
    """Stem, seven stages of inverted residuals, a last 1×1 convolution, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = MobileNetV2((3, 224, 224), 1000, MobileNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        3504872
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: MobileNetOptions) -> None:
        options, smallest = _choose_stem(options, input_shape)
        super().__init__(input_shape, smallest=smallest, options=options)
        is_small = options.stem == "small"
        channels = whole_width(32 * options.width)
        self.stem = _unit(input_shape[0], channels, 3, 1 if is_small else 2, 1, nn.ReLU6(inplace=True), options)
        stages = []
        for number, (expansion, width, depth, stride) in enumerate(_STAGES_V2, start=1):
            stage, out_channels = nn.Sequential(), whole_width(width * options.width)
            for place in range(depth):
                block_stride = stride if place == 0 and not (is_small and number == 2) else 1
                block = InvertedResidual(channels, out_channels, block_stride, expansion=expansion, options=options)
                stage.add_module(f"block{place + 1}", block)
                channels = out_channels
            stages.append(stage)
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5, self.stage6, self.stage7 = stages
        # The paper does not narrow the last convolution: a small network needs its classes as well.
        last_channels = whole_width(1280 * max(1.0, options.width))
        self.head = _unit(channels, last_channels, 1, 1, 1, nn.ReLU6(inplace=True), options)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(last_channels, num_outputs)
        initialize(self, "he")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(self.stem(self.require(x)))  # (B, 16, H/2, W/2); small stem: H
        x = self.stage4(self.stage3(self.stage2(x)))  # (B, 64, H/16, W/16); small stem: H/4
        x = self.head(self.stage7(self.stage6(self.stage5(x))))  # (B, 1280, H/32, W/32); small stem: H/8
        return self.output(self.dropout(self.flatten(self.average(x))))


def whole_width(channels: float) -> int:
    """The nearest multiple of 8, but never less than nine tenths of what was asked.

    Example:
        >>> whole_width(24 * 0.75), whole_width(16 * 0.35), whole_width(32 * 1.4)
        (24, 8, 48)

    Source: the authors' release of version 2 (TensorFlow Models, slim/nets/mobilenet).
    """
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * channels else whole


def _choose_stem(options: _Options, input_shape: tuple[int, ...]) -> tuple[_Options, tuple[int, int]]:
    """The options with the stem decided, and the smallest height and width that it takes."""
    options = with_stem(options, input_shape)
    return options, (8, 8) if options.stem == "small" else (32, 32)


def _activation(options: MobileNetV1Options) -> nn.Module:
    return nn.ReLU6(inplace=True) if options.activation == "relu6" else nn.ReLU(inplace=True)


def _unit(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int,
    groups: int,
    activation: nn.Module | None,
    options: MobileNetOptions,
) -> ConvUnit:
    return padded_unit(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        groups=groups,
        padding=options.padding,
        epsilon=None if options.norm == "folded" else options.epsilon,
        activation=activation,
    )


def _torchvision_v2() -> tuple[KeyMap, KeyMap]:
    """torchvision numbers the operations of the trunk; files with folded batch norm have its names, and biases."""
    rules: list[tuple[str, str]] = []
    folded: list[tuple[str, str]] = []

    def add(convolution: str, norm: str, ours: str) -> None:
        rules.append((rf"{convolution}\.weight", rf"{ours}.conv.weight"))
        rules.append((rf"{norm}\.{NORM}", rf"{ours}.norm.\1"))
        folded.append((rf"{convolution}\.(weight|bias)", rf"{ours}.conv.\1"))

    add(r"features\.0\.0", r"features\.0\.1", "stem")

    for place, (stage, block, parts) in enumerate(_blocks_v2(), start=1):
        theirs, ours = rf"features\.{place}\.conv", f"stage{stage}.block{block}"
        *inner, last = parts.values()
        for number, part in enumerate(inner):
            add(rf"{theirs}\.{number}\.0", rf"{theirs}\.{number}\.1", f"{ours}.{part}")
        add(rf"{theirs}\.{len(inner)}", rf"{theirs}\.{len(inner) + 1}", f"{ours}.{last}")
    add(r"features\.18\.0", r"features\.18\.1", "head")
    output = (r"classifier\.1\.(weight|bias)", r"output.\1")
    return (
        KeyMap("torchvision", rules=(*rules, output), unused=(r"features\..*\.num_batches_tracked",)),
        KeyMap("torchvision, batch norm folded", rules=(*folded, output)),
    )


def _blocks_v1() -> Iterator[tuple[int, int, dict[str, str]]]:
    """Stage, place, and the convolutions of every block: timm's names and ours."""
    for stage, (_, depth, _) in enumerate(_STAGES_V1, start=1):
        for place in range(1, depth + 1):
            yield stage, place, {"conv_dw": "depthwise", "conv_pw": "pointwise"}


def _blocks_v2() -> Iterator[tuple[int, int, dict[str, str]]]:
    for stage, (expansion, _, depth, _) in enumerate(_STAGES_V2, start=1):
        for place in range(1, depth + 1):
            if expansion == 1:
                yield stage, place, {"conv_dw": "depthwise", "conv_pw": "project"}
            else:
                yield stage, place, {"conv_pw": "expand", "conv_dw": "depthwise", "conv_pwl": "project"}


MOBILENET_V1 = ModelInfo(
    name="mobilenet_v1",
    build=MobileNetV1,
    options=MobileNetV1Options,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 8, 8),
    paper="Howard et al.: MobileNets: efficient convolutional neural networks for mobile vision. arXiv:1704.04861",
    year=2017,
    note="relu6 as in all known weights; below 64 pixels two halvings fewer (stem=small).",
    gradient_layer="stage5",
    key_maps=(timm_keys(_blocks_v1(), has_head=False),),
)
MOBILENET_V2 = ModelInfo(
    name="mobilenet_v2",
    build=MobileNetV2,
    options=MobileNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 8, 8),
    paper="Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: inverted residuals, linear bottlenecks. CVPR 2018",
    year=2018,
    note="Below 64 pixels two halvings fewer (stem=small); TensorFlow's weights want padding=same.",
    gradient_layer="head",
    key_maps=(*_torchvision_v2(), timm_keys(_blocks_v2(), has_head=True)),
)
