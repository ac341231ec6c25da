"""Rows of unequal size in batches that cost about the same each.

What a step costs is its padded size, rows times the largest of them. Rows are therefore sorted by size before they are
cut into batches, in each epoch with a little noise, so that a row meets other neighbors every time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator, permutation
from derin.data.samplers.sampler import Order, Sampler, check_rows
from derin.data.table import Rows

# Sizes count as up to this much larger when rows are sorted: a row changes neighbors, and a batch pads a fifth more
# at the worst.
_NOISE = 0.2
# Small rows would make batches of hundreds of examples, and so too few steps.
_MOST_EXAMPLES = 2


class TokenBudgetSampler(Sampler):
    """Every row once in an epoch, with its like, in batches under a budget: ``batch_size`` times the mean size.

    How many rows each batch has is the same in every epoch. Which rows these are, and the order of the batches, is a
    function of (seed, epoch); without ``shuffle`` rows come sorted by size.

    Args:
        rows: which are given.
        sizes: what each of them takes, at least 1. Rows times the largest of them stays within the budget, except
            where a single row is larger; and no batch has more than twice ``batch_size`` rows.
        batch_size: rows of mean size per batch.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.

    Raises:
        DataError: there are no rows.

    Example:
        >>> sampler = TokenBudgetSampler(np.arange(3), np.array([2, 1, 6]), batch_size=1)
        >>> [batch.tolist() for batch in sampler.order(0).batches()]
        [[1], [0], [2]]
    """

    def __init__(
        self, rows: Rows, sizes: npt.NDArray[np.int64], *, batch_size: int, seed: int = 0, shuffle: bool = False
    ) -> None:
        check_rows(rows, batch_size)
        self.batch_size, self.num_examples = batch_size, len(rows)
        self._rows, self._sizes, self._seed, self._shuffle = np.asarray(rows, dtype=np.int64), sizes, seed, shuffle
        self._bounds = self._cut()
        self.num_batches = len(self._bounds) - 1

    def order(self, epoch: int) -> Order:
        sizes: npt.NDArray[Any] = self._sizes
        if self._shuffle:
            sizes = sizes * (1 + _NOISE * generator(self._seed, "order", epoch).random(len(sizes)))
        rows = self._rows[np.argsort(sizes, kind="stable")]
        if not self._shuffle:
            return Order(rows, self._bounds)
        steps = permutation(self._seed, "batches", epoch, self.num_batches)
        starts, lengths = self._bounds[steps], np.diff(self._bounds)[steps]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        return Order(rows[np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], lengths)], bounds)

    def _cut(self) -> Rows:
        """Where batches begin in the sorted rows, and one after the last: ``(num_batches + 1,)``."""
        # A row's size with noise is at most (1 + noise) times its own, so the same holds for the i-th smallest: the
        # i-th place never holds a larger row than this, whatever the epoch.
        ordered = np.sort(self._sizes)
        largest = np.minimum(ordered * (1 + _NOISE), ordered[-1]) if self._shuffle else ordered
        budget = self.batch_size * self._sizes.mean()
        bounds = [0]
        while bounds[-1] < len(largest):
            start = bounds[-1]
            ahead = largest[start : start + _MOST_EXAMPLES * self.batch_size]
            num = int(np.searchsorted(ahead * np.arange(1, len(ahead) + 1), budget, side="right"))
            bounds.append(start + max(1, num))
        return np.asarray(bounds, dtype=np.int64)
