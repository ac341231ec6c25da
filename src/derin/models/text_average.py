"""Averaged embeddings: a text is the mean of its words' vectors, and dense layers classify it.

x̄ = (1/T) Σ_t E[x_t], then z = W x̄ + b, with hidden layers between where asked.
Paper: M. Iyyer, V. Manjunatha, J. Boyd-Graber, H. Daumé, "Deep unordered composition rivals syntactic methods for text
    classification", ACL 2015.
Differs: no hidden layer by default, as in a course's first classifier of sentiment; ReLU; whole words are dropped
    before the mean, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.masks import PADDING, padding_mask
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.token_network import TokenNetwork
from derin.models.word_vectors import take_vectors

_EMBEDDING_STD = 0.1


@dataclass(frozen=True, kw_only=True)
class TextAverageOptions:
    """Options of `text_average`.

    Args:
        vocabulary: number of different tokens, the four special ones included.
        dim: length of a token's vector.
        hidden: units of each layer between the mean and the output.
        dropout: share of the tokens that is left out in training.
    """

    vocabulary: int = 1000
    dim: int = 100
    hidden: tuple[int, ...] = ()
    dropout: float = 0.3

    def __post_init__(self) -> None:
        require_range("text_average", "vocabulary", self.vocabulary, 1, 100_000_000)
        require_range("text_average", "dim", self.dim, 1)
        require_range("text_average", "dropout", self.dropout, 0.0, 0.99)
        require_range("text_average", "len(hidden)", len(self.hidden), 0, 100)
        for units in self.hidden:
            require_range("text_average", "hidden", units, 1)


class TextAverage(TokenNetwork):
    """Dense layers on the mean of the embeddings; where words stand makes no difference.

    Shapes:
        ``(B, T)`` tokens padded with 0 → ``(B, num_outputs)``.

    Example:
        >>> net = TextAverage((20,), 3, TextAverageOptions(vocabulary=100, dim=12)).eval()
        >>> texts = torch.tensor([[5, 7, 99], [7, 99, 5]])
        >>> net(texts).shape, torch.allclose(*net(texts), atol=1e-6)
        (torch.Size([2, 3]), True)
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TextAverageOptions) -> None:
        super().__init__(input_shape, options=options)
        self.dropout = options.dropout
        self.embedding = nn.Embedding(options.vocabulary, options.dim, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=_EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[PADDING] = 0
        width = options.dim
        self.hidden = nn.Sequential()
        for number, units in enumerate(options.hidden, start=1):
            self.hidden.add_module(f"dense{number}", nn.Linear(width, units))
            self.hidden.add_module(f"relu{number}", nn.ReLU())
            width = units
        self.output = nn.Linear(width, num_outputs)
        initialize(self.hidden, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.require(x)
        there = padding_mask(tokens).to(self.embedding.weight.dtype)
        # Without the share that is kept: what is dropped is not counted either, up to chance.
        weights = nn.functional.dropout(there, self.dropout, self.training) / there.sum(1, keepdim=True).clamp(min=1)
        mean = (self.embedding(tokens) * weights[..., None]).sum(1)
        return self.output(self.hidden(mean))

    def load_embedding(self, vectors: Tensor) -> None:
        """Begins with word vectors that were learned elsewhere.

        Shapes:
            ``(vocabulary, dim)``.
        """
        take_vectors(self.embedding, vectors, "text_average")


TEXT_AVERAGE = ModelInfo(
    name="text_average",
    build=TextAverage,
    options=TextAverageOptions,
    input_kind="tokens",
    native_input=(50,),
    native_outputs=2,
    paper="Iyyer et al.: Deep unordered composition rivals syntactic methods for text classification. ACL 2015",
    year=2015,
    note="No hidden layer by default: the mean of the words' vectors and one dense layer.",
)
