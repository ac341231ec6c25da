"""What is to be known of a trained language model beside its loss: a baseline, sentences, and texts that it writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from derin.core.seeds import permutation
from derin.data.preparation import Preparation
from derin.data.table import Ragged, Table
from derin.data.text.encoder import TextEncoder
from derin.data.text.vocabulary import BOS, EOS, PAD, UNK
from derin.models.language_model import LanguageModel
from derin.tasks.baselines.ngram_language_model import NgramLanguageModel
from derin.tasks.generation import Sampling, generate
from derin.tasks.scoring import score_texts, shuffled_words, stream_of

if TYPE_CHECKING:
    from derin.data.text.stream_preparation import StreamPreparation

_NGRAM_ORDER = 5
# The last so many characters of the training text are counted: more take minutes and change little.
_MOST_CHARACTERS = 20_000_000
# Where time is limited the baseline gets so much of it, and is expected to count so fast on a machine that is busy.
_SHARE_OF_THE_BASELINE, _CHARACTERS_PER_SECOND = 0.5, 500_000
_NUM_SAMPLES, _SAMPLE_TOKENS, _SAMPLE_TEMPERATURE = 3, 300, 0.8
# Sentences that are told from their shuffled words: so many words each, and at most so many sentences.
_SENTENCE_WORDS, _MOST_SENTENCES = (5, 30), 300


def language_findings(
    network: nn.Module, preparation: Preparation, table: Table, *, seconds: float = math.inf
) -> dict[str, Any]:
    """Baseline, sentences and samples of a trained language model.

    Args:
        network: in evaluation mode.
        preparation: of its texts.
        table: with its splits.
        seconds: that it may take, about; the 5-gram is fitted on and measured by less text where they are few.

    Returns:
        ``baseline`` with the bits per character of an interpolated character 5-gram fitted on the training text, by
        split; ``characters_per_token`` of each split, which turns a loss into bits per character exactly; ``sentences``
        with the share of lines of the validation text that are more probable than their own words shuffled;
        ``samples``, with what they were drawn with.
    """
    stream = stream_of(preparation)
    data = table[stream.column]
    assert isinstance(data, Ragged)
    texts = {split: data.texts(rows) for split, rows in table.splits.items()}
    measured = [split for split in ("val", "test") if split in texts]
    most = int(min(_MOST_CHARACTERS, _SHARE_OF_THE_BASELINE * seconds * _CHARACTERS_PER_SECOND))
    found: dict[str, Any] = {
        "baseline": ngram_baseline(texts["train"], {split: texts[split] for split in measured}, most_characters=most),
        "characters_per_token": _characters_per_token(stream, table, measured),
    }
    if isinstance(network, LanguageModel):
        if measured:
            found["sentences"] = above_shuffled(network, stream, sentences_of(texts[measured[0]]))
        found["samples"] = samples(network, stream)
    return found


def ngram_baseline(
    train: Sequence[str],
    measured: dict[str, list[str]],
    order: int = _NGRAM_ORDER,
    *,
    most_characters: int | None = None,
) -> dict[str, Any]:
    """Bits per character of an interpolated n-gram of characters, by split.

    Args:
        train: the texts that it is fitted on.
        measured: texts by split.
        order: n.
        most_characters: of the training texts the last, and of each split the first; None takes 20 million.

    Example:
        >>> found = ngram_baseline(["abcabcabcabd"], {"val": ["abc"]}, order=2)
        >>> found["order"], found["bits_per_character"]["val"] < math.log2(8)
        (2, True)
    """
    most = _MOST_CHARACTERS if most_characters is None else most_characters
    left, kept = max(most, order), list[str]()
    for text in reversed(train):
        kept.insert(0, text[max(len(text) - left, 0) :])
        left = max(left - len(text), 0)
    encoder = TextEncoder.fit(kept, tokenizer="characters")
    model = NgramLanguageModel.fit(encoder.encode(kept), num_tokens=len(encoder), order=order)
    return {
        "order": order,
        "num_characters": sum(len(text) for text in kept),
        "bits_per_character": {
            split: model.loss(encoder.encode(_first(texts, most))) / math.log(2) for split, texts in measured.items()
        },
    }


def _first(texts: Sequence[str], most: int) -> list[str]:
    """The texts as far as they hold so many characters, at least some."""
    kept, left = [], max(most, 1_000)
    for text in texts:
        if left <= 0:
            break
        kept.append(text[:left])
        left -= len(text)
    return kept


def sentences_of(texts: Sequence[str], seed: int = 0) -> list[str]:
    """Lines of some texts, of 5 to 30 words of which at least two differ; at most 300, drawn by the seed."""
    few, most = _SENTENCE_WORDS
    lines = dict.fromkeys(" ".join(line.split()) for text in texts for line in text.split("\n"))
    found = [line for line in lines if few <= len(line.split()) <= most and len(set(line.split())) > 1]
    chosen = np.sort(permutation(seed, "sentences", 0, len(found))[:_MOST_SENTENCES])
    return [found[row] for row in chosen]


def above_shuffled(network: nn.Module, preparation: Preparation, sentences: Sequence[str]) -> dict[str, Any]:
    """How many sentences the model finds more probable than the same words in another order.

    Returns:
        ``num`` of sentences, and the ``share`` of them that is more probable; None without any.
    """
    if not sentences:
        return {"num": 0, "share": None}
    scores = score_texts(network, preparation, [*sentences, *shuffled_words(sentences)])
    found = np.array([score.log_probability for score in scores]).reshape(2, len(sentences))
    return {"num": len(sentences), "share": float((found[0] > found[1]).mean())}


def samples(network: LanguageModel, preparation: Preparation) -> dict[str, Any]:
    """A few texts that the model writes from nothing but the end of a line."""
    stream = stream_of(preparation)
    stop = EOS if stream.start_token == EOS else None
    tokens = generate(
        network,
        [stream.start_token],
        num_texts=_NUM_SAMPLES,
        num_tokens=_SAMPLE_TOKENS,
        sampling=Sampling(temperature=_SAMPLE_TEMPERATURE),
        banned=never_drawn(stop),
        stop=stop,
    )
    return {
        "temperature": _SAMPLE_TEMPERATURE,
        "texts": [stream.encoder.decode(row) for row in tokens.cpu().numpy()],
    }


def never_drawn(stop: int | None) -> list[int]:
    """The special tokens that no text holds; the end of a sentence may come where the model learned sentences."""
    return [PAD, UNK, BOS, *([] if stop == EOS else [EOS])]


def _characters_per_token(stream: StreamPreparation, table: Table, splits: Sequence[str]) -> dict[str, float]:
    """Characters of the texts of each split, divided by their tokens."""
    texts, tokens = table[stream.column], stream.encode_table(table)
    assert isinstance(texts, Ragged)
    found = {}
    for split in splits:
        num_characters = sum(map(len, texts.texts(table.splits[split])))
        found[split] = num_characters / max(len(tokens.take(table.splits[split]).flat), 1)
    return found
