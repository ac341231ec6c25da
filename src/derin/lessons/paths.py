"""The way of an optimizer, watched at every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from derin.lessons.descent import Place, descend

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """Where an optimizer was before each step and after the last, and the costs there."""

    optimizer: str
    places: Floats
    costs: Floats

    def crossed(self, goal: float) -> int | None:
        """Steps until the cost was below the goal; None when it never was."""
        below = np.flatnonzero(self.costs < goal)
        return int(below[0]) if len(below) else None


def follow(
    cost: Callable[[Tensor], Tensor],
    start: tuple[float, ...],
    *,
    optimizer: str,
    learning_rate: float,
    num_steps: int,
    momentum: float = 0.9,
) -> Path:
    """An optimizer of the product, watched at every step."""
    place = Place(start)
    places, costs = [], []
    for value in descend(
        place,
        lambda: cost(place.numbers),
        optimizer=optimizer,
        learning_rate=learning_rate,
        num_steps=num_steps,
        momentum=momentum,
    ):
        places.append(place.tolist())
        costs.append(value)
    return Path(optimizer, np.array(places), np.array(costs))
