"""How weights begin: zeros, small normal numbers, Xavier, Glorot, He, orthogonal.

With n inputs to a unit and m outputs, the weights are drawn so that the variance of the signal neither grows nor
dies over depth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError
from derin.layers.maxout import MaxoutLinear

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *_TRANSPOSED, MaxoutLinear)


# The standard deviation of normal weights around 0, of n inputs to a unit and m outputs.
DEVIATIONS: dict[str, Callable[[float, float], float]] = {
    "zeros": lambda fan_in, fan_out: 0.0,  # every unit of a layer stays equal to its neighbors
    "normal": lambda fan_in, fan_out: 0.01,
    "xavier": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "glorot": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "he": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
}
# And orthogonal: W Wᵀ = I over the smaller side.
INITIALIZERS = (*DEVIATIONS, "orthogonal")


@torch.no_grad()
def initialize(module: nn.Module, name: str, *, generator: torch.Generator | None = None) -> None:
    """Draws the weights of every dense, convolutional and maxout layer within a module; their biases become zero.

    Norm layers and embeddings keep what they have.

    Args:
        module: a layer or a whole network.
        name: of `INITIALIZERS`.
        generator: where the numbers come from; torch's global generator where none is given.

    Raises:
        UnknownNameError: no such initializer; lists near matches.

    Example:
        >>> layer = nn.Linear(1000, 100)
        >>> initialize(layer, "he", generator=torch.Generator().manual_seed(0))
        >>> round(layer.weight.std().item(), 3)  # √(2/1000) = 0.0447
        0.045

    Source: X. Glorot and Y. Bengio, AISTATS 2010, eq. 12 ("xavier" is the form with n alone, as in LeCun's 1998
    advice); K. He et al., ICCV 2015, arXiv:1502.01852, eq. 10; A. Saxe et al., ICLR 2014, arXiv:1312.6120 (orthogonal).
    """
    if name not in INITIALIZERS:
        raise UnknownNameError("initializer", name, INITIALIZERS)
    for layer in module.modules():
        if isinstance(layer, _WEIGHTED) and not layer.weight.is_meta:
            fan_in, fan_out = fans(layer)
            if name == "orthogonal":
                nn.init.orthogonal_(layer.weight, generator=generator)
            elif deviation := DEVIATIONS[name](fan_in, fan_out):
                layer.weight.normal_(0.0, deviation, generator=generator)
            else:
                layer.weight.zero_()
            if layer.bias is not None:
                layer.bias.zero_()


def fans(layer: nn.Module) -> tuple[float, float]:
    """How many inputs one output of a layer sums, and how many outputs one input reaches.

    Example:
        >>> fans(nn.Conv2d(6, 16, 5))
        (150.0, 400.0)
    """
    weight = layer.weight
    assert isinstance(weight, Tensor)
    if isinstance(layer, MaxoutLinear):
        return float(layer.in_features), float(layer.out_features * layer.pieces)
    taps = float(math.prod(weight.shape[2:]))
    if isinstance(layer, _TRANSPOSED):
        # The stride spreads the input: an output meets only every stride-th tap of the kernel along each axis.
        fan_out = weight.shape[1] * taps
        return weight.shape[0] / layer.groups * taps / math.prod(layer.stride), fan_out
    groups = getattr(layer, "groups", 1)
    return weight.shape[1] * taps, weight.shape[0] / groups * taps


def require_initializer(name: str) -> None:
    """Refuses a name that is neither "auto" nor in `INITIALIZERS`.

    Raises:
        UnknownNameError: lists near matches.
    """
    if name != "auto" and name not in INITIALIZERS:
        raise UnknownNameError("initializer", name, ["auto", *INITIALIZERS])
