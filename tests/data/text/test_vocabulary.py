"""Tokens and their numbers."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derin.core.errors import DataError, RefusedFileError
from derin.data.text.vocabulary import BOS, EOS, PAD, SPECIAL_TOKENS, UNK, Vocabulary

WORDS = st.text(alphabet="abıİ<>PAD", min_size=1, max_size=4)


def test_special_tokens_come_first() -> None:
    vocabulary = Vocabulary.from_tokens(["b", "a"])
    assert [vocabulary.id_of(token) for token in SPECIAL_TOKENS] == [PAD, UNK, BOS, EOS] == [0, 1, 2, 3]
    assert vocabulary.tokens[4:] == ("b", "a")
    assert len(vocabulary) == 6
    assert "b" in vocabulary
    assert "c" not in vocabulary


@given(st.dictionaries(WORDS, st.integers(1, 5), max_size=30), st.integers(5, 12), st.integers(1, 3))
def test_the_most_frequent_tokens_are_kept_whatever_their_order(
    counts: dict[str, int], max_size: int, min_count: int
) -> None:
    vocabulary = Vocabulary.from_counts(counts, max_size=max_size, min_count=min_count)
    ranked = sorted(((-n, w) for w, n in counts.items() if n >= min_count and w not in SPECIAL_TOKENS))
    assert list(vocabulary.tokens[4:]) == [w for _, w in ranked][: max_size - 4]
    backwards = dict(reversed(counts.items()))
    assert Vocabulary.from_counts(backwards, max_size=max_size, min_count=min_count) == vocabulary


@given(st.lists(WORDS, max_size=40), st.integers(1, 3))
def test_words_are_numbered_and_back(words: list[str], min_count: int) -> None:
    vocabulary = Vocabulary.from_counts(Counter(words), min_count=min_count)
    ids = vocabulary.encode(words)
    assert ids.dtype == np.int32
    known = [w if Counter(words)[w] >= min_count and w not in SPECIAL_TOKENS else "<UNK>" for w in words]
    assert vocabulary.decode(ids) == known


def test_a_word_spelled_like_a_special_token_is_unknown() -> None:
    vocabulary = Vocabulary.from_counts({"<PAD>": 9, "a": 1})
    assert vocabulary.encode(["<PAD>", "<EOS>", "a"]).tolist() == [UNK, UNK, 4]


def test_it_is_saved_and_read_back() -> None:
    vocabulary = Vocabulary.from_tokens(["ışık", "\n", '"', "\u2028", "İ"])
    assert Vocabulary.from_bytes(vocabulary.to_bytes()) == vocabulary
    assert json.loads(vocabulary.to_bytes()) == list(vocabulary.tokens)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([*SPECIAL_TOKENS, "a", "a"], "'a' is there twice"),
        (["<PAD>", "a", "b", "c"], "must begin with"),
        ([], "must begin with"),
        ([*SPECIAL_TOKENS, ""], "is empty"),
        ([*SPECIAL_TOKENS, 7], "list of strings"),
        ({"a": 1}, "list of strings"),
        ([*SPECIAL_TOKENS, "a" * 100_001], "at most"),
    ],
)
def test_a_damaged_file_is_refused(tokens: object, message: str) -> None:
    with pytest.raises(RefusedFileError, match=message):
        Vocabulary.from_bytes(json.dumps(tokens).encode(), "vocabulary.json")


def test_bytes_that_are_no_json_are_refused() -> None:
    with pytest.raises(RefusedFileError, match=r"vocabulary\.json is refused"):
        Vocabulary.from_bytes(b"\xff\xfe", "vocabulary.json")


def test_sizes_and_numbers_that_cannot_be() -> None:
    with pytest.raises(DataError, match="max_size=4"):
        Vocabulary.from_counts({"a": 1}, max_size=4)
    with pytest.raises(DataError, match=r"0\.\.4"):
        Vocabulary.from_tokens(["a"]).decode([5])
    with pytest.raises(DataError, match=r"0\.\.4"):
        Vocabulary.from_tokens(["a"]).decode([-1])
