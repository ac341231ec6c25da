"""A network beside forecasts without training, in words that are true of the numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from derin.strategy.baselines import baseline_sentences


@pytest.mark.parametrize(
    ("ratio", "winner", "said", "unsaid"),
    [
        (0.8, "network", "20.0% smaller", "derin forecast"),
        (0.998, "network", "does as well as the network", "smaller"),
        (1.0, "naive", "does as well as the network", "times"),
        (1.004, "naive", "derin forecast 'my runs/prices-1' --baseline naive", "times"),
        (1.25, "naive", "1.25 times as large", "as well"),
        (math.inf, "naive", "without error here", "times"),
        (None, "network", "", "baseline"),
    ],
)
def test_errors_are_compared_in_true_words(
    ratio: float | None, winner: str, said: str, unsaid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    found: dict[str, Any] = {"kind": "forecasting", "best_baseline": "naive", "winner": winner, "ratio_to_best": ratio}
    text = " ".join(baseline_sentences({"findings": found}, Path("my runs") / "prices-1"))
    assert said in text
    assert unsaid not in text
    assert "1 times" not in text
