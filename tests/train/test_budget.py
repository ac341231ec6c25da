"""The time of a command: counted from its start, across processes, and handed on in parts."""

from __future__ import annotations

import math

import pytest

from derin.train.budget import TimeBudget


def test_time_counts_from_the_start_and_with_what_earlier_processes_took() -> None:
    now = [50.0]
    budget = TimeBudget(100, started=40.0, clock=lambda: now[0])
    assert (budget.used, budget.left, budget.is_limited) == (10.0, 90.0, True)
    budget.spent = 30.0
    now[0] = 140.0
    assert (budget.used, budget.left) == (130.0, -30.0)


def test_no_limit_is_never_used_up() -> None:
    budget = TimeBudget(0)
    assert (budget.left, budget.is_limited) == (math.inf, False)
    assert budget.part(0.5).left == math.inf


def test_a_part_ends_when_its_share_of_what_is_left_is_gone() -> None:
    now = [0.0]
    budget = TimeBudget(100, clock=lambda: now[0])
    budget.spent, now[0] = 10.0, 30.0
    part = budget.part(0.25)
    assert part.left == pytest.approx(0.25 * 60)
    now[0] = 50.0
    assert part.left == pytest.approx(0.25 * 60 - 20)
    assert budget.left == pytest.approx(40)
