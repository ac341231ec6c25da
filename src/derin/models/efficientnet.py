"""EfficientNet: inverted residuals with squeeze and excitation, in sizes found by search.

Paper: M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
    arXiv:1905.11946, table 1. Squeeze and excitation: J. Hu, L. Shen, G. Sun, CVPR 2018, arXiv:1709.01507.
`efficientnet_b0` has 5 288 548 parameters and 0.39 G multiply-adds.
Differs: `stem="small"` leaves out the first two halvings, for pictures below 64 pixels. Weights begin as He's, with
    0.01 in the class layer; the norm's ε is 10⁻⁵, as torchvision's and timm's weights have it.
Known weights: torchvision's (BSD 3-clause) and timm's (Apache 2.0); the authors' (Apache 2.0, in timm as
    tf_efficientnet_b0) were trained in TensorFlow and want padding="same" and epsilon=0.001.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.layers.stochastic_depth import StochasticDepth, rising_drop_probs
from derin.models.conv_unit import ConvUnit
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem
from derin.models.same_padding import padded_unit
from derin.models.timm_names import NORM, timm_keys

# Table 1: expansion, channels, blocks, stride of the first block, side of the window.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_NUM_BLOCKS = sum(depth for _, _, depth, _, _ in _STAGES)
_SQUEEZE = 4  # a block's input channels for each channel of the squeeze


@dataclass(frozen=True, kw_only=True)
class EfficientNetOptions:
    """Options of `efficientnet_b0`.

    Args:
        stem: "imagenet" halves the picture five times, "small" three times; "auto" takes "small" below 64 pixels.
        padding: "symmetric" pads all borders alike, "same" as TensorFlow does: at stride 2 right and below alone.
        epsilon: ε of the batch norms; weights trained in TensorFlow want 0.001.
        dropout: share of what reaches the output layer that is set to zero in training; the paper's is 0.2.
        stochastic_depth: share of the examples that pass by the last block in training, less for earlier blocks; the
            paper's is 0.2.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"
    padding: Literal["symmetric", "same"] = "symmetric"
    epsilon: float = 1e-5
    dropout: float = 0.2
    stochastic_depth: float = 0.2

    def __post_init__(self) -> None:
        require_range("efficientnet_b0", "epsilon", self.epsilon, 1e-8, 1.0)
        require_range("efficientnet_b0", "dropout", self.dropout, 0.0, 0.99)
        require_range("efficientnet_b0", "stochastic_depth", self.stochastic_depth, 0.0, 0.99)


class SqueezeExcitation(nn.Module):
    """y = x · σ(widen(silu(narrow(mean of x over the picture)))): every channel weighed by what all channels hold.

    Shapes:
        ``(B, channels, H, W)`` → the same.

    Example:
        >>> import torch
        >>> SqueezeExcitation(12, 3)(torch.zeros(2, 12, 5, 7)).shape
        torch.Size([2, 12, 5, 7])
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.narrow = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.SiLU(inplace=True)
        self.widen = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        weights = self.widen(self.activation(self.narrow(self.average(x))))  # (B, channels, 1, 1)
        return x * self.gate(weights)


class MBConv(nn.Module):
    """y = x + project(excite(depthwise(expand(x)))); the sum only where shapes agree.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the depthwise window.
        stride: 2 halves the picture.
        expansion: how many times wider the block is inside.
        drop_prob: share of the examples that pass by the block in training.
        options: padding and norm.

    Shapes:
        ``(B, in_channels, H, W)`` → ``(B, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int,
        *,
        expansion: int,
        drop_prob: float,
        options: EfficientNetOptions,
    ) -> None:
        super().__init__()
        inner = expansion * in_channels
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = _unit(in_channels, inner, nn.SiLU(inplace=True), options)
        self.depthwise = _unit(inner, inner, nn.SiLU(inplace=True), options, kernel=kernel, stride=stride, groups=inner)
        self.excite = SqueezeExcitation(inner, in_channels // _SQUEEZE)
        self.project = _unit(inner, out_channels, None, options)
        self.is_residual = stride == 1 and in_channels == out_channels
        self.drop_path = StochasticDepth(drop_prob) if self.is_residual else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.excite(self.depthwise(self.expand(x))))
        return x + self.drop_path(y) if self.is_residual else y


class EfficientNetB0(Network):
    """Stem, seven stages of inverted residuals, a last 1×1 convolution, global average, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = EfficientNetB0((3, 224, 224), 1000, EfficientNetOptions())
        >>> sum(p.numel() for p in net.parameters())
        5288548
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: EfficientNetOptions) -> None:
        options = with_stem(options, input_shape)
        is_small = options.stem == "small"
        super().__init__(input_shape, smallest=(8, 8) if is_small else (32, 32), options=options)
        channels = 32
        stem_stride = 1 if is_small else 2
        self.stem = _unit(input_shape[0], channels, nn.SiLU(inplace=True), options, kernel=3, stride=stem_stride)
        drop_probs = iter(rising_drop_probs(options.stochastic_depth, _NUM_BLOCKS))
        stages = []
        for number, (expansion, out_channels, depth, stride, kernel) in enumerate(_STAGES, start=1):
            stage = nn.Sequential()
            for place in range(depth):
                block = MBConv(
                    channels,
                    out_channels,
                    kernel,
                    stride if place == 0 and not (is_small and number == 2) else 1,
                    expansion=expansion,
                    drop_prob=next(drop_probs),
                    options=options,
                )
                stage.add_module(f"block{place + 1}", block)
                channels = out_channels
            stages.append(stage)
        self.stage1, self.stage2, self.stage3, self.stage4, self.stage5, self.stage6, self.stage7 = stages
        self.head = _unit(channels, 1280, nn.SiLU(inplace=True), options)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(1280, num_outputs)
        initialize(self, "he")
        initialize(self.output, "normal")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(self.stem(self.require(x)))  # (B, 16, H/2, W/2); small stem: H
        x = self.stage4(self.stage3(self.stage2(x)))  # (B, 80, H/16, W/16); small stem: H/4
        x = self.head(self.stage7(self.stage6(self.stage5(x))))  # (B, 1280, H/32, W/32); small stem: H/8
        return self.output(self.dropout(self.flatten(self.average(x))))


def _unit(
    in_channels: int,
    out_channels: int,
    activation: nn.Module | None,
    options: EfficientNetOptions,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
) -> ConvUnit:
    return padded_unit(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        groups=groups,
        padding=options.padding,
        epsilon=options.epsilon,
        activation=activation,
    )


def _places() -> Iterator[tuple[int, int, bool]]:
    """Stage and place of every block, and whether it expands."""
    for stage, (expansion, _, depth, _, _) in enumerate(_STAGES, start=1):
        for place in range(1, depth + 1):
            yield stage, place, expansion > 1


def _timm() -> KeyMap:
    excitation = {"se.conv_reduce": "excite.narrow", "se.conv_expand": "excite.widen"}
    blocks: list[tuple[int, int, dict[str, str]]] = []
    for stage, place, expands in _places():
        if expands:
            parts = {"conv_pw": "expand", "conv_dw": "depthwise", **excitation, "conv_pwl": "project"}
        else:
            parts = {"conv_dw": "depthwise", **excitation, "conv_pw": "project"}
        blocks.append((stage, place, parts))
    return timm_keys(blocks, has_head=True)


def _torchvision() -> KeyMap:
    """torchvision numbers the operations of a block: the expansion comes first where there is one."""
    rules = [(r"features\.0\.0\.weight", "stem.conv.weight"), (rf"features\.0\.1\.{NORM}", r"stem.norm.\1")]
    for stage, place, expands in _places():
        theirs, ours = rf"features\.{stage}\.{place - 1}\.block", f"stage{stage}.block{place}"
        units = ["expand", "depthwise", "excite", "project"] if expands else ["depthwise", "excite", "project"]
        for number, unit in enumerate(units):
            if unit == "excite":
                rules.append((rf"{theirs}\.{number}\.fc1\.(weight|bias)", rf"{ours}.excite.narrow.\1"))
                rules.append((rf"{theirs}\.{number}\.fc2\.(weight|bias)", rf"{ours}.excite.widen.\1"))
            else:
                rules.append((rf"{theirs}\.{number}\.0\.weight", f"{ours}.{unit}.conv.weight"))
                rules.append((rf"{theirs}\.{number}\.1\.{NORM}", rf"{ours}.{unit}.norm.\1"))
    rules += [(r"features\.8\.0\.weight", "head.conv.weight"), (rf"features\.8\.1\.{NORM}", r"head.norm.\1")]
    rules.append((r"classifier\.1\.(weight|bias)", r"output.\1"))
    return KeyMap("torchvision", rules=tuple(rules), unused=(r"features\..*\.num_batches_tracked",))


EFFICIENTNET_B0 = ModelInfo(
    name="efficientnet_b0",
    build=EfficientNetB0,
    options=EfficientNetOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 8, 8),
    paper="Tan, Le: EfficientNet: rethinking model scaling for convolutional neural networks. ICML 2019",
    year=2019,
    note="Below 64 pixels two halvings fewer (stem=small); weights trained in TensorFlow want padding=same.",
    gradient_layer="head",
    key_maps=(_torchvision(), _timm()),
)
