"""`derin trace --expr` and `--example` as a newcomer meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from derin.cli.main import app

COURSE = ("--expr", "J = 3*(a + b*c)", "a=5", "b=3", "c=2")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def derin_trace(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["trace", *arguments])


def test_an_expression_is_printed_with_its_nudges() -> None:
    result = derin_trace(*COURSE)
    assert result.exit_code == 0, result.output
    assert "33 → 33.003" in result.stdout


def test_an_expression_in_json() -> None:
    document = json.loads(derin_trace(*COURSE, "--json").stdout)
    assert document["result"] == 33
    assert {node["name"]: node["gradient"] for node in document["nodes"] if node["name"] in "abc"} == {
        "a": 3,
        "b": 6,
        "c": 9,
    }
    assert document["out"] is None


@pytest.mark.parametrize("ending", ["html", "md", "tex", "csv", "txt"])
def test_an_expression_becomes_a_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"graph.{ending}"
    result = derin_trace(*COURSE, "--out", str(path))
    assert result.exit_code == 0, result.output
    assert str(path.name) in result.stdout.replace("\n", "")
    assert "33" in path.read_text(encoding="utf-8")


def test_the_example_is_printed_with_its_errata() -> None:
    result = derin_trace("--example", "3-3-3-3")
    assert result.exit_code == 0, result.output
    for number in ("0.198447", "1.617234", "2.679283", "1.010925", "0.2005849"):
        assert number in result.stdout


@pytest.mark.parametrize(("loss", "value"), [(None, 2.67928), ("binary", 2.67928), ("categorical", 1.61723)])
def test_the_example_becomes_a_table_of_all_numbers(loss: str | None, value: float, tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    result = derin_trace("--example", "3-3-3-3", "--out", str(path), *(["--loss", loss] if loss else []))
    assert result.exit_code == 0, result.output
    assert f",{value}" in path.read_text(encoding="utf-8")


def test_the_example_in_json_and_as_markdown(tmp_path: Path) -> None:
    path = tmp_path / "example.md"
    result = derin_trace("--example", "3-3-3-3", "--json", "--out", str(path))
    document = json.loads(result.stdout)
    assert document["out"] == str(path)
    assert document["losses"]["binary"] == pytest.approx(2.67928, abs=5e-6)
    assert "| 13 | W\\_k2l1 | 0.30055 |" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--expr", "a + b", "a=1"), "'b'"),
        (("--expr", "a + 1", "a=one"), "a=one"),
        (("--expr", "a + 1", "a=1", "a=2"), "two"),
        (("--expr", "a + 1", "a=1", "--input", "3"), "--expr"),
        (
            (
                "--expr",
                "__import__('os')",
            ),
            "__import__",
        ),
        (("--example", "3-3-3"), "3-3-3-3"),
        (("--example", "3-3-3-3", "--loss", "mse"), "mse"),
        (("--example", "3-3-3-3", "mlp"), "--example"),
        (("--example", "3-3-3-3", "--out", "page.pdf"), "page.pdf"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments: tuple[str, ...], part: str) -> None:
    result = derin_trace(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert part in result.stderr.replace("\n", " ")
