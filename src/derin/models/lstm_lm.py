"""Language model of stacked LSTM layers: embeddings, recurrent layers, a score for every token that may come next.

Papers: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997; A. Graves, "Generating
    sequences with recurrent neural networks", 2013, arXiv:1308.0850; dropout as in Y. Gal, Z. Ghahramani, "A
    theoretically grounded application of dropout in recurrent neural networks", NeurIPS 2016, arXiv:1512.05287; tied
    weights: O. Press, L. Wolf, "Using the output embedding to improve language models", EACL 2017, arXiv:1608.05859.
Differs: dropout stands before, between and after the layers, with one mask per batch row, and not within the
    recurrence; a tied output reads the hidden numbers through a linear layer of the embedding's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.masks import require_tokens
from derin.layers.options import require_range
from derin.layers.recurrent import Recurrent, VariationalDropout
from derin.models.info import ModelInfo
from derin.models.language_model import CarriedState, LanguageModel


@dataclass(frozen=True, kw_only=True)
class LSTMLMOptions:
    """Options of `lstm_lm`.

    Args:
        vocabulary: how many tokens there are.
        dim: numbers for each token.
        hidden: units of each recurrent layer.
        num_layers: recurrent layers, one above the other.
        cell: the kind of recurrent layer.
        dropout: share of the numbers between and behind the recurrent layers set to zero in training.
        input_dropout: the same for the embeddings.
        tied: whether the output layer's matrix is that of the embedding.
    """

    vocabulary: int = 1000
    dim: int = 64
    hidden: int = 512
    num_layers: int = 2
    cell: Literal["rnn", "gru", "lstm"] = "lstm"
    dropout: float = 0.0
    input_dropout: float = 0.0
    tied: bool = False

    def __post_init__(self) -> None:
        for name in ("vocabulary", "dim", "hidden"):
            require_range("lstm_lm", name, getattr(self, name), 1)
        require_range("lstm_lm", "num_layers", self.num_layers, 1, 100)
        for name in ("dropout", "input_dropout"):
            require_range("lstm_lm", name, getattr(self, name), 0.0, 0.99)


class LSTMLM(LanguageModel):
    """A language model with a memory that is handed on from batch to batch; nothing bounds how far it looks back.

    Shapes:
        tokens ``(B, T)`` → logits ``(B, T, num_outputs)`` and the memory, of an LSTM two tensors ``(num_layers, B,
        hidden)``.

    Example:
        >>> net = LSTMLM((9,), 50, LSTMLMOptions(vocabulary=50, dim=6, hidden=11))
        >>> logits, state = net(torch.randint(1, 50, (2, 9)))
        >>> logits.shape, [part.shape for part in state]
        (torch.Size([2, 9, 50]), [torch.Size([2, 2, 11]), torch.Size([2, 2, 11])])
    """

    carries_state: ClassVar[bool] = True
    window: int | None = None

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: LSTMLMOptions) -> None:
        super().__init__(input_shape, options=options)
        self.vocabulary = options.vocabulary
        self.embedding = nn.Embedding(options.vocabulary, options.dim)
        self.input_dropout = VariationalDropout(options.input_dropout)
        self.recurrent = Recurrent(
            options.cell, options.dim, options.hidden, num_layers=options.num_layers, dropout=options.dropout
        )
        self.dropout = VariationalDropout(options.dropout)
        self.projection = nn.Linear(options.hidden, options.dim) if options.tied else None
        self.output = nn.Linear(options.dim if options.tied else options.hidden, num_outputs)
        if options.tied:
            if num_outputs != options.vocabulary:
                raise UsageError(
                    f"lstm_lm with tied=true has one output for each token; got {num_outputs} outputs and "
                    f"vocabulary={options.vocabulary}. Make them equal, or leave tied out."
                )
            # A matrix that also gives scores must start small, or the first losses are far above ln V.
            nn.init.normal_(self.embedding.weight, std=options.dim**-0.5)
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: CarriedState | None = None) -> tuple[Tensor, CarriedState | None]:
        x = self.input_dropout(self.embedding(require_tokens("LSTMLM", tokens)))
        hidden, state = self.recurrent(x, state=state)
        hidden = self.dropout(hidden)
        if self.projection is not None:
            hidden = self.projection(hidden)
        return self.output(hidden), state

    def init_state(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> CarriedState:
        """Zeros."""
        return self.recurrent.zeros(batch_size, device=device, dtype=dtype)

    def step(self, tokens: Tensor, state: CarriedState | None) -> tuple[Tensor, CarriedState | None]:
        return self(tokens, state)

    def select(self, state: CarriedState, rows: Tensor) -> CarriedState:
        return tuple(part[:, rows] for part in state)


LSTM_LM = ModelInfo(
    name="lstm_lm",
    build=LSTMLM,
    options=LSTMLMOptions,
    input_kind="tokens",
    native_input=(128,),
    native_outputs=1000,
    output_kind="sequence",
    paper="Graves: Generating sequences with recurrent neural networks. arXiv:1308.0850, 2013",
    year=2013,
    note="Dropout masks are drawn once per row (Gal and Ghahramani 2016); cell=gru and cell=rnn for the other layers.",
)
