"""Reading series: how time is found, what is mended, and that nothing happens silently."""

from pathlib import Path

import numpy as np
import pytest

from derin.api.load import load
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.recipe import ReadOptions
from derin.data.schema import Role
from derin.data.table import Dense, Table
from derin.readers.series import read_series


def write(folder: Path, *lines: str) -> Path:
    path = folder / "series.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(folder: Path, *lines: str, **settings: object) -> Table:
    return read_series(write(folder, *lines), name="series", **settings)  # type: ignore[arg-type]


def values(table: Table, name: str) -> list[float]:
    data = table.columns[name]
    assert isinstance(data, Dense)
    return data.values.tolist()


def days(*numbers: int) -> list[str]:
    return [f"2024-01-{day:02d},{day}" for day in numbers]


def localize(table: Table) -> str:
    return " ".join([*table.report.notes, *(f"{f.where}: {f.reason}" for f in table.report.findings)])


def test_a_table_of_months_is_cut_in_the_order_of_time(tmp_path: Path) -> None:
    lines = [f"{1949 + i // 12}-{i % 12 + 1:02d},{100 + i}" for i in range(30)]
    table = read(tmp_path, "Month,Passengers", *lines)
    assert [c.name for c in table.targets] == ["Passengers"]
    assert {name: (int(rows[0]), len(rows)) for name, rows in table.splits.items()} == {
        "train": (0, 18),
        "val": (18, 6),
        "test": (24, 6),
    }
    assert table.row_names is not None
    assert table.row_names[24] == "1951-01"
    assert table.task == "forecasting"
    assert "steps of 1 month" in table.schema["Month"].note


def test_time_spread_over_columns_is_put_together(tmp_path: Path) -> None:
    lines = [f"{i + 1},2010,1,{1 + i // 24},{i % 24},{i * 2}" for i in range(60)]
    table = read(tmp_path, "No,year,month,day,hour,pm2.5", *lines)
    assert table.schema.with_role(Role.TIME)[0].name == "time"
    expected = np.datetime64("2010-01-01T00", "s").astype(np.int64) + 3600 * np.arange(60)
    assert values(table, "time") == expected.tolist()
    assert [c.name for c in table.targets] == ["pm2.5"]
    assert table.schema["No"].role is Role.ID


def test_rows_in_disorder_are_ordered_and_the_later_of_two_counts(tmp_path: Path) -> None:
    table = read(tmp_path, "day,load", *days(3, 1, 2, 4, 5, 6), "2024-01-02,20")
    assert values(table, "load") == [1, 20, 3, 4, 5, 6]
    assert "line 4: its time comes again below; the later row counts" in localize(table)
    assert "not in the order of time" in localize(table)


def test_gaps_become_missing_steps_and_are_named(tmp_path: Path) -> None:
    numbers = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 20]
    table = read(tmp_path, "day,load", *days(*numbers))
    assert len(table) == 20
    assert np.flatnonzero(np.isnan(values(table, "load"))).tolist() == [6, 12, 13]
    assert "2024-01-13 to 2024-01-14: 2 steps are missing" in localize(table)
    assert "3 steps are missing in 2 gaps (from 2024-01-07, 2024-01-13)" in localize(table)


def test_rows_at_odd_moments_are_steps_themselves_and_that_is_said(tmp_path: Path) -> None:
    odd = [1, 2, 3, 5, 6, 7, 10, 11, 13, 14, 18, 19, 20, 24, 26, 27]
    table = read(tmp_path, "day,load", *days(*odd))
    assert len(table) == len(odd)
    assert "The steps are uneven (1 day is commonest" in localize(table)
    even = read(tmp_path, "day,load", *days(*odd), steps="time")
    assert len(even) == odd[-1]


def test_working_days_are_steps_with_dates(tmp_path: Path) -> None:
    weekdays = [day for day in range(1, 29) if day % 7 not in (6, 0)]  # 2024 began on a Monday
    table = read(tmp_path, "day,load", *days(*weekdays))
    assert len(table) == len(weekdays)
    assert "steps of 1 working day" in table.schema["day"].note


def test_each_series_has_its_own_step(tmp_path: Path) -> None:
    lines = [f"2024-01-{d:02d},daily,{d}" for d in range(1, 29) if d != 9]
    lines += [f"{2020 + i // 12}-{i % 12 + 1:02d}-01,monthly,{i}" for i in range(48)]
    table = read(tmp_path, "day,kind,load", *lines, group="kind")
    assert "steps of 1 day / 1 month" in table.schema["day"].note
    assert "other steps have: monthly (1 month)" in localize(table)
    assert "daily 2024-01-09: 1 step is missing" in localize(table)
    assert len(table) == 28 + 48


def test_several_series_that_nobody_named_are_refused_with_their_column(tmp_path: Path) -> None:
    shops = [f"2024-01-{d:02d},{d},{shop},{d % 3}" for shop in "ab" for d in range(1, 21)]
    with pytest.raises(
        DataError, match=r"20 of 40 rows stand at a moment.*'shop' \(a, b\).*--reader-option group=shop"
    ):
        read(tmp_path, "day,sales,shop,weather", *shops)
    numbered = [f"2024-01-{d:02d},{s * 10.5 + d},{s}" for s in (1, 2) for d in range(1, 21)]
    with pytest.raises(DataError, match=r"'store_id' .* tells apart"):
        read(tmp_path, "day,sales,store_id", *numbered)
    both = [f"2024-01-{d:02d},{d},{shop},{product}" for shop in "ab" for product in "xy" for d in range(1, 21)]
    with pytest.raises(DataError, match=r"'shop' and 'product'.*group=shop,product"):
        read(tmp_path, "day,sales,shop,product", *both)
    with pytest.raises(DataError, match=r"'product'.*group=shop,product"):
        read(tmp_path, "day,sales,shop,product", *both, group="shop")
    table = read(tmp_path, "day,sales,shop,product", *both, group="shop,product")
    assert table.schema.with_role(Role.GROUP)[0].classes == ("a, x", "a, y", "b, x", "b, y")
    with pytest.raises(DataError, match=r"no column tells them apart"):
        read(tmp_path, "day,sales", *(f"2024-01-{d:02d},{d * k}" for k in (1, 2) for d in range(1, 21)))
    # What was written twice is no second series, and one hour that comes twice in autumn is none either.
    assert len(read(tmp_path, "day,sales", *(days(*range(1, 21)) * 2))) == 20
    hours = [f"2024-10-{27 + h // 24} {h % 24:02d}:00,{h}" for h in range(48)]
    assert len(read(tmp_path, "time,load", *hours[:3], "2024-10-27 02:00,99", *hours[3:])) == 48


@pytest.mark.parametrize(
    ("name", "cells", "words"),
    [
        ("time", [f"id{i}" for i in range(30)], "the column 'time' stands where a time does, but 'id0' is no date"),
        ("period", [f"P{i:03d}/x" for i in range(30)], "the column 'period' stands where a time does"),
        ("month", [f"moon {i}" for i in range(30)], "the column 'month' stands where a time does"),
    ],
)
def test_a_time_that_cannot_be_read_is_named(tmp_path: Path, name: str, cells: list[str], words: str) -> None:
    lines = [f"{cell},{i % 7}" for i, cell in enumerate(cells)]
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"{name},load", *lines)
    assert words in str(caught.value)
    assert len(read(tmp_path, f"{name},load", *lines, steps="rows")) == 30


def test_numbers_that_order_the_rows_are_no_dates_and_nothing_to_forecast(tmp_path: Path) -> None:
    table = read(tmp_path, "time,load", *(f"{0.5 * i},{i % 7}" for i in range(40)))
    assert [c.name for c in table.targets] == ["load"]
    assert table.row_names is not None
    assert table.row_names[:3] == ["0", "0.5", "1"]
    assert table.schema["time"].kind.value == "number"


def test_texts_and_receipts_beside_the_numbers_are_left_out_with_a_note(tmp_path: Path) -> None:
    lines = [f"2024-01-{d:02d},{d},R{d * 7919 % 10007}x,{'a remark ' * 9}{d}" for d in range(1, 29)]
    table = read(tmp_path, "day,sales,receipt,remark", *lines)
    assert [c.name for c in table.schema] == ["day", "sales"]
    assert "The column 'receipt' was left out" in localize(table)


def test_other_data_is_read_by_the_recipe(tmp_path: Path) -> None:
    lines = [f"2024-01-{d:02d};{shop};{d},5;{'wet' if d % 2 else 'dry'}" for shop in "ab" for d in range(1, 21)]
    table = read(tmp_path, "day;shop;sales;weather", *lines, group="shop", target="sales")
    assert table.recipe is not None
    options = ReadOptions(found=table.recipe.found, inputs_only=True)
    few = read(tmp_path, "day;shop;sales;weather", "2024-02-05;b;7,5;wet", "2024-02-06;b;8,5;wet", options=options)
    assert (values(few, "sales"), few.splits) == ([7.5, 8.5], {})
    assert few.row_names == ["b 2024-02-05", "b 2024-02-06"]
    again = read_series(write(tmp_path, "day;shop;sales;weather", *lines), name="series", options=options)
    assert values(again, "sales") == values(table, "sales")


def test_without_a_time_rows_are_steps(tmp_path: Path) -> None:
    table = read(tmp_path, "load", *(str(i * i) for i in range(20)))
    assert values(table, "load") == [i * i for i in range(20)]
    assert "No column holds a time" in localize(table)


def test_cells_that_are_no_number_are_listed(tmp_path: Path) -> None:
    lines = days(*range(1, 29))
    lines[4] = "2024-01-05,broken"
    table = read(tmp_path, "day,load", *lines)
    assert np.isnan(values(table, "load")[4])
    assert "line 6: the cell of 'load' is no number; it counts as missing" in localize(table)
    assert "1 of 28 values is missing (first 2024-01-05)" in localize(table)


def test_several_series_lie_one_below_the_other_and_are_cut_at_the_same_moments(tmp_path: Path) -> None:
    lines = [f"2024-01-{day:02d},{shop},{10 * day + (shop == 'b')}" for day in range(1, 11) for shop in "ba"]
    table = read(tmp_path, "day,shop,sales", *lines, group="shop")
    assert values(table, "sales") == [10.0 * d for d in range(1, 11)] + [10.0 * d + 1 for d in range(1, 11)]
    assert table.splits["train"].tolist() == [*range(6), *range(10, 16)]
    assert table.schema.with_role(Role.GROUP)[0].classes == ("a", "b")
    assert table.row_names is not None
    assert table.row_names[10] == "b 2024-01-01"


def test_several_targets_and_a_split_by_numbers_of_steps(tmp_path: Path) -> None:
    lines = [f"2024-01-{d:02d},{d},{d * 2},{'wet' if d % 2 else 'dry'}" for d in range(1, 21)]
    table = read(tmp_path, "day,load,oil,weather", *lines, target="load,oil", split=[10, 4, 3])
    assert [c.name for c in table.targets] == ["load", "oil"]
    assert [c.name for c in table.inputs] == ["weather"]
    assert [len(rows) for rows in table.splits.values()] == [10, 4, 3]
    assert "3 rows belong to no split" in localize(table)
    assert "Cut in the order of time: train 2024-01-01 to 2024-01-10 (10)" in localize(table)


@pytest.mark.parametrize(
    ("lines", "settings", "words"),
    [
        (["day,load", "2024-01-01,many", "2024-01-02,few"], {}, "a column of numbers that change is required"),
        (["day,load", *days(1, 2, 3)], {"target": "oil"}, "no column named 'oil'"),
        (["day,load,mood", "2024-01-01,1,good", "2024-01-02,2,bad"], {"target": "mood"}, "line 2 holds 'good'"),
        (["day,load", *days(1, 2)], {}, "cannot be cut into train, val and test"),
        (["day,load", *days(*range(1, 9))], {"split": "0.9,0.1"}, "three shares"),
        (["day,load", *days(*range(1, 9))], {"split": [8, 8, 8]}, "cannot be cut into train, val and test of 8, 8, 8"),
        (["day,load", *days(*range(1, 9))], {"steps": "weeks"}, "must be one of auto, time, rows"),
        (["day,load", *days(*range(1, 9))], {"time": "load", "target": "load"}, "cannot be the target and the time"),
        (["load", *(["7"] * 9)], {}, "all its values are the same"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(
    tmp_path: Path, lines: list[str], settings: dict[str, object], words: str
) -> None:
    with pytest.raises((DataError, UsageError, UnknownNameError)) as caught:
        read(tmp_path, *lines, **settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_impossible_dates_in_columns_leave_their_row_out(tmp_path: Path) -> None:
    lines = [f"2023,2,{day},{day}" for day in (26, 27, 28, 29)] + [f"2023,3,{day},{day}" for day in range(1, 9)]
    table = read(tmp_path, "year,month,day,load", *lines)
    assert "line 5: the columns year, month, day give no moment" in localize(table)
    assert len(table) == 11


def test_load_hands_the_settings_to_the_reader(tmp_path: Path) -> None:
    path = write(tmp_path, "day,load", *days(*range(1, 21)))
    table = load(path, task="forecasting", reader_options={"split": "0.5,0.25,0.25"})
    assert [len(rows) for rows in table.splits.values()] == [10, 5, 5]
    with pytest.raises(UnknownNameError, match="'split'"):
        load(path, task="forecasting", reader_options={"splits": "0.5,0.25,0.25"})


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "num_rows", "num_targets", "step"),
    [("airline-passengers", 144, 1, "1 month"), ("ETTh1", 17_420, 7, "1 hour")],
)
def test_public_series_are_read_whole(data_folder: Path, name: str, num_rows: int, num_targets: int, step: str) -> None:
    table = read_series(data_folder / "timeseries" / f"{name}.csv", name=name)
    assert (len(table), len(table.targets)) == (num_rows, num_targets)
    assert f"steps of {step}" in table.schema.with_role(Role.TIME)[0].note
    assert table.report.findings == []


HOURS = np.datetime64("2024-03-05T00", "s").astype(np.int64) + 3600 * np.arange(60)


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("date,time", "2024-03-{day:02d},{hour:02d}:00"),
        ("Datum,Uhrzeit", "{day:02d}.03.2024,{hour}:00:00"),
        ("Tarih,Saat", "{day:02d}/03/2024,{hour}"),
    ],
)
def test_a_day_and_a_clock_in_columns_of_their_own_are_one_time(names: str, row: str, tmp_path: Path) -> None:
    lines = [f"{row.format(day=5 + i // 24, hour=i % 24)},{i * 2}" for i in range(60)]
    table = read(tmp_path, f"{names},load", *lines)
    time = table.schema.with_role(Role.TIME)[0]
    assert values(table, time.name) == HOURS.tolist()
    assert "steps of 1 hour" in time.note
    assert [c.name for c in table.targets] == ["load"]
    # What is read later follows, and so do those who name the columns.
    options = ReadOptions(found=table.recipe.found, inputs_only=True)  # type: ignore[union-attr]
    again = read_series(write(tmp_path, f"{names},load", *lines[:30]), name="more", options=options)
    assert values(again, time.name) == HOURS[:30].tolist()
    named = read(tmp_path, f"{names},load", *lines, time=names)
    assert values(named, named.schema.with_role(Role.TIME)[0].name) == HOURS.tolist()


def test_a_clock_beside_days_that_stand_once_is_no_part_of_the_time(tmp_path: Path) -> None:
    lines = [f"2024-01-{i + 1:02d},{i % 24}:30,{i}" for i in range(30)]
    table = read(tmp_path, "date,time,load", *lines)
    assert table.schema.with_role(Role.TIME)[0].name == "date"
    assert "steps of 1 day" in table.schema["date"].note


def test_seconds_since_1970_are_a_time_whatever_usual_name_they_have(tmp_path: Path) -> None:
    for name in ("unix", "epoch", "ts", "timestamp"):
        table = read(tmp_path, f"{name},load", *(f"{second},{i}" for i, second in enumerate(HOURS.tolist())))
        assert [c.name for c in table.targets] == ["load"]
        assert values(table, name) == HOURS.tolist()


def test_the_sign_before_decimals_can_be_said(tmp_path: Path) -> None:
    lines = [f"2024-01-{i + 1:02d};{i + 1}.{i:03d}" for i in range(30)]
    assert (
        "--reader-option decimal=."
        in localize(read(tmp_path, "day;load", *lines)) + read(tmp_path, "day;load", *lines).schema["load"].note
    )
    assert values(read(tmp_path, "day;load", *lines, decimal="."), "load")[:2] == [1.0, 2.001]
    assert values(read(tmp_path, "day;load", *lines, decimal=","), "load")[:2] == [1000.0, 2001.0]
    with pytest.raises(UsageError, match="decimal must be"):
        read(tmp_path, "day;load", *lines, decimal="·")
