"""What the page about privacy shows, runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.test_readme import blocks


def test_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("docs/faces-privacy.md", "python"):
        exec(compile(block, "docs/faces-privacy.md", "exec"), names)  # our own text
