"""Tables from csv and its relatives; the oracles are pandas, Python's csv writer, and known contents."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derin
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.cells import packed as packed_cells
from derin.data.cells import values as cell_values
from derin.data.cells.dates import parse_dates
from derin.data.cells.numbers import parse_numbers
from derin.data.cells.packed import Block, PackedRecords, joined
from derin.data.cells.values import infer_values
from derin.data.cells.writing import DAY_FIRST, MONTH_FIRST
from derin.data.duplicates import content_groups
from derin.data.report import Outcome
from derin.data.schema import Kind, Role
from derin.data.table import Dense, Ragged, Table
from derin.readers import delimited
from derin.readers.csv_parser import csv_parser
from derin.readers.csv_table import looks_like_csv, read_csv
from derin.readers.decoding import decode
from derin.readers.delimited import has_header, read_records, sniff_delimiter


def write(folder: Path, text: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, name: str = "data.csv", encoding: str = "utf-8", **options: object) -> Table:
    return read_csv(write(folder, text, name, encoding), name="data", **options)  # type: ignore[arg-type]


def values(table: Table, name: str) -> np.ndarray:
    column = table[name]
    assert isinstance(column, Dense)
    return column.values


def kinds(table: Table) -> dict[str, tuple[str, str]]:
    return {c.name: (c.kind.value, c.role.value) for c in table.schema}


def reasons(table: Table, outcome: Outcome = Outcome.SKIPPED) -> list[tuple[str, str]]:
    return [(f.where, f.reason) for f in table.report.findings if f.outcome is outcome]


# --- delimiter, header, encoding, broken lines ---


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv"), ("|", "a.csv")])
def test_every_delimiter_is_found(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["width", "kind"], ["1.5", "a"], ["2.5", "b"], ["3.5", "a"]]
    table = read(tmp_path, "\n".join(delimiter.join(row) for row in rows), name)
    assert values(table, "width").tolist() == [1.5, 2.5, 3.5]
    assert table.target().classes == ("a", "b")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cells_apart_by_any_number_of_spaces(tmp_path: Path, end: str) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"width": rng.normal(size=40).round(3), "count": rng.integers(0, 2000, 40)})
    frame["name"] = [f"maker {n % 3}" for n in range(40)]
    lines = [f'{w:>{8 + n % 5}}\t{c:6d}   "{name}" ' for n, (w, c, name) in enumerate(frame.values)]
    path = write(tmp_path, end.join(["width count  name", *lines]) + end, "mill.data")
    expected = pd.read_csv(path, sep=r"\s+")
    table = derin.load(path)
    assert table.target().classes == ("maker 0", "maker 1", "maker 2")
    for name in ("width", "count"):
        assert values(table, name).tolist() == expected[name].tolist()
    # A file that is to be predicted follows, cut in its own way or by commas.
    assert table.recipe is not None
    comma = ",".join(map(str, frame.values[0]))
    for k, text in enumerate([f"width count name\n{lines[0]}\n", f"width,count,name\n{comma}\n"]):
        other = write(tmp_path, text, f"{k}.csv")
        followed = read_csv(other, name="other", found=table.recipe.part("table"), inputs_only=True)
        assert values(followed, "width").tolist() == [frame["width"][0]]


def test_spaces_between_words_or_thousands_cut_nothing(tmp_path: Path) -> None:
    assert sniff_delimiter("so good\nnot good\nvery bad\n" * 5) == ","
    assert sniff_delimiter("1 200\n3 400\n12 500\n" * 5) == ","
    assert sniff_delimiter("a\tb\n1 200\t2 300\n3 400\t4 500\n" * 5) == "\t"
    assert sniff_delimiter("a;b\n1 200;2 300\n3 400;4 500\n" * 5) == ";"
    with pytest.raises(DataError, match="plain text without labels"):
        derin.load(write(tmp_path, "".join(f"w{n} 0.5 {n / 7} 1.5\n" for n in range(30)), "vectors.txt"))


@pytest.mark.parametrize("name", ["iris.data", "iris", "iris.txt", "iris.measured"])
def test_a_table_is_known_by_its_lines_whatever_its_name(tmp_path: Path, name: str) -> None:
    lines = [f"{n / 10},{n % 7},{'ab'[n % 2]}" for n in range(1, 41)]
    table = derin.load(write(tmp_path, "\n".join(lines), name))
    assert (len(table), table.target().classes) == (40, ("a", "b"))
    said = [str(note) for note in table.report.notes if "because its lines are" in str(note)]
    assert len(said) == (name != "iris.data")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_a_list_of_objects_is_a_table_like_their_lines(tmp_path: Path, indent: int | None, ending: str) -> None:
    rows = [{"width": n / 8, "note": f"[{n}],\n{{", "at": {"lat": n}, "kind": "xy"[n % 2]} for n in range(40)]
    path = tmp_path / f"rows.{ending}"
    text = json.dumps(rows, indent=indent).encode()
    path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    table = derin.load(path)
    lines = derin.load(write(tmp_path, "\n".join(map(json.dumps, rows)), "rows.jsonl"))
    assert table.fingerprint() == lines.fingerprint()
    assert table.row_names == lines.row_names
    assert values(table, "width").tolist() == [row["width"] for row in rows]
    assert [str(n) for n in table.report.notes if "one list" in str(n)]
    by_line = derin.load(write(tmp_path, "\n".join(map(json.dumps, rows)), "lines.json"))
    assert by_line.fingerprint() == lines.fingerprint()


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": [1, 2]}', "[1, 2, 3]", '{"rows": [{"a": 1}]}', "[" * 10_000, "[]", "[{"]
)
def test_json_of_another_form_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="of no form"):
        derin.load(write(tmp_path, text, "a.json"))


@pytest.mark.parametrize("lost", [10, 30])
def test_a_list_that_breaks_off_gives_what_is_whole(tmp_path: Path, lost: int) -> None:
    rows = [{"width": n / 8, "kind": "xy"[n % 2]} for n in range(40)]
    table = derin.load(write(tmp_path, json.dumps(rows)[:-lost], "rows.json"))
    assert len(table) == 39
    assert [str(f.where) for f in table.report.findings if f.outcome is Outcome.SKIPPED] == ["rows.json, line 40"]


def test_semicolons_win_over_decimal_commas(tmp_path: Path) -> None:
    table = read(tmp_path, "en;boy;fiyat\n1,5;2,25;1.234,5\n3,5;4,75;99\n")
    assert values(table, "en").tolist() == [1.5, 3.5]
    assert values(table, "fiyat").tolist() == [1234.5, 99.0]
    assert "decimal comma" in table.schema["fiyat"].note


def test_a_sentence_with_commas_does_not_outvote_the_tab() -> None:
    assert sniff_delimiter("well, well, well\t1\nno, no\t0\nyes\t1\n") == "\t"


def test_excels_line_with_the_delimiter_is_obeyed(tmp_path: Path) -> None:
    table = read(tmp_path, "sep=;\na;b\n1;2\n3;5\n")
    assert values(table, "a").tolist() == [1.0, 3.0]
    assert table.row_names == ["line 3", "line 4"]


@pytest.mark.parametrize(
    ("first", "body", "expected"),
    [
        (["5.1", "3.5", "setosa"], [["4.9", "3.0", "setosa"]] * 3, False),
        (["sepal", "petal", "species"], [["4.9", "3.0", "setosa"]] * 3, True),
        (["when", "what"], [["2020-01-01", "x"], ["2020-01-02", "y"]], True),
        (["2020-01-01", "7"], [["2020-01-02", "8"]], False),
        (["good film", "pos"], [["bad film", "neg"], ["so bad", "neg"], ["fine film", "pos"]], False),
        (["text", "label"], [["bad film", "neg"], ["fine film", "pos"]], True),
        (["1", "?"], [["2", "3"]], False),
    ],
)
def test_header_is_told_from_values(first: list[str], body: list[list[str]], expected: bool) -> None:
    assert has_header(first, body) is expected


def test_columns_without_header_are_numbered_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, "1.5,2,x\n2.5,3,y\n3.5,4,x\n")
    assert [c.name for c in table.schema] == ["column_1", "column_2", "column_3"]
    assert any("column_1 to column_3" in note for note in table.report.notes)


def test_header_can_be_given(tmp_path: Path) -> None:
    table = read(tmp_path, "1990,1991\n3,4\n5,6\n", header=True)
    assert [c.name for c in table.schema] == ["1990", "1991"]


def test_equal_and_empty_names_become_different(tmp_path: Path) -> None:
    table = read(tmp_path, "a,a,\n1.5,2,3\n2.5,4,7\n")
    assert [c.name for c in table.schema] == ["a", "a_2", "column_3"]


def test_header_of_r_lacks_the_name_of_the_row_names(tmp_path: Path) -> None:
    table = read(tmp_path, '"x","y"\n"r1",1.5,4\n"r2",2.5,9\n"r3",3.5,7\n')
    assert [c.name for c in table.schema] == ["column_1", "x", "y"]
    assert values(table, "x").tolist() == [1.5, 2.5, 3.5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1254"])
def test_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    table = read(tmp_path, "şehir,ağaç\nIğdır,1.5\nMuş,2.5\nIğdır,3.5\n", encoding=encoding, target="ağaç")
    assert table.schema["şehir"].classes == ("Iğdır", "Muş")


def test_western_letters_are_not_taken_for_turkish() -> None:
    assert decode("café, naïve, þórður æ á í".encode("cp1252"), "x").encoding == "cp1252"
    assert decode("Çağrı".encode("cp1254"), "x").text == "Çağrı"


def test_damaged_utf8_stays_utf8_and_its_line_is_listed(tmp_path: Path) -> None:
    text = "city,size\n" + "".join(f"şehir ğüzel {i % 2},{i}.5\n" for i in range(9))
    data = text.encode().replace("ş".encode(), b"\xc5", 1)
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    table = read_csv(path, name="data")
    assert ("data.csv, line 2", "holds bytes that are no text; they stand as U+FFFD") in reasons(
        table, Outcome.CONVERTED
    )
    assert len(table) == 9


def test_a_picture_is_refused_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DataError, match="text is required"):
        read_csv(path, name="data")


def test_gzipped_tables_are_read_and_cut_off_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    packed = gzip.compress(b"a,b\n1.5,2\n2.5,3\n")
    path.write_bytes(packed)
    assert len(read_csv(path, name="data")) == 2
    path.write_bytes(packed[:-9])
    with pytest.raises(DataError, match="damaged or cut off"):
        read_csv(path, name="data")


def test_ragged_lines_are_listed_and_left_out(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,c\n1.5,2,3\n4,5\n6.5,7,8,9\n7.5,8,10,\n\n8.5,9,11\n")
    assert values(table, "a").tolist() == [1.5, 7.5, 8.5]
    assert table.row_names == ["line 2", "line 5", "line 7"]
    found = reasons(table)
    assert ("data.csv, line 3", "too few fields: 2 where 3 are required") in found
    assert ("data.csv, line 4", "too many fields: 4 where 3 are required") in found
    assert ("data.csv", "1 empty line") in found
    assert [where for where, _ in reasons(table, Outcome.CONVERTED)] == ["data.csv, line 5"]


def test_quoted_newlines_belong_to_the_field(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, 'a,b\n"two\nlines",1\n"x, ""y""",2\n'))
    assert records.columns[0] == ("two\nlines", 'x, "y"')
    assert records.lines.tolist() == [2, 4]


@pytest.mark.parametrize("broken", [3, 19])
def test_an_open_quote_costs_its_own_line_only(tmp_path: Path, broken: int) -> None:
    lines = ["word,size", *(f'"w{i % 3}",{i}.5' for i in range(20))]
    lines[broken] = '"never closed,7.5'
    table = read(tmp_path, "\n".join(lines) + "\n")
    assert len(table) == 19
    assert reasons(table) == [
        (f"data.csv, line {broken + 1}", "a quote is opened and not closed; the line is left out")
    ]


def test_a_field_may_be_longer_than_pythons_limit(tmp_path: Path) -> None:
    long = "word " * 40_000
    records = read_records(write(tmp_path, f"text,size\n{long},1.5\nshort,2.5\n"))
    assert records.columns[0][0] == long.strip()
    assert csv.field_size_limit() == 131_072  # what others set is put back


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1a", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6), st.sampled_from([",", ";", "|"]))
def test_what_pythons_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list, delimiter: str
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["first", "second", "third"])
    for number, row in enumerate(rows):
        writer.writerow([*row, number])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(file.getvalue().encode())
    records = read_records(path, delimiter=delimiter, header=True)
    # Spaces around a cell are dropped by intention.
    assert list(zip(*records.columns[:2])) == [tuple(cell.strip() for cell in row) for row in rows]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(data)
    try:
        table = read_csv(path, name="a")
    except DataError:
        return
    assert len(table) == len(table.row_names or ())


# --- types ---


def test_missing_values_in_every_way_of_writing(tmp_path: Path) -> None:
    cells = ["1.5", "", "NA", "NaN", "null", "?", "-", "n/a", "None", "2.5"]
    table = read(tmp_path, "size,y\n" + "".join(f"{c},{i % 2}.5\n" for i, c in enumerate(cells)))
    assert np.flatnonzero(~np.isnan(values(table, "size"))).tolist() == [0, 9]
    assert "8 missing" in table.schema["size"].note


def test_none_is_a_class_among_words() -> None:
    found = infer_values(["none", "some", "none", "NA"])
    assert found.classes == ("none", "some")
    assert isinstance(found.data, Dense)
    assert found.data.values.tolist() == [0, 1, 0, -1]


def test_a_rare_conflict_far_down_is_missing_and_listed(tmp_path: Path) -> None:
    lines = ["size,y", *(f"{i}.5,{i % 7}.25" for i in range(40_000))]
    lines[39_001] = "abc,1.25"
    table = read(tmp_path, "\n".join(lines))
    assert kinds(table)["size"] == ("number", "input")
    assert np.flatnonzero(np.isnan(values(table, "size"))).tolist() == [39_000]
    assert reasons(table, Outcome.CONVERTED) == [
        ("data.csv, line 39002", "'abc' is no number; the value of 'size' counts as missing")
    ]


def test_frequent_conflicts_make_a_category() -> None:
    assert infer_values(["1", "2", "x", "y"] * 30).kind is Kind.CATEGORY


def test_codes_with_underscores_and_infinities_are_no_numbers() -> None:
    assert infer_values(["1_000", "2_000"]).kind is Kind.CATEGORY
    assert np.isnan(parse_numbers(["inf", "-Infinity"])).all()


@pytest.mark.parametrize(
    ("cells", "decimal_comma", "expected"),
    [
        (["1,234", "5,678"], False, [1234.0, 5678.0]),
        (["1,234", "5,678"], True, [1.234, 5.678]),
        (["1,234,567.5", "12"], True, [1234567.5, 12.0]),
        (["1.234.567,5", "12"], False, [1234567.5, 12.0]),
        (["1e-3", "-.5", "+7."], False, [0.001, -0.5, 7.0]),
        # Before a power of ten stand no thousands; between the commas of India there are two digits.
        (["1,234e+04", "5,678e-01"], False, [12340.0, 0.5678]),
        (["1.234e+04", "5.678e-01"], True, [12340.0, 0.5678]),
        (["12,34,567.89", "1,23,456", "5,678"], True, [1234567.89, 123456.0, 5678.0]),
    ],
)
def test_numbers_with_points_and_commas(cells: list[str], decimal_comma: bool, expected: list[float]) -> None:
    assert parse_numbers(cells, decimal_comma=decimal_comma).tolist() == expected


@pytest.mark.parametrize(
    ("cells", "unit", "first"),
    [
        (["2020-03-04", "2021-01-02"], "YYYY-MM-DD", (2020, 3, 4)),
        (["2020/3/4 05:06", "2021/1/2 00:00"], "YYYY-MM-DD", (2020, 3, 4, 5, 6)),
        (["2020-03-04T05:06:07Z", "2021-01-02T00:00:00Z"], "YYYY-MM-DD", (2020, 3, 4, 5, 6, 7)),
        (["4.3.2020", "31.12.2020"], DAY_FIRST, (2020, 3, 4)),
        (["4/3/2020", "13/1/2020"], DAY_FIRST, (2020, 3, 4)),
        (["3/4/2020", "1/13/2020"], MONTH_FIRST, (2020, 3, 4)),
        (["3/4/2020 01:30 PM", "1/13/2020 12:00 AM"], MONTH_FIRST, (2020, 3, 4, 13, 30)),
        (["1949-01", "1949-02"], "YYYY-MM-DD", (1949, 1, 1)),
    ],
)
def test_dates_in_their_orders(cells: list[str], unit: str, first: tuple[int, ...]) -> None:
    found = infer_values(cells)
    assert (found.kind, found.unit) == (Kind.DATE, unit)
    assert isinstance(found.data, Dense)
    assert found.data.values[0] == datetime(*first, tzinfo=UTC).timestamp()  # type: ignore[misc]


def test_ambiguous_dates_are_named() -> None:
    found = infer_values(["3/4/2020", "5/6/2020"])
    assert found.unit == DAY_FIRST
    assert "ambiguous" in found.note


def test_a_zone_moves_no_moment_to_another_day() -> None:
    cells = ["1970-01-01T03:00:00+03:00", "1970-01-01 00:00-05:30"]
    assert parse_dates(cells, DAY_FIRST).tolist() == [10800.0, 0.0]


@pytest.mark.parametrize("cell", ["2021-02-29", "31.4.2021", "2021-01-01 25:00", "0000-01-01", "2021.01"])
def test_days_that_do_not_exist_are_no_dates(cell: str) -> None:
    assert np.isnan(parse_dates([cell], DAY_FIRST)).all()


def test_classes_stand_in_natural_order(tmp_path: Path) -> None:
    table = read(tmp_path, "x,size\n" + "".join(f"{i}.5,item {n}\n" for i, n in enumerate([10, 9, 2, 10, 9, 2])))
    assert table.target().classes == ("item 2", "item 9", "item 10")


def test_long_different_strings_are_text(tmp_path: Path) -> None:
    lines = [f"this is the review number {i} and it is long,{'good' if i % 2 else 'bad'}" for i in range(12)]
    table = read(tmp_path, "\n".join(["review,label", *lines]))
    assert kinds(table) == {"review": ("text", "input"), "label": ("category", "target")}
    assert table["review"].texts()[3].startswith("this is the review number 3")  # type: ignore[attr-defined]


def test_identifiers_constants_and_empty_columns_are_no_inputs(tmp_path: Path) -> None:
    lines = ["user_id,code,same,none,size,y"]
    lines += [f"{70 + 3 * i},k{i}x,7,,{i}.5,{i % 3}" for i in range(30)]
    found = kinds(read(tmp_path, "\n".join(lines)))
    assert found["user_id"][1] == found["code"][1] == "id"
    assert found["same"][1] == found["none"][1] == "ignored"
    assert found["size"] == ("number", "input")


def test_row_numbers_are_no_input_but_a_quantity_that_counts_is(tmp_path: Path) -> None:
    body = "".join(f"{i},{i * 1.5},{i % 2}\n" for i in range(1, 31))
    assert kinds(read(tmp_path, "nth,size,y\n" + body))["nth"][1] == "id"
    assert kinds(read(tmp_path, "day,size,y\n" + body))["day"][1] == "input"


def test_repeating_identifiers_are_codes(tmp_path: Path) -> None:
    body = "".join(f"{i}.5,{100 + i % 3},{i % 2}\n" for i in range(30))
    table = read(tmp_path, "size,shop_id,y\n" + body)
    assert table.schema["shop_id"].classes == ("100", "101", "102")


def test_a_kind_can_be_given(tmp_path: Path) -> None:
    body = "".join(f"{i % 3},{i}.5\n" for i in range(9))
    table = read(tmp_path, "deck,price\n" + body, kinds={"deck": "category"})
    assert table.schema["deck"].classes == ("0", "1", "2")
    with pytest.raises(UnknownNameError, match="kind of column"):
        read(tmp_path, "deck,price\n" + body, kinds={"deck": "colour"})


# --- targets, weights, splits ---


def test_target_by_name_wins_over_the_last_column(tmp_path: Path) -> None:
    table = read(tmp_path, "a,Survived,b\n1.5,1,2\n2.5,0,3\n3.5,1,5\n")
    assert table.target().name == "Survived"
    assert any("'Survived'" in note and "target=" in note for note in table.report.notes)


def test_unknown_target_answers_with_near_matches(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'Survived'"):
        read(tmp_path, "a,Survived\n1.5,1\n2.5,0\n", target="Surived")


def test_capital_letters_of_a_target_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "a,Price\n1.5,2.5\n2.5,3.5\n", target="price").target().name == "Price"


@pytest.mark.parametrize(
    ("cells", "options", "kind"),
    [
        ([str(i % 3) for i in range(30)], {}, Kind.CATEGORY),
        ([str(i % 3) for i in range(6)], {}, Kind.NUMBER),
        (["0", "1", "1", "0"], {}, Kind.CATEGORY),
        ([f"{i % 3}.0" for i in range(30)], {}, Kind.CATEGORY),
        ([f"{i % 3}.5" for i in range(30)], {}, Kind.NUMBER),
        ([str(i) for i in range(60)], {}, Kind.NUMBER),
        ([str(i % 3) for i in range(30)], {"target_kind": "number"}, Kind.NUMBER),
        (["3.5", "4.5", "3.5", "5.5"], {"target_kind": "category"}, Kind.CATEGORY),
        (["True", "False"] * 3, {}, Kind.CATEGORY),
    ],
)
def test_target_is_a_class_or_a_number(tmp_path: Path, cells: list[str], options: dict, kind: Kind) -> None:
    table = read(tmp_path, "x,y\n" + "".join(f"{i}.25,{c}\n" for i, c in enumerate(cells)), target="y", **options)
    assert table.target().kind is kind
    if kind is Kind.CATEGORY:
        classes = table.target().classes or ()
        assert [classes[c] for c in values(table, "y")] == [c.removesuffix(".0") for c in cells]


def test_words_cannot_be_asked_for_as_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be a number"):
        read(tmp_path, "x,y\n1.5,a\n2.5,b\n3.5,a\n", target="y", target_kind="number")


def test_rows_without_target_are_left_out_and_listed(tmp_path: Path) -> None:
    table = read(tmp_path, "x,y\n1.5,a\n2.5,\n3.5,b\n4.5,?\n")
    assert values(table, "x").tolist() == [1.5, 3.5]
    assert [where for where, _ in reasons(table)] == ["data.csv, line 3", "data.csv, line 5"]


def test_several_zero_one_targets_are_labels(tmp_path: Path) -> None:
    table = read(tmp_path, "x,cat,dog,owl\n1.5,0,1,1\n2.5,1,0,1\n", target="cat,dog,owl")
    column = table.target()
    assert (column.name, column.kind, column.shape, column.classes) == (
        "labels",
        Kind.CATEGORY,
        (3,),
        ("cat", "dog", "owl"),
    )
    assert values(table, "labels").dtype == np.float32
    assert values(table, "labels").tolist() == [[0, 1, 1], [1, 0, 1]]


def test_several_number_targets_are_a_vector(tmp_path: Path) -> None:
    table = read(tmp_path, "x,u,v\n1.5,0.5,7\n2.5,1.5,8\n3.5,,9\n", target=["u", "v"])
    assert (table.target().name, table.target().kind, table.target().shape) == ("u,v", Kind.NUMBER, (2,))
    assert values(table, "u,v").tolist() == [[0.5, 7.0], [1.5, 8.0]]


def test_weights_are_told_apart_and_must_be_usable(tmp_path: Path) -> None:
    table = read(tmp_path, "x,w,y\n1.5,2,a\n2.5,-1,b\n3.5,,a\n4.5,0.5,b\n", weight="w")
    assert table.schema["w"].role is Role.WEIGHT
    assert values(table, "w").tolist() == [2.0, 0.5]
    assert len(reasons(table)) == 2
    with pytest.raises(UsageError, match="target and something else"):
        read(tmp_path, "x,w,y\n1.5,2,a\n2.5,1,b\n", weight="y", target="y")


def test_ignored_columns_are_no_inputs(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,y\n1.5,2,x\n2.5,3,z\n3.5,9,x\n", ignore=["b"])
    assert [c.name for c in table.inputs] == ["a"]


def test_files_named_after_splits_are_splits(tmp_path: Path) -> None:
    for name, rows in {"train.csv": 4, "valid.csv": 2, "test.csv": 3}.items():
        write(tmp_path, "x,y\n" + "".join(f"{i}.5,{'ab'[i % 2]}\n" for i in range(rows)), name)
    table = read_csv(tmp_path, name="data")
    assert {k: v.tolist() for k, v in table.splits.items()} == {"train": [0, 1, 2, 3], "val": [4, 5], "test": [6, 7, 8]}
    assert (table.row_names or ())[4] == "valid.csv line 2"


def test_a_test_file_without_target_is_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, "x,Survived\n1.5,1\n2.5,0\n3.5,0\n", "titanic_train.csv")
    write(tmp_path, "x\n1.5\n2.5\n", "titanic_test.csv")
    table = read_csv(tmp_path, name="titanic")
    assert list(table.splits) == ["train"]
    assert any("titanic_test.csv is left out" in note for note in table.report.notes)


def test_a_split_without_an_input_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "x,z,y\n1.5,2,a\n2.5,3,b\n", "train.csv")
    write(tmp_path, "x,y\n1.5,a\n2.5,b\n", "val.csv")
    with pytest.raises(DataError, match=r"val\.csv: the columns of train\.csv are required; 'z' is not there"):
        read_csv(tmp_path, name="data")


def test_several_tables_without_splits_are_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write(tmp_path, "x,y\n1.5,a\n2.5,b\n", name)
    with pytest.raises(DataError, match="must name its split"):
        read_csv(tmp_path, name="data")


def test_a_column_may_name_the_splits(tmp_path: Path) -> None:
    table = read(tmp_path, "x,split,y\n1.5,train,a\n2.5,dev,b\n3.5,train,b\n4.5,test,a\n")
    assert {k: v.tolist() for k, v in table.splits.items()} == {"train": [0, 2], "val": [1], "test": [3]}
    assert table.schema["split"].role is Role.IGNORED


def test_splits_follow_the_rows_that_are_kept(tmp_path: Path) -> None:
    table = read(tmp_path, "x,split,y\n1.5,train,\n2.5,dev,b\n3.5,train,b\n4.5,test,a\n")
    assert {k: v.tolist() for k, v in table.splits.items()} == {"train": [1], "val": [0], "test": [2]}


def test_no_target_is_chosen_where_none_can_be(tmp_path: Path) -> None:
    body = "".join(f"{i}.5,2020-01-{i + 1:02}\n" for i in range(9))
    table = read(tmp_path, "x,day\n" + body)
    assert not table.targets
    assert any("No target was chosen" in note for note in table.report.notes)
    with pytest.raises(DataError, match="it holds dates"):
        read(tmp_path, "x,day\n" + body, target="day")


def test_an_empty_file_and_a_header_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        read(tmp_path, "\n\n")
    with pytest.raises(DataError, match="below the header"):
        read(tmp_path, "a,b,label\n")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path / "no.csv", name="no")


def test_names_of_tables() -> None:
    assert looks_like_csv(Path("a.TSV.gz"))
    assert not looks_like_csv(Path(".a.csv"))
    assert not looks_like_csv(Path("a.json"))


# --- real tables ---


@pytest.mark.data
@pytest.mark.parametrize("name", ["california_housing", "titanic_train"])
def test_values_are_those_of_pandas(data_folder: Path, name: str) -> None:
    path = data_folder / "tabular" / f"{name}.csv"
    table, frame = read_csv(path, name=name), pd.read_csv(path)
    assert len(table) == len(frame)
    for column in table.schema:
        expected = frame[column.name]
        if column.kind is Kind.NUMBER:
            np.testing.assert_array_equal(values(table, column.name), expected.to_numpy(dtype=np.float64))
        elif column.kind is Kind.CATEGORY:
            names = [None if c < 0 else (column.classes or ())[c] for c in values(table, column.name)]
            assert names == [None if pd.isna(v) else str(v) for v in expected]


@pytest.mark.data
def test_titanic_is_read_as_a_person_would(data_folder: Path) -> None:
    table = read_csv([data_folder / "tabular" / f"titanic_{s}.csv" for s in ("train", "test")], name="titanic")
    assert [c.name for c in table.inputs] == ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    assert table.target().classes == ("0", "1")
    assert {c.name for c in table.schema.with_role(Role.ID)} == {"PassengerId", "Name"}
    assert np.isnan(values(table, "Age")).sum() == 177  # the published count
    assert list(table.splits) == ["train"]


@pytest.mark.data
def test_iris_pima_and_boston_have_no_header(data_folder: Path) -> None:
    found = {}
    for name in ("iris", "pima-indians-diabetes", "boston_housing"):
        table = read_csv(data_folder / "tabular" / f"{name}.csv", name=name)
        found[name] = (len(table), len(table.inputs), table.target().kind.value)
    assert found == {
        "iris": (150, 4, "category"),
        "pima-indians-diabetes": (768, 8, "category"),
        "boston_housing": (506, 13, "number"),
    }


@pytest.mark.data
def test_copies_in_iris_are_found(data_folder: Path) -> None:
    path = data_folder / "tabular" / "iris.csv"
    table = read_csv(path, name="iris")
    expected = pd.read_csv(path, header=None).iloc[:, :4].groupby([0, 1, 2, 3]).size()
    assert len(content_groups(table)) == int((expected > 1).sum())


def test_cells_take_little_more_memory_than_the_file_and_twice_as_many_take_twice_as_much(tmp_path: Path) -> None:
    peaks = []
    for num in (30_000, 60_000):
        path = tmp_path / f"{num}.csv"
        path.write_text("a,b,c,y\n" + "".join(f"{i / 7:.6f},{i / 9:.6f},name {i},k{i % 5}\n" for i in range(num)))
        read_records(tmp_path / "30000.csv")  # whatever is made once is there
        tracemalloc.start()
        records = read_records(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert records.columns[2][num - 1] == f"name {num - 1}"
        assert peaks[-1] < 4 * path.stat().st_size
    assert peaks[1] < 2.2 * peaks[0]


def test_packed_cells_are_those_that_were_packed() -> None:
    first = [["a", " ş\t", ""], ["", "b" * 40, "ağaç\n"], ["only"], ["x", "y", "z"]]
    second = [["1", "2", "3"], ["4", "5", "6", "  "]]
    records = PackedRecords([Block.of(first), Block.of(second)])
    assert records.lengths.tolist() == [3, 3, 1, 3, 3, 4]
    assert [records.row(i) for i in (1, 4)] == [["", "b" * 40, "ağaç"], ["1", "2", "3"]]
    kept = records.keep(records.lengths >= 3)
    expected = [("a", "", "x", "1", "4"), ("ş", "b" * 40, "y", "2", "5"), ("", "ağaç", "z", "3", "6")]
    columns = kept.columns(3)
    assert [tuple(column) for column in columns] == expected
    assert [column[-1] for column in columns] == ["4", "5", "6"]
    assert columns[1][1:4] == ("b" * 40, "y", "2")
    assert tuple(joined([columns[0], columns[1]])) == expected[0] + expected[1]
    assert kept.followed_by(records.keep(slice(0, 1))).columns(1)[0] == (*expected[0], "a")


@pytest.mark.parametrize("hash_bits", [64, 2])
def test_different_packed_cells_are_those_of_a_dictionary(hash_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if hash_bits < 64:
        hashes = packed_cells.Part.hashes
        monkeypatch.setattr(packed_cells.Part, "hashes", lambda part: hashes(part) % np.uint64(1 << hash_bits))
    long = "x" * 70
    cells = ["b", "", "a", "12345678", "123456789", "ş", "b", "", long + "1", long + "2", "ş", "12345678", long + "1"]
    column = PackedRecords([Block.of([[cell] for cell in part]) for part in (cells[:5], cells[5:], ["z"])]).columns(1)[
        0
    ]
    found, codes = column.distinct()
    assert list(found) == list(dict.fromkeys([*cells, "z"]))
    assert codes is not None
    assert [found[code] for code in codes.tolist()] == [*cells, "z"]
    assert found.ends_in_digit().tolist() == [cell[-1:] in set("0123456789") - {""} for cell in found]


_PACKED_COLUMNS = {
    "points": ["1.5", "-2e3", "1_000", "NA", "7", "inf", "", "1.234"],
    "grouped points": ["1.234", "12.500", "7"],
    "commas": ["1,5", "2,25", "?", "1.234,5"],
    "affix": ["$1,250", "$7", "12.5", "x"],
    "codes": ["00123", "00456", "12"],
    "codes beside words": ["123", "x", "4"],
    "long codes": ["1234567890123456", "1234567890123457", "1234567890123458"],
    "days": ["20240131", "20240201", "20240301"],
    "day first": ["31/01/2024", "01/02/2024", "none"],
    "short years": ["1/2/24", "3/4/25", "5.6.2024"],
    "zones": ["2024-01-31T10:00Z", "2024-01-31T10:00+03:00", "2024-02-01"],
    "flags": ["yes", "no", "Yes", "NA"],
    "words": ["b10", "b9", "NA", "", "ş"],
    "sentences": ["one two three four five six", "seven eight nine ten eleven", "", "a b c d e f"],
}


@pytest.mark.parametrize("name", list(_PACKED_COLUMNS))
@pytest.mark.parametrize("repeats", [1, 3])
def test_packed_columns_mean_what_lists_mean(name: str, repeats: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = _PACKED_COLUMNS[name] * repeats
    expected = infer_values(cells, name=name)
    monkeypatch.setattr(cell_values, "_FEW_STRINGS", 0)
    found = infer_values(PackedRecords([Block.of([[cell] for cell in cells])]).columns(1)[0], name=name)
    for part in fields(cell_values.Values):
        ours, theirs = getattr(found, part.name), getattr(expected, part.name)
        if part.name == "data":
            every = np.arange(len(cells))
            ours, theirs = ours.take(every), theirs.take(every)
            if isinstance(theirs, Ragged):
                ours, theirs = ours.texts(), theirs.texts()
        if part.name in ("data", "is_missing", "conflicts", "offsets") and theirs is not None:
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs


_LOADING = """
import sys
import numpy, derin, derin.readers.csv_table
def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
derin.load(sys.argv[1])
before = peak()
derin.load(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_loading_a_table_takes_a_few_times_its_size(tmp_path: Path) -> None:
    row = "{0},{1:.9f},{2:.9f},{3:.9f},2024-{4:02d}-{5:02d} {6:02d}:{7:02d}:{8:02d},k{9}\n"
    lines = [
        row.format(i + 20, i / 7, -i / 9, i * 1.7, 1 + i % 12, 1 + i % 28, i % 24, i % 60, i // 60 % 60, i % 5)
        for i in range(120_000)
    ]
    for name, num in (("small", 30), ("large", len(lines))):
        (tmp_path / f"{name}.csv").write_text("a,b,c,d,e,y\n" + "".join(lines[:num]))
    paths = [str(tmp_path / f"{name}.csv") for name in ("small", "large")]
    done = subprocess.run([sys.executable, "-c", _LOADING, *paths], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 4 * (tmp_path / "large.csv").stat().st_size


def test_a_line_that_no_table_has_is_refused_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_LONGEST_LINE", 1_000)
    (tmp_path / "a.csv").write_text("a,b\r\n1,2\r\n" + "3," * 600 + "\r\n4,5\r\n")
    with pytest.raises(DataError, match=r"at most 1,000 characters .* line 3 has 1,200\."):
        read_records(tmp_path / "a.csv")


def test_a_quote_that_swallows_more_than_a_cell_holds_is_found_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = csv_parser.__wrapped__()
    parser.field_size_limit(1_000)
    monkeypatch.setattr(delimited, "csv_parser", lambda: parser)
    lines = ["a,b", *(f"{i},k" for i in range(20)), '99,"open', *(f"{i},k" for i in range(20, 900))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    records = read_records(tmp_path / "a.csv", delimiter=",")
    assert list(records.columns[0]) == [str(i) for i in range(900)]
    assert [finding.where for finding in records.findings] == ["a.csv, line 22"]


@given(st.lists(st.text("aAbşSß012 -\0", max_size=6), unique=True))
def test_classes_of_one_order_however_they_are_compared(names: list[str]) -> None:
    expected = sorted(names, key=lambda name: (cell_values.natural_order(name), name))
    assert cell_values._in_natural_order(names) == expected


VALUES = "".join(f"{i}.5,{i % 3},{'ab'[i % 2]}\n" for i in range(12))


@pytest.mark.parametrize(
    ("above", "names", "num_above"),
    [
        ("# source, agency, year\nx,z,label\n", ("x", "z", "label"), 1),
        ("# one\n#\n#source: https://a.b/c?d=1,2\nx,z,label\n", ("x", "z", "label"), 3),
        ("Sales of 2023\n\nx,z,label\n", ("x", "z", "label"), 1),
        ("Sales of 2023,,\n,,\nx,z,label\n", ("x", "z", "label"), 1),
        ("# made by hand\n# x,z,label\n", ("# x", "z", "label"), 1),
        ("# made by hand, today\n", ("column_1", "column_2", "column_3"), 1),
        ("# x,z,label\n", ("# x", "z", "label"), 0),
        ("x,z,label\n", ("x", "z", "label"), 0),
    ],
)
def test_comments_and_titles_above_a_table_are_no_header_and_no_row(
    tmp_path: Path, above: str, names: tuple[str, ...], num_above: int
) -> None:
    path = write(tmp_path, above + VALUES)
    table = read_csv(path, name="data")
    assert tuple(table.columns) == names
    assert len(table) == 12
    assert table.schema[names[2]].classes == ("a", "b")
    said = [note for note in table.report.notes if "above the table" in note]
    assert [f"{num_above} line" in note for note in said] == [True] * bool(num_above)
    # What is predicted is cut in the same way: a row for each row.
    again = read_csv(path, name="data", found=table.recipe.part("table"), inputs_only=True)  # type: ignore[union-attr]
    assert len(again) == 12


def test_texts_that_begin_with_a_hashtag_are_no_comments(tmp_path: Path) -> None:
    lines = [f"#song{i} is played again and again,{'ab'[i % 2]}\n" for i in range(3)]
    lines += [f"the film number {i} is played again,{'ab'[i % 2]}\n" for i in range(12)]
    assert len(read_records(write(tmp_path, "".join(lines))).lines) == 15


def test_a_title_above_a_sheet_is_no_header(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(12) + 0.5, "z": np.arange(12) % 3, "label": list("ab" * 6)})
    with pd.ExcelWriter(tmp_path / "data.xlsx") as book:
        frame.to_excel(book, index=False, startrow=3)
        book.sheets["Sheet1"]["A1"] = "Sales of 2023"
    table = read_csv(tmp_path / "data.xlsx", name="data")
    assert list(table.columns) == ["x", "z", "label"]
    assert table.schema["label"].classes == ("a", "b")


def test_json_lines_of_numbers_and_words_are_a_table_and_those_with_a_text_are_texts(tmp_path: Path) -> None:
    rows = [{"x": i / 4, "ok": i % 2 == 0, "code": f"{i % 3:03}", "tags": [i], "label": "ab"[i % 2]} for i in range(12)]
    path = write(tmp_path, "\n".join(map(json.dumps, [*rows, {"label": "b"}])), "t.jsonl")
    table = derin.load(path)
    kinds_found = {c.name: c.kind for c in table.schema}
    assert kinds_found == {"x": Kind.NUMBER, "ok": Kind.CATEGORY, "code": Kind.CATEGORY, "label": Kind.CATEGORY}
    assert np.array_equal(values(table, "x"), [*(i / 4 for i in range(12)), np.nan], equal_nan=True)
    assert table.schema["code"].classes == ("000", "001", "002")
    assert any("'tags'" in note for note in table.report.notes)
    # What is predicted keeps its rows, also one that cannot be read.
    asked = write(tmp_path, '{"code": "001", "x": 2}\noops\n{"x": 3, "ok": true}\n', "q.jsonl")
    inputs = read_csv(asked, name="q", found=table.recipe.part("table"), inputs_only=True)  # type: ignore[union-attr]
    assert np.array_equal(values(inputs, "x"), [2, np.nan, 3], equal_nan=True)
    assert list(inputs.unanswered) == [1]
    texts = [{"id": i, "name": f"ada{i}", "label": "ab"[i % 2]} for i in range(12)]
    named = derin.load(write(tmp_path, "\n".join(map(json.dumps, texts)), "n.jsonl"))
    assert named["text"].texts()[:2] == ["ada0", "ada1"]  # type: ignore[union-attr]


@pytest.mark.parametrize("pair", [("ja", "nein"), ("Oui", "Non"), ("sí", "no"), ("EVET", "HAYIR"), ("T", "F")])
def test_words_for_true_and_false_of_several_languages_are_one_value_with_booleans(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    rows = [f"{i},{pair[i % 2]},{'ab'[i % 2]}\n" for i in range(12)]
    table = read(tmp_path, "x,flag,label\n" + "".join(rows))
    assert table.schema["flag"].classes == pair[::-1]
    assert values(table, "flag").tolist() == [1, 0] * 6
    typed = write(tmp_path, "x,flag\n1,True\n2,false\n3,1\n", "typed.csv")
    again = read_csv(typed, name="q", found=table.recipe.part("table"), inputs_only=True)  # type: ignore[union-attr]
    assert values(again, "flag").tolist() == [1, 0, 1]


def test_amounts_with_spaces_between_thousands_are_no_texts(tmp_path: Path) -> None:
    rows = [f"{i + 1} 234 567,5 €;{'ab'[i % 2]}\n" for i in range(12)]
    table = derin.load(write(tmp_path, "amount;label\n" + "".join(rows)))
    assert values(table, "amount").tolist() == [1e6 * (i + 1) + 234567.5 for i in range(12)]


def test_months_of_german_names_are_dates(tmp_path: Path) -> None:
    names = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ]
    short = ["Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"]
    for written in (names, short):
        lines = [f"{i + 3}. {name} 2022;{i}\n" for i, name in enumerate(written)]
        table = read(tmp_path, "Datum;y\n" + "".join(lines), target="y")
        expected = [datetime(2022, i + 1, i + 3, tzinfo=UTC).timestamp() for i in range(12)]
        assert values(table, "Datum").tolist() == expected
