"""Rows that are drawn by how much they count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import generator
from derin.data.samplers.sampler import Order, Sampler, check_rows, equal_bounds
from derin.data.table import Rows


class WeightedSampler(Sampler):
    """Rows drawn with replacement, each with probability wᵢ / Σw. An epoch is as many draws as there are rows, so that
    some rows come several times in it and others not at all.

    Args:
        rows: which may come.
        weights: of each of them, 0 or above.
        batch_size: rows per batch; the last one may be smaller, and a single one joins the batch before it.
        seed: of the draws.

    Raises:
        DataError: there are no rows, or weights are negative, not finite, or all 0.

    Example:
        >>> sampler = WeightedSampler(np.array([4, 6]), np.array([0.0, 2.0]), batch_size=2)
        >>> [batch.tolist() for batch in sampler.order(0).batches()]
        [[6, 6]]
    """

    repeats = True

    def __init__(self, rows: Rows, weights: npt.NDArray[np.floating], *, batch_size: int, seed: int = 0) -> None:
        check_rows(rows, batch_size)
        if len(weights) != len(rows) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise DataError(
                "A WeightedSampler needs one weight for each row, finite, 0 or above, and at least one above 0; got "
                f"{len(weights):,} weights for {len(rows):,} rows, from {weights.min()} to {weights.max()}."
            )
        self.batch_size, self.num_examples = batch_size, len(rows)
        self.num_batches = -(-len(rows) // batch_size)
        if len(rows) % batch_size == 1 and self.num_batches > 1:
            self.num_batches -= 1
        self._rows, self._seed = rows, seed
        self._reaches = np.cumsum(weights, dtype=np.float64)  # row i has the numbers below the i-th and not below i − 1

    def order(self, epoch: int) -> Order:
        drawn = generator(self._seed, "weighted", epoch).random(self.num_examples) * self._reaches[-1]
        # A product may round up to the end itself, which belongs to no row; weights of 0 at the end have no room.
        places = np.minimum(
            np.searchsorted(self._reaches, drawn, side="right"), np.searchsorted(self._reaches, self._reaches[-1])
        )
        return Order(self._rows[places], equal_bounds(self.num_examples, self.batch_size, self.num_batches))
