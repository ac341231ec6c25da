"""Differences between sets of examples: found where they were made, and seldom cried where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

import derin
from derin.core.errors import UsageError
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.strategy.drift import compare_features, drift_between, holm, two_sample_test
from derin.strategy.time_leak import time_leak


@pytest.mark.parametrize("num", [80, pytest.param(1_000, marks=pytest.mark.slow)])
def test_alarms_are_false_in_no_more_than_five_of_a_hundred_cases(num: int) -> None:
    drawn = np.random.default_rng(0)
    alarms = np.zeros(2)
    for seed in range(num):
        # Correlated, with heavy tails, rounded to few values in one column, and missing in another.
        values = drawn.standard_t(3, size=(80, 4)) @ drawn.normal(size=(4, 4))
        values[:, 0] = np.round(values[:, 0])
        first, second = values[:40], values[40:]
        alarms[0] += two_sample_test(first, second, seed=seed)[1] <= 0.05
        named = [{str(i): part[:, i] for i in range(4)} for part in (first, second)]
        alarms[1] += min(feature.adjusted for feature in compare_features(*named)) <= 0.05
    # At a true rate of 5 % the share has this standard deviation; three of them are allowed.
    assert (alarms / num <= 0.05 + 3 * (0.05 * 0.95 / num) ** 0.5).all()


@pytest.mark.parametrize("kind", ["mean", "variance", "correlation"])
def test_a_difference_of_any_kind_is_found(kind: str) -> None:
    drawn = np.random.default_rng(1)
    first, second = drawn.normal(size=(2, 600, 3))
    if kind == "mean":
        second[:, 1] += 0.6
    elif kind == "variance":
        second[:, 2] *= 2.5
    else:
        second[:, 1] = 0.8 * second[:, 0] + 0.6 * second[:, 1]
    auc, p_value = two_sample_test(first, second)
    assert p_value <= 0.01
    assert auc > 0.55


def test_features_are_compared_as_scipy_compares_them() -> None:
    drawn = np.random.default_rng(2)
    numbers, categories = drawn.normal(size=(2, 300)), drawn.integers(0, 4, size=(2, 300))
    numbers[1, :100] += 2
    found = compare_features({"n": numbers[0], "c": categories[0]}, {"n": numbers[1], "c": categories[1]})
    by_name = {feature.name: feature for feature in found}
    ks = ks_2samp(*numbers, method="asymp")
    assert (by_name["n"].statistic, by_name["n"].p_value) == (ks.statistic, ks.pvalue)
    counts = np.stack([np.bincount(part) for part in categories])
    assert by_name["c"].p_value == pytest.approx(chi2_contingency(counts, correction=False).pvalue)
    assert [feature.name for feature in found] == ["n", "c"]


def test_rare_categories_are_counted_together() -> None:
    one, other = np.repeat([0, 1, 2, 3], [60, 36, 2, 2]), np.repeat([0, 1, 4, 5], [58, 36, 3, 3])
    (found,) = compare_features({"c": one}, {"c": other})
    expected = chi2_contingency([[60, 36, 4], [58, 36, 6]], correction=False)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_holm_is_its_definition() -> None:
    values = [0.2, 0.001, 0.04, 0.011, 0.9]
    ordered = sorted(values)
    expected = [min(1.0, max((len(values) - j) * ordered[j] for j in range(ordered.index(p) + 1))) for p in values]
    assert holm(values) == pytest.approx(expected)
    assert holm([]) == []


def test_texts_of_other_words_and_rows_of_another_place_are_told_apart() -> None:
    texts = [f"the cat sat on mat {i % 7}" for i in range(100)] + [f"a dog ran to mat {i % 7}" for i in range(100)]
    schema = Schema((Column(name="x", kind=Kind.TEXT, role=Role.INPUT),))
    table = Table(name="t", schema=schema, columns={"x": Ragged.from_texts(texts)}, splits={})
    drift = drift_between(table, np.arange(100), np.arange(100, 200))
    assert drift is not None
    assert drift.is_found
    same = drift_between(table, np.arange(0, 200, 2), np.arange(1, 200, 2))
    assert same is not None
    assert not same.is_found
    assert drift_between(table, np.arange(10), np.arange(100, 200)) is None


def test_pictures_that_were_darkened_differ_in_brightness() -> None:
    table = derin.load("digits")
    picture = table.inputs[0].name
    values = np.array(table.columns[picture].values)
    val = table.splits["val"]
    values[val] //= 2
    changed = Table(
        name="d", schema=table.schema, columns={**table.columns, picture: Dense(values)}, splits=table.splits
    )
    drift = drift_between(changed, table.splits["train"], val)
    assert drift is not None
    assert drift.is_found
    assert "brightness" in [str(feature.name) for feature in drift.features if feature.adjusted <= 0.05]
    sound = drift_between(table, table.splits["train"], val)
    assert sound is not None
    assert not sound.is_found


def test_a_time_leak_is_found_where_neighbors_are_in_training_and_nowhere_else() -> None:
    drawn = np.random.default_rng(3)
    days = np.arange(600.0)
    walk = np.cumsum(drawn.normal(size=600))
    at_random, by_time = drawn.permutation(600), np.arange(600)
    for classes in (False, True):
        target = (walk > np.median(walk)).astype(np.int64) if classes else walk
        cut = [time_leak(days[o[:400]], target[o[:400]], days[o[400:]], target[o[400:]]) for o in (at_random, by_time)]
        noise = drawn.permutation(target)
        calm = time_leak(days[at_random[:400]], noise[:400], days[at_random[400:]], noise[400:])
        assert [each is not None and each.is_found for each in (*cut, calm)] == [True, False, False]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="two_sample_test"):
        two_sample_test(np.zeros((30, 2)), np.zeros((30, 3)))
    with pytest.raises(UsageError, match="two_sample_test"):
        two_sample_test(np.zeros((19, 2)), np.zeros((30, 2)))
