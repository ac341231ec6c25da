"""Measurements of regression against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from derin.data.batch import Batch
from derin.tasks.regression import Regression


def measured(task: Regression, standardized: np.ndarray, targets: np.ndarray, size: int = 5):
    metrics = task.metrics()
    for start in range(0, len(targets), size):
        part = slice(start, start + size)
        batch = Batch(
            {
                "input": torch.tensor(standardized[part], dtype=torch.float32),
                "target": torch.tensor(targets[part], dtype=torch.float32),
            },
            torch.arange(len(targets[part])),
        )
        metrics.update(task.predict(torch.nn.Identity(), batch), batch)
    return metrics


@pytest.mark.parametrize("num", [1, 3])
def test_metrics_agree_with_scikit_learn_in_the_unit(num: int) -> None:
    random = np.random.default_rng(0)
    mean, std = np.array([1e6, -3.0, 0.0])[:num], np.array([10.0, 0.01, 7.0])[:num]
    targets = random.normal(size=(37, num)).squeeze().astype(np.float32)
    outputs = (targets + random.normal(size=targets.shape) * 0.3).astype(np.float32)
    task = Regression(columns=["y"], mean=mean.tolist(), std=std.tolist())
    result = measured(task, outputs, targets).compute()
    true = targets.astype(np.float64) * std + mean
    told = outputs.astype(np.float64) * std + mean
    # The oracle works in the unit, where a mean of 1e6 costs it some digits.
    assert result["mae"] == pytest.approx(oracle.mean_absolute_error(true, told), rel=1e-8)
    assert result["mse"] == pytest.approx(oracle.mean_squared_error(true, told), rel=1e-8)
    assert result["rmse"] == pytest.approx(oracle.root_mean_squared_error(true, told), rel=1e-8)
    assert result["r2"] == pytest.approx(oracle.r2_score(true, told), rel=1e-8)
    assert result["loss"] == pytest.approx(((outputs - targets) ** 2).mean(), rel=1e-5)
    assert ("per_output" in result) == (num > 1)
    if num > 1:
        expected = oracle.r2_score(true, told, multioutput="raw_values").tolist()
        assert result["per_output"]["r2"] == pytest.approx(expected)


def test_r2_survives_targets_far_from_the_training_mean() -> None:
    random = np.random.default_rng(1)
    targets = (1e4 + random.normal(size=29)).astype(np.float32)
    outputs = (targets + random.normal(size=29) * 0.5).astype(np.float32)
    task = Regression(columns=["y"], mean=[0.0], std=[1.0])
    result = measured(task, outputs, targets, size=4).compute()
    assert result["r2"] == pytest.approx(oracle.r2_score(targets.astype(float), outputs.astype(float)), rel=1e-9)


def test_r2_of_a_target_that_does_not_vary_is_undefined() -> None:
    task = Regression(columns=["y"], mean=[0.0], std=[1.0])
    metrics = measured(task, np.array([0.5, 1.0, 1.5]), np.ones(3))
    assert math.isnan(metrics.compute()["r2"])
    assert metrics.compute()["mae"] == pytest.approx(1 / 3)
    assert all(math.isnan(bound) for bound in metrics.intervals()["r2"])


def test_value_keeps_a_small_spread_beside_a_large_mean() -> None:
    task = Regression(columns=["y"], mean=[1e9], std=[1.0])
    batch = Batch({"input": torch.tensor([[0.25], [-0.5]])}, torch.arange(2))
    assert task.predict(torch.nn.Identity(), batch)["value"].tolist() == [1e9 + 0.25, 1e9 - 0.5]


def test_column_target_of_a_batch_is_refused() -> None:
    task = Regression(columns=["y"], mean=[0.0], std=[1.0])
    batch = Batch({"input": torch.zeros(4, 1), "target": torch.zeros(4, 1)}, torch.arange(4))
    with pytest.raises(ValueError, match="pair every example"):
        task.loss(torch.nn.Identity(), batch)


def test_several_values_are_told_as_a_list() -> None:
    task = Regression(columns=["p", "q"], mean=[1.0, 2.0], std=[1.0, 2.0])
    batch = Batch({"input": torch.tensor([[1.0, 1.0]])}, torch.arange(1))
    assert task.decode(task.predict(torch.nn.Identity(), batch))[0].to_json() == {"value": [2.0, 4.0]}
