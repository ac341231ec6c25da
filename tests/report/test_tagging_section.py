"""The report of a tagger: spans in colour, and nothing that a damaged record could break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derin.core import messages
from derin.report.page import render
from derin.report.tagging import section
from derin.strategy.record import RunRecord

FINDINGS: dict[str, Any] = {
    "split": "test",
    "baseline": {"precision": 0.72, "recall": 0.51, "f1": 0.597},
    "seen": {"num": 40, "recall": 0.95},
    "new": {"num": 10, "recall": None},
    "mistakes": {"type": 1, "ends": 4, "both": 0, "missed": 2, "invented": 3},
    "examples": [
        {
            "words": ["<Ada>", "met", "New", "York"],
            "true": [["PER", 0, 1], ["LOC", 2, 4]],
            "predicted": [["PER", 0, 1], ["LOC", 3, 4]],
        },
        {"words": ["Rome"], "true": [["LOC", 0, 1]], "predicted": [["LOC", 0, 1]]},
    ],
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def story(findings: Any, task: str = "tagging") -> RunRecord:
    return RunRecord(Path(), {"task": {"name": task}, "findings": findings}, [], {})


def test_true_and_found_spans_are_marked_and_names_escaped() -> None:
    page = section(story(FINDINGS))
    assert page is not None
    assert page.count('<mark class="right">') == 3  # Ada twice, Rome once
    assert page.count('<mark class="wrong">') == 2  # the true and the found end of New York
    assert '<mark class="right">&lt;Ada&gt; <small>PER</small></mark>' in page
    assert '<mark class="wrong">New York <small>LOC</small></mark>' in page
    assert "59.7%" in page
    assert page.index(messages.translate("tagging.ends")) < page.index(messages.translate("tagging.missed"))


@pytest.mark.parametrize("language", ["en", "tr"])
def test_it_speaks_both_languages(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("DERIN_LANG", language)
    page = section(story(FINDINGS))
    assert page is not None
    assert messages.translate("tagging.seen") in page


def test_sentences_can_be_left_out() -> None:
    page = section(story(FINDINGS), examples=False)
    assert page is not None
    assert "Rome" not in page


def test_the_page_says_that_it_shows_sentences_of_the_data() -> None:
    assert messages.translate("report.notice_rows") in render(story(FINDINGS))
    assert messages.translate("report.without_pictures") in render(story(FINDINGS), pictures=False)
    assert messages.translate("report.notice_rows") not in render(story({}))


def test_other_tasks_and_runs_without_findings_have_no_section() -> None:
    assert section(story(FINDINGS, "classification")) is None
    assert section(story({})) is None
    assert section(story(None)) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"examples": [{"words": ["a"], "true": [["X", 0, 9], ["X", -3, 1], 5, ["X", "0", 1]], "predicted": None}]},
        {"examples": [3, {"words": 4}], "mistakes": {"type": "many"}, "seen": 3, "baseline": {"f1": "high"}},
        {"examples": {}, "mistakes": [], "seen": {"num": None}, "baseline": None},
    ],
)
def test_a_damaged_record_breaks_nothing(damage: dict[str, Any]) -> None:
    section(story({**FINDINGS, **damage}))
