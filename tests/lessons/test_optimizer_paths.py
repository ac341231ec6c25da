"""Paths against recurrences in NumPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from derin.core.errors import UsageError
from derin.lessons import optimizer_paths
from derin.lessons.optimizer_paths import PathOptions, paths_on
from derin.lessons.paths import follow
from derin.lessons.surfaces import SURFACES, Surface

RAVINE = SURFACES[1]


def slope(name: str, x: float, y: float) -> np.ndarray:
    """The gradient by hand."""
    if name == "saddle":
        return np.array([x, y**3 - y])
    if name == "ravine":
        return np.array([0.1 * x, 5 * y])
    return np.array([x, y]) * np.exp(-(x**2 + y**2) / 2)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda s: s.name)
def test_adam_moves_as_its_paper_says(surface: Surface) -> None:
    (path,) = paths_on(surface, PathOptions(optimizers=("adam",), steps=30, learning_rate=0.07))
    place, first, second = np.array(surface.start), np.zeros(2), np.zeros(2)
    for t in range(1, 31):
        assert path.places[t - 1] == pytest.approx(place, rel=1e-9, abs=1e-12)
        gradient = slope(surface.name, *place)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        place = place - 0.07 * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)


def test_descent_in_the_ravine_follows_its_closed_form() -> None:
    (path,) = paths_on(RAVINE, PathOptions(optimizers=("sgd",), steps=40, learning_rate=0.3))
    steps = np.arange(41)
    expected = np.stack([-9 * 0.97**steps, 1.5 * (-0.5) ** steps], axis=1)
    assert path.places == pytest.approx(expected)


def test_the_optimizers_part_ways() -> None:
    found = optimizer_paths.run(PathOptions(steps=120))
    crossed = found.numbers["crossed"]
    assert crossed["momentum"]["ravine"] < crossed["sgd"]["ravine"]
    assert crossed["adam"]["plateau"] < crossed["momentum"]["plateau"] < crossed["sgd"]["plateau"]
    assert crossed["adam"]["saddle"] < crossed["sgd"]["saddle"]
    assert found.pictures["paths.gif"].startswith(b"GIF89a")


def test_a_path_that_explodes_ends_early() -> None:
    path = follow(lambda w: (w**4).sum(), (3.0,), optimizer="sgd", learning_rate=1.0, num_steps=50)
    assert 2 <= len(path.places) < 50
    assert np.isfinite(path.costs).all()


def test_an_optimizer_is_named_once() -> None:
    with pytest.raises(UsageError, match="different names"):
        PathOptions(optimizers=("sgd", "sgd"))
