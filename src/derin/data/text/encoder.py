"""From texts to numbers and back: casing, tokenizer and vocabulary together, as a model keeps them.

Letters are composed first (NFC): é is one letter, however a keyboard or a file system writes it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError
from derin.core.fields import Exactly, Maybe, checked_form
from derin.core.printable import replace_half_pairs
from derin.data.table import Ragged
from derin.data.text.casing import TURKISH, looks_turkish, to_lower
from derin.data.text.tokenizers import TOKENIZERS, Tokenizer
from derin.data.text.vocabulary import BOS, EOS, PAD, UNK, Vocabulary

_FORM = Exactly({"tokenizer": str, "size": int, "lowercase": bool, "language": Maybe(str)})
_UNSEEN = (PAD, BOS, EOS)
# So many characters, taken from texts all over, show the language.
_SAMPLE_TEXTS, _SAMPLE_CHARACTERS = 2_000, 1_000


@dataclass(frozen=True)
class TextEncoder:
    """Texts to rows of token numbers and back.

    Args:
        tokenizer: cuts and numbers.
        lowercase: whether small and capital letters are one.
        language: code of the language whose letters decide about casing; None follows Unicode's general rule.

    Example:
        >>> encoder = TextEncoder.fit(["Işık yandı.", "Işık söndü."])
        >>> encoder.language, encoder.vocabulary.tokens[4:]
        ('tr', ('.', 'ışık', 'söndü', 'yandı'))
        >>> encoder.encode(["IŞIK yandı"], bos=True, eos=True).flat.tolist()
        [2, 5, 7, 3]
        >>> encoder.decode([2, 5, 7, 4, 3])
        'ışık yandı.'
    """

    tokenizer: Tokenizer
    lowercase: bool = False
    language: str | None = None

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        *,
        tokenizer: str = "words",
        max_size: int | None = None,
        min_count: int = 1,
        lowercase: bool | None = None,
        language: str | None = None,
    ) -> Self:
        """The encoder that fits some texts.

        Args:
            texts: of the training rows.
            tokenizer: name in `TOKENIZERS`: words, characters, bytes, bpe or ngrams.
            max_size: of the vocabulary, the four special tokens included; None keeps all (8,000 for bpe).
            min_count: rarer tokens become ``<UNK>``.
            lowercase: whether small and capital letters are one; None: for words they are.
            language: code of the language; None finds out whether it is Turkish, ``""`` is any other.

        Raises:
            UnknownNameError: there is no such tokenizer.
            DataError: no text is there to learn from.
        """
        kind = TOKENIZERS[tokenizer]
        if not any(map(str.strip, texts)):
            raise DataError(f"TextEncoder.fit: at least one text that is not empty is required; got {len(texts)}.")
        lowers = kind.lowercases if lowercase is None else lowercase
        if lowers and language is None and looks_turkish(_sample(texts)):
            language = TURKISH
        texts = [_written(text, lowers, language) for text in texts]
        return cls(kind.fit(texts, max_size=max_size, min_count=min_count), lowers, language or None)

    @property
    def vocabulary(self) -> Vocabulary:
        """All tokens; 0 to 3 are the special ones."""
        return self.tokenizer.vocabulary

    def __len__(self) -> int:
        return len(self.tokenizer)

    def encode(self, texts: Sequence[str], *, bos: bool = False, eos: bool = False) -> Ragged:
        """The numbers of the tokens of each text.

        Args:
            texts: any number of them.
            bos: whether each begins with ``<BOS>``.
            eos: whether each ends with ``<EOS>``.

        Shapes:
            flat ``(total,)`` int32, offsets ``(N + 1,)``.
        """
        if isinstance(texts, str):
            raise DataError("TextEncoder.encode: a list of texts is required; got one text. Put it into a list.")
        written = [_written(text, self.lowercase, self.language) for text in texts]
        return _with_ends(self.tokenizer.encode(written), bos=bos, eos=eos)

    def count_unknown(self, texts: Sequence[str]) -> tuple[int, int]:
        """How many tokens of some texts are unknown, and how many there are."""
        flat = self.encode(texts).flat
        return int((flat == UNK).sum()), len(flat)

    def decode(self, ids: npt.ArrayLike) -> str:
        """The text of a row of tokens. ``<PAD>``, ``<BOS>`` and ``<EOS>`` are left out; an unknown word is shown as
        ``<UNK>``, an unknown character as U+FFFD.

        Raises:
            DataError: a number is not in the vocabulary.
        """
        numbers = np.asarray(ids, dtype=np.int64).reshape(-1)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise DataError(
                f"TextEncoder.decode: numbers in 0..{len(self) - 1} are required; got {numbers.min()}..{numbers.max()}."
            )
        return self.tokenizer.decode(numbers[~np.isin(numbers, _UNSEEN)])

    def to_json(self) -> dict[str, Any]:
        return {
            "tokenizer": self.tokenizer.name,
            "size": len(self),
            "lowercase": self.lowercase,
            "language": self.language,
        }

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """What a bundle keeps beside the card, by file name.

        Args:
            prefix: of the names, where a model has several encoders (``"source_"``).
        """
        return {prefix + name: content for name, content in self.tokenizer.files().items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], files: Mapping[str, bytes], prefix: str = "") -> Self:
        """The encoder that `to_json` and `files` described.

        Raises:
            RefusedFileError: a field or a file is missing, unknown or damaged.
        """
        checked_form(data, _FORM, "An encoder of text")
        name = data["tokenizer"]
        if name not in TOKENIZERS:
            raise RefusedFileError(f"An encoder of text names the tokenizer {name[:40]!r}, which is not known.")
        own = {file.removeprefix(prefix): content for file, content in files.items() if file.startswith(prefix)}
        found = cls(
            TOKENIZERS[name].from_files(own, "The vocabulary of the model"), data["lowercase"], data["language"]
        )
        if len(found) != data["size"]:
            raise RefusedFileError(
                f"The vocabulary of the model must have {data['size']:,} tokens by the card; its file has "
                f"{len(found):,}."
            )
        return found


def _written(text: str, lowercase: bool, language: str | None) -> str:
    text = replace_half_pairs(text)  # as they come from a shell or from JSON
    return to_lower(text, language) if lowercase else unicodedata.normalize("NFC", text)


def _with_ends(rows: Ragged, *, bos: bool, eos: bool) -> Ragged:
    """The rows with `BOS` before and `EOS` behind each, where asked for."""
    if not (bos or eos):
        return rows
    num = len(rows)
    offsets = rows.offsets + np.arange(num + 1) * (bos + eos)
    flat = np.empty(offsets[-1], dtype=rows.flat.dtype)
    inner = np.ones(len(flat), dtype=bool)
    if bos:
        inner[offsets[:-1]] = False
        flat[offsets[:-1]] = BOS
    if eos:
        inner[offsets[1:] - 1] = False
        flat[offsets[1:] - 1] = EOS
    flat[inner] = rows.flat
    return Ragged(flat, offsets)


def _sample(texts: Sequence[str]) -> str:
    every = max(1, len(texts) // _SAMPLE_TEXTS)
    room = max(_SAMPLE_CHARACTERS, _SAMPLE_TEXTS * _SAMPLE_CHARACTERS // len(texts))
    return "\n".join(text[:room] for text in texts[::every])
