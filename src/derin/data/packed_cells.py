"""The cells of a table in few pieces of memory: a string of Python takes some fifty bytes beside its characters.

Cells are made into strings some thousand at a time and let go again; which of them are equal is found out from the
bytes.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.integer[Any]]
_Words = npt.NDArray[np.uint64]

# Cells that are strings at a time.
_MANY = 1 << 14
# Of a longer cell Python's own hash is taken, and its bytes are compared one by one.
_MOST_WORDS = 8
# Odd numbers with bits all over: the golden ratio's and one of xxHash.
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))


def _encoded(cell: str) -> bytes:
    return cell.encode("utf-8", "surrogatepass")


def _decoded(cell: bytes) -> str:
    return cell.decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Block:
    """Some records one after the other.

    Args:
        buffer: all cells in UTF-8, without anything between them.
        ends: where each cell ends in it, a 0 before the first.
        first: of each record, the place of its first cell among all; behind the last record, their number.
        is_ascii: whether a byte is a character.
        is_filled: of each record, whether anything stands in it.
    """

    buffer: bytes
    ends: Places
    first: Places
    is_ascii: bool
    is_filled: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: list[list[str]]) -> Block:
        """Packs records; spaces around cells are left out."""
        cells = [cell.strip() for cell in itertools.chain.from_iterable(rows)]
        text = "".join(cells)
        is_ascii = text.isascii()
        if is_ascii:
            buffer, lengths = text.encode("ascii"), map(len, cells)
        else:
            encoded = [_encoded(cell) for cell in cells]
            buffer, lengths = b"".join(encoded), map(len, encoded)
        ends = np.zeros(len(cells) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(lengths, dtype=np.int64, count=len(cells)), out=ends[1:])
        first = np.zeros(len(rows) + 1, dtype=np.uint32)
        np.cumsum(np.fromiter(map(len, rows), dtype=np.uint32, count=len(rows)), out=first[1:])
        filled = np.fromiter(map(any, rows), dtype=bool, count=len(rows))
        return cls(buffer, ends.astype(np.uint32) if len(buffer) < 1 << 32 else ends, first, is_ascii, filled)

    def row(self, place: int) -> list[str]:
        start, end = self.first[place : place + 2].tolist()
        ends = self.ends[start : end + 1].tolist()
        return [_decoded(self.buffer[a:b]) for a, b in itertools.pairwise(ends)]


class PackedRecords:
    """Records of a table, packed many at a time; places are counted among those that are kept.

    Args:
        blocks: of records, in order.
        kept: the numbers of those that are kept among all of the blocks, rising; None keeps all.
        lengths: how many cells each of these has; None takes what the blocks hold.

    Attributes:
        lengths: the same.
    """

    def __init__(self, blocks: Sequence[Block], kept: Places | None = None, lengths: Places | None = None) -> None:
        self._blocks = blocks
        # The number of each block's first record, and the number of all.
        self._starts = [0, *itertools.accumulate(len(block.first) - 1 for block in blocks)]
        # Four bytes suffice for the records of a file, and every eight are half of a short record.
        self._kept: Places = np.arange(self._starts[-1], dtype=np.int32) if kept is None else kept
        if lengths is None:
            empty = np.zeros(0, dtype=np.int32)
            lengths = np.concatenate([empty, *(np.diff(block.first).astype(np.int32) for block in blocks)])
        self.lengths: Places = lengths

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_filled(self) -> npt.NDArray[np.bool_]:
        """Whether anything stands in each record."""
        parts = [block.is_filled[rows] for block, rows in self._parts()]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)

    def row(self, place: int) -> list[str]:
        """The cells of one record, without spaces around them."""
        number = int(self._kept[place])
        index = bisect.bisect_right(self._starts, number) - 1
        return self._blocks[index].row(number - self._starts[index])[: int(self.lengths[place])]

    def head(self, num: int) -> list[list[str]]:
        """The first few records."""
        return [self.row(place) for place in range(min(num, len(self)))]

    def is_empty_at(self, column: int) -> npt.NDArray[np.bool_]:
        """Whether each record has nothing in its cell of this number, which each has."""
        parts = [np.diff(block.ends)[block.first[rows] + column] == 0 for block, rows in self._parts()]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=bool)

    def keep(self, which: slice | npt.NDArray[np.bool_]) -> PackedRecords:
        """Some of the records."""
        return PackedRecords(self._blocks, self._kept[which], self.lengths[which])

    def cut(self, which: npt.NDArray[np.bool_], num: int) -> PackedRecords:
        """The records, some of them with their first `num` cells only."""
        return PackedRecords(self._blocks, self._kept, np.where(which, num, self.lengths))

    def followed_by(self, other: PackedRecords) -> PackedRecords:
        """These records and then others."""
        return PackedRecords(
            [*self._blocks, *other._blocks],
            np.concatenate([self._kept, np.int32(self._starts[-1]) + other._kept]),
            np.concatenate([self.lengths, other.lengths]),
        )

    def columns(self, num: int) -> list[PackedColumn]:
        """The first `num` cells of the records, which each has, column by column."""
        columns: list[list[_Part]] = [[] for _ in range(num)]
        for block, rows in self._parts():
            if not len(rows):
                continue
            step = int(block.first[1])
            is_even = len(rows) == len(block.first) - 1 and bool((np.diff(block.first) == step).all())
            for number, parts in enumerate(columns):
                if is_even:
                    # Views: the places of all cells are kept once.
                    starts, ends = block.ends[number:-1:step], block.ends[number + 1 :: step]
                else:
                    cells = block.first[rows] + number
                    starts, ends = block.ends[cells], block.ends[cells + 1]
                parts.append(_Part(block.buffer, starts, ends, block.is_ascii))
        return [PackedColumn(parts) for parts in columns]

    def _parts(self) -> Iterator[tuple[Block, Places]]:
        """Each block with the records of it that are kept."""
        edges = np.searchsorted(self._kept, self._starts).tolist()
        for block, start, low, high in zip(self._blocks, self._starts, edges, edges[1:]):
            yield block, self._kept[low:high] - np.int32(start)


@dataclass(frozen=True)
class _Part:
    """The cells of a column that lie in one buffer."""

    buffer: bytes
    starts: Places
    ends: Places
    is_ascii: bool

    def take(self, places: Places) -> _Part:
        """Some of the cells."""
        return _Part(self.buffer, self.starts[places], self.ends[places], self.is_ascii)

    def words(self, lengths: Places) -> Iterator[tuple[Places, _Words]]:
        """The bytes of the cells, eight at a time, as numbers; with the places of the cells that have as many.

        Args:
            lengths: of the cells; those with none are left out.
        """
        padded = self.buffer + bytes(8)
        # The number that begins at each byte; nothing is copied until some are taken.
        every = np.ndarray(len(self.buffer) + 1, dtype="<u8", buffer=padded, strides=(1,))
        places = np.flatnonzero(lengths)
        starts, left = self.starts[places].astype(np.int64), lengths[places].astype(np.int64)
        while len(places):
            spare = (np.uint64(8) - np.minimum(left, 8).astype(np.uint64)) * np.uint64(8)
            yield places, (every[starts] << spare) >> spare
            more = left > 8
            places, starts, left = places[more], starts[more] + 8, left[more] - 8

    def hashes(self) -> _Words:
        """A number for each cell, the same for the same bytes."""
        lengths = np.subtract(self.ends, self.starts, dtype=np.int64)
        found = lengths.astype(np.uint64)
        long = np.flatnonzero(lengths > 8 * _MOST_WORDS)
        for place in long.tolist():
            cell = self.buffer[int(self.starts[place]) : int(self.ends[place])]
            found[place] = hash(cell) % (1 << 64)
        lengths[long] = 0
        for places, words in self.words(lengths):
            mixed = found[places] ^ words
            for multiplier in _MULTIPLIERS:
                mixed *= multiplier
                mixed ^= mixed >> np.uint64(31)
            found[places] = mixed
        return found

    def ends_in_digit(self) -> npt.NDArray[np.bool_]:
        last = np.frombuffer(self.buffer + b"-", dtype=np.uint8)[np.maximum(self.ends, 1) - 1]
        return (self.ends > self.starts) & (last >= ord("0")) & (last <= ord("9"))

    def cells(self) -> Iterator[str]:
        starts, ends = self.starts.tolist(), self.ends.tolist()
        if self.is_ascii:
            text = self.buffer.decode("ascii")
            return (text[start:end] for start, end in zip(starts, ends))
        buffer = self.buffer
        return (_decoded(buffer[start:end]) for start, end in zip(starts, ends))


def _pairs(places: Places, others: Places) -> Iterator[tuple[int, int]]:
    return zip(places.tolist(), others[places].tolist())


def in_blocks(cells: Sequence[str]) -> Iterator[list[str]]:
    """The cells of a column, some thousand at a time."""
    left = iter(cells)
    while block := list(itertools.islice(left, _MANY)):
        yield block


def picked(cells: Sequence[str], places: Places) -> Sequence[str]:
    """Some cells of a column, by their places, which rise."""
    if len(places) == len(cells):
        return cells
    return cells.take(places) if isinstance(cells, PackedColumn) else [cells[i] for i in places.tolist()]


def joined(columns: Sequence[Sequence[str]]) -> Sequence[str]:
    """The cells of several columns, one below the other."""
    packed = [column for column in columns if isinstance(column, PackedColumn)]
    if len(packed) == len(columns):
        return packed[0].followed_by(*packed[1:])
    return list(itertools.chain.from_iterable(columns))


class PackedColumn(Sequence[str]):
    """The cells of a column, which are made into strings when they are asked for.

    Example:
        >>> records = PackedRecords([Block.of([["1", " a "], ["2", "b"]])])
        >>> column = records.columns(2)[1]
        >>> column[0], list(column), column == ("a", "b")
        ('a', ['a', 'b'], True)
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = list(parts)
        self._starts = [0, *itertools.accumulate(len(part.starts) for part in parts)]

    def followed_by(self, *others: PackedColumn) -> PackedColumn:
        """These cells and then those of others."""
        return PackedColumn([*self._parts, *itertools.chain.from_iterable(other._parts for other in others)])

    def take(self, places: Places) -> PackedColumn:
        """Some of the cells, by their places, which rise."""
        edges = np.searchsorted(places, self._starts).tolist()
        parts = zip(self._parts, self._starts, edges, edges[1:])
        return PackedColumn([part.take(places[low:high] - start) for part, start, low, high in parts if low < high])

    def ends_in_digit(self) -> npt.NDArray[np.bool_]:
        """Whether each cell ends with one of the digits 0 to 9."""
        return np.concatenate([np.zeros(0, dtype=bool), *(part.ends_in_digit() for part in self._parts)])

    def distinct(self) -> tuple[PackedColumn, npt.NDArray[np.int64] | None]:
        """The different cells, in the order in which they come first, and the place among them of each cell; None for
        the places where all cells differ.

        Example:
            >>> column = PackedRecords([Block.of([["b"], ["a"], ["b"]])]).columns(1)[0]
            >>> cells, codes = column.distinct()
            >>> list(cells), codes.tolist()
            (['b', 'a'], [0, 1, 0])
        """
        hashes = np.empty(len(self), dtype=np.uint64)
        for part, start in zip(self._parts, self._starts):
            hashes[start : start + len(part.starts)] = part.hashes()
        ordered = np.sort(hashes)
        is_new = np.ones(len(ordered), dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
        if is_new.all():
            return self, None
        codes = np.searchsorted(ordered[is_new], hashes)
        del hashes, ordered
        # Of several places the last one that is written stays.
        first = np.empty(int(is_new.sum()), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        first, codes = first[order], rank[codes]
        if self._are_equal(first[codes]):
            return self.take(first), codes
        # Two different cells have one hash.
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(cell, len(place)) for cell in self), dtype=np.int64, count=len(self))
        return self.take(np.unique(codes, return_index=True)[1]), codes

    def _are_equal(self, others: Places) -> bool:
        """Whether each cell is, byte by byte, the one at another place."""
        # All cells of one length and place of a word are compared at once.
        copies = np.flatnonzero(others != np.arange(len(others)))
        if not len(copies):
            return True
        ends = np.concatenate([np.subtract(part.ends, part.starts, dtype=np.int64) for part in self._parts])
        if (ends[copies] != ends[others[copies]]).any():
            return False
        long = ends > 8 * _MOST_WORDS
        if any(self._bytes(a) != self._bytes(b) for a, b in _pairs(copies[long[copies]], others)):
            return False
        for number in range(_MOST_WORDS):
            if not (ends[copies] > 8 * number).any():
                break
            words = np.zeros(len(self), dtype=np.uint64)
            for part, start in zip(self._parts, self._starts):
                lengths = np.where(long[start : start + len(part.starts)], 0, ends[start : start + len(part.starts)])
                for places, found in itertools.islice(part.words(lengths), number, number + 1):
                    words[start + places] = found
            if (words[copies] != words[others[copies]]).any():
                return False
        return True

    def _bytes(self, number: int) -> bytes:
        index = bisect.bisect_right(self._starts, number) - 1
        part = self._parts[index]
        number -= self._starts[index]
        return part.buffer[int(part.starts[number]) : int(part.ends[number])]

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(part.cells() for part in self._parts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(place)
        return _decoded(self._bytes(number))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]
