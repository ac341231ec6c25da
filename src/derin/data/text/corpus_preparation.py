"""Plain text on its way to word vectors: words, their counts, and stretches of text or pairs of words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.seeds import generator
from derin.core.strict_json import parse_json
from derin.data.batch import Source
from derin.data.preparation import Batching, Preparation
from derin.data.schema import Kind
from derin.data.table import Ragged, Rows, Table
from derin.data.text.corpus import Corpus, HuffmanTree, Ints, NegativeTable, keep_probabilities
from derin.data.text.corpus_source import CorpusSource
from derin.data.text.encoder import TextEncoder
from derin.data.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from derin.data.text.words import WordTokenizer

_COUNTS_FILE = "counts.json"
_TYPICAL_LENGTH = 16  # words that share their negative samples
_NUM_SPECIAL = len(SPECIAL_TOKENS)
# With fewer blank lines than this share of all, each line is a sentence; with more, they part the sentences.
_BLANK_SHARE = 0.05
_MOST_COUNTED = 1 << 53


@dataclass(frozen=True)
class EncodedRows:
    """The words of every row of a table.

    Args:
        corpus: of all rows, one behind the other.
        offsets: row i is from ``offsets[i]`` to before ``offsets[i + 1]``.

    Shapes:
        offsets ``(N + 1,)``.
    """

    corpus: Corpus
    offsets: Ints

    def of(self, rows: Rows) -> Corpus:
        """The words of some rows, in the order of these."""
        parts = [self.corpus.part(self.offsets[row], self.offsets[row + 1]) for row in rows.tolist()]
        if not parts:
            return self.corpus.part(0, 0)
        return Corpus(np.concatenate([p.tokens for p in parts]), np.concatenate([p.sentences for p in parts]))


@dataclass(frozen=True, kw_only=True, eq=False)
class CorpusPreparation(Preparation):
    """Words that occur often enough, in sentences; signs are no words.

    Args:
        column: with the texts.
        encoder: words to numbers.
        counts: how often each word occurs in the training text; 0 for the special ones.
        window: the largest distance of two words that have to do with one another.
        sample: share of the text beyond which a word is thinned out; 0 keeps all.
        power: of the counts, in the distribution of negative samples.
        hierarchical: whether words are predicted by a Huffman tree.

    Shapes:
        counts ``(V,)`` int64.

    Example:
        >>> from derin.data.schema import Column, Role, Schema
        >>> schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT),))
        >>> columns = {"text": Ragged.from_texts(["The sea is blue.\\nThe sky is blue, too."])}
        >>> table = Table(name="t", schema=schema, columns=columns, splits={})
        >>> preparation = CorpusPreparation.fit(table, np.array([0]), min_count=2)
        >>> sentences = preparation.encode_table(table).corpus.sentences
        >>> preparation.words, preparation.counts[4:].tolist(), sentences.tolist()
        (('blue', 'is', 'the'), [2, 2, 2], [0, 0, 0, 1, 1, 1])
    """

    column: str
    encoder: TextEncoder = field(repr=False)
    counts: Ints = field(repr=False)
    window: int
    sample: float = 1e-3
    power: float = 0.75
    hierarchical: bool = False

    kind: ClassVar[str] = "corpus"
    medium: ClassVar[str] = "texts"
    has_files: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.window <= 100:
            raise UsageError(f"Word vectors: window must lie between 1 and 100; got {self.window}.")
        if not (np.isfinite(self.sample) and self.sample >= 0):
            raise UsageError(f"Word vectors: sample must be a share of the text, 0 or more; got {self.sample}.")
        if not 0 <= self.power <= 2:
            raise UsageError(f"Word vectors: power must lie between 0 and 2; got {self.power}.")

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        min_count: int = 5,
        max_size: int | None = None,
        lowercase: bool | None = None,
        language: str | None = None,
        window: int = 5,
        sample: float = 1e-3,
        power: float = 0.75,
        hierarchical: bool = False,
    ) -> Self:
        """The words of the training text.

        Args:
            table: with one column of text.
            rows: of the training split.
            min_count: rarer words are left out.
            max_size: of the vocabulary; None takes all words that are left.
            lowercase: whether small and capital letters are one; None: they are.
            language: ``"tr"`` for Turkish letters; None finds out.
            window: see the class, as all that follow.
            sample: share of the text.
            power: of the counts.
            hierarchical: whether words are predicted by a tree.

        Raises:
            DataError: fewer than two different words are left.
        """
        if min_count < 1:
            raise UsageError(f"Word vectors: min_count must be at least 1; got {min_count}.")
        if max_size is not None and max_size < 2:
            raise UsageError(f"Word vectors: max_size must be at least 2 words; got {max_size}.")
        column = _text_column(table)
        texts = _texts(table, column, rows)
        every = TextEncoder.fit(texts, tokenizer="words", lowercase=lowercase, language=language)
        counts = np.bincount(every.encode(texts).flat, minlength=len(every))
        tokens = every.vocabulary.tokens
        is_word = [i >= _NUM_SPECIAL and any(map(str.isalnum, token)) for i, token in enumerate(tokens)]
        kept = np.flatnonzero(np.array(is_word) & (counts >= min_count))[:max_size]
        if len(kept) < 2:
            raise DataError(
                f"Table {table.name!r}: word vectors need two different words that occur {min_count} times each; "
                f"{len(kept)} of {sum(is_word):,} do. Give more text, or lower min_count."
            )
        vocabulary = Vocabulary.from_tokens(tokens[i] for i in kept)
        return cls(
            column=column,
            encoder=TextEncoder(WordTokenizer(vocabulary), every.lowercase, every.language),
            counts=np.concatenate([np.zeros(_NUM_SPECIAL, np.int64), counts[kept]]),
            window=window,
            sample=float(sample),
            power=float(power),
            hierarchical=hierarchical,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (_TYPICAL_LENGTH,)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that get a vector, the most frequent one first."""
        return self.encoder.vocabulary.tokens[_NUM_SPECIAL:]

    @property
    def block(self) -> int:
        """Words that share their negative samples: with windows that fit into it, a block is 16 words or more."""
        return max(16, 2 * self.window)

    @cached_property
    def predicted_by(self) -> NegativeTable | HuffmanTree:
        """What negative samples are drawn from, or the tree; special tokens have no place in either."""
        if not self.hierarchical:
            return NegativeTable.of(self.counts, self.power)
        tree = HuffmanTree.of(self.counts[_NUM_SPECIAL:])
        return HuffmanTree(
            np.pad(tree.nodes, ((_NUM_SPECIAL, 0), (0, 0))), np.pad(tree.signs, ((_NUM_SPECIAL, 0), (0, 0)))
        )

    def network_options(self) -> dict[str, Any]:
        return {"vocabulary": len(self.encoder), "window": self.window, "hierarchical": self.hierarchical}

    def encode_table(self, table: Table) -> EncodedRows:
        """The words of every row of the table."""
        if self.column not in table.columns:
            raise DataError(
                f"Table {table.name!r}: a column {self.column!r} of text is required; it has: "
                f"{', '.join(c.name for c in table.schema)}."
            )
        texts = _texts(table, self.column, np.arange(len(table)))
        sentences = [_sentences(text) for text in texts]
        encoded = self.encoder.encode([sentence for of_row in sentences for sentence in of_row])
        number = np.repeat(np.arange(len(encoded), dtype=np.int32), np.diff(encoded.offsets))
        known = encoded.flat >= _NUM_SPECIAL
        ends = np.cumsum([0, *map(len, sentences)])
        # How many known words stand before the first one of each row.
        before = np.concatenate([[0], np.cumsum(known)])
        return EncodedRows(Corpus(encoded.flat[known], number[known]), before[encoded.offsets[ends]])

    def source(
        self, encoded: EncodedRows, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        corpus = encoded.of(rows)
        if not len(corpus):
            raise DataError("Word vectors: a split without a single word of the vocabulary cannot be measured.")
        if batching.limit is not None and batching.limit < len(corpus):
            # One stretch of text: words without their neighbors teach nothing.
            first = int(generator(batching.seed, "limit").integers(0, len(corpus) - batching.limit + 1))
            corpus = corpus.part(first, first + batching.limit)
        return CorpusSource(
            corpus,
            batch_size=batching.batch_size,
            window=self.window,
            block=self.block,
            keep=keep_probabilities(self.counts, self.sample),
            predicted_by=self.predicted_by,
            seed=batching.seed,
            shuffle=batching.shuffle,
            device=batching.device,
        )

    def read(self, inputs: Any) -> npt.NDArray[np.int64]:
        """The numbers of a word or of a list of words.

        Shapes:
            ``(B, 1)``.

        Raises:
            DataError: these are no words, or one has no vector.
        """
        words = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise DataError(f"Word vectors are asked by a word or a list of words; got {type(inputs).__name__}.")
        numbers = self.encoder.encode(words)
        for word, start, end in zip(words, numbers.offsets, numbers.offsets[1:], strict=False):
            if end - start != 1 or numbers.flat[start] < _NUM_SPECIAL:
                raise DataError(
                    f"{word!r} is no word that occurs often enough in the training text; ask for another, or train "
                    "with a lower min_count."
                )
        return numbers.flat.astype(np.int64)[:, None]

    def is_single(self, inputs: Any) -> bool:
        return isinstance(inputs, str)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "encoder": self.encoder.to_json(),
            "window": self.window,
            "sample": self.sample,
            "power": self.power,
            "hierarchical": self.hierarchical,
        }

    def files(self) -> dict[str, bytes]:
        return {**self.encoder.files(), _COUNTS_FILE: json.dumps(self.counts.tolist()).encode()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """The preparation that `to_json` and `files` described.

        Raises:
            RefusedFileError: a field or a file is missing, unknown or of the wrong form.
        """
        names = {"kind", "column", "encoder", "window", "sample", "power", "hierarchical"}
        if not isinstance(data, Mapping) or set(data) != names:
            raise _refused(f"it must have the fields {', '.join(sorted(names))}", data)
        checks = {
            "column": isinstance(data["column"], str),
            "window": _is_number(data["window"]) and isinstance(data["window"], int),
            "sample": _is_number(data["sample"]),
            "power": _is_number(data["power"]),
            "hierarchical": isinstance(data["hierarchical"], bool),
        }
        for name, fits in checks.items():
            if not fits:
                raise _refused(f"the field {name!r} has a value of the wrong form", data[name])
        encoder = TextEncoder.from_json(data["encoder"], files)
        counts = parse_json(files.get(_COUNTS_FILE, b"null"), f"The file {_COUNTS_FILE}")
        if (
            not isinstance(counts, list)
            or len(counts) != len(encoder)
            or not all(type(count) is int and 0 <= count < _MOST_COUNTED for count in counts)
            or sum(count > 0 for count in counts) < 2
        ):
            raise _refused(f"{_COUNTS_FILE} must hold a count for each of {len(encoder)} words", counts)
        try:
            return cls(
                column=data["column"],
                encoder=encoder,
                counts=np.array(counts, dtype=np.int64),
                window=data["window"],
                sample=float(data["sample"]),
                power=float(data["power"]),
                hierarchical=data["hierarchical"],
            )
        except UsageError as error:
            raise _refused(str(error), data) from None


def _text_column(table: Table) -> str:
    found = [column.name for column in table.inputs if column.kind is Kind.TEXT]
    if len(found) != 1:
        raise DataError(
            f"Table {table.name!r}: word vectors are learned from one column of text; it has {len(found)}. Give a text "
            "file, a folder of them, or a table with such a column."
        )
    return found[0]


def _texts(table: Table, column: str, rows: Rows) -> list[str]:
    data = table.columns[column]
    if not isinstance(data, Ragged):
        raise DataError(f"Table {table.name!r}: the column {column!r} must hold text; it holds numbers.")
    return data.texts(rows)


def _sentences(text: str) -> Sequence[str]:
    """Parts that windows do not leave: between blank lines where a text has them, else lines."""
    lines = text.split("\n")
    blank = [not line.strip() for line in lines]
    if sum(blank[:-1]) <= _BLANK_SHARE * len(lines):
        return lines
    parts: list[list[str]] = [[]]
    for line, is_blank in zip(lines, blank, strict=True):
        if is_blank:
            parts.append([])
        else:
            parts[-1].append(line)
    return ["\n".join(part) for part in parts if part] or [""]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def _refused(rule: str, came: Any) -> RefusedFileError:
    return RefusedFileError(f"The card's corpus preparation is damaged: {rule}; got {str(came)[:80]!r}.")
