"""Padding as in the course's tables, and sizes counted by walking along the axis."""

from __future__ import annotations

from typing import Any

import pytest

from derin.core.errors import ShapeError, UsageError
from derin.lessons.padding import PaddingOptions, run

MIRRORED = """
1 1 0 1 1 0 1 1
1 1 0 1 1 0 1 1
0 0 1 0 0 1 0 0
0 0 1 1 1 1 0 0
0 0 1 1 1 1 0 0
1 1 0 1 1 0 1 1
1 1 1 0 0 1 1 1
1 1 1 0 0 1 1 1
"""


def count_windows(n: int, f: int, p: int, s: int, d: int) -> int:
    return len([start for start in range(0, n + 2 * p, s) if start + d * (f - 1) < n + 2 * p])


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    return run(PaddingOptions()).numbers


def test_the_tables_are_those_of_the_course(numbers: dict[str, Any]) -> None:
    padded = numbers["padded"]
    assert padded["mirror"] == [[float(word) for word in line.split()] for line in MIRRORED.strip().splitlines()]
    assert padded["zero"][0] == [0] * 8
    assert padded["zero"][1] == [0, 1, 0, 1, 1, 0, 1, 0]
    assert padded["reflection"][1] == [0, 1, 0, 1, 1, 0, 1, 0]
    assert padded["reflection"][0] == [1, 0, 1, 0, 0, 1, 0, 1]


def test_sizes_by_the_formula_and_of_the_layer_are_the_number_of_windows(numbers: dict[str, Any]) -> None:
    for row in numbers["sizes"]:
        assert row["output"] == row["layer"] == count_windows(*(row[name] for name in "nfpsd"))
    (own,) = run(PaddingOptions(size=23, filter_size=5, padding=3, stride=4, dilation=2)).numbers["sizes"]
    assert own["output"] == own["layer"] == count_windows(23, 5, 3, 4, 2) == 6


def test_same_keeps_the_size_valid_loses_f_minus_1_and_groups_divide_the_weights(numbers: dict[str, Any]) -> None:
    assert [(row["p"], row["output"]) for row in numbers["same"]] == [(0, 7), (1, 7), (2, 7), (3, 7)]
    assert [row["output"] for row in numbers["valid"]] == [7, 5, 3, 1]
    assert [row["weights"] for row in numbers["groups"]] == [288, 144, 72]


def test_a_filter_or_padding_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="at least 9 values"):
        run(PaddingOptions(size=5, filter_size=9))
    with pytest.raises(UsageError, match="width=6"):
        PaddingOptions(width=6)
