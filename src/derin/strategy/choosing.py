"""Choosing among networks: one metric is optimized, any number of others have to be good enough.

Source: A. Ng, "Machine Learning Yearning", 2018, chapters 8 and 9 (optimizing and satisficing metrics).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derin.core.errors import UnknownNameError, UsageError
from derin.core.settings import read_value
from derin.strategy.numbers import number_text
from derin.strategy.record import is_number

_FORM = re.compile(r"\s*(?P<metric>[^<>]+?)\s*(?P<sign><=|>=)\s*(?P<bound>[^<>=]+?)\s*")


@dataclass(frozen=True)
class Constraint:
    """A satisficing metric: how much, or how little, of it is good enough.

    Args:
        metric: its name.
        bound: the last value that is good enough.
        at_most: whether less is good enough too; else more is.

    Example:
        >>> limit = Constraint.parse("latency_ms<=100")
        >>> limit.is_met_by(95.0), limit.is_met_by(1500.0), round(limit.shortfall(1500.0), 1)
        (True, False, 14.0)
    """

    metric: str
    bound: float
    at_most: bool = True

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Reads ``"latency_ms<=100"`` or ``"recall>=0.9"``.

        Raises:
            UsageError: the text has another form.
        """
        found = _FORM.fullmatch(text)
        bound = None if found is None else read_value(found["bound"], 0.0)
        if found is None or bound is None:
            raise UsageError(
                f'A constraint must be METRIC<=NUMBER or METRIC>=NUMBER, such as "latency_ms<=100"; got {text!r}.'
            )
        return cls(found["metric"], bound, found["sign"] == "<=")

    def is_met_by(self, value: float | None) -> bool:
        """Whether a value is good enough; one that is not known is not."""
        return is_number(value) and (value <= self.bound if self.at_most else value >= self.bound)

    def shortfall(self, value: float | None) -> float:
        """How far a value is from good enough, as a share of the bound; 0 where it is, infinite where none is known."""
        if not is_number(value):
            return float("inf")
        missing = value - self.bound if self.at_most else self.bound - value
        return max(0.0, missing) / (abs(self.bound) or 1.0)

    def __str__(self) -> str:
        return f"{self.metric}{'<=' if self.at_most else '>='}{self.bound:g}"


@dataclass(frozen=True)
class Goal:
    """The optimizing metric, and what has to be good enough beside it.

    Args:
        metric: the one number that is optimized.
        maximize: whether more of it is better.
        constraints: the satisficing metrics.
    """

    metric: str
    maximize: bool = True
    constraints: tuple[Constraint, ...] = ()

    @classmethod
    def of(cls, maximize: str | None, minimize: str | None, subject: Sequence[str]) -> Goal | None:
        """The goal that a person states; None where nothing is to be optimized.

        Raises:
            UsageError: both or, beside constraints, neither are named, or a constraint has another form.
        """
        if maximize is not None and minimize is not None:
            raise UsageError(
                f"One metric is optimized; got maximize={maximize!r} and minimize={minimize!r}. Make one of them a "
                'constraint, such as --subject "loss<=0.5".'
            )
        constraints = tuple(map(Constraint.parse, subject))
        metric = maximize if maximize is not None else minimize
        if metric is None and constraints:
            raise UsageError(
                f"Constraints ({', '.join(map(str, constraints))}) need a metric that is optimized beside them; name "
                "it: --maximize METRIC or --minimize METRIC."
            )
        return None if metric is None else cls(metric, maximize is not None, constraints)

    def better(self, first: float, second: float) -> bool:
        """Whether the first value is strictly better."""
        return first > second if self.maximize else first < second

    @property
    def metrics(self) -> tuple[str, ...]:
        """All names that it asks for, the optimized one first."""
        return tuple(dict.fromkeys((self.metric, *(each.metric for each in self.constraints))))

    def __str__(self) -> str:
        what = f"{'maximize' if self.maximize else 'minimize'} {self.metric}"
        return f"{what} subject to {', '.join(map(str, self.constraints))}" if self.constraints else what


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Args:
        name: of the candidate.
        admissible: the names of all that meet every constraint, the best first.
        pareto: the names of those that none of the others beats in one metric of the goal without losing in another.
    """

    name: str
    admissible: tuple[str, ...]
    pareto: tuple[str, ...] = field(default=())


def choose(candidates: Mapping[str, Mapping[str, float | None]], goal: Goal) -> Choice:
    """The candidate that is best in the optimized metric among those that meet every constraint.

    Of equally good ones the first is chosen.

    Args:
        candidates: metrics by name, of each candidate by its name.
        goal: what is asked for.

    Raises:
        UnknownNameError: no candidate has a metric that the goal names.
        UsageError: nothing meets the constraints; the sentence names what comes nearest.

    Example:
        >>> systems = {
        ...     "A": {"accuracy": 0.90, "latency_ms": 80.0},
        ...     "B": {"accuracy": 0.92, "latency_ms": 95.0},
        ...     "C": {"accuracy": 0.95, "latency_ms": 1500.0},
        ... }
        >>> choose(systems, Goal("accuracy", constraints=(Constraint.parse("latency_ms<=100"),))).name
        'B'
    """
    for metric in goal.metrics:
        if not any(is_number(numbers.get(metric)) for numbers in candidates.values()):
            raise UnknownNameError("metric", metric, {n for numbers in candidates.values() for n in numbers})
    measured = {name: numbers for name, numbers in candidates.items() if is_number(numbers.get(goal.metric))}
    met = {
        name: numbers
        for name, numbers in measured.items()
        if all(each.is_met_by(numbers.get(each.metric)) for each in goal.constraints)
    }
    if not met:
        raise UsageError(_nearest_miss(measured, goal))
    sign = -1.0 if goal.maximize else 1.0
    best = sorted(met, key=lambda name: sign * float(met[name][goal.metric] or 0.0))  # stable: the first of equal ones
    return Choice(best[0], tuple(best), pareto_front(measured, goal))


def pareto_front(candidates: Mapping[str, Mapping[str, float | None]], goal: Goal) -> tuple[str, ...]:
    """The candidates that no other one beats in one metric of a goal without losing in another.

    A satisficing metric counts in the direction of its constraint. Candidates that lack one of the metrics are left
    out.

    Example:
        >>> goal = Goal("accuracy", constraints=(Constraint("latency_ms", 100.0),))
        >>> pareto_front({"a": {"accuracy": 0.9, "latency_ms": 80}, "b": {"accuracy": 0.8, "latency_ms": 90}}, goal)
        ('a',)
    """
    signs = {each.metric: -1.0 if each.at_most else 1.0 for each in goal.constraints}
    signs[goal.metric] = 1.0 if goal.maximize else -1.0
    points = {
        name: tuple(sign * float(numbers[metric]) for metric, sign in signs.items())  # type: ignore[arg-type]
        for name, numbers in candidates.items()
        if all(is_number(numbers.get(metric)) for metric in signs)
    }
    return tuple(
        name
        for name, point in points.items()
        if not any(other != point and all(o >= p for o, p in zip(other, point)) for other in points.values())
    )


def _nearest_miss(candidates: Mapping[str, Mapping[str, float | None]], goal: Goal) -> str:
    """That nothing meets the constraints, and which candidate lacks least, by the largest share of a bound."""
    lacking = {
        name: max(each.shortfall(numbers.get(each.metric)) for each in goal.constraints)
        for name, numbers in candidates.items()
    }
    nearest = min(lacking, key=lambda name: lacking[name])
    missed = [
        f"{each.metric} {number_text(numbers) if is_number(numbers) else 'unknown'} (wanted {each})"
        for each in goal.constraints
        if not each.is_met_by(numbers := candidates[nearest].get(each.metric))
    ]
    return (
        f"None of the {len(candidates)} candidates meets {', '.join(map(str, goal.constraints))}; the nearest is "
        f"{nearest} with {', '.join(missed)}. Loosen the bound or add candidates."
    )
