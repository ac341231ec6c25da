"""Dates of ISO 8601 out of packed cells, many at a time: YYYY-MM-DD, alone or before hh:mm:ss. All others are left to
`cells.dates`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from derin.data.cells.packed import Flags, PackedColumn, Part, Places, Rows, Words
from derin.data.cells.writing import Floats

_LENGTHS = (10, 19)
_UPPER_HALVES, _SIXES = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0606060606060606)
_TEN, _BYTE, _LOWEST = np.uint64(10), np.uint64(8), np.uint64(0xFF)
_LAST_YEAR = 9999
# The third of eight bytes, and what may stand there.
_MARK, _BLANK, _T = (np.uint64(byte << 16) for byte in (0xFF, ord(" "), ord("T")))
_TRIED = 50


@cache
def _month_starts() -> Rows:
    """The days from 1970-01-01 to the first of each month, from January of the year 0 to that behind the last year."""
    months = np.arange("0000-01", f"{_LAST_YEAR + 1}-02", dtype="datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True)
class PlainDates:
    """A column whose cells are dates of ISO 8601, or say that there is none.

    Args:
        seconds: since 1970-01-01 of the clock that they are written by, NaN at gaps.
        gaps: cells that say that there is none.
    """

    seconds: Floats
    gaps: Flags


def plain_dates(cells: PackedColumn, means_gap: Callable[[str], bool]) -> PlainDates | None:
    """The dates in the cells of a column; None where some cell is neither a plain date nor a gap.

    Args:
        cells: of the column.
        means_gap: whether a cell that is not empty says that there is no date.

    Example:
        >>> from derin.data.cells.packed import Block, PackedRecords
        >>> column = PackedRecords([Block.of([["1970-01-02"], [""], ["1970-01-01 00:01:00"]])]).columns(1)[0]
        >>> plain_dates(column, "NA".__eq__).seconds.tolist()
        [86400.0, nan, 60.0]
    """
    found = PlainDates(np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool))
    start = 0
    for part in cells.parts:
        here = slice(start, start + len(part))
        if not _scan(part, found.seconds[here], found.gaps[here], means_gap):
            return None
        start += len(part)
    return found


def _scan(part: Part, seconds: Floats, gaps: Flags, means_gap: Callable[[str], bool]) -> bool:
    """Fills in the dates of one part; whether all its cells are dates or gaps."""
    starts, lengths = part.places()
    np.equal(lengths, 0, out=gaps)
    others = np.flatnonzero(~gaps & ~np.isin(lengths, _LENGTHS))
    for some in (others[:_TRIED], others[_TRIED:]):
        gaps[some] = [means_gap(cell) for cell in part.take(some).cells()]
        if not gaps[some].all():
            return False
    for length in _LENGTHS:
        places = np.flatnonzero(~gaps & (lengths == length))
        if len(places):
            found = _moments(part, starts[places], length)
            if found is None:
                return False
            seconds[places] = found
    return True


def _moments(part: Part, starts: Places, length: int) -> Floats | None:
    """The seconds of dates in cells of one length; None where one of them is no date."""
    date = _pairs(part.words_at(starts), b"0000-00-")
    if length == _LENGTHS[0]:
        of_day, clock = _pairs(part.words_at(starts + 2), b"00-00-00"), None
    else:
        # A T may stand for the blank.
        words = part.words_at(starts + 8)
        words = np.where(words & _MARK == _T, words ^ (_T ^ _BLANK), words)
        of_day, clock = _pairs(words, b"00 00:00"), _pairs(part.words_at(starts + 11), b"00:00:00")
    if date is None or of_day is None or (clock is None and length != _LENGTHS[0]):
        return None
    year, month = _pair(date, 0) * 100 + _pair(date, 2), _pair(date, 5)
    day = _pair(of_day, 6 if clock is None else 0)
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    number = year * 12 + month - 1
    first = _month_starts()[number]
    if (first + day > _month_starts()[number + 1]).any():
        return None
    days = first + day - 1
    if clock is None:
        return days * 86_400.0
    hour, minute, second = (_pair(clock, place) for place in (0, 3, 6))
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    return np.asarray(days * 86_400 + hour * 3_600 + minute * 60 + second, dtype=np.float64)


def _pairs(words: Words, form: bytes) -> Words | None:
    """The numbers in two digits that stand side by side, at the byte of the first of them; None where some bytes are no
    digits or other marks than those of the form, in which digits are zeros."""
    words = words ^ np.uint64(int.from_bytes(form, "little"))
    marks = np.uint64(int.from_bytes(bytes(0 if byte == ord("0") else 0xFF for byte in form), "little"))
    if (((words | (words + _SIXES)) & _UPPER_HALVES) | (words & marks)).any():
        return None
    pairs: Words = words * _TEN + (words >> _BYTE)
    return pairs


def _pair(pairs: Words, place: int) -> Places:
    """The number at one of the bytes."""
    return ((pairs >> np.uint64(8 * place)) & _LOWEST).astype(np.int64)
