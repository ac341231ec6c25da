"""`derin predict` of texts: a file in the form of training, one answer for each row, and what is told of them."""

from __future__ import annotations

import csv
import io
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import derin
from derin.cli.console import cli_errors
from derin.cli.predict import predict
from derin.core.errors import DerinWarning

app = typer.Typer()
app.command()(cli_errors(predict))
QUICK: dict[str, Any] = {"plan": "plain", "report": False, "threads": 1, "epochs": 1}


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"DERIN_LANG": "en", "COLUMNS": "80"})


def delimited(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    rows = [(f"{'güzel' if i % 2 else 'kötü'} film {i % 13}", "pos" if i % 2 else "neg") for i in range(60)]
    (folder / "t.csv").write_text(delimited([("text", "label"), *rows]), encoding="utf-8")
    derin.fit(folder / "t.csv", out=folder / "run", model="text_average", **QUICK)
    return folder / "run"


def test_of_a_labelled_file_every_row_has_one_answer_for_its_text_alone(reviews: Path, tmp_path: Path) -> None:
    texts = ["güzel\nfilm", "", "kötü, film", "broken", "=film()"]
    rows = [("text", "label"), *((text, "neg") for text in texts)]
    path = tmp_path / "q.csv"
    path.write_text(delimited(rows).replace("broken,neg", "broken,neg,more"), encoding="utf-8")
    result = invoke(reviews, path, "--json")
    assert result.exit_code == 0, result.stderr
    answers = json.loads(result.stdout)
    assert [answer["input"] for answer in answers] == ["güzel\nfilm", "", "kötü, film", "", "=film()"]
    assert [answer["place"] for answer in answers] == [f"q.csv line {n}" for n in (2, 4, 5, 6, 7)]
    assert [answer["label"] is None for answer in answers] == [False, True, False, True, False]
    model = derin.open(reviews)
    assert answers[0]["top"] == model.predict("güzel\nfilm").to_json()["top"]
    # The label is never read: with others the answers are the same.
    path.write_text(path.read_text(encoding="utf-8").replace(",neg", ",pos"), encoding="utf-8")
    assert json.loads(invoke(reviews, path, "--json").stdout) == answers
    assert "1 row has no answer: the text is empty (q.csv line 4)" in result.stderr
    assert "1 row has no answer: too many fields" in result.stderr
    assert invoke(reviews, path, "--out", tmp_path / "o.csv").exit_code == 0
    table = list(csv.DictReader(io.StringIO((tmp_path / "o.csv").read_text(encoding="utf-8"))))
    assert [row["place"] for row in table] == [answer["place"] for answer in answers]
    assert [row["label"] for row in table] == [answer["label"] or "" for answer in answers]


def test_lines_of_a_plain_file_end_at_newlines_alone_and_unknown_words_are_counted(
    reviews: Path, tmp_path: Path
) -> None:
    path = tmp_path / "q.txt"
    path.write_text("güzel\u2028film\r\n\nkötü\x0cfilm\x85son bilinmez\n", encoding="utf-8")
    result = invoke(reviews, "yeni film", path, "--json")
    answers = json.loads(result.stdout)
    assert [a["input"] for a in answers] == ["yeni film", "güzel\u2028film", "", "kötü\x0cfilm\x85son bilinmez"]
    assert [a.get("place") for a in answers] == [None, "q.txt line 1", "q.txt line 2", "q.txt line 3"]
    assert "1 of 2 words did not occur in training" in result.stderr
    assert "2 of 6 words did not occur in training" in result.stderr
    (tmp_path / "empty.txt").write_text("\n\n")
    refused = invoke(reviews, tmp_path / "empty.txt", "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "a text is required" in refused.stderr


def test_a_text_that_is_called_as_a_folder_is_a_text(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / "a.txt").write_text("güzel film", encoding="utf-8")
    result = invoke(reviews, "film", "--json")
    assert [a["input"] for a in json.loads(result.stdout)] == ["film"]
    assert "its texts are read as ./film" in result.stderr
    monkeypatch.chdir(tmp_path / "film")
    assert [a["place"] for a in json.loads(invoke(reviews, ".", "--json").stdout)] == ["a.txt"]
    monkeypatch.chdir(tmp_path)
    assert [a["place"] for a in json.loads(invoke(reviews, "./film", "--json").stdout)] == ["a.txt"]


def test_tagged_words_are_read_with_their_columns_and_texts_are_cut(tmp_path: Path) -> None:
    lines = "".join(f"O\tsees\nB-ACTOR\tsteve{i % 5}\nI-ACTOR\tmartin\n\n" for i in range(40))
    (tmp_path / "t.bio").write_text(lines, encoding="utf-8")
    derin.fit(tmp_path / "t.bio", out=tmp_path / "run", **QUICK)
    (tmp_path / "q.bio").write_text("O\tsees\nO\tsteve1\n\nO\t\n\nO\tmartin\n", encoding="utf-8")
    answers = json.loads(invoke(tmp_path / "run", tmp_path / "q.bio", "--json").stdout)
    assert [answer["words"] for answer in answers] == [["sees", "steve1"], None, ["martin"]]
    (tmp_path / "q.txt").write_text("sees steve1\n\nmartin\n", encoding="utf-8")
    texts = json.loads(invoke(tmp_path / "run", tmp_path / "q.txt", "--json").stdout)
    assert [answer["words"] for answer in texts] == [["sees", "steve1"], None, ["martin"]]
    assert texts[0]["tags"] == answers[0]["tags"]


def test_texts_of_sheets_and_files_are_answered_alike_in_python_and_on_the_command_line(
    reviews: Path, tmp_path: Path
) -> None:
    texts = ["güzel film 1", "", "kötü film 2"]
    frame = pd.DataFrame({"yorum": [*(f"{w} film bu {i} kez" for i in range(20) for w in ("güzel", "kötü"))]})
    frame["sınıf"] = ["pos", "NA"] * 20
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    derin.fit(tmp_path / "t.xlsx", out=tmp_path / "run", model="text_average", **QUICK)
    for run, column in ((tmp_path / "run", "yorum"), (reviews, "text")):
        model = derin.open(run)
        one_by_one = [model.predict(text).to_json()["top"] if text else None for text in texts]
        asked = pd.DataFrame({"x": [1, 2, 3], column: texts, "sınıf": "pos", "label": "pos"})
        asked.to_excel(tmp_path / "q.xlsx", index=False)
        asked.to_parquet(tmp_path / "q.parquet", index=False)
        asked.to_csv(tmp_path / "q.csv", index=False)
        (tmp_path / "q.txt").write_text("\n".join(texts), encoding="utf-8")
        for name in ("q.xlsx", "q.parquet", "q.csv", "q.txt"):
            answers = json.loads(invoke(run, tmp_path / name, "--json").stdout)
            assert [answer["top"] for answer in answers] == one_by_one, name
            for given in (tmp_path / name, str(tmp_path / name)):
                with warnings.catch_warnings(record=True, action="always") as told:
                    assert [found.to_json()["top"] for found in model.predict(given)] == one_by_one
                assert any("the text is empty" in str(warning.message) for warning in told)
    with pytest.warns(DerinWarning):
        assert derin.open(reviews).evaluate(tmp_path / "q.xlsx", split="all").num_examples == 2
