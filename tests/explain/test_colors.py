"""Equal steps of a number are equal steps of color."""

from __future__ import annotations

import numpy as np

from derin.explain.colors import heat_colors, signed_colors


def lightness(colors: np.ndarray) -> np.ndarray:
    """L* of CIELAB, from sRGB in 0..1."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


def test_lightness_rises_evenly_with_heat() -> None:
    steps = np.diff(lightness(heat_colors()(np.linspace(0, 1, 33))[:, :3]))
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.mean()


def test_both_signs_darken_evenly_away_from_white_and_can_be_told_apart() -> None:
    colors = signed_colors()(np.linspace(0, 1, 65))[:, :3]
    shades = lightness(colors)
    below, above = shades[:33][::-1], shades[32:]
    for side in (below, above):
        steps = -np.diff(side)
        assert (steps[1:] > 0).all()
        assert steps.max() < 1.6 * steps.mean()
    assert shades.max() > 95
    assert colors[0, 2] > 2 * colors[0, 0]  # blue
    assert colors[-1, 0] > 2 * colors[-1, 2]  # orange
    np.testing.assert_array_less(np.abs(below - above), 15)
