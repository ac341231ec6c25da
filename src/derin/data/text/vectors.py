"""Word vectors: words with a row of numbers each, asked for neighbors and analogies, and put into other networks.

The files in which word2vec and GloVe publish them are read and written by `data.text.vector_files`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, ShapeError, UsageError
from derin.core.files import open_atomically
from derin.core.messages import Message
from derin.data.report import DataReport, Outcome
from derin.data.text.vector_files import FORMS, parse_vectors, write_form

Floats = npt.NDArray[np.float32]

_SPECIAL = ("<PAD>", "<UNK>", "<BOS>", "<EOS>")  # no words: they count in no coverage
_NEAR = 3  # names that an error proposes


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and their vectors, the commonest word first where the order means anything.

    Args:
        words: each once.
        values: a row for each word, finite.
        report: what was skipped or noted while they were read.

    Shapes:
        values ``(N, D)`` float32.

    Raises:
        ShapeError: words and rows disagree in number.
        DataError: a word stands twice, or a number is not finite.

    Example:
        >>> vectors = WordVectors(("king", "queen", "man", "woman"), np.float32([[2, 1], [2, -1], [0, 1], [0, -1]]))
        >>> vectors.analogy("man", "king", "woman", num=1)[0][0], round(vectors.similarity("king", "man"), 4)
        ('queen', 0.4472)
    """

    words: tuple[str, ...]
    values: Floats
    report: DataReport = field(default_factory=DataReport)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.words) != len(self.values):
            raise ShapeError(
                f"WordVectors: a row for each of {len(self.words):,} words is required; got {self.values.shape}."
            )
        if len(self.index) != len(self.words):
            raise DataError("WordVectors: each word may stand once; some stand twice.")
        if not np.isfinite(self.values).all():
            raise DataError("WordVectors: numbers must be finite; some are NaN or infinite.")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> Floats:
        row: Floats = self.values[self.row(word)]
        return row

    def __repr__(self) -> str:
        return f"WordVectors({len(self.words):,} words, {self.dim} numbers each)"

    @property
    def dim(self) -> int:
        """Numbers per word."""
        return int(self.values.shape[1])

    @cached_property
    def index(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> Floats:
        """The vectors with length 1; a vector of zeros stays one, and is like no other."""
        lengths = np.linalg.norm(self.values, axis=1, keepdims=True)
        scaled: Floats = (self.values / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return scaled

    def row(self, word: str) -> int:
        """The row of a word.

        Raises:
            UsageError: it is not among the words; names those that are spelled alike.
        """
        found = self.index.get(word)
        if found is None:
            raise UsageError(f"The word {word!r} has no vector{self._clause(word)}")
        return found

    def similarity(self, first: str, second: str) -> float:
        """The cosine of the angle between two words, from −1 to 1: u · v / (|u| |v|)."""
        return float(self.unit[self.row(first)] @ self.unit[self.row(second)])

    def neighbors(
        self, word: str | npt.ArrayLike, num: int = 10, *, among: int | None = None
    ) -> list[tuple[str, float]]:
        """The words of the largest cosine with a word or a vector, best first; the word itself is left out.

        Args:
            word: one of the words, or a vector.
            num: how many.
            among: look at the first so many words only.

        Example:
            >>> WordVectors(("a", "b", "c"), np.float32([[1, 0], [1, 1], [0, 2]])).neighbors("a", num=1)
            [('b', 0.7071067690849304)]
        """
        if isinstance(word, str):
            row = self.row(word)
            return self._nearest(self.unit[row], (row,), num, among)
        direction = np.asarray(word, dtype=np.float32)
        if direction.shape != (self.dim,):
            raise ShapeError(
                f"WordVectors.neighbors: a vector of shape ({self.dim},) is required; got {direction.shape}."
            )
        return self._nearest(_unit(direction), (), num, among)

    def analogy(
        self, first: str, second: str, third: str, num: int = 5, *, among: int | None = None
    ) -> list[tuple[str, float]]:
        """What `third` is to as `second` is to `first`: ``analogy("man", "king", "woman")`` asks for the queen.

        The words v of the largest cos(v, b − a + c), of unit vectors a, b, c; the three themselves are left out.

        Source: T. Mikolov, W. Yih, G. Zweig, "Linguistic regularities in continuous space word representations", NAACL
            2013 (3CosAdd in O. Levy, Y. Goldberg, CoNLL 2014).
        """
        a, b, c = rows = tuple(self.row(word) for word in (first, second, third))
        return self._nearest(_unit(self.unit[b] + self.unit[c] - self.unit[a]), rows, num, among)

    def save(self, path: str | Path, form: str = "word2vec") -> int:
        """Writes the vectors; text keeps every bit of them. Words that the form cannot hold, for they have a space
        where words end in it, are left out.

        Args:
            path: of the file.
            form: ``"word2vec"`` (text), ``"word2vec-binary"`` or ``"glove"`` (text without a first line of sizes).

        Returns:
            how many words were left out.

        Raises:
            UsageError: there is no such form.
            DataError: the form can hold none of the words.
            StorageError: the file cannot be written.
        """
        if form not in FORMS:
            raise UsageError(f"Word vectors are written as one of {', '.join(FORMS)}; got form={form!r}.")
        with open_atomically(Path(path)) as file:
            return write_form(file, self.words, self.values, form)

    def _nearest(
        self, direction: Floats, without: Sequence[int], num: int, among: int | None
    ) -> list[tuple[str, float]]:
        if num < 1:
            raise UsageError(f"WordVectors: at least one word must be asked for; got num={num}.")
        scores = self.unit[:among] @ direction
        scores[[row for row in without if row < len(scores)]] = -np.inf
        kept = min(num, len(scores))
        best = np.argpartition(-scores, kept - 1)[:kept]
        best = best[np.lexsort((best, -scores[best]))]
        return [(self.words[row], float(scores[row])) for row in best if scores[row] > -np.inf]

    def _clause(self, word: str) -> str:
        """The end of the sentence that a word is missing."""
        for other in (word.lower(), word.replace("İ", "i").replace("I", "ı").lower(), word.capitalize(), word.upper()):
            if other in self.index:
                return f"; {other!r} has one."
        # Words with the same beginning only: comparing with all of a million would take minutes.
        alike = [known for known in self.words if known[:2] == word[:2]][:5_000]
        close = difflib.get_close_matches(word, alike, n=_NEAR)
        return f"; did you mean {' or '.join(map(repr, close))}?" if close else "; ask for one that the texts hold."


def read_vectors(path: str | Path, *, limit: int | None = None) -> WordVectors:
    """Word vectors from a file of word2vec (text or binary) or GloVe (text), plain or gzipped; the form is found out.

    A line that cannot be used (another number of values, a value that is no number, a word that is not UTF-8 or stands
    again) is skipped and listed in ``report``.

    Args:
        path: of the file.
        limit: read the first so many words only, which are the commonest as these files are sorted.

    Raises:
        DataError: the file is none of these, or holds nothing that can be used.
        RefusedFileError: the file is missing, or its first line promises more than it holds.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "small.txt"
        >>> _ = path.write_text("sea 0.5 1\\nship 0.25 -1\\n")
        >>> vectors = read_vectors(path)
        >>> vectors, vectors["ship"].tolist()
        (WordVectors(2 words, 2 numbers each), [0.25, -1.0])
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise UsageError(f"read_vectors: limit must be at least 1; got {limit}.")
    report = DataReport(source=str(path))
    words, values = parse_vectors(path, report, limit)
    vectors = WordVectors(words, values, report)
    for row in np.flatnonzero(~values.any(axis=1))[:_NEAR]:
        report.add(f"{path.name}, {words[row]!r}", Outcome.NOTED, Message("reading.all_zero"))
    return vectors


def embedding_matrix(vocabulary_tokens: Sequence[str], vectors: WordVectors, seed: int = 0) -> tuple[Floats, float]:
    """A first value for the embeddings of a network: the vectors of the tokens that have one.

    A token without a vector is looked for in lower case (also as Turkish writes it, I ↦ ı), else it gets normal random
    numbers with the mean and the spread of each column of the vectors, so that a network cannot tell it by its size.
    ``<PAD>`` is zero.

    Args:
        vocabulary_tokens: by number, the special ones included.
        vectors: as read from a file or trained.
        seed: of the random numbers.

    Shapes:
        ``(V, D)`` float32.

    Returns:
        the matrix, and the share of the tokens (special ones aside) that have a vector.

    Example:
        >>> vectors = WordVectors(("sea", "ship"), np.float32([[1, 2], [3, 4]]))
        >>> matrix, coverage = embedding_matrix(["<PAD>", "<UNK>", "Ship", "whale"], vectors)
        >>> matrix[[0, 2]].tolist(), coverage
        ([[0.0, 0.0], [3.0, 4.0]], 0.5)
    """
    from derin.core.seeds import generator

    index = vectors.index
    rows = np.array([_known(token, index) for token in vocabulary_tokens], dtype=np.int64)
    special = np.array([token in _SPECIAL for token in vocabulary_tokens], dtype=bool)
    rows[special] = -1
    mean, spread = vectors.values.mean(axis=0), vectors.values.std(axis=0)
    drawn = generator(seed, "embedding").standard_normal((len(rows), vectors.dim), dtype=np.float32)
    matrix = (mean + spread * drawn).astype(np.float32)
    matrix[rows >= 0] = vectors.values[rows[rows >= 0]]
    matrix[[token == "<PAD>" for token in vocabulary_tokens]] = 0
    num_words = int((~special).sum())
    return matrix, float((rows >= 0).sum()) / num_words if num_words else 0.0


def _known(token: str, index: dict[str, int]) -> int:
    """The row of a token as it is, else in lower case, else −1."""
    found = index.get(token)
    if found is None:
        found = index.get(token.lower())
    if found is None:
        found = index.get(token.replace("İ", "i").replace("I", "ı").lower())
    return -1 if found is None else found


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    scaled: Floats = (vector / length if length else vector).astype(np.float32)
    return scaled
