"""What the report says of a language model, also where the record is damaged."""

from pathlib import Path

import pytest

from derin.report.language import bits_per_character, section
from derin.strategy.record import RunRecord

FINDINGS = {
    "baseline": {"order": 5, "num_characters": 900, "bits_per_character": {"val": 2.5}},
    "characters_per_token": {"val": 2.0},
    "sentences": {"num": 41, "share": 0.95},
    "samples": {"temperature": 0.8, "texts": ["<b>O Romeo</b>\nş ı"]},
}


def story(findings: object, task: str = "lm") -> RunRecord:
    metrics = {"val": {"loss": 2.772588722239781}}  # 4 ln 2 / 2 characters: 2 bits for each
    record = {"task": {"name": task}, "findings": findings, "metrics": metrics, "finished": True}
    return RunRecord(Path("run"), record, [], {})


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def test_network_and_ngram_stand_side_by_side() -> None:
    page = str(section(story(FINDINGS)))
    assert all(part in page for part in ("2.000", "2.500", "20.0%", "character 5-gram", "95.0%", "41 lines"))


def test_bits_follow_from_the_loss_and_the_splits_own_characters() -> None:
    assert bits_per_character(story(FINDINGS), "val") == pytest.approx(2.0)
    assert bits_per_character(story(FINDINGS), "test") is None


def test_samples_are_text_and_never_markup() -> None:
    page = str(section(story(FINDINGS)))
    assert "&lt;b&gt;O Romeo" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "damaged",
    [
        {"baseline": 3, "samples": [], "sentences": None},
        {"baseline": {"order": "5", "bits_per_character": {"val": "x"}}, "samples": {"texts": 4}},
        {"sentences": {"share": "all"}, "characters_per_token": []},
    ],
)
def test_damaged_findings_leave_the_section_out(damaged: dict[str, object]) -> None:
    assert section(story(damaged)) is None


def test_other_tasks_have_no_such_section() -> None:
    assert section(story(FINDINGS, task="tagging")) is None
    assert section(story({})) is None
