"""Several labels in one cell are found where that is certain, in tables and in texts; oracles are known contents."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import derin
from derin.core.errors import RefusedFileError
from derin.data.table import Dense
from derin.readers.cell_labels import labels_between

GENRES = ("comedy", "drama", "sci-fi", "war")
ROWS = [[name for bit, name in enumerate(GENRES) if (i % 13 + 1) >> bit & 1] for i in range(130)]
WRITERS: dict[str, Callable[[list[str]], str]] = {
    "|": "|".join,
    ";": "; ".join,
    ",": ", ".join,
    "JSON": json.dumps,
    "Python": repr,
}


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def write(path: Path, names: str, cells: list[str], text: bool) -> Path:
    inputs = [f"a film of day {i} and {i % 7}" if text else f"{i % 11},{i % 7}" for i in range(len(cells))]
    lines = [names, *(f"{given},{quoted(cell)}" for given, cell in zip(inputs, cells, strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sets(table: derin.Table) -> list[list[str]]:
    column = table.target()
    data = table[column.name]
    assert isinstance(data, Dense)
    return [[name for name, is_set in zip(column.classes or (), row) if is_set] for row in data.values.tolist()]


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("writer", WRITERS)
def test_every_way_of_writing_several_labels_gives_the_same_labels(tmp_path: Path, writer: str, text: bool) -> None:
    names = "text,genres" if text else "x,z,genres"
    data = write(tmp_path / "d.csv", names, [WRITERS[writer](each) for each in ROWS], text)
    table = derin.load(data)
    assert table.target().classes == GENRES
    assert sets(table) == ROWS
    assert any("'genres' hold several labels" in note for note in table.report.notes)
    assert len(derin.load(data, target_kind="category").target().classes or ()) == 13


def test_lists_of_json_lines_are_labels_and_an_empty_one_is_none(tmp_path: Path) -> None:
    rows = [*ROWS, []]
    texts, table = tmp_path / "t.jsonl", tmp_path / "u.jsonl"
    texts.write_text("".join(json.dumps({"text": f"a film of day {i}", "tags": r}) + "\n" for i, r in enumerate(rows)))
    table.write_text("".join(json.dumps({"x": i % 7, "z": 0.5 * i, "labels": r}) + "\n" for i, r in enumerate(rows)))
    assert sets(derin.load(texts)) == rows
    assert sets(derin.load(table)) == rows


@pytest.mark.parametrize(
    "cells",
    [
        ["low, high", "high, low", "low, low", "high, high"],  # places, each of two values
        ["Paris, France", "Lyon, France", "Berlin, Germany"],  # a thing and where it is
        ["Payday loan", "Money transfer", "Credit card, prepaid", "Debt"],
        ["golden retriever", "great dane", "golden eagle"],
        ["1,5", "2,5", "1,25"],
        ["[1, 2]", "[2, 3]", "[1, 3]"],
        ["a", "b", ""],
    ],
)
def test_classes_with_marks_in_their_names_stay_classes(tmp_path: Path, cells: list[str]) -> None:
    assert labels_between(cells) == ""
    table = derin.load(write(tmp_path / "d.csv", "x,z,kind", cells * 12, text=False))
    assert table.target().shape == ()


def test_what_is_not_certain_is_said_with_the_remedy_that_works(tmp_path: Path) -> None:
    cells = ["sun, sea", "sea, rain", "rain, sun"] * 12
    data = write(tmp_path / "d.csv", "x,z,kind", cells, text=False)
    table = derin.load(data)
    assert table.target().shape == ()
    assert any("--task multilabel" in note for note in table.report.notes)
    assert derin.load(data, task="multilabel").target().classes == ("rain", "sea", "sun")
    tags = write(tmp_path / "e.csv", "text,tags", [" ".join(each) for each in ROWS], text=True)
    assert any("--task multilabel" in note for note in derin.load(tags).report.notes)
    assert sets(derin.load(tags, task="multilabel")) == ROWS


def test_other_data_is_read_by_the_labels_of_the_training_and_unknown_ones_are_named(tmp_path: Path) -> None:
    for text in (False, True):
        names = "text,genres" if text else "x,z,genres"
        training = derin.load(write(tmp_path / "a.csv", names, ["|".join(each) for each in ROWS], text))
        other = write(tmp_path / "b.csv", names, ["war", "war|noir", "comedy"], text)
        table = derin.load(other, recipe=training.recipe)
        assert sets(table) == [["war"], ["war"], ["comedy"]]
        assert any("'noir'" in note for note in table.report.notes)


def test_a_recipe_with_another_mark_is_refused(tmp_path: Path) -> None:
    training = derin.load(write(tmp_path / "a.csv", "x,z,genres", ["|".join(each) for each in ROWS], text=False))
    assert training.recipe is not None
    found = json.loads(json.dumps(training.recipe.to_json()))
    found["found"]["table"]["columns"]["genres"]["between"] = "##"
    with pytest.raises(RefusedFileError, match="damaged"):
        derin.load(tmp_path / "a.csv", recipe=type(training.recipe).from_json(found))
