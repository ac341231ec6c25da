"""Measurements of classification against scikit-learn, on odd sizes and with classes that never occur."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from derin.data.batch import Batch
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.metrics import sums

# float32 probabilities, added up in float64.
CLOSE = {"rel": 1e-6, "abs": 1e-7}


def measured(task, logits: np.ndarray, targets: torch.Tensor, sizes: tuple[int, ...] = (5, 1, 7), **columns):
    """The metrics of outputs that come in batches of odd sizes."""
    metrics = task.metrics()
    start, turn = 0, 0
    while start < len(logits):
        part = slice(start, start + sizes[turn % len(sizes)])
        batch = Batch(
            {"input": torch.tensor(logits[part], dtype=torch.float32), "target": targets[part]}
            | {name: values[part] for name, values in columns.items()},
            torch.arange(len(targets[part])),
        )
        metrics.update(task.predict(torch.nn.Identity(), batch), batch)
        start, turn = part.stop, turn + 1
    return metrics


def several(num_classes: int, num: int, never: tuple[int, ...] = (), seed: int = 0):
    """A task, logits that know something, and targets in which some classes never occur."""
    random = np.random.default_rng(seed)
    allowed = [k for k in range(num_classes) if k not in never]
    targets = random.choice(allowed, num)
    logits = random.normal(size=(num, num_classes)) + 1.5 * np.eye(num_classes)[targets]
    task = Classification(columns=["y"], classes=[f"class {k}" for k in range(num_classes)])
    return task, logits, targets


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("never", [(), (2,), (0, 4)])
def test_multiclass_metrics_agree_with_scikit_learn(never: tuple[int, ...]) -> None:
    task, logits, targets = several(5, 61, never)
    result = measured(task, logits, torch.from_numpy(targets)).compute()
    probabilities, predicted = softmax(logits), logits.argmax(axis=1)
    assert result["loss"] == pytest.approx(oracle.log_loss(targets, probabilities, labels=range(5)), **CLOSE)
    assert result["accuracy"] == pytest.approx(oracle.accuracy_score(targets, predicted), **CLOSE)
    for name, function in (
        ("precision_macro", oracle.precision_score),
        ("recall_macro", oracle.recall_score),
        ("f1_macro", oracle.f1_score),
    ):
        assert result[name] == pytest.approx(function(targets, predicted, average="macro", zero_division=0), **CLOSE)
    assert result["confusion"] == oracle.confusion_matrix(targets, predicted, labels=range(5)).tolist()
    areas = [oracle.roc_auc_score(targets == k, probabilities[:, k]) for k in range(5) if k not in never]
    assert result["auc_macro"] == pytest.approx(np.mean(areas), **CLOSE)
    assert result["brier"] == pytest.approx(((probabilities - np.eye(5)[targets]) ** 2).sum(axis=1).mean(), **CLOSE)


def test_per_class_metrics_agree_with_scikit_learn_and_are_nan_where_undefined() -> None:
    task, logits, targets = several(5, 61, never=(2,))
    logits[:, 3] = -20  # never predicted
    result = measured(task, logits, torch.from_numpy(targets)).compute()["per_class"]
    columns = oracle.precision_recall_fscore_support(
        targets, logits.argmax(axis=1), labels=range(5), zero_division=np.nan
    )
    for k in range(5):
        ours = [result[f"class {k}"][name] for name in ("precision", "recall", "f1", "support")]
        assert ours == pytest.approx([column[k] for column in columns], nan_ok=True)
    assert math.isnan(result["class 2"]["recall"])
    assert math.isnan(result["class 2"]["auc"])
    assert math.isnan(result["class 3"]["precision"])


@pytest.mark.parametrize("num_classes", [6, 11])
def test_top5_agrees_with_scikit_learn(num_classes: int) -> None:
    task, logits, targets = several(num_classes, 53)
    result = measured(task, logits, torch.from_numpy(targets)).compute()
    expected = oracle.top_k_accuracy_score(targets, logits, k=5, labels=range(num_classes))
    assert result["top5_accuracy"] == pytest.approx(expected)
    assert 0 < expected < 1


def test_top5_of_five_classes_says_nothing_and_is_left_out() -> None:
    task, logits, targets = several(5, 9)
    assert "top5_accuracy" not in measured(task, logits, torch.from_numpy(targets)).compute()


def test_network_that_says_nothing_gets_no_credit_for_ties() -> None:
    task, _, _ = several(10, 1)
    result = measured(task, np.zeros((10, 10)), torch.arange(10)).compute()
    assert (result["accuracy"], result["top5_accuracy"]) == (0.1, 0.5)


def test_calibration_error_agrees_with_bins_counted_by_hand() -> None:
    task, logits, targets = several(4, 97)
    result = measured(task, logits, torch.from_numpy(targets)).compute()
    probabilities = softmax(logits.astype(np.float32).astype(np.float64))
    confidence, right = probabilities.max(axis=1), logits.argmax(axis=1) == targets
    expected = 0.0
    for k in range(15):
        inside = (confidence > k / 15) & (confidence <= (k + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert result["ece"] == pytest.approx(expected, rel=1e-5)


def test_loss_is_weighted_and_counts_are_not() -> None:
    task, logits, targets = several(3, 23)
    weights = np.random.default_rng(1).uniform(0, 2, 23)
    result = measured(
        task, logits, torch.from_numpy(targets), weight=torch.tensor(weights, dtype=torch.float32)
    ).compute()
    expected = oracle.log_loss(targets, softmax(logits), sample_weight=weights, labels=range(3))
    assert result["loss"] == pytest.approx(expected, **CLOSE)
    assert result["accuracy"] == pytest.approx((logits.argmax(axis=1) == targets).mean())


def test_mixed_targets_count_for_their_larger_part() -> None:
    task, logits, targets = several(3, 23)
    mixed = torch.tensor(0.7 * np.eye(3)[targets] + 0.3 * np.eye(3)[(targets + 1) % 3], dtype=torch.float32)
    result = measured(task, logits, mixed).compute()
    assert result["accuracy"] == pytest.approx((logits.argmax(axis=1) == targets).mean())
    expected = -(mixed.double().numpy() * np.log(softmax(logits))).sum(axis=1).mean()
    assert result["loss"] == pytest.approx(expected, **CLOSE)


def test_many_classes_are_measured_without_a_confusion_matrix() -> None:
    task, logits, targets = several(211, 301)
    result = measured(task, logits, torch.from_numpy(targets)).compute()
    assert "confusion" not in result
    expected = oracle.f1_score(targets, logits.argmax(axis=1), average="macro", zero_division=0)
    assert result["f1_macro"] == pytest.approx(expected)


def test_auc_is_left_undefined_where_too_much_would_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "COLLECT_LIMIT", 50)
    task, logits, targets = several(3, 23)
    metrics = measured(task, logits, torch.from_numpy(targets))
    result = metrics.compute()
    assert math.isnan(result["auc_macro"])
    assert result["accuracy"] == pytest.approx((logits.argmax(axis=1) == targets).mean())
    assert set(metrics.intervals()) == {"accuracy", "precision_macro", "recall_macro", "f1_macro"}


@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_binary_metrics_agree_with_scikit_learn(threshold: float) -> None:
    random = np.random.default_rng(3)
    targets = random.integers(0, 2, 47)
    logits = (random.normal(size=47) + 1.2 * (targets - 0.5))[:, None]
    task = Binary(columns=["y"], classes=["no", "yes"], threshold=threshold)
    result = measured(task, logits, torch.tensor(targets, dtype=torch.float32)).compute()
    yes = 1 / (1 + np.exp(-logits[:, 0]))
    predicted = yes >= threshold
    assert result["loss"] == pytest.approx(oracle.log_loss(targets, yes), **CLOSE)
    assert result["accuracy"] == pytest.approx(oracle.accuracy_score(targets, predicted))
    assert result["precision"] == pytest.approx(oracle.precision_score(targets, predicted))
    assert result["recall"] == pytest.approx(oracle.recall_score(targets, predicted))
    assert result["f1"] == pytest.approx(oracle.f1_score(targets, predicted))
    assert result["auc"] == pytest.approx(oracle.roc_auc_score(targets, yes))
    assert result["brier"] == pytest.approx(oracle.brier_score_loss(targets, yes), **CLOSE)
    assert result["confusion"] == oracle.confusion_matrix(targets, predicted).tolist()


def test_binary_without_a_positive_is_undefined_and_no_error() -> None:
    task = Binary(columns=["y"], classes=["no", "yes"])
    metrics = measured(task, np.full((3, 1), -1.0), torch.zeros(3))
    result = metrics.compute()
    assert result["accuracy"] == 1.0
    assert all(math.isnan(result[name]) for name in ("precision", "recall", "f1", "auc"))
    assert all(math.isnan(bound) for bound in metrics.intervals()["auc"])


def test_binary_probabilities_keep_their_small_digits() -> None:
    task = Binary(columns=["y"], classes=["no", "yes"])
    batch = Batch({"input": torch.tensor([[40.0]])}, torch.tensor([0]))
    no = task.predict(torch.nn.Identity(), batch)["probabilities"][0, 0].item()
    assert no == pytest.approx(math.exp(-40), rel=1e-5)


@pytest.mark.parametrize("shift", [-90.0, -17.0, 0.0, 17.0, 90.0])
def test_the_auc_of_a_sure_network_is_that_of_its_logits_and_alike_for_both_classes(shift: float) -> None:
    random = np.random.default_rng(5)
    targets = random.integers(0, 2, 83)
    logits = (random.normal(size=83) + 1.2 * targets + shift).astype(np.float32)
    task = Binary(columns=["y"], classes=["no", "yes"])
    metrics = measured(task, logits[:, None], torch.tensor(targets, dtype=torch.float32))
    result, expected = metrics.compute(), oracle.roc_auc_score(targets, logits)
    low, high = metrics.intervals()["auc"]
    assert result["auc"] == pytest.approx(expected)
    assert [row["auc"] for row in result["per_class"].values()] == pytest.approx([expected, expected])
    assert low < expected < high


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_the_auc_of_many_sure_classes_is_that_of_their_odds(scale: float) -> None:
    task, logits, targets = several(4, 61)
    logits = (scale * logits).astype(np.float32).astype(np.float64)
    metrics = measured(task, logits, torch.from_numpy(targets))
    # ln p / (1 − p) in float64: the logit less the logarithm of the sum over all others.
    others = np.where(np.eye(4, dtype=bool)[None], -np.inf, logits[:, None, :])
    highest = others.max(axis=2)
    odds = logits - highest - np.log(np.exp(others - highest[..., None]).sum(axis=2))
    expected = np.mean([oracle.roc_auc_score(targets == k, odds[:, k]) for k in range(4)])
    assert metrics.compute()["auc_macro"] == pytest.approx(expected)
    low, high = metrics.intervals()["auc_macro"]
    assert low < expected < high


@pytest.mark.parametrize("sureness", [3.0, 17.0, 300.0])
def test_the_brier_score_of_right_answers_is_small_and_never_negative(sureness: float) -> None:
    targets = torch.tensor([0.0, 1.0] * 50)
    binary = Binary(columns=["y"], classes=["no", "yes"])
    several = Classification(columns=["y"], classes=["no", "yes"])
    for task, logits in ((binary, (2 * targets - 1)[:, None]), (several, torch.stack([1 - 2 * targets, -targets], 1))):
        outputs = (sureness * logits.double()).numpy()
        metrics = measured(task, outputs, targets if task is binary else targets.long())
        gap = 2 * outputs[:, 0] if task is binary else 2 * (outputs[:, 1] - outputs[:, 0])
        wrong = 1 / (1 + np.exp(np.abs(gap / 2)))
        expected = np.mean(wrong**2) * (1 if task is binary else 2)
        # 1 − p in float32 has an absolute error of 6e-8, whose square is 4e-15.
        assert 0 <= metrics.compute()["brier"] == pytest.approx(expected, rel=1e-4, abs=1e-14)
        low, high = metrics.intervals()["brier"]
        assert 0 <= low <= high == pytest.approx(expected, rel=0.5, abs=1e-300)


@pytest.mark.parametrize("kind", [Binary, Classification])
def test_before_the_first_example_nothing_is_known_and_nobody_counted(kind) -> None:
    metrics = kind(columns=["y"], classes=["a", "b"]).metrics()
    found = metrics.compute()
    assert all(math.isnan(found[name]) for name in ("loss", "accuracy", "ece", "brier"))
    assert found["confusion"] == [[0, 0], [0, 0]]
    assert [row["support"] for row in found["per_class"].values()] == [0, 0]
    assert metrics.intervals() == {}


@pytest.mark.parametrize(
    ("num_classes", "ranks_five", "has_matrix"),
    [(5, False, True), (6, True, True), (200, True, True), (201, True, False)],
)
def test_what_is_told_of_few_and_of_many_classes(num_classes: int, ranks_five: bool, has_matrix: bool) -> None:
    task = Classification(columns=["y"], classes=[str(k) for k in range(num_classes)])
    for logits in (np.zeros((0, num_classes)), np.random.default_rng(0).normal(size=(9, num_classes))):
        metrics = measured(task, logits, torch.arange(len(logits)) % 5)
        found, intervals = metrics.compute(), metrics.intervals()
        assert ("top5_accuracy" in found, "confusion" in found) == (ranks_five, has_matrix)
        assert len(found["per_class"]) == num_classes
        if len(logits):
            assert ("top5_accuracy" in intervals, "f1_macro" in intervals) == (ranks_five, has_matrix)
            places = (logits > logits[np.arange(9), np.arange(9) % 5][:, None]).sum(axis=1)
            assert not ranks_five or found["top5_accuracy"] == pytest.approx((places < 5).mean())
