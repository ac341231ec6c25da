"""Integrated gradients agree with Captum and add up to the difference of the scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from tests.explain.networks import pictures, residual
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.explain.integrated_gradients import integrated_gradients


@pytest.mark.parametrize("with_baseline", [False, True])
def test_integrated_gradients_agree_with_captum(with_baseline: bool) -> None:
    network, x, targets = residual(), pictures(3), [1, 4, 0]
    baseline = pictures(3, seed=9) if with_baseline else None
    known = IntegratedGradients(network).attribute(
        x, baselines=baseline, target=torch.tensor(targets), n_steps=48, method="gausslegendre"
    )
    found = integrated_gradients(network, x, targets, baseline=baseline, num_steps=48, tolerance=None)
    assert found.num_steps == 48
    np.testing.assert_allclose(found.attributions, known, atol=1e-5)
    np.testing.assert_allclose(found.values, known.sum(1), atol=1e-5)
    assert np.abs(found.attributions).max() > 0.01


def test_the_sum_is_the_difference_of_the_scores_to_a_hundredth() -> None:
    network, x = residual(), pictures(5)
    found = integrated_gradients(network, x, target=2, num_steps=4)
    with torch.no_grad():
        differences = network(x)[:, 2] - network(torch.zeros_like(x))[:, 2]
    np.testing.assert_allclose(found.attributions.sum((1, 2, 3)), differences, rtol=0.01)
    np.testing.assert_allclose(found.differences, differences, rtol=1e-4)
    assert found.gaps.max() <= 0.0101
    assert found.num_steps > 4


def test_one_baseline_serves_all_pictures_and_more_than_one_pass_gives_the_same() -> None:
    network, x = residual(), pictures(7)
    baseline = pictures(1, seed=5)
    together = integrated_gradients(network, x, 0, baseline=baseline, num_steps=40, tolerance=None)
    for place in range(7):
        alone = integrated_gradients(network, x[place : place + 1], 0, baseline=baseline, num_steps=40, tolerance=None)
        np.testing.assert_allclose(together.attributions[place], alone.attributions[0], atol=1e-5)


def test_networks_without_convolution_and_regressions_are_explained() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    x = torch.randn(3, 1, 3, 4)
    found = integrated_gradients(network, x, target=0)
    known = x * network[1].weight.detach().reshape(1, 1, 3, 4)
    np.testing.assert_allclose(found.attributions, known, atol=1e-6)


def test_a_baseline_of_another_shape_and_no_steps_are_refused() -> None:
    with pytest.raises(ShapeError, match="baseline"):
        integrated_gradients(residual(), pictures(2), baseline=torch.zeros(2, 3, 8, 9))
    with pytest.raises(UsageError, match="num_steps=0"):
        integrated_gradients(residual(), pictures(2), num_steps=0)
