"""Pictures of where a translation looked."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import ShapeError
from derin.explain.alignment import Alignment


def test_the_strongest_piece_is_that_of_the_largest_weight() -> None:
    weights = np.array([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    found = Alignment(("ein", "Hund", "■"), ("dog", "a"), weights)
    assert found.strongest() == [("dog", "Hund", 0.7), ("a", "ein", 0.6)]
    assert found.to_json()["weights"] == weights.tolist()


def test_a_picture_is_darkest_where_the_weight_is() -> None:
    """One row, one column each: the middle of the picture's cells is white where nothing was looked at."""
    pictures = []
    for weights in ([[1.0, 0.0]], [[0.0, 1.0]]):
        data = Alignment(("a", " "), ("$b",), np.array(weights)).png()
        assert len(data) < 50_000
        pictures.append(np.asarray(Image.open(io.BytesIO(data)).convert("L"), dtype=float))
    assert pictures[0].shape == pictures[1].shape
    changed = np.flatnonzero(np.abs(pictures[0] - pictures[1]).max(0) > 30)
    half = (changed.min() + changed.max()) // 2
    left, right = (slice(changed.min() + 2, half - 2), slice(half + 2, changed.max() - 2))
    row = np.flatnonzero(np.abs(pictures[0] - pictures[1]).max(1) > 30)
    band = slice(row.min() + 2, row.max() - 2)
    assert pictures[0][band, right].mean() > pictures[0][band, left].mean() + 100
    assert pictures[1][band, left].mean() > pictures[1][band, right].mean() + 100


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 2\); got \(2, 1\)"):
        Alignment(("a", "b"), ("c",), np.ones((2, 1)))
