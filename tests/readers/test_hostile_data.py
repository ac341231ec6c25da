"""Data files with odd values and damaged bytes: only documented errors leave the readers."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import derin
from derin.core.errors import DataError, DerinError, UsageError
from derin.data.cells.values import natural_order
from derin.data.text.vectors import read_vectors
from derin.readers.delimited import unique_names
from derin.readers.typed_records import excel_records


def workbook(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_excel(file, index=False)
    return file.getvalue()


DAYS = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(120)]
LINES = {
    "t.csv": ["a,b,when,txt,y", *(f"{i},{i / 2},{DAYS[i]},w {i % 4},k{i % 3}" for i in range(40))],
    "t.jsonl": [json.dumps({"text": f"some words {i}", "label": str(i % 2)}) for i in range(20)],
    "t.tsv": [f"this is so good {i}\t{'pos' if i % 2 else 'neg'}" for i in range(20)],
    "t.fasta": [f">s{i} class={i % 2}\nACGTACGT" for i in range(10)],
    "t.conll": ["John B-PER\nlives O\nin O\nParis B-LOC\n"] * 8,
    "s.csv": ["date,x", *(f"{day},{i % 7}" for i, day in enumerate(DAYS))],
    "v.txt": ["3 2", "a 1 2", "b 3 4", "c 5 6"],
}
OPTIONS: dict[str, dict[str, Any]] = {"t.conll": {"task": "tagging"}, "s.csv": {"task": "forecasting"}}
SOUND = {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in LINES.items()}
SOUND["v.bin"] = b"3 2\n" + b"".join(word + struct.pack("<2f", 1, 2) + b"\n" for word in (b"a ", b"b ", b"c "))
FRAME = pd.DataFrame({"a": range(40), "b": [i / 2 for i in range(40)], "y": [f"k{i % 3}" for i in range(40)]})
SOUND["t.xlsx"], SOUND["t.parquet"] = workbook(FRAME), FRAME.to_parquet()
ODD = [
    *(b"9" * 5000, b"1e999", b"-0", b"nan", b"1_000", b"1e-400", b"1" * 400 + b"." + b"2" * 400),
    *(b"\xff\xfe", b"\0", b"\xed\xa0\x80", b"\\ud800", b'"', b"\n", b",", b"\t", b"\x1b[2J"),
    *(b"9999-99-99", b"2024-13-45T99:99", "٣".encode(), b"=1+2"),
]


def altered(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place, way = rng.randrange(len(changed)), rng.random()
        if way < 0.6:
            changed[place : place + rng.choice((0, 0, 5))] = rng.choice(ODD)
        elif way < 0.9:
            changed[place] = rng.randrange(256)
        else:
            changed = changed[: max(1, place)]
    return bytes(changed)


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.filterwarnings("ignore")
def test_only_documented_errors_leave_altered_files(name: str, tmp_path: Path) -> None:
    sound = SOUND[name]
    rng = random.Random(0)
    for number in range(40):
        data = altered(sound, rng)
        (tmp_path / name).write_bytes(gzip.compress(data) if number % 8 == 0 else data)
        with contextlib.suppress(DerinError):
            if name.startswith("v."):
                read_vectors(tmp_path / name)
            else:
                derin.load(tmp_path / name, **OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", ["t.xlsx", "t.csv", "t.zip"])
def test_an_archive_of_another_version_is_refused_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    data = SOUND["t.xlsx"]
    central = data.rindex(b"PK\1\2")
    (tmp_path / name).write_bytes(data[: central + 6] + b"\xff\0" + data[central + 8 :])  # version 25.5 is needed
    with pytest.raises(DataError):
        derin.load(tmp_path / name)


def test_numbers_of_thousands_of_digits_have_their_order_too() -> None:
    names = ["k9", "k" + "9" * 5000, "k1" + "0" * 5000, "k010", "k2"]
    assert sorted(names, key=natural_order) == ["k2", "k9", "k010", names[1], names[2]]


def test_one_long_cell_of_a_vector_file_is_a_bad_line(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("a 1 2\nb 3 0." + "1" * 200_000 + "\nc 5 6\n")
    found = read_vectors(tmp_path / "v.txt")
    assert found.words == ("a", "c")
    assert [finding.where for finding in found.report.findings] == ["v.txt, line 2"]


def test_gzipped_text_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(bytes(1 << 20)) * 300)
    with pytest.raises(DataError, match="unpack to more than"):
        derin.load(tmp_path / "t.csv.gz", target="y")


def test_half_pairs_of_a_text_are_replaced_and_listed(tmp_path: Path) -> None:
    lines = [{"text": f"some words of {i}" + "\ud800" * (i == 3), "label": str(i % 2)} for i in range(20)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = derin.load(tmp_path / "t.jsonl")
    assert table.columns["text"].texts()[3] == "some words of 3\ufffd"  # type: ignore[union-attr]
    assert [f.where for f in table.report.findings] == ["t.jsonl, line 4"]


@pytest.mark.parametrize("encoding", ["undefined", "idna", "punycode", "hex", "a\0b", "no-such"])
def test_an_encoding_that_decodes_no_text_is_refused(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc def \\ghi \xff\xc3")
    with pytest.raises(UsageError, match="an encoding"):
        derin.load(tmp_path / "a.txt", task="lm", reader_options={"encoding": encoding})


def test_a_header_of_many_equal_names_is_numbered_in_linear_time() -> None:
    names = unique_names(["a", "b"] * 50_000, "x.csv", [])  # a minute and more where each name looks through all
    assert len(set(names)) == 100_000
    assert names[:4] == ("a", "b", "a_2", "b_2")
    assert names[-1] == "b_50000"


def test_names_of_columns_are_shown_without_marks_and_codes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\u202ex\x1b[2J,y\n" + "".join(f"{i % 7}.5,{i}.25\n" for i in range(20)), encoding="utf-8")
    assert "\\x1b[2J" in repr(derin.load(path, target="y"))
    assert repr(derin.load(path, target="y")).isprintable()


def test_a_small_parquet_file_of_many_values_is_refused_before_they_are_taken(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table({"a": pyarrow.array(np.zeros(5_000_000, dtype=bool))}), path)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="claims 5,000,000 values"):
        derin.load(path)


def test_a_workbook_is_measured_to_its_last_member(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(10_001):
            packed.writestr(f"xl/{number}", b"")
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    with pytest.raises(DataError, match="unpacks to 300,000,000 bytes"):
        excel_records(path, header=None, sheet=None)
