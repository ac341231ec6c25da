"""How far apart the steps of a series are, in seconds, in months or in working days, and which moments come next.

Months and years are no fixed number of seconds; they are counted as months. Where some days of the week never occur,
as Saturday and Sunday on an exchange, the others are the steps. Times are seconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

MINUTE, HOUR, DAY, WEEK = 60.0, 3_600.0, 86_400.0, 604_800.0
_SHORTEST_MONTH = 28 * DAY
# A season of more steps is no use to a window of a few hundred: minutes have the hour, not the day.
_LONGEST_SEASON = 336
# A time that is off its place by less than this share of a step is on it: clocks are not exact.
_TOLERANCE = 0.05
_UNITS = ((WEEK, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1.0, "second"))
_MONTHS_A_YEAR, _DAYS_A_WEEK = 12, 7
# Days of the week count as absent where they hardly occur in so many days, and could have so often.
_ENOUGH_DAYS, _ENOUGH_ABSENT = 14, 3
_EXCEPTION = 20  # times as often occurs the commonest day of the week
_WEEKS_A_YEAR = 52
_LETTERS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONDAY_TO_FRIDAY = "1111100"


@dataclass(frozen=True, kw_only=True)
class Frequency:
    """The distance of two steps.

    Args:
        unit: ``"second"``, ``"month"``, ``"weekday"``, or ``"row"`` where there are no times, or none that are evenly
            spaced.
        count: how many of the unit.
        ends: whether months are written by their last day.
        week: of weekdays, which of Monday to Sunday are steps (``"1111100"``).

    Example:
        >>> Frequency(unit="second", count=900).name, Frequency(unit="second", count=900).season
        ('15 minutes', 96)
        >>> Frequency(unit="month", count=1).season, Frequency(unit="row", count=1).season
        (12, 1)
        >>> Frequency(unit="weekday", count=1, week="1111100").name
        '1 working day'
    """

    unit: str
    count: float
    ends: bool = False
    week: str = ""

    @property
    def name(self) -> str:
        """The distance in words."""
        if self.unit == "row":
            return "1 row"
        if self.unit == "weekday":
            days = ", ".join(name for name, is_step in zip(_LETTERS, self.week) if is_step == "1")
            return "1 working day" if self.week == _MONDAY_TO_FRIDAY else f"1 day of {days}"
        if self.unit == "month":
            years, months = divmod(int(self.count), _MONTHS_A_YEAR)
            return _counted(years, "year") if not months else _counted(int(self.count), "month")
        size, word = next(((s, w) for s, w in _UNITS if self.count >= s and self.count % s == 0), (1.0, "second"))
        return _counted(self.count / size, word)

    @property
    def season(self) -> int:
        """After how many steps the calendar repeats: the year of months, the day of hours, the week of days; else 1."""
        if self.unit == "row":
            return 1
        if self.unit == "weekday":
            return self.week.count("1")
        if self.unit == "month":
            return max(1, _MONTHS_A_YEAR // int(self.count)) if _MONTHS_A_YEAR % self.count == 0 else 1
        if self.count == WEEK:
            return 52
        rounds = (DAY, HOUR, MINUTE) if self.count < DAY else (WEEK,)
        seasons = [int(length / self.count) for length in rounds if length % self.count == 0]
        return next((s for s in seasons if 1 < s <= _LONGEST_SEASON), 1)

    @property
    def year(self) -> int:
        """After how many steps the year repeats, on the same day of the week; 1 where the season is the year, or where
        no whole number of steps makes one.

        Example:
            >>> Frequency(unit="second", count=DAY).year, Frequency(unit="month", count=1).year
            (364, 1)
        """
        if self.unit == "weekday":
            return _WEEKS_A_YEAR * self.week.count("1")
        if self.unit != "second" or self.count >= WEEK or WEEK % self.count:
            return 1
        return int(_WEEKS_A_YEAR * WEEK / self.count)

    def places(self, seconds: Floats) -> Floats:
        """How many steps each moment lies after the first one; whole numbers where the series is even.

        Shapes:
            ``(N,)`` → ``(N,)``.
        """
        if self.unit == "row":
            return np.arange(len(seconds), dtype=np.float64)
        if self.unit == "month":
            months, days = _months_and_days(seconds)
            inside = np.zeros(len(seconds)) if self.ends else (days - days[0]) / 31.0
            return np.asarray((months - months[0] + inside) / self.count)
        if self.unit == "weekday":
            days = np.floor(seconds / DAY)
            # A day that is no step, and another time of day, lie between two steps.
            off = np.where(_is_step(days, self.week), (seconds - days * DAY - (seconds[0] - days[0] * DAY)) / DAY, 0.5)
            passed = np.busday_count(_as_days(days[:1])[0], _as_days(days), weekmask=self.week)
            return np.asarray(passed + off, dtype=np.float64)
        return np.asarray((seconds - seconds[0]) / self.count)

    def after(self, last: float, num: int) -> Floats:
        """The `num` moments after one; NaN where steps have no times.

        Example:
            >>> january = float(np.datetime64("2024-01-31", "s").astype(np.int64))
            >>> (Frequency(unit="month", count=1, ends=True).after(january, 2) / DAY).astype("datetime64[D]").tolist()
            [datetime.date(2024, 2, 29), datetime.date(2024, 3, 31)]
        """
        steps = np.arange(1, num + 1)
        if self.unit == "row":
            return np.full(num, np.nan)
        if self.unit == "second":
            return np.asarray(last + steps * self.count, dtype=np.float64)
        if self.unit == "weekday":
            day = np.floor(last / DAY)
            ahead = np.busday_offset(_as_days(np.array([day]))[0], steps, roll="backward", weekmask=self.week)
            return ahead.astype("datetime64[s]").astype(np.int64).astype(np.float64) + (last - day * DAY)
        months, days = _months_and_days(np.array([last]))
        wanted = int(months[0]) + steps * int(self.count)
        starts, lengths = _starts_and_lengths(wanted)
        inside = lengths - 1 if self.ends else np.minimum(np.floor(days[0]), lengths - 1)
        return starts + inside * DAY + (last % DAY)

    def text(self, seconds: float) -> str:
        """A moment, written as finely as the steps are apart.

        Example:
            >>> Frequency(unit="month", count=1).text(0.0), Frequency(unit="second", count=3600).text(7200.0)
            ('1970-01', '1970-01-01 02:00')
        """
        if not np.isfinite(seconds):
            return ""
        if self.unit == "row" and seconds == int(seconds) and 0 <= seconds < DAY:
            return str(int(seconds))  # no time but the number of the row
        moment = str(np.datetime64(int(np.floor(seconds)), "s")).replace("T", " ")
        if self.unit == "month" and not self.ends:
            return moment[:4] if self.count % _MONTHS_A_YEAR == 0 else moment[:7]
        whole_days = self.unit == "weekday" or (self.unit == "second" and self.count % DAY == 0)
        if self.unit == "month" or whole_days:
            return moment[:10]
        return moment[:16] if moment.endswith(":00") else moment

    def to_json(self) -> dict[str, Any]:
        week = {"week": self.week} if self.unit == "weekday" else {}
        return {"unit": self.unit, "count": float(self.count), "ends": self.ends, **week}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Frequency:
        """What `to_json` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        fits = (
            isinstance(data, Mapping)
            and set(data) - {"week"} == {"unit", "count", "ends"}
            and data["unit"] in ("second", "month", "row", "weekday")
            and _is_week(data.get("week", ""), data["unit"])
            and isinstance(data["count"], float | int)
            and not isinstance(data["count"], bool)
            and 0 < data["count"] < 1e12
            and (data["unit"] == "second" or float(data["count"]).is_integer())
            and isinstance(data["ends"], bool)
        )
        if not fits:
            raise RefusedFileError("The card's frequency of a series is damaged; use another copy of the file.")
        return cls(unit=data["unit"], count=float(data["count"]), ends=data["ends"], week=data.get("week", ""))


ROWS = Frequency(unit="row", count=1)


def find_frequency(seconds: Floats) -> Frequency:
    """The commonest distance of two neighbours.

    Args:
        seconds: in rising order, without copies.

    Shapes:
        ``(N,)`` → one distance; rows for fewer than two moments.

    Example:
        >>> find_frequency(np.array([0.0, 3600.0, 7200.0, 14400.0])).name
        '1 hour'
    """
    if len(seconds) < 2:
        return ROWS
    distances = np.diff(seconds)
    if distances.min() >= _SHORTEST_MONTH:
        months, days = _months_and_days(seconds)
        _, lengths = _starts_and_lengths(months.astype(np.int64))
        one_day, month_ends = bool((days == days[0]).all()), bool((np.floor(days) == lengths - 1).all())
        if one_day or month_ends:
            return Frequency(unit="month", count=float(_commonest(np.diff(months))), ends=month_ends and not one_day)
    if week := _working_week(seconds, distances):
        return Frequency(unit="weekday", count=1, week=week)
    return Frequency(unit="second", count=float(_commonest(distances)))


def _working_week(seconds: Floats, distances: Floats) -> str:
    """Which days of the week are steps of a series of days in which some never occur; empty where it is none."""
    days = np.floor(seconds / DAY)
    one_time = bool((seconds - days * DAY == seconds[0] - days[0] * DAY).all())
    if not one_time or _commonest(distances) != DAY or days[-1] - days[0] < _ENOUGH_DAYS:
        return ""
    counts = np.bincount(_weekdays(days), minlength=_DAYS_A_WEEK)
    # A Saturday once in a while, when an exchange makes up for a holiday, makes no week of six days.
    is_day = _EXCEPTION * counts > counts.max()
    num_absent = int((~is_day)[_weekdays(np.arange(days[0], days[-1] + 1))].sum())
    return "" if num_absent < _ENOUGH_ABSENT else "".join("1" if flag else "0" for flag in is_day)


def _weekdays(days: Floats) -> Places:
    """Monday is 0; 1970-01-01 was a Thursday."""
    return np.asarray((days.astype(np.int64) + 3) % _DAYS_A_WEEK)


def _is_step(days: Floats, week: str) -> npt.NDArray[np.bool_]:
    return np.array([mark == "1" for mark in week])[_weekdays(days)]


def _as_days(days: Floats) -> npt.NDArray[np.datetime64]:
    return days.astype(np.int64).astype("datetime64[D]")


def _is_week(week: Any, unit: str) -> bool:
    if unit != "weekday":
        return bool(week == "")
    return isinstance(week, str) and len(week) == _DAYS_A_WEEK and set(week) == {"0", "1"}


def on_grid(places: Floats) -> tuple[Places, npt.NDArray[np.bool_]]:
    """The whole number nearest to each place, and whether it is near enough to be meant.

    Example:
        >>> nearest, fits = on_grid(np.array([0.0, 1.001, 2.5]))
        >>> nearest.tolist(), fits.tolist()
        ([0, 1, 2], [True, True, False])
    """
    nearest = np.rint(places)
    return nearest.astype(np.int64), np.abs(places - nearest) <= _TOLERANCE


def frequency_of_grid(seconds: Floats) -> Frequency:
    """The distance of the steps of a series that a reader made even; `ROWS` where it is not even."""
    if len(seconds) < 2 or np.isnan(seconds).any() or (np.diff(seconds) <= 0).any():
        return ROWS
    found = find_frequency(seconds)
    nearest, fits = on_grid(found.places(seconds))
    return found if fits.all() and (np.diff(nearest) == 1).all() else ROWS


def moments(parts: Mapping[str, Floats]) -> Floats:
    """Seconds of moments that stand in several columns; NaN where there is no such day or hour.

    Args:
        parts: ``year``, and any of ``month``, ``day``, ``hour``, ``minute``, ``second``.

    Shapes:
        each ``(N,)`` → ``(N,)``.

    Example:
        >>> moments({"year": np.array([1970.0, 1971.0]), "month": np.array([1.0, 13.0])}).tolist()
        [0.0, nan]
    """
    year = parts["year"]
    first = np.ones(len(year))
    month, day = parts.get("month", first), parts.get("day", first)
    hour, minute, second = (parts.get(name, 0 * first) for name in ("hour", "minute", "second"))
    whole = np.ones(len(year), dtype=bool)
    for values, low, high in ((year, 1, 9999), (month, 1, 12), (day, 1, 31), (hour, 0, 23), (minute, 0, 59)):
        # A comparison with NaN is false, so that what is missing is no moment either.
        whole &= (values >= low) & (values <= high) & (values == np.floor(values))
    whole &= (second >= 0) & (second < 60)
    index = np.where(whole, (year - 1970) * _MONTHS_A_YEAR + month - 1, 0).astype(np.int64)
    starts, lengths = _starts_and_lengths(index)
    whole &= day <= lengths
    result = starts + (day - 1) * DAY + hour * HOUR + minute * MINUTE + second
    return np.where(whole, result, np.nan)


def _months_and_days(seconds: Floats) -> tuple[Floats, Floats]:
    """The month of each moment, counted from January 1970, and the days since it began."""
    moment = np.floor(seconds).astype(np.int64).astype("datetime64[s]")
    months = moment.astype("datetime64[M]")
    days = (seconds - months.astype("datetime64[s]").astype(np.int64)) / DAY
    return months.astype(np.int64).astype(np.float64), days


def _starts_and_lengths(months: Places) -> tuple[Floats, Floats]:
    """The first second of months, and how many days each has."""
    starts = months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    ends = (months + 1).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    return starts.astype(np.float64), (ends - starts) / DAY


def _commonest(values: Floats) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[int(np.argmax(counts))])


def _counted(count: float, word: str) -> str:
    return f"{count:g} {word}{'' if count == 1 else 's'}"
