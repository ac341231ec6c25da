"""`derin lesson`: a list, a lesson with numbers and pictures, data of one's own, and sentences for nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from derin.cli.main import app
from derin.lessons.registry import LESSONS


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")


def lesson(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["lesson", *map(str, arguments)])


def test_without_a_name_lists_all_in_course_order() -> None:
    listed = json.loads(lesson("--json").stdout)
    assert [row["name"] for row in listed] == list(LESSONS)
    text = lesson().stdout
    assert all(name in text for name in LESSONS)
    assert text.index("linear-regression") < text.index("quadratic")


def test_a_lesson_prints_its_numbers_and_writes_its_picture() -> None:
    result = lesson("linear-regression")
    assert result.exit_code == 0, result.output
    assert "predictions 4; 3, MSE 2.5, RMSE 1.58" in result.stdout
    assert Path("lessons/linear-regression/descent.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_one_document_with_options_numbers_and_pictures() -> None:
    result = lesson("linear-regression", "--points", "1,3; 2,5; 4,6", "-o", "steps=5", "--out", "here", "--json")
    found = json.loads(result.stdout)
    assert found["options"]["points"] == [[1, 3], [2, 5], [4, 6]]
    assert found["options"]["steps"] == 5
    assert found["numbers"]["measured"][0]["predictions"] == [4, 3, 1]
    assert [Path(p) for p in found["pictures"]] == [Path("here/descent.png")]
    assert Path("here/descent.png").exists()


def test_turkish_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    assert "MSE 2,5, RMSE 1,58" in lesson("linear-regression").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["paddng"], "did you mean 'padding'"),
        (["quadratic", "--points", "1,2"], "no option of the lesson quadratic named 'points'"),
        (["quadratic", "-o", "strt=2"], "did you mean 'start'"),
        (["quadratic", "-o", "steps=-9"], "must be between"),
        (["quadratic", "-o", "start"], "must be name=value"),
        (["linear-regression", "--points", "1,x"], "got 'x'"),
        (["linear-regression", "--points", "1,2,3"], "must be rows of x and y"),
        (["linear-regression", "-o", "optimizer=sdg"], "no optimizer named 'sdg'"),
        (["--points", "1,2"], "needs a name"),
    ],
)
def test_nonsense_is_one_sentence(arguments: list[str], said: str) -> None:
    result = lesson(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_sentence() -> None:
    Path("file").write_text("")
    result = lesson("linear-regression", "--out", "file/here")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
