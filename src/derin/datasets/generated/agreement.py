"""English sentences whose verb agrees with a subject far before it: "the cat , which saw the dogs often , was full".

The rules; ``|`` parts alternatives of equal chance, and words in capitals stand for lists below::

    sentence → the SUBJECT , which between , VERB full
    SUBJECT  → NOUN in the singular | in the plural
    between  → as many words as asked for, each ACTION | ADVERB | NOUN in the singular | in the plural
    VERB     → was, after a subject in the singular | were, in the plural

The nouns between are of both numbers, so that nothing but the subject itself tells the verb. How far the two are apart
is given: a network has to carry one bit over that many words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.seeds import generator

SINGULAR = ("cat", "dog", "bird", "horse", "goat")
PLURAL = ("cats", "dogs", "birds", "horses", "goats")
ACTIONS = ("ate", "saw", "chased", "heard", "liked")
ADVERBS = ("often", "slowly", "actually", "again", "there")
VERBS = ("was", "were")
WORDS = ("the", ",", "which", "full", *VERBS, *SINGULAR, *PLURAL, *ACTIONS, *ADVERBS)
"""All words, by number."""

SHORTEST = 4  # words between subject and verb: ", which" before, one word, "," behind
_NUMBER_OF = {word: number for number, word in enumerate(WORDS)}


@dataclass(frozen=True)
class Agreement:
    """Sentences up to their verb, and which verb comes.

    Args:
        words: numbers in `WORDS`, ``(N, distance + 2)``.
        plural: 1 where the verb is "were", ``(N,)``.
    """

    words: npt.NDArray[np.int64]
    plural: npt.NDArray[np.int64]

    def sentences(self) -> list[str]:
        """The whole sentences.

        Example:
            >>> agreement(2, distance=6, seed=1).sentences()[0]
            'the dog , which goat there there , was full'
        """
        return [
            " ".join([*(WORDS[word] for word in row), VERBS[plural], "full"])
            for row, plural in zip(self.words, self.plural)
        ]


def agreement(num: int, distance: int, seed: int = 0) -> Agreement:
    """Sentences of the rules above, half of them in the plural.

    Args:
        num: how many.
        distance: words between subject and verb, `SHORTEST` at least.
        seed: the sentences are a function of (num, distance, seed).

    Raises:
        UsageError: no sentence, or a distance that leaves no room.

    Example:
        >>> found = agreement(3, distance=9)
        >>> found.words.shape, found.plural.shape
        ((3, 11), (3,))
    """
    if num < 1 or distance < SHORTEST:
        raise UsageError(
            f"agreement makes 1 sentence or more, with {SHORTEST} words or more between subject and verb; "
            f"got {num=}, {distance=}."
        )
    draws = generator(seed, "agreement", num, distance)
    plural = draws.permutation(np.arange(num) % 2)
    singular_noun, plural_noun = _NUMBER_OF[SINGULAR[0]], _NUMBER_OF[PLURAL[0]]
    subject = draws.integers(len(SINGULAR), size=num) + np.where(plural, plural_noun, singular_noun)
    # Nouns, actions and adverbs stand at the end of the list of words, five of each.
    between = draws.integers(singular_noun, len(WORDS), size=(num, distance - 3))

    def same(word: str) -> npt.NDArray[np.int64]:
        return np.full((num, 1), _NUMBER_OF[word])

    words = np.hstack([same("the"), subject[:, None], same(","), same("which"), between, same(",")])
    return Agreement(words.astype(np.int64), plural.astype(np.int64))
