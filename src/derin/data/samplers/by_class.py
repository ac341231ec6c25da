"""Rows by their classes: as often each class, several rows of several classes together, and pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.seeds import generator
from derin.data.samplers.sampler import Order, Sampler, check_rows, equal_bounds, times_before
from derin.data.table import Rows


class _ByClass(Sampler):
    """Rows that lie together by class: those of class c at ``starts[c]`` and the ``counts[c]`` places from there on."""

    def __init__(self, rows: Rows, labels: npt.NDArray[np.integer], *, batch_size: int, seed: int) -> None:
        check_rows(rows, batch_size)
        if len(labels) != len(rows):
            raise DataError(f"A sampler by class needs one label for each row; got {len(labels)} for {len(rows)} rows.")
        _, self._codes, self._counts = np.unique(labels, return_inverse=True, return_counts=True)
        by_class = np.argsort(self._codes, kind="stable")
        self._grouped, self._codes = np.asarray(rows, dtype=np.int64)[by_class], self._codes[by_class]
        self._starts = np.cumsum(self._counts) - self._counts
        self.batch_size, self._seed = batch_size, seed

    def _shuffled(self, stream: str, *numbers: int) -> Rows:
        """The rows, those of each class in an order of their own."""
        keys = generator(self._seed, stream, *numbers).random(len(self._grouped))
        return self._grouped[np.lexsort((keys, self._codes))]


class BalancedSampler(_ByClass):
    """Every class equally often, as many examples in an epoch as there are rows (rounded to the same number of each
    class).

    Any stretch of as many examples as there are classes, counted from the first, holds each class once. The rows of a
    class come in rounds: all of them before one comes again, from epoch to epoch; so those of a rare class come several
    times in an epoch, and of a frequent class a part comes in each.

    Args:
        rows: which are given.
        labels: the class of each of them.
        batch_size: rows per batch; the last one may be smaller, and a single one joins the batch before it.
        seed: of the order.

    Raises:
        DataError: there are no rows, or not one label for each.

    Example:
        >>> sampler = BalancedSampler(np.arange(6), np.array([0, 0, 0, 0, 0, 1]), batch_size=2)
        >>> [sorted(batch.tolist())[1] for batch in sampler.order(0).batches()]
        [5, 5, 5]
    """

    repeats = True

    def __init__(self, rows: Rows, labels: npt.NDArray[np.integer], *, batch_size: int, seed: int = 0) -> None:
        super().__init__(rows, labels, batch_size=batch_size, seed=seed)
        num_classes = len(self._counts)
        self._share = max(1, round(len(rows) / num_classes))  # examples of each class in an epoch
        self.num_examples = self._share * num_classes
        self.num_batches = -(-self.num_examples // batch_size)
        if self.num_examples % batch_size == 1 and self.num_batches > 1:
            self.num_batches -= 1

    def order(self, epoch: int) -> Order:
        # The j-th example of a class since the first epoch is the (j mod n)-th of its round j div n.
        numbers = epoch * self._share + np.arange(self._share)
        rounds, places = np.divmod(numbers[:, None], self._counts)
        chosen = np.empty_like(rounds)
        for number in np.unique(rounds).tolist():
            step, code = np.nonzero(rounds == number)
            chosen[step, code] = self._shuffled("round", number)[self._starts[code] + places[step, code]]
        turns = np.argsort(generator(self._seed, "turns", epoch).random(chosen.shape), axis=1)
        rows = np.take_along_axis(chosen, turns, axis=1).reshape(-1)
        return Order(rows, equal_bounds(self.num_examples, self.batch_size, self.num_batches))


# The pairs of few examples are many: an epoch of them is so long that measuring after it takes less time than it does.
LEAST_BATCHES = 20


class ClassBatchSampler(_ByClass):
    """Batches of P classes with K examples each (P×K), as losses on the distances between examples want them.

    Classes come in an order of each epoch, P at a time; what is left over of it, fewer than P, waits for the next
    round. A class that comes again in an epoch goes on in its rows; one with fewer than K rows repeats them. An epoch
    has as many batches as the rows would fill, and at least so many as are asked for.

    Args:
        rows: which are given.
        labels: the class of each of them.
        num_classes: P.
        num_each: K.
        least_batches: of an epoch.
        seed: of the order.

    Raises:
        DataError: there are fewer than P classes.

    Source: A. Hermans, L. Beyer, B. Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        arXiv:1703.07737, section 2.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 2, 2])
        >>> sampler = ClassBatchSampler(np.arange(7), labels, num_classes=2, num_each=2)
        >>> [labels[batch].tolist() for batch in sampler.order(0).batches()]
        [[0, 0, 1, 1]]
    """

    repeats = True

    def __init__(
        self,
        rows: Rows,
        labels: npt.NDArray[np.integer],
        *,
        num_classes: int,
        num_each: int,
        least_batches: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(rows, labels, batch_size=num_classes * num_each, seed=seed)
        if len(self._counts) < num_classes:
            raise DataError(
                f"A batch of {num_classes} classes with {num_each} examples each needs so many classes; the rows have "
                f"{len(self._counts)}. Take fewer classes."
            )
        self._num_classes, self._num_each = num_classes, num_each
        self.num_batches = max(least_batches, len(rows) // self.batch_size)
        self.num_examples = self.num_batches * self.batch_size

    def order(self, epoch: int) -> Order:
        draw = generator(self._seed, "classes", epoch)
        per_round = len(self._counts) // self._num_classes
        # Each class at most once in a round, so that the number of the round is how often it may have come before.
        num_rounds = -(-self.num_batches // per_round)
        turns = np.argsort(draw.random((num_rounds, len(self._counts))), axis=1)[:, : per_round * self._num_classes]
        classes = turns.reshape(-1)[: self.num_batches * self._num_classes]
        visits = times_before(classes)
        places = visits[:, None] * self._num_each + np.arange(self._num_each)
        places = self._starts[classes][:, None] + places % self._counts[classes][:, None]
        rows = self._shuffled("rows", epoch)[places].reshape(-1)
        return Order(rows, equal_bounds(self.num_examples, self.batch_size, self.num_batches))


class PairSampler(_ByClass):
    """Pairs of rows of the same class or of different ones: every row once as the first of a pair, in each epoch.

    The rows of a batch are first, second, first, second … Of the pairs of an epoch the share ``same`` (rounded) has one
    class; the only row of a class has no other of its own, and its pair is different.

    Args:
        rows: which are given.
        labels: the class of each of them.
        batch_size: pairs per batch; the last one may be smaller.
        same: the share of pairs of one class, 0 to 1.
        seed: of the order.

    Raises:
        DataError: all rows have one class and pairs of different ones are wanted, or `same` is no share.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> (pairs,) = PairSampler(np.arange(6), labels, batch_size=6).order(0).batches()
        >>> int((labels[pairs[0::2]] == labels[pairs[1::2]]).sum()), sorted(pairs[0::2].tolist())
        (3, [0, 1, 2, 3, 4, 5])
    """

    repeats = True

    def __init__(
        self,
        rows: Rows,
        labels: npt.NDArray[np.integer],
        *,
        batch_size: int,
        same: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(rows, labels, batch_size=batch_size, seed=seed)
        if not 0 <= same <= 1:
            raise DataError(f"PairSampler.same is a share from 0 to 1; got {same}.")
        if len(self._counts) == 1 and (same < 1 or len(rows) == 1):
            raise DataError(
                f"Pairs of different classes need at least two classes; the {len(rows):,} rows have one. Give others, "
                "or same=1."
            )
        self._num_same = round(same * len(rows))
        self.num_batches = -(-len(rows) // batch_size)
        self.num_examples = 2 * len(rows)

    def order(self, epoch: int) -> Order:
        draw = generator(self._seed, "pairs", epoch)
        num = len(self._grouped)
        first = draw.permutation(num)  # places among the grouped rows
        is_same = draw.permutation(num) < self._num_same
        codes = self._codes[first]
        starts, counts = self._starts[codes], self._counts[codes]
        is_same &= counts > 1
        chance = draw.random(num)
        # In the ring of its class every other row is 1 to n − 1 places on; in the ring of all rows, those of other
        # classes begin where the class ends.
        own = starts + (first - starts + 1 + (chance * (counts - 1)).astype(np.int64)) % counts
        other = (starts + counts + (chance * (num - counts)).astype(np.int64)) % num
        pairs = np.stack([first, np.where(is_same, own, other)], axis=1)
        bounds = 2 * equal_bounds(num, self.batch_size, self.num_batches)
        return Order(self._grouped[pairs.reshape(-1)], bounds)
