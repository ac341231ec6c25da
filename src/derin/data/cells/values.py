"""Cells to values: whether a column of strings holds numbers, dates, categories or text is found out from all of its
cells.

Work is done once per distinct cell, then spread over the rows, so that long columns of few values cost little. The
cells of long columns of many values stay packed, and are strings some thousand at a time. How the cells are written is
found out with it (`Writing`), so that the same column of other rows is read alike.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.data.cells.amounts import ONES
from derin.data.cells.date_scan import plain_dates
from derin.data.cells.dates import (
    date_order,
    digit_form,
    has_zone,
    looks_like_date,
    named_like_time,
    parse_dates,
    parse_zones,
)
from derin.data.cells.number_scan import plain_numbers
from derin.data.cells.numbers import (
    COMMA,
    POINT,
    find_numbers,
    looks_measured,
    numbers_written,
    several_units,
    surest_decimal,
    without_numbers,
)
from derin.data.cells.packed import PackedColumn, picked
from derin.data.cells.typed import NumberCells
from derin.data.cells.writing import (
    GAP_WORDS,
    MISSING_WORDS,
    YEAR_FIRST,
    Floats,
    Writing,
    are_flags,
    flag_value,
    is_infinite,
    is_missing,
)
from derin.data.schema import Kind
from derin.data.table import ColumnData, Dense, Ragged, Rows

# Cells that do not fit are an exception below this share; above it they are what the column holds.
RARE = 0.01
# From here on a single cell that does not fit counts as rare too.
_ENOUGH_ROWS = 20
# Text is recognised by its length: a mean of this many words or characters.
_TEXT_WORDS, _TEXT_CHARACTERS = 5, 40
# A category whose values mostly occur once says nothing about rows to come.
_MANY_VALUES = 50
# A word such as NA is a value of its own from here on: gaps are seldom so many in a column of words, or the file leaves
# them empty.
_WORD_IS_VALUE, _WORD_BESIDE_EMPTY = 6, 2
# Whole numbers from here on are not exact in float64, and those of as many digits are names.
_LARGEST_EXACT, _CODE_DIGITS = 2**53, 15
_PHONE_DIGITS = 8
_DIGITS = frozenset("0123456789")
# So many names are given as examples.
_NUM_FIRST, _MOST_SHOWN = 3, 6
# A look at so many rows tells that digits are no dates.
_HEAD_ROWS = 100
# So many strings are kept; of columns with more different cells these stay packed.
_FEW_STRINGS = 1 << 14
# Ways of writing that were chosen among several.
_DOUBTFUL = tuple(
    f"reading.{key}"
    for key in (
        "grouping_point",
        "grouping_point_likely",
        "grouping_point_unit",
        "decimal_point_likely",
        "ambiguous",
        "order_by_steps",
        "short_years",
        "year_first_short",
    )
)


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a file is written as a whole, which decides where the cells of one column leave it open.

    Args:
        decimal: the decimal sign of its numbers, where other columns show it.
        likely: the decimal sign where nothing shows it.
        order: the order of day and month that the user says.
        missing: the words that mean "no value", as the user says; None takes the usual ones.
    """

    decimal: str | None = None
    likely: str = POINT
    order: str | None = None
    missing: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        columns: Sequence[Sequence[str]],
        delimiter: str,
        *,
        decimal: str | None = None,
        order: str | None = None,
        missing: Sequence[str] | None = None,
    ) -> Habits:
        """The habits of a file, where a person does not say them.

        Args:
            columns: the cells of each.
            delimiter: between the cells; who writes semicolons has decimal commas.
            decimal, order, missing: as they are said.
        """
        return cls(
            decimal=decimal or surest_decimal(columns),
            likely=COMMA if delimiter == ";" else POINT,
            order=order,
            missing=None if missing is None else tuple(missing),
        )


@dataclass(frozen=True, kw_only=True)
class Values:
    """One column of cells as what they mean.

    Args:
        kind: number, date, category or text.
        data: the values.
        classes: of a category, in natural order.
        unit: of numbers, the sign or unit at each; of dates, the order in which they are written.
        note: what was found, for people.
        is_missing: rows without a value.
        conflicts: rows whose cell does not fit the others; they are among the missing.
        num_distinct: different values that occur, missing ones not counted.
        is_integral: all values are whole numbers.
        writing: how the cells are written.
        offsets: of dates, the offset from UTC in seconds that stands beside each, NaN where none does; None where no
            date has one.
        remarks: what people should hear of it, since it could be read otherwise.
        first_names: of a category without classes, the first few of what would be these.
    """

    kind: Kind
    data: ColumnData
    note: str
    is_missing: npt.NDArray[np.bool_]
    num_distinct: int
    classes: tuple[str, ...] | None = None
    unit: str | None = None
    conflicts: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    is_integral: bool = False
    writing: Writing = field(default_factory=Writing)
    offsets: Floats | None = None
    remarks: tuple[str, ...] = ()
    first_names: tuple[str, ...] = ()

    @property
    def num_present(self) -> int:
        return len(self.is_missing) - int(self.is_missing.sum())


@dataclass(frozen=True)
class _Distinct:
    """The different cells of a column, the place of each row's cell among them, and how often each occurs.

    The places are None where all cells differ: each row is its own place.
    """

    cells: Sequence[str]
    codes: Rows | None
    counts: Rows

    @classmethod
    def of(cls, cells: Sequence[str]) -> _Distinct:
        if isinstance(cells, PackedColumn | NumberCells) and len(cells) > _FEW_STRINGS:
            different, codes = cells.distinct()
            if codes is None:
                return cls.each(cells)
            counts = np.bincount(codes, minlength=len(different))
            return cls(list(different) if len(different) <= _FEW_STRINGS else different, codes, counts)
        # One dictionary, filled as cells come: of a column whose cells all differ, two would take most of the memory.
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(cell, len(place)) for cell in cells), dtype=np.int64, count=len(cells))
        return cls(list(place), codes, np.bincount(codes, minlength=len(place)))

    @classmethod
    def each(cls, cells: Sequence[str]) -> _Distinct:
        """Each cell for itself: all differ, or it does not matter which are equal."""
        return cls(cells, None, np.broadcast_to(np.int64(1), len(cells)))

    def at_rows(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What was found out of the different cells, at each row."""
        return values if self.codes is None else values[self.codes]


def infer_values(
    cells: Sequence[str],
    *,
    habits: Habits | None = None,
    kind: Kind | None = None,
    name: str = "",
    loosely: bool = False,
) -> Values:
    """What a column of cells holds.

    A column is of numbers or dates when all cells are, but for missing ones and fewer than 1 % (or a single one
    among at least 20) that do not fit and count as missing. Whole numbers with leading zeros, or of more digits than
    numbers keep, are codes. Strings are text when they are long and different, else a category.

    Args:
        cells: without spaces around them.
        habits: how the file is written as a whole.
        kind: what the column is to be; None finds it out.
        name: of the column: digits alone are moments only where it says so.
        loosely: whether a category of which nothing can be learned, since most of its cells differ, is left without
            classes: they take many times the room of the cells.

    Example:
        >>> infer_values(["22", "", "38.5"]).data.values.tolist()
        [22.0, nan, 38.5]
        >>> infer_values(["31.12.2020", "1.1.2021"]).kind.value
        'date'
        >>> infer_values(["01001", "34000"]).classes
        ('01001', '34000')
    """
    habits = habits or Habits()
    missing = None if habits.missing is None else tuple(word.casefold() for word in habits.missing)
    writing = Writing(missing=missing)
    if kind in (None, Kind.NUMBER) and missing is None and isinstance(cells, PackedColumn | NumberCells):
        plain = _plain_numbers(cells, habits, writing)
        if plain is not None:
            return plain
    if kind in (None, Kind.DATE) and missing is None and isinstance(cells, PackedColumn):
        dates = plain_dates(cells, writing.means_gap)
        if dates is not None and not dates.gaps.all():
            written = Writing(order=YEAR_FIRST)
            return _dates(_Distinct.each(cells), dates.gaps, (), dates.seconds, written, Message("reading.year_first"))
    distinct = _Distinct.of(cells)
    absent = _absent(distinct, writing)
    gaps = _gaps(distinct, absent, writing)
    present = np.flatnonzero(~gaps)
    held = picked(distinct.cells, present)
    form = digit_form(held, kind is Kind.DATE or named_like_time(name)) if held and kind in (None, Kind.DATE) else ""
    why = units = ""
    if held and not form and kind in (None, Kind.NUMBER) and (kind or _promising(held, looks_measured)):
        why = "" if kind else _why_codes(held, _picked_counts(distinct, present))
        if not why and (found := _found_numbers(distinct, gaps, present, habits, writing, forced=kind is not None)):
            return found
        if not why and (several := several_units(held)):
            units = Message("reading.several_units", units=", ".join(several))
    if held and kind in (None, Kind.DATE) and not why and (form or kind or _promising(held, looks_like_date)):
        found = _found_dates(distinct, gaps, present, habits.order, form, writing, forced=kind is not None)
        if found is not None:
            return found
    if kind is Kind.TEXT or (kind is None and _is_text(distinct, absent)):
        return _as_text(cells, distinct)
    if loosely and not why and not units and (found := _mostly_different(cells, distinct, absent)):
        return found
    return _as_category(distinct, absent, writing, why or units, asked=missing is not None)


def values_written(cells: Sequence[str], kind: Kind, writing: Writing, classes: Sequence[str] | None = None) -> Values:
    """A column of a kind that is known, in the way of writing that is known; nothing is found out.

    Args:
        cells: without spaces around them.
        kind: number, date, category or text.
        writing: of the data in which it was found out.
        classes: whose order is kept; other values stand behind them.

    Example:
        >>> values_written(["1.234", "x"], Kind.NUMBER, Writing(decimal=",")).data.values.tolist()
        [1234.0, nan]
    """
    if kind is Kind.DATE and writing.missing is None and isinstance(cells, PackedColumn):
        dates = plain_dates(cells, writing.means_gap)
        if dates is not None:
            return _dates(_Distinct.each(cells), dates.gaps, (), dates.seconds, writing, "")
    is_plain = kind is Kind.NUMBER and writing.decimal == POINT and writing.missing is None
    if is_plain and isinstance(cells, PackedColumn | NumberCells):
        plain = plain_numbers(cells, writing.means_gap)
        if plain is not None:
            return _numbers(_Distinct.each(cells), plain.gaps, plain.values, writing, "")
    distinct = _Distinct.of(cells)
    if kind is Kind.TEXT:
        return _as_text(cells, distinct)
    absent = _absent(distinct, writing)
    if kind is Kind.CATEGORY:
        return _as_category(distinct, absent, writing, "", asked=True, known=classes)
    gaps = _gaps(distinct, absent, writing)
    present = np.flatnonzero(~gaps)
    held = picked(distinct.cells, present)
    if kind is Kind.DATE:
        parsed = _at_places(present, parse_dates(held, writing.order, writing.digits), len(distinct.cells))
        return _dates(distinct, gaps, held, parsed, writing, "")
    parsed = numbers_written(held, writing.decimal, writing.affix, writing.amounts_in)
    if writing.flags:
        parsed = _with_flags(held, parsed)
    return _numbers(distinct, gaps, _at_places(present, parsed, len(distinct.cells)), writing, "")


def words_that_are_values(cells: Sequence[str]) -> list[str]:
    """Words such as NA that occur so often among other words of a column that they are rather values than gaps.

    Example:
        >>> words_that_are_values(["NA", "b"] * 10 + ["?"])
        ['NA']
    """
    distinct = _Distinct.of(cells)
    return _words_that_are_values(distinct, _where(distinct, is_missing))


def alike_but_for_capitals(classes: Sequence[str]) -> str:
    """A sentence about classes that differ in capital letters alone; empty where none do.

    Example:
        >>> print(alike_but_for_capitals(["ham", "Spam", "spam"]))
        classes differ in capital letters alone ('Spam', 'spam'); write those alike that are one
    """
    spellings: dict[str, list[str]] = {}
    for name in classes:
        spellings.setdefault(name.casefold(), []).append(name)
    alike = [name for names in spellings.values() if len(names) > 1 for name in names]
    return Message("reading.alike_but_for_capitals", classes=", ".join(map(repr, alike[:_MOST_SHOWN]))) if alike else ""


def natural_order(name: str) -> list[tuple[int, str] | str]:
    """A sort key under which ``"item 9"`` stands before ``"item 10"``."""
    # Digits are compared by how many there are: thousands of them are no number that Python reads.
    return [
        (len(digits := part.lstrip("0")), digits) if i % 2 else part.casefold()
        for i, part in enumerate(re.split(r"([0-9]+)", name))
    ]


def _in_natural_order(names: list[str]) -> list[str]:
    """Different names in the order of `natural_order`, those that are equal under it in their own."""
    ordered = sorted(names)
    # One string for each name takes a fifth of the memory of lists; its parts end with a character below all others.
    ordered.sort(key=natural_order if any("\0" in name for name in names) else _natural_key)
    return ordered


def _natural_key(name: str) -> str:
    return "\0".join(part if isinstance(part, str) else f"{part[0]:08x}{part[1]}" for part in natural_order(name))


def number_name(value: float) -> str:
    """A number as the name of a class: ``3.0`` is ``"3"``."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def numbers_as_category(values: Floats) -> tuple[Rows, tuple[str, ...]]:
    """Numbers as classes, in numeric order; NaN becomes -1.

    Shapes:
        ``(N,)`` → ``(N,)`` int64.

    Example:
        >>> codes, classes = numbers_as_category(np.array([3.0, np.nan, 1.0]))
        >>> codes.tolist(), classes
        ([1, -1, 0], ('1', '3'))
    """
    present = ~np.isnan(values)
    distinct, places = np.unique(values[present], return_inverse=True)
    codes = np.full(len(values), -1, dtype=np.int64)
    codes[present] = places
    return codes, tuple(number_name(v) for v in distinct.tolist())


def _plain_numbers(cells: PackedColumn | NumberCells, habits: Habits, writing: Writing) -> Values | None:
    """A column of plain numbers, as `infer_values` reads it from its different cells, which are not looked for here;
    None where some cell or all of them leave a question open."""
    found = plain_numbers(cells, writing.means_gap)
    num = 0 if found is None else len(cells) - int(found.gaps.sum())
    if found is None or not num or (found.has_point and not found.has_decimals):
        return None
    if num - found.num_digits <= 2 * RARE * num and (found.has_leading_zero or found.most_digits >= _CODE_DIGITS):
        return None
    present = np.flatnonzero(~found.gaps[:_HEAD_ROWS])
    if not len(present) or digit_form(list(dict.fromkeys(cells.take(present))), True):
        return None
    numbers = found.values[~found.gaps]
    flags = bool(((numbers == 0) | (numbers == 1)).all())
    del numbers
    decimal = POINT if found.has_decimals else habits.decimal or habits.likely
    writing = Writing(decimal=decimal, flags=flags)
    return _numbers(_Distinct.each(cells), found.gaps, found.values, writing, "")


def _found_numbers(
    distinct: _Distinct,
    gaps: npt.NDArray[np.bool_],
    present: Rows,
    habits: Habits,
    writing: Writing,
    forced: bool,
) -> Values | None:
    held = picked(distinct.cells, present)
    found = find_numbers(held, _picked_counts(distinct, present), known=habits.decimal, likely=habits.likely)
    numbers = found.values[~np.isnan(found.values)]
    flags = bool(len(numbers)) and bool(((numbers == 0) | (numbers == 1)).all())
    del numbers
    writing = Writing(
        decimal=found.decimal, affix=found.affix, amounts_in=found.amounts_in, flags=flags, missing=writing.missing
    )
    values = _at_places(present, found.values, len(distinct.cells))
    made = _numbers(distinct, gaps, values, writing, found.way)
    if _is_doubtful(found.way):
        made = replace(made, remarks=(*made.remarks, made.note))
    elif getattr(found.way, "key", "") in ("reading.with_unit", "reading.amounts", "reading.amounts_of_zeros"):
        otherwise = Message("reading.semicolon", first=made.note, second=Message("reading.unit_otherwise"))
        made = replace(made, remarks=(*made.remarks, otherwise))
    return made if forced or _are_rare(made) else None


def _is_doubtful(way: str) -> bool:
    return isinstance(way, Message) and (way.key in _DOUBTFUL or _is_doubtful(way.values.get("way", "")))


def _numbers(
    distinct: _Distinct,
    gaps: npt.NDArray[np.bool_],
    values: Floats,
    writing: Writing,
    way: str,
) -> Values:
    """A column of numbers, from those of the different cells, NaN where one is none."""
    wrong = np.isnan(values) & ~gaps
    values = without_numbers(values, writing)
    integral, num = _whole_and_different(values)
    missing = distinct.at_rows(np.isnan(values))
    key = "reading.whole_numbers" if integral else "reading.numbers"
    note = Message("reading.numbers_note", kind=Message(key), way=way, different=num)
    infinite = _num_infinite(distinct, gaps)
    remarks: tuple[str, ...] = ()
    if infinite:
        note = Message("reading.with_infinite", note=note, infinite=infinite)
        remarks = (note,)
    return Values(
        kind=Kind.NUMBER,
        data=Dense(distinct.at_rows(values)),
        note=_with_missing(note, missing),
        is_missing=missing,
        num_distinct=num,
        conflicts=_rows_of(distinct, wrong),
        is_integral=integral,
        unit=writing.affix or writing.amounts_in.removeprefix(ONES) or None,
        writing=writing,
        remarks=remarks,
    )


def _num_infinite(distinct: _Distinct, gaps: npt.NDArray[np.bool_]) -> int:
    places = np.flatnonzero(gaps)
    counts = distinct.counts[places].tolist()
    return sum(count for cell, count in zip(picked(distinct.cells, places), counts) if is_infinite(cell))


def _at_places(places: Rows, found: Floats, num: int) -> Floats:
    """What was found of some of so many cells; NaN at the others."""
    if len(places) == num:
        return found
    values = np.full(num, np.nan)
    values[places] = found
    return values


def _whole_and_different(values: Floats) -> tuple[bool, int]:
    """Whether all numbers are whole, and how many different ones there are; NaN is none."""
    ordered = values[~np.isnan(values)]
    ordered.sort()
    return bool((ordered == np.round(ordered)).all()), int((ordered[1:] != ordered[:-1]).sum()) + bool(len(ordered))


def _found_dates(
    distinct: _Distinct,
    gaps: npt.NDArray[np.bool_],
    present: Rows,
    asked: str | None,
    form: str,
    writing: Writing,
    forced: bool,
) -> Values | None:
    held = picked(distinct.cells, present)
    order, why = (YEAR_FIRST, Message(f"reading.digits_{form}")) if form else date_order(held, asked)
    writing = Writing(order=order, digits=form, missing=writing.missing)
    parsed = _at_places(present, parse_dates(held, order, form), len(distinct.cells))
    made = _dates(distinct, gaps, held, parsed, writing, why)
    if form or _is_doubtful(why):
        made = replace(made, remarks=(made.note,))
    return made if forced or _are_rare(made) else None


def _dates(
    distinct: _Distinct,
    gaps: npt.NDArray[np.bool_],
    held: Sequence[str],
    values: Floats,
    writing: Writing,
    why: str,
) -> Values:
    """A column of dates, from those of the different cells, NaN where one is none.

    Args:
        held: the cells that are no gaps, beside whose dates a zone may stand.
    """
    offsets = None
    remarks: tuple[str, ...] = ()
    if not writing.digits and any(map(has_zone, held)):
        found, zones = parse_zones(held, writing.order)
        if zones:
            offsets = distinct.at_rows(_at_places(np.flatnonzero(~gaps), found, len(distinct.cells)))
            key = "reading.one_zone" if len(zones) == 1 else "reading.several_zones"
            why = Message(key, how=why or Message("reading.as_in_training"), zones=", ".join(zones[:4]))
    missing = distinct.at_rows(np.isnan(values))
    _, num = _whole_and_different(values)
    note = Message("reading.dates_note", how=why or Message("reading.as_in_training"), different=num)
    if offsets is not None:
        remarks = (note,)
    return Values(
        kind=Kind.DATE,
        data=Dense(distinct.at_rows(values)),
        note=_with_missing(note, missing),
        is_missing=missing,
        num_distinct=num,
        unit=writing.order,
        conflicts=_rows_of(distinct, np.isnan(values) & ~gaps),
        writing=writing,
        offsets=offsets,
        remarks=remarks,
    )


def _as_category(
    distinct: _Distinct,
    absent: npt.NDArray[np.bool_],
    writing: Writing,
    why: str,
    *,
    asked: bool,
    known: Sequence[str] | None = None,
) -> Values:
    kept: list[str] = []
    if not asked and (kept := _words_that_are_values(distinct, absent)):
        words = sorted(MISSING_WORDS - {word.casefold() for word in kept} - {""})
        writing = Writing(missing=tuple(words))
        absent = _where(distinct, writing.means_missing)
    present = [cell for cell, gone in zip(distinct.cells, absent) if not gone]
    # Of other data, what is true or false in any spelling is so, though there be one of the two, or digits alone.
    as_known = known is not None and are_flags(known) and all(flag_value(cell) is not None for cell in present)
    if are_flags(present) or as_known:
        place, classes = _flag_places(distinct, absent, known)
        kind = "reading.flags"
    else:
        classes = _in_natural_order(present)
        if known is not None:
            classes = [*known, *(cell for cell in classes if cell not in set(known))]
        place = {name: i for i, name in enumerate(classes)}
        kind = "reading.category"
    codes = np.fromiter((place.get(cell, -1) for cell in distinct.cells), dtype=np.int64, count=len(distinct.cells))
    codes[absent] = -1
    missing = distinct.at_rows(absent)
    note = note_of_strings(kind, classes, len(classes), missing)
    remarks: list[str] = []
    if why:
        note = Message("reading.semicolon", first=note, second=why)
        remarks.append(why)
    if kind == "reading.category" and known is None and (alike := alike_but_for_capitals(classes)):
        remarks.append(alike)
    if kept:
        rows = int(sum(distinct.counts[i] for i, cell in enumerate(distinct.cells) if cell in set(kept)))
        second = Message("reading.word_is_value", words=", ".join(map(repr, kept)), rows=rows)
        note = Message("reading.semicolon", first=note, second=second)
        remarks.append(second)
    return Values(
        kind=Kind.CATEGORY,
        data=Dense(distinct.at_rows(codes)),
        note=note,
        is_missing=missing,
        num_distinct=len(set(codes[codes >= 0].tolist())),
        classes=tuple(classes),
        writing=writing,
        remarks=tuple(remarks),
    )


def _mostly_different(cells: Sequence[str], distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> Values | None:
    """A category without classes, where most cells differ; its data are the cells."""
    missing = distinct.at_rows(absent)
    num = len(absent) - int(absent.sum())
    if _repeat(num, len(missing) - int(missing.sum())) or _words_that_are_values(distinct, absent):
        return None
    first = _first_names(picked(distinct.cells, np.flatnonzero(~absent)))
    return Values(
        kind=Kind.CATEGORY,
        data=Ragged.from_texts(cells),
        note=note_of_strings("reading.category", first, num, missing),
        is_missing=missing,
        num_distinct=num,
        first_names=tuple(first),
    )


def _first_names(names: Sequence[str]) -> list[str]:
    """The first few of different names in natural order."""
    if isinstance(names, PackedColumn) and len(names) > _FEW_STRINGS:
        words = names.beginnings()
        is_open = (words & np.uint64(0x8080808080808080)) != 0
        order = _rough_order(words)
        if int((~is_open).sum()) >= _NUM_FIRST:
            is_open |= order <= np.partition(order[~is_open], _NUM_FIRST - 1)[_NUM_FIRST - 1]
            names = names.take(np.flatnonzero(is_open))
    return heapq.nsmallest(_NUM_FIRST, names, key=lambda name: (natural_order(name), name))


def _rough_order(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Numbers that never order names otherwise than `natural_order` does, from their first eight bytes in ASCII."""
    is_number, is_text = np.ones(len(words), dtype=bool), np.ones(len(words), dtype=bool)
    number, text = np.zeros(len(words), dtype=np.uint64), np.zeros(len(words), dtype=np.uint64)
    for place in range(8):
        letter = (words >> np.uint64(8 * place)) & np.uint64(0xFF)
        is_digit = (letter >= ord("0")) & (letter <= ord("9"))
        is_number &= is_digit
        number = np.where(is_number, number * np.uint64(10) + (letter & np.uint64(0xF)), number)
        is_text &= ~is_digit & (letter > 0)
        small = letter | np.where((letter >= ord("A")) & (letter <= ord("Z")), np.uint64(0x20), np.uint64(0))
        text = (text << np.uint64(8)) | np.where(is_text, small, np.uint64(0))
    # More digits may follow on eight of them.
    return np.where(text > 0, text, np.where(is_number, np.uint64(10**8), number))


def _words_that_are_values(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> list[str]:
    """Words such as NA that occur so often among other words that they are rather a value of theirs."""
    places = [i for i in np.flatnonzero(absent).tolist() if distinct.cells[i]]
    if not places or len(places) == len(distinct.cells):
        return []
    has_empty = "" in distinct.cells
    least = _WORD_BESIDE_EMPTY if has_empty else _WORD_IS_VALUE
    total: Counter[str] = Counter()
    for i in places:
        total[distinct.cells[i].casefold()] += int(distinct.counts[i])
    return [distinct.cells[i] for i in places if total[distinct.cells[i].casefold()] >= least]


def _flag_places(
    distinct: _Distinct, absent: npt.NDArray[np.bool_], known: Sequence[str] | None
) -> tuple[dict[str, int], list[str]]:
    """The class of each spelling of true and false: false first, each named as it is written most often."""
    spellings: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for cell, count, gone in zip(distinct.cells, distinct.counts.tolist(), absent):
        if not gone:
            # 1 and 0 beside words name no class.
            spellings[bool(flag_value(cell))][cell] += 0 if cell[0] in "01" else count
    if known is not None and are_flags(known):
        classes = list(known)
    else:
        classes = [spellings[value].most_common(1)[0][0] for value in (False, True)]
    place_of = {flag_value(name): i for i, name in enumerate(classes)}
    return {cell: place_of[value] for value, found in spellings.items() for cell in found}, classes


def _why_codes(held: Sequence[str], counts: Rows) -> str:
    """Why whole numbers are rather codes that happen to be of digits; empty where they are numbers."""
    total = int(counts.sum())
    others = most = large = num = 0
    zeros: str | None = None
    lengths: set[int] = set()
    for cell, count in zip(held, counts.tolist()):
        if not cell.isdecimal():
            others += count
            if others > 2 * RARE * total:
                # These are no whole numbers, whatever stands below.
                break
            continue
        most += count
        num += 1
        lengths.add(len(cell))
        if zeros is None and cell[0] == "0" and len(cell) > 1:
            zeros = cell
        if len(cell) > _CODE_DIGITS and int(cell[:20]) > _LARGEST_EXACT:
            large += count
    if others > 2 * RARE * total or most < (1 - RARE) * total:
        phones = all(cell[0] == "+" and cell[1:].isdecimal() and len(cell) > _PHONE_DIGITS for cell in held)
        return Message("reading.codes_plus") if phones else ""
    if zeros is not None:
        return Message("reading.codes_zeros", example=zeros)
    same_length = len(lengths) == 1 and num > 2 and max(lengths) >= _CODE_DIGITS
    if same_length or large >= max(1, RARE * total):
        return Message("reading.codes_long", num=max(lengths))
    return ""


def _with_flags(held: Sequence[str], parsed: Floats) -> Floats:
    """Numbers that are 1 and 0, with words for true and false beside them."""
    for i in np.flatnonzero(np.isnan(parsed)).tolist():
        value = flag_value(held[i])
        parsed[i] = np.nan if value is None else float(value)
    return parsed


def _as_text(cells: Sequence[str], distinct: _Distinct) -> Values:
    different = distinct.cells
    empty = different.lengths() == 0 if isinstance(different, PackedColumn) else _where(distinct, "".__eq__)
    num = len(empty) - int(empty.sum())
    note = Message("reading.text_note", different=num)
    return Values(
        kind=Kind.TEXT, data=Ragged.from_texts(cells), note=note, is_missing=distinct.at_rows(empty), num_distinct=num
    )


def _where(distinct: _Distinct, test: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    """Which of the different cells pass a test."""
    return np.fromiter(map(test, distinct.cells), dtype=bool, count=len(distinct.cells))


def _absent(distinct: _Distinct, writing: Writing) -> npt.NDArray[np.bool_]:
    """Which of the different cells say that there is no value."""
    if writing.missing is not None:
        return _where(distinct, writing.means_missing)
    absent = np.zeros(len(distinct.cells), dtype=bool)
    words = _perhaps_words(distinct, writing)
    absent[words] = np.fromiter(map(is_missing, picked(distinct.cells, words)), dtype=bool, count=len(words))
    return absent


def _gaps(distinct: _Distinct, absent: npt.NDArray[np.bool_], writing: Writing) -> npt.NDArray[np.bool_]:
    """Missing cells, with those that mean it beside numbers and dates."""
    gaps = absent.copy()
    words = _perhaps_words(distinct, writing)
    gaps[words] = np.fromiter(map(writing.means_gap, picked(distinct.cells, words)), dtype=bool, count=len(words))
    return gaps


def _picked_counts(distinct: _Distinct, places: Rows) -> Rows:
    return distinct.counts if len(places) == len(distinct.counts) else distinct.counts[places]


def _perhaps_words(distinct: _Distinct, writing: Writing) -> Rows:
    """The places of cells that may be words for "no value": these do not end with a digit, as numbers do."""
    if not isinstance(distinct.cells, PackedColumn):
        return np.array([i for i, cell in enumerate(distinct.cells) if cell[-1:] not in _DIGITS], dtype=np.int64)
    if writing.missing is None:
        return distinct.cells.perhaps(GAP_WORDS)
    return np.flatnonzero(~distinct.cells.ends_in_digit())


def note_of_strings(kind: str, first: Sequence[str], num: int, missing: npt.NDArray[np.bool_]) -> str:
    """What a column of strings holds, for people.

    Args:
        kind: what they are, as a key of the catalogue.
        first: the different ones, or the first few of them.
        num: how many there are.
        missing: rows without a value.
    """
    examples = f" ({', '.join(first[:3])}{', …' if num > 3 else ''})" if num else ""
    note = Message("reading.strings_note", kind=Message(kind), different=num, examples=examples)
    return _with_missing(note, missing)


def _with_missing(note: str, missing: npt.NDArray[np.bool_]) -> str:
    num = int(missing.sum())
    return Message("reading.with_missing", note=note, missing=num) if num else note


def _promising(cells: Sequence[str], test: Callable[[str], bool]) -> bool:
    """Whether parsing is worth its time: a look at a hundred cells from all over the column."""
    sample = cells[:: max(1, len(cells) // 100)]
    return sum(map(test, sample)) > len(sample) / 2


def _are_rare(values: Values) -> bool:
    """Whether cells that do not fit are an exception in a column of this kind."""
    wrong = len(values.conflicts)
    present = values.num_present + wrong
    return wrong < RARE * present or (wrong == 1 and present >= _ENOUGH_ROWS) or not wrong


def _rows_of(distinct: _Distinct, wrong: npt.NDArray[np.bool_]) -> Rows:
    return np.flatnonzero(distinct.at_rows(wrong)) if wrong.any() else np.zeros(0, dtype=np.int64)


def _is_text(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> bool:
    """Long strings that seldom repeat."""
    cells = picked(distinct.cells, np.flatnonzero(~absent))
    rows = int(distinct.counts[~absent].sum())
    if len(cells) < 2 or 2 * len(cells) < rows:
        return False
    sample = cells[:: max(1, len(cells) // 1000)]
    words = sum(len(cell.split()) for cell in sample) / len(sample)
    characters = sum(map(len, sample)) / len(sample)
    return words >= _TEXT_WORDS or characters >= _TEXT_CHARACTERS


def mostly_unique(values: Values) -> bool:
    """Whether a category's values occur less than twice on average, so that nothing is learned from them."""
    return not _repeat(values.num_distinct, values.num_present)


def _repeat(num_distinct: int, num_present: int) -> bool:
    return num_distinct <= _MANY_VALUES or 2 * num_distinct <= num_present
