"""What every network from one sequence to another offers: a pass over known pairs, and decoding step by step.

Training, search and pictures ask for the same few things, so that a beam search knows no network by name:

    logits = model(source, target)                 # all places at once, for training
    state = model.start(model.encode(source))      # then again and again:
    logits, state = model.step(tokens, state)      # the next tokens, with what came before them remembered
    weights = model.alignment(source, target)      # where each target place looked, for a picture

The source is read once: what `encode` gives is remembered in the state, and no step computes anything of it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.layers.key_value_cache import KeyValueCache
from derin.layers.masks import PADDING
from derin.models.token_network import TokenNetwork


@dataclass(frozen=True)
class DecoderState:
    """What a decoder remembers between two steps. A step may use up the state that it is given.

    Args:
        memory: of the sources, the same at every step; the batch is axis 0 of each tensor.
        steps: what grows or changes with every step: tensors whose axis 0 is the batch, or caches.
    """

    memory: tuple[Tensor, ...]
    steps: tuple[Tensor | KeyValueCache, ...]

    def select(self, rows: Tensor, *, same_sources: bool = False) -> DecoderState:
        """The state of some rows, in a new order and perhaps several times.

        Args:
            rows: numbers of rows, ``(B_new,)``.
            same_sources: whether every new row has the source of the row in its place, as among the hypotheses of one
                sentence; its memory then stays where it is.
        """
        steps = tuple(
            part.select(rows) if isinstance(part, KeyValueCache) else part.index_select(0, rows) for part in self.steps
        )
        if same_sources:
            return replace(self, steps=steps)
        return DecoderState(tuple(tensor.index_select(0, rows) for tensor in self.memory), steps)


class Translator(TokenNetwork):
    """Base of the networks that translate.

    Sources and targets are tokens padded at the right with 0. A target for training begins with the token of the
    beginning and ends before that of the end; ``logits[:, t]`` speaks of the token after ``target[:, t]`` and depends
    on none that comes later.

    Args:
        input_shape: ``(length,)`` of the source, typical and not required.
        vocabulary: number of source tokens.
        num_outputs: number of target tokens.
        options: of the network.
    """

    def __init__(self, input_shape: tuple[int, ...], vocabulary: int, num_outputs: int, options: Any) -> None:
        super().__init__(input_shape, options=options)
        self.vocabulary, self.num_outputs = vocabulary, num_outputs

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Scores of the next target token at every place, given the true ones before it (teacher forcing).

        Shapes:
            ``(B, S)``, ``(B, T)`` → ``(B, T, num_outputs)``.
        """
        raise NotImplementedError

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """What is remembered of the sources: tensors whose axis 0 is the batch.

        Shapes:
            ``(B, S)`` → a tuple of ``(B, ...)``.
        """
        raise NotImplementedError

    def start(self, memory: tuple[Tensor, ...]) -> DecoderState:
        """The state before the first target token."""
        raise NotImplementedError

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Scores of the token that follows, and the state after one more token of each row.

        Shapes:
            ``(B,)`` → ``(B, num_outputs)``.
        """
        raise NotImplementedError

    def alignment(self, source: Tensor, target: Tensor) -> Tensor | None:
        """How much each target place looked at each source place; None for a network without attention.

        Shapes:
            ``(B, S)``, ``(B, T)`` → ``(B, T, S)``, the rows of which sum to 1.
        """
        return None

    def require_pair(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Hands source and target on if they are tokens of equally many rows.

        Raises:
            ShapeError: they are not.
        """
        source, target = self.require(source), self.require(target)
        if len(source) != len(target):
            raise ShapeError(
                f"{type(self).__name__} reads as many targets as sources; got {len(source)} sources and {len(target)} "
                "targets."
            )
        return source, target


def shared_embeddings(
    where: str, vocabulary: int, num_outputs: int, dim: int, *, shared: bool
) -> tuple[nn.Embedding, nn.Embedding]:
    """The embeddings of source and target: one and the same where they have one vocabulary.

    The vectors begin with a length of about 1, which suits an output layer that has the same weights.

    Args:
        where: the network's name, for the error.
        vocabulary: number of source tokens.
        num_outputs: number of target tokens.
        dim: numbers of a vector.
        shared: whether they are one.

    Raises:
        ShapeError: one vocabulary was said, and two sizes given.
    """
    if shared and vocabulary != num_outputs:
        raise ShapeError(
            f"{where} with shared=True needs one vocabulary for source and target; got vocabulary={vocabulary} and "
            f"num_outputs={num_outputs}. Take shared=False."
        )
    source = nn.Embedding(vocabulary, dim, padding_idx=PADDING)
    target = source if shared else nn.Embedding(num_outputs, dim, padding_idx=PADDING)
    for embedding in (source, target):
        nn.init.normal_(embedding.weight, std=dim**-0.5)
        with torch.no_grad():
            embedding.weight[PADDING].zero_()
    return source, target


def tied_output(embedding: nn.Embedding) -> nn.Linear:
    """An output layer whose weights are an embedding's, with biases of its own.

    Source: O. Press, L. Wolf, "Using the output embedding to improve language models", EACL 2017.
    """
    output = nn.Linear(embedding.embedding_dim, embedding.num_embeddings)
    output.weight = embedding.weight
    nn.init.zeros_(output.bias)
    return output
