"""Frequencies against the calendar of NumPy."""

import numpy as np
import pytest

from derin.core.errors import RefusedFileError
from derin.data.series.calendar import DAY, HOUR, Frequency, find_frequency, frequency_of_grid, moments
from derin.data.series.cut import cut_in_time
from derin.data.series.grid import evenly, in_order


def seconds(*texts: str) -> np.ndarray:
    return np.array([np.datetime64(t, "s").astype(np.int64) for t in texts], dtype=np.float64)


@pytest.mark.parametrize(
    ("start", "step", "name", "season"),
    [
        ("2023-01-01", np.timedelta64(15, "m"), "15 minutes", 96),
        ("2023-01-01", np.timedelta64(1, "m"), "1 minute", 60),
        ("2023-01-01", np.timedelta64(1, "h"), "1 hour", 24),
        ("2023-01-01", np.timedelta64(1, "D"), "1 day", 7),
        ("2023-01-01", np.timedelta64(7, "D"), "1 week", 52),
        ("2023-01-01", np.timedelta64(28, "D"), "4 weeks", 1),
    ],
)
def test_even_steps_are_named_and_have_the_season_of_the_calendar(
    start: str, step: np.timedelta64, name: str, season: int
) -> None:
    times = (np.datetime64(start, "s") + np.arange(40) * step).astype("datetime64[s]").astype(np.float64)
    found = find_frequency(times)
    assert (found.name, found.season) == (name, season)
    assert frequency_of_grid(times) == found
    np.testing.assert_array_equal(found.after(times[10], 29), times[11:])


@pytest.mark.parametrize(("months", "name", "season"), [(1, "1 month", 12), (3, "3 months", 4), (12, "1 year", 1)])
def test_months_are_counted_as_months(months: int, name: str, season: int) -> None:
    starts = np.datetime64("1999-11", "M") + np.arange(30) * months
    for times, ends in ((starts.astype("datetime64[D]"), False), ((starts + 1).astype("datetime64[D]") - 1, True)):
        moments_of_months = times.astype("datetime64[s]").astype(np.float64)
        found = find_frequency(moments_of_months)
        assert (found.name, found.season) == (name, season)
        np.testing.assert_array_equal(found.after(moments_of_months[3], 26), moments_of_months[4:])
        np.testing.assert_allclose(found.places(moments_of_months), np.arange(30))
        if months < 12:
            assert found.ends is ends


def test_a_gap_does_not_hide_the_frequency() -> None:
    times = np.delete(np.arange(50) * HOUR, [7, 8, 30])
    assert find_frequency(times).name == "1 hour"
    assert frequency_of_grid(times).unit == "row"
    even = evenly(in_order(times), find_frequency(times), where="x")
    assert np.flatnonzero(even.source < 0).tolist() == [7, 8, 30]
    assert even.gaps() == [(7, 8), (30, 30)]
    np.testing.assert_array_equal(even.seconds, np.arange(50) * HOUR)


def test_moments_agree_with_numpy_and_refuse_days_that_do_not_exist() -> None:
    parts = {"year": [2024.0, 2023, 2024], "month": [2.0, 2, 12], "day": [29.0, 29, 31], "hour": [5.0, 5, 24]}
    found = moments({name: np.array(values) for name, values in parts.items()})
    assert found[0] == seconds("2024-02-29T05")[0]
    assert np.isnan(found[1:]).all()


def test_times_are_written_as_finely_as_steps_are_apart() -> None:
    moment = float(seconds("2024-03-01T06:30")[0])
    texts = {count: Frequency(unit="second", count=count).text(moment) for count in (DAY, 1800.0)}
    assert texts == {DAY: "2024-03-01", 1800.0: "2024-03-01 06:30"}
    assert Frequency(unit="month", count=12).text(moment) == "2024"


def test_a_frequency_survives_the_card_and_a_damaged_one_is_refused() -> None:
    frequency = Frequency(unit="month", count=3, ends=True)
    assert Frequency.from_json(frequency.to_json()) == frequency
    for wrong in ({"unit": "moon"}, {"count": 0}, {"count": 1.5}, {"ends": 1}, {"more": 1}):
        with pytest.raises(RefusedFileError):
            Frequency.from_json({**frequency.to_json(), **wrong})


def test_parts_of_several_series_are_cut_at_one_moment() -> None:
    places = np.concatenate([np.arange(10), np.arange(4, 10)]).astype(float)
    found = cut_in_time(places, (0.5, 0.2, 0.3), where="x")
    assert found["train"].tolist() == [0, 1, 2, 3, 4, 10]
    assert found["test"].tolist() == [7, 8, 9, 13, 14, 15]


@pytest.mark.parametrize(
    ("mask", "name", "season"),
    [("1111100", "1 working day", 5), ("1111110", "1 day of Mon, Tue, Wed, Thu, Fri, Sat", 6), ("1111001", None, 5)],
)
@pytest.mark.parametrize("hour", [0, 17])
def test_working_days_are_steps_by_the_calendar_of_numpy(mask: str, name: str | None, season: int, hour: int) -> None:
    every = np.arange("2024-01-03", "2024-04-01", dtype="datetime64[D]")
    days = every[np.is_busday(every, weekmask=mask)].astype("datetime64[s]").astype(np.int64) + hour * HOUR
    times = np.delete(days, [7, 20, 21]).astype(np.float64)  # holidays
    found = find_frequency(times)
    assert (found.season, found.year, found.week) == (season, 52 * season, mask)
    assert name in (None, found.name)
    even = evenly(in_order(times), found, where="x")
    np.testing.assert_array_equal(even.seconds, days)
    assert np.flatnonzero(even.source < 0).tolist() == [7, 20, 21]
    assert frequency_of_grid(even.seconds) == found
    assert Frequency.from_json(found.to_json()) == found
    np.testing.assert_array_equal(found.after(float(days[11]), 30), days[12:42])


def test_days_of_the_whole_week_and_short_series_are_no_working_days() -> None:
    days = np.arange(60) * DAY
    assert find_frequency(days).name == "1 day"
    assert find_frequency(days[4:9]).name == "1 day"  # five days from Monday on may be anything
    with pytest.raises(RefusedFileError):
        Frequency.from_json({"unit": "weekday", "count": 1, "ends": False, "week": "11"})


def test_a_year_is_as_many_steps_as_bring_back_the_day_of_the_week() -> None:
    years = {HOUR: 24 * 364, DAY: 364, 7 * DAY: 1, 7 * HOUR: 1}
    for count, steps in {**years, 7 * HOUR: 52 * 24}.items():
        assert Frequency(unit="second", count=count).year == steps
