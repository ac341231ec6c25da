"""Whatever docs/explain.md tells to type runs as it stands, and its pictures exist."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.test_readme import QUICK, ROOT, blocks, commands
from typer.testing import CliRunner

from derin.cli.explain import COMMANDS
from derin.cli.main import app

PAGE = "docs/explain.md"


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the pictures of the documentation."""
    shutil.copytree(ROOT / "docs" / "pictures", tmp_path / "docs" / "pictures")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")
    return tmp_path


def test_commands_run_and_draw(newcomer: Path) -> None:
    found = commands(PAGE)
    ways = {"grad_cam", "integrated_gradients", "occlusion", "activations", "filters", "deconvnet"}
    assert {a[1].replace("-", "_") for a in found if a[0] == "explain"} == {*ways, "live"} <= set(COMMANDS)
    for arguments in found:
        extra = QUICK if arguments[0] == "train" else []
        if "filters" in arguments:
            extra = ["--steps", "20"]  # enough to see that it runs
        result = CliRunner().invoke(app, [*arguments, *extra])
        assert result.exit_code == 0, f"{arguments}: {result.output}"
    assert (newcomer / "digits.html").is_file()
    drawn = {path.name for path in newcomer.glob("*.png")}
    assert drawn >= {f"{way.replace('_', '-')}.png" for way in ways} | {"why-not-one.png", "digits.png"}


def test_python_runs(newcomer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, PAGE, "exec"), names)  # our own text
    assert "(1, 8, 8)" in capsys.readouterr().out
    assert (newcomer / "patterns.png").is_file()


def test_pictures_and_functions_that_are_named_exist() -> None:
    import importlib

    text = (ROOT / PAGE).read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert len(pictures) == 6
    assert all((ROOT / "docs" / picture).is_file() for picture in pictures)
    functions = re.findall(r"`(derin\.explain\.\w+)\.(\w+)`", text)
    assert len(functions) == 7
    for module, name in functions:
        assert callable(getattr(importlib.import_module(module), name))
