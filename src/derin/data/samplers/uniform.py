"""Every row once in an epoch."""

from __future__ import annotations

from derin.core.seeds import permutation
from derin.data.samplers.sampler import Order, Sampler, check_rows, equal_bounds
from derin.data.table import Rows


class UniformSampler(Sampler):
    """Every row once in an epoch, in batches of one size; the order does not depend on that size.

    Args:
        rows: which are given.
        batch_size: rows per batch; the last one may be smaller.
        seed: of the order.
        shuffle: whether each epoch has an order of its own; otherwise rows come as they are given.
        joins_lone: whether a single row that is left over joins the batch before it: batch norm cannot train on one
            example.

    Raises:
        DataError: there are no rows.

    Example:
        >>> import numpy as np
        >>> sampler = UniformSampler(np.array([3, 5, 8, 9, 11]), batch_size=2, joins_lone=True)
        >>> [batch.tolist() for batch in sampler.order(0).batches()]
        [[3, 5], [8, 9, 11]]
    """

    def __init__(
        self, rows: Rows, *, batch_size: int, seed: int = 0, shuffle: bool = False, joins_lone: bool = False
    ) -> None:
        check_rows(rows, batch_size)
        self.batch_size, self.num_examples = batch_size, len(rows)
        self.num_batches = -(-len(rows) // batch_size)
        if joins_lone and len(rows) % batch_size == 1 and self.num_batches > 1:
            self.num_batches -= 1
        self._rows, self._seed, self._shuffle = rows, seed, shuffle
        self._bounds = equal_bounds(self.num_examples, batch_size, self.num_batches)

    def order(self, epoch: int) -> Order:
        rows = self._rows
        if self._shuffle:
            rows = rows[permutation(self._seed, "order", epoch, self.num_examples)]
        return Order(rows, self._bounds)
