"""Intervals of errors and of their differences, against published figures and in draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.strategy.intervals import (
    combined_difference,
    difference_interval,
    mcnemar,
    paired_difference_interval,
    share_interval,
)
from derin.tasks.metrics.intervals import Interval


def test_differences_of_independent_shares_agree_with_newcombes_published_examples() -> None:
    # Table II of the paper, method 10, examples (a) to (h).
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (6, 7, 2, 7): (0.0582, 0.8062),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (0, 10, 0, 20): (-0.1611, 0.2775),
        (0, 10, 0, 10): (-0.2775, 0.2775),
        (10, 10, 0, 20): (0.6791, 1.0),
        (10, 10, 0, 10): (0.6075, 1.0),
    }
    for counts, bounds in published.items():
        assert tuple(round(bound, 4) for bound in difference_interval(*counts)) == bounds


def _coverage(counts: list[tuple[int, ...]], interval: Callable[..., Interval], truth: float) -> float:
    """How many of the draws have an interval that holds the truth; equal draws are counted once."""
    drawn, times = np.unique(np.array(counts), axis=0, return_counts=True)
    held = [low <= truth <= high for low, high in (interval(*map(int, line)) for line in drawn)]
    return float(times[held].sum() / times.sum())


@pytest.mark.parametrize(
    ("error", "n", "other", "other_n"),
    [(0.10, 1000, 0.08, 5000), (0.11, 1000, 0.01, 10_000), (0.05, 400, 0.045, 400), (0.30, 200, 0.15, 800)],
)
def test_intervals_of_variance_hold_the_truth_in_95_percent_of_10000_draws(
    error: float, n: int, other: float, other_n: int
) -> None:
    random = generator(3, f"coverage {error}")
    drawn = list(zip(random.binomial(n, error, 10_000), random.binomial(other_n, other, 10_000)))
    found = _coverage(drawn, lambda a, b: difference_interval(a, n, b, other_n), error - other)
    assert 0.93 <= found <= 0.97, found


@pytest.mark.parametrize(("error", "n", "human"), [(0.08, 5000, 0.01), (0.15, 400, 0.0), (0.02, 3000, 0.005)])
def test_intervals_of_bias_above_a_known_error_hold_the_truth_in_95_percent_of_10000_draws(
    error: float, n: int, human: float
) -> None:
    drawn = [(k,) for k in generator(4, f"coverage {error}").binomial(n, error, 10_000)]

    def bias(errors: int) -> Interval:
        return combined_difference(errors / n, share_interval(errors, n), human, (human, human))

    found = _coverage(drawn, bias, error - human)
    assert 0.93 <= found <= 0.97, found


@pytest.mark.parametrize(
    ("first", "second", "n"), [(0.05, 0.03, 1000), (0.02, 0.02, 2000), (0.10, 0.04, 200), (0.01, 0.004, 5000)]
)
def test_intervals_of_paired_differences_hold_the_truth_in_95_percent_of_10000_draws(
    first: float, second: float, n: int
) -> None:
    random = generator(5, f"coverage {first}")
    drawn = random.multinomial(n, (first, second, 1 - first - second), size=10_000)[:, :2].tolist()
    found = _coverage(drawn, lambda a, b: paired_difference_interval(a, b, n), first - second)
    assert 0.93 <= found <= 0.97, found


def test_contradictory_counts_are_refused_in_a_sentence() -> None:
    for refused in (
        lambda: share_interval(5, 4),
        lambda: share_interval(0, 0),
        lambda: difference_interval(1, 10, 11, 10),
        lambda: paired_difference_interval(8, 8, 10),
        lambda: paired_difference_interval(-1, 2, 10),
        lambda: mcnemar(-1, 2),
    ):
        with pytest.raises(UsageError, match="got"):
            refused()
