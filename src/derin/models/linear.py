"""One affine layer, y = W x + b: the perceptron, linear regression and logistic (softmax) regression.

Papers: F. Rosenblatt, "The perceptron", Psychological Review 65, 1958; A.-M. Legendre, 1805 (least squares); D. R.
Cox, "The regression analysis of binary sequences", JRSS B 20, 1958. The three share the map and differ in what is
made of y: the perceptron's step (y > 0), y itself, or σ(y) and softmax(y), which stand in the loss. Differs: the
perceptron is trained by gradients, through a smooth loss.
Weights begin at zero: with a single layer the cost is convex and there is no symmetry to break.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.models.info import ModelInfo, NoOptions
from derin.models.network import Network


class Affine(Network):
    """y = W x + b.

    Shapes:
        ``(B, *input_shape)`` → ``(B, num_outputs)``.

    Example:
        >>> import torch
        >>> net = Affine((3, 64, 64), 1, NoOptions())
        >>> net(torch.ones(2, 3, 64, 64)).shape, net.affine.in_features
        (torch.Size([2, 1]), 12288)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NoOptions) -> None:
        super().__init__(input_shape, options=options)
        self.affine = nn.Linear(math.prod(input_shape), num_outputs)
        initialize(self.affine, "zeros")

    def forward(self, x: Tensor) -> Tensor:
        return self.affine(self.require(x).flatten(1))


PERCEPTRON = ModelInfo(
    name="perceptron",
    build=Affine,
    input_kind="any",
    native_input=(2,),
    native_outputs=1,
    paper="Rosenblatt: The perceptron. Psychological Review 1958",
    year=1958,
    note="The step is the decision y > 0; training goes through a smooth loss.",
    output_layers=("affine",),
)
LINEAR = ModelInfo(
    name="linear",
    build=Affine,
    input_kind="any",
    native_input=(1,),
    native_outputs=1,
    paper="Legendre: Nouvelles méthodes pour la détermination des orbites des comètes. 1805",
    year=1805,
    note="Linear regression by gradient descent.",
    output_layers=("affine",),
)
LOGISTIC = ModelInfo(
    name="logistic",
    build=Affine,
    input_kind="any",
    native_input=(3, 64, 64),
    native_outputs=1,
    paper="Cox: The regression analysis of binary sequences. JRSS B 1958",
    year=1958,
    note="Outputs are logits; with several classes it is softmax regression.",
    output_layers=("affine",),
)
