"""Averages against sums written out, and the course's figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from derin.core.errors import DataError
from derin.lessons import moving_average
from derin.lessons.moving_average import MovingAverageOptions, averages


def test_an_average_is_the_weighted_sum_of_all_days() -> None:
    values = np.random.default_rng(2).normal(size=11)
    for beta in (0.5, 0.9, 0.98):
        weights = (1 - beta) * beta ** np.arange(len(values))[::-1]
        assert averages(values, beta, corrected=False)[-1] == pytest.approx(weights @ values, rel=1e-12)
        assert averages(values, beta)[-1] == pytest.approx(weights @ values / weights.sum(), rel=1e-12)


def test_the_lesson_has_the_figures_of_the_course(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("day,degrees\n" + "".join(f"{d},{t}\n" for d, t in enumerate((4.5, 9.0, 7.5, 6.0, 8.0))))
    found = moving_average.run(MovingAverageOptions(file=str(file), column="degrees")).numbers
    assert [round(row["days"]) for row in found["averages"]] == [2, 10, 50]
    day2 = found["day2"]
    assert day2["weights"] == pytest.approx([0.0196, 0.02], rel=1e-12)
    assert day2["divisor"] == pytest.approx(0.0396, rel=1e-12)
    assert day2["corrected"] == pytest.approx((0.0196 * 4.5 + 0.02 * 9.0) / 0.0396, rel=1e-12)


def test_a_generated_year_is_warm_in_summer() -> None:
    # 10 °C either way of the mean; thirty days of weather leave about 1 °C.
    year = moving_average.generated_year(365, seed=0)
    assert year[180:210].mean() - year[:30].mean() == pytest.approx(19.7, abs=4.5)


@pytest.mark.data
def test_measured_days_are_averaged(data_folder: Path) -> None:
    found = moving_average.run(MovingAverageOptions(series="beijing")).numbers
    rows = (data_folder / "timeseries" / "pollution.csv").read_text().splitlines()[1:49]
    hours = np.array([float(row.split(",")[7]) for row in rows])
    assert found["day2"]["theta"] == pytest.approx([hours[:24].mean(), hours[24:].mean()])


def test_without_data_sets_measured_days_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DERIN_DATA", raising=False)
    with pytest.raises(DataError, match="DERIN_DATA is not set"):
        moving_average.run(MovingAverageOptions(series="beijing"))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text("day,degrees\n1,4.5\n2,9.0\n3,7.0\n")
    with pytest.raises(DataError, match="no column of numbers named 'heat'"):
        moving_average.run(MovingAverageOptions(file=str(file), column="heat"))
