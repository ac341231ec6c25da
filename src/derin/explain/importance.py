"""Which columns of a table a network depends on: permutation importance, partial dependence, and ICE curves.

Source: L. Breiman, "Random forests", Machine Learning 45, 2001, section 10 (permutation); J. H. Friedman, "Greedy
    function approximation: a gradient boosting machine", Annals of Statistics 29, 2001, section 8.2 (partial
    dependence); A. Goldstein, A. Kapelner, J. Bleich, E. Pitkin, "Peeking inside the black box", Journal of
    Computational and Graphical Statistics 24, 2015 (ICE: individual conditional expectation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import permutation
from derin.tasks.metrics.intervals import Interval, bootstrap

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[Any]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnImportance:
    """How much worse the answers get when one column is shuffled.

    Args:
        name: of the column.
        value: the fall of the accuracy, or the rise of the RMSE, on average over the repeats.
        interval: its 95 % interval, by drawing the examples with replacement.
    """

    name: str
    value: float
    interval: Interval


def permutation_importance(
    errors: Callable[[Features], Floats],
    features: Features,
    columns: Sequence[tuple[str, Places]],
    *,
    repeats: int = 10,
    root: bool = False,
    seed: int = 0,
) -> list[ColumnImportance]:
    """The columns, the most important first: R⁻¹ Σᵣ e(X with column j shuffled) − e(X), e the mean error.

    All features of a column are shuffled together, so that rows stay possible within it.

    Args:
        errors: from features to the error of each example: 0 or 1 for classes, the square for numbers.
        features: as the network reads them, or numbers of rows that stand for whole inputs.
        columns: name and places of the features of each.
        repeats: R, shuffles of each column.
        root: whether roots of means are compared, as of squared errors.
        seed: of the shuffles.

    Shapes:
        features ``(N, F)``; errors ``(N, F)`` → ``(N,)``.

    Example:
        >>> x = np.arange(40, dtype=np.float32).reshape(20, 2) % 7
        >>> found = permutation_importance(
        ...     lambda f: np.square(f[:, 1] - x[:, 1]), x, [("a", np.array([0])), ("b", np.array([1]))]
        ... )
        >>> [column.name for column in found], found[1].value
        (['b', 'a'], 0.0)
    """

    def statistic(means: Floats) -> Floats:
        mean, shuffled = np.sqrt(means).T if root else means.T
        difference: Floats = shuffled - mean
        return difference

    before = errors(features)
    found = []
    for place, (name, places) in enumerate(columns):
        total = np.zeros(len(features))
        for repeat in range(repeats):
            order = permutation(seed, "permutation importance", place * repeats + repeat, len(features))
            changed = features.copy()
            changed[:, places] = features[order][:, places]
            total += errors(changed)
        both = np.stack([before, total / repeats], axis=1)
        value = float(statistic(both.mean(axis=0, keepdims=True))[0])
        interval = bootstrap(both, lambda means: {"importance": statistic(means)})["importance"]
        found.append(ColumnImportance(name, value, interval))
    return sorted(found, key=lambda column: -column.value)


def partial_dependence(
    outputs: Callable[[Features], Floats], features: Features, places: Places, grid: Features, individual: Places
) -> tuple[Floats, Floats]:
    """The mean output when a column has one value in all rows, for each of some values, and the output of some rows.

    Args:
        outputs: from features to what the network says, ``(N, F)`` → ``(N, K)``.
        features: of the examples.
        places: of the column's features.
        grid: the column's features for each value, ``(G, len(places))``.
        individual: rows whose own curves are kept.

    Shapes:
        → means ``(G, K)`` and curves ``(len(individual), G, K)``.
    """
    means, curves = [], []
    for value in grid:
        changed = features.copy()
        changed[:, places] = value
        found = outputs(changed)
        means.append(found.mean(axis=0))
        curves.append(found[individual])
    return np.stack(means), np.stack(curves, axis=1)
