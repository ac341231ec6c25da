"""What all samplers have in common: an order of rows that is a function of (seed, epoch), cut into batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from derin.core.errors import DataError
from derin.data.table import Rows

# Rows stay below this, so that a row and how often it came before are one number.
_REPEAT_SHIFT = 40


class Order(NamedTuple):
    """The rows of one epoch, batch after batch.

    Args:
        rows: in their order.
        bounds: batch k is ``rows[bounds[k]:bounds[k + 1]]``.

    Shapes:
        rows ``(num_examples,)``, bounds ``(num_batches + 1,)``.
    """

    rows: Rows
    bounds: Rows

    def batches(self, from_step: int = 0) -> Iterator[Rows]:
        """The rows of each batch, from a step on."""
        for step in range(from_step, len(self.bounds) - 1):
            yield self.rows[self.bounds[step] : self.bounds[step + 1]]

    def draws(self) -> Rows:
        """A number for each example by which what is random about it is drawn: that of its row, which a row that comes
        again in the epoch shares with nobody, not even with itself before.

        Example:
            >>> found = Order(np.array([4, 7, 4]), np.array([0, 3])).draws()
            >>> found[:2].tolist(), bool(found[2] > 7)
            ([4, 7], True)
        """
        return self.rows + (times_before(self.rows) << _REPEAT_SHIFT)


class Sampler(ABC):
    """Which rows come in which order: a function of (seed, epoch) alone, so that an epoch can be entered at any step.

    Attributes:
        num_examples: in one epoch.
        num_batches: in one epoch.
        batch_size: what was asked for; single batches may be smaller or larger.
        repeats: whether a row may come several times in one epoch.
    """

    num_examples: int
    num_batches: int
    batch_size: int
    repeats: bool = False

    @abstractmethod
    def order(self, epoch: int) -> Order:
        """The order of an epoch, counted from 0."""


def equal_bounds(num_examples: int, batch_size: int, num_batches: int) -> Rows:
    """Batches of one size; the last one holds what is left."""
    bounds = np.arange(num_batches + 1, dtype=np.int64) * batch_size
    bounds[-1] = num_examples
    return bounds


def check_rows(rows: Rows, batch_size: int) -> None:
    """Refuses no rows, and batches without any."""
    if not len(rows):
        raise DataError("A source of batches needs at least one row; the split is empty.")
    if batch_size < 1:
        raise DataError(f"A sampler's batch_size must be at least 1; got batch_size={batch_size}.")


def times_before(values: Rows) -> Rows:
    """How often each value came before.

    Example:
        >>> times_before(np.array([4, 7, 4, 4])).tolist()
        [0, 0, 1, 2]
    """
    by_value = np.argsort(values, kind="stable")
    ordered = values[by_value]
    found = np.empty_like(values)
    found[by_value] = np.arange(len(values)) - np.searchsorted(ordered, ordered)
    return found
