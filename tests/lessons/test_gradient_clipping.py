"""A clipped gradient against arithmetic; the chain explodes without clipping and arrives with it."""

from __future__ import annotations

import math

import pytest

from derin.lessons import gradient_clipping
from derin.lessons.gradient_clipping import ClippingOptions, clipped


def test_the_norm_is_bounded_and_the_direction_kept() -> None:
    assert clipped((3.0, 4.0), 1.0) == pytest.approx([0.6, 0.8], rel=1e-6)
    assert clipped((3.0, 4.0), 6.0) == pytest.approx([3.0, 4.0], rel=1e-12)


def test_the_chain_explodes_without_clipping_and_arrives_with_it() -> None:
    found = gradient_clipping.run(ClippingOptions()).numbers
    # Each of 20 equal weights w has the slope (w²⁰ − 1) w¹⁹.
    assert found["first_norm"] == pytest.approx(math.sqrt(20) * (1.3**20 - 1) * 1.3**19)
    assert "Training diverged at step 2" in found["plain"]["failure"]
    assert found["bounded"]["failure"] is None
    assert found["bounded"]["weight"] == pytest.approx(1.0, abs=1e-6)
