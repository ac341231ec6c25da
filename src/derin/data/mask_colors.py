"""Colours for classes of pixels, and pictures with masks laid over them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

# Far apart for most eyes: M. Okabe, K. Ito, "Color universal design", 2002, with the background dark.
_FIRST = ("#303030", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
_GOLDEN = 0.618033988749895
_VOID = 255
_STRENGTH = 0.55


@functools.cache
def palette() -> Pixels:
    """A colour for each class number; 255, which is no class, is black.

    Shapes:
        → ``(256, 3)``.

    Example:
        >>> palette()[1].tolist(), palette()[255].tolist()
        ([230, 159, 0], [0, 0, 0])
    """
    import colorsys

    colors = [[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in _FIRST]
    for number in range(len(colors), 256):
        # Steps of the golden ratio around the circle of hues never come close to one another.
        hue, light = (number * _GOLDEN) % 1.0, (0.45, 0.62, 0.78)[number % 3]
        colors.append([round(255 * part) for part in colorsys.hls_to_rgb(hue, light, 0.75)])
    colors[_VOID] = [0, 0, 0]
    found = np.array(colors, dtype=np.uint8)
    found.flags.writeable = False  # everybody gets the same one
    return found


def overlay(picture: Pixels, mask: Pixels) -> Pixels:
    """A picture with the colours of a mask over it; class 0 and pixels without a class are left as they are.

    Shapes:
        picture ``(H, W, 1 or 3)``, mask ``(H, W)`` → ``(H, W, 3)``.
    """
    plain = np.broadcast_to(picture, (*picture.shape[:2], 3)).astype(np.float32)
    shown = (mask != 0) & (mask != _VOID)
    mixed = plain * (1 - _STRENGTH) + palette()[mask].astype(np.float32) * _STRENGTH
    return np.where(shown[..., None], np.rint(mixed), plain).astype(np.uint8)


def differences(picture: Pixels, true: Pixels, predicted: Pixels) -> Pixels:
    """The picture darkened, with what is wrong in red; pixels without a true class are never wrong.

    Shapes:
        picture ``(H, W, 1 or 3)``, true and predicted ``(H, W)`` → ``(H, W, 3)``.
    """
    plain = np.broadcast_to(picture, (*picture.shape[:2], 3)) // 2
    wrong = (true != predicted) & (true != _VOID)
    return np.where(wrong[..., None], np.array([220, 40, 40], dtype=np.uint8), plain).astype(np.uint8)


def palette_png(mask: Pixels) -> bytes:
    """A mask as a PNG file whose values are the class numbers and whose palette makes them visible."""
    import io

    import PIL.Image

    image = PIL.Image.fromarray(mask)
    image.putpalette(palette().reshape(-1).tolist())
    return _file(image, io.BytesIO())


def png(picture: Pixels) -> bytes:
    """A picture as a PNG file."""
    import io

    import PIL.Image

    return _file(PIL.Image.fromarray(picture), io.BytesIO())


def hex_colors(num: int) -> Sequence[str]:
    """The colours of the first classes, as pages name them."""
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in palette()[:num].tolist()]


def _file(image: object, file: object) -> bytes:
    image.save(file, format="PNG")  # type: ignore[attr-defined]
    data: bytes = file.getvalue()  # type: ignore[attr-defined]
    return data
