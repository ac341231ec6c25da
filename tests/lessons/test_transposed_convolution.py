"""Transposed convolution, against the course's picture and a matrix that is truly transposed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import ShapeError
from derin.lessons.transposed_convolution import TransposedConvolutionOptions, run


def by_matrix(x: np.ndarray, f: np.ndarray, size: tuple[int, int], stride: int, padding: int) -> np.ndarray:
    """Mᵀ·x, where M·y is the plain convolution of a matrix y of the wanted size."""
    matrix = np.zeros((x.size, size[0], size[1]))
    for number, (row, column) in enumerate(np.ndindex(x.shape)):
        for (u, v), weight in np.ndenumerate(f):
            place = row * stride + u - padding, column * stride + v - padding
            if all(0 <= p < n for p, n in zip(place, size)):
                matrix[number][place] += weight
    return np.tensordot(x.ravel(), matrix, 1)


def test_the_formula_gives_3_by_3_and_output_padding_4_by_4() -> None:
    found = run(TransposedConvolutionOptions())
    assert found.numbers["outputs"] == {
        "0": [[0, 4, 0], [10, 7, 6], [0, 7, 0]],
        "1": [[0, 4, 0, 1], [10, 7, 6, 3], [0, 7, 0, 2], [6, 3, 4, 2]],
    }
    # The painted canvas, its border cut off, is what the layer gives.
    assert np.array(found.numbers["canvas"])[1:, 1:].tolist() == found.numbers["outputs"]["1"]
    with Image.open(io.BytesIO(found.pictures["steps.gif"])) as animation:
        assert animation.n_frames == 4


def test_it_is_the_transpose_of_a_convolution() -> None:
    x, f = np.arange(1.0, 7.0).reshape(2, 3), np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]])
    rows = [tuple(tuple(row) for row in matrix.tolist()) for matrix in (x, f)]
    options = TransposedConvolutionOptions(values=rows[0], kernel=rows[1], stride=3, padding=1, seconds=0.05)
    outputs = run(options).numbers["outputs"]
    assert set(outputs) == {"0", "1", "2"}
    for extra, output in outputs.items():
        high, wide = ((n - 1) * 3 - 2 + k + int(extra) for n, k in zip(x.shape, f.shape))
        np.testing.assert_allclose(output, by_matrix(x, f, (high, wide), 3, 1))


def test_convolution_along_one_and_three_axes() -> None:
    one, three = run(TransposedConvolutionOptions()).numbers["other_axes"]
    assert (one["before"], one["after"]) == ([14, 1], [10, 16])
    assert (three["before"], three["after"]) == ([14, 14, 14, 1], [10, 10, 10, 16])


def test_a_padding_that_cuts_everything_away_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least one value"):
        run(TransposedConvolutionOptions(stride=1, padding=2))
