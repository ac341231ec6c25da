"""How people write numbers, dates and the lack of a value."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from derin.core.messages import Sentence
from derin.data.table import Rows

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

DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "DD/MM/YYYY", "MM/DD/YYYY", "YYYY-MM-DD"


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, NA, N/A, NaN, null, ? or -."""
    return len(cell) < 5 and cell.casefold() in _MISSING


def means_missing_number(cell: str) -> bool:
    """Whether a word says among numbers and dates that there is no value, though it may be an answer among words."""
    return cell.casefold() in _MISSING_AMONG_NUMBERS


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
    return numbers_and_way(cells, np.ones(len(cells), dtype=np.int64), decimal_comma)[0]


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


def numbers_and_way(cells: Sequence[str], counts: Rows, decimal_comma: bool) -> tuple[Floats, str]:
    """Numbers and how they are written, in words, where that is not the usual way."""
    plain = _plain_numbers(cells)
    best, most = plain, int(counts[~np.isnan(plain)].sum())
    way = ""
    if most == int(counts.sum()):
        return best, way
    ways = [
        (_with_decimal_comma, Sentence("reading.decimal_comma")),
        (_with_grouping_comma, Sentence("reading.grouping_comma")),
    ]
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
        value = float(cell)
    except ValueError:
        return np.nan
    return np.nan if "_" in cell or math.isinf(value) else value


def _with_decimal_comma(cell: str) -> float:
    fits = _DECIMAL_COMMA.fullmatch(cell) and any(c.isdigit() for c in cell)
    return _plain_number(cell.replace(".", "").replace(",", ".")) if fits else np.nan


def _with_grouping_comma(cell: str) -> float:
    # Numbers without any comma (1234.5) may stand between grouped ones.
    return _plain_number(cell.replace(",", "")) if _GROUPED_BY_COMMA.fullmatch(cell) or "," not in cell else np.nan


def date_order(cells: list[str]) -> tuple[str, str]:
    """In which order day and month stand, and how that was found out."""
    parts = [match for match in map(_YEAR_LAST.fullmatch, cells) if match]
    if 2 * len(parts) < len(cells):
        return YEAR_FIRST, Sentence("reading.year_first")
    if all(match["mark"] == "." for match in parts):
        return DAY_FIRST, Sentence("reading.day_first_dots")
    slashed = [match for match in parts if match["mark"] != "."]
    day_first = sum(int(match["one"]) > 12 for match in slashed)
    month_first = sum(int(match["two"]) > 12 for match in slashed)
    if month_first > day_first:
        return MONTH_FIRST, Sentence("reading.month_first")
    if day_first:
        return DAY_FIRST, Sentence("reading.day_first")
    return DAY_FIRST, Sentence("reading.ambiguous")


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
