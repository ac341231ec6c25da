"""Pooling, against loops over the windows."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import ShapeError
from derin.lessons.pooling import PoolingOptions, run


def pool_by_hand(values: np.ndarray, f: int, s: int) -> dict[str, dict[str, list[list[float]]]]:
    """Outputs and input gradients for both kinds, the gradients from above being 1, 2, 3, …"""
    high, wide = ((n - f) // s + 1 for n in values.shape)
    outputs = {kind: np.zeros((high, wide)) for kind in ("max", "average")}
    gradients = {kind: np.zeros_like(values) for kind in outputs}
    for number, (row, column) in enumerate(np.ndindex(high, wide), 1):
        place = np.s_[row * s : row * s + f, column * s : column * s + f]
        part = values[place]
        outputs["max"][row, column], outputs["average"][row, column] = part.max(), part.mean()
        winner = np.unravel_index(part.argmax(), part.shape)
        gradients["max"][place][winner] += number
        gradients["average"][place] += number / f**2
    return {kind: {"output": outputs[kind].tolist(), "input_gradient": gradients[kind].tolist()} for kind in outputs}


def test_the_table_of_the_course() -> None:
    found = run(PoolingOptions()).numbers
    assert found["max"]["output"] == [[9, 2], [6, 3]]
    assert found["average"]["output"] == [[3.75, 1.25], [3.75, 2]]
    assert found["max"]["input_gradient"] == [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 4], [0, 3, 0, 0]]
    assert found["average"]["input_gradient"][0] == [0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(("f", "s"), [(2, 2), (3, 1), (3, 2), (2, 3)])
def test_windows_that_overlap_or_leave_gaps(f: int, s: int) -> None:
    values = np.random.default_rng(f + s).permutation(35).reshape(5, 7).astype(float)
    rows = tuple(tuple(row) for row in values.tolist())
    found = run(PoolingOptions(values=rows, size=f, stride=s)).numbers
    for kind, tables in pool_by_hand(values, f, s).items():
        for name, expected in tables.items():
            np.testing.assert_allclose(found[kind][name], expected, rtol=1e-12)


def test_a_window_larger_than_the_matrix_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least 9×9"):
        run(PoolingOptions(size=9))
