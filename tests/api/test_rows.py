"""Answers to the rows of a file: one for each, in order, read as the training data was."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import derin
from derin.api.model import Model
from derin.cli.main import app
from derin.core.errors import DataError, DerinWarning
from derin.tasks.prediction import NoAnswer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Answers 1,000 for red and 2,000 for blue, near enough, plus the size."""
    folder = tmp_path_factory.mktemp("rows")
    lines = ["id;color;size;when;price"]
    for i in range(120):
        color, size = ("red", "blue")[i % 2], 100 + 37 * i
        price = (1000, 2000)[i % 2] + size
        lines.append(
            f"{7000 + 3 * i};{color};{size:,};{i % 28 + 1}/{i % 12 + 1}/2024;{price:,},5".replace(",", ".", 1)
            if size >= 1000
            else f"{7000 + 3 * i};{color};{size};{i % 28 + 1}/{i % 12 + 1}/2024;{price},5"
        )
    path = folder / "train.csv"
    path.write_text("\n".join(line.replace(",", ".", line.count(",") - 1) for line in lines), encoding="utf-8")
    run = derin.fit(path, target="price", epochs=2, report=False, out=folder / "run")
    return derin.open(run.path)


ROWS = "id;color;size;when\n1;red;1.234;1/2/2024\n2;blue;5;9;9\n3;violet;many;2/2/2024\n4;red;1.234;1/2/2024\n5;red\n"


def test_every_row_has_an_answer_in_order(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ask.csv"
    path.write_text(ROWS)
    with pytest.warns(DerinWarning) as told:
        answers = model.predict(path)
    assert [isinstance(a, NoAnswer) for a in answers] == [False, True, False, False, True]
    assert answers[0].value == pytest.approx(answers[3].value, abs=1e-3)
    assert answers[1].to_json() == {"value": None, "reason": "too many fields: 5 where 4 are required"}
    sentences = [str(w.message) for w in told]
    assert any("too many fields" in s and f"{path}:3" in s for s in sentences)
    assert any("too few fields" in s and f"{path}:6" in s for s in sentences)
    assert any("'many' is no number" in s for s in sentences)
    assert any("'color'" in s and "did not occur in training" in s for s in sentences)
    # A row in a person's hand, alone, is the same row.
    alone = model.predict({"color": "red", "size": "1.234", "when": "1/2/2024"})
    assert alone.value == pytest.approx(answers[0].value, abs=1e-3)
    assert model.predict({"color": "red", "size": 1234, "when": "2024-02-01"}).value == pytest.approx(
        alone.value, abs=1e-3
    )


def test_values_that_are_new_are_told_of_rows_in_memory(model: Model) -> None:
    rows = [{"color": "violet", "size": i, "when": "1/2/2024"} for i in range(300)]
    with pytest.warns(DerinWarning, match=r"'color' that did not occur in training: 300") as told:
        assert len(model.predict(rows)) == 300
    assert len(told) == 1
    # A broken line has no values that could be missing; an empty cell has.
    with pytest.warns(DerinWarning) as told:
        model.predict([{"color": None, "size": "", "when": None}, {"color": "red", "size": 1, "when": None}])
    assert [str(w.message).split(",")[0] for w in told] == [
        "'color' is missing in 1 row",
        "'size' is missing in 1 row",
        "'when' is missing in 2 rows",
    ]


def test_the_command_writes_names_identifiers_and_empty_cells(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "ask.csv"
    path.write_text(ROWS)
    runner = CliRunner()
    done = runner.invoke(app, ["predict", str(model.path), str(path), "--out", str(tmp_path / "answers.csv")])
    assert done.exit_code == 0, done.output
    with (tmp_path / "answers.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["input"] for row in found] == [f"{path}:{line}" for line in range(2, 7)]
    assert [row["id"] for row in found] == ["1", "", "3", "4", ""]
    assert [bool(row["value"]) for row in found] == [True, False, True, True, False]
    assert "too many fields" in done.stderr
    done = runner.invoke(app, ["predict", str(model.path), str(path), "--json"])
    listed = json.loads(done.stdout)
    assert listed[0]["id"] == {"id": "1"}
    assert (listed[1]["value"], "too many fields" in listed[1]["reason"]) == (None, True)


def test_of_classes_the_file_holds_the_probability_of_each_under_names_of_its_own(tmp_path: Path) -> None:
    classes = [f"k{n}" for n in range(6)] + ["=1+2"]
    lines = [f"{9000 + 7 * i},row {i},{i % 7 + (i % 3) / 10},{classes[i % 7]}" for i in range(140)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["label,p(k1),size,kind", *lines]) + "\n")
    kinds = {"label": "id", "p(k1)": "id"}
    run = derin.fit(path, target="kind", kinds=kinds, epochs=1, report=False, out=tmp_path / "run")
    (tmp_path / "ask.csv").write_text("label,p(k1),size\n1,one,2.0\n2,two\n3,three,6\n")
    out = tmp_path / "answers.csv"
    arguments = ["predict", str(run.path), str(tmp_path / "ask.csv"), "--out", str(out), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--top", "all"])
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    headings = ["label", "probability", *(f"p({name})" for name in derin.open(run.path).classes or ())]
    assert list(found[0]) == ["input", "id(label)", "id(p(k1))", *headings]
    assert [row["id(label)"] for row in found] == ["1", "", "3"]
    assert [row["label"] for row in found][1:2] == [""]
    for row, answer in ((found[n], listed[n]) for n in (0, 2)):
        assert {name: float(row[f"p({name})"]) for name, _ in answer["top"]} == dict(answer["top"])
        assert sum(p for _, p in answer["top"]) == pytest.approx(1, abs=1e-6)  # float32 softmax of seven
        assert float(row["probability"]) == max(p for _, p in answer["top"])
    assert [len(a["top"] or ()) for a in json.loads(CliRunner().invoke(app, arguments).stdout)] == [5, 0, 5]
    assert CliRunner().invoke(app, [*arguments, "--top", "0"]).exit_code == 2


def test_a_labelled_file_and_other_forms_are_read_too(model: Model, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": [1, 2], "color": ["red", "blue"], "size": [1234.5, 300.25], "when": pd.to_datetime(["2024-02-01"] * 2)}
    )
    frame["price"] = ["not", "looked at"]
    frame.to_csv(tmp_path / "a.csv", index=False, decimal=",")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    expected = [a.value for a in model.predict(frame.drop(columns="price"))]
    for name in ("a.xlsx", "a.parquet"):
        assert [a.value for a in model.predict(tmp_path / name)] == pytest.approx(expected, abs=1e-3)
    with pytest.warns(DerinWarning, match="unlike in the training data"):
        assert [a.value for a in model.predict(tmp_path / "a.csv")] == pytest.approx(expected, abs=1e-3)
    frame.drop(columns="size").to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(DataError, match=r"'size' is not there"):
        model.predict(tmp_path / "less.csv")


def test_a_network_of_arrays_reads_files_by_the_names_of_its_columns(tmp_path: Path) -> None:
    run = derin.fit("iris", epochs=1, report=False, out=tmp_path / "run")
    model = derin.open(run.path)
    names = list(model.preparation.columns)
    (tmp_path / "a.csv").write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n1,2\n,,,\n")
    with pytest.warns(DerinWarning) as told:
        answers = model.predict(tmp_path / "a.csv")
    sentences = [str(w.message) for w in told]
    assert "too few fields" in sentences[0]
    assert [s.split(",")[0] for s in sentences[1:]] == [f"{name!r} is missing in 1 row" for name in names]
    assert [isinstance(a, NoAnswer) for a in answers] == [False, True, False]
    assert answers[0].label == model.predict([5.1, 3.5, 1.4, 0.2]).label


def test_rows_of_an_array_file_are_answered_as_evaluation_measures_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, rows in (("flat", rng.normal(size=(30, 4))), ("grid", rng.normal(size=(30, 3, 2)).astype(np.float32))):
        kinds = (rows.reshape(30, -1)[:, 0] > 0).astype(int)
        np.savez(tmp_path / f"{name}.npz", x=rows, y=kinds)
        derin.fit(tmp_path / f"{name}.npz", out=tmp_path / name, epochs=1, plan="plain", threads=1, report=False)
        model = derin.open(tmp_path / name)
        found = model.predict(tmp_path / f"{name}.npz")
        assert [answer.to_json() for answer in found] == [answer.to_json() for answer in model.predict(rows)]
        with pytest.warns(DerinWarning):
            measured = model.evaluate(tmp_path / f"{name}.npz", split="all")
        assert np.mean([int(a.label) == kind for a, kind in zip(found, kinds)]) == measured.metrics["accuracy"]
