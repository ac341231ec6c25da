"""Confidence intervals against published numbers, theory, and the truth over many draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from derin.core.seeds import generator
from derin.tasks.metrics.counts import ClassCounts
from derin.tasks.metrics.intervals import around_auc, bootstrap, bootstrap_confusion, wilson
from derin.tasks.metrics.ranks import roc_auc, roc_auc_influence


def test_wilson_agrees_with_newcombes_published_examples() -> None:
    # R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
    for right, num, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert [round(bound, 4) for bound in wilson(right, num)] == [low, high]


def test_wilson_of_a_perfect_score_reaches_one_and_no_further() -> None:
    low, high = wilson(50, 50)
    assert (round(low, 3), high) == (0.929, 1.0)
    assert all(math.isnan(bound) for bound in wilson(0, 0))


def test_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(0).exponential(size=(400, 1))
    low, high = bootstrap(values, lambda means: {"mean": means[:, 0]})["mean"]
    half = 1.96 * values.std() / 20
    # A thousand resamples place a bound within about 5 % of the interval's width.
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_bootstrap_draws_groups_of_a_long_sorted_set_at_random() -> None:
    values = np.sort(np.random.default_rng(0).normal(size=(30_000, 1)), axis=0)
    low, high = bootstrap(values, lambda means: {"mean": means[:, 0]})["mean"]
    assert high - low == pytest.approx(2 * 1.96 / math.sqrt(30_000), rel=0.1)


def test_bootstrap_is_the_same_each_time() -> None:
    values = np.random.default_rng(0).normal(size=(30, 2))
    assert bootstrap(values, lambda m: {"x": m[:, 1]}) == bootstrap(values, lambda m: {"x": m[:, 1]})


def test_bootstrap_of_accuracy_from_cells_is_near_the_normal_interval() -> None:
    confusion = np.array([[80, 10, 0], [20, 60, 5], [0, 0, 0]])
    accuracy = lambda tables: {"accuracy": np.trace(tables, axis1=1, axis2=2) / tables.sum(axis=(1, 2))}  # noqa: E731
    low, high = bootstrap_confusion(confusion, accuracy)["accuracy"]
    half = 1.96 * math.sqrt(0.8 * 0.2 / 175)
    # Shares of 175 examples come in steps of 0.006.
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.012)


def test_auc_interval_has_deLongs_variance() -> None:
    random = np.random.default_rng(2)
    truth = random.uniform(size=60) < 0.4
    scores = np.round(random.normal(size=60) + truth, 1)  # rounded, so that there are ties
    positive, negative = scores[truth], scores[~truth]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = wins.mean(axis=1).var() / len(positive) + wins.mean(axis=0).var() / len(negative)
    influence = roc_auc_influence(scores, truth)
    assert np.square(influence).mean() / 60 == pytest.approx(variance)
    assert roc_auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    low, high = around_auc(wins.mean(), influence)
    assert 0 < low < wins.mean() < high < 1


@pytest.mark.parametrize("auc", [0.0, 1.0])
def test_auc_interval_of_perfect_order_is_a_point(auc: float) -> None:
    assert around_auc(auc, np.zeros(4)) == (auc, auc)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    covered = [low <= 0.9 <= high for low, high in (wilson(int(random.binomial(80, 0.9)), 80) for _ in range(500))]
    # 95 % of 500 with a standard error of 1 %, and Wilson's own unevenness of some 2 %.
    assert 0.91 < np.mean(covered) < 0.99


def test_macro_ignores_a_class_that_neither_occurs_nor_is_predicted() -> None:
    per = ClassCounts.of_confusion(np.array([[3, 0, 1], [0, 0, 0], [0, 0, 2]]))
    assert np.isnan(per.f1()[1])
    assert per.macro(per.f1()) == pytest.approx((6 / 7 + 4 / 5) / 2)


def test_bootstrap_is_that_of_means_drawn_one_by_one() -> None:
    values = np.random.default_rng(1).normal(size=(7, 2))
    seen: list[np.ndarray] = []
    found = bootstrap(values, lambda means: {"x": seen.append(means) or means[:, 1]})["x"]
    rows = generator(0, "bootstrap").integers(0, 7, size=(1000, 7))
    expected = np.array([values[chosen].mean(axis=0) for chosen in rows])
    np.testing.assert_allclose(seen[0], expected, atol=1e-12)
    assert found == pytest.approx(np.quantile(expected[:, 1], [0.025, 0.975]))


def test_a_resample_without_a_value_is_left_out() -> None:
    found = bootstrap(np.ones((3, 1)), lambda means: {"x": np.where(np.arange(1000) < 990, np.nan, 2.0)})
    assert found["x"] == (2.0, 2.0)
    assert all(math.isnan(b) for b in bootstrap(np.ones((3, 1)), lambda m: {"x": np.full(1000, np.nan)})["x"])
    assert bootstrap(np.ones((0, 1)), lambda means: {"x": means[:, 0]}) == {}
    assert bootstrap_confusion(np.zeros((2, 2)), lambda tables: {"x": tables[:, 0, 0]}) == {}


def test_auc_interval_is_symmetric_in_the_log_odds_and_never_leaves_its_range() -> None:
    influence = np.array([0.3, -0.1, 0.2, -0.4])
    low, high = around_auc(0.8, influence)
    error = math.sqrt((0.09 + 0.01 + 0.04 + 0.16) / 4 / 4)
    half = 1.959963984540054 * error / 0.16  # the derivative of the log odds is 1 / (p (1 − p))
    assert [math.log(p / (1 - p)) for p in (low, high)] == pytest.approx([math.log(4) - half, math.log(4) + half])
    assert around_auc(0.999, 1e3 * influence)[0] == 0.0
    assert all(math.isnan(b) for b in (*around_auc(math.nan, influence), *around_auc(0.5, np.zeros(0))))


def test_an_auc_with_one_score_that_is_no_number_or_of_one_kind_is_undefined() -> None:
    for scores, truth in (([0.1, math.nan, 0.7], [True, False, True]), ([0.1, 0.2], [True, True]), ([0.1], [False])):
        assert math.isnan(roc_auc(scores, truth))
        assert np.isnan(roc_auc_influence(scores, truth)).all()
