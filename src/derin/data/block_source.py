"""Batches of rows that come without end: some thousand of them are held at a time, shuffled, and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import Any, NamedTuple

from derin.core.errors import RefusedFileError
from derin.data.batch import Batch, Source
from derin.data.prefetch import ahead


class Place(NamedTuple):
    """Where the next row is read: in which pass through all shards, at which turn of it, behind how many rows."""

    passes: int = 0
    turn: int = 0
    member: int = 0


class BlockSource:
    """Batches without end, of which so many are called an epoch.

    Rows are read in their order into blocks of ``batches_per_block`` batches. Within a block they are shuffled by its
    number, and while it is used the next is read beside it. An example is a function of the seed and of its place, so
    that a source which is told where a block begins goes on with the same bits: it reads that block again.

    Args:
        read_block: gives the source of a block's batches and the place behind its last row, from the place of its
            first. It must give ``batches_per_block`` batches for every epoch; the block's number is taken for that.
        batch_size: examples per batch.
        num_batches: of an epoch.
        batches_per_block: as many batches of rows are held at a time.
    """

    def __init__(
        self,
        read_block: Callable[[Place], tuple[Source, Place]],
        *,
        batch_size: int,
        num_batches: int,
        batches_per_block: int,
    ) -> None:
        self.batch_size, self.num_batches = batch_size, num_batches
        self.num_examples = num_batches * batch_size
        self.prefetches = True
        self._read_block, self._batches_per_block = read_block, batches_per_block
        self._places = {0: Place()}  # where blocks begin, as far as they were read

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step `from_step` on."""
        step = epoch * self.num_batches + from_step
        left = self.num_batches - from_step
        if left <= 0:
            return
        first = step // self._batches_per_block
        known = max(number for number in self._places if number <= first)
        for number in range(known, first):
            self._read(number)
        last = (step + left - 1) // self._batches_per_block
        with closing(ahead(self._read, range(first, last + 1))) as blocks:
            for number, block in zip(count(first), blocks):
                start = max(step - number * self._batches_per_block, 0)
                for batch in block.batches(number, start):
                    yield batch
                    left -= 1
                    if not left:
                        return

    def position(self, epoch: int, step: int) -> dict[str, Any]:
        """Where the block of a step begins, as JSON; what lies before it is not needed again."""
        number = (epoch * self.num_batches + step) // self._batches_per_block
        known = max(n for n in self._places if n <= number)
        for earlier in [n for n in self._places if n < known]:
            del self._places[earlier]
        return {"block": known, "place": list(self._places[known])}

    def seek(self, position: Any) -> None:
        """Takes what `position` gave, so that nothing before it is read."""
        try:
            place = Place(*(int(part) for part in position["place"]))
            self._places = {int(position["block"]): place}
        except (KeyError, TypeError, ValueError) as error:
            raise RefusedFileError(f"The saved position of a stream is damaged: {error!r}; start a new run.") from None

    def _read(self, number: int) -> Source:
        source, self._places[number + 1] = self._read_block(self._places[number])
        return source
