"""Four descents against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from derin.lessons import one_parameter
from derin.lessons.one_parameter import OneParameterOptions


def test_small_rates_do_not_arrive_and_large_ones_run_away() -> None:
    found = one_parameter.run(OneParameterOptions(steps=15)).numbers
    assert found["slow"]["end"] == pytest.approx(4 * 0.98**15)
    assert found["wild"]["end"] == pytest.approx((-1.1) ** 15)


def test_momentum_leaves_the_local_minimum() -> None:
    found = one_parameter.run(OneParameterOptions()).numbers
    stuck, free = found["stuck"], found["free"]
    # Beside the hump the slope w/10 + sin w is 0 at this place, too.
    assert 0.1 * stuck["end"] + np.sin(stuck["end"]) == pytest.approx(0, abs=1e-3)
    assert stuck["end"] > 5
    assert abs(free["end"]) < 0.1
    assert free["cost"] < 0.01 < 1 < stuck["cost"]
