"""Lessons on one neuron teach the course's numbers, checked by NumPy, scikit-learn and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error

from derin.core.errors import UsageError
from derin.lessons.broadcasting import BroadcastingOptions
from derin.lessons.broadcasting import run as run_broadcasting
from derin.lessons.linear_regression import LinearRegressionOptions
from derin.lessons.linear_regression import run as run_linear
from derin.lessons.logistic_regression import (
    LogisticRegressionOptions,
    gradient_automatic,
    gradient_looped,
    gradient_vectorized,
    losses_over_slope,
)
from derin.lessons.logistic_regression import run as run_logistic
from derin.lessons.losses import LossesOptions
from derin.lessons.losses import run as run_losses
from derin.lessons.quadratic import QuadraticOptions, way
from derin.lessons.quadratic import run as run_quadratic
from derin.train.optimizers.build import OPTIMIZERS


def test_linear_regression_gives_the_numbers_of_the_course() -> None:
    found = run_linear(LinearRegressionOptions()).numbers
    first, beside = found["measured"]
    assert first["predictions"] == [4, 3]
    assert first["mse"] == 2.5
    assert round(first["rmse"], 2) == 1.58
    assert beside["mse"] == 4.5
    assert found["fitted"]["m"] == pytest.approx(2, abs=1e-2)
    assert found["fitted"]["b"] == pytest.approx(1, abs=1e-2)
    # Through the origin the slope is Σxy / Σx² = 13/5.
    assert found["fitted_without_bias"] == pytest.approx({"m": 2.6, "mse": 0.1})


def test_the_path_lies_on_the_surface_for_any_optimizer_and_ends_at_the_least_squares_line() -> None:
    points = ((-1.0, 2.0), (0.5, 0.0), (2.0, 1.5), (3.0, -2.0), (3.5, 1.0))
    x, y = np.array(points).T
    options = LinearRegressionOptions(points=points, optimizer="adam", learning_rate=0.1, steps=400)
    path = np.array(run_linear(options).numbers["path"])
    assert path.shape == (401, 3)
    errors = path[:, :1] * x + path[:, 1:2] - y
    np.testing.assert_allclose(path[:, 2], (errors**2).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(path[-1, :2], np.polyfit(x, y, 1), atol=1e-3)


def test_the_rate_that_is_chosen_suits_points_of_any_size() -> None:
    points = ((100.0, 3.0), (250.0, -5.0), (-40.0, 8.0))
    path = np.array(run_linear(LinearRegressionOptions(points=points, steps=50)).numbers["path"])
    assert (np.diff(path[:, 2]) <= 0).all()
    assert path[-1, 2] < 0.5 * path[0, 2]


@pytest.mark.parametrize("steps", [20, 1_000])
def test_a_rate_that_is_too_large_is_said_and_still_drawn(steps: int) -> None:
    found = run_linear(LinearRegressionOptions(learning_rate=5.0, steps=steps))
    assert "exploded" in found.lines[-1]
    assert found.pictures["descent.png"].startswith(b"\x89PNG")


def test_the_three_gradients_of_logistic_regression_are_those_of_the_likelihood() -> None:
    draws = np.random.default_rng(4)
    x, y = draws.normal(size=(5, 7)), np.array([0.0, 1, 1, 0, 1, 0, 0])
    w, b = draws.normal(size=5), 0.3

    def loss(parameters: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-(parameters[:5] @ x + parameters[5])))
        return float(-np.log(p**y * (1 - p) ** (1 - y)).mean())

    at, h = np.append(w, b), 1e-6
    numeric = [(loss(at + h * step) - loss(at - h * step)) / (2 * h) for step in np.eye(6)]
    for gradient in (
        gradient_looped(x.T.tolist(), y.tolist(), w.tolist(), b),
        gradient_vectorized(x, y, w, b),
        gradient_automatic(x, y, w, b),
    ):
        np.testing.assert_allclose(gradient, numeric, atol=1e-8)


def test_logistic_regression_fits_what_scikit_learn_fits() -> None:
    options = LogisticRegressionOptions(inputs=11, examples=3, steps=1_000)
    found = run_logistic(options).numbers
    x, y = np.array(options.points).T
    exact = LogisticRegression(C=1e9, tol=1e-10).fit(x[:, None], y)
    assert found["fitted"]["w"] == pytest.approx(exact.coef_[0, 0], abs=1e-3)
    assert found["fitted"]["b"] == pytest.approx(exact.intercept_[0], abs=1e-3)
    assert found["largest_difference"] < 1e-12


def test_cross_entropy_is_convex_and_the_squared_loss_of_a_sigmoid_is_not() -> None:
    # With the single point (1, 1): (1 − σ)² has the second derivative 2σ(1−σ)²(3σ − 1), negative where σ < 1/3, ...
    slopes = np.linspace(-6, 6, 241)
    entropy, squared = losses_over_slope([(1.0, 1.0)], slopes)
    s = 1 / (1 + np.exp(-slopes[1:-1]))
    step = slopes[1] - slopes[0]
    # ... up to the factor 2σ(1−σ) · (1−σ): s' = s(1−s), so that d²/dw² (1−s)² = 2s(1−s)²(3s−1).
    np.testing.assert_allclose(np.diff(squared, 2) / step**2, 2 * s * (1 - s) ** 2 * (3 * s - 1), atol=1e-3)
    np.testing.assert_allclose(np.diff(entropy, 2) / step**2, s * (1 - s), atol=1e-3)


def test_losses_are_those_of_scikit_learn() -> None:
    options = LossesOptions()
    found = run_losses(options).numbers
    zeros = np.zeros(len(options.errors))
    assert found["mse"] == pytest.approx(mean_squared_error(zeros, options.errors))
    assert found["rmse"] == pytest.approx(math.sqrt(found["mse"]))
    assert found["mae"] == pytest.approx(mean_absolute_error(zeros, options.errors))
    assert found["huber"] == pytest.approx((0.125 + 0.5 + 0.03125 + 7.5) / 4)
    assert found["cross_entropy"] == pytest.approx(log_loss(options.answers, options.probabilities))
    weights = [10.0 if answer else 1.0 for answer in options.answers]
    weighted = log_loss(options.answers, options.probabilities, sample_weight=weights)
    assert found["weighted_cross_entropy"] == pytest.approx(weighted)


def test_broadcasting_gives_the_percentages_of_the_course() -> None:
    found = run_broadcasting(BroadcastingOptions()).numbers
    assert found["totals"] == pytest.approx([59, 239, 155.4, 76.9])
    by_hand = [
        [94.91525424, 0.0, 2.83140283, 88.42652796],
        [2.03389831, 43.51464435, 33.46203346, 10.40312096],
        [3.05084746, 56.48535565, 63.70656371, 1.17035111],
    ]
    np.testing.assert_allclose(found["percentages"], by_hand, atol=1e-8)
    assert [row["result"] for row in found["products"]] == [[2, 3, 4], [2, 3, 4, 6]]


def test_a_missing_axis_is_refused_where_numpy_says_nothing() -> None:
    found = run_broadcasting(BroadcastingOptions()).numbers["missing_axis"]
    assert found["silent_shape"] == [5, 5]
    assert found["silent_mse"] == pytest.approx(2 * np.var(np.arange(5)))
    assert "output=(5, 1), target=(5,)" in found["refused"]
    with pytest.raises(UsageError, match="sum 0"):
        BroadcastingOptions(points=((1.0, -2.0), (3.0, 2.0)))


def test_every_optimizer_finds_the_minimum_at_five() -> None:
    found = run_quadratic(QuadraticOptions()).numbers
    assert set(found) == set(OPTIMIZERS)
    assert {name: row["w"] for name, row in found.items()} == pytest.approx(dict.fromkeys(OPTIMIZERS, 5), abs=0.01)


def test_plain_descent_on_the_quadratic_is_the_closed_form() -> None:
    path = way("sgd", 0.1, QuadraticOptions(steps=25, schedule="constant"))
    assert path == pytest.approx([5 * (1 - 0.8**step) for step in range(26)])
