"""The cells of a table in few pieces of memory: a string of Python takes some fifty bytes beside its characters.

Cells lie in the bytes of their file. They are made into strings some thousand at a time and let go again; which of them
are equal, and the numbers in them, are found out from the bytes.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.integer[Any]]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

# Bytes before the first cell of a block and behind its last, so that words can be taken anywhere in it.
SPARE = 16
# Cells that are strings at a time.
_MANY = 1 << 14
# The bytes of a longer cell are compared one by one, and of a cell of more than so many Python's own hash is taken.
_MOST_WORDS, _MOST_MIXED = 8, 1 << 10
# Odd numbers with bits all over: the golden ratio's and one of xxHash.
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
# Hashes of so many cells show whether a column has few different ones, and so many are few.
_SAMPLE, _FEW = 1 << 12, 1 << 10
# A block is made into one string where more than one cell lies in so many bytes.
_FEW_OF = 1 << 8


def _encoded(cell: str) -> bytes:
    return cell.encode("utf-8", "surrogatepass")


def _decoded(cell: bytes) -> str:
    return cell.decode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Block:
    """Some records one after the other; where their cells lie.

    Args:
        buffer: the bytes in which they lie, in UTF-8, and at least `SPARE` others before and behind them.
        base: of each record, the place from which its cells are counted.
        starts: where each cell begins. Of records with equally many cells a row for each and a column more, where the
            last cell ends and one byte follows; of others the cells of all.
        lengths: of the cells, in the same form without that column; None where one byte lies between two cells.
        first: of each record, the place of its first cell among all, and behind the last record their number; None
            where records have equally many cells.
        is_filled: of each record, whether anything stands in it.

    Shapes:
        buffer ``(B,)``; base, is_filled ``(R,)``; starts ``(R, C + 1)`` or ``(cells,)``; lengths ``(R, C)`` or
        ``(cells,)``; first ``(R + 1,)``.
    """

    buffer: Bytes
    base: Places
    starts: Places
    lengths: Places | None
    first: Places | None
    is_filled: Flags

    @classmethod
    def of(cls, rows: list[list[str]]) -> Block:
        """Packs records; spaces around cells are left out."""
        cells = [_encoded(cell.strip()) for cell in itertools.chain.from_iterable(rows)]
        buffer = np.frombuffer(b"".join([bytes(SPARE), *cells, bytes(SPARE)]), dtype=np.uint8)
        ends = SPARE + np.cumsum(np.fromiter(map(len, cells), dtype=np.int64, count=len(cells)))
        starts = np.concatenate([np.full(1, SPARE, dtype=np.int64), ends])[:-1]
        first = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(np.fromiter(map(len, rows), dtype=np.int32, count=len(rows)), out=first[1:])
        filled = np.fromiter(map(any, rows), dtype=bool, count=len(rows))
        return cls.at(buffer, starts, ends, first, filled)

    @classmethod
    def at(cls, buffer: Bytes, starts: Places, ends: Places, first: Places, is_filled: Flags) -> Block:
        """The records of cells that lie in a buffer, in the least room.

        Args:
            buffer: as above.
            starts, ends: of all cells.
            first: as above, of any records.
            is_filled: as above.
        """
        num = int(first[1]) if len(first) > 1 else 0
        if not num or (np.diff(first) != num).any():
            small = _smallest(len(buffer))
            lengths = (ends - starts).astype(small)
            return cls(buffer, np.zeros(0, dtype=np.int32), starts.astype(small), lengths, first, is_filled)
        base = starts[::num].astype(_smallest(len(buffer)))
        rows = np.empty((len(base), num + 1), dtype=np.int64)
        rows[:, :num] = starts.reshape(-1, num)
        rows[:, num] = ends[num - 1 :: num] + 1
        rows -= base[:, None]
        lengths = (ends - starts).reshape(-1, num)
        together = bool((np.diff(rows, axis=1) == lengths + 1).all())
        small = _smallest(int(rows.max()))
        least = None if together else lengths.astype(_smallest(int(lengths.max())))
        return cls(buffer, base, rows.astype(small), least, None, is_filled)

    def __len__(self) -> int:
        return len(self.is_filled)

    @cached_property
    def is_ascii(self) -> bool:
        """Whether a byte is a character."""
        return not bool((self.buffer >= 128).any())

    @property
    def num_cells(self) -> Places:
        """How many cells each record has."""
        if self.first is not None:
            return np.diff(self.first).astype(np.int32)
        return np.full(len(self), self.starts.shape[1] - 1, dtype=np.int32)

    def cells(self, rows: Places | None, column: int) -> tuple[Places, Places]:
        """Where the cells of one column begin and how long they are.

        Args:
            rows: the records; None takes all.
            column: the number of the cell, which each of them has.
        """
        some: Any = slice(None) if rows is None else rows
        if self.first is None:
            starts = self.starts[some, column].astype(np.int64)
            if self.lengths is None:
                lengths = self.starts[some, column + 1] - starts - 1
            else:
                lengths = self.lengths[some, column].astype(np.int64)
            return starts + self.base[some], lengths
        assert self.lengths is not None
        cells = self.first[:-1][some] + column
        return self.starts[cells].astype(np.int64), self.lengths[cells].astype(np.int64)

    def row(self, place: int, num: int) -> list[str]:
        """The first `num` cells of a record."""
        if self.first is None:
            starts = self.starts[place].astype(np.int64)
            lengths = np.diff(starts) - 1 if self.lengths is None else self.lengths[place]
            starts += self.base[place]
        else:
            assert self.lengths is not None
            here = slice(self.first[place], self.first[place + 1])
            starts, lengths = self.starts[here], self.lengths[here]
        return [_decoded(self.bytes_at(*at)) for at in zip(starts.tolist()[:num], lengths.tolist())]

    def bytes_at(self, start: int, length: int) -> bytes:
        return self.buffer[start : start + length].tobytes()


def _smallest(largest: int) -> type[np.unsignedinteger[Any]]:
    """The type of numbers up to this one."""
    return next(t for t in (np.uint8, np.uint16, np.uint32, np.uint64) if largest <= np.iinfo(t).max)


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
        self._starts = [0, *itertools.accumulate(map(len, blocks))]
        self._kept = kept
        if lengths is None:
            lengths = np.concatenate([np.zeros(0, dtype=np.int32), *(block.num_cells for block in blocks)])
        self.lengths: Places = lengths

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def is_filled(self) -> Flags:
        """Whether anything stands in each record."""
        parts = [block.is_filled if rows is None else block.is_filled[rows] for block, rows in self._parts()]
        return np.concatenate([np.zeros(0, dtype=bool), *parts])

    def row(self, place: int) -> list[str]:
        """The cells of one record, without spaces around them."""
        place = range(len(self))[place]
        number = place if self._kept is None else int(self._kept[place])
        index = bisect.bisect_right(self._starts, number) - 1
        return self._blocks[index].row(number - self._starts[index], int(self.lengths[place]))

    def head(self, num: int) -> list[list[str]]:
        """The first few records."""
        return [self.row(place) for place in range(min(num, len(self)))]

    def is_empty_at(self, column: int) -> Flags:
        """Whether each record has nothing in its cell of this number, which each has."""
        parts = [block.cells(rows, column)[1] == 0 for block, rows in self._parts()]
        return np.concatenate([np.zeros(0, dtype=bool), *parts])

    def keep(self, which: slice | Flags) -> PackedRecords:
        """Some of the records."""
        # Four bytes suffice for the records of a file, and every eight are half of a short record.
        kept = np.arange(self._starts[-1], dtype=np.int32) if self._kept is None else self._kept
        return PackedRecords(self._blocks, kept[which], self.lengths[which])

    def cut(self, which: Flags, num: int) -> PackedRecords:
        """The records, some of them with their first `num` cells only."""
        return PackedRecords(self._blocks, self._kept, np.where(which, num, self.lengths))

    def followed_by(self, other: PackedRecords) -> PackedRecords:
        """These records and then others."""
        ours, theirs = self.keep(slice(None))._kept, other.keep(slice(None))._kept
        assert ours is not None
        assert theirs is not None
        return PackedRecords(
            [*self._blocks, *other._blocks],
            np.concatenate([ours, np.int32(self._starts[-1]) + theirs]),
            np.concatenate([self.lengths, other.lengths]),
        )

    def columns(self, num: int) -> list[PackedColumn]:
        """The first `num` cells of the records, which each has, column by column."""
        parts = list(self._parts())
        return [PackedColumn([Part(block, rows, column) for block, rows in parts]) for column in range(num)]

    def _parts(self) -> Iterator[tuple[Block, Places | None]]:
        """Each block with the records of it that are kept; None where all are."""
        if self._kept is None:
            yield from ((block, None) for block in self._blocks)
            return
        edges = np.searchsorted(self._kept, self._starts).tolist()
        for block, start, low, high in zip(self._blocks, self._starts, edges, edges[1:]):
            if low < high:  # a block of other records may have fewer cells than all that are kept
                yield block, None if high - low == len(block) else self._kept[low:high] - np.int32(start)


@dataclass(frozen=True)
class Part:
    """The cells of a column that lie in one block.

    Args:
        block: of records.
        rows: the records; None takes all.
        column: the number of the cell.
    """

    block: Block
    rows: Places | None
    column: int

    def __len__(self) -> int:
        return len(self.block) if self.rows is None else len(self.rows)

    def take(self, places: Places) -> Part:
        """Some of the cells."""
        return Part(self.block, places if self.rows is None else self.rows[places], self.column)

    def places(self) -> tuple[Places, Places]:
        """Where the cells begin, and how long they are."""
        return self.block.cells(self.rows, self.column)

    def words_at(self, places: Places) -> Words:
        """The eight bytes that begin at each place of the buffer, as a number whose lowest byte is the first."""
        buffer = self.block.buffer
        every: Words = np.ndarray(len(buffer) - 7, dtype="<u8", buffer=buffer, strides=(1,))
        return every[places]

    def last_bytes(self, ends: Places, most: int) -> tuple[Words, Words]:
        """The eight bytes before each place of the buffer, as a number whose highest byte is the last, and the eight
        before these; one zero in place of those where no more than eight are looked at.

        Args:
            ends: of cells.
            most: how many of the bytes are looked at.
        """
        if most <= 8:
            return self.words_at(ends - 8), np.zeros(1, dtype=np.uint64)
        buffer = self.block.buffer
        every = np.ndarray(len(buffer) - 15, dtype="V16", buffer=buffer, strides=(1,))
        both = every[ends - 16].view("<u8").reshape(-1, 2)
        return both[:, 1], both[:, 0]

    def words(self, starts: Places, lengths: Places) -> Iterator[tuple[Places, Words]]:
        """The bytes of the cells, eight at a time, as numbers; with the places of the cells that have as many.

        Args:
            starts: of the cells.
            lengths: of the cells; those with none are left out.
        """
        places = np.flatnonzero(lengths)
        starts, left = starts[places], lengths[places]
        while len(places):
            yield places, first_bytes(self.words_at(starts), left)
            more = left > 8
            places, starts, left = places[more], starts[more] + 8, left[more] - 8

    def hashes(self) -> Words:
        """A number for each cell, the same for the same bytes."""
        starts, lengths = self.places()
        found = lengths.astype(np.uint64)
        long = np.flatnonzero(lengths > _MOST_MIXED)
        for place in long.tolist():
            cell = self.block.bytes_at(int(starts[place]), int(lengths[place]))
            found[place] = hash(cell) % (1 << 64)
        lengths[long] = 0
        for places, words in self.words(starts, lengths):
            mixed = found[places] ^ words
            for multiplier in _MULTIPLIERS:
                mixed *= multiplier
                mixed ^= mixed >> np.uint64(31)
            found[places] = mixed
        return found

    def ends_in_digit(self) -> Flags:
        starts, lengths = self.places()
        last = self.block.buffer[starts + np.maximum(lengths, 1) - 1]
        return (lengths > 0) & (last >= ord("0")) & (last <= ord("9"))

    def cells(self) -> Iterator[str]:
        starts, lengths = self.places()
        bounds = zip(starts.tolist(), (starts + lengths).tolist())
        if len(starts) * _FEW_OF < len(self.block.buffer):
            view = self.block.buffer.data
            return (_decoded(bytes(view[start:end])) for start, end in bounds)
        buffer = self.block.buffer.tobytes()
        if self.block.is_ascii:
            text = buffer.decode("ascii")
            return (text[start:end] for start, end in bounds)
        return (_decoded(buffer[start:end]) for start, end in bounds)


def first_bytes(words: Words, num: Places) -> Words:
    """Words with the first `num` of their bytes, at least one, and zeros behind them."""
    spare = (np.uint64(8) - np.minimum(num, 8).astype(np.uint64)) * np.uint64(8)
    kept: Words = (words << spare) >> spare
    return kept


def _few_different(hashes: Words) -> Words | None:
    """The different hashes, in order, where they are few; None where they are rather many."""
    found = np.unique(hashes[:_SAMPLE])
    if len(found) > _FEW:
        return None
    places = np.minimum(np.searchsorted(found, hashes), len(found) - 1)
    others = hashes[found[places] != hashes]
    if 4 * len(others) > len(hashes):
        return None
    return np.union1d(found, others) if len(others) else found


def in_blocks(cells: Sequence[str]) -> Iterator[list[str]]:
    """The cells of a column, some thousand at a time."""
    left = iter(cells)
    while block := list(itertools.islice(left, _MANY)):
        yield block


def picked(cells: Sequence[str], places: Places) -> Sequence[str]:
    """Some cells of a column, by their places, which rise."""
    if len(places) == len(cells):
        return cells
    return cells.take(places) if hasattr(cells, "take") else [cells[i] for i in places.tolist()]


def joined(columns: Sequence[Sequence[str]]) -> Sequence[str]:
    """The cells of several columns, one below the other."""
    if len(columns) == 1:
        return columns[0]
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

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)
        self._starts = [0, *itertools.accumulate(len(part) for part in parts)]

    def followed_by(self, *others: PackedColumn) -> PackedColumn:
        """These cells and then those of others."""
        return PackedColumn([*self.parts, *itertools.chain.from_iterable(other.parts for other in others)])

    def take(self, places: Places) -> PackedColumn:
        """Some of the cells, by their places, which rise."""
        edges = np.searchsorted(places, self._starts).tolist()
        parts = zip(self.parts, self._starts, edges, edges[1:])
        return PackedColumn([part.take(places[low:high] - start) for part, start, low, high in parts if low < high])

    def ends_in_digit(self) -> Flags:
        """Whether each cell ends with one of the digits 0 to 9."""
        return np.concatenate([np.zeros(0, dtype=bool), *(part.ends_in_digit() for part in self.parts)])

    def lengths(self) -> Places:
        """How many bytes each cell has."""
        found = np.empty(len(self), dtype=np.int32)
        for part, start in zip(self.parts, self._starts):
            found[start : start + len(part)] = part.places()[1]
        return found

    def beginnings(self) -> Words:
        """The first eight bytes of each cell, or all, as a number whose lowest byte is the first."""
        found = np.zeros(len(self), dtype=np.uint64)
        for part, start in zip(self.parts, self._starts):
            for places, words in itertools.islice(part.words(*part.places()), 1):
                found[start + places] = words
        return found

    def perhaps(self, words: Iterable[str]) -> Rows:
        """The places of cells that may be one of some words, in capital or small letters; the others are none.

        Example:
            >>> column = PackedRecords([Block.of([["NA"], ["nab"], ["x"], ["ş"]])]).columns(1)[0]
            >>> column.perhaps(["na"]).tolist()
            [0, 3]
        """
        # A letter of ASCII is small with this bit, and other letters may stand for one.
        found, small = self.beginnings(), np.uint64(0x2020202020202020)
        wanted = [int.from_bytes(_encoded(word)[:8].ljust(8), "little") for word in words]
        is_one = np.isin(found | small, np.array(wanted, dtype=np.uint64) | small)
        return np.flatnonzero(is_one | ((found & np.uint64(0x8080808080808080)) != 0))

    def joined(self) -> tuple[Bytes, Rows]:
        """All cells as bytes, and where each of them begins and ends."""
        bounds = np.zeros(len(self) + 1, dtype=np.int64)
        np.cumsum(self.lengths(), out=bounds[1:])
        joined = np.empty(bounds[-1], dtype=np.uint8)
        for part, first in zip(self.parts, self._starts):
            data = part.block.buffer.tobytes()
            starts, lengths = part.places()
            cells = [data[start:end] for start, end in zip(starts.tolist(), (starts + lengths).tolist())]
            joined[bounds[first] : bounds[first + len(part)]] = np.frombuffer(b"".join(cells), dtype=np.uint8)
        joined.setflags(write=False)
        return joined, bounds

    def distinct(self) -> tuple[PackedColumn, Rows | None]:
        """The different cells, in the order in which they come first, and the place among them of each cell; None for
        the places where all cells differ.

        Example:
            >>> column = PackedRecords([Block.of([["b"], ["a"], ["b"]])]).columns(1)[0]
            >>> cells, codes = column.distinct()
            >>> list(cells), codes.tolist()
            (['b', 'a'], [0, 1, 0])
        """
        lengths = self.lengths()
        # Of a cell of eight bytes its word is all.
        is_short = lengths.max(initial=0) <= 8
        if is_short:
            hashes = self.beginnings()
        else:
            hashes = np.concatenate([part.hashes() for part in self.parts])
        found = _few_different(hashes)
        if found is None:
            ordered = np.sort(hashes)
            is_new = np.ones(len(ordered), dtype=bool)
            np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
            if is_new.all():
                return self, None
            found = ordered[is_new]
            del ordered, is_new
        codes = np.searchsorted(found, hashes)
        del hashes
        # Of several places the last one that is written stays.
        first = np.empty(len(found), dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        first, codes = first[order], rank[codes]
        different = self.take(first)
        if (lengths == lengths[first][codes]).all() and (is_short or self._are_as(different, codes)):
            return different, codes
        # Two different cells have one hash.
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(cell, len(place)) for cell in self), dtype=np.int64, count=len(self))
        return self.take(np.unique(codes, return_index=True)[1]), codes

    def _are_as(self, others: PackedColumn, codes: Rows) -> bool:
        """Whether each cell is, byte by byte, the one of these others that its code names."""
        # All cells of one length and place of a word are compared at once.
        every = [part.places() for part in others.parts]
        lengths = np.concatenate([length for _, length in every])
        words = np.zeros((_MOST_WORDS, len(others)), dtype=np.uint64)
        for part, start, (at, length) in zip(others.parts, others._starts, every):
            short = np.where(length > 8 * _MOST_WORDS, 0, length)
            for number, (places, found) in enumerate(part.words(at, short)):
                words[number, start + places] = found
        for part, start in zip(self.parts, self._starts):
            here = codes[start : start + len(part)]
            at, length = part.places()
            if (length != lengths[here]).any():
                return False
            long = np.flatnonzero(length > 8 * _MOST_WORDS)
            for place in long.tolist():
                if part.block.bytes_at(int(at[place]), int(length[place])) != others._bytes(int(here[place])):
                    return False
            length[long] = 0
            for number, (places, found) in enumerate(part.words(at, length)):
                if (words[number, here[places]] != found).any():
                    return False
        return True

    def _bytes(self, number: int) -> bytes:
        index = bisect.bisect_right(self._starts, number) - 1
        part = self.parts[index].take(np.array([number - self._starts[index]]))
        starts, lengths = part.places()
        return part.block.bytes_at(int(starts[0]), int(lengths[0]))

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(part.cells() for part in self.parts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            places = np.arange(*place.indices(len(self)))
            rises = len(places) < 2 or places[0] < places[-1]
            found = tuple(self.take(places if rises else places[::-1]))
            return found if rises else found[::-1]
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(place)
        return _decoded(self._bytes(number))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]
