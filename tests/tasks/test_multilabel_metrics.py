"""Measurements of several labels at once against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from derin.data.batch import Batch
from derin.tasks.multilabel import MultiLabel

THRESHOLDS = [0.5, 0.3, 0.7, 0.5]


def toy(never: bool):
    random = np.random.default_rng(0)
    targets = (random.uniform(size=(43, 4)) < [0.5, 0.2, 0.7, 0.0 if never else 0.4]).astype(int)
    logits = random.normal(size=(43, 4)) + 1.5 * (targets - 0.5)
    task = MultiLabel(columns=["y"], classes=["a", "b", "c", "d"], thresholds=THRESHOLDS)
    metrics = task.metrics()
    for start in range(0, 43, 6):
        part = slice(start, start + 6)
        batch = Batch(
            {
                "input": torch.tensor(logits[part], dtype=torch.float32),
                "target": torch.tensor(targets[part], dtype=torch.float32),
            },
            torch.arange(len(targets[part])),
        )
        metrics.update(task.predict(torch.nn.Identity(), batch), batch)
    return metrics, targets, 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("never", [False, True])
def test_metrics_agree_with_scikit_learn(never: bool) -> None:
    metrics, targets, probabilities = toy(never)
    result, predicted = metrics.compute(), probabilities >= THRESHOLDS
    assert result["subset_accuracy"] == pytest.approx(oracle.accuracy_score(targets, predicted))
    assert result["hamming_loss"] == pytest.approx(oracle.hamming_loss(targets, predicted))
    for name, function in (
        ("precision_macro", oracle.precision_score),
        ("recall_macro", oracle.recall_score),
        ("f1_macro", oracle.f1_score),
    ):
        assert result[name] == pytest.approx(function(targets, predicted, average="macro", zero_division=0))
    assert result["f1_micro"] == pytest.approx(oracle.f1_score(targets, predicted, average="micro"))
    used = slice(0, 3 if never else 4)
    assert result["auc_macro"] == pytest.approx(oracle.roc_auc_score(targets[:, used], probabilities[:, used]))
    assert math.isnan(result["per_class"]["d"]["auc"]) == never
    # float32 probabilities.
    expected = np.mean([oracle.log_loss(targets[:, k], probabilities[:, k], labels=[0, 1]) for k in range(4)])
    assert result["loss"] == pytest.approx(expected, rel=1e-6)
    assert result["brier"] == pytest.approx(((probabilities - targets) ** 2).mean(), rel=1e-6)


def test_intervals_hold_what_was_measured() -> None:
    metrics, _, _ = toy(never=True)
    result, intervals = metrics.compute(), metrics.intervals()
    shares = {"subset_accuracy", "hamming_loss", "brier"}
    assert set(intervals) == shares | {"precision_macro", "recall_macro", "f1_macro", "f1_micro", "auc_macro"}
    for name, (low, high) in intervals.items():
        assert low < result[name] < high


def test_single_label_keeps_its_axis() -> None:
    task = MultiLabel(columns=["y"], classes=["only"])
    batch = Batch({"input": torch.tensor([[3.0], [-3.0]]), "target": torch.tensor([[1.0], [0.0]])}, torch.arange(2))
    outputs = task.predict(torch.nn.Identity(), batch)
    assert outputs["probabilities"].shape == (2, 1)
    assert [answer.to_json()["labels"] for answer in task.decode(outputs)] == [["only"], []]
    assert task.loss(torch.nn.Identity(), batch)["loss"].item() == pytest.approx(math.log1p(math.exp(-3)), rel=1e-6)


def test_the_auc_of_sure_labels_is_that_of_their_logits() -> None:
    random = np.random.default_rng(6)
    targets = random.integers(0, 2, (71, 2))
    logits = (random.normal(size=(71, 2)) + 1.2 * targets + [25.0, -120.0]).astype(np.float32)
    task = MultiLabel(columns=["y"], classes=["a", "b"])
    batch = Batch({"input": torch.from_numpy(logits), "target": torch.tensor(targets).float()}, torch.arange(71))
    metrics = task.metrics()
    metrics.update(task.predict(torch.nn.Identity(), batch), batch)
    expected = np.mean([oracle.roc_auc_score(targets[:, k], logits[:, k]) for k in range(2)])
    assert metrics.compute()["auc_macro"] == pytest.approx(expected)
    low, high = metrics.intervals()["auc_macro"]
    assert low < expected < high


def test_where_nothing_was_measured_nothing_is_counted() -> None:
    found = MultiLabel(columns=["y"], classes=["a", "b", "c", "d"], thresholds=THRESHOLDS).metrics().compute()
    assert all(math.isnan(value) for name, value in found.items() if name != "per_class")
    assert list(found["per_class"]) == ["a", "b", "c", "d"]
    assert [label["support"] for label in found["per_class"].values()] == [0, 0, 0, 0]


def test_resamples_without_any_label_have_no_f1() -> None:
    task = MultiLabel(columns=["y"], classes=["a", "b"])
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    metrics, batch = task.metrics(), Batch({"input": 8 * targets - 4, "target": targets}, torch.arange(3))
    metrics.update(task.predict(torch.nn.Identity(), batch), batch)
    # A third of 27 resamples hold none of the one label that is always found; all others have found it.
    assert metrics.intervals()["f1_micro"] == (1.0, 1.0)
    assert metrics.intervals()["f1_macro"] == (0.0, 0.5)
    assert metrics.compute()["f1_macro"] == 0.5
