"""DCGAN: a generator that makes pictures from noise, and a discriminator that tells them from those of the data.

Paper: A. Radford, L. Metz, S. Chintala, "Unsupervised representation learning with deep convolutional generative
    adversarial networks", ICLR 2016, arXiv:1511.06434: strides in place of pooling, batch norm in both networks except
    for the generator's output and the discriminator's input, no hidden dense layers, ReLU and tanh in the generator,
    LeakyReLU of slope 0.2 in the discriminator, all weights from N(0, 0.02²), scales of batch norm, as in the authors'
    code, from N(1, 0.02²).
Differs: the number of stages follows the size of the pictures (the paper's four at 64 × 64, three at 32 × 32, two at
    28 × 28 and 8 × 8); kernels have 4 pixels, which the stride divides, so that every pixel is met equally often and no
    checkerboard arises (`kernel=5` is the paper's); dropout of the discriminator is an option.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.system import SystemInfo

_STD = 0.02
_SMALLEST_SIDE = 8
_SMALL = 16  # pixels below which the last map may have 2 pixels, else 4
_PAPER = (
    "Radford, Metz, Chintala: Unsupervised representation learning with deep convolutional generative adversarial "
    "networks. ICLR 2016"
)


def num_stages(height: int, width: int) -> int:
    """How often a picture is halved: until its shorter side has 4 pixels or a few more, 2 for very small ones.

    Example:
        >>> [num_stages(side, side) for side in (8, 28, 32, 64)]
        [2, 2, 3, 4]
    """
    side = min(height, width)
    least = 2 if side < _SMALL else 4
    stages = 0
    while side // 2 >= least:
        side, stages = side // 2, stages + 1
    return stages


@dataclass(frozen=True, kw_only=True)
class GeneratorOptions:
    """Options of `dcgan_generator`.

    Args:
        size: height and width of the pictures.
        width: channels of the last hidden map; each map before it has twice as many.
        kernel: side of the kernels; best a multiple of the stride 2.
        batch_norm: a norm behind each map but the picture.
        output: ``"tanh"`` keeps the pictures within −1 and 1; ``"linear"`` leaves them.
    """

    size: tuple[int, int] = (64, 64)
    width: int = 128
    kernel: int = 4
    batch_norm: bool = True
    output: Literal["tanh", "linear"] = "tanh"

    def __post_init__(self) -> None:
        for side in self.size:
            require_range("dcgan_generator", "size", side, _SMALLEST_SIDE, 1024)
        require_range("dcgan_generator", "width", self.width, 1, 1024)
        require_range("dcgan_generator", "kernel", self.kernel, 2, 15)


class Generator(Network):
    """Noise → a small map of many channels → twice the size and half the channels, stage by stage → a picture.

    Shapes:
        ``(B, latent)`` → ``(B, channels, height, width)`` in −1..1.

    Example:
        >>> net = Generator((10,), 3, GeneratorOptions(size=(28, 28), width=4))
        >>> net(torch.randn(2, 10)).shape
        torch.Size([2, 3, 28, 28])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: GeneratorOptions) -> None:
        super().__init__(input_shape, options=options)
        height, width = options.size
        stages = num_stages(height, width)
        step = 2**stages
        if height % step or width % step:
            raise ShapeError(
                f"dcgan_generator doubles a small map {stages} times, so that its sides must be multiples of {step}; "
                f"got {height} × {width}. Use --size {max(step, min(height, width) // step * step)}."
            )
        channels = options.width * 2 ** (stages - 1)
        self.base = (channels, height // step, width // step)
        self.project = nn.Linear(input_shape[0], channels * self.base[1] * self.base[2], bias=not options.batch_norm)
        self.first = nn.Sequential(*_norm(channels, options.batch_norm), nn.ReLU(inplace=True))
        self.stages = nn.Sequential()
        for _ in range(stages - 1):
            up = _up(channels, channels // 2, options.kernel, bias=not options.batch_norm)
            norm = _norm(channels // 2, options.batch_norm)
            self.stages.append(nn.Sequential(up, *norm, nn.ReLU(inplace=True)))
            channels //= 2
        self.output = _up(channels, num_outputs, options.kernel, bias=True)
        _begin(self)

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(self.project(self.require(z)).view(-1, *self.base))  # (B, C, H / 2^stages, W / 2^stages)
        x = self.output(self.stages(x))
        return torch.tanh(x) if self.options.output == "tanh" else x


@dataclass(frozen=True, kw_only=True)
class DiscriminatorOptions:
    """Options of `dcgan_discriminator`.

    Args:
        width: channels of the first map; each further one has twice as many.
        kernel: side of the kernels.
        slope: of LeakyReLU below zero; 0 is ReLU.
        batch_norm: a norm behind each map but the first.
        dropout: share of each map that is set to zero in training.
        downsample: ``"stride"`` halves by the convolution, ``"max-pool"`` by pooling after it.
    """

    width: int = 64
    kernel: int = 4
    slope: float = 0.2
    batch_norm: bool = True
    dropout: float = 0.0
    downsample: Literal["stride", "max-pool"] = "stride"

    def __post_init__(self) -> None:
        require_range("dcgan_discriminator", "width", self.width, 1, 1024)
        require_range("dcgan_discriminator", "kernel", self.kernel, 2, 15)
        require_range("dcgan_discriminator", "slope", self.slope, 0.0, 1.0)
        require_range("dcgan_discriminator", "dropout", self.dropout, 0.0, 0.99)


class Discriminator(Network):
    """A picture → maps of half the size and twice the channels, stage by stage → one number, or one for each class.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)`` logits.

    Example:
        >>> net = Discriminator((1, 8, 8), 1, DiscriminatorOptions(width=4))
        >>> net(torch.randn(2, 1, 8, 8)).shape
        torch.Size([2, 1])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: DiscriminatorOptions) -> None:
        super().__init__(input_shape, options=options)
        channels, height, width = input_shape
        self.stages = nn.Sequential()
        for stage in range(num_stages(height, width)):
            wider = options.width * 2**stage
            has_norm = options.batch_norm and stage > 0
            self.stages.append(nn.Sequential(*_down(channels, wider, options, has_norm=has_norm)))
            channels = wider
            # A kernel of an odd side keeps the last pixel of an odd side of the map.
            keeps = options.kernel % 2 if options.downsample == "stride" else 0
            height, width = (height + keeps) // 2, (width + keeps) // 2
        self.output = nn.Linear(channels * height * width, num_outputs)
        _begin(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.stages(self.require(x)).flatten(1))


def _down(channels: int, wider: int, options: DiscriminatorOptions, *, has_norm: bool) -> list[nn.Module]:
    """A stage of the discriminator."""
    strides = options.downsample == "stride"
    kernel = options.kernel if strides else options.kernel | 1  # before pooling an odd one, which keeps the size
    parts: list[nn.Module] = [
        nn.Conv2d(channels, wider, kernel, 2 if strides else 1, padding=(kernel - 1) // 2, bias=not has_norm)
    ]
    parts += _norm(wider, has_norm)
    parts.append(nn.LeakyReLU(options.slope, inplace=True))
    if not strides:
        parts.append(nn.MaxPool2d(2))
    if options.dropout:
        parts.append(nn.Dropout(options.dropout))
    return parts


def _up(channels: int, fewer: int, kernel: int, *, bias: bool) -> nn.ConvTranspose2d:
    """A transposed convolution that doubles height and width."""
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(channels, fewer, kernel, 2, padding=padding, output_padding=kernel % 2, bias=bias)


def _norm(channels: int, wanted: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if wanted else []


@torch.no_grad()
def _begin(network: nn.Module) -> None:
    """Weights from N(0, 0.02²), scales of norms from N(1, 0.02²), shifts zero."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            layer.weight.normal_(1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0, _STD)
            if layer.bias is not None:
                layer.bias.zero_()


GENERATOR = ModelInfo(
    name="dcgan_generator",
    build=Generator,
    options=GeneratorOptions,
    input_kind="features",
    native_input=(100,),
    native_outputs=3,
    paper=_PAPER,
    year=2016,
    note="Makes pictures from noise; --task gan trains it against dcgan_discriminator.",
    output_kind="map",
)
DISCRIMINATOR = ModelInfo(
    name="dcgan_discriminator",
    build=Discriminator,
    options=DiscriminatorOptions,
    input_kind="picture",
    native_input=(3, 64, 64),
    native_outputs=1,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper=_PAPER,
    year=2016,
    note="Strides in place of pooling; trained alone it tells classes apart.",
)


@dataclass(frozen=True, kw_only=True)
class DCGANOptions:
    """Options of the system `dcgan`: of both networks where they have one of that name.

    Args:
        latent: numbers of noise from which a picture is made.
        width: channels of the largest maps.
        kernel: side of the kernels; best a multiple of the stride 2.
        batch_norm: norms in both networks.
        output: of the generator: ``"tanh"`` or ``"linear"``.
        slope: of the discriminator's LeakyReLU below zero.
        dropout: of the discriminator.
        downsample: of the discriminator: ``"stride"`` or ``"max-pool"``.
    """

    latent: int = 100
    width: int = 64
    kernel: int = 4
    batch_norm: bool = True
    output: Literal["tanh", "linear"] = "tanh"
    slope: float = 0.2
    dropout: float = 0.0
    downsample: Literal["stride", "max-pool"] = "stride"

    def __post_init__(self) -> None:
        require_range("dcgan", "latent", self.latent, 1, 10_000)


def _networks(input_shape: tuple[int, ...], options: DCGANOptions) -> dict[str, nn.Module]:
    from derin.models.building import build

    if len(input_shape) != 3:
        raise UsageError(f"The system dcgan makes pictures; got inputs of shape {input_shape}.")
    both: dict[str, Any] = {"width": options.width, "kernel": options.kernel, "batch_norm": options.batch_norm}
    own: dict[str, Any] = {"slope": options.slope, "dropout": options.dropout, "downsample": options.downsample}
    channels, height, width = input_shape
    return {
        "discriminator": build("dcgan_discriminator", input_shape=input_shape, num_outputs=1, **both, **own),
        "generator": build(
            "dcgan_generator",
            input_shape=(options.latent,),
            num_outputs=channels,
            size=(height, width),
            output=options.output,
            **both,
        ),
    }


DCGAN = SystemInfo(name="dcgan", build=_networks, options=DCGANOptions, paper=_PAPER)
