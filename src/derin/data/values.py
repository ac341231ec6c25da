"""Cells to values: whether a column of strings holds numbers, dates, categories or text is found out from all of its
cells.

Work is done once per distinct cell, then spread over the rows, so that long columns of few values cost little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from derin.data.schema import Kind
from derin.data.table import ColumnData, Dense, Ragged, Rows

Floats = npt.NDArray[np.float64]

_MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "?", "-"})
# Words that mean "missing" among numbers and dates only: in a column of words they may be an answer.
_MISSING_AMONG_NUMBERS = frozenset({"none", "nil", "nat", "missing", "unknown", "yok", "bilinmiyor", "--", ".", "*"})
_NUMBER = re.compile(r"[+-]?(\d[\d.,]*|[.,]\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d+)?([eE][+-]?\d+)?")
_GROUPED_BY_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d*)?")
_TIME = r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_TIME += r"(?: ?(?P<half>[AaPp][Mm]))?(?: ?(?P<zone>Z|[+-]\d{2}:?\d{2}))?)?"
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?" + _TIME)
_YEAR_LAST = re.compile(r"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4})" + _TIME)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Cells that do not fit are an exception below this share; above it they are what the column holds.
RARE = 0.01
# From here on a single cell that does not fit counts as rare too.
_ENOUGH_ROWS = 20
# Text is recognised by its length: a mean of this many words or characters.
_TEXT_WORDS, _TEXT_CHARACTERS = 5, 40
# A category whose values mostly occur once says nothing about rows to come.
_MANY_VALUES = 50

DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "DD/MM/YYYY", "MM/DD/YYYY", "YYYY-MM-DD"


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
        note = f"text: {num:,} different strings"
        return Values(
            kind=Kind.TEXT, data=Ragged.from_texts(cells), note=note, is_missing=empty[distinct.codes], num_distinct=num
        )
    return _as_category(distinct, absent)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, NA, N/A, NaN, null, ? or -."""
    return len(cell) < 5 and cell.casefold() in _MISSING


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number in some way of writing it."""
    return _NUMBER.fullmatch(cell) is not None


def looks_like_date(cell: str) -> bool:
    """Whether a cell is a date in some way of writing it."""
    return (_YEAR_FIRST.fullmatch(cell) or _YEAR_LAST.fullmatch(cell)) is not None


def parse_numbers(cells: Sequence[str], *, decimal_comma: bool = False) -> Floats:
    """Cells as numbers in the one way of writing that fits most of them; NaN where a cell is none.

    Shapes:
        N cells → ``(N,)``.

    Example:
        >>> parse_numbers(["1.234,5", "7"]).tolist()
        [1234.5, 7.0]
    """
    return _parse_numbers(cells, np.ones(len(cells), dtype=np.int64), decimal_comma)[0]


def parse_dates(cells: Sequence[str], order: str) -> Floats:
    """Cells as seconds since 1970-01-01 UTC; NaN where a cell is no date.

    Args:
        cells: dates with the year first, or with the year last in the order given.
        order: `DAY_FIRST` or `MONTH_FIRST` (with `YEAR_FIRST` the day comes first as well); points always mean day
            first.

    Example:
        >>> parse_dates(["1970-01-02", "03/01/1970"], DAY_FIRST).tolist()
        [86400.0, 172800.0]
    """
    return np.fromiter((_seconds(cell, order) for cell in cells), dtype=np.float64, count=len(cells))


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
    parsed, way = _parse_numbers(cells, distinct.counts[present], decimal_comma)
    values = np.full(len(distinct.cells), np.nan)
    values[present] = parsed
    conflicts = _conflicts(distinct, among_numbers, values, forced)
    if conflicts is None:
        return None
    different = np.unique(parsed[~np.isnan(parsed)])
    integral = bool((different == np.round(different)).all())
    missing = np.isnan(values)[distinct.codes]
    note = f"{'whole numbers' if integral else 'numbers'}{way}, {len(different):,} different" + _missing_note(missing)
    return Values(
        kind=Kind.NUMBER,
        data=Dense(values[distinct.codes]),
        note=note,
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
    order, why = _date_order(cells)
    values = np.full(len(distinct.cells), np.nan)
    values[present] = parse_dates(cells, order)
    conflicts = _conflicts(distinct, among_dates, values, forced)
    if conflicts is None:
        return None
    missing = np.isnan(values)[distinct.codes]
    num = len(np.unique(values[~np.isnan(values)]))
    note = f"dates {why}, {num:,} different" + _missing_note(missing)
    return Values(
        kind=Kind.DATE,
        data=Dense(values[distinct.codes]),
        note=note,
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
    examples = ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
    note = f"category, {len(classes):,} different" + (f" ({examples})" if classes else "") + _missing_note(missing)
    return Values(
        kind=Kind.CATEGORY,
        data=Dense(codes[distinct.codes]),
        note=note,
        is_missing=missing,
        num_distinct=len(classes),
        classes=tuple(classes),
    )


def _missing_note(missing: npt.NDArray[np.bool_]) -> str:
    num = int(missing.sum())
    return f", {num:,} missing" if num else ""


def _also_missing(distinct: _Distinct, absent: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Missing cells, with the words that mean it beside numbers and dates."""
    words = (cell.casefold() in _MISSING_AMONG_NUMBERS for cell in distinct.cells)
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


def _parse_numbers(cells: Sequence[str], counts: Rows, decimal_comma: bool) -> tuple[Floats, str]:
    """Numbers and how they are written, in words, where that is not the usual way."""
    plain = _plain_numbers(cells)
    best, way, most = plain, "", int(counts[~np.isnan(plain)].sum())
    if most == int(counts.sum()):
        return best, way
    ways = [(_with_decimal_comma, " with a decimal comma"), (_with_grouping_comma, " with commas between thousands")]
    for parse, words in ways if decimal_comma else reversed(ways):
        values = np.fromiter(map(parse, cells), dtype=np.float64, count=len(cells))
        if (fitting := int(counts[~np.isnan(values)].sum())) > most:
            best, way, most = values, words, fitting
    return best, way


def _plain_numbers(cells: Sequence[str]) -> Floats:
    try:
        values = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        values = np.fromiter(map(_plain_number, cells), dtype=np.float64, count=len(cells))
    else:
        # Python reads 1_000 as a number; in a table it is rather a code.
        for place in (i for i, cell in enumerate(cells) if "_" in cell):
            values[place] = np.nan
    values[np.isinf(values)] = np.nan
    return values


def _plain_number(cell: str) -> float:
    try:
        return np.nan if "_" in cell else float(cell)
    except ValueError:
        return np.nan


def _with_decimal_comma(cell: str) -> float:
    fits = _DECIMAL_COMMA.fullmatch(cell) and any(c.isdigit() for c in cell)
    return _plain_number(cell.replace(".", "").replace(",", ".")) if fits else np.nan


def _with_grouping_comma(cell: str) -> float:
    # Numbers without any comma (1234.5) may stand between grouped ones.
    return _plain_number(cell.replace(",", "")) if _GROUPED_BY_COMMA.fullmatch(cell) or "," not in cell else np.nan


def _date_order(cells: list[str]) -> tuple[str, str]:
    """In which order day and month stand, and how that was found out."""
    parts = [match for match in map(_YEAR_LAST.fullmatch, cells) if match]
    if 2 * len(parts) < len(cells):
        return YEAR_FIRST, "written year first"
    if all(match["mark"] == "." for match in parts):
        return DAY_FIRST, "written DD.MM.YYYY"
    slashed = [match for match in parts if match["mark"] != "."]
    day_first = sum(int(match["one"]) > 12 for match in slashed)
    month_first = sum(int(match["two"]) > 12 for match in slashed)
    if month_first > day_first:
        return MONTH_FIRST, "written MM/DD/YYYY (second numbers beyond 12 occur)"
    if day_first:
        return DAY_FIRST, "written DD/MM/YYYY (first numbers beyond 12 occur)"
    return DAY_FIRST, "that are ambiguous (no number beyond 12 occurs), taken as DD/MM/YYYY"


def _seconds(cell: str, order: str) -> float:
    if match := _YEAR_FIRST.fullmatch(cell):
        month, day = int(match["month"]), int(match["day"] or 1)
        if match["day"] is None and match["mark"] == ".":
            return np.nan
    elif match := _YEAR_LAST.fullmatch(cell):
        one, two = int(match["one"]), int(match["two"])
        month, day = (one, two) if order == MONTH_FIRST and match["mark"] != "." else (two, one)
    else:
        return np.nan
    hour = int(match["hour"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return np.nan
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    micro = int((match["fraction"] or "0").ljust(6, "0")[:6])
    try:
        moment = datetime(
            int(match["year"]),
            month,
            day,
            hour,
            int(match["minute"] or 0),
            int(match["second"] or 0),
            micro,
            tzinfo=UTC,
        )
        return (moment - _EPOCH).total_seconds() - _zone_seconds(match["zone"])
    except ValueError:
        return np.nan


def _zone_seconds(zone: str | None) -> float:
    if zone is None or zone == "Z":
        return 0.0
    seconds = 3600.0 * int(zone[1:3]) + 60.0 * int(zone[-2:])
    return -seconds if zone[0] == "-" else seconds


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
