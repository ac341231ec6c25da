"""The table of a network's mistakes: which they are, how they are tagged, and what a person said of them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch
from torch import nn

import derin
from derin.api.errors import ErrorAnalysis
from derin.api.model import Model
from derin.core.errors import DataError, UsageError


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Model:
    out = tmp_path_factory.mktemp("iris") / "run"
    return derin.fit("iris", epochs=3, threads=1, plan="plain", report=False, compare=False, out=out).model()


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A network of one number on a table in a file."""
    folder = tmp_path_factory.mktemp("numbers")
    lines = [f"{i % 17},{i % 5},{2 * (i % 17) + (30 if i % 40 == 0 else 0)}" for i in range(400)]
    (folder / "t.csv").write_text("a,b,price\n" + "\n".join(lines) + "\n")
    how: dict[str, Any] = {"epochs": 2, "threads": 1, "plan": "plain", "report": False, "compare": False}
    return derin.fit(folder / "t.csv", target="price", target_kind="number", out=folder / "run", **how).model()


def test_mistakes_are_those_of_the_network_by_its_losses(iris: Model) -> None:
    found = iris.errors(split="train")
    table = derin.load("iris")
    rows = table.splits["train"]
    answers = [answer.label for answer in iris.predict([list(row) for row in _cells(table, rows)])]
    truths = [table.target().classes[label] for label in table["species"].take(rows)]
    wrong = {row: (t, a) for row, t, a in zip(rows.tolist(), truths, answers) if t != a}
    assert {m.row: (m.true, m.predicted) for m in found.mistakes} == wrong
    assert found.measured.num_examples == len(rows)
    losses = [m.loss for m in found.mistakes]
    assert losses == sorted(losses, reverse=True)
    # Cross-entropy of a class is −ln of its probability, which is below that of the answer.
    assert all(m.loss >= -np.log(m.probability) for m in found.mistakes)
    assert sum(tag.count for tag in found.tags if " → " in tag.tag) == len(wrong)


def _cells(table: Any, rows: np.ndarray) -> np.ndarray:
    return np.stack([table[column.name].take(rows) for column in table.inputs], axis=1)


def test_numbers_are_mistakes_where_they_are_further_off_than_allowed(numbers: Model) -> None:
    found = numbers.errors(split="train", tolerance=12)
    table = derin.load(numbers.card["data"]["source"], recipe=numbers.recipe)
    rows = table.splits["train"]
    off = np.abs([value.value for value in numbers.predict(_cells(table, rows).tolist())] - table["price"].take(rows))
    assert {m.row for m in found.mistakes} == set(rows[off > 12].tolist()) != set()
    with pytest.raises(UsageError, match="tolerance"):
        numbers.errors()


def test_tolerance_is_refused_where_answers_are_classes(iris: Model) -> None:
    with pytest.raises(UsageError, match="Leave it out"):
        iris.errors(tolerance=1.0)


def test_the_eyeball_part_is_shown_and_both_parts_are_measured(numbers: Model) -> None:
    whole, part = (numbers.errors(split="train", tolerance=3, eyeball=n) for n in (None, 10))
    assert whole.blackbox is None
    assert part.blackbox is not None
    assert part.eyeball.num_examples + part.blackbox.num_examples == whole.measured.num_examples
    assert part.eyeball.num_mistakes + part.blackbox.num_mistakes == whole.measured.num_mistakes
    assert len(part.mistakes) == part.eyeball.num_mistakes
    assert {m.row for m in part.mistakes} < {m.row for m in whole.mistakes}


def test_copies_of_training_examples_are_counted_and_tagged(iris: Model, tmp_path: Path) -> None:
    table = derin.load("iris")
    rows = np.concatenate([table.splits["train"][:20], table.splits["val"]])
    names = [column.name for column in table.inputs]
    with (tmp_path / "mixed.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "species"])
        for cells, label in zip(_cells(table, rows), table["species"].take(rows)):
            writer.writerow([*cells, table.target().classes[label]])
    found = iris.errors(str(tmp_path / "mixed.csv"))
    trained = {tuple(row) for row in _cells(table, table.splits["train"])}
    expected = sum(tuple(row) in trained for row in _cells(table, rows))
    assert found.copies is not None
    assert found.copies.num_examples == expected >= 20
    assert found.measured.num_examples == len(rows)
    assert found.notes
    # Its direction is counted, never taken for granted: with mistakes on the copies alone they make the error larger.
    rest = found.without_copies
    assert rest is not None
    assert rest.num_examples == len(rows) - expected
    assert rest.num_mistakes == found.measured.num_mistakes - found.copies.num_mistakes
    for mistakes, side in ((0, "they make it look smaller"), (expected, "their labels may be wrong")):
        whole = replace(found.measured, num_mistakes=mistakes + 2)
        told = replace(found, measured=whole, copies=replace(found.copies, num_mistakes=mistakes)).sentences()
        assert any(side in sentence for sentence in told)


def test_near_copies_between_splits_are_told_and_tagged(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    values = drawn.normal(size=(300, 4))
    labels = np.where(values[:, 0] + drawn.normal(size=300) > 0, "yes", "no")
    values[250:270] = values[:20].round(4)
    lines = [",".join([*(f"{x:.8g}" for x in row), label]) for row, label in zip(values, labels)]
    (tmp_path / "t.csv").write_text("a,b,c,d,kind\n" + "\n".join(lines) + "\n")
    how: dict[str, Any] = {"epochs": 1, "threads": 1, "plan": "plain", "report": False, "compare": False}
    model = derin.fit(tmp_path / "t.csv", target="kind", out=tmp_path / "run", **how).model()
    found = model.errors()
    assert {tuple(sorted(pair.rows)) for pair in found.near_copies} == {(i, 250 + i) for i in range(20)}
    between = sum(pair.splits == ("train", "val") for pair in found.near_copies)
    assert between > 0
    assert found.near_copies[0].splits[0] != found.near_copies[0].splits[1]
    assert found.carrying["nearly a training example"] == between
    assert any("nearly the same" in sentence for sentence in found.sentences())
    assert model.errors(near_copies=False).near_copies == []
    assert found.drift_of_test is not None


def test_tags_come_back_from_the_file_and_count_with_the_others(numbers: Model, tmp_path: Path) -> None:
    found = numbers.errors(split="train", tolerance=3)
    files = found.save(tmp_path, parquet=True)
    with Path(files["csv"]).open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [int(line["row"]) for line in lines] == [m.row for m in found.mistakes]
    assert pyarrow.parquet.read_table(files["parquet"]).column("row").to_pylist() == [m.row for m in found.mistakes]
    for line in lines[:4]:
        line["own_tags"] = " typo ; sold twice;"
    lines[0]["label_wrong"] = "1"
    again = found.with_tags(_written(tmp_path / "mine.csv", lines))
    counts = {tag.tag: tag.count for tag in again.tags}
    assert (counts["typo"], counts["sold twice"]) == (4, 4)
    num, examples = again.eyeball.num_mistakes, again.eyeball.num_examples
    assert again.corrected == pytest.approx((num - 1) / examples)
    assert again.to_json()["wrong_labels"] == {"mistakes": 1, "corrected_error": again.corrected}


def test_no_cell_of_a_file_runs_in_a_spreadsheet_and_tags_come_back_as_they_were(
    numbers: Model, tmp_path: Path
) -> None:
    found = numbers.errors(split="train", tolerance=3)
    first = found.mistakes[0]
    tagged = replace(found, mistakes=[replace(first, name="=A1", own_tags=("=1+2", "'tis")), *found.mistakes[1:]])
    path = Path(tagged.save(tmp_path)["csv"])
    with path.open(newline="", encoding="utf-8") as file:
        line = next(csv.DictReader(file))
    assert (line["name"], line["own_tags"]) == ("'=A1", "'=1+2; 'tis")
    assert tagged.with_tags(path).mistakes[0].own_tags == ("=1+2", "'tis")


def _written(path: Path, lines: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("row,own_tags\n1,a\n", "label_wrong is missing"),
        ("row,own_tags,label_wrong\n100000,a,0\n", "line 2: a mistake of"),
        ("row,own_tags,label_wrong\n-1,a,0\n", "line 2: a mistake of"),
        (None, "cannot be read"),
    ],
)
def test_tags_of_other_mistakes_are_refused_in_a_sentence(
    numbers: Model, tmp_path: Path, text: str | None, says: str
) -> None:
    path = tmp_path / "tags.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=says):
        numbers.errors(tolerance=3).with_tags(path)


def test_other_answers_than_classes_and_numbers_are_refused(iris: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        name = "lm"

    monkeypatch.setattr(iris, "task", Other())
    with pytest.raises(UsageError, match=r"task of .* is 'lm'"):
        iris.errors()


def test_a_network_without_mistakes_has_no_tags(iris: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    table = derin.load("iris")
    answers = torch.zeros(len(table), 3)

    class Oracle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return answers[: len(x)]

    rows = torch.from_numpy(table.splits["val"])
    answers[: len(rows)] = nn.functional.one_hot(torch.from_numpy(table["species"].take(rows.numpy())), 3) * 9.0
    monkeypatch.setattr(iris, "network", Oracle())
    found: ErrorAnalysis = iris.errors()
    assert (found.measured.num_mistakes, list(found.mistakes), found.tags) == (0, [], [])
