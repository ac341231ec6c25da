"""Hashed n-grams against strings that are cut out one by one."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import UsageError
from derin.data.text.encoder import TextEncoder
from derin.data.text.ngrams import NgramTokenizer

HALF = 1 << 19
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|\S")


def words_and_pairs(text: str) -> set[tuple[str, ...]]:
    found = WORD.findall(text)
    return {(word,) for word in found} | set(pairwise(found))


def pieces(text: str) -> set[str]:
    spaced = re.sub(r"\s", " ", f" {text} ")
    cut = {spaced[i : i + n] for n in range(2, 6) for i in range(len(spaced) - n + 1)}
    return {piece for piece in cut if " " not in piece[1:-1] and piece.strip()}


def rows(texts: list[str]) -> list[np.ndarray]:
    ids = NgramTokenizer().encode(texts)
    return np.split(ids.flat, ids.offsets[1:-1])


@pytest.mark.parametrize(
    "text",
    ["so good", "don't!", "Ankara'nın 3 yolu, 2 köprüsü", "a  b\n c", "good … good, so good", "x", "“ne?” dedi", "o'"],
)
def test_a_text_has_a_number_for_each_of_its_ngrams(text: str) -> None:
    (row,) = rows([text])
    # Two that fall on one number are so rare that none does here.
    assert (row < 4 + HALF).sum() == len(words_and_pairs(text))
    assert (row >= 4 + HALF).sum() == len(pieces(text))
    assert row.min() >= 4
    assert row.max() < len(NgramTokenizer())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="ab c,'ş\n", max_size=12), min_size=2, max_size=5))
def test_equal_ngrams_have_equal_numbers_and_different_ones_others(texts: list[str]) -> None:
    found = rows(texts)
    for first, one in zip(texts, found):
        for second, other in zip(texts, found):
            shared = set(one.tolist()) & set(other.tolist())
            # Two different ones fall on one of half a million numbers now and then, but not twice in so short texts.
            more_words = sum(n < 4 + HALF for n in shared) - len(words_and_pairs(first) & words_and_pairs(second))
            more_pieces = sum(n >= 4 + HALF for n in shared) - len(pieces(first) & pieces(second))
            assert more_words in (0, 1)
            assert more_pieces in (0, 1)


def test_different_ngrams_fall_on_one_number_as_seldom_as_by_chance() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c for a in letters for b in letters for c in letters]
    numbers = np.concatenate(rows(words))
    numbers = np.unique(numbers[numbers < 4 + HALF])
    # n draws take m (1 − (1 − 1/m)ⁿ) of m numbers; the deviation of that is about n / √(2m) = 17.
    expected = HALF * -np.expm1(len(words) * np.log1p(-1 / HALF))
    assert len(numbers) == pytest.approx(expected, abs=4 * 17)


def test_numbers_are_sorted_and_stand_once() -> None:
    (row,) = rows(["so so so good good so good"])
    assert (np.diff(row) > 0).all()


def test_a_text_has_the_same_numbers_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["first one", "", "a second one", "third, and last", "  "]
    together = rows(texts)
    assert [len(row) > 0 for row in together] == [True, False, True, True, False]
    assert all(np.array_equal(row, rows([text])[0]) for row, text in zip(together, texts))
    monkeypatch.setattr("derin.data.text.ngrams._CHUNK", 7)
    assert all(np.array_equal(row, again) for row, again in zip(together, rows(texts)))


def test_nothing_is_fitted_kept_or_turned_back() -> None:
    encoder = TextEncoder.fit(["Işık yandı"], tokenizer="ngrams")
    assert encoder.files() == {}
    assert len(encoder) == 4 + 2 * HALF
    assert encoder.encode(["IŞIK YANDI"]).flat.tolist() == encoder.encode(["ışık yandı"]).flat.tolist()
    again = TextEncoder.from_json(encoder.to_json(), {})
    assert again.encode(["ışık"]).flat.tolist() == encoder.encode(["ışık"]).flat.tolist()
    with pytest.raises(UsageError, match="hash"):
        encoder.decode([5, 6])
    with pytest.raises(UsageError, match="hash"):
        encoder.tokenizer.vocabulary  # noqa: B018 - the access is what is refused


def test_no_text_at_all_gives_no_rows() -> None:
    ids = NgramTokenizer().encode([])
    assert len(ids) == 0
    assert ids.offsets.tolist() == [0]
