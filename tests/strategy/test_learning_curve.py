"""The power law of errors is found again, and twice the data lies within the interval as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.strategy.diagnosis import Measured
from derin.strategy.learning_curve import fit_learning_curve

SIZES = (250, 500, 1_000, 2_000, 4_000)


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(0.05, 3.0, 0.5), (0.0, 2.0, 0.35), (0.02, 20.0, 0.8)])
def test_a_power_law_is_found_again(floor: float, scale: float, exponent: float) -> None:
    curve = fit_learning_curve(SIZES, [Measured.exact(floor + scale * n**-exponent) for n in SIZES])
    # The grid of exponents has steps of 0.01.
    assert (curve.floor, curve.exponent) == (pytest.approx(floor, abs=0.002), pytest.approx(exponent, abs=0.01))
    assert curve.next_size == 8_000
    assert curve.next_error == pytest.approx(floor + scale * 8_000**-exponent, abs=1e-4)
    assert curve.interval[0] == pytest.approx(curve.interval[1])


def test_the_fit_is_that_of_scipy() -> None:
    errors = np.array([0.31, 0.22, 0.18, 0.141, 0.125])
    found = fit_learning_curve(SIZES, [Measured.share(e, 2_000) for e in errors])
    spread = [(m.high - m.low) / 2 for m in found.errors]

    def law(n: np.ndarray, floor: float, scale: float, exponent: float) -> np.ndarray:
        return floor + scale * (n / SIZES[0]) ** -exponent

    best, _ = curve_fit(law, np.array(SIZES, float), errors, p0=(0.05, 0.2, 0.5), sigma=spread, maxfev=10_000)
    assert found.next_error == pytest.approx(law(np.array(8_000.0), *best), abs=1e-3)


def test_twice_the_data_lies_within_the_interval_as_often_as_it_says() -> None:
    def truth(n: float) -> float:
        return 0.04 + 3.0 * n**-0.5

    random = generator(1, "learning curves")
    held = 0
    for _ in range(200):
        errors = [Measured.share(random.binomial(3_000, truth(n)) / 3_000, 3_000) for n in SIZES]
        low, high = fit_learning_curve(SIZES, errors).interval
        held += low <= truth(8_000) <= high
    # 95 % of 200 draws; the floor at 0 makes intervals a little shorter or longer.
    assert 0.89 <= held / 200 <= 0.995, held


def test_errors_that_do_not_fall_are_a_level_and_two_points_no_curve() -> None:
    curve = fit_learning_curve(SIZES, [Measured.exact(0.1)] * 5)
    assert curve.next_error == pytest.approx(0.1, abs=1e-9)
    with pytest.raises(UsageError, match="3 or more"):
        fit_learning_curve([100, 200, 200], [Measured.exact(0.1)] * 3)
