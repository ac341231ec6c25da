"""Tunes beside the rule, counted in another way, and each rule broken once."""

import re

import pytest

from derin.core.errors import UsageError
from derin.datasets.generated.music import broken_rules, melodies, music

WHOLE = "M:3/4\nK:C\nC2D2E2|E2D2C2|C2D2E2|E2D2C2|E2F2G2|A2G4|C2D2E2|E2D2C2|"


def test_every_tune_keeps_the_rule() -> None:
    assert [tune for tune in melodies(300) if broken_rules(tune)] == []


def test_bars_are_full_and_phrases_come_back_by_a_count_of_their_own() -> None:
    for tune in melodies(60, seed=3):
        meter, _, notes = tune.split("\n")
        bars = notes.rstrip("|").split("|")
        eighths = {"M:3/4": 6, "M:4/4": 8, "M:6/8": 6}[meter]
        assert [sum(int(n or 1) for n in re.findall(r"[A-Ga-g](\d?)", bar)) for bar in bars] == [eighths] * 8
        assert bars[:2] == bars[2:4] == bars[6:]


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("E2D2C2|E2F2", "E2D2D2|E2F2", ["form", "ending"]),
        ("E2F2G2|", "E2F2G4|", ["meter"]),
        ("E2F2G2|A2G4", "E2B2G2|A2G4", ["steps"]),
        ("E2F2G2|A2G4", "A2c2d2|B2A2G2", ["range"]),
        ("A2G4", "A2F4", ["ending"]),
        ("C2D2E2|E2D2C2|C2D2", "C2D2", ["form", "ending"]),
        ("K:C", "K:A", ["notation"]),
        ("|", "||", ["notation"]),
    ],
)
def test_a_broken_rule_is_named(old: str, new: str, broken: list[str]) -> None:
    assert broken_rules(WHOLE) == []
    assert broken_rules(WHOLE.replace(old, new, 1)) == broken


def test_tunes_are_parted_by_empty_lines() -> None:
    train, val = music(name="music", num=20)["text"].texts()
    assert (train + val).split("\n\n")[:-1] == melodies(20)
    assert len(val.split("\n\n")[:-1]) == 2


def test_none_is_refused() -> None:
    with pytest.raises(UsageError, match="num must be at least 1"):
        melodies(0)
