"""The section of word vectors: words are escaped, and a damaged record or file breaks nothing silently."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derin.core.errors import RefusedFileError
from derin.report.word_vectors import section
from derin.strategy.record import RunRecord

WORDS = ["<b>", "sea", "ship", "wind", "gull", "salt"]
FINDINGS: dict[str, Any] = {
    "words": 1234,
    "dim": 50,
    "neighbors": [["<b>", [["sea", 0.51], ["ship", 0.4]]], ["wind", [["gull", 0.9]]]],
    "map": WORDS,
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def story(path: Path, findings: Any, task: str = "word-vectors") -> RunRecord:
    return RunRecord(path, {"task": {"name": task}, "findings": findings}, [], {})


def test_neighbors_and_a_map_are_shown(tmp_path: Path) -> None:
    np.savez(tmp_path / "word_map.npz", values=np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32))
    page = section(story(tmp_path, FINDINGS, "glove"))
    assert page is not None
    assert "1,234 words" in page
    assert "sea 0.51, ship 0.40" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<circle") == 6


def test_other_tasks_and_empty_records_have_no_section(tmp_path: Path) -> None:
    assert section(story(tmp_path, FINDINGS, "lm")) is None
    assert section(story(tmp_path, None)) is None
    assert section(story(tmp_path, {"words": "many", "neighbors": [3, ["a"]], "map": "none"})) is None


def test_a_damaged_map_is_refused(tmp_path: Path) -> None:
    for content in (b"PK\x03\x04 broken", b"nothing"):
        (tmp_path / "word_map.npz").write_bytes(content)
        with pytest.raises(RefusedFileError, match=r"word_map\.npz is refused"):
            section(story(tmp_path, FINDINGS))
    np.savez(tmp_path / "word_map.npz", values=np.zeros((3, 4), np.float32))
    with pytest.raises(RefusedFileError, match="is damaged"):
        section(story(tmp_path, FINDINGS))
