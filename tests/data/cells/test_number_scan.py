"""Numbers that are found in the bytes of cells are those that Python's float gives, and a column means what it means
where each of its cells is looked at."""

from __future__ import annotations

import random
from dataclasses import fields

import numpy as np
import pytest

from derin.data.cells import values as cell_values
from derin.data.cells.number_scan import plain_numbers
from derin.data.cells.packed import Block, PackedColumn, PackedRecords
from derin.data.cells.values import Habits, infer_values, values_written
from derin.data.cells.writing import Writing
from derin.data.schema import Kind


def _packed(cells: list[str]) -> PackedColumn:
    rows = [[cell, "x"] for cell in cells]
    half = len(rows) // 2
    return PackedRecords([Block.of(part) for part in (rows[:half], rows[half:]) if part]).columns(1)[0]


def _digits(draw: random.Random, most: int) -> str:
    return "".join(draw.choices("0123456789", k=draw.randrange(most + 1)))


def _number(draw: random.Random) -> str:
    kind = draw.randrange(8)
    if kind < 4:
        return draw.choice(["", "-"]) + _digits(draw, 9) + draw.choice([".", "", "."]) + _digits(draw, 9)
    if kind == 4:
        return repr(draw.uniform(-10, 10) * 10.0 ** draw.randrange(-20, 20))
    if kind == 5:
        return str(draw.getrandbits(draw.randrange(1, 70)))
    return f"{draw.gauss(0, 100):.{draw.randrange(8)}f}"


def test_each_number_is_the_nearest_float() -> None:
    draw = random.Random(1)
    cells = [cell for cell in (_number(draw) for _ in range(20_000)) if any(digit in cell for digit in "0123456789")]
    cells += ["9007199254740993", "9007199254740992", "0.1234567890123456", "99999999.99999999", "-0", "5.", ".5"]
    cells = [cell for cell in cells if not (cell.isdecimal() and len(cell) > 15)]
    found = plain_numbers(_packed(cells), lambda cell: False)
    assert found is not None
    expected = np.array([float(cell) for cell in cells])
    # To the bit: minus zero is one, too.
    np.testing.assert_array_equal(found.values.view(np.int64), expected.view(np.int64))


_ODD = ["", "NA", "inf", "-Infinity", "nan", "none", "--", "?", "1_000", "+5", "1,5", "1.234", "1.234.567", "٣", "12%"]
_ODD += ["1e5", "1E-3", "1e999", "abc", "-", ".", "-.", "007", "0", "1", "2024", "20240131", "1700000000", "0x10"]
_ODD += ["1 000", "−5", "1.5.2", "1-2", "5-", "--5", "-+5", "1e", "123456789012345678", "1.", ".5", "-0.0", "TRUE"]


def _column(draw: random.Random) -> list[str]:
    make = draw.choice(
        [
            lambda: f"{draw.gauss(0, 10):.{places}f}",
            lambda: str(draw.randrange(10**places)),
            lambda: repr(draw.random()),
            lambda: draw.choice("01"),
            lambda: f"{draw.randrange(1, 999)}.{draw.randrange(999):03}",
            lambda: draw.choice(_ODD),
        ]
    )
    places = draw.randrange(1, 8)
    cells = [make() for _ in range(draw.randrange(1, 150))]
    odd = draw.sample(_ODD, draw.choice([0, 0, 1, 2]))
    for cell in odd:
        for _ in range(draw.choice([1, 1, 5])):
            cells[draw.randrange(len(cells))] = cell
    return cells


def _same(ours: cell_values.Values, theirs: cell_values.Values, cells: list[str]) -> None:
    for part in fields(cell_values.Values):
        mine, right = getattr(ours, part.name), getattr(theirs, part.name)
        if part.name == "data":
            if ours.kind in (Kind.TEXT,):
                mine, right = mine.texts(), right.texts()
            else:
                np.testing.assert_array_equal(mine.values, right.values, err_msg=repr(cells))
                continue
        if isinstance(right, np.ndarray):
            np.testing.assert_array_equal(mine, right, err_msg=repr(cells))
        else:
            assert mine == right, (part.name, cells)


@pytest.mark.parametrize("seed", range(3))
def test_columns_mean_what_their_different_cells_mean(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, num_quick = random.Random(seed), 0
    for _ in range(120):
        cells = _column(draw)
        habits = Habits(decimal=draw.choice([None, ".", ","]), likely=draw.choice([".", ","]))
        name, kind = draw.choice(["a", "date"]), draw.choice([None, None, Kind.NUMBER])
        ours = infer_values(_packed(cells), habits=habits, kind=kind, name=name)
        num_quick += cell_values._plain_numbers(_packed(cells), habits, Writing()) is not None
        # A list has no bytes to be looked at.
        _same(ours, infer_values(cells, habits=habits, kind=kind, name=name), cells)
        written = Writing(flags=draw.random() < 0.5)
        _same(values_written(_packed(cells), Kind.NUMBER, written), values_written(cells, Kind.NUMBER, written), cells)
    assert num_quick > 40


def _date(draw: random.Random) -> str:
    year, month, day = draw.randrange(10_000), draw.randrange(14), draw.randrange(33)
    if draw.random() < 0.95:
        year, month, day = max(year, 1), min(max(month, 1), 12), min(max(day, 1), 28 + draw.randrange(2))
    time = f"{draw.choice(' T')}{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}"
    return f"{year:04}-{month:02}-{day:02}" + draw.choice(["", time])


_ODD_DATES = ["", "NA", "yok", "2024-1-5", "31/12/2024", "2024-02-30", "2024-01-01 24:00:00", "2024-01-01T10:00Z"]
_ODD_DATES += [
    "2024-01-01 10:00:00.5",
    "abcd-ef-gh",
    "20240101",
    "2024/01/01",
    "٢٠٢٤-01-01",
    "0000-01-01",
    "Jan 5, 2024",
]


@pytest.mark.parametrize("seed", range(2))
def test_columns_of_dates_mean_what_their_different_cells_mean(seed: int) -> None:
    draw, num_quick = random.Random(seed), 0
    for _ in range(150):
        cells = [_date(draw) for _ in range(draw.randrange(1, 60))]
        for cell in draw.sample(_ODD_DATES, draw.choice([0, 0, 1, 2])):
            for _ in range(draw.choice([1, 4])):
                cells[draw.randrange(len(cells))] = cell
        kind, order = draw.choice([None, Kind.DATE]), draw.choice([None, "MM/DD/YYYY"])
        habits = Habits(order=order)
        num_quick += cell_values.plain_dates(_packed(cells), Writing().means_gap) is not None
        _same(
            infer_values(_packed(cells), habits=habits, kind=kind), infer_values(cells, habits=habits, kind=kind), cells
        )
        written = Writing(order=order or "DD/MM/YYYY")
        _same(values_written(_packed(cells), Kind.DATE, written), values_written(cells, Kind.DATE, written), cells)
    assert num_quick > 20


def test_the_first_of_many_names_are_those_of_natural_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_values, "_FEW_STRINGS", 0)
    draw = random.Random(5)
    for _ in range(200):
        parts = draw.choice(
            [["a", "B", "1", "07", "ab"], ["x", "10", "9", "123456789", "Z", "["], ["ş", "ß", "s", "1"]]
        )
        names = ["".join(draw.choices(parts, k=draw.randrange(1, 9))) for _ in range(60)]
        names = list(dict.fromkeys(names))
        expected = sorted(names, key=lambda name: (cell_values.natural_order(name), name))[:3]
        assert cell_values._first_names(_packed(names)) == expected


def test_words_are_found_among_other_cells() -> None:
    words = ["NA", "n/a", "Unknown", "bilinmiyor", "-INFINITY", "∞", "−inf", "?", "#DIV/0!", "ſ", "\u212a"]
    cells = ["nab", "x", "12", "unknownx", "", "infinity war", *words]
    found = _packed(cells).perhaps(cell_values.GAP_WORDS).tolist()
    assert {i for i, cell in enumerate(cells) if cell and Writing().means_gap(cell)} <= set(found)
    assert not {0, 1, 2} & set(found)


def test_strings_that_mostly_differ_are_left_without_classes() -> None:
    cells = [f"k{i}" for i in range(90)] + ["k1", "", "NA"]
    full, loose = infer_values(_packed(cells)), infer_values(_packed(cells), loosely=True)
    assert loose.classes is None
    assert loose.first_names == full.classes[:3]  # type: ignore[index]
    assert (loose.kind, loose.note, loose.num_distinct) == (full.kind, full.note, full.num_distinct)
    np.testing.assert_array_equal(loose.is_missing, full.is_missing)
    assert loose.data.texts() == cells  # type: ignore[attr-defined]
