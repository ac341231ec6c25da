"""What a translator must beat: the translation of the training sentence that is most like the one to be translated.

Likeness is the cosine of the words' weights, (1 + ln count) · ln(N / number of sentences with the word). Where texts
are hardly made of words (dates, scripts without spaces), runs of three characters take their place.

Source: G. Salton, C. Buckley, "Term-weighting approaches in automatic text retrieval", Information Processing &
    Management 24, 1988; of translating so M. Nagao, "A framework of a mechanical translation between Japanese and
    English by analogy principle", 1984.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError

Rows = npt.NDArray[np.int64]

_WORD = re.compile(r"\w+")
_FEW_WORDS = 1.5
_SAMPLE = 1_000
_RUN = 3


def nearest_sentences(known: Sequence[str], sentences: Sequence[str]) -> Rows:
    """The most similar known sentence of each sentence, the first of equal ones.

    Shapes:
        M sentences → ``(M,)`` places among the N known ones.

    Raises:
        DataError: no sentence is known.

    Example:
        >>> nearest_sentences(["a blue house", "a red car", "two dogs run"], ["my car", "dogs"]).tolist()
        [1, 2]
    """
    if not known:
        raise DataError("nearest_sentences: at least one known sentence is required; got none.")
    terms = _terms_of(known[:_SAMPLE])
    counts = [Counter(terms(sentence)) for sentence in known]
    place = {term: i for i, term in enumerate(dict.fromkeys(term for count in counts for term in count))}
    lengths = np.fromiter(map(len, counts), dtype=np.int64, count=len(counts))
    columns = np.fromiter((place[term] for count in counts for term in count), dtype=np.int64)
    amounts = np.fromiter((1 + math.log(n) for count in counts for n in count.values()), dtype=np.float64)
    rows = np.repeat(np.arange(len(known)), lengths)
    rarity = np.log(len(known) / np.bincount(columns)) + 1e-6  # each term is held by some sentence
    weights = amounts * rarity[columns]
    norms = np.sqrt(np.bincount(rows, weights**2, minlength=len(known)))
    weights /= np.maximum(norms[rows], 1e-12)
    # For each term the sentences that hold it, so that only these are looked at.
    order = np.argsort(columns, kind="stable")
    rows, weights = rows[order], weights[order]
    starts = np.searchsorted(columns[order], np.arange(len(place) + 1))
    found = np.zeros(len(sentences), dtype=np.int64)
    for number, sentence in enumerate(sentences):
        scores = np.zeros(len(known))
        for term, count in Counter(terms(sentence)).items():
            if (column := place.get(term)) is not None:
                part = slice(starts[column], starts[column + 1])
                scores[rows[part]] += (1 + math.log(count)) * rarity[column] * weights[part]
        found[number] = int(scores.argmax())
    return found


def _terms_of(sentences: Sequence[str]) -> Callable[[str], list[str]]:
    """How texts are cut into what is compared."""
    num_words = sum(len(_WORD.findall(sentence)) for sentence in sentences)
    if num_words >= _FEW_WORDS * len(sentences) and any(" " in sentence for sentence in sentences):
        return lambda text: _WORD.findall(text.casefold())
    return lambda text: [text[i : i + _RUN] for i in range(max(1, len(text) - _RUN + 1))]
