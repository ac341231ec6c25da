"""The sentences keep the rule that is written above them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.datasets.generated.agreement import PLURAL, SHORTEST, SINGULAR, agreement

DISTANCE = 9


def test_every_sentence_has_the_form_and_the_verb_of_its_subject() -> None:
    found = agreement(201, DISTANCE, seed=3)
    for sentence, words, plural in zip(found.sentences(), found.words, found.plural, strict=True):
        match = re.fullmatch(r"the (\w+) , which ((?:\w+ )+), (was|were) full", sentence)
        assert match is not None
        assert match[1] in (PLURAL if match[3] == "were" else SINGULAR)
        assert (match[3] == "were") == bool(plural)
        # ", which", the words and "," stand between subject and verb.
        assert len(match[2].split()) + 3 == DISTANCE == len(words) - 2


def test_half_of_the_sentences_are_in_the_plural_and_the_words_between_tell_nothing() -> None:
    found = agreement(4000, DISTANCE)
    assert found.plural.mean() == 0.5
    between = found.words[:, 4:-1]
    assert len(np.unique(between)) == 20
    for word in np.unique(between):
        having = (between == word).any(1)
        assert found.plural[having].mean() == pytest.approx(0.5, abs=0.06)


def test_sentences_are_a_function_of_their_arguments() -> None:
    first, again = agreement(50, DISTANCE, seed=5), agreement(50, DISTANCE, seed=5)
    np.testing.assert_array_equal(first.words, again.words)
    assert not np.array_equal(first.words, agreement(50, DISTANCE, seed=6).words)


def test_no_sentence_and_no_room_are_refused() -> None:
    for num, distance in ((0, DISTANCE), (5, SHORTEST - 1)):
        with pytest.raises(UsageError, match="between subject and verb"):
            agreement(num, distance)
