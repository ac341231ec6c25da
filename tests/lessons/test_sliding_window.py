"""A classifier of windows as convolutions: the same answers for every window, all at once."""

from __future__ import annotations

import pytest

from derin.core.errors import UsageError
from derin.lessons.sliding_window import SlidingWindowOptions, run


def test_shapes_answers_and_counts() -> None:
    found = run(SlidingWindowOptions(examples=8, steps=2)).numbers
    assert found["maps"] == {"14": [4, 1, 1], "16": [4, 2, 2], "28": [4, 8, 8]}
    assert found["largest_difference"] < 1e-12
    assert found["windows"] == 64
    first, whole = found["multiplications"]["first_convolution"], found["multiplications"]["whole_network"]
    assert first == {"one_by_one": 64 * 100 * 16 * 75, "at_once": 24 * 24 * 16 * 75}
    dense = 400 * 400 + 400 * 400 + 400 * 4
    assert whole == {name: count + 64 * dense for name, count in first.items()}


def test_the_trained_classifier_finds_each_shape_where_it_was_drawn() -> None:
    classes = run(SlidingWindowOptions()).numbers["classes"]
    # Shapes lie in the middle of the windows (1, 1), (6.5, 6.5) and (1, 6.5) of the map.
    assert classes[1][1] == 1
    assert 2 in {classes[row][column] for row in (6, 7) for column in (6, 7)}
    assert 3 in {classes[1][6], classes[1][7]}
    assert classes[4][1] == classes[7][0] == classes[4][4] == 0


def test_another_size_of_picture_is_read_too() -> None:
    found = run(SlidingWindowOptions(size=20, examples=4, steps=0)).numbers
    assert (found["maps"]["20"], found["windows"]) == ([4, 4, 4], 16)
    assert found["largest_difference"] < 1e-12


def test_a_size_between_two_windows_is_refused() -> None:
    with pytest.raises(UsageError, match="must be even"):
        SlidingWindowOptions(size=15)
