"""Places in a long row of tokens that are read on from batch to batch."""

from __future__ import annotations

import numpy as np

from derin.core.errors import DataError
from derin.core.seeds import generator
from derin.data.samplers.sampler import Order, Sampler, equal_bounds


class ContiguousSampler(Sampler):
    """Where the windows of each batch begin, in a long row that is read as several streams side by side.

    The row, closed to a ring, is cut into as many streams of equal length as a batch has windows; the place of the
    first cut is a function of (seed, epoch). Batch k holds the k-th window of every stream. What is left over at the
    end of a stream, less than a window, is not seen in this epoch.

    Args:
        length: of the row.
        batch_size: number of streams; fewer where the row is too short for so many windows.
        window: places per stream and batch, at most the length.
        seed: of the cuts.

    Raises:
        DataError: the row is shorter than a window.

    Example:
        >>> sampler = ContiguousSampler(13, batch_size=2, window=3, seed=1)
        >>> [batch.tolist() for batch in sampler.order(0).batches()]
        [[12, 5], [2, 8]]
    """

    def __init__(self, length: int, *, batch_size: int, window: int, seed: int = 0) -> None:
        if not 1 <= window <= length or batch_size < 1:
            raise DataError(
                f"A stream of {length} places needs a batch_size of at least 1 and a window in 1..{length}; got "
                f"batch_size={batch_size}, window={window}."
            )
        self.batch_size = min(batch_size, length // window)
        self._stream = length // self.batch_size
        self.num_batches = self._stream // window
        self.num_examples = self.num_batches * self.batch_size
        self._length, self._window, self._seed = length, window, seed

    def order(self, epoch: int) -> Order:
        first = generator(self._seed, "stream", epoch).integers(self._length)
        starts = first + np.arange(self.batch_size) * self._stream
        places = (starts + self._window * np.arange(self.num_batches)[:, None]) % self._length
        return Order(places.reshape(-1), equal_bounds(self.num_examples, self.batch_size, self.num_batches))
