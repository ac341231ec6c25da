"""Colors for numbers: equal steps of the number look like equal steps of color.

From zero upward it is matplotlib's inferno. For numbers of both signs a scale is built here: two straight
lines in OKLab, a space in which equal distances look equal, from blue over white to orange.
Source: B. Ottosson, "A perceptual color space for image processing", 2020, bottosson.github.io/posts/oklab.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

Floats = npt.NDArray[np.float64]

# Lightness, green–red, blue–yellow. Both ends are equally far from white, so that +1 and −1 look equally strong.
AGAINST, NEITHER, FOR = (0.48, -0.04, -0.17), (0.97, 0.0, 0.0), (0.58, 0.14, 0.116)
_TO_CONE = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)  # cone response¹ᐟ³ → OKLab
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)  # cone response → linear sRGB


def heat_colors() -> Colormap:
    """For numbers from zero upward."""
    import matplotlib

    return matplotlib.colormaps["inferno"]


@cache
def signed_colors() -> Colormap:
    """For numbers of both signs: blue is below zero, white is zero, orange above."""
    from matplotlib.colors import ListedColormap

    share = np.linspace(0, 1, 128)[:, None]
    below = np.array(AGAINST) * (1 - share) + np.array(NEITHER) * share
    above = np.array(NEITHER) * (1 - share) + np.array(FOR) * share
    return ListedColormap(srgb(np.concatenate([below, above])), name="against-for")


def srgb(oklab: Floats) -> Floats:
    """OKLab → sRGB in 0..1.

    Shapes:
        ``(N, 3)`` → ``(N, 3)``.

    Example:
        >>> srgb(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).round(3).tolist()
        [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """
    cone = (oklab @ np.linalg.inv(_TO_CONE).T) ** 3
    linear = np.clip(cone @ _TO_RGB.T, 0.0, 1.0)
    found: Floats = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return found
