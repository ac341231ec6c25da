"""Recurrent classifiers of texts: an LSTM or GRU reads the words in both directions, and its outputs are pooled.

h_t = [→h_t; ←h_t], pooled by attention, r = Σ_t α_t h_t with α = softmax_t(v · tanh(A h_t + a)), by the largest values,
by the mean, or as the last states; then dropout and one dense layer.
Papers: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; K. Cho et al., "Learning
    phrase representations using RNN encoder-decoder", EMNLP 2014 (GRU); Z. Yang et al., "Hierarchical attention
    networks for document classification", NAACL 2016 (attention over words).
Differs: one dropout mask for all words of a text (Gal and Ghahramani 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.initializers import initialize
from derin.layers.masks import PADDING, lengths_of, padding_mask
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, RecurrentKind, VariationalDropout
from derin.models.info import ModelInfo
from derin.models.token_network import TokenNetwork
from derin.models.word_vectors import take_vectors

Pooling = Literal["attention", "max", "mean", "last"]
_POOLINGS = ("attention", "max", "mean", "last")
_EMBEDDING_STD = 0.3


@dataclass(frozen=True, kw_only=True)
class TextRNNOptions:
    """Options of `text_lstm` and `text_gru`.

    Args:
        vocabulary: number of different tokens, the four special ones included.
        dim: length of a token's vector.
        hidden: numbers of the memory, in each direction.
        layers: one above the other.
        bidirectional: whether a second memory reads from the end.
        pooling: how the outputs of all steps become one vector.
        dropout: share of embeddings, of outputs between layers and of the pooled vector set to zero in training.
    """

    vocabulary: int = 1000
    dim: int = 100
    hidden: int = 100
    layers: int = 1
    bidirectional: bool = True
    pooling: Pooling = "attention"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_range("text_rnn", "vocabulary", self.vocabulary, 1, 100_000_000)
        for name in ("dim", "hidden"):
            require_range("text_rnn", name, getattr(self, name), 1)
        require_range("text_rnn", "layers", self.layers, 1, 100)
        require_range("text_rnn", "dropout", self.dropout, 0.0, 0.99)
        if self.pooling not in _POOLINGS:
            raise UsageError(f"text_rnn.pooling must be one of {', '.join(_POOLINGS)}; got {self.pooling!r}.")


class TextRNN(TokenNetwork):
    """A recurrent network over the embeddings, pooled, and a dense layer.

    Shapes:
        ``(B, T)`` tokens padded with 0 → ``(B, num_outputs)``.

    Example:
        >>> net = TextLSTM((20,), 3, TextRNNOptions(vocabulary=100, dim=12, hidden=7))
        >>> net(torch.tensor([[5, 7, 99], [8, 0, 0]])).shape
        torch.Size([2, 3])
    """

    kind: RecurrentKind

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TextRNNOptions) -> None:
        super().__init__(input_shape, options=options)
        self.pooling = options.pooling
        self.embedding = nn.Embedding(options.vocabulary, options.dim, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=_EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[PADDING] = 0
        self.word_dropout = VariationalDropout(options.dropout)
        self.recurrent = Recurrent(
            self.kind,
            options.dim,
            options.hidden,
            num_layers=options.layers,
            bidirectional=options.bidirectional,
            dropout=options.dropout,
        )
        width = self.recurrent.output_size
        if options.pooling == "attention":
            self.attention = nn.Linear(width, width)
            self.query = nn.Linear(width, 1, bias=False)
            initialize(self.attention, "glorot")
            initialize(self.query, "glorot")
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(width, num_outputs)
        initialize(self.output, "xavier")

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.require(x)
        words = self.word_dropout(self.embedding(tokens))
        outputs, _ = self.recurrent(words, lengths_of(tokens), final_state=False)  # (B, T, H)
        return self.output(self.dropout(self._pooled(outputs, tokens)))

    def _pooled(self, outputs: Tensor, tokens: Tensor) -> Tensor:
        """One vector for each text, of what stands at its words.

        Shapes:
            ``(B, T, H)`` and ``(B, T)`` → ``(B, H)``.
        """
        there = padding_mask(tokens)[..., None]
        if self.pooling == "attention":
            scores = self.query(torch.tanh(self.attention(outputs)))  # (B, T, 1)
            # Finite, so that a text without words gives even shares of zeros and no NaN.
            shares = torch.softmax(torch.where(there, scores, torch.finfo(scores.dtype).min), 1)
            return (outputs * shares).sum(1)
        if self.pooling == "max":
            # Outputs lie between −1 and 1, and those at padding are zero.
            return torch.where(there, outputs, -1.0).amax(1)
        if self.pooling == "mean":
            return outputs.sum(1) / there.sum(1).clamp(min=1)
        return self._last(outputs, tokens)

    def _last(self, outputs: Tensor, tokens: Tensor) -> Tensor:
        """What the forward direction says at the last word beside what the backward one says at the first."""
        last = (lengths_of(tokens) - 1).clamp(min=0)[:, None, None].expand(-1, 1, outputs.shape[2])
        ends = outputs.gather(1, last)[:, 0]
        if self.recurrent.num_directions == 1:
            return ends
        half = self.recurrent.hidden_size
        return torch.cat([ends[:, :half], outputs[:, 0, half:]], 1)

    def load_embedding(self, vectors: Tensor) -> None:
        """Begins with word vectors that were learned elsewhere.

        Shapes:
            ``(vocabulary, dim)``.
        """
        take_vectors(self.embedding, vectors, f"text_{self.kind}")


class TextLSTM(TextRNN):
    """`TextRNN` with long short-term memory."""

    kind = "lstm"


class TextGRU(TextRNN):
    """`TextRNN` with gated recurrent units."""

    kind = "gru"


TEXT_LSTM = ModelInfo(
    name="text_lstm",
    build=TextLSTM,
    options=TextRNNOptions,
    input_kind="tokens",
    native_input=(50,),
    native_outputs=2,
    paper="Hochreiter, Schmidhuber: Long short-term memory. Neural Computation 1997",
    year=1997,
    note="Both directions, pooled by attention over the words (Yang et al. 2016).",
)
TEXT_GRU = ModelInfo(
    name="text_gru",
    build=TextGRU,
    options=TextRNNOptions,
    input_kind="tokens",
    native_input=(50,),
    native_outputs=2,
    paper="Cho et al.: Learning phrase representations using RNN encoder-decoder. EMNLP 2014",
    year=2014,
    note="Both directions, pooled by attention over the words (Yang et al. 2016).",
)
