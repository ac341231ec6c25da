"""The tokens that a network knows and their numbers; four special ones come first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError
from derin.core.strict_json import parse_json

Ids = npt.NDArray[np.int32]

PAD, UNK, BOS, EOS = range(4)
SPECIAL_TOKENS = ("<PAD>", "<UNK>", "<BOS>", "<EOS>")
_SPECIAL = frozenset(SPECIAL_TOKENS)
# More tokens or longer ones are no vocabulary that a network learns: fastText's largest has 2 million words.
_MOST_TOKENS, _LONGEST_TOKEN = 8_000_000, 100_000


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and their numbers: token i is ``tokens[i]``.

    ``<PAD>`` fills up short rows, ``<UNK>`` stands for a token that is not known, ``<BOS>`` and ``<EOS>`` for begin
    and end. They have the numbers 0 to 3 in every vocabulary. A word of a text that is spelled like one of them is an
    unknown word.

    Args:
        tokens: all different, the special ones first.

    Raises:
        DataError: a token occurs twice or is empty, or the special ones do not come first.

    Example:
        >>> vocabulary = Vocabulary.from_counts({"so": 5, "good": 7, "ışık": 5, "rare": 1}, min_count=2)
        >>> vocabulary.tokens[4:]
        ('good', 'so', 'ışık')
        >>> vocabulary.encode(["so", "rare", "ışık"]).tolist()
        [5, 1, 6]
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise DataError(
                f"A vocabulary must begin with {', '.join(SPECIAL_TOKENS)}; got {str(self.tokens[:4])[:80]}."
            )
        if len(self._places) != len(self.tokens):
            seen: set[str] = set()
            twice = next(token for token in self.tokens if token in seen or seen.add(token))  # type: ignore[func-returns-value]
            raise DataError(f"The tokens of a vocabulary must differ; {twice[:40]!r} is there twice.")
        if "" in self._places:
            raise DataError("The tokens of a vocabulary must have at least one character; one is empty.")

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} tokens)"

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._places

    @classmethod
    def from_tokens(cls, tokens: Iterable[str]) -> Vocabulary:
        """The vocabulary of these tokens in their order; the special ones are put before them."""
        return cls((*SPECIAL_TOKENS, *tokens))

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, max_size: int | None = None, min_count: int = 1) -> Vocabulary:
        """The most frequent tokens, the most frequent first; equally frequent ones by their code points.

        Args:
            counts: how often each token occurs; names of special tokens are left out.
            max_size: of the vocabulary, the special tokens included; None takes all.
            min_count: rarer tokens are left out.

        Raises:
            DataError: ``max_size`` leaves no room for a token.
        """
        if max_size is not None and max_size <= len(SPECIAL_TOKENS):
            raise DataError(
                f"A vocabulary needs room for its {len(SPECIAL_TOKENS)} special tokens and at least one more; "
                f"got max_size={max_size}."
            )
        kept = [(-num, token) for token, num in counts.items() if num >= min_count and token and token not in _SPECIAL]
        kept.sort()
        room = None if max_size is None else max_size - len(SPECIAL_TOKENS)
        return cls.from_tokens(token for _, token in islice(kept, room))

    def id_of(self, token: str) -> int:
        """The number of a token, that of a special one included; `UNK` where it is not known."""
        return self._places.get(token, UNK)

    def encode(self, words: Sequence[str]) -> Ids:
        """The numbers of words of a text, in one pass.

        Shapes:
            ``(N,)`` int32.
        """
        return np.fromiter(map(self._of_words.get, words, repeat(UNK)), dtype=np.int32, count=len(words))

    def decode(self, ids: npt.ArrayLike) -> list[str]:
        """The tokens with these numbers.

        Raises:
            DataError: a number is not in the vocabulary.
        """
        numbers = np.asarray(ids, dtype=np.int64).reshape(-1)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise DataError(f"Numbers of tokens must lie in 0..{len(self) - 1}; got {numbers.min()}..{numbers.max()}.")
        return [self.tokens[i] for i in numbers.tolist()]

    def to_bytes(self) -> bytes:
        """The tokens as a JSON list in UTF-8, one on each line."""
        return json.dumps(self.tokens, ensure_ascii=False, indent=0).encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "The vocabulary") -> Vocabulary:
        """The vocabulary that `to_bytes` wrote.

        Args:
            data: the content of the file.
            where: its name, for messages.

        Raises:
            RefusedFileError: it is no list of different tokens with the special ones first.
        """
        tokens = parse_json(data, where)
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise RefusedFileError(f"{where} must be a JSON list of strings; got {str(tokens)[:80]}.")
        if len(tokens) > _MOST_TOKENS or any(len(token) > _LONGEST_TOKEN for token in tokens):
            raise RefusedFileError(
                f"{where} must have at most {_MOST_TOKENS:,} tokens of at most {_LONGEST_TOKEN:,} characters; "
                f"got {len(tokens):,} tokens."
            )
        try:
            return cls(tuple(tokens))
        except DataError as error:
            raise RefusedFileError(f"{where} is refused: {error}") from None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def _of_words(self) -> dict[str, int]:
        """As `_places`, without the special tokens: no word of a text may stand for one."""
        return {token: i for token, i in self._places.items() if i >= len(SPECIAL_TOKENS)}
