"""The table of activations: a name, the function g and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from derin.core.errors import UnknownNameError
from derin.layers.layer import Layer, Shape

# All keep the shape of their input. Softmax runs over axis 1, which is the channel of a picture and the unit of a
# vector.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,  # g(z) = z
    "sigmoid": nn.Sigmoid,  # 1 / (1 + e⁻ᶻ)
    "tanh": nn.Tanh,  # (eᶻ − e⁻ᶻ) / (eᶻ + e⁻ᶻ)
    "relu": nn.ReLU,  # max(0, z)
    "relu6": nn.ReLU6,  # min(max(0, z), 6)
    "leaky_relu": lambda: nn.LeakyReLU(0.01),  # max(0.01 z, z)
    "elu": nn.ELU,  # z for z > 0, else eᶻ − 1
    "selu": nn.SELU,  # 1.0507 · (z for z > 0, else 1.6733 (eᶻ − 1))
    "gelu": nn.GELU,  # z Φ(z)
    "silu": nn.SiLU,  # z σ(z)
    "mish": nn.Mish,  # z tanh(ln(1 + eᶻ))
    "softplus": nn.Softplus,  # ln(1 + eᶻ)
    "hard_swish": nn.Hardswish,  # z min(max(0, z + 3), 6) / 6
    "softmax": lambda: nn.Softmax(dim=1),  # eᶻⁱ / Σ eᶻʲ
}

# Functions that halve the variance by cutting one side want He's √(2/n); the others Xavier's √(1/n).
RECTIFIERS = frozenset({"relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus", "hard_swish"})


def activation(name: str) -> nn.Module:
    """The activation of this name as a module.

    Args:
        name: a key of `ACTIVATIONS`.

    Shapes:
        ``(B, ...)`` → the same.

    Raises:
        UnknownNameError: no such activation; lists near matches.

    Example:
        >>> import torch
        >>> activation("leaky_relu")(torch.tensor([-2.0, 3.0]))
        tensor([-0.0200,  3.0000])
    """
    if name not in ACTIVATIONS:
        raise UnknownNameError("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]()


def suitable_initializer(name: str) -> str:
    """The initializer that keeps the variance of the signal before this activation: ``"he"`` or ``"xavier"``."""
    return "he" if name in RECTIFIERS else "xavier"


@dataclass(frozen=True)
class Activation(Layer):
    """An activation as a layer of its own: y = g(x).

    Args:
        function: g, a name of `ACTIVATIONS`; softmax runs over the channels.

    Shapes:
        ``(B, ...)`` → the same.

    Example:
        >>> Activation("tanh").build((12,))
        Tanh()
    """

    kind: ClassVar[str] = "activation"

    function: str

    def __post_init__(self) -> None:
        activation(self.function)

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def build(self, *inputs: Shape) -> nn.Module:
        return activation(self.function)
