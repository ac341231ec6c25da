"""Whatever docs/faces.md shows to be typed runs as it stands on the faces at hand, and prints what the page says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from tests.test_readme import ROOT, blocks, commands
from typer.testing import CliRunner

from derin.cli.main import app

PAGE = "docs/faces.md"


@pytest.fixture
def newcomer(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the ORL faces."""
    with zipfile.ZipFile(data_folder / "faces_orl" / "orl_faces.zip") as packed:
        packed.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_DATA", str(data_folder))
    monkeypatch.setenv("DERIN_LANG", "en")
    monkeypatch.delenv("DERIN_GALLERY_KEY", raising=False)
    return tmp_path


@pytest.mark.data
@pytest.mark.slow
def test_commands_print_what_the_page_says(newcomer: Path, weights_read_here: None) -> None:
    printed = ""
    for arguments in commands(PAGE):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{arguments}: {result.output}{result.exception}"
        printed += result.output
    shown = [line for block in blocks(PAGE, "console") for line in block.splitlines()]
    told = [line for line in shown if not line.startswith("$ ") and line != "…"]
    assert len(told) > 8
    # Other processors round the last digits otherwise.
    plain = re.sub(r"\d+", "0", printed)
    assert [line for line in told if re.sub(r"\d+", "0", line) not in plain] == []
    assert {path.name for path in newcomer.iterdir()} >= {
        "roc.png",
        "alan.json",
        "groups.csv",
        "groups.png",
        "faces.db",
    }


@pytest.mark.data
@pytest.mark.slow
def test_python_runs(newcomer: Path, weights_read_here: None, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, PAGE, "exec"), names)  # our own text
    assert capsys.readouterr().out.startswith("s3 ")


def test_the_page_links_what_it_does_not_say_itself() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert "](faces-privacy.md)" in text
    assert "no liveness is checked" in text
