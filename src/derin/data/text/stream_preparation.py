"""The way from plain text to the streams that a language model reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError, UsageError
from derin.core.fields import ANY, Among, Exactly, Within, checked_form
from derin.core.seeds import generator
from derin.data.preparation import Batching, Preparation
from derin.data.table import Ragged, Rows, Table
from derin.data.text.encoder import TextEncoder
from derin.data.text.imported import imported_vectors, vectors_of
from derin.data.text.inputs import column_texts, is_single_text, padded, text_column, texts_of
from derin.data.text.stream import MeasuredStream, StreamSource
from derin.data.text.vocabulary import BOS, EOS, UNK, Ids

if TYPE_CHECKING:
    import torch

    from derin.data.batch import Source
    from derin.data.text.vectors import WordVectors

_MOST_WINDOW = 1 << 16
# So many tokens show what is known of the training text; more would cost as much as training on them.
_MOST_SAMPLED = 1 << 16
# The sample's pieces: many enough to see most of a text's files, long enough that their seams do not matter.
_PIECES = 16
# More words than this make the last layer of a network larger than all others together.
_MOST_WORDS = 10_000
# From so many characters on, a word that stands once becomes <UNK>, which is thereby learned.
_MANY_CHARACTERS = 50_000


@dataclass(frozen=True, kw_only=True)
class StreamPreparation(Preparation):
    """Texts as one long row of tokens.

    Characters, bytes and byte pairs follow the text as it is. Of words, each line that is not empty is a sentence and
    ends with ``<EOS>``.

    Args:
        column: of the texts.
        encoder: texts to numbers.
        window: tokens per stream and batch.
        context: tokens of each measured row that are seen and not measured; for networks that carry nothing from batch
            to batch.
        characters_per_token: of the training text, ends of sentences included.
        vectors: the imported ones, while a network is built.

    Example:
        >>> from derin.data.schema import Column, Kind, Role, Schema
        >>> schema = Schema((Column(name="text", kind=Kind.TEXT, role=Role.INPUT),))
        >>> columns = {"text": Ragged.from_texts(["ışık söndü, ışık yandı"])}
        >>> table = Table(name="t", schema=schema, columns=columns, splits={"train": np.array([0])})
        >>> preparation = StreamPreparation.fit(table, np.array([0]), window=5)
        >>> preparation.network_options(), preparation.encoder.decode(preparation.read("şık")[0])
        ({'vocabulary': 16}, 'şık')
    """

    column: str
    encoder: TextEncoder
    window: int = 128
    context: int = 0
    characters_per_token: float = 1.0
    vectors: WordVectors | None = field(default=None, repr=False, compare=False)
    kind: ClassVar[str] = "stream"
    medium: ClassVar[str] = "texts"
    has_files: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.window <= _MOST_WINDOW:
            raise UsageError(f"StreamPreparation: window must lie in 1..{_MOST_WINDOW}; got {self.window}.")
        if not 0 <= self.context < self.window:
            raise UsageError(
                f"StreamPreparation: context must lie in 0..{self.window - 1}, below the window; got {self.context}."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that is read."""
        return (self.column,)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The window; a network takes any number of tokens."""
        return (self.window,)

    @property
    def start_token(self) -> int:
        """What stands before the first token of a text: the end of a sentence, or a line feed."""
        if self.encoder.tokenizer.name == "words":
            return EOS
        line_feed = self.encoder.encode(["\n"]).flat
        return int(line_feed[0]) if len(line_feed) == 1 and line_feed[0] != UNK else BOS

    @classmethod
    def fit(
        cls,
        table: Table,
        rows: Rows,
        *,
        tokenizer: str = "characters",
        window: int = 128,
        context: int = 0,
        max_size: int | None = None,
        min_count: int | None = None,
        lowercase: bool = False,
        language: str | None = None,
        vectors: str | WordVectors | None = None,
    ) -> StreamPreparation:
        """Fits the vocabulary on the training texts.

        Args:
            table: with one input column of texts.
            rows: the training rows.
            tokenizer: characters, bytes, words or bpe.
            window: tokens per stream and batch.
            context: tokens of each measured row that are seen and not measured.
            max_size: of the vocabulary; None takes 10,000 words, 8,000 byte pairs, or every character.
            min_count: rarer tokens are unknown; None is 2 for the words of 50,000 characters and more, else 1.
            lowercase: whether small and capital letters are one.
            language: code of the language for casing; None finds out whether it is Turkish.
            vectors: word vectors that the network begins with, or the path of their file (word2vec or GloVe); for words
                only.

        Raises:
            DataError: the table has no single column of texts, or they are empty.
            UsageError: word vectors were given for tokens that are no words.
        """
        imported = imported_vectors(vectors, tokenizer)
        column = text_column(table)
        texts = column_texts(table, column, rows)
        by_words = tokenizer == "words"
        size = _MOST_WORDS if max_size is None and by_words else max_size
        if min_count is None:
            min_count = 2 if by_words and sum(map(len, texts)) >= _MANY_CHARACTERS else 1
        encoder = TextEncoder.fit(
            texts, tokenizer=tokenizer, max_size=size, min_count=min_count, lowercase=lowercase, language=language
        )
        num_tokens = len(_encoded(encoder, texts).flat)
        return cls(
            column=column,
            encoder=encoder,
            window=window,
            context=context,
            characters_per_token=sum(map(len, texts)) / num_tokens,
            vectors=imported,
        )

    def encode_table(self, table: Table) -> Ragged:
        """The tokens of every text."""
        return _encoded(self.encoder, column_texts(table, self.column))

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one text."""
        return is_single_text(inputs, self.column)

    def read(self, inputs: Any) -> Ids:
        """The tokens of one text or several, padded at the right to the longest; nothing is put before or after.

        Shapes:
            → ``(B, T)`` int32.
        """
        return padded(self.encoder.encode(texts_of(inputs, self.column)))

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        """As the whole numbers that an embedding takes."""
        return gathered.long()

    def network_options(self) -> dict[str, Any]:
        return {"vocabulary": len(self.encoder), **({} if self.vectors is None else {"dim": self.vectors.dim})}

    def embedding(self, seed: int) -> npt.NDArray[np.float32] | None:
        return vectors_of(self.encoder, self.vectors, seed)

    def source(
        self, encoded: Ragged, targets: Mapping[str, Any], rows: Rows, *, input_name: str, batching: Batching
    ) -> Source:
        """Streams through the texts of some rows, one after the other.

        Training sees a `StreamSource`, every measurement a `MeasuredStream`. A limit counts windows: so many (65,536
        tokens at most) are read, in pieces from all over the text whose places the seed draws. The batch's columns are
        ``input``, ``target`` and ``fresh``.

        Raises:
            UsageError: there are targets, or the input is to have another name.
        """
        if targets or input_name != "input":
            raise UsageError(
                f"A stream of text gives 'input' and 'target' itself; got the columns {', '.join(targets) or 'none'} "
                f"and the input name {input_name!r}."
            )
        tokens, start = encoded.take(np.asarray(rows, dtype=np.int64)).flat, self.start_token
        most = len(tokens)
        if batching.limit is not None:
            most = min(batching.limit * self.window, max(_MOST_SAMPLED, self.window))
        if most < len(tokens):
            first, pieces = _sampled(tokens, most, self.window, batching.seed)
            start, tokens = int(tokens[first - 1]) if first else start, pieces
        if batching.shuffle:
            return StreamSource(
                tokens,
                batch_size=batching.batch_size,
                window=self.window,
                seed=batching.seed,
                device=batching.device,
            )
        return MeasuredStream(
            tokens,
            start=start,
            batch_size=batching.batch_size,
            window=self.window,
            context=self.context,
            device=batching.device,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "column": self.column,
            "encoder": self.encoder.to_json(),
            "window": self.window,
            "context": self.context,
            "characters_per_token": self.characters_per_token,
        }

    def files(self) -> dict[str, bytes]:
        return self.encoder.files()

    @classmethod
    def from_json(cls, data: dict[str, Any], files: Mapping[str, bytes]) -> StreamPreparation:
        """The preparation that `to_json` and `files` described.

        Raises:
            RefusedFileError: a field or a file is missing, unknown, or no sensible value.
        """
        form = {
            "kind": Among((cls.kind,)),
            "column": str,
            "encoder": ANY,
            "window": int,
            "context": int,
            "characters_per_token": Within(float, above=0),
        }
        checked_form(data, Exactly(form), "The preparation of a stream")
        try:
            return cls(
                column=data["column"],
                encoder=TextEncoder.from_json(data["encoder"], files),
                window=data["window"],
                context=data["context"],
                characters_per_token=float(data["characters_per_token"]),
            )
        except UsageError as error:
            raise RefusedFileError(f"The preparation of a stream is refused: {error}") from None


def _encoded(encoder: TextEncoder, texts: list[str]) -> Ragged:
    """The tokens of every text, in words with the ends of sentences."""
    if encoder.tokenizer.name != "words":
        return encoder.encode(texts)
    lines = [[line for line in text.split("\n") if line.strip()] for text in texts]
    rows = encoder.encode([line for of_text in lines for line in of_text], eos=True)
    return Ragged(rows.flat, rows.offsets[np.cumsum([0, *map(len, lines)])])


def _sampled(tokens: Ids, most: int, window: int, seed: int) -> tuple[int, Ids]:
    """At most so many tokens as pieces of equal length, one from each part of the text, and the place of the first.

    A piece is a window or longer.

    A text is often made of files that differ: one piece would measure how well one of them is known.
    """
    length = max(-(-most // _PIECES), min(window, most))
    num = most // length
    part = len(tokens) // num
    places = np.arange(num) * part + generator(seed, "limit").integers(part - length + 1, size=num)
    return int(places[0]), tokens[(places[:, None] + np.arange(length)).reshape(-1)]
