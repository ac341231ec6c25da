"""What the report says of a network beside a linear model of n-grams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.report.runs import HOSTILE, classification_run

from derin.report.text_baseline import section
from derin.strategy.record import read_record
from derin.tasks.metrics.mcnemar import PairedComparison


def story_with(folder: Path, comparison: dict[str, Any] | None) -> Any:
    run = classification_run(folder)
    if comparison is not None:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        found = {"setting": HOSTILE, "num_candidates": 14, "split": "test", "accuracy": 0.75, "network_accuracy": 0.8}
        record["findings"] = {"linear_text": found | {"comparison": comparison}}
        (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return read_record(run)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [(90, 40, "the network is better"), (40, 90, "the linear model is better"), (50, 49, "may be chance")],
)
def test_the_conclusion_follows_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int, word: str
) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    comparison = PairedComparison(1_000, first, second)
    page = section(story_with(tmp_path, comparison.to_json()))
    assert page is not None
    assert word in page
    low, high = comparison.interval()
    assert f"{low:+.3f} to {high:+.3f}" in page
    assert "<script" not in page


def test_it_speaks_turkish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "tr")
    page = section(story_with(tmp_path, PairedComparison(1_000, 50, 49).to_json()))
    assert page is not None
    assert "rastlantı" in page


def test_runs_without_a_baseline_say_nothing(tmp_path: Path) -> None:
    assert section(story_with(tmp_path, None)) is None


def test_damaged_findings_are_left_out(tmp_path: Path) -> None:
    assert section(story_with(tmp_path, {"num_examples": "many"})) is None
