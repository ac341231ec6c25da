"""Columns whose look misleads are read as a person would read them, whatever they come in; oracles are known contents,
pandas, and Python's own dates."""

from __future__ import annotations

import math
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from derin.api.load import load, read_inputs
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.data.cells.values import Habits, infer_values, values_written
from derin.data.cells.writing import Writing
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Kind, Role
from derin.data.table import Dense, Table
from derin.readers.csv_table import read_csv


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def numbers(cells: list[str], **habits: Any) -> list[float]:
    found = infer_values(cells, habits=Habits(**habits))
    assert found.kind is Kind.NUMBER, found.note
    assert isinstance(found.data, Dense)
    return found.data.values.tolist()


def values(table: Table, name: str) -> list[Any]:
    data = table[name]
    assert isinstance(data, Dense)
    return data.values.tolist()


@pytest.mark.parametrize(
    ("cells", "habits", "expected"),
    [
        (["465", "2.501", "12.750"], {"likely": ","}, [465, 2501, 12750]),
        (["465", "2.501", "12.750"], {"decimal": ","}, [465, 2501, 12750]),
        (["465", "2.501", "12.750"], {}, [465, 2.501, 12.75]),
        (["465", "2.501", "12.750"], {"decimal": ".", "likely": ","}, [465, 2.501, 12.75]),
        (["0.465", "2.501"], {"likely": ","}, [0.465, 2.501]),  # no group begins with 0
        (["2.501", "12.75"], {"likely": ","}, [2.501, 12.75]),
        (["1.234.567", "12"], {}, [1234567, 12]),
        (["1 234,5", "12\u00a0000", "7\u2009500,25"], {}, [1234.5, 12000, 7500.25]),
        (["1'234.50", "1’000"], {}, [1234.5, 1000]),
        (["−5", "+3", "(1,250)"], {}, [-5, 3, -1250]),
        (["12,5%", "%7", "3 %"], {}, [12.5, 7, 3]),
        (["$1,250.50", "$ 7", "8"], {}, [1250.5, 7, 8]),
        (["1.250,50 TL", "7 TL"], {}, [1250.5, 7]),
        (["1,5E+03", "2,5e-1"], {"decimal": ","}, [1500, 0.25]),
        (["1.5e3", "-2E-1"], {}, [1500, -0.2]),
    ],
)
def test_numbers_in_many_ways_of_writing(cells: list[str], habits: dict[str, str], expected: list[float]) -> None:
    assert numbers(cells, **habits) == expected


def test_infinities_are_missing_and_said() -> None:
    found = infer_values(["1.5", "inf", "-inf", "Infinity", "-Infinity", "+inf", "2.5", "∞"])
    assert found.kind is Kind.NUMBER
    assert found.is_missing.tolist() == [False, True, True, True, True, True, False, True]
    assert "6 infinite" in found.note
    assert not len(found.conflicts)


@pytest.mark.parametrize(
    "cells",
    [
        ["01001", "1001", "34000"],  # postcodes
        ["007", "012", "150"],
        ["9007199254740993", "9007199254740992", "1234567890123456789"],  # beyond what float64 keeps
        ["4111111111111111", "5500000000000004", "4000000000000002"],  # cards
        ["+905321234567", "+905321234568"],  # telephones
        ["TR330006100519786457841326", "TR330006100519786457841327"],
    ],
)
def test_codes_of_digits_lose_nothing(cells: list[str]) -> None:
    found = infer_values(cells * 3)
    assert found.kind is Kind.CATEGORY
    assert sorted(found.classes or ()) == sorted(cells)


@pytest.mark.parametrize(
    ("cells", "places"),
    [
        (["TRUE", "False", "true", "FALSE"], [1, 0, 1, 0]),
        (["yes", "no", "Yes", "1", "0"], [1, 0, 1, 1, 0]),
        (["evet", "hayır", "HAYIR", "Evet"], [1, 0, 0, 1]),
        (["t", "f", "T"], [1, 0, 1]),
    ],
)
def test_true_and_false_are_one_value_in_any_spelling(cells: list[str], places: list[int]) -> None:
    found = infer_values(cells)
    assert found.kind is Kind.CATEGORY
    assert isinstance(found.data, Dense)
    assert found.data.values.tolist() == places


def test_words_beside_true_and_false_keep_every_spelling() -> None:
    assert infer_values(["yes", "no", "Yes", "maybe"]).num_distinct == 4


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["NA", "EU", "AS"] * 10, ("AS", "EU", "NA")),  # often
        (["NA", "EU", "AS", "EU"], ("AS", "EU")),  # once: a gap
        (["NA", "NA", "", "EU"], ("EU", "NA")),  # the file leaves gaps empty
        (["-", "+"] * 8, ("+", "-")),
        (["?", "a"] * 8, ("?", "a")),
        (["null", "nan", "x"] * 7, ("nan", "null", "x")),
    ],
)
def test_a_class_may_be_called_as_gaps_are(cells: list[str], classes: tuple[str, ...]) -> None:
    found = infer_values(cells)
    assert found.classes == classes
    assert infer_values(cells, habits=Habits(missing=("NA", "-", "?", "null", "nan"))).num_distinct < len(classes) or (
        "NA" not in classes
    )


def test_words_that_mean_missing_can_be_said(tmp_path: Path) -> None:
    lines = ["size,kind,y"] + [f"{-99 if i % 5 == 0 else i}.0,{['gap', 'a', 'NA'][i % 3]},{i % 2}" for i in range(30)]
    table = load(write(tmp_path / "a.csv", "\n".join(lines)), target="y", missing=["gap", "-99"])
    assert int(np.isnan(values(table, "size")).sum()) == 6  # -99 and -99.0 are one number
    assert table.schema["kind"].classes == ("a", "NA")


DATES: list[tuple[list[str], list[tuple[int, ...]]]] = [
    (["20240131", "20240201"], [(2024, 1, 31), (2024, 2, 1)]),
    (["202401", "202402", "202403", "202404", "202405"], [(2024, month, 1) for month in range(1, 6)]),
    (["20240131235959", "20240201000000"], [(2024, 1, 31, 23, 59, 59), (2024, 2, 1)]),
    (["Jan 2020", "Feb 2020"], [(2020, 1, 1), (2020, 2, 1)]),
    (["5 June 1990", "14 March 1991"], [(1990, 6, 5), (1991, 3, 14)]),
    (["June 5, 1990", "March 14, 1991"], [(1990, 6, 5), (1991, 3, 14)]),
    (["05-Jun-1990", "14-Mar-91"], [(1990, 6, 5), (1991, 3, 14)]),
    (["5 Haziran 1990", "14 AĞUSTOS 1991"], [(1990, 6, 5), (1991, 8, 14)]),
    (["Ocak 2020", "Şubat 2020"], [(2020, 1, 1), (2020, 2, 1)]),
    (["2001Q3", "2001-Q4", "Q1 2002"], [(2001, 7, 1), (2001, 10, 1), (2002, 1, 1)]),
    (["2020-W05", "2020-W06"], [(2020, 1, 27), (2020, 2, 3)]),
    (["12/31/2024", "01/02/2025"], [(2024, 12, 31), (2025, 1, 2)]),
    (["31/12/2024", "01/02/2025"], [(2024, 12, 31), (2025, 2, 1)]),
    (["31/12/99", "01/02/05"], [(1999, 12, 31), (2005, 2, 1)]),
    (["99-12-31", "05-02-01"], [(1999, 12, 31), (2005, 2, 1)]),
    (["2024-02-04T00:00+03:00", "2024-02-05T23:59+03:00"], [(2024, 2, 4), (2024, 2, 5, 23, 59)]),
    (["2024-02-04 23:30Z", "2024-02-05 00:30-08:00"], [(2024, 2, 4, 23, 30), (2024, 2, 5, 0, 30)]),
    # The first of each month is even, the first twelve days of January of each year are not.
    ([f"{m:02d}/01/{y}" for y in (2020, 2021) for m in range(1, 13)], [(2020, 1, 1), (2020, 2, 1)]),
]


@pytest.mark.parametrize(("cells", "expected"), DATES)
def test_dates_in_many_ways_of_writing(cells: list[str], expected: list[tuple[int, ...]]) -> None:
    found = infer_values(cells)
    assert found.kind is Kind.DATE, found.note
    assert isinstance(found.data, Dense)
    moments = [datetime(*parts, tzinfo=UTC).timestamp() for parts in expected]  # type: ignore[misc]
    assert found.data.values[: len(moments)].tolist() == moments


@pytest.mark.parametrize(
    "cells",
    [
        ["19990101", "19991399"],  # prices
        ["199901", "199913", "250000", "199902", "199903"],
        ["1700000000", "1700000060"],  # seconds only where a name says so
        ["1.2.10", "1.12.33"],  # versions
        ["2001", "2002"],
    ],
)
def test_what_looks_like_dates_and_is_none(cells: list[str]) -> None:
    assert infer_values(cells).kind is not Kind.DATE


@pytest.mark.parametrize(("cell", "name"), [("1700000000", "timestamp"), ("1700000000000", "created_at")])
def test_seconds_since_1970_are_moments_where_the_name_says_so(cell: str, name: str) -> None:
    found = infer_values([cell, str(int(cell) + 1)], name=name)
    assert (found.kind, isinstance(found.data, Dense) and found.data.values[0]) == (Kind.DATE, 1.7e9)


def test_zones_are_said() -> None:
    assert "+03:00" in infer_values(["2024-02-04T00:00+03:00"] * 2).note
    assert "Z, +03:00" in infer_values(["2024-02-04T00:00Z", "2024-02-05T01:00Z", "2024-02-04T00:00+03:00"]).note


@pytest.mark.parametrize(
    ("header", "first", "is_index"),
    [
        ("", [3, 0, 2, 1, 7], True),  # shuffled, with a gap
        ("Unnamed: 0", [3, 0, 2, 1, 7], True),
        ("Unnamed: 0.1", [3, 0, 2, 1, 7], True),
        ("index", [3, 0, 2, 1, 7], True),
        ("", [0, 1, 2, 0, 1], True),  # two tables below each other
        ("", ["a", "b", "c", "d", "e"], True),
        ("size", [3, 0, 2, 1, 7], False),
        ("", ["1.5", "2.5", "1.5", "2.5", "1.5"], False),
    ],
)
def test_an_index_that_was_saved_is_no_input(tmp_path: Path, header: str, first: list[Any], is_index: bool) -> None:
    lines = [f"{header},b,y"] + [f"{first[i % 5]},{i}.5,{'ab'[i % 2]}" for i in range(5)]
    table = load(write(tmp_path / "a.csv", "\n".join(lines)), target="y", cut=False)
    assert (next(iter(table.schema)).role is Role.ID) is is_index
    frame = pd.DataFrame({header or "Unnamed: 0": first, "b": [i + 0.5 for i in range(5)], "y": list("ababa")})
    assert (next(iter(load(frame, target="y", cut=False).schema)).role is Role.ID) is is_index


def test_what_is_said_of_columns_is_obeyed(tmp_path: Path) -> None:
    lines = ["zip,when,nr2,x,y"] + [f"{i % 3},0{i % 9 + 1}/02/2020,{i},{i}.5,{i % 2}" for i in range(30)]
    said = {"zip": "category", "nr2": "id", "x": "ignore"}
    table = load(write(tmp_path / "a.csv", "\n".join(lines)), target="y", kinds=said, date_order="MM/DD/YYYY")
    assert {c.name: (c.kind.value, c.role.value) for c in table.schema} == {
        "zip": ("category", "input"),
        "when": ("date", "input"),
        "nr2": ("number", "id"),
        "x": ("number", "ignored"),
        "y": ("category", "target"),
    }
    assert values(table, "when")[0] == datetime(2020, 1, 2, tzinfo=UTC).timestamp()
    with pytest.raises(UnknownNameError, match="kind of column"):
        load(tmp_path / "a.csv", kinds={"zip": "colour"})
    with pytest.raises(UnknownNameError, match="setting of reading"):
        load(tmp_path / "a.csv", reader_options={"colour": 1})


def test_the_sign_before_decimals_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x;y\n" + "".join(f"1.{i:03d};{i % 2}\n" for i in range(20)))
    assert values(load(path, cut=False), "x")[7] == 1007
    assert values(load(path, cut=False, reader_options={"decimal": "."}), "x")[7] == 1.007


# --- the same values in whatever they come ---


def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    num = 40
    return pd.DataFrame(
        {
            "amount": rng.uniform(-5000, 5000, num).round(2),
            "count": rng.integers(0, 5, num),
            "city": rng.choice(["İzmir", "Muş", "Çanakkale, merkez", 'the "old" town'], num),
            "member": rng.random(num) < 0.5,
            "when": pd.date_range("2024-01-30", periods=num, freq="36h"),
            "gap": np.where(rng.random(num) < 0.2, np.nan, rng.normal(size=num).round(3)),
            "y": rng.choice(["evet", "hayır"], num),
        }
    )


LOCALES: dict[str, dict[str, Any]] = {
    "plain": {},
    "turkish": {"sep": ";", "decimal": ",", "encoding": "cp1254"},
    "german excel": {"sep": ";", "decimal": ",", "encoding": "utf-8-sig"},
    "tabs": {"sep": "\t"},
    "tabs and commas": {"sep": "\t", "decimal": ","},
    "quoted": {"quoting": 1},
    "commas in quotes": {"quoting": 1, "decimal": ","},
    "utf-16": {"encoding": "utf-16", "sep": "\t"},
    "day first": {"date_format": "%d.%m.%Y %H:%M"},
    "zone": {"date_format": "%Y-%m-%dT%H:%M:%S+03:00"},
}


def same(table: Table, frame: pd.DataFrame) -> None:
    for name in ("amount", "count", "gap"):
        np.testing.assert_array_equal(values(table, name), frame[name].to_numpy(dtype=np.float64))
    for name in ("city", "y"):
        assert [(table.schema[name].classes or ())[c] for c in values(table, name)] == frame[name].tolist()
    assert values(table, "member") == frame["member"].astype(int).tolist()
    expected = frame["when"].to_numpy().astype("datetime64[s]").astype(np.int64).astype(np.float64)
    np.testing.assert_array_equal(values(table, "when"), expected)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_pandas_writes_in_any_locale_is_read_back(tmp_path: Path, locale: str) -> None:
    frame = people()
    frame.to_csv(tmp_path / "a.csv", index=False, **LOCALES[locale])
    table = read_csv(tmp_path / "a.csv", name="a")
    same(table, frame)
    # Read again by what was found out it is the same, and so is a single row of it.
    found = (table.recipe or ReadingRecipe()).found["table"]
    assert read_csv(tmp_path / "a.csv", name="a", found=found).fingerprint() == table.fingerprint()
    frame.iloc[3:4].drop(columns="y").to_csv(tmp_path / "one.csv", index=False, **LOCALES[locale])
    one = read_csv(tmp_path / "one.csv", name="one", found=found, inputs_only=True)
    for name in ("amount", "count", "when"):
        assert values(one, name) == values(table, name)[3:4]


@pytest.mark.parametrize("form", ["frame", "missing marks", "categories", "zone", "xlsx", "parquet", "xlsx named csv"])
def test_typed_values_are_the_same_as_in_a_csv_file(tmp_path: Path, form: str) -> None:
    frame = people()
    typed = frame.convert_dtypes() if form == "missing marks" else frame
    if form == "categories":
        typed = frame.astype({"city": "category", "count": "Int64"})
    if form == "zone":
        typed = frame.assign(when=frame["when"].dt.tz_localize("Europe/Istanbul"))
    if form in ("xlsx", "xlsx named csv"):
        pytest.importorskip("openpyxl")
        frame.to_excel(tmp_path / "a.xlsx", index=False, sheet_name="people")
        path = tmp_path / "a.xlsx"
        if "csv" in form:
            path = path.rename(tmp_path / "a.csv")
        table = load(path, target="y", cut=False)
        assert any("Excel workbook" in note for note in table.report.notes) is ("csv" in form)
    elif form == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(tmp_path / "a.parquet")
        table = load(tmp_path / "a.parquet", target="y", cut=False)
    else:
        table = load(typed, target="y", cut=False)
    same(table, frame)


def test_files_beside_a_named_one_are_not_read(tmp_path: Path) -> None:
    frame = people()
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.pos", "a.neg", "a.txt"):
        write(tmp_path / name, "something else\nof another kind\n" * 5)
    for name in ("a.xlsx", "a.parquet"):
        same(load(tmp_path / name, target="y", cut=False), frame)


def test_sheets_are_named_and_can_be_chosen(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("2024")
    first.title = "First"
    for sheet, scale in ((first, 1), (second, 10)):
        sheet.append([])
        sheet.append([None, "x", "y"])
        for i in range(9):
            sheet.append([None, i * scale + 0.5, "ab"[i % 2]])
    second["B12"] = "=1+1"
    book.save(tmp_path / "a.xlsx")
    table = load(tmp_path / "a.xlsx", cut=False)
    assert values(table, "x")[3] == 3.5
    assert any("'First'" in note and "'2024'" in note for note in table.report.notes)
    assert (table.row_names or ())[0] == "line 3"
    other = load(tmp_path / "a.xlsx", cut=False, reader_options={"sheet": 2024})
    assert values(other, "x")[3] == 30.5
    assert any("1 formula has no saved value" in note for note in other.report.notes)
    with pytest.raises(UnknownNameError, match="sheet in"):
        load(tmp_path / "a.xlsx", reader_options={"sheet": "Third"})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(1, 200)), "PNG picture"),
        ("a.csv", b"%PDF-1.7\n" + b"x" * 50, "PDF"),
        ("a.csv", bytes(range(1, 9)) * 40, "no text"),
        ("a.xlsx", b"PK\x03\x04" + bytes(range(1, 200)), "zip archive"),
        ("a.parquet", b"PAR1" + bytes(200), "cannot be read as a Parquet file"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), r"Save it as \.xlsx"),
    ],
)
def test_content_is_looked_at_before_the_name(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=words):
        load(tmp_path / name)


# --- reading by a recipe ---


def test_other_data_is_read_as_the_training_data_was(tmp_path: Path) -> None:
    lines = ["id;rent;flag;when;region;y"]
    lines += [
        f"{1000 + 7 * i};{['465', '2.501', '12.750'][i % 3]};{['TRUE', 'FALSE'][i % 2]};0{i % 9 + 1}/13/2024;"
        f"{['NA', 'EU', 'AS'][i % 3]};{i % 2},5"
        for i in range(60)
    ]
    table = load(write(tmp_path / "train.csv", "\n".join(lines)), target="y")
    recipe = table.recipe
    assert recipe is not None
    assert ReadingRecipe.from_json(recipe.to_json()) == recipe
    rows = "id;rent;flag;when;region\n7;2.501;true;03/04/2024;NA\n8;1;0;bad day;XX\n9;1\n;;;;\n"
    asked = read_inputs(write(tmp_path / "ask.csv", rows), recipe)
    assert values(asked, "rent") == pytest.approx([2501, 1, np.nan, np.nan], nan_ok=True)
    assert values(asked, "when")[0] == datetime(2024, 3, 4, tzinfo=UTC).timestamp()
    classes = asked.schema["region"].classes or ()
    assert [classes[c] if c >= 0 else None for c in values(asked, "region")] == ["NA", "XX", None, None]
    assert {row: str(why) for row, why in asked.unanswered.items()} == {2: "too few fields: 2 where 5 are required"}
    assert asked.row_names == [f"{tmp_path / 'ask.csv'}:{line}" for line in (2, 3, 4, 5)]
    assert [c.name for c in asked.schema.with_role(Role.ID)] == ["id"]
    with pytest.raises(DataError, match=r"'rent', 'flag' are not there"):
        read_inputs(write(tmp_path / "less.csv", "id;when;region\n1;01/13/2024;EU\n"), recipe)


def test_the_form_of_a_file_may_differ_and_that_is_said(tmp_path: Path) -> None:
    train = write(
        tmp_path / "train.csv", "şehir;x;y\n" + "".join(f"Muş{i % 2};{i},5;{i % 2}\n" for i in range(20)), "cp1254"
    )
    recipe = load(train, target="y").recipe
    assert recipe is not None
    ask = read_inputs(write(tmp_path / "ask.csv", "x,şehir\n3.5,Muş1\n,Muş0\n"), recipe)
    assert any("unlike in the training data" in note for note in ask.report.notes)
    assert np.isnan(values(ask, "x")).tolist() == [True, True]  # 3.5 is no number as they were written
    (finding,) = [f for f in ask.report.findings if "3.5" in f.reason]
    assert "no number" in finding.reason
    # Few letters leave open which 8-bit encoding it is; training knows it.
    latin = read_inputs(write(tmp_path / "few.csv", "şehir;x\nMuş1;1,5\n", "cp1254"), recipe)
    assert latin.schema["şehir"].classes == ("Muş1",)


def test_a_file_without_a_header_is_read_with_and_without_answers(tmp_path: Path) -> None:
    lines = [f"{i % 2},{i}.5,{'ab'[i % 2]}" for i in range(30)]
    recipe = load(write(tmp_path / "a.csv", "\n".join(lines)), target="column_1").recipe
    assert recipe is not None
    for rows in ("1,2.5,a\n0,3.5,b\n", "2.5,a\n3.5,b\n"):
        asked = read_inputs(write(tmp_path / "b.csv", rows), recipe)
        assert values(asked, "column_2") == [2.5, 3.5]
        assert not asked.targets


def test_counts_of_findings_are_true(tmp_path: Path) -> None:
    lines = ["x,y"] + [f"{i}.5,{'' if i % 2 else 'a' if i % 4 else 'b'}" for i in range(2000)]
    table = load(write(tmp_path / "a.csv", "\n".join(lines)), cut=False)
    assert table.report.summary()["skipped"] == {"the target is missing": 1000}


def test_rows_of_one_group_stay_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["patient,x,y"]
    # Of 60 patients a third is ill, in most of their rows.
    lines += [
        f"{p},{rng.normal():.3f},{'ill' if (p % 3 == 0) == (n % 5 > 0) else 'well'}"
        for p in range(60)
        for n in range(1, rng.integers(2, 8))
    ]
    table = load(write(tmp_path / "a.csv", "\n".join(lines)), target="y", group_column="patient", seed=3)
    assert table.schema["patient"].role is Role.GROUP
    groups = {name: set(np.array(values(table, "patient"))[rows]) for name, rows in table.splits.items()}
    assert not (groups["train"] & groups["val"] | groups["train"] & groups["test"] | groups["val"] & groups["test"])
    assert any("'patient' together" in note for note in table.report.notes)
    target = np.array(values(table, "y"))
    share = target.mean()
    for rows in table.splits.values():
        assert abs(target[rows].mean() - share) < 0.1
    with pytest.raises(UsageError, match="target and something else"):
        load(tmp_path / "a.csv", target="y", group_column="y")


def test_a_frame_with_equal_names_and_odd_values_is_read() -> None:
    frame = pd.DataFrame([[1, 2, "a"], [3, 4, "b"], [5, 7, "a"]], columns=["x", "x", "y"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = load(frame, target="y", cut=False)
    assert [c.name for c in table.schema] == ["x", "x_2", "y"]


def test_a_target_of_true_and_false_is_the_same_in_any_spelling(tmp_path: Path) -> None:
    rows = "".join(f"{i}.5,{('True', 'False')[i % 2]}\n" for i in range(12))
    table = load(write(tmp_path / "a.csv", "x,y\n" + rows), target="y")
    for cells, expected in (("10", ["True", "False"]), (["evet", "yes"], ["True", "True"])):
        rows = "".join(f"{i}.25,{cells[i % 2]}\n" for i in range(4))
        other = load(write(tmp_path / "b.csv", "x,y\n" + rows), recipe=table.recipe, cut=False)
        column, data = other.target(), other.columns["y"]
        assert isinstance(data, Dense)
        assert [(column.classes or ())[code] for code in data.values.tolist()] == expected * 2


def test_other_data_needs_no_weights_groups_or_ignored_columns(tmp_path: Path) -> None:
    rows = "".join(f"n{i},{i % 7:02d},{i}.5,{1 + i % 3},g{i % 9},{'ab'[i % 2]}\n" for i in range(40))
    path = write(tmp_path / "a.csv", "note,code,x,w,who,y\n" + rows)
    said: dict[str, Any] = {
        "ignore": ["note"],
        "kinds": {"code": "category"},
        "weight_column": "w",
        "group_column": "who",
    }
    recipe = load(path, target="y", **said).recipe
    other = write(tmp_path / "b.csv", "y,x,code\na,1.5,03\nb,2.5,04\n")
    table = load(other, recipe=recipe, cut=False)
    assert {c.name: c.role for c in table.schema} == {"code": Role.INPUT, "x": Role.INPUT, "y": Role.TARGET}
    with pytest.raises(UnknownNameError, match="mass"):
        load(other, recipe=recipe, weight_column="mass", cut=False)


@pytest.mark.parametrize(
    ("cells", "expected", "unit"),
    [
        (["12 months", "24 months", "1 month"], [12, 24, 1], "months"),
        (["5 kg", "7kg", "12 KG"], [5, 7, 12], "kg"),
        (["3 yrs", "1 yr.", "2 Yrs"], [3, 1, 2], "yrs"),
        (["15,5 kg", "2 kg"], [15.5, 2], "kg"),
        (["1.200 adet", "15.300 adet", "7 adet"], [1200, 15300, 7], "adet"),
        (["1.200 TL", "15.300 TL"], [1200, 15300], "TL"),
        (["1,200 sq ft", "800 sq ft"], [1200, 800], "sq ft"),
        (["-5 °C", "3.5 °C", "n/a"], [-5, 3.5, math.nan], "°C"),
        (["90 km/h", "100.5 km/h"], [90, 100.5], "km/h"),
        (["500MB", "16 MB"], [500, 16], "MB"),
        (["%7", "3 %"], [7, 3], "%"),
    ],
)
def test_a_number_with_one_unit_is_that_number_and_the_unit_is_kept(
    cells: list[str], expected: list[float], unit: str
) -> None:
    found = infer_values(cells)
    np.testing.assert_array_equal(numbers(cells), expected)
    assert found.unit == unit
    assert unit in found.note


@pytest.mark.parametrize(
    "cells",
    [
        ["A 12", "A 13", "B 7"],  # codes
        ["12A", "14A", "15A"],
        ["007 kg", "012 kg", "150 kg"],
        ["2D", "3D"],
        ["12 Main St", "14 Main St"],
        ["12 Main", "14 Oak", "9 Elm"],
        ["12 Elm", "14 Elm", "9 Elm"],
        ["123AB", "124AB", "130AB"],
        ["12 Angry Men", "7 Samurai", "2001 Odyssey"],
        ["12 months", "40 days", "6 months", "2 days"],  # no month has a number of days
        ["12B", "14B", "3B"],  # doors and seats
        ["12B", "14K", "3A"],
        ["5 mW", "3 MW", "2 mW", "7 MW"],
        ["5 kg", "7", "12 kg", "8"],  # as with percent: of which unit is 7?
        ["10+ years", "2 years", "3 years"],
        ["2 in 1", "3 in 1"],
        ["30m 1h", "20m 2h"],  # the smaller one first is no duration
    ],
)
def test_numbers_before_other_words_stay_words(cells: list[str]) -> None:
    assert infer_values(cells).kind is Kind.CATEGORY


def test_several_units_are_said() -> None:
    assert "months, days" in infer_values(["12 months", "40 days", "6 months", "2 days"]).note


@pytest.mark.parametrize(
    ("cells", "expected", "unit"),
    [
        (["12 months", "1 year", "6 months", "2 years"], [12, 12, 6, 24], "months"),
        (["1h 30m", "45m", "2h", "1h 5m"], [90, 45, 120, 65], "m"),
        (["1y 6m", "2y", "6m"], [18, 24, 6], "m"),
        (["3 gün", "2 hafta", "1 gün"], [3, 14, 1], "gün"),
        (["5 kg 200 g", "3 kg", "1,5 kg"], [5.2, 3, 1.5], "kg"),
        (["512MB", "1GB", "2 GB"], [0.512, 1, 2], "GB"),
        (["5'11\"", "6'0", "5'7\""], [71, 72, 67], "in"),
        (["-3 km", "500 m", "250 m"], [-3000, 500, 250], "m"),
        (["14M", "201k", "8.7M", "950"], [14e6, 201e3, 8.7e6, 950], None),
        (["€110.5M", "€600K", "€0"], [110.5e6, 600e3, 0], None),
        (["1.2M", "3.4M"], [1.2e6, 3.4e6], None),
        (["1,5 milyon", "250 bin"], [1.5e6, 250e3], None),
    ],
)
def test_amounts_with_several_units_are_turned_into_one(
    tmp_path: Path, cells: list[str], expected: list[float], unit: str | None
) -> None:
    found = infer_values(cells)
    np.testing.assert_array_equal(numbers(cells), expected)
    assert found.unit == unit
    assert unit is None or f"in {unit}, from several units" in found.note
    # Followed from then on, through the card, cell by cell too.
    writing = Writing.from_json(found.writing.to_json())
    alone = [values_written([cell], Kind.NUMBER, writing).data.values[0] for cell in cells]
    np.testing.assert_array_equal(alone, expected)


def test_a_damaged_unit_in_a_card_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="amounts_in"):
        Writing.from_json({"amounts_in": "widgets"})


def test_a_column_with_a_unit_is_followed_and_another_unit_is_none_of_its_numbers(tmp_path: Path) -> None:
    lines = [f"{12 * (i % 5 + 1)} months,{i % 7 + 0.5} kg,{i}" for i in range(40)]
    training = read_csv(write(tmp_path / "a.csv", "\n".join(["term,mass,price", *lines])), name="a")
    assert training.recipe is not None
    assert any("unit months" in note for note in training.report.notes)
    other = write(tmp_path / "b.csv", "term,mass,price\n6 months,1.5 kg,3\n1 month,2,4\n2 years,3 kg,5\n")
    table = read_csv(other, name="b", found=training.recipe.found["table"])
    np.testing.assert_array_equal(values(table, "term"), [6, 1, math.nan])
    np.testing.assert_array_equal(values(table, "mass"), [1.5, 2, 3])


def test_a_first_row_with_units_is_no_header(tmp_path: Path) -> None:
    rows = "\n".join(f"{i + 1} kg,{i % 3} cm,{'ab'[i % 2]}" for i in range(30))
    assert len(read_csv(write(tmp_path / "a.csv", rows), name="a")) == 30
    named = "1stFlrSF,2ndFlrSF,kind\n" + "\n".join(f"{i},{i * 2},{'ab'[i % 2]}" for i in range(30))
    assert [c.name for c in read_csv(write(tmp_path / "b.csv", named), name="b").schema][:2] == ["1stFlrSF", "2ndFlrSF"]


def test_classes_that_differ_in_capital_letters_alone_are_said(tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 7},a sentence of some words {i},{('Spam', 'spam', 'ham')[i % 3]}" for i in range(30))
    table = load(write(tmp_path / "a.csv", f"x,z,label\n{rows}"), ignore=["z"])
    texts = load(write(tmp_path / "b.csv", "text,label\n" + "\n".join(r.partition(",")[2] for r in rows.split("\n"))))
    for found in (table, texts):
        assert any("'Spam', 'spam'" in note for note in found.report.notes)
        assert len(found.target().classes or ()) == 3


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    found = infer_values(["2024-02-28 23:00", "2024-02-28 24:00", "31.12.2024 24:00:00", "2024-03-01 24:30"] * 5)
    assert found.kind is not Kind.DATE
    found = infer_values(["2024-02-28 23:00", "2024-02-28 24:00", "2024-12-31 24:00:00"])
    assert found.kind is Kind.DATE
    assert isinstance(found.data, Dense)
    moments = (
        datetime(2024, 2, 28, 23, tzinfo=UTC),
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    )
    assert found.data.values.tolist() == [moment.timestamp() for moment in moments]
