"""Plain numbers out of packed cells, eight digits at a time: what Python's float gives for them, without strings.

A number of at most sixteen digits, as a whole number up to 2⁵³, is exact in float64, as is 10ᵏ up to 10²²; their
quotient is then the float nearest to what is written (W. D. Clinger, "How to read floating point numbers accurately",
1990). All other cells are left to Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.data.cells.packed import Flags, PackedColumn, Part, Places, Words
from derin.data.cells.typed import NumberCells
from derin.data.cells.writing import Floats

_Whole = npt.NDArray[np.uint64]

_ALL = np.uint64(2**64 - 1)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_POINTS, _ZEROS = np.uint64(0x2E2E2E2E2E2E2E2E), np.uint64(0x3030303030303030)
_UPPER_HALVES, _SIXES = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0606060606060606)
_THREES = np.uint64(0x3333333333333333)
# Digits, then pairs, then fours are put together: mask, factor and shift of each step.
_STEPS = tuple(
    (np.uint64(mask), np.uint64(factor), np.uint64(shift))
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 * 2**8 + 1, 8),
        (0x00FF00FF00FF00FF, 100 * 2**16 + 1, 16),
        (0x0000FFFF0000FFFF, 10_000 * 2**32 + 1, 32),
    )
)
_POWERS = np.array([10**k for k in range(17)], dtype=np.uint64)
_FLOAT_POWERS = np.array([10.0**k for k in range(17)])
_MOST_DIGITS, _LARGEST = 16, np.uint64(2**53)
_MINUS, _ZERO = ord("-"), ord("0")
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
    leading = part.block.buffer[starts]
    is_negative = leading == _MINUS
    at, num = starts + is_negative, lengths - is_negative
    point = _first_point(part, at, int(num.max(initial=0)))
    in_sight = (point < _MOST_DIGITS) | (num <= _MOST_DIGITS)
    point = np.minimum(point, num)
    decimals = np.maximum(num - point - 1, 0)
    digits = point + decimals
    sure = in_sight & (digits > 0) & (digits <= _MOST_DIGITS)
    # Whatever of the others is computed is not looked at.
    point, decimals = np.where(sure, point, 0), np.where(sure, decimals, 0)
    whole, are_digits = _digits(part, at, point)
    fraction, are_decimals = _digits(part, at + point + 1, decimals)
    mantissa = whole * _POWERS[decimals] + fraction
    sure &= are_digits & are_decimals & (mantissa <= _LARGEST)
    np.divide(mantissa.astype(np.float64), _FLOAT_POWERS[decimals], out=values)
    np.negative(values, out=values, where=is_negative)
    has_point = point < num
    is_digits = sure & ~has_point & ~is_negative
    if is_digits.any():
        found.num_digits += int(is_digits.sum())
        found.most_digits = max(found.most_digits, int(digits[is_digits].max()))
        found.has_leading_zero |= bool((is_digits & (digits > 1) & (leading == _ZERO)).any())
    has_point &= sure
    if has_point.any():
        found.has_point = True
        if not found.has_decimals:
            first = part.block.buffer[at]
            is_grouped = (decimals == 3) & (point > 0) & (point < 4) & (first != _ZERO)
            found.has_decimals = bool((has_point & ~is_grouped).any())
    others = np.flatnonzero(~sure & ~gaps)
    values[gaps] = np.nan
    return not len(others) or _read_others(part.take(others), others, found, values, gaps, means_gap)


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


def _first_point(part: Part, at: Places, max_length: int) -> Places:
    """How many bytes stand before the first point among the sixteen behind each place; 16 where there is none."""
    first = _point_in(part.words_at(at))
    if max_length <= 8:
        return first
    return np.where(first < 8, first, 8 + _point_in(part.words_at(at + 8)))


def _point_in(words: Words) -> Places:
    words = words ^ _POINTS
    # The lowest of these bits is that of the first byte that was a point.
    bits = (words - _ONES) & ~words & _HIGHS
    lowest = bits & (~bits + np.uint64(1))
    place = (((lowest - np.uint64(1)) & _ONES) * _ONES >> np.uint64(56)).astype(np.int64) - 1
    return np.where(bits == 0, 8, place)


def _digits(part: Part, at: Places, num: Places) -> tuple[_Whole, Flags]:
    """The whole number in so many digits, at most sixteen, behind each place; whether digits are all that stands
    there."""
    short = np.minimum(num, 8)
    value, are_digits = _eight(part.words_at(at), short)
    long = np.flatnonzero(num > 8)
    if len(long):
        more = num[long] - 8
        lower, are_more = _eight(part.words_at(at[long] + 8), more)
        value[long] = value[long] * _POWERS[more] + lower
        are_digits[long] &= are_more
    return value, are_digits


def _eight(words: Words, num: Places) -> tuple[_Whole, Flags]:
    """The whole number in the first `num` bytes of each word, and whether they are digits; of no byte it is 0."""
    spare = (np.uint64(8) - num.astype(np.uint64)) << np.uint64(3)
    # A shift by all 64 bits is none: those words are all zeros.
    half = spare >> np.uint64(1)
    words = np.left_shift(words << half, spare - half)
    filled: Words = _ZEROS & ~((_ALL << half) << (spare - half))
    words |= filled
    are_digits = ((words & _UPPER_HALVES) | (((words + _SIXES) & _UPPER_HALVES) >> np.uint64(4))) == _THREES
    for mask, factor, shift in _STEPS:
        words = ((words & mask) * factor) >> shift
    return words, are_digits
