"""Gradients by convolution, against central differences of a convolution written as loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.lessons.convolution_backward import ConvolutionBackwardOptions, run


def error(x: np.ndarray, f: np.ndarray, above: np.ndarray, stride: int) -> float:
    """E = Σ O·∂E/∂O of a convolution in loops."""
    return sum(
        weight * (x[row * stride :, column * stride :][: f.shape[0], : f.shape[1]] * f).sum()
        for (row, column), weight in np.ndenumerate(above)
    )


def differences(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    gradient = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = 0.5  # E is linear in each number, so that the step need not be small
        gradient[place] = function(at + step) - function(at - step)
    return gradient


@pytest.mark.parametrize(("shape", "kernel", "stride"), [((5, 7), (3, 2), 1), ((6, 8), (2, 3), 2), ((7, 5), (1, 2), 3)])
def test_both_gradients_are_those_of_central_differences(
    shape: tuple[int, int], kernel: tuple[int, int], stride: int
) -> None:
    generator = np.random.default_rng(sum(shape))
    x, f = (generator.integers(-4, 5, size).astype(float) for size in (shape, kernel))
    rows = [tuple(tuple(row) for row in matrix.tolist()) for matrix in (x, f)]
    found = run(ConvolutionBackwardOptions(values=rows[0], kernel=rows[1], stride=stride)).numbers
    above = np.array(found["output_gradient"])
    assert above.shape == tuple((n - k) // stride + 1 for n, k in zip(shape, kernel))
    np.testing.assert_allclose(found["filter_gradient"], differences(lambda f: error(x, f, above, stride), f))
    np.testing.assert_allclose(found["input_gradient"], differences(lambda x: error(x, f, above, stride), x))
    assert found["difference_from_autograd"] < 1e-12


def test_a_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\(2, 2\); got \(1, 2\)"):
        run(ConvolutionBackwardOptions(gradient=((1.0, 2.0),)))
