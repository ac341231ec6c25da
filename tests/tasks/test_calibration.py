"""Temperature scaling finds the temperature that was planted, changes no answer, and keeps away where it helps not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax
from tests.tasks.task_tables import TABLES

from derin.core.errors import DataError, ShapeError, UsageError
from derin.data.batch import Batch
from derin.tasks.binary import Binary
from derin.tasks.calibration import HIGHEST, LOWEST, _Sigmoid, _Softmax, calibrate
from derin.tasks.classification import Classification
from derin.tasks.inference import infer_task
from derin.tasks.registry import task_from_json


def drawn(num: int = 3000, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of four classes, and truths drawn from the very probabilities that they say."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(num, 4))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    return torch.tensor(logits), torch.tensor((random.uniform(size=(num, 1)) > chances).sum(axis=1))


def task_of(num_classes: int = 4) -> Classification:
    return Classification(columns=["y"], classes=[str(k) for k in range(num_classes)])


@pytest.mark.parametrize("planted", [0.4, 3.0])
def test_planted_temperature_is_found(planted: float) -> None:
    logits, targets = drawn()
    task = task_of()
    report = calibrate(task, logits * planted, targets)
    best = minimize_scalar(
        lambda t: -log_softmax(logits.numpy() * planted / t, axis=1)[np.arange(3000), targets].mean(),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert report.applied
    assert task.temperature == pytest.approx(best.x, rel=1e-6)
    assert report.nll_after == pytest.approx(best.fun, rel=1e-10)
    assert task.temperature == pytest.approx(planted, rel=0.05)
    assert report.nll_after < report.nll_before
    assert report.ece_after < report.ece_before
    assert report.ece_after < 0.03


def test_calibrated_probabilities_are_those_of_the_card_and_answers_stay() -> None:
    logits, targets = drawn()
    task = task_of()
    batch = Batch({"input": 3 * logits.float(), "target": targets}, torch.arange(3000))
    before = task.predict(torch.nn.Identity(), batch)["probabilities"]
    calibrate(task, batch["input"], targets)
    again = task_from_json(task.to_json()).predict(torch.nn.Identity(), batch)
    np.testing.assert_allclose(
        again["probabilities"], softmax(3 * logits.float().double() / task.temperature, axis=1), atol=1e-6
    )
    assert torch.equal(again["probabilities"].argmax(dim=1), before.argmax(dim=1))


def test_second_calibration_finds_nothing_more_to_do() -> None:
    logits, targets = drawn()
    task = task_of()
    calibrate(task, 3 * logits, targets)
    temperature = task.temperature
    again = calibrate(task, 3 * logits / temperature, targets)
    assert not again.applied
    assert again.temperature == pytest.approx(temperature, rel=1e-6)
    assert task.temperature == temperature


def test_calibrated_network_is_left_alone() -> None:
    task = task_of()
    report = calibrate(task, *drawn())
    assert not report.applied
    assert task.temperature == 1.0
    assert report.nll_after <= report.nll_before


def test_sigmoid_of_a_binary_task_is_calibrated_alike() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(size=2000) * 2
    targets = (random.uniform(size=2000) < expit(logits)).astype(np.float32)
    task = Binary(columns=["y"], classes=["no", "yes"])
    report = calibrate(task, torch.tensor(5 * logits), torch.tensor(targets))
    best = minimize_scalar(
        lambda t: -log_expit((2 * targets - 1) * 5 * logits / t).mean(),
        bounds=(0.05, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert task.temperature == pytest.approx(best.x, rel=1e-6)
    assert report.nll_after == pytest.approx(best.fun, rel=1e-10)


def test_labels_share_one_temperature() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(size=(500, 3)) * 2
    targets = (random.uniform(size=(500, 3)) < expit(logits)).astype(np.float32)
    task = infer_task(TABLES["multilabel"])
    report = calibrate(task, torch.tensor(4 * logits), torch.tensor(targets))
    assert report.applied
    assert report.temperature == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("sign", "bound"), [(1.0, LOWEST), (-1.0, HIGHEST)])
def test_temperature_stays_within_bounds(sign: float, bound: float) -> None:
    task = task_of(2)
    report = calibrate(task, sign * torch.tensor([[2.0, -2.0]] * 9), torch.zeros(9, dtype=torch.int64))
    assert report.temperature == pytest.approx(bound)


def test_report_is_plain_numbers() -> None:
    report = calibrate(task_of(), *drawn(40)).to_json()
    assert {type(value) for value in report.values()} == {float, int, bool}


def test_what_has_no_probabilities_is_refused() -> None:
    with pytest.raises(UsageError, match="'regression'"):
        calibrate(infer_task(TABLES["regression"]), torch.zeros(3), torch.zeros(3))
    with pytest.raises(DataError, match="finite"):
        calibrate(task_of(), torch.full((2, 4), torch.nan), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(DataError, match="0 examples"):
        calibrate(task_of(), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ShapeError, match="one target for each"):
        calibrate(task_of(), torch.zeros(3, 4), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("kind", [_Softmax, _Sigmoid])
def test_derivatives_are_the_slopes_of_the_likelihood(kind: Any) -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(5, 3) if kind is _Softmax else 7)
    truth = random.integers(0, 3, 5) if kind is _Softmax else (random.uniform(size=7) < 0.5).astype(np.float32)
    likelihood, step = kind(logits, truth), 1e-4
    below, here, above = (likelihood.nll(0.7 + shift) for shift in (-step, 0.0, step))
    first, second = likelihood.derivatives(0.7)
    assert first == pytest.approx((above - below) / (2 * step), rel=1e-5)
    assert second == pytest.approx((above - 2 * here + below) / step**2, rel=1e-4)
    if kind is _Softmax:
        expected = -log_softmax(0.7 * logits, axis=1)[np.arange(5), truth].mean()
    else:
        expected = -log_expit(0.7 * np.where(truth == 1, logits, -logits)).mean()
    assert here == pytest.approx(expected)


def test_calibration_error_is_that_of_confidences_in_fifteen_bins() -> None:
    """Of two classes: a sigmoid's answer is as sure as the larger of both probabilities."""
    random = np.random.default_rng(4)
    logits, truth = random.normal(size=200), random.uniform(size=200) < 0.5
    sure, right = expit(0.7 * np.abs(logits)), (logits > 0) == truth
    bins = np.minimum((sure * 15).astype(int), 14)
    expected = sum(abs(sure[bins == b].sum() - right[bins == b].sum()) for b in range(15)) / 200
    assert _Sigmoid(logits, truth.astype(np.float32)).ece(0.7) == pytest.approx(expected)
    both = np.stack([np.zeros(200), logits], axis=1)
    assert _Softmax(both, truth.astype(np.int64)).ece(0.7) == pytest.approx(expected)


def test_a_logit_of_zero_is_a_yes_that_is_half_sure() -> None:
    assert _Sigmoid(np.zeros(4), np.array([1, 0, 0, 0], dtype=np.float32)).ece(1.0) == pytest.approx(0.25)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
def test_logits_are_divided_by_the_temperature(temperature: float) -> None:
    task = Classification(columns=["y"], classes=["a", "b"], temperature=temperature)
    assert torch.equal(task.tempered(torch.tensor([3.0, -6.0])), torch.tensor([3.0, -6.0]) / temperature)


def test_of_logits_that_say_nothing_the_highest_temperature_is_told_and_not_applied() -> None:
    report = calibrate(task_of(2), torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    assert (report.temperature, report.applied) == (HIGHEST, False)
