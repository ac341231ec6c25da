"""Byte-pair encoding: pieces of words that are learned from the text, over bytes, so that none is ever unknown.

Training and encoding are the `tokenizers` library's.

Source: R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword units", ACL 2016;
A. Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.2 (over bytes).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, MissingExtraError, RefusedFileError
from derin.core.strict_json import parse_json
from derin.data.table import Ragged
from derin.data.text.tokenizers import Tokenizer, needed_file
from derin.data.text.vocabulary import SPECIAL_TOKENS, Vocabulary

if TYPE_CHECKING:
    import tokenizers

_FILE = "bpe.json"
_DEFAULT_SIZE = 8_000
_FIRST = len(SPECIAL_TOKENS)
_NUM_BYTES = 256


class BytePairTokenizer(Tokenizer):
    """Frequent neighbors become one token, again and again, until the vocabulary is full (8,000 by default).

    The special tokens are no part of the trained file, so that no text can spell one; its numbers are ours less four.

    Args:
        library: the trained tokenizer.

    Example:
        >>> tokenizer = BytePairTokenizer.fit(["low lower lowest"] * 5, max_size=266)
        >>> tokenizer.vocabulary.tokens[260:263]
        ('lo', 'low', 'Ġlow')
        >>> tokenizer.decode(tokenizer.encode(["lower İ!"]).flat)
        'lower İ!'
    """

    name: ClassVar[str] = "bpe"

    def __init__(self, library: tokenizers.Tokenizer) -> None:
        self._library = library
        numbers = library.get_vocab()
        self.vocabulary = Vocabulary.from_tokens(sorted(numbers, key=numbers.__getitem__))

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int | None = None, min_count: int = 1) -> Self:
        """Learns the pairs.

        Args:
            texts: of the training rows.
            max_size: of the vocabulary, the special tokens and the 256 bytes included.
            min_count: rarer pairs are not joined; at least 2.

        Raises:
            DataError: the vocabulary has no room for all bytes.
            MissingExtraError: the library is not installed.
        """
        size = _DEFAULT_SIZE if max_size is None else max_size
        if size < _FIRST + _NUM_BYTES:
            raise DataError(
                f"A vocabulary of byte pairs needs {_FIRST + _NUM_BYTES} tokens for the bytes and the special ones; "
                f"got max_size={size}."
            )
        _require_library()
        from tokenizers.pre_tokenizers import ByteLevel
        from tokenizers.trainers import BpeTrainer

        library = _library({}, [])
        trainer = BpeTrainer(
            vocab_size=size - _FIRST,
            min_frequency=max(2, min_count),
            initial_alphabet=ByteLevel.alphabet(),
            special_tokens=[],
            show_progress=False,
        )
        library.train_from_iterator((line for text in texts for line in _lines(text)), trainer)
        return cls(library)

    def encode(self, texts: Sequence[str]) -> Ragged:
        # By lines: the library is slow on one text of megabytes.
        lines = [_lines(text) for text in texts]
        found = self._library.encode_batch_fast(list(itertools.chain.from_iterable(lines)), add_special_tokens=False)
        ends = np.cumsum([0, *(len(encoding.ids) for encoding in found)])
        flat = np.fromiter(
            itertools.chain.from_iterable(encoding.ids for encoding in found), dtype=np.int32, count=ends[-1]
        )
        return Ragged(flat + np.int32(_FIRST), ends[np.cumsum([0, *map(len, lines)])])

    def decode(self, ids: npt.NDArray[np.int64]) -> str:
        text: str = self._library.decode((ids[ids >= _FIRST] - _FIRST).tolist(), skip_special_tokens=False)
        return text

    def files(self) -> dict[str, bytes]:
        return {_FILE: self._library.to_str(pretty=False).encode("utf-8")}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Self:
        """The tokenizer in the library's own file, of which the pairs alone are read.

        Raises:
            MissingExtraError: the library is not installed.
            RefusedFileError: the file is missing, damaged, or holds another kind of tokenizer.
        """
        where = f"{where}: {_FILE}"
        _require_library()
        vocabulary, merges = _pairs(parse_json(needed_file(files, _FILE, where), where), where)
        try:
            return cls(_library(vocabulary, merges))
        except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
            raise RefusedFileError(f"{where} is refused: {error}; restore it.") from None


def _pairs(document: Any, where: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The numbers of the tokens and the pairs that are joined, in their order."""
    from tokenizers.pre_tokenizers import ByteLevel

    try:
        vocabulary, merges = document["model"]["vocab"], document["model"]["merges"]
        pairs = [(first, second) for first, second in merges]
        whole = sorted(vocabulary.values()) == list(range(len(vocabulary))) and all(
            part in vocabulary for pair in pairs for part in pair
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        whole = False
    if not whole or not set(ByteLevel.alphabet()) <= set(vocabulary):
        raise RefusedFileError(
            f"{where} must hold the tokens of byte pairs, numbered from 0, all bytes among them, and the pairs that "
            "are joined; the file was altered or is another kind of tokenizer."
        )
    return vocabulary, pairs


def _library(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    """The library's tokenizer with these pairs, over bytes."""
    from tokenizers import Tokenizer as Library
    from tokenizers.decoders import ByteLevel as Decoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel

    library = Library(BPE(vocab=vocabulary, merges=merges))
    library.pre_tokenizer = ByteLevel(add_prefix_space=False)
    library.decoder = Decoder()
    return library


def _lines(text: str) -> list[str]:
    """The text in pieces that each end with a line."""
    return text.splitlines(keepends=True)


def _require_library() -> None:
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        raise MissingExtraError("tokenizers", "text", "Byte-pair encoding") from None
