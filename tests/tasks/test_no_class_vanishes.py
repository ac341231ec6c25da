"""A class without an example, in training or where is measured, keeps its output, its line and its place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle
from tests.tasks.task_tables import classes_table

from derin.data.batch import Batch
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.multilabel import MultiLabel
from derin.tasks.tagging import Tagging

NAMES = ("ant", "bee", "cat", "dog")


def measured(task, logits, targets):
    metrics = task.metrics()
    batch = Batch({"input": torch.tensor(logits, dtype=torch.float32), "target": targets}, torch.arange(len(targets)))
    metrics.update(task.predict(torch.nn.Identity(), batch), batch)
    return metrics.compute()


def test_a_class_that_training_does_not_hold_keeps_its_output() -> None:
    task = Classification.from_table(classes_table([0, 1, 1, 3], NAMES), np.arange(4), {})
    assert task.classes == NAMES
    assert task.num_outputs == 4


def test_classes_that_a_split_does_not_hold_stand_in_every_table_and_break_no_mean() -> None:
    truth = np.array([0, 0, 1, 1, 1])  # no cat and no dog; a cat is answered once
    logits = np.eye(4)[[0, 1, 1, 1, 2]] * 9.0
    found = measured(Classification(columns=["y"], classes=NAMES), logits, torch.from_numpy(truth))
    assert list(found["per_class"]) == list(NAMES)
    assert [row["support"] for row in found["per_class"].values()] == [2, 3, 0, 0]
    assert found["per_class"]["cat"]["precision"] == 0.0
    assert math.isnan(found["per_class"]["cat"]["recall"])
    assert all(math.isnan(found["per_class"]["dog"][name]) for name in ("precision", "recall", "f1", "auc"))
    assert np.shape(found["confusion"]) == (4, 4)
    predicted = logits.argmax(axis=1)
    for name, function in (
        ("precision_macro", oracle.precision_score),
        ("recall_macro", oracle.recall_score),
        ("f1_macro", oracle.f1_score),
    ):  # scikit-learn takes the mean over the classes that occur in truth or answers
        assert found[name] == pytest.approx(function(truth, predicted, average="macro", zero_division=0))


def test_one_class_alone_is_measured_without_an_error() -> None:
    found = measured(Classification(columns=["y"], classes=NAMES), np.eye(4)[[2, 2, 0]] * 9.0, torch.tensor([2, 2, 2]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert math.isnan(found["auc_macro"])  # one against the rest needs a rest
    binary = measured(Binary(columns=["y"], classes=["no", "yes"]), np.array([3.0, -2.0, -1.0]), torch.zeros(3).long())
    assert list(binary["per_class"]) == ["no", "yes"]
    assert binary["accuracy"] == pytest.approx(2 / 3)
    assert math.isnan(binary["auc"])
    assert math.isnan(binary["recall"])


def test_a_label_that_never_is_set_stands_in_its_table() -> None:
    targets = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    task = MultiLabel(columns=["y"], classes=NAMES[:3])
    found = measured(task, np.array([[4.0, -4.0, -4.0], [4.0, 4.0, -4.0]]), targets)
    assert [row["support"] for row in found["per_class"].values()] == [2, 1, 0]
    assert list(found["per_class"]) == list(NAMES[:3])
    answers = np.array([[1, 0, 0], [1, 1, 0]])
    expected = oracle.f1_score(targets.numpy(), answers, average="macro", zero_division=0)
    assert found["f1_macro"] == pytest.approx(expected)


def test_a_tag_that_never_occurs_keeps_its_output() -> None:
    task = Tagging(columns=["tags"], classes=("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
    assert task.num_outputs == 5
    assert task.types == ("LOC", "PER")
