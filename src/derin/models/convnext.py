"""ConvNeXt: a residual network made of the pieces and proportions that vision transformers brought.

Paper: Z. Liu, H. Mao, C.-Y. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the 2020s", CVPR 2022,
    arXiv:2201.03545, table 9 (ConvNeXt-T) and figure 4 (block).
`convnext_tiny` has 28 589 128 parameters and 4.5 G multiply-adds.
Differs: `stem="small"` cuts pictures below 64 pixels into patches of 2×2 pixels, not 4×4.
Known weights: the authors' (MIT), torchvision's (BSD 3-clause; its layer_scale has two more axes of one), timm's
    (Apache 2.0, MIT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.options import require_range
from derin.layers.stochastic_depth import StochasticDepth, rising_drop_probs
from derin.models.info import ModelInfo
from derin.models.key_map import KeyMap
from derin.models.network import Network, with_stem

_WIDTHS = (96, 192, 384, 768)
_DEPTHS = (3, 3, 9, 3)
_EPSILON = 1e-6  # of the norms


@dataclass(frozen=True, kw_only=True)
class ConvNeXtOptions:
    """Options of `convnext_tiny`.

    Args:
        stem: "imagenet" cuts the picture into patches of 4×4 pixels, "small" of 2×2; "auto" takes "small" below 64
            pixels.
        stochastic_depth: share of the examples that pass by the last block in training, less for earlier blocks; the
            paper's is 0.1.
        layer_scale: what a block's outcome is multiplied by at the beginning, a number that each channel then learns;
            the paper's is 10⁻⁶.
    """

    stem: Literal["auto", "imagenet", "small"] = "auto"
    stochastic_depth: float = 0.1
    layer_scale: float = 1e-6

    def __post_init__(self) -> None:
        require_range("convnext_tiny", "stochastic_depth", self.stochastic_depth, 0.0, 0.99)
        require_range("convnext_tiny", "layer_scale", self.layer_scale, 1e-8, 1.0)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of every pixel by itself.

    Shapes:
        ``(B, C, H, W)`` → the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)  # (B, H, W, C)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """y = x + γ · narrow(gelu(widen(norm(depthwise7×7(x))))), the 1×1 convolutions as dense layers over the channels.

    Args:
        channels: of input and output; four times as many inside.
        drop_prob: share of the examples that pass by the block in training.
        layer_scale: γ at the beginning.

    Shapes:
        ``(B, channels, H, W)`` → the same.

    Example:
        >>> ConvNeXtBlock(12, drop_prob=0.0, layer_scale=1e-6)(torch.zeros(2, 12, 5, 7)).shape
        torch.Size([2, 12, 5, 7])
    """

    parameter_roles: ClassVar[dict[str, str]] = {"scale": "scale"}

    def __init__(self, channels: int, *, drop_prob: float, layer_scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=_EPSILON)
        self.widen = nn.Linear(channels, 4 * channels)
        self.gelu = nn.GELU()
        self.narrow = nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), layer_scale))
        self.drop_path = StochasticDepth(drop_prob)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x).permute(0, 2, 3, 1)  # (B, H, W, C)
        y = self.scale * self.narrow(self.gelu(self.widen(self.norm(y))))
        return x + self.drop_path(y.permute(0, 3, 1, 2))


class ConvNeXtTiny(Network):
    """Patches, four stages of blocks with transitions that halve the picture, global average, norm, dense output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Raises:
        ShapeError: the patches and transitions would leave nothing of the picture.

    Example:
        >>> net = ConvNeXtTiny((3, 224, 224), 1000, ConvNeXtOptions())
        >>> sum(p.numel() for p in net.parameters())
        28589128
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: ConvNeXtOptions) -> None:
        options = with_stem(options, input_shape)
        patch = 2 if options.stem == "small" else 4
        least = 8 * patch  # pixels: patches, then three transitions that halve
        if min(input_shape[1:]) < least:
            raise ShapeError(
                f'convnext_tiny with stem="{options.stem}" needs pictures of at least {least} × {least} pixels; '
                f'got input_shape={input_shape}. Resize them, or use stem="small" from 16 × 16 pixels on.'
            )
        super().__init__(input_shape, smallest=(least, least), options=options)
        drop_probs = rising_drop_probs(options.stochastic_depth, sum(_DEPTHS))
        stages = []
        for width, depth in zip(_WIDTHS, _DEPTHS, strict=True):
            stage = nn.Sequential()
            for place in range(depth):
                block = ConvNeXtBlock(width, drop_prob=drop_probs.pop(0), layer_scale=options.layer_scale)
                stage.add_module(f"block{place + 1}", block)
            stages.append(stage)
        self.stem = nn.Sequential()
        self.stem.add_module("conv", nn.Conv2d(input_shape[0], _WIDTHS[0], patch, patch))
        self.stem.add_module("norm", ChannelNorm(_WIDTHS[0], eps=_EPSILON))
        self.stage1 = stages[0]
        self.transition1 = _transition(_WIDTHS[0], _WIDTHS[1])
        self.stage2 = stages[1]
        self.transition2 = _transition(_WIDTHS[1], _WIDTHS[2])
        self.stage3 = stages[2]
        self.transition3 = _transition(_WIDTHS[2], _WIDTHS[3])
        self.stage4 = stages[3]
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.norm = nn.LayerNorm(_WIDTHS[3], eps=_EPSILON)
        self.output = nn.Linear(_WIDTHS[3], num_outputs)
        _init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.transition1(self.stage1(self.stem(self.require(x))))  # (B, 192, H/8, W/8); small stem: H/4
        x = self.transition3(self.stage3(self.transition2(self.stage2(x))))  # (B, 768, H/32, W/32); small stem: H/16
        return self.output(self.norm(self.flatten(self.average(self.stage4(x)))))


def _transition(in_channels: int, out_channels: int) -> nn.Sequential:
    transition = nn.Sequential()
    transition.add_module("norm", ChannelNorm(in_channels, eps=_EPSILON))
    transition.add_module("conv", nn.Conv2d(in_channels, out_channels, 2, 2))
    return transition


@torch.no_grad()
def _init_weights(network: nn.Module) -> None:
    """Normal numbers of deviation 0.02, cut off at ±2, and biases of zero, as in the authors' release."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
            nn.init.trunc_normal_(module.weight, std=0.02)
            assert module.bias is not None
            module.bias.zero_()


_KEYS = "(weight|bias)"


def _keys(
    scheme: str, *, stem: tuple[str, str], block: str, parts: dict[str, str], transition: str, head: tuple[str, str]
) -> KeyMap:
    """Rules of one scheme: `block` and `transition` hold {stage} and {block}, counted from 0 as all schemes do."""
    rules = [(rf"{stem[0]}\.{_KEYS}", r"stem.conv.\1"), (rf"{stem[1]}\.{_KEYS}", r"stem.norm.\1")]
    for stage, depth in enumerate(_DEPTHS):
        for place in range(depth):
            theirs = block.format(stage=stage, numbered=2 * stage + 1, block=place)
            ours = f"stage{stage + 1}.block{place + 1}"
            for name, part in parts.items():
                ending = ("", "") if part == "scale" else (rf"\.{_KEYS}", r".\1")
                rules.append((rf"{theirs}\.{name}{ending[0]}", rf"{ours}.{part}{ending[1]}"))
        if stage:
            theirs = transition.format(stage=stage, numbered=2 * stage)
            rules.append((rf"{theirs}\.0\.{_KEYS}", rf"transition{stage}.norm.\1"))
            rules.append((rf"{theirs}\.1\.{_KEYS}", rf"transition{stage}.conv.\1"))
    rules += [(rf"{head[0]}\.{_KEYS}", r"norm.\1"), (rf"{head[1]}\.{_KEYS}", r"output.\1")]
    return KeyMap(scheme, rules=tuple(rules))


_TORCHVISION = _keys(
    "torchvision",
    stem=(r"features\.0\.0", r"features\.0\.1"),
    block=r"features\.{numbered}\.{block}",
    parts={
        r"layer_scale": "scale",
        r"block\.0": "depthwise",
        r"block\.2": "norm",
        r"block\.3": "widen",
        r"block\.5": "narrow",
    },
    transition=r"features\.{numbered}",
    head=(r"classifier\.0", r"classifier\.2"),
)
_TIMM = _keys(
    "timm",
    stem=(r"stem\.0", r"stem\.1"),
    block=r"stages\.{stage}\.blocks\.{block}",
    parts={
        r"gamma": "scale",
        r"conv_dw": "depthwise",
        r"norm": "norm",
        r"mlp\.fc1": "widen",
        r"mlp\.fc2": "narrow",
    },
    transition=r"stages\.{stage}\.downsample",
    head=(r"head\.norm", r"head\.fc"),
)
_AUTHORS = _keys(
    "facebookresearch/ConvNeXt",
    stem=(r"downsample_layers\.0\.0", r"downsample_layers\.0\.1"),
    block=r"stages\.{stage}\.{block}",
    parts={
        r"gamma": "scale",
        r"dwconv": "depthwise",
        r"norm": "norm",
        r"pwconv1": "widen",
        r"pwconv2": "narrow",
    },
    transition=r"downsample_layers\.{stage}",
    head=("norm", "head"),
)

CONVNEXT_TINY = ModelInfo(
    name="convnext_tiny",
    build=ConvNeXtTiny,
    options=ConvNeXtOptions,
    input_kind="picture",
    native_input=(3, 224, 224),
    native_outputs=1000,
    smallest_input=(1, 16, 16),
    paper="Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s. CVPR 2022",
    year=2022,
    note="Below 64 pixels patches of 2×2 pixels instead of 4×4 (stem=small).",
    gradient_layer="stage4",
    key_maps=(_TORCHVISION, _TIMM, _AUTHORS),
)
