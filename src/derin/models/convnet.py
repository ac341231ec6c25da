"""A small convolutional network of today for small pictures: the default where the data are pictures and no model is
named.

Stages of convolution – batch norm – ReLU, halved by max pooling between them, then global average or flattening and
a dense output.
Papers: the arrangement follows K. Simonyan, A. Zisserman (VGG), ICLR 2015, arXiv:1409.1556; batch norm is S. Ioffe,
C. Szegedy, ICML 2015, arXiv:1502.03167; the global average is M. Lin, Q. Chen, S. Yan, ICLR 2014, arXiv:1312.4400.
Differs: widths and number of stages are chosen by the size of the picture, so that a step stays cheap on a CPU (3.4
    million multiply-adds for MNIST).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.network import Network


@dataclass(frozen=True, kw_only=True)
class ConvNetOptions:
    """Options of `convnet`.

    Args:
        widths: channels of each stage; None chooses by the size of the picture.
        depths: convolutions in each stage; None chooses by the size of the picture.
        head: "average" takes the mean of each map, "flatten" keeps every pixel of the last maps; "auto" chooses by
            their size.
        dropout: share of what reaches the output layer that is set to zero in training.
    """

    widths: tuple[int, ...] | None = None
    depths: tuple[int, ...] | None = None
    head: Literal["auto", "average", "flatten"] = "auto"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_range("convnet", "dropout", self.dropout, 0.0, 0.99)
        for name in ("widths", "depths"):
            values = getattr(self, name)
            if values is not None:
                require_range("convnet", f"len({name})", len(values), 1, 16)
                for value in values:
                    require_range("convnet", name, value, 1, 100 if name == "depths" else 65_536)
        if self.widths is not None and self.depths is not None and len(self.widths) != len(self.depths):
            raise UsageError(
                "convnet.widths and convnet.depths must have one number per stage; "
                f"got {len(self.widths)} and {len(self.depths)}."
            )


def fitting(input_shape: tuple[int, ...], options: ConvNetOptions) -> ConvNetOptions:
    """The same options with widths, depths and head chosen for pictures of this size where they were left open.

    The last maps are 2 to 10 pixels wide. The first stages run on many pixels and
    stay thin.
    """
    side = min(input_shape[1:])
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    if side < 16:
        widths, depths = (32, 64), (1, 2)
    elif side < 40:
        widths, depths = (16, 32, 64, 128), (1, 1, 2, 1)
    elif side < 80:
        widths, depths = (16, 32, 64, 128), (1, 1, 2, 2)
    else:
        widths, depths = (16, 32, 64, 128, 128), (1, 1, 1, 2, 2)
    if options.widths is not None and options.depths is None:
        # Without word on depths the first stage, on most pixels, has one convolution and the others two.
        depths = (1, *(2,) * (len(options.widths) - 1))
    elif options.depths is not None and options.widths is None:
        widths = tuple(min(16 * 2**stage, 128) for stage in range(len(options.depths)))
    widths, depths = options.widths or widths, options.depths or depths
    head = options.head
    if head == "auto":
        head = "flatten" if side // 2 ** (len(widths) - 1) <= 4 else "average"
    return replace(options, widths=widths, depths=depths, head=head)


class ConvNet(Network):
    """Stages of 3×3 convolutions with batch norm and ReLU, max pooling between stages, one dense layer.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = ConvNet((1, 28, 28), 10, ConvNetOptions())
        >>> net.options.widths, net.options.depths, net.options.head
        ((16, 32, 64, 128), (1, 1, 2, 1), 'flatten')
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: ConvNetOptions) -> None:
        options = fitting(input_shape, options)
        assert options.widths is not None
        assert options.depths is not None
        shrink = 2 ** (len(options.widths) - 1)
        smallest = (max(shrink, 4),) * 2 if options.head == "average" else None
        super().__init__(input_shape, smallest=smallest, options=options)
        channels, height, width = input_shape
        if min(height, width) < shrink:
            raise ShapeError(
                f"convnet with {len(options.widths)} stages needs pictures of at least {shrink} × {shrink} pixels; "
                f"got {height} × {width}. Use fewer widths."
            )
        self.stages = nn.Sequential()
        for stage, (out_channels, depth) in enumerate(zip(options.widths, options.depths)):
            blocks = nn.Sequential()
            for place in range(1, depth + 1):
                # A norm's own shift makes the bias of the convolution before it idle.
                blocks.add_module(f"conv{place}", nn.Conv2d(channels, out_channels, 3, padding=1, bias=False))
                blocks.add_module(f"norm{place}", nn.BatchNorm2d(out_channels))
                if place == depth and stage < len(options.widths) - 1:
                    # The largest of the rectified is the rectified largest: pooled first, ReLU has a quarter to do.
                    blocks.add_module("pool", nn.MaxPool2d(2))
                blocks.add_module(f"relu{place}", nn.ReLU(inplace=True))
                channels = out_channels
            self.stages.append(blocks)
        pixels = math.prod(side // shrink for side in (height, width))
        self.pool = nn.AdaptiveAvgPool2d(1) if options.head == "average" else nn.Identity()
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(channels * (pixels if options.head == "flatten" else 1), num_outputs)
        initialize(self.stages, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.require(x))  # (B, widths[-1], H / 2^(stages − 1), W / 2^(stages − 1))
        return self.output(self.dropout(self.flatten(self.pool(x))))


CONVNET = ModelInfo(
    name="convnet",
    build=ConvNet,
    options=ConvNetOptions,
    input_kind="picture",
    native_input=(1, 28, 28),
    native_outputs=10,
    smallest_input=(1, 4, 4),
    paper="after Simonyan, Zisserman: Very deep convolutional networks. ICLR 2015, with batch norm (2015)",
    year=2015,
    note="Widths and number of stages are chosen by the size of the picture.",
    gradient_layer="stages",
)
