"""Which of two numbers of a date is the day: guessed from those that can be no month, 13 and more."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from derin.data.cells.dates import date_order, parse_dates
from derin.data.cells.values import infer_values
from derin.data.cells.writing import DAY_FIRST, MONTH_FIRST, YEAR_FIRST
from derin.data.schema import Kind


@pytest.mark.parametrize(
    ("cells", "order", "says"),
    [
        (["12/05/2020", "11/12/2021"], DAY_FIRST, "reading.ambiguous"),  # 12 may be December: nothing is known
        (["12/12/2020"], DAY_FIRST, "reading.ambiguous"),
        (["13/05/2020", "11/12/2021"], DAY_FIRST, "reading.day_first"),
        (["13-05-2020", "11-12-2021"], DAY_FIRST, "reading.day_first"),
        (["05/13/2020", "11/12/2021"], MONTH_FIRST, "reading.month_first"),
        (["05/13/2020", "13/05/2020"], DAY_FIRST, "reading.day_first"),  # as many each way
        (["05/13/2020", "06/14/2020", "13/05/2020"], MONTH_FIRST, "reading.month_first"),
        (["05.06.2020", "07.08.2020"], DAY_FIRST, "reading.day_first_dots"),
        (["2020-05-13", "2020-06-12"], YEAR_FIRST, "reading.year_first"),
        (["2020-05-13", "13/05/2020"], DAY_FIRST, "reading.day_first"),  # half of them have the year last
        (["2020-05-13", "2020-05-14", "13/05/2020"], YEAR_FIRST, "reading.year_first"),
    ],
)
def test_order_of_day_and_month_is_told_by_numbers_above_twelve(cells: list[str], order: str, says: str) -> None:
    found, how = date_order(cells)
    assert (found, how.key) == (order, says)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cell", "order", "expected"),
    [
        ("12/11/2020", DAY_FIRST, datetime(2020, 11, 12, tzinfo=UTC)),
        ("12/11/2020", MONTH_FIRST, datetime(2020, 12, 11, tzinfo=UTC)),
        ("12.11.2020", MONTH_FIRST, datetime(2020, 11, 12, tzinfo=UTC)),  # points mean day first
        ("13/11/2020", MONTH_FIRST, None),  # there is no month 13
        ("31/12/2020 12:30 am", DAY_FIRST, datetime(2020, 12, 31, 0, 30, tzinfo=UTC)),
        ("31/12/2020 12:30 pm", DAY_FIRST, datetime(2020, 12, 31, 12, 30, tzinfo=UTC)),
        ("31/12/2020 13:30 pm", DAY_FIRST, None),
        # The time that stands there, whatever its zone.
        ("2020-12-31T23:30:15.25+02:30", DAY_FIRST, datetime(2020, 12, 31, 23, 30, 15, 250_000, tzinfo=UTC)),
        ("2020-12-31T23:30-01:00", DAY_FIRST, datetime(2020, 12, 31, 23, 30, tzinfo=UTC)),
        ("30/02/2020", DAY_FIRST, None),
    ],
)
def test_dates_are_read_as_pythons_own(cell: str, order: str, expected: datetime | None) -> None:
    (seconds,) = parse_dates([cell], order)
    assert seconds == pytest.approx(expected.timestamp() if expected else float("nan"), nan_ok=True)


def test_months_and_quarters_are_moments_whichever_part_stands_first() -> None:
    seconds = parse_dates(["05/2015", "5-2015", "2Q2015", "2Ç 2015", "13/2015", "05.2015"], "DD/MM/YYYY").tolist()
    may, april = (np.datetime64(day, "s").astype(float) for day in ("2015-05-01", "2015-04-01"))
    assert seconds[:4] == [may, may, april, april]
    assert np.isnan(seconds[4:]).all()
    assert infer_values([f"{month:02d}/2015" for month in range(1, 13)]).kind is Kind.DATE
    assert infer_values([f"{month}/1000" for month in range(1, 11)]).kind is not Kind.DATE
