"""Boxes drawn over a picture, a color for each class and a word at each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from derin.data.mask_colors import palette

Pixels = npt.NDArray[np.uint8]
_THICKNESS = 320  # a line for each so many pixels of the longer side
_BRIGHTNESS = np.array([0.3, 0.6, 0.1])
_DARK_INK = 140  # brightness of a color from which on dark letters are read better


def draw_boxes(
    picture: Pixels, corners: npt.NDArray[np.floating], classes: Sequence[int], words: Sequence[str] | None = None
) -> Pixels:
    """The picture with boxes over it.

    Args:
        picture: any size.
        corners: left, top, right and bottom in its pixels.
        classes: the number of each box's class, which decides its color.
        words: written at each box where there is room for them, of the first ones first; None writes nothing.

    Shapes:
        picture ``(H, W, 1 or 3)``, corners ``(N, 4)`` → ``(H, W, 3)``.

    Example:
        >>> drawn = draw_boxes(np.zeros((20, 30, 1), dtype=np.uint8), np.array([[5.0, 4, 20, 15]]), [0])
        >>> drawn.shape, drawn[4, 10].tolist(), drawn[10, 10].tolist()
        ((20, 30, 3), [230, 159, 0], [0, 0, 0])
    """
    from PIL import Image, ImageDraw

    from derin.data.sheet import caption_font

    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))))
    draw, font = ImageDraw.Draw(image), caption_font()
    thickness = max(1, round(max(image.size) / _THICKNESS))
    numbers = 1 + np.asarray(classes, dtype=np.int64) % 254  # color 0 is that of a background
    colors = [tuple(color) for color in palette()[numbers].tolist()]
    edges = [tuple(box) for box in np.rint(corners).astype(np.int64).tolist()]
    # The first come last, and lie above the others.
    for color, (left, top, right, bottom) in reversed(list(zip(colors, edges))):
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, color, thickness)
    taken: list[tuple[int, int, int, int]] = []
    for word, color, box in zip(words or (), colors, edges):
        if not word:
            continue
        width, height = (round(side) + 3 for side in draw.textbbox((0, 0), word, font=font)[2:])
        place = _free_place(box, (width, height), image.size, taken)
        if place is None:
            continue
        taken.append(place)
        ink = "#000000" if np.dot(color, _BRIGHTNESS) > _DARK_INK else "#ffffff"
        draw.rectangle(place, fill=color)
        draw.text((place[0] + 2, place[1]), word, fill=ink, font=font)
    return np.asarray(image)


def draw_caption(picture: Pixels, text: str) -> Pixels:
    """The picture with a line of text in its upper left corner, shortened to its width.

    Shapes:
        picture ``(H, W, 1 or 3)`` → ``(H, W, 3)``.
    """
    from PIL import Image, ImageDraw

    from derin.data.sheet import caption_font, fitting_text

    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))))
    draw, font = ImageDraw.Draw(image), caption_font()
    text = fitting_text(draw, text, image.width - 4, font)
    right, bottom = draw.textbbox((0, 0), text, font=font)[2:]
    draw.rectangle((0, 0, right + 3, bottom + 3), fill="#000000")
    draw.text((2, 0), text, fill="#ffffff", font=font)
    return np.asarray(image)


def _free_place(
    box: tuple[int, ...], size: tuple[int, int], whole: tuple[int, int], taken: Sequence[tuple[int, int, int, int]]
) -> tuple[int, int, int, int] | None:
    """Where the word of a box lies: above it, below, or within, in the picture and on no other word; else nowhere."""
    (left, top, right, bottom), (width, height) = box, size
    for x, y in (
        (left, top - height),
        (left, bottom),
        (left, top),
        (right - width, top),
        (right - width, top - height),
    ):
        x, y = min(max(0, x), whole[0] - width), min(max(0, y), whole[1] - height)
        place = x, y, x + width, y + height
        if not any(x < c and a < place[2] and y < d and b < place[3] for a, b, c, d in taken):
            return place
    return None
