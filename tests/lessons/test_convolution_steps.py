"""The convolution cell by cell: its sums, evaluated, are its numbers; its animation has a frame for each."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.signal import correlate2d

from derin.core.errors import UsageError
from derin.lessons.convolution_steps import ConvolutionStepsOptions, run


def evaluate(text: str) -> tuple[float, float]:
    """A written sum, worked out, and what is said to come out of it."""
    terms, _, total = text.rpartition(" = ")
    products = [[float(factor.strip("()")) for factor in term.split("·")] for term in terms.split(" + ")]
    return sum(np.prod(product) for product in products), float(total)


def test_the_sums_are_those_of_the_convolution() -> None:
    options = ConvolutionStepsOptions()
    found = run(options)
    expected = correlate2d(np.array(options.values), np.array(options.kernel), mode="valid")
    assert found.numbers["output"] == expected.tolist()
    assert found.numbers["output"][0] == [-5, -4, 0, 8]
    for text, value in zip(found.numbers["sums"], expected.flat, strict=True):
        assert evaluate(text) == (value, value)
    with Image.open(io.BytesIO(found.pictures["steps.gif"])) as animation:
        assert animation.n_frames == 16


def test_padding_stride_and_dilation() -> None:
    values, kernel = np.arange(15.0).reshape(3, 5), np.array([[1.5, -2.0]])
    rows = tuple(tuple(row) for row in values.tolist())
    options = ConvolutionStepsOptions(values=rows, kernel=((1.5, -2.0),), padding=1, stride=2, dilation=3, seconds=0.05)
    found = run(options).numbers
    expected = correlate2d(np.pad(values, 1), np.insert(kernel, [1], [[0, 0]], axis=1), mode="valid")[::2, ::2]
    assert found["output"] == expected.tolist()
    assert [evaluate(text)[1] for text in found["sums"]] == expected.ravel().tolist()


def test_more_steps_than_anyone_would_watch_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 100 steps"):
        run(ConvolutionStepsOptions(kernel=((1.0,),), padding=4))
