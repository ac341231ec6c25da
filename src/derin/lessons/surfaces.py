"""Surfaces of two numbers on which optimizers part ways: a saddle, a ravine and a plateau."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derin.lessons.lesson import Text


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A cost of x and y.

    Args:
        name: in one word.
        title: for people.
        height: the cost; takes torch tensors and NumPy arrays alike.
        start: where everyone begins.
        across: what is drawn of x.
        up: what is drawn of y.
        goal: the cost below which the surface counts as crossed.
    """

    name: str
    title: Text
    height: Callable[[Any, Any], Any]
    start: tuple[float, float]
    across: tuple[float, float]
    up: tuple[float, float]
    goal: float


def _bump(x: Any, y: Any) -> Any:
    """e^(−r²/2), by a power so that it takes arrays of either kind."""
    return math.e ** (-(x**2 + y**2) / 2)


SURFACES = (
    # Along x it is a bowl, along y a hill with valleys at ±1; at (0, 0) the gradient is 0. The least cost is −¼.
    Surface(
        name="saddle",
        title=Text("saddle", "eyer"),
        height=lambda x, y: x**2 / 2 - y**2 / 2 + y**4 / 4,
        start=(1.5, 0.001),
        across=(-0.8, 1.8),
        up=(-1.0, 1.5),
        goal=-0.2,
    ),
    # Fifty times as steep along y as along x; the least cost is 0.
    Surface(
        name="ravine",
        title=Text("ravine", "vadi"),
        height=lambda x, y: 0.05 * x**2 + 2.5 * y**2,
        start=(-9.0, 1.5),
        across=(-10.0, 3.0),
        up=(-2.0, 2.0),
        goal=0.04,
    ),
    # A hole in a plain: at the start the slope is 0.012. The least cost is 0.
    Surface(
        name="plateau",
        title=Text("plateau", "plato"),
        height=lambda x, y: 1 - _bump(x, y),
        start=(3.2, 1.0),
        across=(-1.5, 3.8),
        up=(-2.0, 2.0),
        goal=0.05,
    ),
)
