"""Thresholds against a search through all of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from tests.tasks.task_tables import TABLES

from derin.core.errors import DerinWarning, UnknownNameError, UsageError
from derin.tasks.detection import Detection
from derin.tasks.inference import infer_task
from derin.tasks.thresholds import CRITERIA, best_threshold, choose_thresholds, decide_by

SCORES = {
    "f1": lambda truth, yes: oracle.f1_score(truth, yes, zero_division=0),
    "accuracy": oracle.accuracy_score,
    "balanced_accuracy": oracle.balanced_accuracy_score,
}


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_is_better(criterion: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.uniform(size=41) < 0.2
    probabilities = np.round(np.clip(0.3 * random.normal(size=41) + 0.3 * truth + 0.2, 0, 1), 2)
    chosen = best_threshold(probabilities, truth, criterion)
    every = [SCORES[criterion](truth, probabilities >= t) for t in np.append(0.0, np.linspace(0, 1, 101) + 0.001)]
    assert SCORES[criterion](truth, probabilities >= chosen) == pytest.approx(max(every))


def test_half_is_kept_where_it_is_as_good_as_any() -> None:
    assert best_threshold(np.array([0.2, 0.9]), np.array([False, True])) == 0.5
    assert best_threshold(np.array([0.2, 0.9]), np.array([True, True])) == 0.5
    assert best_threshold(np.array([0.2, 0.9]), np.array([False, False])) == 0.5


def test_certainty_is_always_yes() -> None:
    chosen = best_threshold(np.array([1.0, 1.0, 1.0]), np.array([False, False, True]), "accuracy")
    assert chosen == 0.5  # saying no would be better, and no threshold does


def test_task_decides_by_the_chosen_threshold() -> None:
    task = infer_task(TABLES["binary"])
    yes = torch.tensor([0.1, 0.2, 0.35, 0.4])
    outputs = {"probabilities": torch.stack([1 - yes, yes], dim=1)}
    choose_thresholds(task, outputs, torch.tensor([0.0, 0.0, 0.5, 1.0]))  # half a yes counts as one
    assert [answer.to_json()["label"] for answer in task.decode(outputs)] == ["no", "no", "yes", "yes"]


def test_each_label_gets_its_own_threshold() -> None:
    task = infer_task(TABLES["multilabel"])
    probabilities = torch.tensor([[0.1, 0.9, 0.6], [0.3, 0.8, 0.4], [0.2, 0.7, 0.1]])
    targets = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    chosen = choose_thresholds(task, {"probabilities": probabilities}, targets)
    assert chosen["values"] == list(task.thresholds)
    assert task.to_json()["thresholds"] == pytest.approx([0.25, 0.85, 0.5])


def test_task_without_thresholds_and_unknown_criteria_are_refused() -> None:
    with pytest.raises(UsageError, match="'classification'"):
        choose_thresholds(infer_task(TABLES["classification"]), {"probabilities": torch.zeros(1, 3)}, torch.zeros(1))
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        best_threshold(np.array([0.1, 0.2]), np.array([True, False]), "acuracy")


def test_a_number_is_taken_at_once_and_a_criterion_is_given_back() -> None:
    task = infer_task(TABLES["multilabel"])
    assert decide_by(task, "0.25") is None
    assert task.thresholds == (0.25,) * len(task.classes)
    assert decide_by(task, "balanced_accuracy") == "balanced_accuracy"
    for wrong, error in (("1.5", UsageError), ("nan", UsageError), ("f2", UnknownNameError)):
        with pytest.raises(error):
            decide_by(task, wrong)
    with pytest.raises(UsageError, match="the task is 'classification'"):
        decide_by(infer_task(TABLES["classification"]), 0.5)


def test_of_thresholds_that_are_as_good_the_one_nearest_to_half_is_taken() -> None:
    truth = np.array([False, True, False, True])  # three of four are right after the first, and after the third
    for probabilities, nearest in (
        ([0.1, 0.2, 0.3, 0.7], 0.5),
        ([0.1, 0.2, 0.3, 0.4], 0.35),
        ([0.6, 0.7, 0.8, 1], 0.65),
    ):
        assert best_threshold(np.array(probabilities), truth, "accuracy") == pytest.approx(nearest)


def test_probabilities_side_by_side_are_told_apart() -> None:
    first = np.float32(0.3)
    second = np.nextafter(first, np.float32(1))
    third = np.nextafter(second, np.float32(1))
    for low, high in ((first, second), (second, third)):  # one of the two middles is rounded down
        assert low < best_threshold(np.array([low, high], dtype=np.float64), np.array([False, True])) <= high


def test_a_required_precision_is_had_by_the_lowest_threshold_that_has_it() -> None:
    random = np.random.default_rng(1)
    for wanted in (0.5, 0.75, 0.9):
        probabilities = random.random(60).round(2)
        truth = random.random(60) < probabilities
        found = best_threshold(probabilities, truth, f"precision={wanted}")
        every = {level: truth[probabilities >= level].mean() for level in probabilities.tolist()}
        least = min(level for level, precision in every.items() if precision >= min(wanted, max(every.values())))
        assert (probabilities >= found).tolist() == (probabilities >= least).tolist()


def test_a_precision_that_is_never_reached_is_said() -> None:
    task = infer_task(TABLES["multilabel"])
    num = len(task.classes)
    probabilities = torch.linspace(0.1, 0.9, 8)[:, None].expand(8, num)
    targets = torch.ones(8, num)
    targets[4:, 0] = torch.tensor([0.0, 1.0, 1.0, 0.0])  # the surest of the first label is wrong
    with pytest.warns(DerinWarning, match=rf"precision of 0.9 .*{task.classes[0]} 0\.75"):
        chosen = choose_thresholds(task, {"probabilities": probabilities}, targets, criterion="precision=0.9")
    assert chosen["unreached"] == {task.classes[0]: 0.75}
    assert decide_by(Detection(columns=["boxes"], classes=["cell"]), "precision=0.8") == "precision=0.8"
    for wrong in ("accuracy", "precision=2", "precision=much"):
        with pytest.raises(UsageError):
            decide_by(Detection(columns=["boxes"], classes=["cell"]), wrong)
