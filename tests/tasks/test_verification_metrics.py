"""Verification rates against scikit-learn, brute force over thresholds, SciPy's exact test and simulated samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

from derin.core.errors import DataError, UsageError
from derin.tasks.metrics.intervals import clopper_pearson
from derin.tasks.metrics.verification import (
    accuracy_at,
    auc,
    best_accuracy_threshold,
    equal_error_rate,
    k_fold_accuracy,
    open_set_rates,
    pair_distances,
    roc,
    threshold_at_fmr,
)


def pairs(seed: int, num: int = 157, decimals: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    same = draw.random(num) < 0.4
    distances = np.where(same, draw.normal(0.8, 0.25, num), draw.normal(1.2, 0.2, num)).clip(0, 2)
    return (distances if decimals is None else distances.round(decimals)).astype(np.float32), same


@pytest.mark.parametrize("decimals", [None, 1])  # one decimal: nearly every distance is tied
@pytest.mark.parametrize("seed", range(5))
def test_curve_and_area_are_those_of_scikit_learn(seed: int, decimals: int | None) -> None:
    distances, same = pairs(seed, decimals=decimals)
    curve = roc(distances, same)
    false, true, thresholds = roc_curve(same, -distances, drop_intermediate=False)
    np.testing.assert_allclose(curve.fmr, false, atol=1e-12)
    np.testing.assert_allclose(1 - curve.fnmr, true, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds[1:], -thresholds[1:].astype(np.float64))
    assert auc(distances, same) == pytest.approx(roc_auc_score(same, -distances), abs=1e-12)


@pytest.mark.parametrize("decimals", [None, 1])
def test_equal_error_rate_is_where_the_straight_pieces_of_the_curve_cross(decimals: int | None) -> None:
    distances, same = pairs(7, decimals=decimals)
    false, true, _ = roc_curve(same, -distances, drop_intermediate=False)
    steps = np.linspace(0, len(false) - 1, 400_001)  # along the curve, whose pieces may be vertical
    x, y = (np.interp(steps, np.arange(len(false)), rates) for rates in (false, 1 - true))
    expected = x[np.argmin(np.abs(x - y))]
    assert equal_error_rate(distances, same) == pytest.approx(expected, abs=1e-4)  # the grid's step


def test_perfect_reversed_and_constant_distances() -> None:
    same = np.array([True] * 3 + [False] * 4)
    assert equal_error_rate(np.arange(7), same) == 0
    assert equal_error_rate(-np.arange(7), same) == 1
    assert equal_error_rate(np.ones(7), same) == 0.5


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("seed", range(4))
def test_no_threshold_decides_more_pairs_rightly(seed: int, decimals: int | None) -> None:
    distances, same = pairs(seed, 60, decimals)
    best = best_accuracy_threshold(distances, same)
    everywhere = np.unique(np.concatenate([[-1.0, 3.0], distances, distances - 1e-6]))
    assert accuracy_at(distances, same, best) == max(((distances <= t) == same).mean() for t in everywhere)
    assert accuracy_at(distances.astype(np.float64), same, best) == accuracy_at(distances, same, best)


def test_best_threshold_of_one_kind_of_pair_accepts_all_or_none() -> None:
    assert accuracy_at([0.0, 0.3], [True, True], best_accuracy_threshold([0.0, 0.3], [True, True])) == 1
    assert accuracy_at([0.0, 0.3], [False, False], best_accuracy_threshold([0.0, 0.3], [False, False])) == 1


def test_folds_are_stretches_and_do_not_choose_their_own_threshold() -> None:
    distances, same = pairs(3, 53)
    folded = k_fold_accuracy(distances, same, folds=5)
    bounds = np.cumsum([0, 11, 11, 11, 10, 10])
    for fold, (start, stop) in enumerate(itertools.pairwise(bounds)):
        others = np.r_[0:start, stop:53]
        threshold = best_accuracy_threshold(distances[others], same[others])
        assert folded.thresholds[fold] == threshold
        assert folded.accuracies[fold] == ((distances <= threshold) == same)[start:stop].mean()
    assert folded.accuracy == pytest.approx(np.mean(folded.accuracies))
    assert folded.standard_error == pytest.approx(np.std(folded.accuracies, ddof=1) / np.sqrt(5))


@pytest.mark.parametrize(("num_right", "num"), [(0, 200), (3, 17), (17, 17), (1, 1), (250, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_exact_interval_is_that_of_scipy(num_right: int, num: int, confidence: float) -> None:
    expected = binomtest(num_right, num).proportion_ci(confidence, "exact")
    assert clopper_pearson(num_right, num, confidence) == pytest.approx((expected.low, expected.high), abs=1e-10)


@pytest.mark.parametrize("decimals", [None, 1])
def test_threshold_at_a_false_match_rate_is_the_largest_that_keeps_it(decimals: int | None) -> None:
    distances = pairs(1, decimals=decimals)[0]
    for fmr in (0.001, 0.05, 0.29, 0.5, 0.999):
        fit = threshold_at_fmr(distances, fmr)
        assert fit.fmr == np.mean(distances <= fit.threshold) <= fmr
        larger = distances[distances > fit.threshold].min()
        assert np.mean(distances <= larger) > fmr


@pytest.mark.parametrize("decimals", [None, 2])
@pytest.mark.parametrize("fmr", [0.004, 0.02, 0.2])
def test_interval_of_a_threshold_covers_its_true_rate_as_often_as_it_says(fmr: float, decimals: int | None) -> None:
    draw, num_covered, num_samples = np.random.default_rng(0), 0, 600
    population = draw.normal(1.2, 0.2, 200_000).astype(np.float32)
    population = np.sort(population if decimals is None else population.round(decimals))
    for sample in draw.choice(population, (num_samples, 300)):
        fit = threshold_at_fmr(sample, fmr)
        true = np.searchsorted(population, np.float32(fit.threshold), side="right") / len(population)
        num_covered += fit.low <= true <= fit.high
    # An exact interval covers at least 95 %; two standard deviations of 600 simulations are 1.8 %.
    assert num_covered / num_samples >= 0.95 - 0.018


def test_what_the_sample_can_not_show_is_said() -> None:
    distances = np.random.default_rng(2).normal(1.2, 0.2, 200)
    rare = threshold_at_fmr(distances, 1e-4)
    assert (rare.supported, rare.fmr, rare.num_impostors) == (False, 0, 200)
    assert rare.threshold < distances.min()
    assert rare.high == rare.smallest_fmr == pytest.approx(1 - 0.025 ** (1 / 200))
    assert threshold_at_fmr(distances, 0.05).supported
    # Two pairs nearer than the wanted rate allows, both equal: neither is accepted.
    assert threshold_at_fmr([0.1, 0.1, 0.5, 0.6], 0.25).fmr == 0


def test_open_set_rates_count_searches() -> None:
    draw = np.random.default_rng(4)
    known, right, unknown = draw.random(41), draw.random(41) < 0.8, draw.random(23) + 0.3
    rates = open_set_rates(known, right, unknown, 0.7)
    assert rates.fpir == sum(d <= 0.7 for d in unknown) / 23
    assert rates.fnir == sum(d > 0.7 or not r for d, r in zip(known, right)) / 41
    assert rates.misidentified == sum(d <= 0.7 and not r for d, r in zip(known, right)) / 41
    exact = binomtest(round(rates.fpir * 23), 23).proportion_ci(0.95, "exact")
    assert rates.fpir_interval == pytest.approx((exact.low, exact.high), abs=1e-10)
    assert np.isnan(open_set_rates([], [], unknown, 0.7).fnir)


def test_every_pair_has_its_distance() -> None:
    draw = np.random.default_rng(5)
    points, labels = draw.normal(size=(7, 3)).astype(np.float32), np.array(list("abacbba"))
    distances, same = pair_distances(points, labels)
    expected = [
        (np.linalg.norm(points[i] - points[j]), labels[i] == labels[j]) for i in range(7) for j in range(i + 1, 7)
    ]
    np.testing.assert_allclose(distances, [d for d, _ in expected], rtol=1e-6)  # float32
    assert same.tolist() == [s for _, s in expected]


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(DataError, match="got 2 same and 0 different"):
        roc([0.1, 0.2], [True, True])
    with pytest.raises(DataError, match="got nan at place 1"):
        equal_error_rate([0.1, float("nan")], [True, False])
    with pytest.raises(DataError, match="got 2 distances and 1 truths"):
        best_accuracy_threshold([0.1, 0.2], [True])
    with pytest.raises(UsageError, match="fmr must lie between 0 and 1; got 0"):
        threshold_at_fmr([0.1], 0)
    with pytest.raises(DataError, match="got none"):
        threshold_at_fmr([], 0.1)
    with pytest.raises(UsageError, match="from 2 to the number of pairs, 2; got 3"):
        k_fold_accuracy([0.1, 0.2], [True, False], folds=3)
