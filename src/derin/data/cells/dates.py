"""How people write dates: digits with marks between them in three orders, month names, quarters, weeks, digits alone.

A moment is the one that stands there: an offset (+03:00, Z) is kept beside it and moves it to no other day. Moments are
counted in seconds since 1970-01-01 of the clock that they are written by.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from derin.core.messages import Message
from derin.data.cells.writing import DAY_FIRST, EPOCH_FORMS, MONTH_FIRST, YEAR_FIRST, Floats
from derin.data.series.calendar import ROWS, frequency_of_grid

_TIME = r"(?:,?[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_TIME += r"(?: ?(?P<half>[AaPp][Mm]))?(?: ?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?|[A-Z]{3,4}))?)?"
_MONTH = r"(?P<name>[^\W\d_]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?" + _TIME)
# Two digits of a year between points look like a version (1.2.10) unless day and month have two as well.
_YEAR_LAST = re.compile(
    r"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|(?<=[-/]\d\d[-/])\d{2}|(?<=[-/]\d[-/])\d{2}"
    r"|(?<=\d\d\.\d\d\.)\d{2})" + _TIME
)
_NAMED = (
    # 5 June 1990, 05-Jun-1990, 5th of June is not written in tables; Jan 2020, Jan-20
    re.compile(
        rf"(?:{_DAY}[ \-/]+)?{_MONTH},?(?:[ \-/]+(?P<year>\d{{4}})|-(?P<short>\d{{2}})| ?'(?P<late>\d{{2}})){_TIME}"
    ),
    # June 5, 1990
    re.compile(rf"{_MONTH} +{_DAY},? +(?P<year>\d{{4}}){_TIME}"),
    # 2020 Jan, 2020-Jan-05
    re.compile(rf"(?P<year>\d{{4}})[ \-/]+{_MONTH}(?:[ \-/]+{_DAY})?{_TIME}"),
)
_QUARTER = re.compile(
    r"(?P<year>\d{4})[ \-/]?[QqÇç](?P<quarter>[1-4])"
    r"|(?:[QqÇç](?P<second>[1-4])|(?P<before>[1-4])[QqÇç])[ \-/]?(?P<late>\d{4})"
)
# 05/2015; between points it could be a number.
_MONTH_YEAR = re.compile(r"(?P<month>\d{1,2})[-/](?P<year>(?:19|20)\d{2})")
_WEEK = re.compile(r"(?P<year>\d{4})[ -]?[Ww](?P<week>\d{2})(?:-?(?P<day>[1-7]))?")
_DIGITS = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?)?"
)
_DIGITS_OF_FORM = {6: "months", 8: "days", 12: "minutes", 14: "moments"}
_DIGITS_OF_EPOCH = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
# Digits alone are dates where they could hardly be so by chance: eight digits are a day in 1 of 1 200 cases, six digits
# are a month in 1 of 375.
_FEWEST_DIFFERENT = {"months": 5, "days": 2, "minutes": 2, "moments": 2}
_SIGNS = ("+", "-")
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
# POSIX: two digits of a year.
_LAST_SHORT_YEAR = 68
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_NAMES = frozenset(
    {"time", "date", "datetime", "timestamp", "ds", "dt", "ts", "day", "period", "month"}
    | {"tarih", "tarihi", "zaman", "gün", "dönem", "ay", "unix", "epoch", "datum", "zeit", "zeitstempel"}
)
_FOLDED = str.maketrans({"ı": "i", "İ": "i", "I": "i", "ş": "s", "Ş": "s", "ğ": "g", "Ğ": "g", "ü": "u", "Ü": "u"})
_ENGLISH = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_TURKISH = (
    "ocak", "subat", "mart", "nisan", "mayis", "haziran", "temmuz", "agustos", "eylul", "ekim", "kasim", "aralik",
)  # fmt: skip
# Where they differ from the English ones.
_GERMAN = {
    "januar": 1, "februar": 2, "märz": 3, "mär": 3, "maerz": 3, "mrz": 3, "mai": 5, "juni": 6, "juli": 7,
    "oktober": 10, "okt": 10, "dezember": 12, "dez": 12,
}  # fmt: skip
_MONTHS = {"sept": 9, **_GERMAN} | {
    part: number
    for names in (_ENGLISH, _TURKISH)
    for number, name in enumerate(names, start=1)
    for part in (name[:3], name)
}


def named_like_time(name: str) -> bool:
    """Whether a column is called as columns of moments are.

    Example:
        >>> [named_like_time(name) for name in ("Date", "created_at", "orderDate", "price")]
        [True, True, True, False]
    """
    words = re.split(r"[\W_]+", re.sub(r"(?<=[a-zğüşıöç])(?=[A-Z])", " ", name).casefold())
    return bool(_TIME_NAMES & set(words)) or (len(words) > 1 and words[-1] == "at")


def looks_like_date(cell: str) -> bool:
    """Whether a cell is a date in some way of writing it, other than as digits alone."""
    if not 5 < len(cell) < 50:
        return False
    if cell[0] in "0123456789":
        form = _YEAR_FIRST.fullmatch(cell) or _YEAR_LAST.fullmatch(cell) or _QUARTER.fullmatch(cell)
        if form is not None or _WEEK.fullmatch(cell) is not None:
            return True
    return not math.isnan(_moment(cell, DAY_FIRST, "")[0])


def parse_dates(cells: Sequence[str], order: str, digits: str = "") -> Floats:
    """Cells as seconds since 1970-01-01 of the clock that they are written by; NaN where a cell is no date.

    Args:
        cells: dates with the year first, or with the year last in the order given.
        order: `DAY_FIRST` or `MONTH_FIRST` (with `YEAR_FIRST` the day comes first as well); points always mean day
            first.
        digits: what digits alone mean, see `Writing`.

    Example:
        >>> parse_dates(["1970-01-02", "03/01/1970", "2 Ocak 1970"], DAY_FIRST).tolist()
        [86400.0, 172800.0, 86400.0]
        >>> parse_dates(["19700102"], YEAR_FIRST, "days").tolist()
        [86400.0]
    """
    return np.fromiter((_moment(cell, order, digits)[0] for cell in cells), dtype=np.float64, count=len(cells))


def has_zone(cell: str) -> bool:
    """Whether a zone may stand behind the time of a date; a quick look, for many cells.

    Example:
        >>> has_zone("2024-01-31T10:00+03:00"), has_zone("2024-01-31 10:00:00"), has_zone("2024-01-31")
        (True, False, False)
    """
    return ":" in cell and (
        cell[-1] not in "0123456789" or cell[-6:-5] in _SIGNS or cell[-5:-4] in _SIGNS or cell[-3:-2] in _SIGNS
    )


def parse_zones(cells: Sequence[str], order: str) -> tuple[Floats, list[str]]:
    """The offset from UTC in seconds that stands at each date, NaN where none does; and the zones, commonest first."""
    names: Counter[str] = Counter()

    def offsets() -> Iterator[float]:
        for cell in cells:
            if zone := _moment(cell, order, "")[1]:
                names[zone] += 1
            yield _zone_seconds(zone)

    seconds = np.fromiter(offsets(), dtype=np.float64, count=len(cells))
    return seconds, [name for name, _ in names.most_common()]


def in_one_zone(seconds: Floats, offsets: Floats) -> Floats:
    """Moments of several zones on the clock of the commonest one, so that they stand in the order in which they were.

    Args:
        seconds: of the clock that each is written by.
        offsets: from UTC of each, NaN where none is known.

    Shapes:
        both ``(N,)`` → ``(N,)``.

    Example:
        >>> in_one_zone(np.array([7200.0, 3600.0]), np.array([3600.0, 0.0])).tolist()
        [3600.0, 3600.0]
    """
    known = offsets[~np.isnan(offsets)]
    if not len(known):
        return seconds
    zones, counts = np.unique(known, return_counts=True)
    commonest = zones[int(np.argmax(counts))]
    return np.asarray(seconds - np.where(np.isnan(offsets), commonest, offsets) + commonest)


def digit_form(cells: Sequence[str], named: bool) -> str:
    """What different cells of digits alone mean as dates; empty where they are rather numbers.

    Args:
        cells: different ones.
        named: whether the column is called as columns of moments are.

    Example:
        >>> digit_form(["20240131", "20240201"], False), digit_form(["20240131", "20241399"], False)
        ('days', '')
        >>> digit_form(["1700000000", "1700000060"], True), digit_form(["1700000000", "1700000060"], False)
        ('seconds', '')
    """
    first = cells[0].removesuffix(".0")
    if len(first) not in (*_DIGITS_OF_FORM, *_DIGITS_OF_EPOCH) or not (first.isascii() and first.isdigit()):
        return ""
    form = _DIGITS_OF_FORM.get(len(first), "") or (_DIGITS_OF_EPOCH[len(first)] if named else "")
    if not form or (not named and len(cells) < _FEWEST_DIFFERENT.get(form, 1)):
        return ""
    return "" if any(math.isnan(_of_digits(cell, form)) for cell in cells) else form


def date_order(cells: Sequence[str], asked: str | None = None) -> tuple[str, str]:
    """In which order day and month stand, and how that was found out.

    Args:
        cells: different dates.
        asked: the order that the user says; it decides where cells do not speak against it.
    """
    parts = _Parts.of(cells)
    if 2 * parts.num < len(cells):
        return _year_first(cells)
    if parts.short and (asked == YEAR_FIRST or parts.has_short_year_first):
        return YEAR_FIRST, Message("reading.year_first_short")
    order, why = _of_day_and_month(parts, cells, asked)
    return order, Message("reading.short_years", how=why) if parts.short else why


@dataclass
class _Parts:
    """What the numbers say in dates that are written with the year last.

    Args:
        num: how many dates there are.
        short: how many have two digits of a year.
        has_short_year_first: whether the first number of one of these is no day.
        slashed: how many have other marks than points.
        day_first, month_first: how many of these can only be read so.
    """

    num: int = 0
    short: int = 0
    has_short_year_first: bool = False
    slashed: int = 0
    day_first: int = 0
    month_first: int = 0

    @classmethod
    def of(cls, cells: Sequence[str]) -> _Parts:
        parts = cls()
        for match in filter(None, map(_YEAR_LAST.fullmatch, cells)):
            one, two = int(match["one"]), int(match["two"])
            parts.num += 1
            if len(match["year"]) == 2:
                parts.short += 1
                parts.has_short_year_first |= one > 31
            if match["mark"] != ".":
                parts.slashed += 1
                parts.day_first += one > 12
                parts.month_first += two > 12
        return parts


def _of_day_and_month(parts: _Parts, cells: Sequence[str], asked: str | None) -> tuple[str, str]:
    if not parts.slashed:
        return DAY_FIRST, Message("reading.day_first_dots")
    if asked in (DAY_FIRST, MONTH_FIRST):
        return asked, Message("reading.order_as_asked", order=asked)
    if parts.month_first > parts.day_first:
        return MONTH_FIRST, Message("reading.month_first")
    if parts.day_first:
        return DAY_FIRST, Message("reading.day_first")
    even = [order for order in (DAY_FIRST, MONTH_FIRST) if _is_even(cells, order)]
    if len(even) == 1:
        return even[0], Message("reading.order_by_steps", order=even[0])
    return DAY_FIRST, Message("reading.ambiguous")


def _year_first(cells: Sequence[str]) -> tuple[str, str]:
    """The clause about dates that need no order."""
    sample = cells[:: max(1, len(cells) // 100)]
    forms: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("reading.written_quarters", lambda cell: _QUARTER.fullmatch(cell) is not None),
        ("reading.written_months", lambda cell: _MONTH_YEAR.fullmatch(cell) is not None),
        ("reading.written_weeks", lambda cell: _WEEK.fullmatch(cell) is not None),
        ("reading.written_names", lambda cell: any(form.fullmatch(cell) for form in _NAMED)),
    )
    for key, fits in forms:
        if 2 * sum(map(fits, sample)) > len(sample):
            return YEAR_FIRST, Message(key)
    return YEAR_FIRST, Message("reading.year_first")


def _is_even(cells: Sequence[str], order: str) -> bool:
    """Whether the dates of a column follow each other in steps of one length."""
    seconds = np.unique(parse_dates(cells, order))
    return len(seconds) > 2 and frequency_of_grid(seconds) is not ROWS


def _moment(cell: str, order: str, digits: str) -> tuple[float, str]:
    """Seconds of the clock on the wall, and the zone that is written there."""
    if digits and (seconds := _of_digits(cell, digits)) == seconds:
        return seconds, ""
    if match := _YEAR_FIRST.fullmatch(cell):
        if match["day"] is None and match["mark"] == ".":
            return math.nan, ""
        return _at(match, int(match["year"]), int(match["month"]), int(match["day"] or 1))
    if match := _YEAR_LAST.fullmatch(cell):
        one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
        if len(match["year"]) == 2:
            if order == YEAR_FIRST:
                return _at(match, _full_year(one), two, year)
            year = _full_year(year)
        month, day = (one, two) if order == MONTH_FIRST and match["mark"] != "." else (two, one)
        return _at(match, year, month, day)
    if match := _QUARTER.fullmatch(cell):
        return _at(
            None,
            int(match["year"] or match["late"]),
            3 * int(next(filter(None, match.group("quarter", "second", "before")))) - 2,
            1,
        )
    if match := _MONTH_YEAR.fullmatch(cell):
        return _at(None, int(match["year"]), int(match["month"]), 1)
    if match := _WEEK.fullmatch(cell):
        try:
            of_week = date.fromisocalendar(int(match["year"]), int(match["week"]), int(match["day"] or 1))
        except ValueError:
            return math.nan, ""
        return _at(None, of_week.year, of_week.month, of_week.day)
    for form in _NAMED:
        if (match := form.fullmatch(cell)) and (number := _month_of(match["name"])):
            found = match.groupdict()
            short = found.get("short") or found.get("late")
            year = int(found["year"]) if found["year"] else _full_year(int(short or 0))
            return _at(match, year, number, int(found.get("day") or 1))
    return math.nan, ""


def _at(match: re.Match[str] | None, year: int, month: int, day: int) -> tuple[float, str]:
    """A day with the time that stands behind it; NaN where there is no such day or time."""
    hour = minute = second = micro = 0
    zone = ""
    if match is not None and match["hour"] is not None:
        hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
        micro = int((match["fraction"] or "0").ljust(6, "0")[:6])
        zone = match["zone"] or ""
        if match["half"]:
            if not 1 <= hour <= 12:
                return math.nan, ""
            hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    # ISO 8601: 24:00 is the end of the day, as counters write it.
    ends_day = hour == 24 and not (minute or second or micro or (match is not None and match["half"]))
    try:
        moment = datetime(year, month, day, 0 if ends_day else hour, minute, second, micro, tzinfo=UTC)
    except ValueError:
        return math.nan, ""
    return (moment - _EPOCH + timedelta(days=ends_day)) / timedelta(seconds=1), zone


def _of_digits(cell: str, form: str) -> float:
    """A date of digits alone; NaN where it is none."""
    cell = cell.removesuffix(".0")
    if not (cell.isascii() and cell.isdigit()):
        return math.nan
    if form in EPOCH_FORMS:
        return int(cell) / _PER_SECOND[form] if _DIGITS_OF_EPOCH.get(len(cell)) == form else math.nan
    match = _DIGITS.fullmatch(cell)
    if match is None or _DIGITS_OF_FORM.get(len(cell)) != form or not _FIRST_YEAR <= int(match["year"]) <= _LAST_YEAR:
        return math.nan
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return math.nan
    return (moment - _EPOCH).total_seconds()


def _month_of(name: str) -> int | None:
    """The number of a month by its English, Turkish or German name or the first three letters of it.

    Capital letters and dots on them do not matter.
    """
    folded = name.translate(_FOLDED).casefold().replace("ö", "o").replace("ç", "c")
    return _MONTHS.get(folded)


def _full_year(short: int) -> int:
    return short + (2000 if short <= _LAST_SHORT_YEAR else 1900)


def _zone_seconds(zone: str) -> float:
    if zone in ("Z", "UTC", "GMT"):
        return 0.0
    if not zone or zone[0] not in "+-":
        return math.nan
    seconds = 3600.0 * int(zone[1:3]) + (60.0 * int(zone[-2:]) if len(zone) > 3 else 0.0)
    return -seconds if zone[0] == "-" else seconds
