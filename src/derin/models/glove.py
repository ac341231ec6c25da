"""GloVe: vectors whose products are the logarithms of how often two words stand near each other.

wᵢ · w̃ⱼ + bᵢ + b̃ⱼ ≈ log Xᵢⱼ, by least squares weighted with f(X) = min(1, (X / x_max)^α).
Paper: J. Pennington, R. Socher, C. D. Manning, "GloVe: global vectors for word representation", EMNLP 2014.
Differs: AdaGrad takes the gradient of a batch of pairs and not of each pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.token_network import TokenNetwork


@dataclass(frozen=True, kw_only=True)
class GloveOptions:
    """Options of `glove`.

    Args:
        vocabulary: number of words.
        dim: numbers per word.
        x_max: from so many meetings on a pair counts fully; 100 in the paper, for billions of words.
        power: α of the weight of rarer pairs.
    """

    vocabulary: int = 1_000
    dim: int = 100
    x_max: float = 10.0
    power: float = 0.75

    def __post_init__(self) -> None:
        require_range("glove", "vocabulary", self.vocabulary, 2)
        require_range("glove", "dim", self.dim, 1, 10_000)
        require_range("glove", "x_max", self.x_max, 1e-6)
        require_range("glove", "power", self.power, 0.0, 10.0)


class Glove(TokenNetwork):
    """Two vectors and two biases for each word; pairs of words are scored by `pairs`, all pairs of a row by a call.

    Shapes:
        ``(B, T)`` → ``(B, T, T)``: the predicted logarithm of how often each pair meets.

    Example:
        >>> net = Glove((5,), 1, GloveOptions(vocabulary=20, dim=8))
        >>> scores = net(torch.tensor([[4, 7, 9]]))
        >>> bool(torch.allclose(scores[0, 0, 2], net.pairs(torch.tensor([4]), torch.tensor([9]))[0]))
        True
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: GloveOptions) -> None:
        super().__init__(input_shape, options=options)
        self.input = nn.Embedding(options.vocabulary, options.dim)
        self.output = nn.Embedding(options.vocabulary, options.dim)
        self.input_bias = nn.Embedding(options.vocabulary, 1)
        self.output_bias = nn.Embedding(options.vocabulary, 1)
        for table in (self.input, self.output, self.input_bias, self.output_bias):
            nn.init.uniform_(table.weight, -0.5 / options.dim, 0.5 / options.dim)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.require(tokens)
        products = self.input(tokens) @ self.output(tokens).transpose(1, 2)
        return products + self.input_bias(tokens) + self.output_bias(tokens).transpose(1, 2)

    def pairs(self, words: Tensor, others: Tensor) -> Tensor:
        """The predicted logarithm of how often words meet others.

        Shapes:
            both ``(B,)`` → ``(B,)``.
        """
        products = (self.input(words) * self.output(others)).sum(dim=1)
        return products + self.input_bias(words)[:, 0] + self.output_bias(others)[:, 0]

    def errors(self, words: Tensor, others: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The squared errors of the logarithms, and how much each pair counts.

        Shapes:
            all ``(B,)``.
        """
        weights = (counts / self.options.x_max).clamp(max=1) ** self.options.power
        return (self.pairs(words, others) - torch.log(counts)).square(), weights

    def word_vectors(self) -> Tensor:
        """What is kept in the end: the sum of both vectors of each word.

        Shapes:
            ``(vocabulary, D)``.
        """
        return self.input.weight + self.output.weight


GLOVE = ModelInfo(
    name="glove",
    build=Glove,
    options=GloveOptions,
    input_kind="tokens",
    native_input=(7,),
    native_outputs=1,
    output_layers=(),
    output_kind="sequence",
    paper="Pennington, Socher, Manning: GloVe: global vectors for word representation. EMNLP 2014",
    year=2014,
    note="AdaGrad by batches of pairs; x_max is 10 for texts below a billion words.",
)
