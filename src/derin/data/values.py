"""Cells to values: whether a column of strings holds numbers, dates, categories or text is found out from all of its
cells.

Work is done once per distinct cell, then spread over the rows, so that long columns of few values cost little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from derin.core.messages import Sentence
from derin.data.cells import (
    Floats,
    date_order,
    is_missing,
    looks_like_date,
    looks_like_number,
    means_missing_number,
    numbers_and_way,
    parse_dates,
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


@dataclass(frozen=True, kw_only=True)
class Values:
    """One column of cells as what they mean.

    Args:
        kind: number, date, category or text.
        data: the values.
        classes: of a category, in natural order.
        unit: of dates, the order in which they are written.
        note: what was found, for people.
        is_missing: rows without a value.
        conflicts: rows whose cell does not fit the others; they are among the missing.
        num_distinct: different values that occur, missing ones not counted.
        is_integral: all values are whole numbers.
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

    @property
    def num_present(self) -> int:
        return len(self.is_missing) - int(self.is_missing.sum())


@dataclass(frozen=True)
class _Distinct:
    """The different cells of a column, the place of each row's cell among them, and how often each occurs."""

    cells: list[str]
    codes: Rows
    counts: Rows

    @classmethod
    def of(cls, cells: Sequence[str]) -> _Distinct:
        place = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
        codes = np.fromiter(map(place.__getitem__, cells), dtype=np.int64, count=len(cells))
        return cls(list(place), codes, np.bincount(codes, minlength=len(place)))


def infer_values(cells: Sequence[str], *, decimal_comma: bool = False, kind: Kind | None = None) -> Values:
    """What a column of cells holds.

    A column is of numbers or dates when all cells are, but for missing ones and fewer than 1 % (or a single one
    among at least 20) that do not fit and count as missing. Strings are text when they are long and different, else
    a category.

    Args:
        cells: without spaces around them.
        decimal_comma: whether ``1,234`` means 1.234 rather than 1234 where both are possible.
        kind: what the column is to be; None finds it out.

    Example:
        >>> infer_values(["22", "", "38.5"]).data.values.tolist()
        [22.0, nan, 38.5]
        >>> infer_values(["31.12.2020", "1.1.2021"]).kind.value
        'date'
    """
    distinct = _Distinct.of(cells)
    absent = np.fromiter(map(is_missing, distinct.cells), dtype=bool, count=len(distinct.cells))
    if kind in (None, Kind.NUMBER) and (found := _as_numbers(distinct, absent, decimal_comma, forced=kind is not None)):
        return found
    if kind in (None, Kind.DATE) and (found := _as_dates(distinct, absent, forced=kind is not None)):
        return found
    if kind is Kind.TEXT or (kind is None and _is_text(distinct, absent)):
        empty = np.fromiter((cell == "" for cell in distinct.cells), dtype=bool, count=len(absent))
        num = len(absent) - int(empty.sum())
        note = Sentence("reading.text_note", different=num)
        return Values(
            kind=Kind.TEXT, data=Ragged.from_texts(cells), note=note, is_missing=empty[distinct.codes], num_distinct=num
        )
    return _as_category(distinct, absent)


def natural_order(name: str) -> list[int | str]:
    """A sort key under which ``"item 9"`` stands before ``"item 10"``."""
    return [int(part) if i % 2 else part.casefold() for i, part in enumerate(re.split(r"([0-9]+)", name))]


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


def _as_numbers(distinct: _Distinct, absent: npt.NDArray[np.bool_], decimal_comma: bool, forced: bool) -> Values | None:
    among_numbers = _also_missing(distinct, absent)
    present = np.flatnonzero(~among_numbers)
    if not len(present):
        return None
    cells = [distinct.cells[i] for i in present]
    if not forced and not _promising(cells, looks_like_number):
        return None
    parsed, way = numbers_and_way(cells, distinct.counts[present], decimal_comma)
    values = np.full(len(distinct.cells), np.nan)
    values[present] = parsed
    conflicts = _conflicts(distinct, among_numbers, values, forced)
    if conflicts is None:
        return None
    different = np.unique(parsed[~np.isnan(parsed)])
    integral = bool((different == np.round(different)).all())
    missing = np.isnan(values)[distinct.codes]
    note = Sentence(
        "reading.numbers_note",
        kind=Sentence("reading.whole_numbers" if integral else "reading.numbers"),
        way=way,
        different=len(different),
    )
    return Values(
        kind=Kind.NUMBER,
        data=Dense(values[distinct.codes]),
        note=_with_missing(note, missing),
        is_missing=missing,
        num_distinct=len(different),
        conflicts=conflicts,
        is_integral=integral,
    )


def _as_dates(distinct: _Distinct, absent: npt.NDArray[np.bool_], forced: bool) -> Values | None:
    among_dates = _also_missing(distinct, absent)
    present = np.flatnonzero(~among_dates)
    cells = [distinct.cells[i] for i in present]
    if not cells or not (forced or _promising(cells, looks_like_date)):
        return None
    order, why = date_order(cells)
    values = np.full(len(distinct.cells), np.nan)
    values[present] = parse_dates(cells, order)
    conflicts = _conflicts(distinct, among_dates, values, forced)
    if conflicts is None:
        return None
    missing = np.isnan(values)[distinct.codes]
    num = len(np.unique(values[~np.isnan(values)]))
    note = Sentence("reading.dates_note", how=why, different=num)
    return Values(
        kind=Kind.DATE,
        data=Dense(values[distinct.codes]),
        note=_with_missing(note, missing),
        is_missing=missing,
        num_distinct=num,
        unit=order,
        conflicts=conflicts,
    )


def _as_category(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> Values:
    classes = sorted(
        (cell for cell, gone in zip(distinct.cells, absent) if not gone), key=lambda c: (natural_order(c), c)
    )
    place = {name: i for i, name in enumerate(classes)}
    codes = np.fromiter((place.get(cell, -1) for cell in distinct.cells), dtype=np.int64, count=len(distinct.cells))
    codes[absent] = -1
    missing = absent[distinct.codes]
    return Values(
        kind=Kind.CATEGORY,
        data=Dense(codes[distinct.codes]),
        note=note_of_strings("reading.category", classes, missing),
        is_missing=missing,
        num_distinct=len(classes),
        classes=tuple(classes),
    )


def note_of_strings(kind: str, classes: Sequence[str], missing: npt.NDArray[np.bool_]) -> str:
    """What a column of strings holds, for people.

    Args:
        kind: what they are, as a key of the catalogue.
        classes: the different ones.
        missing: rows without a value.
    """
    examples = f" ({', '.join(classes[:3])}{', …' if len(classes) > 3 else ''})" if classes else ""
    note = Sentence("reading.strings_note", kind=Sentence(kind), different=len(classes), examples=examples)
    return _with_missing(note, missing)


def _with_missing(note: str, missing: npt.NDArray[np.bool_]) -> str:
    num = int(missing.sum())
    return Sentence("reading.with_missing", note=note, missing=num) if num else note


def _also_missing(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Missing cells, with the words that mean it beside numbers and dates."""
    words = map(means_missing_number, distinct.cells)
    return absent | np.fromiter(words, dtype=bool, count=len(absent))


def _promising(cells: list[str], test: Callable[[str], bool]) -> bool:
    """Whether parsing is worth its time: a look at a hundred cells from all over the column."""
    sample = cells[:: max(1, len(cells) // 100)]
    return sum(map(test, sample)) > len(sample) / 2


def _conflicts(distinct: _Distinct, absent: npt.NDArray[np.bool_], values: Floats, forced: bool) -> Rows | None:
    """Rows whose cell is neither a value nor missing; None where there are too many for a column of this kind."""
    wrong = np.isnan(values) & ~absent
    num_wrong, num_present = int(distinct.counts[wrong].sum()), int(distinct.counts[~absent].sum())
    rare = num_wrong < RARE * num_present or (num_wrong == 1 and num_present >= _ENOUGH_ROWS)
    if num_wrong and not rare and not forced:
        return None
    return np.flatnonzero(wrong[distinct.codes]) if num_wrong else np.zeros(0, dtype=np.int64)


def _is_text(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> bool:
    """Long strings that seldom repeat."""
    cells = [cell for cell, gone in zip(distinct.cells, absent) if not gone]
    rows = int(distinct.counts[~absent].sum())
    if len(cells) < 2 or 2 * len(cells) < rows:
        return False
    sample = cells[:: max(1, len(cells) // 1000)]
    words = sum(len(cell.split()) for cell in sample) / len(sample)
    characters = sum(map(len, sample)) / len(sample)
    return words >= _TEXT_WORDS or characters >= _TEXT_CHARACTERS


def mostly_unique(values: Values) -> bool:
    """Whether a category's values occur less than twice on average, so that nothing is learnt from them."""
    return values.num_distinct > _MANY_VALUES and 2 * values.num_distinct > values.num_present
