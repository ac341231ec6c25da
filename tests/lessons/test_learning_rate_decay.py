"""Rates against the course's formulas written out."""

from __future__ import annotations

import math

import pytest

from derin.lessons import learning_rate_decay
from derin.lessons.learning_rate_decay import DecayOptions


def test_every_form_follows_its_formula() -> None:
    found = learning_rate_decay.run(DecayOptions())
    rates = {row["schedule"].partition(":")[0]: row["rates"] for row in found.numbers["schedules"]}
    assert [round(rate, 3) for rate in rates["inverse"][:5]] == [0.2, 0.1, 0.067, 0.05, 0.04]
    epochs = range(20)
    assert rates["exponential"] == pytest.approx([0.2 * 0.95**e for e in epochs])
    assert rates["inverse-sqrt"] == pytest.approx([0.2 / math.sqrt(e + 1) for e in epochs])
    assert rates["step"] == pytest.approx([0.2 * 0.5 ** (e // 5) for e in epochs])
    assert rates["manual"] == pytest.approx([0.2] * 8 + [0.05] * 6 + [0.01] * 6)
    assert rates["cosine"] == pytest.approx([0.1 * (1 + math.cos(math.pi * e / 20)) for e in epochs])
    assert max(rates["one-cycle"]) == pytest.approx(0.2)


def test_a_warm_up_rises_to_the_rate_from_one_step_above_nothing() -> None:
    found = learning_rate_decay.run(DecayOptions(schedules=("cosine",), warmup=0.25))
    (row,) = found.numbers["schedules"]
    # A hundred steps of each of the five epochs; the first one of them takes a five-hundredth.
    assert row["rates"][:6] == pytest.approx([0.2 * (100 * epoch + 1) / 500 for epoch in range(5)] + [0.2])
