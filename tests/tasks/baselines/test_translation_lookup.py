"""The look-up of the most similar sentence against its formula, written out pair by pair."""

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from derin.core.errors import DataError
from derin.tasks.baselines.translation_lookup import nearest_sentences


def runs(text: str) -> list[str]:
    """All runs of three characters; of a shorter text the text."""
    return [text[i : i + 3] for i in range(len(text) - 2)] or [text]


def cosines(known: list[str], sentence: str, terms: Callable[[str], list[str]] = str.split) -> list[float]:
    """The cosine of the weights of two texts, by definition."""
    held = Counter(word for text in known for word in set(terms(text)))

    def weights(text: str) -> dict[str, float]:
        counts = Counter(terms(text))
        return {w: (1 + math.log(n)) * math.log(len(known) / held[w]) for w, n in counts.items() if w in held}

    def length(found: dict[str, float]) -> float:
        return math.sqrt(sum(v * v for v in found.values()))

    asked = weights(sentence)
    every = [weights(text) for text in known]
    return [sum(asked[w] * one.get(w, 0.0) for w in asked) / max(length(one) * length(asked), 1e-12) for one in every]


def test_the_most_similar_sentence_is_that_of_the_formula() -> None:
    random_ = random.Random(1)
    words = [f"w{i}" for i in range(40)]
    draw = lambda: " ".join(random_.choices(words, weights=range(1, 41), k=random_.randint(2, 9)))  # noqa: E731
    known, asked = [draw() for _ in range(60)], [draw() for _ in range(50)]
    for sentence, place in zip(asked, nearest_sentences(known, asked).tolist(), strict=True):
        found = cosines(known, sentence)
        assert found[place] == pytest.approx(max(found), abs=1e-6)


def test_what_is_known_word_for_word_is_found_whatever_its_capitals() -> None:
    known = ["Ein Hund läuft.", "Zwei Hunde laufen.", "Das Haus ist blau."]
    assert nearest_sentences(known, ["zwei hunde laufen", "blau", "nichts davon"]).tolist() == [1, 2, 0]


def test_texts_without_words_are_compared_by_their_characters() -> None:
    known = ["2009-05-03", "2010-11-30", "1999-01-01"]
    assert nearest_sentences(known, ["2010-11-29", "1999-01-02"]).tolist() == [1, 2]
    assert nearest_sentences(["猫が好き", "犬が走る"], ["犬が走った"]).tolist() == [1]
    # A text shorter than a run is one run; half of the texts of one word, half of two, are sentences of words.
    assert nearest_sentences(["ab", "cd"], ["cd"]).tolist() == [1]
    assert nearest_sentences(["house", "a boat"], ["boathouse"]).tolist() == [0]
    assert nearest_sentences(["", ""], ["a"]).tolist() == [0]
    with pytest.raises(DataError, match="at least one known sentence"):
        nearest_sentences([], ["a"])


def test_without_words_likeness_is_that_of_runs_of_three_characters() -> None:
    random_ = random.Random(3)
    draw = lambda: "".join(random_.choices("abc", k=random_.randint(1, 7)))  # noqa: E731
    known, asked = [draw() for _ in range(40)], [draw() for _ in range(60)]
    for sentence, place in zip(asked, nearest_sentences(known, asked).tolist(), strict=True):
        found = cosines(known, sentence, runs)
        assert found[place] == pytest.approx(max(found), abs=1e-6)
