"""A small U-Net that gives the velocity of a picture on its way from noise: it knows the time, and a class or a text.

Papers: O. Ronneberger, P. Fischer, T. Brox, "U-Net", MICCAI 2015, arXiv:1505.04597 (ways down and up, bridges); J. Ho,
    A. Jain, P. Abbeel, "Denoising diffusion probabilistic models", NeurIPS 2020, arXiv:2006.11239, appendix B (residual
    blocks with group norm that know the time, attention where the map is small); P. Dhariwal, A. Nichol, "Diffusion
    models beat GANs on image synthesis", NeurIPS 2021, arXiv:2105.05233 (time and class as scale and shift of a norm);
    P. Esser et al., "Scaling rectified flow transformers", ICML 2024, arXiv:2403.03206 (words and places of the picture
    look at each other in one attention).
Differs: made for a processor and for pictures of about 30 pixels. Squares of `patch` × `patch` pixels are read and
    written as one place, so that no map of full size is computed, and there is one residual block to a stage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.initializers import initialize
from derin.layers.masks import padding_mask
from derin.layers.options import require_range
from derin.layers.positions import LearnedPositions
from derin.layers.transformer import EncoderBlock
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.unet import cropped, filled

MOST_TOKENS = 64  # of a description, its beginning included
NO_TEXT = 2  # `<BOS>`, with which every description begins: alone it describes nothing
_GROUPS = 8
_HEAD = 32  # numbers of a head of the attention
_FASTEST, _SLOWEST = 1_000.0, 1.0  # radians over the way from noise to picture
_SMALLEST_SIDE = 4


@dataclass(frozen=True, kw_only=True)
class FlowUNetOptions:
    """Options of `flow_unet`.

    Args:
        width: channels of the first stage; each stage further down has twice as many.
        depth: halvings behind the patches.
        patch: side of the squares of pixels that are one place of the first map.
        condition: what it is told beside the time: nothing, a class, or the words of a text.
        num_conditions: classes or words, 0 for none and the reserved numbers of a text included.
    """

    width: int = 48
    depth: int = 1
    patch: int = 2
    condition: Literal["none", "class", "text"] = "none"
    num_conditions: int = 0

    def __post_init__(self) -> None:
        require_range("flow_unet", "width", self.width, _GROUPS, 1024)
        require_range("flow_unet", "depth", self.depth, 1, 5)
        require_range("flow_unet", "patch", self.patch, 1, 8)
        require_range("flow_unet", "num_conditions", self.num_conditions, 0, 1_000_000)
        if self.width % _GROUPS:
            raise UsageError(
                f"flow_unet norms groups of channels: width must be a multiple of {_GROUPS}; got {self.width}."
            )
        if (self.condition == "none") != (self.num_conditions == 0):
            raise UsageError(
                "flow_unet with condition='class' or 'text' needs num_conditions above 0, and without a condition 0; "
                f"got condition={self.condition!r}, num_conditions={self.num_conditions}."
            )


class TimeEmbedding(nn.Module):
    """Waves of a time from 0 to 1, slow to quick, then two dense layers.

    Shapes:
        ``(B,)`` → ``(B, dim)``.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.widen, self.narrow = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, time: Tensor) -> Tensor:
        steps = torch.linspace(math.log(_SLOWEST), math.log(_FASTEST), self.dim // 2, device=time.device)
        angles = time[:, None].float() * steps.exp()
        waves = torch.cat((angles.sin(), angles.cos()), 1).to(self.widen.weight.dtype)
        return self.narrow(F.silu(self.widen(waves)))


class TimedBlock(nn.Module):
    """x + w₂ ∗ silu((1 + s) ⊙ norm(w₁ ∗ silu(norm(x))) + b): scale s and shift b come from time and condition.

    Shapes:
        ``(B, in_channels, H, W)``, ``(B, dim)`` → ``(B, out_channels, H, W)``.
    """

    def __init__(self, in_channels: int, out_channels: int, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(_GROUPS, in_channels), nn.GroupNorm(_GROUPS, out_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.modulate = nn.Linear(dim, 2 * out_channels)
        self.skip = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.modulate(told)[:, :, None, None].chunk(2, 1)
        y = self.conv1(F.silu(self.norm1(x)))
        y = self.conv2(F.silu(self.norm2(y) * (1 + scale) + shift))
        return self.skip(x) + y


class FlowUNet(Network):
    """Velocity of pictures at their times, of what they are to show where that is told.

    Shapes:
        ``(B, C, H, W)``, time ``(B,)``, condition ``(B,)`` classes from 1, 0 for none, or ``(B, T)`` words, padded with
        0 → ``(B, num_outputs, H, W)``.

    Example:
        >>> net = FlowUNet((1, 28, 28), 1, FlowUNetOptions(width=8, condition="class", num_conditions=11))
        >>> net(torch.randn(2, 1, 28, 28), torch.tensor([0.0, 0.5]), torch.tensor([3, 0])).shape
        torch.Size([2, 1, 28, 28])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: FlowUNetOptions) -> None:
        super().__init__(input_shape, options=options)
        channels, height, width = input_shape
        self.multiple = options.patch * 2**options.depth
        if min(height, width) < _SMALLEST_SIDE:
            raise ShapeError(
                f"flow_unet needs pictures of at least {_SMALLEST_SIDE} pixels a side; got {height} × {width}."
            )
        widths = [options.width * 2**stage for stage in range(options.depth + 1)]
        deepest = widths[-1]
        dim = 4 * options.width
        self.time = TimeEmbedding(dim)
        if options.condition == "class":
            self.classes = nn.Embedding(options.num_conditions, dim)
        elif options.condition == "text":
            self.words = nn.Embedding(options.num_conditions, deepest)
            self.word_places = LearnedPositions(MOST_TOKENS, deepest)
            self.reader = EncoderBlock(deepest, _heads(deepest), 2 * deepest)
            self.read = nn.Linear(deepest, dim)
        # Kernels reach a pixel beyond their square on each side, so that no seams show between squares.
        self.begin = nn.Conv2d(channels, options.width, options.patch + 2, options.patch, padding=1)
        self.down, self.halve = nn.ModuleList(), nn.ModuleList()
        for stage, wider in pairwise(widths):
            self.down.append(TimedBlock(stage, stage, dim))
            self.halve.append(nn.Conv2d(stage, wider, 2, 2))
        rows, columns = (-(-side // self.multiple) for side in (height, width))
        self.enter = TimedBlock(deepest, deepest, dim)
        self.places = LearnedPositions(rows * columns, deepest)
        self.look = EncoderBlock(deepest, _heads(deepest), 2 * deepest)
        self.leave = TimedBlock(deepest, deepest, dim)
        self.enlarge, self.up = nn.ModuleList(), nn.ModuleList()
        for stage, wider in zip(reversed(widths[:-1]), reversed(widths[1:])):
            self.enlarge.append(nn.ConvTranspose2d(wider, stage, 2, 2))
            self.up.append(TimedBlock(2 * stage, stage, dim))
        self.norm = nn.GroupNorm(_GROUPS, options.width)
        self.output = nn.ConvTranspose2d(options.width, num_outputs, options.patch + 2, options.patch, padding=1)
        initialize(self, "xavier")

    def forward(self, x: Tensor, time: Tensor | None = None, condition: Tensor | None = None) -> Tensor:
        height, width = self.require(x).shape[2:]
        if time is None:
            time = x.new_zeros(len(x))
        told, words, mask = self._told(time, condition)
        x = self.begin(filled(x, self.multiple))  # (B, width, H / patch, W / patch)
        bridges = []
        for block, halve in zip(self.down, self.halve):
            x = block(x, told)
            bridges.append(x)
            x = halve(x)
        x = self.leave(self._looked(self.enter(x, told), words, mask), told)
        for enlarge, block, bridge in zip(self.enlarge, self.up, reversed(bridges)):
            x = block(torch.cat((bridge, enlarge(x)), 1), told)
        return cropped(self.output(F.silu(self.norm(x))), height, width)

    def _told(self, time: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """What every block is told, ``(B, dim)``; and of a text the words ``(B, T, deepest)``, and where they stand."""
        told = self.time(time)
        if self.options.condition == "class":
            if condition is None:
                condition = torch.zeros(len(time), dtype=torch.int64, device=time.device)
            return F.silu(told + self.classes(condition)), None, None
        if self.options.condition == "text":
            if condition is None:
                condition = torch.full((len(time), 1), NO_TEXT, dtype=torch.int64, device=time.device)
            mask = padding_mask(condition)
            words = self.reader(self.word_places(self.words(condition)), mask)
            there = mask[:, :, None].to(words.dtype)
            return F.silu(told + self.read((words * there).sum(1) / there.sum(1))), words, mask
        return F.silu(told), None, None

    def _looked(self, x: Tensor, words: Tensor | None, mask: Tensor | None) -> Tensor:
        """The deepest map after an attention of its places to each other, and to the words."""
        places = self.places(x.flatten(2).transpose(1, 2))  # (B, H · W, deepest)
        num = places.shape[1]
        if words is not None and mask is not None:
            places = torch.cat((places, words), 1)
            mask = torch.cat((mask.new_ones(len(mask), num), mask), 1)
        return self.look(places, mask)[:, :num].transpose(1, 2).reshape(x.shape)


def _heads(dim: int) -> int:
    """Heads of about `_HEAD` numbers, which divide `dim`."""
    return next(heads for heads in range(max(dim // _HEAD, 1), 0, -1) if dim % heads == 0)


FLOW_UNET = ModelInfo(
    name="flow_unet",
    build=FlowUNet,
    options=FlowUNetOptions,
    input_kind="picture",
    native_input=(3, 32, 32),
    native_outputs=3,
    smallest_input=None,
    paper="Lipman, Chen, Ben-Hamu, Nickel, Le: Flow matching for generative modeling. ICLR 2023",
    year=2023,
    note="The velocity of a picture on its way from noise; --task flow trains it.",
    gradient_layer="leave",
    output_kind="map",
)
