"""Boxes drawn over a picture, a color for each class and a word at each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from derin.data.mask_colors import palette

Pixels = npt.NDArray[np.uint8]
_THICKNESS = 320  # a line for each so many pixels of the longer side
_DARK_INK = 140  # brightness of a color from which on dark letters are read better


def draw_boxes(
    picture: Pixels, corners: npt.NDArray[np.floating], classes: Sequence[int], words: Sequence[str] | None = None
) -> Pixels:
    """The picture with boxes over it.

    Args:
        picture: any size.
        corners: left, top, right and bottom in its pixels.
        classes: the number of each box's class, which decides its color.
        words: written at each box; None writes nothing.

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
    colors = palette()
    # The most probable come first, and lie above the others.
    for place in reversed(range(len(corners))):
        # Color 0 is that of a background.
        red, green, blue = colors[1 + classes[place] % 254].tolist()
        left, top, right, bottom = (round(float(v)) for v in corners[place])
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, (red, green, blue), thickness)
        if words is not None:
            ink = "#000000" if 0.3 * red + 0.6 * green + 0.1 * blue > _DARK_INK else "#ffffff"
            box = draw.textbbox((0, 0), words[place], font=font)
            height = round(box[3]) + 2
            start = (left, max(0, top - height))
            draw.rectangle((*start, left + round(box[2]) + 3, start[1] + height), fill=(red, green, blue))
            draw.text((left + 2, start[1]), words[place], fill=ink, font=font)
    return np.asarray(image)
