"""The section about translations, of records as training writes them and of damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.report.runs import HOSTILE, common_record, write_run

from derin.report.translation import section
from derin.strategy.record import RunRecord, read_record

FOUND: dict[str, Any] = {
    "split": "test",
    "num_sentences": 200,
    "beam_size": 3,
    "length_power": 0.7,
    "greedy": {"bleu": 20.04, "chrf": 40.0, "exact_match": 0.1, "bleu_signature": "nrefs:1"},
    "beam": {"bleu": 21.56, "chrf": 41.0, "exact_match": 0.125, "bleu_signature": "nrefs:1|tok:13a"},
    "by_length": [{"from": 1, "to": 5, "num": 90, "bleu": 30.2}, {"from": 6, "to": 10, "num": 110, "bleu": 18.4}],
    "blame": {"counts": {"none": 25, "search": 35, "model": 140}, "shares": {"search": 0.2, "model": 0.8}},
    "examples": [
        {"source": HOSTILE, "reference": "b", "greedy": "c", "beam": "d", "chrf": 12.3, "fault": "search"},
        {"source": "e", "reference": "f", "greedy": "f", "beam": "f", "chrf": 100.0, "fault": "none"},
    ],
    "alignments": [{"source": ["a", " "], "target": [HOSTILE], "weights": [[0.75, 0.25]]}],
}


def story(folder: Path, found: Any, task: str = "translation") -> RunRecord:
    record = common_record("pairs", {"name": task, "headline": "token_accuracy", "maximize": True})
    write_run(folder, record | {"findings": found}, [])
    return read_record(folder)


def test_everything_that_was_found_is_told_and_escaped(tmp_path: Path) -> None:
    page = section(story(tmp_path / "run", FOUND))
    assert page is not None
    for expected in (
        "21.56",
        "12.5%",
        "nrefs:1|tok:13a",
        "6–10",
        "18.4",
        "80.0%",
        ">140<",
        "fill-opacity:0.75",
        "0.75",
    ):
        assert expected in page, expected
    assert HOSTILE not in page


def test_other_tasks_have_no_such_section(tmp_path: Path) -> None:
    assert section(story(tmp_path / "run", FOUND, task="classification")) is None
    assert section(story(tmp_path / "other", {})) is None


@pytest.mark.parametrize("name", list(FOUND))
def test_a_damaged_record_leaves_parts_out(tmp_path: Path, name: str) -> None:
    values: list[Any] = [None, "x", 7, [], [3], {}, {"a": 1}, [{"weights": [[1]]}]]
    for number, value in enumerate(values):
        section(story(tmp_path / f"run{number}", {**FOUND, name: value}))
