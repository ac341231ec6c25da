"""People are asked without being told, and what they answer becomes the reference of a run's diagnosis."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import derin
from derin.api.label import LabelSet, examples_to_label
from derin.cli.main import app
from derin.core.errors import DataError, UsageError
from derin.core.printable import spreadsheet_text
from derin.report.label_page import COLUMNS
from derin.tasks.metrics.intervals import wilson


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> derin.Run:
    out = tmp_path_factory.mktemp("label") / "iris"
    return derin.fit("iris", epochs=3, threads=1, plan="plain", report=False, compare=False, out=out)


def answers_to(asked: LabelSet, path: Path, mistakes: int, reader: str = "Ada") -> Path:
    """A file in which a reader errs on the first examples and is right on all others."""
    labels = asked.table["species"].take(asked.rows).tolist()
    names = asked.table.target().classes or ()
    said = [names[(label + (place < mistakes)) % len(names)] for place, label in enumerate(labels)]
    cells = [(asked.key, row, reader, name) for row, name in zip(asked.rows.tolist(), said)]
    path.write_text(spreadsheet_text(COLUMNS, [dict(zip(COLUMNS, line)) for line in cells]), encoding="utf-8")
    return path


def test_the_page_says_neither_labels_nor_names(tmp_path: Path) -> None:
    lines = "\n".join(f"{i % 7}.5,{'secret' if i % 2 else 'hidden'}-{i % 2},file{i}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"size,kind,id\n{lines}\n")
    asked = examples_to_label(tmp_path / "t.csv", target="kind", num=8)
    page = asked.page()
    assert len(asked.rows) == 8
    assert set(asked.rows.tolist()) < set(asked.table.splits["val"].tolist())
    assert [dict(pairs)["size"] for pairs in page.shown] == [f"{row % 7}.5" for row in asked.rows]
    assert all("secret" not in value and "hidden" not in value for pairs in page.shown for _, value in pairs)
    more = examples_to_label(tmp_path / "t.csv", target="kind", num=10)
    assert more.rows[:8].tolist() == asked.rows.tolist()


def test_what_people_err_on_is_the_reference_of_the_diagnosis(run: derin.Run, tmp_path: Path) -> None:
    asked = examples_to_label(run, num=20)
    file = answers_to(asked, tmp_path / "a.csv", mistakes=1)
    told = CliRunner().invoke(app, ["label", str(run.path), "--answers", str(file), "--json"])
    assert told.exit_code == 0, told.output
    low, high = wilson(1, 20)
    reader = json.loads(told.stdout)["readers"][0]
    assert (reader["name"], reader["error"], reader["low"], reader["high"]) == ("Ada", 0.05, low, high)
    found = derin.diagnose(run)
    assert (found.reference, found.errors["reference"].interval) == ("Ada", (low, high))
    assert any("derin label" in note and "20 examples" in note for note in found.notes)
    # Its interval makes that of avoidable bias wider than a number that is taken for exact.
    bias, exact = found.part("avoidable_bias"), derin.diagnose(run, human=0.05).part("avoidable_bias")
    told_by_hand = derin.diagnose(run, human="5%:20").part("avoidable_bias")
    assert bias is not None
    assert exact is not None
    assert bias == told_by_hand
    assert bias.value == exact.value
    assert bias.high - bias.low > exact.high - exact.low


def test_answers_of_other_examples_are_refused(run: derin.Run, tmp_path: Path) -> None:
    asked = examples_to_label(run, num=5)
    file = answers_to(asked, tmp_path / "a.csv", mistakes=0)
    other = answers_to(examples_to_label(run, split="train", num=5), tmp_path / "b.csv", mistakes=0)
    with pytest.raises(DataError, match="line 2: an example of"):
        asked.read_answers(other)
    with pytest.raises(DataError, match="twice, and differently"):
        asked.read_answers(file, answers_to(asked, tmp_path / "c.csv", mistakes=1))
    text = file.read_text()
    file.write_text(text.replace("setosa", "tulip"))
    with pytest.raises(DataError, match="one of 'setosa'"):
        asked.read_answers(file)
    file.write_text(text.replace("Ada,setosa", "Ada,?"))
    labels = asked.table["species"].take(asked.rows)
    assert asked.read_answers(file).readers["Ada"].num_mistakes == int(np.sum(labels == 0))


def test_people_are_asked_for_one_class_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,price\n" + "\n".join(f"{i},{i * 0.7}" for i in range(50)))
    with pytest.raises(UsageError, match=r"price \(number\)"):
        examples_to_label(tmp_path / "t.csv", target="price")
    with pytest.raises(UsageError, match="not both"):
        examples_to_label("iris", num=3, width=0.1)
