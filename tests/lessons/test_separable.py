"""Costs of separable and bottleneck convolutions, against the counts of the course."""

from __future__ import annotations

import pytest

from derin.lessons.separable import SeparableOptions, run


def test_the_counts_are_those_of_the_course() -> None:
    found = run(SeparableOptions()).numbers
    assert [found[name] for name in ("plain", "depthwise", "pointwise", "separable")] == [2_160, 432, 240, 672]
    assert found["ratio"] == pytest.approx(1 / 5 + 1 / 9, abs=1e-12)
    bottleneck = found["bottleneck"]
    assert bottleneck["direct"] == 28 * 28 * 32 * 5 * 5 * 192 == 120_422_400
    assert (bottleneck["squeeze"], bottleneck["after"]) == (28 * 28 * 16 * 192, 28 * 28 * 32 * 5 * 5 * 16)
    assert bottleneck["both"] == 12_443_648
    assert found["one_by_one_from_dense"] < 1e-12


def test_the_ratio_follows_its_formula_at_other_sizes() -> None:
    found = run(SeparableOptions(side=11, channels=7, filters=13, filter_size=5)).numbers
    assert found["plain"] == 7 * 7 * 13 * 5 * 5 * 7
    assert found["ratio"] == pytest.approx(1 / 13 + 1 / 25, abs=1e-12)
