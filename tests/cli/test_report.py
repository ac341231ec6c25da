"""`derin report`: writes the page again and prints its address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from tests.report.runs import classification_run
from typer.testing import CliRunner

from derin.cli.console import cli_errors
from derin.cli.report import report


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DERIN_LANG", "en")
    app = typer.Typer()
    app.command()(cli_errors(report))
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_address_is_printed_and_the_page_is_there(tmp_path: Path, invoke) -> None:
    run = classification_run(tmp_path / "run")
    result = invoke(run)
    assert result.exit_code == 0
    assert result.stdout.strip() == f"Report: {(run / 'report.html').resolve().as_uri()}"
    assert "data:image/png" in (run / "report.html").read_text(encoding="utf-8")


def test_pictures_can_be_left_out(tmp_path: Path, invoke) -> None:
    run = classification_run(tmp_path / "run")
    invoke(run, "--no-pictures")
    assert "data:image/png" not in (run / "report.html").read_text(encoding="utf-8")


def test_json_is_one_document(tmp_path: Path, invoke) -> None:
    run = classification_run(tmp_path / "run")
    document = json.loads(invoke(run, "--json").stdout)
    assert Path(document["report"]) == (run / "report.html").resolve()
    assert document["address"].startswith("file://")


def test_a_folder_that_is_no_run_is_wrong_use(tmp_path: Path, invoke) -> None:
    result = invoke(tmp_path, "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "There is no run" in result.stderr
