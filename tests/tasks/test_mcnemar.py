"""The paired comparison of two classifiers against scipy, published numbers and the truth over many draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from derin.core.errors import ShapeError
from derin.tasks.metrics.mcnemar import PairedComparison, compare_answers


@pytest.mark.parametrize(("first", "second"), [(12, 4), (4, 12), (0, 7), (30, 29), (411, 350), (5, 5)])
def test_the_exact_p_value_is_that_of_a_sign_test(first: int, second: int) -> None:
    comparison = PairedComparison(2_000, first, second)
    assert comparison.exact_p_value == pytest.approx(stats.binomtest(first, first + second).pvalue, rel=1e-9)


@pytest.mark.parametrize(("first", "second"), [(12, 4), (0, 7), (30, 29), (411, 350)])
def test_the_mid_p_value_counts_half_of_the_split_that_was_seen(first: int, second: int) -> None:
    distribution = stats.binom(first + second, 0.5)
    smaller = min(first, second)
    expected = 2 * distribution.cdf(smaller) - distribution.pmf(smaller)
    assert PairedComparison(2_000, first, second).p_value == pytest.approx(expected, rel=1e-9)


def test_published_example_of_airway_hyper_responsiveness() -> None:
    # Fagerland, Lydersen and Laake 2013: of 21 children before and after a transplantation, 1 and 7 changed.
    comparison = PairedComparison(21, 1, 7)
    assert round(comparison.exact_p_value, 4) == 0.0703
    assert round(comparison.p_value, 4) == 0.0391


def test_equal_counts_and_no_disagreement_tell_nothing() -> None:
    assert PairedComparison(10, 0, 0).p_value == PairedComparison(10, 0, 0).exact_p_value == 1.0
    assert PairedComparison(10, 3, 3).exact_p_value == 1.0
    assert PairedComparison(10, 3, 3).p_value == pytest.approx(1 - stats.binom(6, 0.5).pmf(3))
    assert math.isnan(PairedComparison(0, 0, 0).difference)
    assert all(math.isnan(bound) for bound in PairedComparison(0, 0, 0).interval())


def test_the_interval_mirrors_when_the_classifiers_change_places() -> None:
    low, high = PairedComparison(150, 21, 9).interval()
    assert PairedComparison(150, 9, 21).interval() == pytest.approx((-high, -low))
    assert -1.0 <= PairedComparison(1, 1, 0).interval()[0] <= PairedComparison(1, 1, 0).interval()[1] <= 1.0


def test_the_interval_holds_the_true_difference_in_ninety_five_of_a_hundred_draws() -> None:
    # 120 examples, of which 15 % are right for the first alone and 8 % for the second alone.
    drawn = np.random.default_rng(0).multinomial(120, [0.15, 0.08, 0.77], size=4_000)
    bounds = np.array([PairedComparison(120, int(b), int(c)).interval() for b, c, _ in drawn])
    share = ((bounds[:, 0] <= 0.07) & (bounds[:, 1] >= 0.07)).mean()
    assert 0.94 <= share <= 0.97


def test_answers_are_counted_against_a_loop() -> None:
    random = np.random.default_rng(1)
    first, second = random.random(57) < 0.8, random.random(57) < 0.7
    found = compare_answers(first, second)
    assert found.num_first_only == sum(bool(a and not b) for a, b in zip(first, second))
    assert found.num_second_only == sum(bool(b and not a) for a, b in zip(first, second))
    assert found.difference == pytest.approx(first.mean() - second.mean())
    assert found.to_json()["interval"] == list(found.interval())


def test_answers_of_different_examples_are_refused() -> None:
    with pytest.raises(ShapeError, match="same examples"):
        compare_answers([True, False], [True])
