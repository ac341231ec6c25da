"""What every language model offers, whatever its kind: one pass over a batch of texts, and one step of generation.

Training and generation ask for the same three things, so that a task, a sampler and a beam search know no model by
name:

    logits, state = model(tokens)                  # all places at once, for training
    logits, state = model(tokens, state)           # the same, going on where the batch before it ended
    state = model.init_state(batch_size)           # then again and again:
    logits, state = model.step(tokens, state)      # the next tokens, with what came before them remembered

`logits[:, t]` speaks of the token that follows `tokens[:, t]` and depends on none that comes later. Texts of unequal
length are padded at the right: what a model says at padded places is finite and without meaning, and the loss leaves
it out.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from derin.models.token_network import TokenNetwork
from derin.models.word_vectors import take_vectors

# What a recurrent network remembers: tensors whose axis 1 is the batch, `(layers, B, units)`.
CarriedState = tuple[Tensor, ...]


class LanguageModel(TokenNetwork):
    """Base of the language models.

    Attributes:
        carries_state: whether `forward` takes and gives a state to go on from. If not, its state is None, and texts
            longer than one batch begin anew in each.
        window: how many tokens the model looks back on at most, the newest included; None where there is no end to it.
        vocabulary: how many tokens there are.
    """

    carries_state: ClassVar[bool]
    window: int | None
    vocabulary: int

    def forward(self, tokens: Tensor, state: CarriedState | None = None) -> tuple[Tensor, CarriedState | None]:
        """Scores of the next token at every place.

        Args:
            tokens: whole numbers below `vocabulary`.
            state: what `forward` gave for the tokens before these; None at the beginning of a text. The caller
                detaches it where gradients shall not reach further back.

        Shapes:
            ``(B, T)`` → logits ``(B, T, vocabulary)``, and tensors ``(layers, B, units)`` or None.
        """
        raise NotImplementedError

    def init_state(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Any:
        """What `step` needs before the first token, for texts that grow side by side.

        Args:
            batch_size: how many texts.
            device: that of the weights where none is given.
            dtype: that of the weights where none is given.
        """
        raise NotImplementedError

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Scores of the next token after each of some new tokens: one of them, or all of a prompt.

        The state that is handed in is used up; go on with the one that is given back.

        Shapes:
            ``(B, t)``, state → ``(B, t, vocabulary)``, state.
        """
        raise NotImplementedError

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of some of the texts, in a new order and perhaps several times: what a beam search keeps.

        Args:
            state: of `init_state` or `step`.
            rows: numbers of texts, ``(B_new,)``.
        """
        raise NotImplementedError

    def load_embedding(self, vectors: Tensor) -> None:
        """Begins with word vectors that were learned elsewhere; a tied output layer stays tied to them.

        Shapes:
            ``(vocabulary, dim)``.
        """
        assert isinstance(self.embedding, nn.Embedding)
        take_vectors(self.embedding, vectors, type(self).__name__)
