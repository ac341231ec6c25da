"""Neural language model of a fixed number of words before: their embeddings side by side, a hidden layer, the scores.

x = (e(w₋₄), …, e(w₋₁)), scores = b + U tanh(H x + d), as the course draws it with four words before the next.
Paper: Y. Bengio, R. Ducharme, P. Vincent, C. Jauvin, "A neural probabilistic language model", Journal of Machine
    Learning Research 3, 2003.
Differs: no direct connections W x unless asked for; before the first word of a text stands the padding's embedding,
    which is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from derin.layers.masks import PADDING, require_tokens
from derin.layers.options import require_range
from derin.models.info import ModelInfo
from derin.models.language_model import CarriedState, LanguageModel


@dataclass(frozen=True, kw_only=True)
class NeuralLMOptions:
    """Options of `neural_lm`.

    Args:
        vocabulary: how many tokens there are.
        window: how many tokens before the next one are looked at.
        dim: numbers for each token.
        hidden: units of the hidden layer.
        dropout: share of hidden units set to zero in training.
        direct: whether the embeddings also reach the scores without the hidden layer, as the paper tries.
    """

    vocabulary: int = 1000
    window: int = 4
    dim: int = 64
    hidden: int = 256
    dropout: float = 0.0
    direct: bool = False

    def __post_init__(self) -> None:
        for name in ("vocabulary", "window", "dim", "hidden"):
            require_range("neural_lm", name, getattr(self, name), 1)
        require_range("neural_lm", "dropout", self.dropout, 0.0, 0.99)


class NeuralLM(LanguageModel):
    """A language model that looks back on `options.window` tokens and no further.

    Shapes:
        tokens ``(B, T)`` → logits ``(B, T, num_outputs)`` and the last tokens ``(1, B, window − 1)``.

    Example:
        >>> net = NeuralLM((9,), 50, NeuralLMOptions(vocabulary=50, dim=6, hidden=11))
        >>> logits, state = net(torch.randint(1, 50, (2, 9)))
        >>> logits.shape, state[0].shape
        (torch.Size([2, 9, 50]), torch.Size([1, 2, 3]))
    """

    carries_state: ClassVar[bool] = True

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: NeuralLMOptions) -> None:
        super().__init__(input_shape, options=options)
        self.window, self.vocabulary = options.window, options.vocabulary
        self._width = options.window
        width = options.window * options.dim
        self.embedding = nn.Embedding(options.vocabulary, options.dim)
        self.hidden = nn.Linear(width, options.hidden)
        self.dropout = nn.Dropout(options.dropout)
        self.output = nn.Linear(options.hidden, num_outputs)
        self.direct = nn.Linear(width, num_outputs, bias=False) if options.direct else None

    def forward(self, tokens: Tensor, state: CarriedState | None = None) -> tuple[Tensor, CarriedState]:
        require_tokens("NeuralLM", tokens)
        (before,) = self.init_state(len(tokens), device=tokens.device) if state is None else state
        known = torch.cat([before[0].to(tokens.dtype), tokens], dim=1)
        # Every place sees the `window` embeddings that end with its own.
        windows = self.embedding(known).unfold(1, self._width, 1).transpose(2, 3).flatten(2)
        logits = self.output(self.dropout(torch.tanh(self.hidden(windows))))
        if self.direct is not None:
            logits = logits + self.direct(windows)
        return logits, (known[None, :, tokens.shape[1] :],)

    def init_state(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> CarriedState:
        """The tokens before the first: padding."""
        device = self.output.weight.device if device is None else device
        shape = (1, batch_size, self._width - 1)
        return (torch.full(shape, PADDING, dtype=torch.int64, device=device),)

    def step(self, tokens: Tensor, state: CarriedState) -> tuple[Tensor, CarriedState]:
        return self(tokens, state)

    def select(self, state: CarriedState, rows: Tensor) -> CarriedState:
        return tuple(part[:, rows] for part in state)


NEURAL_LM = ModelInfo(
    name="neural_lm",
    build=NeuralLM,
    options=NeuralLMOptions,
    input_kind="tokens",
    native_input=(32,),
    native_outputs=1000,
    output_kind="sequence",
    paper="Bengio, Ducharme, Vincent, Jauvin: A neural probabilistic language model. JMLR 2003",
    year=2003,
    note="Four tokens before the next; direct connections only where asked for (direct=true).",
)
