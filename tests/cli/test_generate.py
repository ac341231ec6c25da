"""`derin generate` and `derin score`: promised documents, text for people, and errors in one sentence."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import derin
from derin.cli.console import cli_errors
from derin.cli.generate import generate
from derin.cli.score import score
from derin.datasets.generated.food_grammar import food


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"hidden": 24, "dim": 8}
    out = tmp_path_factory.mktemp("runs") / "food"
    table = food(name="food", num=150)
    return derin.fit(table, task="lm", model_options=options, plan="plain", report=False, epochs=1, out=out).path


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def invoke(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(cli_errors(generate))
    app.command()(cli_errors(score))
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_generated_texts_are_one_document(run: Path) -> None:
    result = invoke("generate", run, "--prompt", "The ", "--n", 2, "--length", 15, "--top-k", 5, "--json")
    assert result.exit_code == 0
    texts = json.loads(result.stdout)
    assert [set(text) for text in texts] == [{"prompt", "text"}] * 2
    assert all(text["prompt"] == "The " and len(text["text"]) == 19 for text in texts)


def test_generated_text_is_printed_as_it_is(run: Path) -> None:
    document = json.loads(invoke("generate", run, "--length", 40, "--json").stdout)
    assert invoke("generate", run, "--length", 40).stdout == document[0]["text"] + "\n"


def test_a_line_feed_can_be_named_as_the_end(run: Path) -> None:
    result = invoke("generate", run, "--length", 400, "--until", r"\n", "--json")
    assert "\n" not in json.loads(result.stdout)[0]["text"]


def test_scores_are_one_document(run: Path) -> None:
    sentences = ["The apple tart was good.", "good was."]
    documents = json.loads(invoke("score", run, *sentences, "--json").stdout)
    assert [document["text"] for document in documents] == sentences
    for document in documents:
        assert set(document) == {"text", "log_probability", "perplexity", "tokens"}
        assert "".join(token for token, _ in document["tokens"]) == document["text"]
        assert sum(value for _, value in document["tokens"]) == pytest.approx(document["log_probability"])


def test_scores_are_shown_with_the_most_probable_first(run: Path) -> None:
    sentences = ["x", "The apple tart was good.", "good was."]
    documents = json.loads(invoke("score", run, *sentences[1:], "--json").stdout)
    best = max(documents, key=lambda document: document["log_probability"])
    lines = invoke("score", run, *sentences[1:], "--tokens").stdout.splitlines()
    assert lines[0].split()[:2] == ["ln", "P"]
    assert lines[1].split()[0] == f"{best['log_probability']:.2f}"
    assert "␣" in lines[-1]


def test_wrong_use_is_one_sentence(run: Path) -> None:
    for arguments, named in (
        (("generate", run, "--prompt", "ğ", "--json"), "'ğ'"),
        (("generate", run, "--temperature", "-1", "--json"), "temperature"),
        (("generate", run, "--n", "0", "--json"), "at least 1"),
        (("score", run, "", "--json"), "empty"),
    ):
        result = invoke(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert named in result.stderr
        assert result.stderr.count("\n") == 1
