"""`derin find-lr` on a small real set."""

import json

import pytest
import typer
from typer.testing import CliRunner

from derin.cli.console import cli_errors
from derin.cli.find_lr import find_lr


@pytest.fixture
def run():
    app = typer.Typer()
    app.command("find-lr")(cli_errors(find_lr))
    return lambda *words: CliRunner().invoke(app, list(words))


SHORT = ("--model", "mlp", "--steps", "60", "--device", "cpu", "--threads", "1")


def test_a_rate_is_suggested_and_the_picture_written(run, tmp_path):
    result = run("digits", *SHORT, "--out", str(tmp_path / "curve.png"))
    assert result.exit_code == 0, result.output
    assert "suggestion" in result.stdout
    assert "--lr" in result.stdout
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_one_document_with_the_curve(run):
    result = run("digits", *SHORT, "--optimizer", "momentum", "--batch-size", "50", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["model"], document["optimizer"], document["batch_size"]) == ("mlp", "momentum", 50)
    assert document["picture"] is None
    assert len(document["rates"]) == len(document["losses"]) <= 60
    assert document["rates"][0] == 1e-7
    # A network that learns digits at all does so between these.
    assert 1e-4 < document["suggestion"] <= document["steepest"] < 1.0


def test_the_same_command_gives_the_same_answer(run):
    first, again = (run("digits", *SHORT, "--json").stdout for _ in range(2))
    assert first == again != ""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("digits", "--optimizer", "adamm"), 2, "'adam'"),
        (("digits", "--model", "mlpp"), 2, "'mlp'"),
        (("digits", "--low", "1", "--high", "0.1"), 2, "low < high"),
        (("digits", "--steps", "3"), 2, "at least 20 steps"),
    ],
)
def test_wrong_use_is_one_sentence_and_no_output(run, words, code, told):
    result = run(*words, "--json")
    assert result.exit_code == code
    assert told in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_picture_that_cannot_be_written_fails_without_output(run, tmp_path):
    result = run("digits", *SHORT, "--json", "--out", str(tmp_path / "nowhere" / "curve.png"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert result.stdout == ""
