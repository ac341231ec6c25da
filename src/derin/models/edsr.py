"""EDSR: residual blocks at the size of the small picture, then every pixel becomes a square of pixels.

Papers: B. Lim, S. Son, H. Kim, S. Nah, K. M. Lee, "Enhanced deep residual networks for single image super-resolution",
    CVPR workshops 2017, arXiv:1707.02921 (blocks without batch norm, figures 2 and 3); W. Shi et al., "Real-time single
    image and video super-resolution using an efficient sub-pixel convolutional neural network", CVPR 2016,
    arXiv:1609.05158 (the sub-pixel output, equation 4).
Differs: blocks look at the luminance alone, and what they find is added to all channels of the bicubic enlargement: the
    eye sees detail in luminance, colors stay those of the enlargement, and nothing need be learned that bicubic can.
    One convolution gives all scale² pixels, also at scale 4, where the paper doubles twice. Sizes are small: the
    paper's baseline has 16 blocks of 64 channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.network import Network

_LUMA = (0.299, 0.587, 0.114)
_SMALLEST_SIDE = 2
_CUBIC_REACH = 2  # pixels of the small picture on either side


@dataclass(frozen=True, kw_only=True)
class EDSROptions:
    """Options of `edsr`.

    Args:
        width: channels of the blocks.
        blocks: how many there are.
        scale: how many times larger the output is along both axes.
    """

    width: int = 32
    blocks: int = 6
    scale: int = 2

    def __post_init__(self) -> None:
        require_range("edsr", "width", self.width, 1, 1024)
        require_range("edsr", "blocks", self.blocks, 1, 256)
        require_range("edsr", "scale", self.scale, 1, 8)


class ResidualBlock(nn.Module):
    """x + w₂ ∗ relu(w₁ ∗ x).

    Shapes:
        ``(B, width, H, W)`` → the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class Enlarge(nn.Module):
    """Detail added to a bicubic enlargement (a = −1/2): a convolution with fixed weights, whose channels become pixels.

    Shapes:
        ``(B, C, H, W)`` and detail that fits the result → ``(B, C, scale · H, scale · W)``.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        # The middle of sub-pixel i lies at (i + 1/2) / scale − 1/2 of its pixel; five pixels are within reach.
        places = torch.arange(-_CUBIC_REACH, _CUBIC_REACH + 1, dtype=torch.float64)
        middles = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
        line = _cubic(middles[:, None] - places[None, :])
        kernels = torch.einsum("iy,jx->ijyx", line, line).reshape(scale * scale, 1, 5, 5)
        self.register_buffer("kernels", kernels.float())

    def forward(self, x: Tensor, detail: Tensor) -> Tensor:
        channels = x.shape[1]
        edges = F.pad(x, (_CUBIC_REACH,) * 4, mode="replicate")
        kernels: Tensor = self.kernels  # type: ignore[assignment]
        return F.pixel_shuffle(F.conv2d(edges, kernels.repeat(channels, 1, 1, 1), groups=channels), self.scale) + detail


def _cubic(distance: Tensor) -> Tensor:
    """Keys' kernel with a = −1/2 (R. Keys, IEEE ASSP 29, 1981)."""
    d = distance.abs()
    near, far = (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))


class EDSR(Network):
    """bicubic(x) + shuffle(output(features + blocks(features))) with features of the luminance.

    Attributes:
        reach, multiple, scale: as `derin.models.tiling.tiled` reads them.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, scale · H, scale · W)``.

    Example:
        >>> net = EDSR((3, 8, 8), 3, EDSROptions(width=4, blocks=1))
        >>> net(torch.rand(2, 3, 5, 7)).shape
        torch.Size([2, 3, 10, 14])
    """

    multiple = 1

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: EDSROptions) -> None:
        super().__init__(input_shape, smallest=(_SMALLEST_SIDE,) * 2, options=options)
        channels = input_shape[0]
        self.scale, self.reach = options.scale, 2 * options.blocks + 3
        self.input = nn.Conv2d(1, options.width, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(options.width) for _ in range(options.blocks)))
        self.middle = nn.Conv2d(options.width, options.width, 3, padding=1)
        # Pictures that keep their channels get one detail for all of these; other maps one each, over the luminance.
        self.keeps_channels = num_outputs == channels
        num_details = 1 if self.keeps_channels else num_outputs
        self.output = nn.Conv2d(options.width, num_details * options.scale**2, 3, padding=1)
        self.enlarge = Enlarge(options.scale)
        weights = _LUMA if channels == 3 else (1 / channels,) * channels
        luma = torch.tensor(weights).view(1, channels, 1, 1)
        self.register_buffer("luma", luma)
        initialize(self, "he")
        with torch.no_grad():
            # At first the enlargement, and blocks that hardly change what comes in: deep sums stay small.
            self.output.weight.mul_(0.1)
            for block in self.blocks:
                assert isinstance(block, ResidualBlock)
                block.conv2.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        luma: Tensor = self.luma  # type: ignore[assignment]
        gray = (self.require(x) * luma).sum(1, keepdim=True)
        features = self.input(gray - 0.5)
        features = features + self.middle(self.blocks(features))
        detail = F.pixel_shuffle(self.output(features), self.scale)  # (B, 1, scale · H, scale · W)
        return self.enlarge(x if self.keeps_channels else gray, detail)


EDSR_INFO = ModelInfo(
    name="edsr",
    build=EDSR,
    options=EDSROptions,
    input_kind="picture",
    native_input=(3, 48, 48),
    native_outputs=3,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="Lim, Son, Kim, Nah, Lee: Enhanced deep residual networks for single image super-resolution. CVPRW 2017",
    year=2017,
    note="On luminance over a bicubic enlargement, with a sub-pixel output (Shi et al. 2016); small by default.",
    gradient_layer="middle",
    output_kind="map",
)
