"""One optimizing metric and satisficing ones: the course's example, the nearest miss, the Pareto front."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import UnknownNameError, UsageError
from derin.strategy.choosing import Constraint, Goal, choose, pareto_front

SYSTEMS = {
    "A": {"accuracy": 0.90, "latency_ms": 80.0},
    "B": {"accuracy": 0.92, "latency_ms": 95.0},
    "C": {"accuracy": 0.95, "latency_ms": 1500.0},
}


@pytest.mark.parametrize(("bound", "chosen"), [(100, "B"), (85, "A"), (2000, "C")])
def test_the_most_accurate_of_those_that_are_fast_enough_is_chosen(bound: float, chosen: str) -> None:
    choice = choose(SYSTEMS, Goal.of("accuracy", None, [f"latency_ms<={bound}"]))
    assert choice.name == chosen
    assert choice.pareto == ("A", "B", "C")


def test_without_constraints_the_best_is_chosen_and_of_equal_ones_the_first() -> None:
    assert choose(SYSTEMS, Goal.of(None, "latency_ms", [])).name == "A"
    equal = {"first": {"loss": 1.0}, "second": {"loss": 1.0}, "third": {"loss": None}}
    assert choose(equal, Goal.of(None, "loss", [])).admissible == ("first", "second")
    assert choose(equal, Goal.of("loss", None, [])).admissible == ("first", "second")


def test_where_nothing_is_good_enough_the_nearest_miss_is_named() -> None:
    with pytest.raises(
        UsageError, match=r"None of the 3 candidates meets latency_ms<=70, accuracy>=0\.91; the nearest"
    ):
        choose(SYSTEMS, Goal.of("accuracy", None, ["latency_ms<=70", "accuracy>=0.91"]))
    with pytest.raises(UsageError, match=r"the nearest is A with latency_ms 80 \(wanted latency_ms<=70\)"):
        choose(SYSTEMS, Goal.of("accuracy", None, ["latency_ms<=70"]))


def test_a_metric_that_does_not_exist_and_goals_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        choose(SYSTEMS, Goal.of("acuracy", None, []))
    with pytest.raises(UsageError, match="One metric is optimized"):
        Goal.of("accuracy", "loss", [])
    with pytest.raises(UsageError, match="need a metric that is optimized"):
        Goal.of(None, None, ["loss<=1"])
    for text in ("latency_ms", "latency_ms<=fast", "<=3", "a<=1<=2", "a<=nan"):
        with pytest.raises(UsageError, match="A constraint must be METRIC<=NUMBER"):
            Constraint.parse(text)


def test_the_pareto_front_is_that_of_the_definition() -> None:
    random = np.random.default_rng(7)
    points = {f"c{i}": dict(zip("abc", map(float, random.integers(0, 5, 3)))) for i in range(60)}
    goal = Goal("a", True, (Constraint("b", 2.0, at_most=True), Constraint("c", 2.0, at_most=False)))

    def beats(one: dict[str, float], other: dict[str, float]) -> bool:
        gains = [one["a"] - other["a"], other["b"] - one["b"], one["c"] - other["c"]]
        return min(gains) >= 0 and max(gains) > 0

    wanted = {n for n, p in points.items() if not any(beats(q, p) for q in points.values())}
    assert set(pareto_front(points, goal)) == wanted
