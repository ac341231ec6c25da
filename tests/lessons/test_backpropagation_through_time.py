"""Gradients by hand against autograd and against small differences of the loss, for every wiring."""

from __future__ import annotations

import numpy as np
import pytest

from derin.lessons import backpropagation_through_time
from derin.lessons.backpropagation_through_time import KINDS, ThroughTimeOptions, Weights, backward, forward, wiring


def test_gradients_by_hand_equal_autograd_in_every_wiring() -> None:
    found = backpropagation_through_time.run(ThroughTimeOptions(steps=4))
    for kind in KINDS:
        assert found.numbers[kind]["difference"] < 1e-12
    assert found.pictures["influence.png"][:4] == b"\x89PNG"


def test_gradients_by_hand_equal_small_differences_of_the_loss() -> None:
    draws = np.random.default_rng(1)
    x, y, counts = draws.normal(size=(3, 2)), np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0])
    parts = [draws.normal(size=shape) for shape in ((4, 6), (4,), (1, 4), (1,))]
    weights = Weights(*parts)
    gradients = backward(x, y, counts, weights, forward(x, y, counts, weights))
    for number, analytic in enumerate(vars(gradients.weights).values()):
        for place in np.ndindex(analytic.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = [part.copy() for part in parts]
                moved[number][place] += step
                losses.append(forward(x, y, counts, Weights(*moved)).losses.sum())
            assert analytic[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def test_a_loss_reaches_back_and_never_forward() -> None:
    for kind in ("many-to-many", "encoder-decoder"):
        options = ThroughTimeOptions(kind=kind, steps=3)  # type: ignore[arg-type]
        found = np.array(backpropagation_through_time.run(options).numbers["shown"]["influence"])
        says = np.array(wiring(options.kind, 3)[1])
        assert not np.triu(found, 1).any()
        assert not found[~says].any()
        assert (found[-1] > 0).all()


def test_a_gradient_is_multiplied_by_matrix_and_slope_at_every_step_back() -> None:
    draws = np.random.default_rng(2)
    x, y, counts = draws.normal(size=(4, 2)), np.ones(4), np.array([0.0, 0.0, 0.0, 1.0])
    weights = Weights(*(draws.normal(size=shape) for shape in ((3, 5), (3,), (1, 3), (1,))))
    walk = forward(x, y, counts, weights)
    found = backward(x, y, counts, weights, walk).activations
    for t in range(3):
        slope = 1 - walk.activations[t + 2] ** 2
        np.testing.assert_allclose(found[t], weights.memory[:, :3].T @ (found[t + 1] * slope), rtol=1e-12)
