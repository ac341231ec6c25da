"""LeNet-5: convolutions and subsampling for handwritten characters.

Paper: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc.
    IEEE 86, 1998, fig. 2, section II.B, table I and appendix A.
`lenet5_1998` is the network as published: 60 000 parameters that are trained and, for 10 classes, 840 that are fixed.
`lenet5` differs: subsampling is plain average pooling without weights, every map of C3 sees every map of S2, and the
output is a dense layer under softmax instead of radial basis functions: 61 706 parameters for 10 classes, as the
network is taught today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.activations import activation, suitable_initializer
from derin.layers.initializers import fans, initialize
from derin.models.info import ModelInfo
from derin.models.network import Network
from derin.models.radial_basis import NUM_BITS, RadialBasisOutput

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
        padding = _padding(options.padding, height, width)
        options = LeNetOptions(activation=options.activation, padding=padding)
        super().__init__(input_shape, options=options)
        self.c1 = nn.Conv2d(channels, 6, 5, padding=padding)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Linear(16 * _count_pixels("lenet5", height, width, padding), 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_outputs)
        self.squash = activation(options.activation)
        initialize(self, suitable_initializer(options.activation))

    def forward(self, x: Tensor) -> Tensor:
        x = self.s2(self.squash(self.c1(self.require(x))))  # (B, 6, 14, 14)
        x = self.s4(self.squash(self.c3(x)))  # (B, 16, 5, 5)
        x = self.squash(self.c5(x.flatten(1)))  # (B, 120)
        return self.output(self.squash(self.f6(x)))


@dataclass(frozen=True, kw_only=True)
class LeNet1998Options:
    """Options of `lenet5_1998`.

    Args:
        padding: zeros around the picture; "auto" is 2 for pictures below 32 pixels (28 becomes the paper's 32), else 0.
    """

    padding: Literal["auto", 0, 2] = "auto"


class ScaledTanh(nn.Module):
    """f(a) = 1.7159 tanh(⅔ a): f(±1) = ±1 to four digits, and the curvature is largest there.

    Shapes:
        ``(B, ...)`` → the same.

    Source: eq. 6 and appendix A.
    """

    def forward(self, a: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(a * (2 / 3))


class Subsampling(nn.Module):
    """y = coefficient · (sum of 2×2 pixels) + bias, with one coefficient and one bias per map.

    Shapes:
        ``(B, C, H, W)`` → ``(B, C, ⌊H/2⌋, ⌊W/2⌋)``.
    """

    parameter_roles: ClassVar[dict[str, str]] = {"coefficient": "scale"}

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.average = nn.AvgPool2d(2)
        self.coefficient = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.coefficient * (4 * self.average(x)) + self.bias


class PartialConvolution(nn.Module):
    """C3: 16 maps by 5×5 kernels, each from some of the 6 maps below, so that they become different features.

    Shapes:
        ``(B, 6, H, W)`` → ``(B, 16, H − 4, W − 4)``.

    Example:
        >>> sum(p.numel() for p in PartialConvolution().parameters())
        1516

    Source: table I. Six maps read three neighbors, nine read four, one reads all.
    """

    THREE = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5))
    FOUR = (
        *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
        *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    )

    def __init__(self) -> None:
        super().__init__()
        self.of_three = nn.Conv2d(3 * len(self.THREE), len(self.THREE), 5, groups=len(self.THREE))
        self.of_four = nn.Conv2d(4 * len(self.FOUR), len(self.FOUR), 5, groups=len(self.FOUR))
        self.of_all = nn.Conv2d(6, 1, 5)

    def forward(self, x: Tensor) -> Tensor:
        threes = x[:, [source for sources in self.THREE for source in sources]]  # (B, 18, H, W)
        fours = x[:, [source for sources in self.FOUR for source in sources]]  # (B, 36, H, W)
        return torch.cat([self.of_three(threes), self.of_four(fours), self.of_all(x)], dim=1)


class LeNet5Of1998(Network):
    """C1 6@5×5 – S2 – C3 16@5×5, partly connected – S4 – C5 120 – F6 84 – distances to the codes of the classes.

    Shapes:
        ``(B, C, H, W)`` → ``(B, num_outputs)``.

    Example:
        >>> net = LeNet5Of1998((1, 32, 32), 10, LeNet1998Options())
        >>> sum(p.numel() for p in net.parameters()), net.output.codes.numel()
        (60000, 840)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LeNet1998Options) -> None:
        channels, height, width = input_shape
        padding = _padding(options.padding, height, width)
        super().__init__(input_shape, options=LeNet1998Options(padding=padding))
        self.c1 = nn.Conv2d(channels, 6, 5, padding=padding)
        self.s2 = Subsampling(6)
        self.c3 = PartialConvolution()
        self.s4 = Subsampling(16)
        self.c5 = nn.Linear(16 * _count_pixels("lenet5_1998", height, width, padding), 120)
        self.f6 = nn.Linear(120, NUM_BITS)
        self.output = RadialBasisOutput(num_outputs)
        self.squash = ScaledTanh()
        self._init_weights()

    @torch.no_grad()
    def _init_weights(self) -> None:
        """Appendix A: uniform between ±2.4 / n, with n the inputs of a unit; four pixels for a subsampling."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear | Subsampling):
                reach = 2.4 / (4 if isinstance(module, Subsampling) else fans(module)[0])
                for parameter in module.parameters(recurse=False):
                    parameter.uniform_(-reach, reach)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squash(self.s2(self.squash(self.c1(self.require(x)))))  # (B, 6, 14, 14)
        x = self.squash(self.s4(self.squash(self.c3(x))))  # (B, 16, 5, 5)
        x = self.squash(self.c5(x.flatten(1)))  # (B, 120)
        return self.output(self.squash(self.f6(x)))


def _padding(asked: Literal["auto", 0, 2], height: int, width: int) -> Literal[0, 2]:
    if asked != "auto":
        return asked
    return 2 if min(height, width) < _PAPER_SIDE else 0


def _count_pixels(name: str, height: int, width: int, padding: int) -> int:
    """Of each of the maps that C5 reads."""
    rows, columns = (((side + 2 * padding - 4) // 2 - 4) // 2 for side in (height, width))
    if min(rows, columns) < 1:
        raise ShapeError(
            f"{name} without padding needs pictures of at least 16 × 16 pixels; got {height} × {width}. "
            "Use padding=2 or larger pictures."
        )
    return rows * columns


_PAPER = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 1998"

LENET5 = ModelInfo(
    name="lenet5",
    build=LeNet5,
    options=LeNetOptions,
    input_kind="picture",
    native_input=(1, 32, 32),
    native_outputs=10,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper=_PAPER,
    year=1998,
    note="Plain average pooling, full C3, dense output; the softmax is in the loss.",
    gradient_layer="c3",
)
LENET5_1998 = ModelInfo(
    name="lenet5_1998",
    build=LeNet5Of1998,
    options=LeNet1998Options,
    input_kind="picture",
    native_input=(1, 32, 32),
    native_outputs=10,
    smallest_input=(1, _SMALLEST_SIDE, _SMALLEST_SIDE),
    paper=_PAPER,
    year=1998,
    note="As published; outputs are minus squared distances to fixed codes, beside 60 000 parameters 840 fixed signs.",
    gradient_layer="c3",
)
