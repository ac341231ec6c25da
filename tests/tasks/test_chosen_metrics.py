"""Metrics by which networks are chosen, against scikit-learn and a bootstrap by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, fbeta_score

from derin.core.errors import UnknownNameError, UsageError
from derin.tasks.metrics.chosen import Answers, ChosenMetric

CLASSES = ("ant", "bee", "cat")


def some_answers(seed: int, *, num: int = 157, classes: tuple[str, ...] = CLASSES) -> Answers:
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(classes), num)
    answer = np.where(random.random(num) < 0.7, truth, random.integers(0, len(classes), num))
    return Answers(classes, truth, answer, {"country": random.choice(["br", "de", "tr"], num, p=[0.6, 0.3, 0.1])})


def f2_by_hand(truth: np.ndarray, answer: np.ndarray) -> float:
    scores = []
    for number in range(len(CLASSES)):
        right = np.sum((truth == number) & (answer == number))
        precision, recall = right / np.sum(answer == number), right / np.sum(truth == number)
        scores.append(5 * precision * recall / (4 * precision + recall))
    return float(np.mean(scores))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_is_scikit_learns(beta: float) -> None:
    several, two = some_answers(1), some_answers(2, classes=("no", "yes"))
    metric = ChosenMetric.parse(f"f_beta:beta={beta}")
    assert metric is not None
    assert metric.value(several) == pytest.approx(
        fbeta_score(several.truth, several.answer, beta=beta, average="macro"), abs=1e-12
    )
    assert metric.value(two) == pytest.approx(fbeta_score(two.truth, two.answer, beta=beta), abs=1e-12)
    if beta == 2.0:
        assert ChosenMetric.parse("f2") == metric


def test_a_costly_class_weighs_ten_times() -> None:
    answers = some_answers(3)
    metric = ChosenMetric.parse("weighted_error:bee=10")
    assert metric is not None
    weights = np.where(answers.truth == 1, 10.0, 1.0)
    wanted = 1 - accuracy_score(answers.truth, answers.answer, sample_weight=weights)
    assert metric.value(answers) == pytest.approx(wanted, abs=1e-12)


def test_the_mean_over_populations_counts_each_alike() -> None:
    answers = some_answers(4)
    right = answers.truth == answers.answer
    shares = [right[answers.groups["country"] == name].mean() for name in ("br", "de", "tr")]
    assert ChosenMetric.parse("accuracy:by=country").value(answers) == pytest.approx(np.mean(shares), abs=1e-12)
    assert ChosenMetric.parse("error:by=country").value(answers) == pytest.approx(1 - np.mean(shares), abs=1e-12)


def test_one_population_is_measured_alone() -> None:
    answers, metric = some_answers(4), ChosenMetric.parse("accuracy:by=country:de")
    here = answers.groups["country"] == "de"
    alone = Answers(CLASSES, answers.truth[here], answers.answer[here])
    assert metric.value(answers) == pytest.approx(accuracy_score(alone.truth, alone.answer), abs=1e-12)
    assert metric.interval(answers) == ChosenMetric("accuracy").interval(alone)
    with pytest.raises(UnknownNameError, match="value of the column 'country'"):
        ChosenMetric.parse("accuracy:by=country:fr").value(answers)


def test_intervals_are_those_of_drawing_the_examples() -> None:
    one = some_answers(5)
    other = replace(some_answers(6), truth=one.truth)
    metric = ChosenMetric.parse("f2")
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        rows = random.integers(0, len(one.truth), len(one.truth))
        scores = [f2_by_hand(a.truth[rows], a.answer[rows]) for a in (one, other)]
        drawn.append((scores[0], scores[0] - scores[1]))
    wanted = np.percentile(np.array(drawn), [2.5, 97.5], axis=0)
    # 1000 and 2000 draws of an interval some 0.15 wide: its ends scatter by 0.003 each.
    assert metric.interval(one) == pytest.approx(tuple(wanted[:, 0]), abs=0.015)
    assert metric.difference_interval(one, other) == pytest.approx(tuple(wanted[:, 1]), abs=0.02)


def test_settings_that_do_not_fit_are_refused_and_other_metrics_are_none_of_these() -> None:
    assert ChosenMetric.parse("loss") is None
    assert ChosenMetric.parse("f1_macro") is None
    for text in ("f_beta:beta=0", "weighted_error:bee=-1", "accuracy:bee=2", "f2:x"):
        with pytest.raises(UsageError, match="a setting that does not fit"):
            ChosenMetric.parse(text)
    with pytest.raises(UnknownNameError, match="There is no class named 'owl'"):
        ChosenMetric.parse("weighted_error:owl=10").value(some_answers(1))
    with pytest.raises(UnknownNameError, match="column of populations"):
        ChosenMetric.parse("accuracy:by=city").value(some_answers(1))


def test_a_population_that_a_resample_does_not_hold_leaves_the_mean_to_the_others() -> None:
    metric = ChosenMetric.parse("accuracy:by=country")
    assert metric is not None
    cells, answer = np.array([[0, 0, 1], [0, 1, 0]]), np.array([0, 0, 0])
    counts = np.array([[3.0, 1, 4], [3, 1, 0], [0, 0, 0]])
    found = metric._of(Answers(CLASSES, np.zeros(0, np.int64), np.zeros(0, np.int64), {}), cells, answer, counts)
    np.testing.assert_allclose(found, [(0.75 + 1) / 2, 0.75, np.nan])
