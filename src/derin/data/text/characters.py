"""Characters as tokens: every code point that the training text has. What is decoded equals what was encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.data.table import Ragged
from derin.data.text.tokenizers import VOCABULARY_FILE, Tokenizer, needed_file
from derin.data.text.vocabulary import SPECIAL_TOKENS, UNK, Ids, Vocabulary

_NUM_CODE_POINTS = 0x110000
_SURROGATES = slice(0xD800, 0xE000)
_REPLACEMENT = 0xFFFD


class CharacterTokenizer(Tokenizer):
    """One token for each code point; unknown ones are decoded as U+FFFD.

    Args:
        vocabulary: whose tokens, the special ones aside, are single characters.

    Example:
        >>> tokenizer = CharacterTokenizer.fit(["ışık", "kış"])
        >>> tokenizer.vocabulary.tokens[4:]
        ('ı', 'k', 'ş')
        >>> ids = tokenizer.encode(["kış!"])
        >>> ids.flat.tolist(), tokenizer.decode(ids.flat)
        ([5, 4, 6, 1], 'kış�')
    """

    name: ClassVar[str] = "characters"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        counts = np.bincount(_code_points("".join(texts)), minlength=_NUM_CODE_POINTS)
        counts[_SURROGATES] = 0  # halves of pairs are no characters, and no file can hold them
        return cls(
            Vocabulary.from_counts(
                {chr(code): int(counts[code]) for code in np.flatnonzero(counts).tolist()},
                max_size=max_size,
                min_count=min_count,
            )
        )

    def encode(self, texts: Sequence[str]) -> Ragged:
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        return Ragged(self._ids_of_code_points[_code_points("".join(texts))], np.concatenate([[0], np.cumsum(lengths)]))

    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        return self._code_points_of_ids[ids].tobytes().decode("utf-32-le")

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        vocabulary = Vocabulary.from_bytes(needed_file(files, VOCABULARY_FILE, where), f"{where}: {VOCABULARY_FILE}")
        longer = next((token for token in vocabulary.tokens[len(SPECIAL_TOKENS) :] if len(token) != 1), None)
        if longer is not None:
            raise RefusedFileError(f"{where}: {VOCABULARY_FILE} must hold single characters; got {longer[:40]!r}.")
        return cls(vocabulary)

    @cached_property
    def _ids_of_code_points(self) -> Ids:
        table = np.full(_NUM_CODE_POINTS, UNK, dtype=np.int32)
        table[self._code_points_of_ids[len(SPECIAL_TOKENS) :]] = np.arange(len(SPECIAL_TOKENS), len(self.vocabulary))
        return table

    @cached_property
    def _code_points_of_ids(self) -> npt.NDArray[np.uint32]:
        codes = np.full(len(self.vocabulary), _REPLACEMENT, dtype="<u4")
        codes[len(SPECIAL_TOKENS) :] = _code_points("".join(self.vocabulary.tokens[len(SPECIAL_TOKENS) :]))
        return codes


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
