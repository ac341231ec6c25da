"""Dates of ISO 8601 out of packed cells, many at a time: YYYY-MM-DD, alone or before hh:mm:ss. All others are left to
`cells.dates`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from derin.data.cells.packed import Bytes, Flags, PackedColumn, Part, Places
from derin.data.cells.writing import Floats

# Where digits stand, and the marks between them; a blank may be a T.
_FORM = "dddd-dd-dd dd:dd:dd"
_LENGTHS = (10, 19)
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAYS_TO_EPOCH = 719_468  # from 1 March of the year 0
_TRIED = 50


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
            found = _moments(part.block.buffer, starts[places], length)
            if found is None:
                return False
            seconds[places] = found
    return True


def _moments(buffer: Bytes, starts: Places, length: int) -> Floats | None:
    """The seconds of dates in cells of one length; None where one of them is no date."""
    numbers: list[Places] = []
    for place, form in enumerate(_FORM[:length]):
        found = buffer[starts + place]
        if form != "d":
            if ((found != ord(form)) & ((found != ord("T")) | (form != " "))).any():
                return None
        elif (digit := found - np.uint8(ord("0"))).max() > 9:
            return None
        elif place and _FORM[place - 1] == "d":
            numbers[-1] = numbers[-1] * 10 + digit
        else:
            numbers.append(digit.astype(np.int64))
    year, month, day = numbers[:3]
    if year.min() < 1 or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    if (day > _DAYS[month] + (is_leap & (month == 2))).any():
        return None
    # In years that begin in March the day that comes and goes is the last.
    year = year - (month < 3)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * year + year // 4 - year // 100 + year // 400 + of_year - _DAYS_TO_EPOCH
    if length == _LENGTHS[0]:
        return days * 86_400.0
    hour, minute, second = numbers[3:]
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    return np.asarray(days * 86_400 + hour * 3_600 + minute * 60 + second, dtype=np.float64)
