"""Convolutions over the words of a text, of several widths, each asked for its largest answer anywhere.

c_t = ReLU(w · x_{t:t+h−1} + b) for filters of each width h, ĉ = max_t c_t, then dropout and one dense layer.
Paper: Y. Kim, "Convolutional neural networks for sentence classification", EMNLP 2014 (arXiv:1408.5882).
Differs: word vectors are learned with the rest, imported ones too (CNN-rand, CNN-non-static); weight decay stands for
    the paper's bound on the norm of the output's weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from derin.layers.initializers import initialize
from derin.layers.masks import PADDING, lengths_of, mask_of_lengths
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.token_network import TokenNetwork
from derin.models.word_vectors import take_vectors

_EMBEDDING_STD = 0.3


@dataclass(frozen=True, kw_only=True)
class TextCNNOptions:
    """Options of `text_cnn`.

    Args:
        vocabulary: number of different tokens, the four special ones included.
        dim: length of a token's vector.
        widths: of the filters, in tokens.
        filters: of each width.
        dropout: share of the largest answers set to zero in training.
    """

    vocabulary: int = 1000
    dim: int = 100
    widths: tuple[int, ...] = (3, 4, 5)
    filters: int = 100
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_range("text_cnn", "vocabulary", self.vocabulary, 1, 100_000_000)
        require_range("text_cnn", "dim", self.dim, 1)
        require_range("text_cnn", "filters", self.filters, 1)
        require_range("text_cnn", "dropout", self.dropout, 0.0, 0.99)
        require_range("text_cnn", "len(widths)", len(self.widths), 1, 100)
        for width in self.widths:
            require_range("text_cnn", "widths", width, 1, 1000)


class TextCNN(TokenNetwork):
    """The largest answers of filters over the embeddings, and a dense layer on them.

    Shapes:
        ``(B, T)`` tokens padded with 0 → ``(B, num_outputs)``.

    Example:
        >>> net = TextCNN((20,), 3, TextCNNOptions(vocabulary=100, dim=12, filters=5))
        >>> net(torch.tensor([[5, 7, 99], [8, 0, 0]])).shape
        torch.Size([2, 3])
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TextCNNOptions) -> None:
        super().__init__(input_shape, options=options)
        self.embedding = nn.Embedding(options.vocabulary, options.dim, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=_EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[PADDING] = 0
        # Filters reach over both ends of a text, so that the shortest text fills one.
        self.convolutions = nn.ModuleList(
            nn.Conv1d(options.dim, options.filters, width, padding=width - 1) for width in options.widths
        )
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.filters * len(options.widths), num_outputs)
        initialize(self.convolutions, "he")
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.require(x)
        lengths = lengths_of(tokens)
        words = self.embedding(tokens).transpose(1, 2)  # (B, D, T)
        largest = []
        for convolution in self.convolutions:
            answers = torch.relu(convolution(words))  # (B, F, T + h − 1)
            # Windows that touch no word say only what the bias says; how many there are depends on the batch.
            places = answers.shape[2]
            touching = mask_of_lengths(torch.where(lengths > 0, lengths + places - tokens.shape[1], 0), places)
            largest.append((answers * touching[:, None]).amax(2))
        return self.output(self.dropout(torch.cat(largest, 1)))

    def load_embedding(self, vectors: Tensor) -> None:
        """Begins with word vectors that were learned elsewhere.

        Shapes:
            ``(vocabulary, dim)``.
        """
        take_vectors(self.embedding, vectors, "text_cnn")


TEXT_CNN = ModelInfo(
    name="text_cnn",
    build=TextCNN,
    options=TextCNNOptions,
    input_kind="tokens",
    native_input=(50,),
    native_outputs=2,
    paper="Kim: Convolutional neural networks for sentence classification. EMNLP 2014",
    year=2014,
    note="Word vectors are learned, imported ones too; weight decay stands for the bound on norms.",
)
