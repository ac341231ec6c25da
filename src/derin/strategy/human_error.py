"""The error of people on a task, measured by their own answers: a proxy of the error that nothing goes below.

Each reader's mistakes are counted against the labels; so are those of the majority, which several readers form. How far
readers agree beyond chance is kappa: Cohen's of two, Fleiss' of all. An answer "cannot tell" is a mistake, since it is
no answer, and counts as a class of its own where agreement is meant.

Source: A. Ng, "Machine Learning Yearning", 2018, chapters 33 to 35; J. Cohen, "A coefficient of agreement for nominal
scales", Educational and Psychological Measurement 20, 1960; J. L. Fleiss, "Measuring nominal scale agreement among many
raters", Psychological Bulletin 76, 1971.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError, UsageError
from derin.core.fields import Maybe, Required, checked_form
from derin.core.files import read_json, write_json
from derin.core.formats import checked_format
from derin.strategy.diagnosis import Measured
from derin.strategy.intervals import share_interval
from derin.tasks.metrics.intervals import Interval

Answers = npt.NDArray[np.int64]

# An answer of a reader who cannot tell.
CANNOT_TELL = -1
# The name of the level of all readers together.
MAJORITY = "majority"
# The file beside a run's record.
FILE = "human.json"
# From so many readers on there is a majority: two either agree or have none.
_FEWEST_FOR_MAJORITY = 3
_MOST_EXAMPLES = 10_000_000
_FORMAT = 1
_ERROR_FORM = {"num_examples": Required(int), "num_mistakes": Required(int)}
_FORM = {
    "data": str,
    "split": str,
    "readers": Required([{"name": Required(str), **_ERROR_FORM}]),
    "majority": Maybe(_ERROR_FORM),
    "agreement": [{"readers": [str], "num_examples": int, "kappa": Maybe(float), "low": float, "high": float}],
}


@dataclass(frozen=True, kw_only=True)
class ReaderError:
    """What one reader, or the majority, got wrong.

    Args:
        num_examples: that were answered.
        num_mistakes: answers that are not the label.
    """

    num_examples: int
    num_mistakes: int

    @property
    def measured(self) -> Measured:
        """The error with its interval, Wilson's."""
        return Measured.share(self.num_mistakes / self.num_examples, self.num_examples)

    def to_json(self) -> dict[str, Any]:
        error = self.measured
        counts = {"num_examples": self.num_examples, "num_mistakes": self.num_mistakes}
        return {**counts, "error": error.value, "low": error.low, "high": error.high}


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far readers agree on the examples that all of them answered.

    Args:
        readers: their names; two, or all.
        num_examples: that all of them answered.
        kappa: 1 where they always agree, 0 where they agree as often as by chance; None where all gave one and the
            same class throughout, so that chance explains everything.
        low, high: the 95 % interval of kappa.
    """

    readers: tuple[str, ...]
    num_examples: int
    kappa: float | None
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        return {
            "readers": list(self.readers),
            "num_examples": self.num_examples,
            "kappa": self.kappa,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, kw_only=True)
class HumanError:
    """The error of people on some data.

    Args:
        data: name of the data.
        split: of which the examples are.
        readers: by name.
        majority: of three readers or more, on what all of them answered; where no answer has most votes, it has none.
        agreement: of each two readers, and of all where they are more.
    """

    data: str
    split: str
    readers: Mapping[str, ReaderError]
    majority: ReaderError | None
    agreement: Sequence[Agreement]

    @property
    def levels(self) -> dict[str, Measured]:
        """The reference errors, by the name of the reader; `MAJORITY` is that of all together."""
        found = {name: reader.measured for name, reader in self.readers.items()}
        return found if self.majority is None else {**found, MAJORITY: self.majority.measured}

    def to_json(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "split": self.split,
            "readers": [{"name": name, **reader.to_json()} for name, reader in self.readers.items()],
            "majority": None if self.majority is None else self.majority.to_json(),
            "agreement": [each.to_json() for each in self.agreement],
        }

    def save(self, run: Path) -> Path:
        """Writes it beside the record of a run, where a diagnosis finds it.

        Raises:
            StorageError: it cannot be written.
        """
        write_json(run / FILE, {"format": _FORMAT, **self.to_json()})
        return run / FILE


def read_human_error(run: Path) -> HumanError | None:
    """What `HumanError.save` wrote beside a run; None where nothing was measured.

    Raises:
        RefusedFileError: the file is damaged.
    """
    path = run / FILE
    if not path.exists():
        return None
    where = f"The human error {path}"
    found = checked_form(checked_format(read_json(path), _FORMAT, where), _FORM, where)
    majority = found.get("majority")
    counted = {str(each["name"]): each for each in found["readers"]}
    if not counted or any(
        not 0 <= each["num_mistakes"] <= each["num_examples"] <= _MOST_EXAMPLES or each["num_examples"] < 1
        for each in [*counted.values(), *([majority] if majority else [])]
    ):
        raise RefusedFileError(f"{where} is refused: readers and their counts contradict each other; measure it anew.")

    def error(each: Mapping[str, Any]) -> ReaderError:
        return ReaderError(num_examples=each["num_examples"], num_mistakes=each["num_mistakes"])

    return HumanError(
        data=found.get("data", ""),
        split=found.get("split", ""),
        readers={name: error(each) for name, each in counted.items()},
        majority=error(majority) if majority else None,
        agreement=[
            Agreement(
                readers=tuple(each["readers"]),
                num_examples=each["num_examples"],
                kappa=each["kappa"],
                low=each["low"],
                high=each["high"],
            )
            for each in found.get("agreement", ())
        ],
    )


def human_error(answers: Mapping[str, Mapping[int, int]], truths: Answers, *, data: str, split: str) -> HumanError:
    """The errors of readers, and how far they agree.

    Args:
        answers: by reader, the class of each row that was answered, or `CANNOT_TELL`.
        truths: the class of each row of the table.
        data: name of the data.
        split: of which the rows are.

    Raises:
        UsageError: there is no answer.

    Example:
        >>> found = human_error({"a": {0: 1, 1: 0}, "b": {0: 1, 1: 1}}, np.array([1, 1]), data="d", split="val")
        >>> found.readers["a"].num_mistakes, found.levels["b"].value
        (1, 0.0)
    """
    answers = {name: given for name, given in answers.items() if given}
    if not answers:
        raise UsageError("At least one answer of one reader is required; the files hold none.")
    if MAJORITY in answers:
        raise UsageError(f"A reader is called {MAJORITY!r}, as all together are; take another name.")
    readers = {
        name: ReaderError(
            num_examples=len(given), num_mistakes=int(sum(truths[row] != said for row, said in given.items()))
        )
        for name, given in answers.items()
    }
    several = list(combinations(answers, 2))
    if len(answers) > 2:
        several.append(tuple(answers))  # type: ignore[arg-type]
    together = {names: _together([answers[name] for name in names]) for names in several}
    majority = None
    if len(answers) >= _FEWEST_FOR_MAJORITY:
        rows, said = together[several[-1]]
        if len(rows):
            missed = sum(_majority(votes) != truth for votes, truth in zip(said.T, truths[rows]))
            majority = ReaderError(num_examples=len(rows), num_mistakes=int(missed))
    return HumanError(
        data=data,
        split=split,
        readers=readers,
        majority=majority,
        agreement=[_agreement(names, said) for names, (rows, said) in together.items() if len(rows)],
    )


def cohen_kappa(first: Answers, second: Answers) -> tuple[float | None, Interval]:
    """Agreement of two readers beyond chance, and its 95 % interval.

    κ = (pₒ − pₑ) / (1 − pₑ), pₒ the share of examples on which they agree, pₑ = Σₖ p₁ₖ p₂ₖ what independent readers
    with their shares of the classes would agree on. The interval is Wilson's of pₒ, with pₑ taken as known, as in
    Cohen's own standard error; unlike that it is no point where they always agree.

    Args:
        first, second: classes.

    Shapes:
        both ``(N,)``.

    Example:
        >>> kappa, _ = cohen_kappa(np.array([0] * 25 + [1] * 25), np.array([0] * 20 + [1] * 5 + [0] * 10 + [1] * 15))
        >>> round(kappa, 6)
        0.4

    Source: J. Cohen, 1960.
    """
    classes, codes = np.unique(np.stack([first, second]), return_inverse=True)
    shares = [np.bincount(part, minlength=len(classes)) / len(first) for part in codes.reshape(2, -1)]
    return _kappa(float((first == second).mean()), float(shares[0] @ shares[1]), len(first))


def fleiss_kappa(answers: Answers) -> tuple[float | None, Interval]:
    """Agreement of several readers beyond chance, and its 95 % interval.

    κ = (P − Pₑ) / (1 − Pₑ), P the mean share of pairs of readers that agree on an example, Pₑ = Σₖ pₖ² with pₖ the
    share of class k among all answers. The interval is Wilson's of P on N examples, with Pₑ taken as known: rather too
    wide, since several pairs say more of an example than one.

    Args:
        answers: classes, one line for each reader.

    Shapes:
        ``(R, N)``.

    Example:
        >>> round(fleiss_kappa(np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 1, 0]]))[0], 4)
        0.6571

    Source: J. L. Fleiss, 1971.
    """
    num_readers, num = answers.shape
    classes, codes = np.unique(answers, return_inverse=True)
    codes = codes.reshape(answers.shape)
    counts = np.stack([(codes == k).sum(axis=0) for k in range(len(classes))], axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (num_readers * (num_readers - 1))
    shares = counts.sum(axis=0) / counts.sum()
    return _kappa(float(agreeing.mean()), float(shares @ shares), num)


def expected_interval(error: float, num: int) -> Interval:
    """The 95 % interval that is to be expected of so many examples, if the error is what it is taken for.

    Example:
        >>> low, high = expected_interval(0.05, 120)
        >>> round(low, 3), round(high, 3)
        (0.023, 0.105)
    """
    return share_interval(error * num, num)


def examples_for_width(width: float, error: float) -> int:
    """How many examples bring the 95 % interval of an error down to a width.

    Args:
        width: high − low.
        error: that is expected.

    Raises:
        UsageError: a number that is none of these.

    Example:
        >>> examples_for_width(0.1, 0.05)
        83
    """
    if not 0 < width < 1:
        raise UsageError(f"The width of an interval (--width) lies between 0 and 1; got {width}.")
    if not 0 <= error <= 1:
        raise UsageError(f"The error that is expected (--expect) lies between 0 and 1; got {error}.")

    def suffices(num: int) -> bool:
        low, high = expected_interval(error, num)
        return high - low <= width

    most = 1
    while not suffices(most):
        most *= 2
        if most > _MOST_EXAMPLES:
            raise UsageError(f"An interval of width {width} needs more than {_MOST_EXAMPLES:,} examples; ask for less.")
    fewest = most // 2  # does not suffice, or is 0
    while most - fewest > 1:
        middle = (fewest + most) // 2
        fewest, most = (fewest, middle) if suffices(middle) else (middle, most)
    return most


def _together(given: Sequence[Mapping[int, int]]) -> tuple[Answers, Answers]:
    """The rows that all of these readers answered, and what each said: ``(N,)``, ``(R, N)``."""
    rows = sorted(set.intersection(*(set(each) for each in given)))
    said = np.array([[each[row] for row in rows] for each in given], dtype=np.int64)
    return np.array(rows, dtype=np.int64), said.reshape(len(given), len(rows))


def _majority(votes: Answers) -> int:
    """The answer with most votes; that of nobody where several have as many."""
    classes, counts = np.unique(votes, return_counts=True)
    best = classes[counts == counts.max()]
    return int(best[0]) if len(best) == 1 else CANNOT_TELL


def _agreement(names: tuple[str, ...], said: Answers) -> Agreement:
    kappa, (low, high) = cohen_kappa(*said) if len(names) == 2 else fleiss_kappa(said)
    return Agreement(readers=names, num_examples=said.shape[1], kappa=kappa, low=low, high=high)


def _kappa(observed: float, expected: float, num: int) -> tuple[float | None, Interval]:
    beyond = 1 - expected
    if beyond < 1e-12:
        return None, (-1.0, 1.0)
    low, high = (max((bound - expected) / beyond, -1.0) for bound in share_interval(observed * num, num))
    assert math.isfinite(low)
    return (observed - expected) / beyond, (low, high)
