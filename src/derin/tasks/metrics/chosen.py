"""One number by which networks are chosen, from their answers: F-beta, weighted error, means over populations.

Source: C. J. van Rijsbergen, "Information Retrieval", 2nd ed., 1979, chapter 7 (F-beta); A. Ng, "Machine Learning
    Yearning", 2018, chapters 8 to 11 (weighted error, averages over populations).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import UnknownNameError, UsageError
from derin.tasks.metrics.counts import ClassCounts, Floats
from derin.tasks.metrics.intervals import NUM_RESAMPLES, Interval, resampled_counts

Labels = npt.NDArray[np.int64]

_KINDS = ("accuracy", "error", "f_beta", "weighted_error")
_FORM = re.compile(r"(?P<name>[a-z_]+|f(?P<beta>\d+(?:\.\d+)?))(?::(?P<settings>.+))?")


@dataclass(frozen=True)
class Answers:
    """What a network answered to examples of which the truth is known.

    Args:
        classes: their names.
        truth: the number of each example's class.
        answer: that of the network's answer.
        groups: values of columns by which populations are told, by name.

    Shapes:
        truth, answer and each group ``(N,)``.
    """

    classes: tuple[str, ...]
    truth: Labels
    answer: Labels
    groups: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ChosenMetric:
    """A number that follows from how often each class was answered for each.

    ==================== ===============================================================================
    ``accuracy``         share of right answers
    ``error``            share of wrong ones
    ``f_beta``           (1 + β²) P R / (β² P + R): of two classes that of the second, else the mean over classes
    ``weighted_error``   Σ wᵢ [answerᵢ ≠ truthᵢ] / Σ wᵢ, where wᵢ is the cost of the example's true class
    ==================== ===============================================================================

    Args:
        kind: one of the table.
        beta: of ``f_beta``: how much more recall counts than precision.
        costs: of ``weighted_error``: of classes by name; all others cost 1.
        by: the column whose values are populations: the mean over them, each counting alike, whatever its size.
        population: the one of them that is measured, the others left out; None measures all.

    Example:
        >>> answers = Answers(("cat", "dog"), np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))
        >>> [round(ChosenMetric.parse(name).value(answers), 4) for name in ("error", "weighted_error:dog=10")]
        [0.25, 0.7692]
    """

    kind: str
    beta: float = 1.0
    costs: Mapping[str, float] = field(default_factory=dict)
    by: str | None = None
    population: str | None = None

    @classmethod
    def parse(cls, text: str) -> ChosenMetric | None:
        """Reads ``"f2"``, ``"f_beta:beta=0.5"``, ``"weighted_error:dog=10"``, ``"accuracy:by=country"`` or, of one
        population, ``"accuracy:by=country:Peru"``.

        Returns:
            None where the text names no such metric, as ``"loss"``.

        Raises:
            UsageError: it does, with a setting that does not fit.
        """
        found = _FORM.fullmatch(text)
        if found is None or (found["beta"] is None and found["name"] not in _KINDS):
            return None
        kind = found["name"] if found["beta"] is None else "f_beta"
        beta, costs, by, population = float(found["beta"] or 1.0), {}, None, None
        for setting in filter(None, (found["settings"] or "").split(",")):
            name, sign, said = setting.rpartition("=")
            if sign and name == "by":
                by, colon, one = said.partition(":")
                population = one if colon else None
                continue
            try:
                number = float(said)
            except ValueError:
                number = float("nan")
            if kind == "f_beta" and name == "beta" and number > 0:
                beta = number
            elif kind == "weighted_error" and name and number >= 0:
                costs[name] = number
            else:
                raise UsageError(
                    f"The metric {text!r} has a setting that does not fit: {setting!r}; write f_beta:beta=2, "
                    "weighted_error:CLASS=10, by=COLUMN or by=COLUMN:VALUE."
                )
        return cls(kind, beta, costs, by, population)

    @property
    def maximize(self) -> bool:
        """Whether more is better."""
        return self.kind in ("accuracy", "f_beta")

    def value(self, answers: Answers) -> float:
        """The number.

        Raises:
            UnknownNameError: there is no such class, or no such column.
        """
        cells, counts = self._cells(answers, (answers.answer,))
        return float(self._of(answers, cells, cells[2], counts[None].astype(np.float64))[0])

    def interval(self, answers: Answers) -> Interval:
        """Its 95 % percentile interval, by drawing examples with replacement."""
        cells, counts = self._cells(answers, (answers.answer,))
        return _percentiles(self._of(answers, cells, cells[2], resampled_counts(counts)))

    def difference_interval(self, first: Answers, second: Answers) -> Interval:
        """The 95 % percentile interval of its value for the first minus that for the second.

        Both answered the same examples in the same order, which are drawn with both answers.
        """
        cells, counts = self._cells(first, (first.answer, second.answer))
        drawn = resampled_counts(counts)
        return _percentiles(self._of(first, cells, cells[2], drawn) - self._of(second, cells, cells[3], drawn))

    def _cells(self, answers: Answers, given: Sequence[Labels]) -> tuple[npt.NDArray[np.int64], Labels]:
        """The different combinations of population, truth and answers, ``(2 + answers, cells)``, and their numbers."""
        if unknown := sorted(set(self.costs) - set(answers.classes)):
            raise UnknownNameError("class", unknown[0], answers.classes)
        if self.by is not None and self.by not in answers.groups:
            raise UnknownNameError("column of populations", self.by, answers.groups)
        groups = np.zeros(len(answers.truth), dtype=np.int64)
        if self.by is not None:
            names, groups = np.unique(answers.groups[self.by], return_inverse=True)
            groups = groups.reshape(-1)
        table = np.stack([groups, answers.truth, *given])
        if self.population is not None:
            if self.population not in names:
                raise UnknownNameError(f"value of the column {self.by!r}", self.population, list(map(str, names)))
            table = table[:, names[groups] == self.population]
        cells, counts = np.unique(table, axis=1, return_counts=True)
        return cells.astype(np.int64), counts.astype(np.int64)

    def _of(self, answers: Answers, cells: npt.NDArray[np.int64], answer: Labels, counts: Floats) -> Floats:
        """The metric of resamples that hold each cell so often.

        Shapes:
            cells ``(…, cells)``, answer ``(cells,)``, counts ``(R, cells)`` → ``(R,)``.
        """
        groups, truth = cells[0], cells[1]
        parts = []
        for group in np.unique(groups):
            here = groups == group
            parts.append(self._of_one(answers.classes, truth[here], answer[here], counts[:, here]))
        # A population that a resample does not hold says nothing there.
        together = np.stack(parts)
        known = ~np.isnan(together)
        sums = np.where(known, together, 0.0).sum(axis=0)
        return np.divide(sums, known.sum(axis=0), out=np.full(len(counts), np.nan), where=known.any(axis=0))

    def _of_one(self, classes: Sequence[str], truth: Labels, answer: Labels, counts: Floats) -> Floats:
        right = (truth == answer).astype(np.float64)
        if self.kind == "f_beta":
            num = len(classes)
            each = [np.eye(num)[truth] * right[:, None], np.eye(num)[answer], np.eye(num)[truth]]
            per = ClassCounts(*(counts @ part for part in each))
            scores = per.f_beta(self.beta)
            return np.asarray(scores[:, 1] if num == 2 else per.macro(scores), dtype=np.float64)
        costs = np.array([self.costs.get(name, 1.0) for name in classes])[truth]
        whole = counts @ costs
        wrong = counts @ (costs * (1 - right))
        error = np.divide(wrong, whole, out=np.full(len(counts), np.nan), where=whole > 0)
        return 1 - error if self.kind == "accuracy" else error


def _percentiles(values: Floats) -> Interval:
    defined = values[~np.isnan(values)]
    if len(defined) < NUM_RESAMPLES / 2:
        return (float("nan"), float("nan"))
    low, high = np.percentile(defined, [2.5, 97.5])
    return (float(low), float(high))
