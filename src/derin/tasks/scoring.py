"""How probable a language model finds a text, token by token."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.data.preparation import Preparation
from derin.data.text.encoder import TextEncoder
from derin.data.text.vocabulary import EOS, PAD, UNK
from derin.data.text.words import split_words
from derin.models.language_model import LanguageModel

if TYPE_CHECKING:
    from derin.data.text.stream_preparation import StreamPreparation

# Tokens of a text that are read at once; what is longer is read in parts, the state carried on.
_READ_AT_ONCE = 1024


@dataclass(frozen=True)
class TextScore:
    """ln P of a text, and of every token in it after those before it.

    Args:
        text: as it came.
        tokens: how it was cut, in words; an end of sentence among them where the model learned one.
        log_probabilities: ln P of each token.

    Example:
        >>> score = TextScore("ab", ("a", "b"), (-1.0, -3.0))
        >>> score.log_probability, round(score.perplexity, 3)
        (-4.0, 7.389)
    """

    text: str
    tokens: tuple[str, ...]
    log_probabilities: tuple[float, ...]

    @property
    def log_probability(self) -> float:
        """ln P of the whole text: the sum over its tokens."""
        return math.fsum(self.log_probabilities)

    @property
    def perplexity(self) -> float:
        """e to the mean surprise of a token."""
        return math.exp(min(-self.log_probability / len(self.tokens), 700.0))

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "log_probability": self.log_probability,
            "perplexity": self.perplexity,
            "tokens": [list(pair) for pair in zip(self.tokens, self.log_probabilities)],
        }

    def __str__(self) -> str:
        return f"ln P = {self.log_probability:.2f}, perplexity {self.perplexity:.2f}"

    def __repr__(self) -> str:
        return f"TextScore({self.text!r}, {self})"


def score_texts(
    network: nn.Module, preparation: Preparation, texts: Sequence[str], *, batch_size: int = 64
) -> list[TextScore]:
    """How probable each text is, as a line of its own.

    Before it stands what ends a line; behind it too where the model learned sentences of words, so that a sentence that
    breaks off is less probable than a whole one.

    Args:
        network: a language model, in evaluation mode.
        preparation: of its texts.
        texts: at least one token each.
        batch_size: texts at once.

    Raises:
        UsageError: a text without a token, or a network that is no language model.
    """
    stream, model = stream_of(preparation), as_language_model(network)
    encoder = stream.encoder
    by_words = encoder.tokenizer.name == "words"
    encoded = encoder.encode(list(texts), eos=by_words)
    numbers = [encoded.flat[a:b].tolist() for a, b in itertools.pairwise(encoded.offsets.tolist())]
    if by_words:
        numbers = [[] if text == [EOS] else text for text in numbers]
    found = log_probabilities(model, numbers, start=stream.start_token, batch_size=batch_size)
    spelled = encoder.vocabulary.tokens
    return [
        TextScore(text, tuple(spelled[token] for token in tokens), tuple(scores))
        for text, tokens, scores in zip(texts, numbers, found)
    ]


def stream_of(preparation: Preparation) -> StreamPreparation:
    """The preparation, if it is that of a language model.

    Raises:
        UsageError: it reads something else than streams of text.
    """
    from derin.data.text.stream_preparation import StreamPreparation

    if not isinstance(preparation, StreamPreparation):
        raise UsageError(
            f"Scoring and generation need a language model (--task lm); this model reads inputs of kind "
            f"{preparation.input_kind!r}."
        )
    return preparation


def unknown_pieces(encoder: TextEncoder, text: str) -> list[str]:
    """The characters or words of a text that the encoder does not know, in their order.

    Example:
        >>> unknown_pieces(TextEncoder.fit(["kış"], tokenizer="characters"), "kuş!")
        ['u', '!']
    """
    pieces = split_words(text) if encoder.tokenizer.name == "words" else list(text)
    if not pieces:
        return []
    tokens = encoder.encode(pieces)
    rows = np.repeat(np.arange(len(pieces)), np.diff(tokens.offsets))
    return [pieces[row] for row in np.unique(rows[tokens.flat == UNK])]


def as_language_model(network: nn.Module) -> LanguageModel:
    """The network, if it can read a text token by token.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(network, LanguageModel):
        raise UsageError(
            f"{type(network).__name__} cannot read a text step by step; scoring and generation need a language model "
            "such as lstm_lm or transformer_lm."
        )
    return network


def shuffled_words(texts: Sequence[str], seed: int = 0) -> list[str]:
    """Each text with its words in another order, drawn by the seed; what stands between two spaces is a word.

    Example:
        >>> shuffled_words(["the dog barks"])[0] != "the dog barks"
        True
    """
    found = []
    for row, text in enumerate(texts):
        words = text.split()
        if len(set(words)) < 2:
            raise UsageError(f"Words can be shuffled where at least two differ; got {text!r}.")
        drawn = generator(seed, "shuffled words", row)
        other = words
        while other == words:
            other = [words[place] for place in drawn.permutation(len(words))]
        found.append(" ".join(other))
    return found


@torch.inference_mode()
def log_probabilities(
    model: LanguageModel, texts: Sequence[Sequence[int]], *, start: int, batch_size: int = 64
) -> list[list[float]]:
    """ln P of every token of some texts.

    Texts of like length share a batch; the padding behind the shorter ones changes nothing before it.

    Args:
        model: any language model, in evaluation mode.
        texts: token numbers, at least one each.
        start: the token that stands before the first of each text.
        batch_size: texts at once.

    Raises:
        UsageError: a text without a token.
    """
    empty = next((row for row, text in enumerate(texts) if not len(text)), None)
    if empty is not None:
        raise UsageError(f"A text to score must have at least one token; text {empty + 1} is empty.")
    device = next(model.parameters()).device
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    found: list[list[float]] = [[] for _ in texts]
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        longest = len(texts[rows[-1]])
        tokens = np.full((len(rows), longest + 1), PAD, dtype=np.int64)
        tokens[:, 0] = start
        for place, row in enumerate(rows):
            tokens[place, 1 : len(texts[row]) + 1] = texts[row]
        scores = _scores(model, torch.from_numpy(tokens).to(device)).tolist()
        for place, row in enumerate(rows):
            found[row] = scores[place][: len(texts[row])]
    return found


def _scores(model: LanguageModel, tokens: Tensor) -> Tensor:
    """ln P of each token but the first, ``(B, T + 1)`` → ``(B, T)`` float32."""
    state, parts = model.init_state(len(tokens)), []
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    at_once = min(model.window or _READ_AT_ONCE, _READ_AT_ONCE)
    for begin in range(0, inputs.shape[1], at_once):
        logits, state = model.step(inputs[:, begin : begin + at_once], state)
        wanted = targets[:, begin : begin + at_once, None]
        parts.append(F.log_softmax(logits.float(), dim=2).gather(2, wanted).squeeze(2))
    return torch.cat(parts, dim=1)
