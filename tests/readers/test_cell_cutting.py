"""Bytes that are cut many records at a time give what Python's own parser of csv gives, or are left to it."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from typing import Any

import pytest

from derin.readers import cell_cutting, delimited
from derin.readers.delimited import _cut, _Lines

_CELLS = ["", "a", "1.5", " b ", "ş", "\u00a0x", "y\u2003 ", "\t", "  ", "a b", "x" * 30, "\U0001f600"]
_STRAY = ['5" disk', 'he said "hi"', 'so "a, b"', '"a"b', '"', 'a""b', '"" ', "\r", "\0", 'x "y']


def _enclosed(draw: random.Random) -> str:
    inner = "".join(draw.choices(["a", ",", "\n", "\r\n", '""', " ", "ş", "\t", '","'], k=draw.randrange(5)))
    return draw.choice(["", " ", "  "]) + '"' + inner.replace('","', '"",""') + '"'


def _text(draw: random.Random) -> str:
    mark, end = draw.choice([",", ";", "\t"]), draw.choice(["\n", "\r\n"])
    width, stray = draw.randrange(1, 5), draw.random() < 0.3
    lines = []
    for _ in range(draw.randrange(1, 12)):
        num = width if draw.random() < 0.9 else draw.randrange(0, 6)
        cells = [_enclosed(draw) if draw.random() < 0.3 else draw.choice(_CELLS) for _ in range(num)]
        if stray and draw.random() < 0.3 and cells:
            cells[draw.randrange(len(cells))] = draw.choice(_STRAY)
        lines.append(mark.join(cells))
    return end.join(lines) + draw.choice(["", end, end + end, " "])


def _records(text: str, delimiter: str) -> Any:
    rows, lines, unclosed = _cut(_Lines(text.encode(), 0, "a.csv", 1), delimiter)
    return rows.head(len(rows)), rows.is_filled.tolist(), lines.tolist(), unclosed


def _parsed(text: str, delimiter: str) -> Any:
    """What Python's parser reads at once, without a look at quotes that are not closed."""
    encloses = delimited._quotes_enclose(text.encode(), delimiter)
    quoting = csv.QUOTE_MINIMAL if encloses else csv.QUOTE_NONE
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)
    rows, starts, num = [], [], 0
    for row in reader:
        rows.append(row)
        starts.append(num + 1)
        num = reader.line_num
    return [[cell.strip() for cell in row] for row in rows], [any(row) for row in rows], starts, []


@pytest.mark.parametrize("piece", [7, 40, 1 << 18])
def test_cut_records_are_those_of_the_parser(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, cut_piece, num_cut, num_mixed = random.Random(piece), delimited.cut_piece, 0, 0
    pieces: list[bool] = []

    def watched(*args: Any, **options: Any) -> Any:
        found = cut_piece(*args, **options)
        pieces.append(found is not None)
        return found

    monkeypatch.setattr(cell_cutting, "_PIECE", piece)
    monkeypatch.setattr(delimited, "_CAREFUL_BYTES", piece)
    monkeypatch.setattr(delimited, "_usual_length", lambda *args: width)
    for _ in range(240):
        text = _text(draw)
        delimiter = draw.choice([",", ";", "\t"])
        lengths = [len(row) for row in _parsed(text, delimiter)[0]]
        width = max(lengths, key=lengths.count)
        monkeypatch.setattr(delimited, "cut_piece", lambda *args, **options: None)
        expected = _records(text, delimiter)
        if not expected[3]:
            assert expected == _parsed(text, delimiter), repr(text)
        pieces.clear()
        monkeypatch.setattr(delimited, "cut_piece", watched)
        assert _records(text, delimiter) == expected, repr(text)
        num_cut += all(pieces)
        num_mixed += len(set(pieces)) == 2
    # Many are not left to the parser, and of others a part.
    assert num_cut > 100
    assert num_mixed > 12 or piece > 1_000


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("plain", lambda i: f"{i},{i / 7:.3f},k{i % 5}"),
        ("enclosed", lambda i: f'"{i}, ""a""\nb",{i},"x,y"'),
        ("quotes that end a cell", lambda i: f'"{i}, ""a""","","""{i}"""'),
        ("quotes within cells", lambda i: f'he said "no" {i},5" disk,{i}'),
        ("spaces", lambda i: f'{i}, "a b" ,\tx'.replace('" ,', '",')),
    ],
)
def test_what_people_write_is_cut_without_the_parser(
    name: str, line: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(delimited, "_read_piece", refuse)
    source = _Lines("".join(line(i) + "\n" for i in range(12)).encode(), 0, "a.csv", 1)
    # Wherever a piece of the file ends.
    for piece in (*range(1, 60), 1 << 18):
        monkeypatch.setattr(cell_cutting, "_PIECE", piece)
        delimited._cut(source, ",")


def test_quotes_that_are_not_closed_cost_their_lines_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'"open {i},{i}' if i % 100 == 50 else f'"k{i % 7}",{i}' for i in range(60_000)]
    read, num_bytes = delimited._num_bytes, 0

    def counted(line: str) -> int:
        nonlocal num_bytes
        num_bytes += len(line)
        return read(line)

    monkeypatch.setattr(delimited, "_num_bytes", counted)
    source = _Lines("".join(line + "\n" for line in lines).encode(), 0, "a.csv", 1)
    rows, starts, unclosed = delimited._cut(source, ",")
    is_open = ["open" in line for line in lines]
    assert unclosed == [i + 1 for i, opened in enumerate(is_open) if opened]
    assert [row[1] for row in rows.head(len(rows))] == [str(i) for i, opened in enumerate(is_open) if not opened]
    assert starts.tolist() == [i + 1 for i, opened in enumerate(is_open) if not opened]
    assert num_bytes <= len(source.data)  # each line is taken once
