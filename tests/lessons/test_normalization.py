"""Normalization of inputs and of batches against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.lessons import batch_norm, input_normalization
from derin.lessons.batch_norm import BatchNormOptions
from derin.lessons.input_normalization import NormalizationOptions


def test_round_contours_take_few_steps() -> None:
    found = input_normalization.run(NormalizationOptions()).numbers
    assert found["before"]["condition"] > 100 > 3 > found["after"]["condition"]
    assert found["after"]["steps"] * 20 < found["before"]["steps"]
    # The test rows are not normalized by themselves.
    assert max(abs(mean) for mean in found["test"]["mean"]) > 0.01


def test_points_of_ones_own_are_normalized_by_their_training_rows() -> None:
    random = np.random.default_rng(5)
    first, second = random.normal(3, 1, 40), random.normal(50, 20, 40)
    points = np.stack([first, second, 2 * first - 0.1 * second], axis=1)
    found = input_normalization.run(NormalizationOptions(points=tuple(map(tuple, points.tolist())))).numbers
    assert found["means"] == pytest.approx(points[:, :2].mean(axis=0), abs=8)
    assert found["after"]["condition"] < 4 < 100 < found["before"]["condition"]


def test_too_few_points_are_refused() -> None:
    with pytest.raises(UsageError, match="at least ten rows"):
        NormalizationOptions(points=((1.0, 2.0, 3.0),))


def test_batch_norm_does_what_its_algebra_says() -> None:
    found = batch_norm.run(BatchNormOptions()).numbers
    batch = np.array([1.0, 2.0, 3.0, 6.0])
    by_hand = (batch - batch.mean()) / np.sqrt(batch.var() + 1e-5)
    algebra = found["algebra"]
    assert algebra["normalized"] == pytest.approx(by_hand, abs=1e-9)
    # From 0 and 1, a tenth of the way; the running variance takes the unbiased one.
    running_mean, running_variance = 0.1 * batch.mean(), 0.9 + 0.1 * batch.var(ddof=1)
    assert algebra["running_mean"] == pytest.approx(running_mean)
    assert algebra["running_variance"] == pytest.approx(running_variance)
    assert algebra["evaluated"] == pytest.approx((batch - running_mean) / np.sqrt(running_variance + 1e-5))
    assert found["bias_difference"] < 1e-12
    for row in found["noise"]:
        # The standard deviation of 400 means is known to about 3.5 percent; four times that.
        assert row["spread"] == pytest.approx(1 / np.sqrt(row["batch_size"]), rel=0.15)
    shifted = found["covariate_shift"]
    assert shifted["running"] < 0.6 < 0.85 < shifted["batch"] < shifted["accuracy"] + 0.02
