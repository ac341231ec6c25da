"""Whole texts as the tokens that a network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError, UsageError
from derin.core.fields import ANY, Among, Exactly, checked_form
from derin.core.messages import Message
from derin.data.codecs.base import Codec
from derin.data.codecs.padded import PaddedColumn
from derin.data.table import Rows, Table
from derin.data.text.casing import to_lower
from derin.data.text.encoder import TextEncoder
from derin.data.text.imported import imported_vectors, vectors_of
from derin.data.text.inputs import column_texts, is_single_text, padded, text_column, texts_of
from derin.data.text.vocabulary import Ids, Vocabulary
from derin.data.text.words import WordTokenizer

if TYPE_CHECKING:
    import torch

    from derin.data.text.vectors import WordVectors

# A text of this many tokens is a book; what comes after it is not read unless asked for.
_LONGEST = 100_000
# So many texts, from all over, show how long texts are.
_MEASURED_TEXTS = 2_000
_MOST_LONGEST = 1 << 24
# From so many texts on, a word that stands once becomes <UNK>, which is thereby learned.
_MANY_TEXTS = 500
# Imported words, the commonest as the files are sorted, that a vocabulary takes in beside those of the texts.
_MOST_VECTORS = 50_000


@dataclass(frozen=True, kw_only=True, eq=False)
class TextCodec(Codec):
    """Texts as rows of tokens.

    Args:
        column: of the texts.
        encoder: texts to numbers.
        length: the typical number of tokens, the mean of the training texts.
        max_length: of longer texts, the first so many tokens are read.
        vectors: the imported ones, while a network is built.

    Example:
        >>> from derin.data.schema import Column, Kind, Role, Schema
        >>> from derin.data.table import Ragged, Table
        >>> schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT),))
        >>> columns = {"text": Ragged.from_texts(["so good", "not so good"])}
        >>> table = Table(name="t", schema=schema, columns=columns, splits={"train": np.arange(2)})
        >>> codec = TextCodec.fit(table, np.arange(2))
        >>> codec.network_options(), codec.read(["good", "so bad"]).tolist()
        ({'vocabulary': 7}, [[4, 0], [5, 1]])
    """

    column: str
    encoder: TextEncoder
    length: int
    max_length: int = _LONGEST
    vectors: WordVectors | None = field(default=None, repr=False)
    kind: ClassVar[str] = "text"
    medium: ClassVar[str] = "texts"
    has_files: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.max_length <= _MOST_LONGEST:
            raise UsageError(f"TextCodec: max_length must lie in 1..{_MOST_LONGEST}; got {self.max_length}.")
        if not 1 <= self.length <= self.max_length:
            raise UsageError(f"TextCodec: length must lie in 1..{self.max_length}; got {self.length}.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextCodec) and self.to_json() == other.to_json() and self.files() == other.files()

    @property
    def batch_dtype(self) -> str:
        return "int64"

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that is read."""
        return (self.column,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Any number of tokens."""
        return (-1,)

    @property
    def typical_shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def pads(self) -> bool:
        return True

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        tokenizer: str = "words",
        max_size: int | None = None,
        min_count: int | None = None,
        lowercase: bool | None = None,
        language: str | None = None,
        max_length: int = _LONGEST,
        vectors: str | WordVectors | None = None,
    ) -> TextCodec:
        """Fits the vocabulary on the training texts.

        Args:
            table: with one input column of texts.
            rows: the training rows.
            tokenizer: words, characters, bytes, bpe or ngrams.
            max_size: of the vocabulary, the four special tokens included; None takes all (8,000 for bpe).
            min_count: rarer tokens are unknown; None is 2 for words of 500 texts and more, else 1.
            lowercase: whether small and capital letters are one; None: for words they are.
            language: code of the language for casing; None finds out whether it is Turkish, ``""`` is any other.
            max_length: of longer texts, the first so many tokens are read.
            vectors: word vectors that the network begins with, or the path of their file (word2vec or GloVe); for words
                only.

        Raises:
            DataError: the table has no single column of texts, or they are empty.
            UsageError: word vectors were given for tokens that are no words.
        """
        imported = imported_vectors(vectors, tokenizer, limit=_MOST_VECTORS)
        column = text_column(table)
        texts = column_texts(table, column, rows)
        if min_count is None:
            min_count = 2 if tokenizer == "words" and len(texts) >= _MANY_TEXTS else 1
        encoder = TextEncoder.fit(
            texts,
            tokenizer=tokenizer,
            max_size=max_size,
            min_count=min_count,
            lowercase=lowercase,
            language=language,
        )
        if imported is not None:
            encoder = _with_words(encoder, imported.words)
        some = texts[:: max(1, len(texts) // _MEASURED_TEXTS)]
        lengths = np.minimum(np.diff(encoder.encode(some).offsets), max_length)
        return cls(
            column=column,
            encoder=encoder,
            length=max(1, round(float(lengths.mean()))),
            max_length=max_length,
            vectors=imported,
        )

    def encode(self, table: Table) -> PaddedColumn:
        """The tokens of every text, cut to the longest that is read; the report says how many were cut."""
        tokens = self.encoder.encode(column_texts(table, self.column))
        num_longer = int((np.diff(tokens.offsets) > self.max_length).sum())
        if num_longer:
            note = Message("reading.longer_than", count=num_longer, longest=self.max_length)
            if note not in table.report.notes:
                table.report.notes.append(note)
        return PaddedColumn(tokens, self.max_length)

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one text."""
        return is_single_text(inputs, self.column)

    def read(self, inputs: Any) -> Ids:
        """The tokens of one text or several, padded at the right to the longest.

        Args:
            inputs: a text, a list of them, a row ``{column: text}`` or a list of rows.

        Shapes:
            → ``(B, T)`` int32.

        Raises:
            DataError: it holds no text.
        """
        return padded(self.encoder.encode(texts_of(inputs, self.column)), self.max_length)

    def count_unknown(self, inputs: Sequence[str]) -> tuple[int, int]:
        return self.encoder.count_unknown(inputs)

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        """As the whole numbers that an embedding takes."""
        return gathered.long()

    def network_options(self) -> dict[str, Any]:
        dim = {} if self.vectors is None else {"dim": self.vectors.dim}
        return {"vocabulary": len(self.encoder), **self.encoder.tokenizer.network_options, **dim}

    def embedding(self, seed: int) -> npt.NDArray[np.float32] | None:
        return vectors_of(self.encoder, self.vectors, seed)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "encoder": self.encoder.to_json(),
            "length": self.length,
            "longest": self.max_length,
        }

    def files(self) -> dict[str, bytes]:
        return self.encoder.files()

    @classmethod
    def from_json(cls, data: dict[str, Any], files: Mapping[str, bytes]) -> TextCodec:
        """What `to_json` and `files` gave.

        Raises:
            RefusedFileError: a field or a file is missing, unknown, or no sensible value.
        """
        form = {"kind": Among((cls.kind,)), "column": str, "encoder": ANY, "length": int, "longest": int}
        checked_form(data, Exactly(form), "The card's column of texts")
        try:
            return cls(
                column=data["column"],
                encoder=TextEncoder.from_json(data["encoder"], files),
                length=data["length"],
                max_length=data["longest"],
            )
        except UsageError as error:
            raise RefusedFileError(f"The card's column of texts is refused: {error}") from None


def _with_words(encoder: TextEncoder, words: tuple[str, ...]) -> TextEncoder:
    """The encoder with further words that have a vector, though no training text holds them."""
    known = encoder.vocabulary
    further = (
        word
        for word in words
        if word not in known and not (encoder.lowercase and to_lower(word, encoder.language) != word)
    )
    return replace(encoder, tokenizer=WordTokenizer(Vocabulary((*known.tokens, *further))))
