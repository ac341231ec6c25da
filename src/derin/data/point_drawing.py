"""Points drawn over a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from derin.data.mask_colors import palette

Pixels = npt.NDArray[np.uint8]
# Of points: left, right, and in the middle, in the colors of the palette.
_LEFT, _RIGHT, _MIDDLE = 1, 2, 4
_RADIUS = 70  # a pixel for each so many pixels of the longer side


def draw_points(
    picture: Pixels,
    places: npt.NDArray[np.floating],
    visible: npt.NDArray[np.bool_],
    pairs: Sequence[Sequence[int]] = (),
) -> Pixels:
    """The picture with points over it.

    Args:
        picture: any size.
        places: x and y in its pixels.
        visible: which are drawn.
        pairs: of left and right points, which have a color each.

    Shapes:
        picture ``(H, W, 1 or 3)``, places ``(K, 2)``, visible ``(K,)`` → ``(H, W, 3)``.

    Example:
        >>> drawn = draw_points(np.zeros((9, 9, 1), np.uint8), np.array([[4.5, 4.5]]), np.array([True]))
        >>> drawn[4, 4].tolist(), drawn[0, 0].tolist()
        ([240, 228, 66], [0, 0, 0])
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3))))
    draw, colors = ImageDraw.Draw(image), palette()
    radius = max(1, round(max(image.size) / _RADIUS))
    of_point = {place: side for pair in pairs for place, side in zip(pair, (_LEFT, _RIGHT))}
    for number, ((x, y), is_seen) in enumerate(zip(places.tolist(), visible.tolist())):
        if is_seen:
            color = tuple(colors[of_point.get(number, _MIDDLE)].tolist())
            outline = "#000000" if radius > 2 else None  # which would cover a small one
            x, y = x - 0.5, y - 0.5  # Pillow's numbers are of the middles of pixels
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color, outline=outline)
    return np.asarray(image)
