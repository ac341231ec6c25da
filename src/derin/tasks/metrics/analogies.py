"""How good word vectors are, measured on questions that people answered: analogies, and how alike two words are.

The rules are those of word2vec's own program as gensim keeps them, so that figures can be compared with published ones:
words are compared in capital letters, of several spellings the first counts, questions with an unknown word are left
out, and an answer is the nearest word that is not in the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.text.vectors import WordVectors
from derin.readers.decoding import lines_of, read_text
from derin.tasks.metrics.ranks import mean_ranks

_AMONG = 300_000  # the first so many words are known, as in gensim
_CANDIDATES = 5  # nearest words that are looked through for one that is not in the question
_AT_ONCE = 1_024  # questions
_DELIMITERS = "\t,;"


@dataclass(frozen=True)
class AnalogyGroup:
    """The questions of one kind.

    Args:
        name: of the group.
        correct: questions answered right.
        num: questions whose four words are known.
        num_asked: questions in the file.
    """

    name: str
    correct: int
    num: int
    num_asked: int

    @property
    def accuracy(self) -> float:
        """Share of right answers; NaN where no question could be asked."""
        return self.correct / self.num if self.num else float("nan")

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "correct": self.correct,
            "num": self.num,
            "num_asked": self.num_asked,
            "accuracy": self.accuracy,
        }


@dataclass(frozen=True)
class Similarity:
    """How well cosines follow what people say.

    Args:
        pearson: correlation of the numbers.
        spearman: correlation of their ranks.
        num: pairs whose words are both known.
        num_asked: pairs in the file.
    """

    pearson: float
    spearman: float
    num: int
    num_asked: int

    def to_json(self) -> dict[str, Any]:
        return {"pearson": self.pearson, "spearman": self.spearman, "num": self.num, "num_asked": self.num_asked}


def analogies(vectors: WordVectors, path: str | Path, *, among: int = _AMONG) -> list[AnalogyGroup]:
    """The questions of a file, group by group, and all of them together in the end.

    Args:
        vectors: the commonest words first.
        path: of a file like word2vec's ``questions-words.txt``: ``: name`` begins a group, each other line holds four
            words a b c d, of which d is asked for.
        among: only so many words, from the first on, are known.

    Raises:
        DataError: the file holds no questions.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "questions.txt"
        >>> _ = path.write_text(": family\\nman king woman queen\\nman boy woman girl\\n")
        >>> values = np.float32([[2, 1, 0], [2, -1, 0], [0, 1, 0], [0, -1, 0.1]])
        >>> analogies(WordVectors(("king", "queen", "man", "woman"), values), path)[0]
        AnalogyGroup(name='family', correct=1, num=1, num_asked=2)
    """
    names, questions = _questions(Path(path))
    rows = _rows_by_capitals(vectors.words[:among])
    group, known = [], []
    asked = [0] * len(names)
    for number, words in questions:
        asked[number] += 1
        found = [rows.get(word) for word in words]
        if None not in found:
            group.append(number)
            known.append(found)
    numbers = np.array(group, dtype=np.int64)
    right = _right(vectors, np.array(known, dtype=np.int64).reshape(-1, 4), rows, among)
    groups = [
        AnalogyGroup(name, int(right[numbers == i].sum()), int((numbers == i).sum()), asked[i])
        for i, name in enumerate(names)
    ]
    return [*groups, AnalogyGroup("all", int(right.sum()), len(right), sum(asked))]


def word_similarity(vectors: WordVectors, path: str | Path, *, among: int = _AMONG) -> Similarity:
    """The cosines of pairs of words beside what people say.

    Args:
        vectors: the commonest words first.
        path: of a file like WordSim-353: a pair of words and a number on each line, with tabs, commas or semicolons
            between; other lines are left out, such as a first line of names.
        among: only so many words, from the first on, are known.

    Raises:
        DataError: the file holds no pairs, or fewer than two of them can be asked.

    Source: L. Finkelstein et al., "Placing search in context: the concept revisited", 2002 (WordSim-353).
    """
    pairs = _pairs(Path(path))
    rows = _rows_by_capitals(vectors.words[:among])
    known = [(rows[a], rows[b], score) for a, b, score in pairs if a in rows and b in rows]
    if len(known) < 2:
        raise DataError(f"{path}: two pairs of known words are required; {len(known)} of {len(pairs):,} are known.")
    first, second = (np.array([pair[i] for pair in known], dtype=np.int64) for i in (0, 1))
    told = np.array([pair[2] for pair in known])
    cosines = (vectors.unit[first] * vectors.unit[second]).sum(axis=1).astype(np.float64)
    return Similarity(
        _correlation(told, cosines), _correlation(mean_ranks(told), mean_ranks(cosines)), len(known), len(pairs)
    )


def _right(
    vectors: WordVectors, questions: npt.NDArray[np.int64], rows: dict[str, int], among: int
) -> npt.NDArray[np.bool_]:
    """Whether each question is answered right.

    Shapes:
        questions ``(Q, 4)`` rows of the vectors → ``(Q,)``.
    """
    unit = vectors.unit[:among]
    # Each row's first spelling: words that differ in capitals only are one answer.
    spelling = np.fromiter((rows[word.upper()] for word in vectors.words[:among]), dtype=np.int64, count=len(unit))
    right = np.zeros(len(questions), dtype=bool)
    num = min(_CANDIDATES, max(len(unit) - 3, 1))
    for start in range(0, len(questions), _AT_ONCE):
        part = questions[start : start + _AT_ONCE]
        a, b, c, wanted = part.T
        scores = (unit[b] + unit[c] - unit[a]) @ unit.T
        np.put_along_axis(scores, part[:, :3], -np.inf, axis=1)
        nearest = np.argpartition(-scores, num - 1, axis=1)[:, :num]
        order = np.argsort(-np.take_along_axis(scores, nearest, axis=1), axis=1, kind="stable")
        candidates = spelling[np.take_along_axis(nearest, order, axis=1)]  # (Q, num)
        in_question = (candidates[:, :, None] == part[:, None, :3]).any(axis=2)
        # Where all of them are spellings of the question's own words, the last one stands.
        chosen = np.where(in_question.all(axis=1), num - 1, in_question.argmin(axis=1))
        right[start : start + len(part)] = candidates[np.arange(len(part)), chosen] == wanted
    return right


def _rows_by_capitals(words: Sequence[str]) -> dict[str, int]:
    """The first row of each word in capital letters."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word.upper(), row)
    return rows


def _questions(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of groups, and the four words of each question with its group's number."""
    names: list[str] = []
    questions: list[tuple[int, list[str]]] = []
    for line in lines_of(read_text(path).text):
        if line.startswith(":"):
            names.append(line.lstrip(": ").strip())
            continue
        words = line.upper().split()
        if len(words) == 4:
            if not names:
                names.append("questions")
            questions.append((len(names) - 1, words))
    if not questions:
        raise DataError(
            f"{path}: questions of four words on a line are required, with ': name' above each group; none is there."
        )
    return names, questions


def _pairs(path: Path) -> list[tuple[str, str, float]]:
    """Two words in capital letters and a number from each line that holds them."""
    pairs: list[tuple[str, str, float]] = []
    for line in lines_of(read_text(path).text):
        delimiter = next((mark for mark in _DELIMITERS if line.count(mark) == 2), None)
        if delimiter is None or line.startswith("#"):
            continue
        first, second, number = (part.strip() for part in line.split(delimiter))
        try:
            pairs.append((first.upper(), second.upper(), float(number)))
        except ValueError:
            continue  # the names of the columns
    if not pairs:
        raise DataError(
            f"{path}: two words and a number on a line, with tabs or commas between, are required; none is there."
        )
    return pairs


def _correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Pearson's; NaN where one side does not vary."""
    x, y = first - first.mean(), second - second.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size else float("nan")
