"""Multilayer perceptron: dense layers with an activation between them.

Z = W A + b, A = g(Z) for each hidden layer; the last layer stays linear, its activation is in the loss.
Paper: D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating errors", Nature
    323, 1986.
Differs: ReLU, He's initialization, and batch norm or dropout where asked. Input of more than one axis is flattened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from derin.layers.activations import activation, suitable_initializer
from derin.layers.initializers import initialize
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.network import Network


@dataclass(frozen=True, kw_only=True)
class MLPOptions:
    """Options of `mlp`.

    Args:
        hidden: units of each hidden layer.
        activation: a name of `layers.activations`.
        dropout: share of hidden activations set to zero in training.
        batch_norm: between each dense layer and its activation.
    """

    hidden: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    dropout: float = 0.0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        activation(self.activation)
        require_range("mlp", "dropout", self.dropout, 0.0, 0.99)
        require_range("mlp", "len(hidden)", len(self.hidden), 0, 1000)
        for width in self.hidden:
            require_range("mlp", "hidden", width, 1)


class MLP(Network):
    """Dense layers of `options.hidden` units, then one of `num_outputs`.

    Shapes:
        ``(B, *input_shape)`` → ``(B, num_outputs)``.

    Example:
        >>> import torch
        >>> net = MLP((1, 28, 28), 10, MLPOptions(hidden=(512,)))
        >>> net(torch.zeros(2, 1, 28, 28)).shape, sum(p.numel() for p in net.parameters())
        (torch.Size([2, 10]), 407050)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: MLPOptions) -> None:
        super().__init__(input_shape, options=options)
        width = math.prod(input_shape)
        self.hidden = nn.Sequential()
        for index, units in enumerate(options.hidden, start=1):
            # A norm's own shift makes the bias of the layer before it idle.
            self.hidden.add_module(f"dense{index}", nn.Linear(width, units, bias=not options.batch_norm))
            if options.batch_norm:
                self.hidden.add_module(f"norm{index}", nn.BatchNorm1d(units))
            self.hidden.add_module(f"{options.activation}{index}", activation(options.activation))
            if options.dropout:
                self.hidden.add_module(f"dropout{index}", nn.Dropout(options.dropout))
            width = units
        self.output = nn.Linear(width, num_outputs)
        initialize(self.hidden, suitable_initializer(options.activation))
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.hidden(self.require(x).flatten(1)))


MLP_INFO = ModelInfo(
    name="mlp",
    build=MLP,
    options=MLPOptions,
    input_kind="any",
    native_input=(1, 28, 28),
    native_outputs=10,
    paper="Rumelhart, Hinton, Williams: Learning representations by back-propagating errors. Nature 1986",
    year=1986,
    note="ReLU and He initialization; the paper's units are sigmoids (activation=sigmoid).",
)
