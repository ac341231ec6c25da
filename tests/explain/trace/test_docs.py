"""Whatever docs/trace.md tells to type runs as it stands, on networks of the registry and on a run; pictures exist."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.test_readme import ROOT, blocks, commands
from typer.testing import CliRunner

from derin.cli.main import app
from derin.explain.trace.trace import Trace

PAGE = "docs/trace.md"
LENET5_LIMIT = 15_000_000  # bytes of the page of LeNet-5 on a picture


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the picture that the commands name."""
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "pictures" / "seven.png", tmp_path / "docs" / "pictures")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["trace", *arguments])
    assert result.exit_code == 0, f"{arguments}: {result.output}"
    return result.output


def test_commands_run_and_write(newcomer: Path) -> None:
    for arguments in commands(PAGE):
        run(*arguments[1:])
    assert {path.name for path in newcomer.glob("*.html")} == {"trace.html", "lenet5.html", "expression.html"}
    assert (newcomer / "lenet5.html").stat().st_size < LENET5_LIMIT


def test_python_runs(newcomer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, PAGE, "exec"), names)  # our own text
    found = names["found"]
    assert isinstance(found, Trace)
    assert f"(4, 3) {len(found.steps)}" in capsys.readouterr().out


def test_pictures_that_are_named_exist() -> None:
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", (ROOT / PAGE).read_text(encoding="utf-8"))
    assert len(pictures) == 6
    assert all((ROOT / "docs" / picture).is_file() for picture in pictures)


def test_arrays_and_tables_are_read_with_or_without_a_batch(newcomer: Path) -> None:
    rows = np.array([[0.5, -1.0, 2.0, 0.25], [1.5, 0.0, -0.5, 1.0]])
    np.save("rows.npy", rows)
    np.savetxt("rows.csv", rows, delimiter=",")
    sizes = ["--classes", "3", "--option", "hidden=[5]", "--json"]
    told = [
        json.loads(run("mlp", "--input", given, "--target", "[2,0]", *sizes))
        for given in ("rows.npy", "rows.csv", str(rows.tolist()))
    ]
    assert told[0]["loss"] == told[1]["loss"] == told[2]["loss"]
    assert told[0]["largest_difference"] < 1e-9
    alone = json.loads(run("mlp", "--input", "0.5,-1,2,0.25", "--target", "2", *sizes))
    assert next(node["shape"] for node in alone["nodes"] if node["kind"] == "input") == [1, 4]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mlp", "--target", "0"], "--input is missing"),
        (["mlp", "--input", "1,2", "--target", "0", "--lr", "0.1"], "--optimizer, which is missing"),
        (["mpl", "--input", "1,2", "--target", "0"], "did you mean 'mlp'"),
        (["mlp", "--input", "one,two", "--target", "0"], "got 'one,two'"),
        (["mlp", "--input", "1,2", "--target", "cat"], "got 'cat'"),
        (["mlp", "--input", "1,2", "--target", "0,1,2", "--classes", "2"], "cross_entropy"),
        (["mlp", "--input", "1,2", "--target", "7", "--classes", "3"], "from 0 to 2; got 7"),
        (["mlp", "--input", "none.png", "--target", "0"], "no file none.png"),
        (["mlp", "--input", "1,2", "--target", "0", "--out", "trace.pdf"], ".html"),
        (["mlp", "lenet5", "--input", "1,2", "--target", "0"], "One network"),
        ([], "One network"),
    ],
)
def test_nonsense_is_answered_in_one_sentence(newcomer: Path, arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["trace", *arguments])
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert "Traceback" not in result.output
    assert list(newcomer.glob("trace.*")) == []


def test_a_run_is_traced_with_its_own_preparation_and_class_names(newcomer: Path) -> None:
    trained = CliRunner().invoke(app, ["train", "digits", "--epochs", "1", "--model", "linear"])
    assert trained.exit_code == 0, trained.output
    told = json.loads(run("runs/digits-1", "--input", "docs/pictures/seven.png", "--target", "7", "--json"))
    assert told["largest_difference"] < 1e-9
    result = CliRunner().invoke(
        app, ["trace", "runs/digits-1", "--input", "docs/pictures/seven.png", "--target", "ten"]
    )
    assert result.exit_code == 2
    assert "no class named 'ten'" in result.output
