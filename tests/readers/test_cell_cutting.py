"""Bytes that are cut many records at a time give what Python's own parser of csv gives, or are left to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from derin.readers import cell_cutting, delimited
from derin.readers.delimited import _Lines, _restarting

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
    source = _Lines(text.encode(), 0, "a.csv", 1)
    rows, lines, unclosed = _restarting(source, delimiter)
    return rows.head(len(rows)), rows.is_filled.tolist(), rows.lengths.tolist(), lines.tolist(), unclosed


@pytest.mark.parametrize("piece", [7, 40, 1 << 18])
def test_cut_records_are_those_of_the_parser(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_cutting, "_PIECE", piece)
    draw, cut, num_cut = random.Random(piece), delimited._cut, 0
    for _ in range(600):
        text = _text(draw)
        delimiter = draw.choice([",", ";", "\t"])
        monkeypatch.setattr(delimited, "_cut", lambda source, delimiter: None)
        expected = _records(text, delimiter)
        monkeypatch.setattr(delimited, "_cut", cut)
        num_cut += cut(_Lines(text.encode(), 0, "a.csv", 1), delimiter) is not None
        assert _records(text, delimiter) == expected, repr(text)
    # Many are not left to the parser.
    assert num_cut > 250


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
    source = _Lines("".join(line(i) + "\n" for i in range(50)).encode(), 0, "a.csv", 1)
    # Wherever a piece of the file ends.
    for piece in (*range(1, 60), 1 << 18):
        monkeypatch.setattr(cell_cutting, "_PIECE", piece)
        assert delimited._cut(source, ",") is not None, piece
