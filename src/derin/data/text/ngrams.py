"""N-grams as tokens: words, pairs of neighboring words and pieces of words, numbered by a hash.

No list of them is kept, so none is ever unknown and nothing has to be learned or saved; two that fall on one number are
one to the network. A text becomes the set of its n-grams: how often one occurs tells little more than that it does.

Source: K. Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009 (arXiv:0902.2206); words,
    pairs and pieces as in A. Joulin et al., "Bag of tricks for efficient text classification", EACL 2017.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.data.table import Ragged
from derin.data.text.tokenizers import Tokenizer
from derin.data.text.vocabulary import SPECIAL_TOKENS, Vocabulary

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

# Words and pairs have the lower half of the numbers, pieces the upper half. Half as many numbers cost 0.006 of accuracy
# on 6 400 sentences, which hold 95 000 words and pairs.
_BITS = 19
_HALF = 1 << _BITS
_FIRST = len(SPECIAL_TOKENS)
_SHORTEST, _LONGEST = 2, 5  # characters of a piece; longer ones are mostly words
_ROW_BITS = 22  # a token number fits into it, a row number is put above
# Characters that are hashed at once: their 64-bit hashes take some 300 MB.
_CHUNK = 1_000_000
_SPACE = 32
_APOSTROPHES = (ord("'"), 0x2019)
# Odd multipliers of 64-bit hashes, from Knuth's linear congruences and from splitmix64 (Steele et al. 2014).
_MULTIPLIER, _MIXER = np.uint64(6364136223846793005), np.uint64(0xBF58476D1CE4E5B9)
_UPPER = np.uint64(64 - _BITS)  # the upper bits of a product are the well mixed ones


class NgramTokenizer(Tokenizer):
    """The set of words, pairs of words and pieces of 2 to 5 characters of each text, by number.

    A word is a run of letters, marks and digits, with apostrophes between them; any other sign but white space is a
    word of its own. Pieces lie between two white spaces, each of which counts as the first or last character of a
    piece. Nothing is fitted; ``max_size`` and ``min_count`` change nothing.

    Example:
        >>> ids = NgramTokenizer.fit([]).encode(["so good", "good, so good"])
        >>> words = [row[row < 2**19 + 4] for row in np.split(ids.flat, ids.offsets[1:-1])]
        >>> [len(row) for row in words], len(set(words[0].tolist()) & set(words[1].tolist()))
        ([3, 6], 3)
    """

    name: ClassVar[str] = "ngrams"
    lowercases: ClassVar[bool] = True
    network_options: ClassVar[Mapping[str, Any]] = {"groups": 2}

    def __len__(self) -> int:
        return _FIRST + 2 * _HALF

    @property
    def vocabulary(self) -> Vocabulary:  # type: ignore[override]
        """There is none.

        Raises:
            UsageError: always.
        """
        raise UsageError("The tokenizer 'ngrams' numbers its tokens by a hash and keeps no list of them.")

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        return cls()

    def encode(self, texts: Sequence[str]) -> Ragged:
        """The numbers of the n-grams of each text, sorted, each once."""
        flats, counts = [np.zeros(0, dtype=np.int32)], []
        for part in _chunks(texts):
            keys = np.sort(_keys(part))
            # Of equal neighbors the first; numpy's own `unique` takes six times as long.
            keys = keys[np.diff(keys, prepend=-1) != 0]
            flats.append((keys & ((1 << _ROW_BITS) - 1)).astype(np.int32))
            counts.append(np.bincount(keys >> _ROW_BITS, minlength=len(part)))
        offsets = np.concatenate([[0], *counts]).astype(np.int64).cumsum()
        return Ragged(np.concatenate(flats), offsets)

    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        """Hashes do not go back.

        Raises:
            UsageError: always.
        """
        raise UsageError("The tokenizer 'ngrams' hashes its tokens: they cannot be turned back into text.")

    def files(self) -> dict[str, bytes]:
        return {}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        return cls()


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of texts of about `_CHUNK` characters."""
    ends = np.cumsum([len(text) for text in texts])
    cuts = [0, *(np.flatnonzero(np.diff(ends // _CHUNK)) + 1).tolist(), len(texts)]
    for start, stop in itertools.pairwise(cuts):
        if stop > start:
            yield texts[start:stop]


def _keys(texts: Sequence[str]) -> Places:
    """row · 2²² + number of every n-gram, as often as it occurs."""
    spaced = "".join(f" {text} " for text in texts)
    codes = np.frombuffer(spaced.encode("utf-32-le", errors="replace"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(texts)), [len(text) + 2 for text in texts])
    letters, spaces = _kinds(codes)
    codes = np.where(spaces, np.uint32(_SPACE), codes)
    hashes = _mixed((codes.astype(np.uint64) + np.uint64(1)) * _MULTIPLIER)
    words, word_rows = _words(hashes, letters, spaces, rows)
    same = word_rows[1:] == word_rows[:-1]
    pairs = _mixed(words[:-1] * _MULTIPLIER + words[1:])[same]
    found = [_numbered(words, word_rows, _FIRST), _numbered(pairs, word_rows[1:][same], _FIRST)]
    found += [_numbered(piece, rows[starts], _FIRST + _HALF) for piece, starts in _pieces(hashes, spaces)]
    return np.concatenate(found)


def _numbered(hashes: Hashes, rows: Places, first: int) -> Places:
    return (rows << _ROW_BITS) + (hashes >> _UPPER).astype(np.int64) + first


def _words(
    hashes: Hashes, letters: npt.NDArray[np.bool_], spaces: npt.NDArray[np.bool_], rows: Places
) -> tuple[Hashes, Places]:
    """The hash of each word in the order of the text, and its row."""
    signs = ~letters & ~spaces
    starts = np.flatnonzero(signs | (letters & ~np.concatenate([[False], letters[:-1]])))
    if not len(starts):
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    # A letter counts by its place within the word; what stands between words counts nothing.
    places = np.arange(len(hashes)) - starts[np.searchsorted(starts, np.arange(len(hashes)), side="right") - 1]
    terms = _mixed((hashes + places.astype(np.uint64)) * _MULTIPLIER) * (letters | signs).astype(np.uint64)
    return _mixed(np.add.reduceat(terms, starts)), rows[starts]


def _pieces(hashes: Hashes, spaces: npt.NDArray[np.bool_]) -> Iterator[tuple[Hashes, Places]]:
    """The hashes of the pieces of each length, and where they start."""
    held, inner = hashes, np.ones(len(hashes), dtype=np.bool_)
    for size in range(2, _LONGEST + 1):
        held = _mixed(held[:-1] * _MULTIPLIER + hashes[size - 1 :])
        # Between the first and the last character there may be no space; two spaces alone are no piece.
        inner = inner[:-1] & (~spaces[size - 2 : -1] if size > 2 else ~(spaces[:-1] & spaces[1:]))
        if size >= _SHORTEST:
            starts = np.flatnonzero(inner)
            yield held[starts], starts


def _kinds(codes: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which characters are part of a word, and which are white space."""
    different, places = np.unique(codes, return_inverse=True)
    names = [chr(code) for code in different.tolist()]
    letters = np.array([c.isalnum() or unicodedata.category(c).startswith("M") for c in names], dtype=np.bool_)[places]
    spaces = np.array([c.isspace() or c == "\0" for c in names], dtype=np.bool_)[places]
    tied = np.isin(codes[1:-1], _APOSTROPHES) & letters[:-2] & letters[2:]
    letters[1:-1] |= tied
    return letters, spaces


def _mixed(values: Hashes) -> Hashes:
    """The bits of each number spread over all of it; products wrap around at 2⁶⁴."""
    values = (values ^ (values >> np.uint64(29))) * _MIXER
    mixed: Hashes = values ^ (values >> np.uint64(32))
    return mixed
