"""Plain numbers out of packed cells, eight digits at a time: what Python's float gives for them, without strings.

Bytes are taken from the end of each cell, where their worth does not depend on its length. A number of at most sixteen
digits, as a whole number up to 2⁵³, is exact in float64, as is 10ᵏ up to 10²²; their
quotient is then the float nearest to what is written (W. D. Clinger, "How to read floating point numbers accurately",
1990). All other cells are left to Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from derin.data.cells.packed import Bytes, Flags, PackedColumn, Part, Places, Words
from derin.data.cells.typed import NumberCells
from derin.data.cells.writing import Floats

_UPPER_HALVES, _SIXES = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0606060606060606)
_HIGHS, _LOWS = np.uint64(0x8080808080808080), np.uint64(0x7F7F7F7F7F7F7F7F)
_POINTS, _ZEROS = np.uint64(0x2E2E2E2E2E2E2E2E), np.uint64(0x3030303030303030)
# Digits, then pairs, then fours are put together: mask, factor and shift of each step.
_STEPS = tuple(
    (np.uint64(mask), np.uint64(factor), np.uint64(shift))
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 * 2**8 + 1, 8),
        (0x00FF00FF00FF00FF, 100 * 2**16 + 1, 16),
        (0x0000FFFF0000FFFF, 10_000 * 2**32 + 1, 32),
    )
)
_BYTE, _SEVEN_BYTES = np.uint64(8), np.uint64(56)
# Of sixteen bytes the last so many, in the eight that stand behind and in the eight before them.
_LAST = np.array([2**64 - 2 ** (64 - 8 * min(num, 8)) for num in range(17)], dtype=np.uint64)
_LAST_BEFORE = np.array([2**64 - 2 ** (64 - 8 * max(num - 8, 0)) for num in range(17)], dtype=np.uint64)
_TEN_TO_EIGHT = np.uint64(10**8)
_FLOAT_POWERS = np.array([10.0**k for k in range(17)])
_MOST_BYTES, _LARGEST = 16, np.uint64(2**53)
# The exponent of float64 stands above so many bits; that of 2⁶³.
_FRACTION_BITS, _TOP_EXPONENT = np.uint64(52), 1023 + 63
_SIGN = np.uint64(63)
_MINUS, _POINT, _ZERO = b"-.0"
# Of what Python reads as a float, that which people write, too.
_USUAL = re.compile(r"[-0-9.eE\n][-+0-9.eE\n]*")
_GROUPED = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")
_TRIED = 50


@dataclass
class PlainNumbers:
    """A column whose cells are numbers with a decimal point, or say that there is none.

    Args:
        values: NaN at gaps.
        gaps: cells that say that there is none.
        num_digits: how many are of digits alone.
        most_digits: the most digits of one of these.
        has_leading_zero: whether one of these begins with a zero beside others.
        has_point: whether a point stands in some.
        has_decimals: whether it is the decimal one in some, since thousands are grouped otherwise.
    """

    values: Floats
    gaps: Flags
    num_digits: int = 0
    most_digits: int = 0
    has_leading_zero: bool = False
    has_point: bool = False
    has_decimals: bool = False


def plain_numbers(cells: PackedColumn | NumberCells, means_gap: Callable[[str], bool]) -> PlainNumbers | None:
    """The numbers in the cells of a column; None where some cell is neither a plain number nor a gap.

    Args:
        cells: of the column.
        means_gap: whether a cell that is not empty says that there is no number.

    Example:
        >>> from derin.data.cells.packed import Block, PackedRecords
        >>> column = PackedRecords([Block.of([["12"], ["-0.5"], ["NA"], ["1e3"]])]).columns(1)[0]
        >>> plain_numbers(column, "NA".__eq__).values.tolist()
        [12.0, -0.5, nan, 1000.0]
    """
    if isinstance(cells, NumberCells):
        return _of_numbers(cells)
    found = PlainNumbers(np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool))
    start = 0
    for part in cells.parts:
        here = slice(start, start + len(part))
        if not _scan(part, found, found.values[here], found.gaps[here], means_gap):
            return None
        start += len(part)
    return found


def _of_numbers(cells: NumberCells) -> PlainNumbers | None:
    """The same of numbers that had a type: they are known, and only how their cells would look is found out."""
    values = cells.floats + 0.0  # no cell is −0
    gaps = np.isnan(values)
    if np.isinf(values).any():
        return None
    is_whole = cells.is_whole
    digits = cells.values[is_whole & (values >= 0)]
    most = len(str(int(digits.max()))) if len(digits) else 0
    has_point = not bool((is_whole | gaps).all())
    return PlainNumbers(values, gaps, len(digits), most, has_point=has_point, has_decimals=has_point)


def _scan(part: Part, found: PlainNumbers, values: Floats, gaps: Flags, means_gap: Callable[[str], bool]) -> bool:
    """Fills in the numbers of one part; whether all its cells are numbers or gaps."""
    starts, lengths = part.places()
    np.equal(lengths, 0, out=gaps)
    buffer, ends = part.block.buffer, starts + lengths
    leading = buffer[starts]
    is_negative = leading == _MINUS
    num = lengths - is_negative
    high, low = part.last_bytes(ends, int(num.max(initial=0)))
    decimals = _decimals(buffer, ends, num, high, low)
    has_point = decimals < _MOST_BYTES
    digits = num - has_point
    sure = (digits > 0) & (num <= _MOST_BYTES)
    # Without the point; what stands before it moves up.
    behind: Any = _LAST[decimals]
    high = (high & behind) | (((high << _BYTE) | (low >> _SEVEN_BYTES)) & ~behind)
    behind = _LAST_BEFORE[decimals]
    low = (low & behind) | ((low << _BYTE) & ~behind)
    mantissa, are_digits = _eight(high, _LAST.take(digits, mode="clip"))
    sure &= are_digits
    if digits.max(initial=0) > 8:
        upper, are_digits = _eight(low, _LAST_BEFORE.take(digits, mode="clip"))
        mantissa += upper * _TEN_TO_EIGHT
        sure &= are_digits & (mantissa <= _LARGEST)
    powers = _FLOAT_POWERS[np.where(has_point, decimals, 0)]
    np.divide(mantissa.astype(np.float64), powers, out=values)
    values.view(np.uint64)[...] |= is_negative.astype(np.uint64) << _SIGN
    is_digits = sure & ~has_point & ~is_negative
    if is_digits.any():
        found.num_digits += int(is_digits.sum())
        found.most_digits = max(found.most_digits, int(digits[is_digits].max()))
        found.has_leading_zero |= bool((is_digits & (digits > 1) & (leading == _ZERO)).any())
    has_point = sure & has_point
    if has_point.any():
        found.has_point = True
        if not found.has_decimals:
            first = buffer[ends - num]
            is_grouped = (decimals == 3) & (digits > 3) & (digits < 7) & (first != _ZERO)
            found.has_decimals = bool((has_point & ~is_grouped).any())
    others = np.flatnonzero(~sure & ~gaps)
    values[gaps] = np.nan
    return not len(others) or _read_others(part.take(others), others, found, values, gaps, means_gap)


def _decimals(buffer: Bytes, ends: Places, num: Places, high: Words, low: Words) -> Places | np.int64:
    """How many bytes stand behind the last point of each cell, where that is among its last sixteen; 16 where there is
    none. One number where it is that of all cells.

    Args:
        buffer: in which the cells lie.
        ends: of the cells.
        num: the bytes of each, without its sign.
        high, low: the last eight and the eight before them.
    """
    none = np.int64(_MOST_BYTES)
    if not len(ends):
        return none
    first = buffer[ends[0] - min(num[0], none) : ends[0]].tobytes()
    same = len(first) - 1 - first.rfind(b".")
    if len(first) > same < num.min() and (buffer[ends - (same + 1)] == _POINT).all():
        return np.int64(same)
    behind = _behind_point(high)
    if num.max() > 8:
        behind = np.where(behind < 8, behind, 8 + _behind_point(low))
    behind[behind >= num] = none
    return none if (behind == none).all() else behind


def _behind_point(words: Words) -> Places:
    """How many bytes stand behind the last point in each word; 8 where there is none."""
    words = words ^ _POINTS
    # The highest bit of each byte that was a point.
    bits = ~(((words & _LOWS) + _LOWS) | words) & _HIGHS
    exponents = (bits.astype(np.float64).view(np.uint64) >> _FRACTION_BITS).view(np.int64)
    return np.minimum((_TOP_EXPONENT - exponents) >> 3, 8)


def _read_others(
    part: Part,
    places: Places,
    found: PlainNumbers,
    values: Floats,
    gaps: Flags,
    means_gap: Callable[[str], bool],
) -> bool:
    """Cells that have to be read one by one, the same way."""
    if len(places) > _TRIED:
        # Seldom are all of them words but the first few.
        few = np.arange(_TRIED)
        if not _read_others(part.take(few), places[few], PlainNumbers(values, gaps), values, gaps, means_gap):
            return False
    cells = list(part.cells())
    numbers = _as_floats(cells)
    if numbers is None:
        known = {cell: means_gap(cell) for cell in set(cells)}
        absent = np.fromiter(map(known.__getitem__, cells), dtype=bool, count=len(cells))
        gaps[places[absent]] = True
        values[places[absent]] = np.nan
        cells, places = [cell for cell in cells if not known[cell]], places[~absent]
        numbers = _as_floats(cells)
        if numbers is None:
            return False
    values[places] = numbers
    if points := [cell for cell in cells if "." in cell]:
        found.has_point = True
        found.has_decimals = found.has_decimals or any(not _GROUPED.fullmatch(cell) for cell in points)
    return True


def _as_floats(cells: list[str]) -> Floats | None:
    """Cells as Python reads them; None where one is no usual number, or of digits alone, or infinite."""
    if not cells:
        return np.zeros(0)
    if not _USUAL.fullmatch("\n".join(cells)) or any(cell[:1] == "+" or cell.isdecimal() for cell in cells):
        return None
    try:
        numbers = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return None if np.isinf(numbers).any() else numbers


def _eight(words: Words, kept: Words) -> tuple[Words, Flags]:
    """The whole number in the bytes of each word that are kept, and whether they are digits; of no byte it is 0."""
    words = (words ^ _ZEROS) & kept
    are_digits: Flags = ((words | (words + _SIXES)) & _UPPER_HALVES) == 0
    for mask, factor, shift in _STEPS:
        words = ((words & mask) * factor) >> shift
    return words, are_digits
