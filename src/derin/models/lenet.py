"""LeNet-5: convolutions and subsampling for handwritten characters.

Paper: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc.
    IEEE 86, 1998, fig. 2.
Differs: subsampling is plain average pooling without weights, every map of C3 sees every map of S2, and the output
    is a dense layer
under softmax instead of radial basis functions: 61 706 parameters for 10 classes, as the network is taught today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.activations import activation, suitable_initializer
from derin.layers.initializers import initialize
from derin.models.info import ModelInfo
from derin.models.network import Network

_SMALLEST_SIDE = 12  # 12 + 2·2 padding → 12 → 6 → 2 → 1
_PAPER_SIDE = 32


@dataclass(frozen=True, kw_only=True)
class LeNetOptions:
    """Options of `lenet5`.

    Args:
        activation: the squashing function; the paper's is a scaled tanh.
        padding: zeros around the picture; "auto" is 2 for pictures below 32 pixels (28 becomes the paper's 32), else 0.
    """

    activation: Literal["tanh", "sigmoid", "relu"] = "tanh"
    padding: Literal["auto", 0, 2] = "auto"


class LeNet5(Network):
    """C1 6@5×5 – S2 – C3 16@5×5 – S4 – C5 120 – F6 84 – output.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> import torch
        >>> net = LeNet5((1, 28, 28), 10, LeNetOptions())
        >>> net(torch.zeros(3, 1, 28, 28)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([3, 10]), 61706)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LeNetOptions) -> None:
        channels, height, width = input_shape
        padding = options.padding
        if padding == "auto":
            padding = 2 if min(height, width) < _PAPER_SIDE else 0
        options = LeNetOptions(activation=options.activation, padding=padding)
        super().__init__(input_shape, options=options)
        self.c1 = nn.Conv2d(channels, 6, 5, padding=padding)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.AvgPool2d(2)
        rows, columns = (((side + 2 * padding - 4) // 2 - 4) // 2 for side in (height, width))
        if min(rows, columns) < 1:
            raise ShapeError(
                f"lenet5 without padding needs pictures of at least 16 × 16 pixels; got {height} × {width}. "
                "Use padding=2 or larger pictures."
            )
        self.c5 = nn.Linear(16 * rows * columns, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_outputs)
        self.squash = activation(options.activation)
        initialize(self, suitable_initializer(options.activation))

    def forward(self, x: Tensor) -> Tensor:
        x = self.s2(self.squash(self.c1(self.require(x))))  # (B, 6, 14, 14)
        x = self.s4(self.squash(self.c3(x)))  # (B, 16, 5, 5)
        x = self.squash(self.c5(x.flatten(1)))  # (B, 120)
        return self.output(self.squash(self.f6(x)))


LENET5 = ModelInfo(
    name="lenet5",
    build=LeNet5,
    options=LeNetOptions,
    input_kind="picture",
    native_input=(1, 32, 32),
    native_outputs=10,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 1998",
    year=1998,
    note="Plain average pooling, full C3, dense output; the softmax is in the loss.",
    gradient_layer="c3",
)
