"""Sentences of words to numbers: of each word its own and those of its characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.fields import Exactly, Maybe, Within, checked_form
from derin.data.codecs.base import Codec
from derin.data.codecs.padded import PaddedColumn
from derin.data.schema import Kind
from derin.data.table import Ragged, Rows, Table
from derin.data.tag_schemes import span_types
from derin.data.text.casing import TURKISH, looks_turkish
from derin.data.text.imported import imported_vectors
from derin.data.text.tagged_words import Fold, beginning, both_ends, cut_text, cuts_apostrophes
from derin.data.text.vocabulary import UNK, Vocabulary

if TYPE_CHECKING:
    from derin.data.text.vectors import WordVectors

Ids = npt.NDArray[np.int32]

_WORDS_FILE, _CHARACTERS_FILE = "words.json", "characters.json"
_MOST_CHARACTERS = 20  # of a word; of a longer one both ends are read
_RARE = 2  # a character that stands once in the training words is read as the unknown one
_MANY = 50_000  # training words from which on those that stand once are unknown: enough others are learned from
_MOST_VECTORS = 50_000  # imported words, the commonest as the files are sorted
_COUNT = Within(int, 1, 100_000_000)
# The fields of the card beside its kind, each with its form.
_CARD = {
    "column": str,
    "num_learned": _COUNT,
    "num_characters": Within(int, 1, _MOST_CHARACTERS),
    "language": Maybe(str),
    "cuts_apostrophes": bool,
    "num_tags": _COUNT,
    "marks_spans": bool,
}
_TYPICAL_WORDS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class WordsCodec(Codec):
    """Words in small letters with every digit as 0, and their first and last characters as they are.

    A word that is rare in training is looked up by its first five letters where several rare ones share them.

    Args:
        column: of the words.
        words: the vocabulary: words of the training sentences, beginnings of rare ones, then further words that have an
            imported vector.
        characters: of the training words.
        num_learned: so many of the words, the special ones included, come from the training sentences.
        num_characters: of each word that the network reads.
        language: ``"tr"`` where capital I is the capital of ı, else None.
        cuts_apostrophes: whether the training words have ``'s`` as a word of its own.
        num_tags: how many tags the sentences were tagged with.
        marks_spans: whether the tags are BIO.
        vectors: the imported ones, while a network is built.

    Example:
        >>> from derin.data.schema import Column, Role, Schema
        >>> schema = Schema((Column(name="words", kind=Kind.WORDS, role=Role.INPUT),
        ...                  Column(name="tags", kind=Kind.TAGS, role=Role.TARGET, classes=("O", "B-PER", "I-PER"))))
        >>> columns = {"words": Ragged.from_texts(["Ada\\nsleeps"]), "tags": Ragged(np.array([1, 0]), np.array([0, 2]))}
        >>> table = Table(name="t", schema=schema, columns=columns, splits={})
        >>> codec = WordsCodec.fit(table, np.array([0]))
        >>> codec.read("Ada sleeps.")[0, :, 0].tolist()
        [4, 5, 1]
    """

    column: str
    words: Vocabulary
    characters: Vocabulary
    num_learned: int
    num_characters: int
    language: str | None
    cuts_apostrophes: bool
    num_tags: int
    marks_spans: bool
    vectors: WordVectors | None = field(default=None, repr=False)

    kind: ClassVar[str] = "words"
    medium: ClassVar[str] = "texts"
    has_files: ClassVar[bool] = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WordsCodec) and self.to_json() == other.to_json() and self.files() == other.files()

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        min_count: int | None = None,
        vectors: str | WordVectors | None = None,
        language: str | None = None,
    ) -> WordsCodec:
        """Vocabularies of the training sentences.

        Args:
            table: with a column of words.
            rows: of the training split.
            min_count: a word that stands less often is unknown; None takes 2 where there are many words, else 1.
            vectors: word vectors, or the path of a file of word2vec or GloVe; their words become known beside those of
                the sentences.
            language: ``"tr"`` for Turkish small and capital letters; None finds it out, ``""`` is any other.

        Raises:
            DataError: the table holds no words with tags.
        """
        column, target = _word_column(table), table.target()
        flat = [word for sentence in _words(table, column, rows) for word in sentence]
        if language is None:
            language = TURKISH if looks_turkish(" ".join(flat)) else ""
        language = language or None
        fold = Fold(language, cuts_apostrophes(flat))
        folded = Counter(fold(word) for word in flat)
        least = (2 if len(flat) >= _MANY else 1) if min_count is None else min_count
        rare = Counter[str]()
        for word, count in folded.items():
            if count < least:
                rare[beginning(word)] += count
        frequent = {word: count for word, count in folded.items() if count >= least}
        known = Vocabulary.from_counts(
            {**frequent, **{start: count for start, count in rare.items() if count >= least}}
        )
        imported = imported_vectors(vectors, "words", limit=_MOST_VECTORS)
        words = () if imported is None else imported.words[:_MOST_VECTORS]
        further = (word for word in words if word not in known and fold(word) == word)
        vocabulary = known if imported is None else Vocabulary.from_tokens((*known.tokens[4:], *further))
        counts = Counter(character for word in flat for character in word)
        return cls(
            column=column,
            words=vocabulary,
            characters=Vocabulary.from_counts(counts, min_count=_RARE),
            num_learned=len(known),
            num_characters=max(1, min(_MOST_CHARACTERS, max(map(len, flat), default=1))),
            language=language,
            cuts_apostrophes=fold.cuts_apostrophes,
            num_tags=len(target.classes or ()),
            marks_spans=span_types(target.classes or ()) is not None,
            vectors=imported,
        )

    @property
    def batch_dtype(self) -> str:
        return "int64"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Any number of words; of each its own number, then those of its characters."""
        return (-1, 1 + self.num_characters)

    @property
    def typical_shape(self) -> tuple[int, ...]:
        return (_TYPICAL_WORDS, 1 + self.num_characters)

    @property
    def pads(self) -> bool:
        return True

    def network_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "vocabulary": len(self.words),
            "characters": len(self.characters),
            "bio": self.marks_spans,
        }
        if self.vectors is not None:
            options |= {"learned": self.num_learned, "imported_dim": self.vectors.dim}
        return options

    def embedding(self, seed: int) -> npt.NDArray[np.float32] | None:
        """The imported vector of every word, zeros where it has none; None where nothing was imported.

        Shapes:
            ``(vocabulary, D)``.
        """
        if self.vectors is None:
            return None
        index = self.vectors.index
        rows = np.fromiter((index.get(word, -1) for word in self.words.tokens), dtype=np.int64, count=len(self.words))
        rows[:4] = -1
        matrix = np.zeros((len(rows), self.vectors.dim), dtype=np.float32)
        matrix[rows >= 0] = self.vectors.values[rows[rows >= 0]]
        return matrix

    def encode(self, table: Table) -> PaddedColumn:
        """The numbers of every word of the table.

        Shapes:
            flat ``(words, 1 + characters)`` int32.
        """
        if self.column not in table.columns:
            raise DataError(
                f"Table {table.name!r}: a column {self.column!r} of words is required; it has: "
                f"{', '.join(c.name for c in table.schema)}."
            )
        words = table.columns[self.column]
        assert isinstance(words, Ragged)
        sentences = words.word_lists()
        offsets = np.concatenate([[0], np.cumsum([len(sentence) for sentence in sentences])]).astype(np.int64)
        return PaddedColumn(Ragged(self.numbers([word for sentence in sentences for word in sentence]), offsets))

    def numbers(self, words: Sequence[str]) -> Ids:
        """The numbers of words: of each its own, then those of its characters, padded at the right with 0.

        Shapes:
            → ``(N, 1 + characters)`` int32.
        """
        places: dict[str, int] = {}
        of_word = np.fromiter((places.setdefault(w, len(places)) for w in words), dtype=np.int64, count=len(words))
        distinct = np.zeros((len(places), 1 + self.num_characters), dtype=np.int32)
        folded = list(map(self._fold, places))
        known = self.words.encode(folded)
        starts = self.words.encode(list(map(beginning, folded)))
        distinct[:, 0] = np.where(known == UNK, starts, known)
        seen = [both_ends(word, self.num_characters) for word in places]
        lengths = np.array([len(word) for word in seen], dtype=np.int64)
        flat = self.characters.encode([character for word in seen for character in word])
        row = np.repeat(np.arange(len(seen)), lengths)
        place = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        distinct[row, 1 + place] = flat
        return distinct[of_word]

    def sentences(self, inputs: Any) -> list[list[str]]:
        """What a person hands over as sentences of words: a text is cut, a list of words is taken as it is.

        Args:
            inputs: a text, or a list of texts or of lists of words.
        """
        given = [inputs] if self.is_single(inputs) else inputs
        if not isinstance(given, list | tuple) or not all(isinstance(s, str | list | tuple) for s in given):
            raise UsageError(
                "Sentences are given as a text, a list of texts, or a list of lists of words; "
                f"got {type(inputs).__name__}."
            )
        found = [self.cut(s) if isinstance(s, str) else [str(word) for word in s] for s in given]
        for place, sentence in enumerate(found):
            if not sentence or not all(sentence):
                raise DataError(
                    f"Sentence {place}: at least one word is required, and no empty one; got {given[place]!r}."
                )
        return found

    def cut(self, text: str) -> list[str]:
        """A text as words, cut as those that were learned from; see `derin.data.text.tagged_words.cut_text`."""
        return cut_text(text, self._knows, cuts_apostrophes=self.cuts_apostrophes)

    @property
    def _fold(self) -> Fold:
        return Fold(self.language, self.cuts_apostrophes)

    def _knows(self, word: str) -> bool:
        return self.words.id_of(self._fold(word)) != UNK

    def read(self, inputs: Any) -> npt.NDArray[np.int32]:
        """Texts or lists of words as numbers, padded to the longest sentence.

        Shapes:
            ``(B, T, 1 + characters)``.
        """
        sentences = self.sentences(inputs)
        max_length = max(map(len, sentences), default=0)
        result = np.zeros((len(sentences), max_length, 1 + self.num_characters), dtype=np.int32)
        for row, sentence in enumerate(sentences):
            result[row, : len(sentence)] = self.numbers(sentence)
        return result

    def count_unknown(self, inputs: Sequence[str | Sequence[str]]) -> tuple[int, int]:
        words = [word for sentence in self.sentences(list(inputs)) for word in sentence]
        return int((self.numbers(words)[:, 0] == UNK).sum()), len(words)

    def to_model_input(self, gathered: Any) -> Any:
        return gathered.long()

    def is_single(self, inputs: Any) -> bool:
        return isinstance(inputs, str)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind} | {name: getattr(self, name) for name in _CARD}

    def files(self) -> dict[str, bytes]:
        return {_WORDS_FILE: self.words.to_bytes(), _CHARACTERS_FILE: self.characters.to_bytes()}

    @classmethod
    def from_json(cls, data: dict[str, Any], files: Mapping[str, bytes]) -> WordsCodec:
        """What `to_json` and `files` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        checked_form(data, Exactly({"kind": str, **_CARD}), "The card's column of words")
        for name in (_WORDS_FILE, _CHARACTERS_FILE):
            if name not in files:
                raise RefusedFileError(f"The bundle of a tagger must hold {name}; it is not there.")
        words = Vocabulary.from_bytes(files[_WORDS_FILE], _WORDS_FILE)
        characters = Vocabulary.from_bytes(files[_CHARACTERS_FILE], _CHARACTERS_FILE)
        if data["num_learned"] > len(words):
            raise RefusedFileError(
                f"The card's column of words is damaged: num_learned={data['num_learned']} of {len(words)} words."
            )
        return cls(words=words, characters=characters, **{name: data[name] for name in _CARD})


def _word_column(table: Table) -> str:
    found = [column.name for column in table.inputs if column.kind is Kind.WORDS]
    if len(found) != 1:
        told = ", ".join(f"{c.name} ({c.kind.value})" for c in table.schema)
        raise DataError(f"Table {table.name!r}: tagging needs one column of words; it has {told}.")
    return found[0]


def _words(table: Table, column: str, rows: Rows) -> list[list[str]]:
    data = table.columns[column]
    assert isinstance(data, Ragged)
    return data.word_lists(rows)
