"""`derin search` and `derin compare` as commands: words between the options, one document, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from derin.cli.main import app

runner = CliRunner()
QUICK = ["--epochs", "2", "--plan", "plain", "--threads", "1", "--model", "mlp"]


def test_settings_and_constraints_may_follow_one_option(tmp_path: Path) -> None:
    words = ["search", "iris", "--search", "lr=1e-3:1e-1:log", "batch_size=8,16", "parameters<=100000"]
    goal = ["--maximize", "accuracy", "--trials", "2", "--out", str(tmp_path / "s")]
    shown = runner.invoke(app, [*words, *goal, *QUICK, "--json"])
    assert shown.exit_code == 0, shown.output
    document = json.loads(shown.stdout)
    assert document["space"] == ["learning_rate=0.001:0.1:log", "batch_size=8,16"]
    assert document["goal"] == "maximize accuracy subject to parameters<=100000"
    assert [trial["outcome"] for trial in document["trials"]] == ["finished", "finished"]
    assert Path(document["report"]).exists()
    assert "Trial 0: finished" in shown.stderr
    measured = runner.invoke(app, ["eval", document["run"], "--json"])
    assert json.loads(measured.stdout)["metrics"]["accuracy"] == pytest.approx(document["test"]["accuracy"], abs=1e-6)
    runs = [str(tmp_path / "s" / trial["run"]) for trial in document["trials"]]
    picture = tmp_path / "choice.svg"
    words = ["compare", *runs, "latency_ms<=10000", "--maximize", "accuracy", "--out", str(picture), "--json"]
    compared = runner.invoke(app, words)
    assert compared.exit_code == 0, compared.output
    assert json.loads(compared.stdout)["same_examples"]
    assert picture.read_text().lstrip().startswith("<?xml")


def test_a_second_set_of_data_is_refused(tmp_path: Path) -> None:
    shown = runner.invoke(app, ["search", "iris", "wine", "--out", str(tmp_path / "s")])
    assert shown.exit_code == 2
    assert "One set of data is searched on; got 'wine' besides." in shown.stderr
