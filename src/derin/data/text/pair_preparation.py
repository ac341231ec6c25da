"""From pairs of texts to two rows of token numbers each: what a network that translates reads and should say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.fields import ANY, Exactly, Listed, Within, checked_form
from derin.data.codecs.values import ValuesCodec
from derin.data.preparation import Batching, Preparation
from derin.data.schema import Kind, Role
from derin.data.source import TableSource
from derin.data.table import Ragged, Rows, Table
from derin.data.text.encoder import TextEncoder

_SOURCE, _TARGET, _SHARED = "source_", "target_", "shared_"
# Below so many words on average a side is a code or a number, which is read by characters.
_FEW_WORDS = 1.5
# One piece of a word for so many running words: 8,000 pieces from 400,000 words on.
_WORDS_PER_PIECE, _FEWEST_PIECES, _MOST_PIECES = 50, 500, 8_000
_MOST_TYPICAL = 64


@dataclass(frozen=True)
class PairHost:
    """The token numbers of all pairs of a table.

    Shapes:
        source, target: flat ``(total,)`` int32, offsets ``(N + 1,)``.
    """

    source: Ragged
    target: Ragged

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True)
class PairPreparation(Preparation):
    """Sources end with ``<EOS>``; targets begin with ``<BOS>`` and end with ``<EOS>``.

    Args:
        source_column: name of the column that is translated.
        target_column: name of the column with its translations.
        source_encoder: of the sources.
        target_encoder: of the targets; the same object where both share one vocabulary.
        max_length: tokens of a side; longer pairs are left out of training, and measured and translated all the same.
        typical: number of tokens of a source, for summaries.
    """

    source_column: str
    target_column: str
    source_encoder: TextEncoder
    target_encoder: TextEncoder
    max_length: int
    typical: int

    kind: ClassVar[str] = "pairs"
    medium: ClassVar[str] = "texts"
    has_files: ClassVar[bool] = True

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        tokenizer: str = "auto",
        max_size: int | None = None,
        shared: bool | None = None,
        lowercase: bool = False,
        min_count: int = 1,
        max_length: int = 256,
    ) -> PairPreparation:
        """Vocabularies of the training pairs.

        Args:
            table: with one text as input and one as target.
            rows: of the training split.
            tokenizer: ``"bpe"``, ``"words"``, ``"characters"`` or ``"bytes"``; ``"auto"`` takes characters where a side
                has hardly more than one word, else byte pairs where the extra `text` is installed, else words.
            max_size: of a vocabulary; None takes one byte pair for 50 running words, 500 to 8,000, and all words or
                characters.
            shared: whether both sides have one vocabulary, and so one embedding; None: all but words do.
            lowercase: whether small and capital letters are one, in what is read and in what is said.
            min_count: rarer words or characters are unknown.
            max_length: tokens of a side in training.

        Raises:
            DataError: the table holds no pairs of texts.
            UsageError: an option that cannot be.
        """
        if max_length < 2:
            raise UsageError(f"PairPreparation: max_length must be at least 2 tokens; got {max_length}.")
        columns = _text_columns(table)
        sources, targets = (_texts(table, name, rows) for name in columns)
        chosen = _tokenizer(sources, targets) if tokenizer == "auto" else tokenizer
        if chosen == "bpe" and max_size is None:
            num_words = sum(len(text.split()) for text in sources + targets)
            max_size = min(max(num_words // _WORDS_PER_PIECE, _FEWEST_PIECES), _MOST_PIECES)
        options: dict[str, Any] = {
            "tokenizer": chosen,
            "max_size": max_size,
            "lowercase": lowercase,
            "min_count": min_count,
        }
        if chosen != "words" if shared is None else shared:
            source_encoder = target_encoder = TextEncoder.fit(sources + targets, **options)
        else:
            source_encoder, target_encoder = (TextEncoder.fit(side, **options) for side in (sources, targets))
        lengths = np.diff(source_encoder.encode(sources[:1000], eos=True).offsets)
        return cls(
            source_column=columns[0],
            target_column=columns[1],
            source_encoder=source_encoder,
            target_encoder=target_encoder,
            max_length=max_length,
            typical=int(np.clip(np.median(lengths), 2, _MOST_TYPICAL)),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.source_column, self.target_column)

    @property
    def shared(self) -> bool:
        """Whether both sides have one vocabulary."""
        return self.source_encoder is self.target_encoder

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.typical,)

    def network_options(self) -> dict[str, Any]:
        return {"vocabulary": len(self.source_encoder), "shared": self.shared}

    def encode_table(self, table: Table) -> PairHost:
        """The numbers of every pair of a table."""
        sources, targets = (_texts(table, name, None) for name in self.columns)
        return PairHost(
            self.source_encoder.encode(sources, eos=True), self.target_encoder.encode(targets, bos=True, eos=True)
        )

    def read(self, inputs: Any) -> npt.NDArray[np.int64]:
        """A text, or a list of texts, as numbers, padded to the longest.

        Shapes:
            ``(B, S)``.

        Raises:
            UsageError: something else than texts.
            DataError: an empty text.
        """
        texts = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise UsageError(f"A text or a list of texts is translated; got {type(inputs).__name__}.")
        for place, text in enumerate(texts):
            if not text.strip():
                raise DataError(f"Text {place}: something to translate is required; got {text!r}.")
        found = self.source_encoder.encode([text.strip() for text in texts], eos=True)
        lengths = np.diff(found.offsets)
        padded = np.zeros((len(lengths), int(lengths.max(initial=0))), dtype=np.int64)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = found.flat
        return padded

    def count_unknown(self, texts: Sequence[str]) -> tuple[int, int]:
        """How many tokens of some sources the network does not know, and how many there are."""
        return self.source_encoder.count_unknown(texts)

    def is_single(self, inputs: Any) -> bool:
        return isinstance(inputs, str)

    def source(
        self, encoded: PairHost, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> TableSource:
        rows = np.asarray(rows)
        if batching.shuffle:
            lengths = np.maximum(np.diff(encoded.source.offsets), np.diff(encoded.target.offsets))[rows]
            rows = rows[lengths <= self.max_length]
            if not len(rows):
                raise DataError(
                    f"All training pairs are longer than {self.max_length} tokens; say max_length={max(lengths)}."
                )
        columns = {input_name: encoded.source, "target": encoded.target, **targets}
        return TableSource({name: ValuesCodec.of(name, values) for name, values in columns.items()}, rows, batching)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "source": self.source_encoder.to_json(),
            "target": None if self.shared else self.target_encoder.to_json(),
            "longest": self.max_length,
            "typical": self.typical,
        }

    def files(self) -> dict[str, bytes]:
        if self.shared:
            return self.source_encoder.files(_SHARED)
        return self.source_encoder.files(_SOURCE) | self.target_encoder.files(_TARGET)

    @classmethod
    def from_json(cls, data: dict[str, Any], files: Mapping[str, bytes]) -> PairPreparation:
        """What `to_json` and `files` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        number = Within(int, 1, 1_000_000)
        form = {
            "kind": str,
            "columns": Listed(str, 2, 2),
            "source": ANY,
            "target": ANY,
            "longest": number,
            "typical": number,
        }
        checked_form(data, Exactly(form), "The card's preparation of pairs")
        is_shared = data["target"] is None
        source = TextEncoder.from_json(data["source"], files, _SHARED if is_shared else _SOURCE)
        return cls(
            source_column=data["columns"][0],
            target_column=data["columns"][1],
            source_encoder=source,
            target_encoder=source if is_shared else TextEncoder.from_json(data["target"], files, _TARGET),
            max_length=data["longest"],
            typical=data["typical"],
        )


def _text_columns(table: Table) -> tuple[str, str]:
    found = [
        [column.name for column in table.schema if column.role is role and column.kind is Kind.TEXT]
        for role in (Role.INPUT, Role.TARGET)
    ]
    if any(len(names) != 1 for names in found):
        told = ", ".join(f"{c.name} ({c.kind.value}, {c.role.value})" for c in table.schema)
        raise DataError(f"Table {table.name!r}: translation needs one text as input and one as target; it has {told}.")
    return found[0][0], found[1][0]


def _texts(table: Table, name: str, rows: Rows | None) -> list[str]:
    data = table[name]
    if not isinstance(data, Ragged):
        raise DataError(f"Table {table.name!r}: the column {name!r} must hold texts; it holds {type(data).__name__}.")
    return data.texts(rows)


def _tokenizer(sources: list[str], targets: list[str]) -> str:
    for side in (sources, targets):
        if sum(len(text.split()) for text in side) < _FEW_WORDS * len(side):
            return "characters"
    return "bpe" if find_spec("tokenizers") else "words"
