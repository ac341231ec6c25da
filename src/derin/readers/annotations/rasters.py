"""Outlines as pixels, by the rules of COCO: polygons, and runs of pixels column by column.

Source: P. Dollár, T.-Y. Lin, the mask functions of the COCO API (``maskApi.c``), which define both forms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.bool_]
_FINER = 5  # steps of the grid, within a pixel, on which COCO draws an outline
_MOST_PIXELS = 1 << 28


class Region(NamedTuple):
    """Pixels of a picture, and the line and column at which they begin in it.

    Shapes:
        pixels ``(height, width)``.
    """

    top: int
    left: int
    pixels: Pixels

    @property
    def places(self) -> tuple[slice, slice]:
        """Where in the picture they lie."""
        height, width = self.pixels.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @classmethod
    def of(cls, pixels: Pixels) -> Region:
        """What is not empty of the pixels of a whole picture."""
        rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return cls(0, 0, np.zeros((0, 0), dtype=bool))
        top, left = int(rows[0]), int(columns[0])
        return cls(top, left, pixels[top : rows[-1] + 1, left : columns[-1] + 1])


def polygon_region(polygon: npt.NDArray[np.float64], size: tuple[int, int]) -> Region:
    """The pixels inside a polygon.

    The outline is drawn as a line of places on a grid five times finer than the pixels. Where it crosses the middle of
    a column it begins or ends what is inside: of each column, the pixels below an odd number of crossings.

    Args:
        polygon: x and y of its corners, in pixels; the last is joined to the first.
        size: height and width of the picture.

    Shapes:
        ``(corners, 2)``.

    Example:
        >>> region = polygon_region(np.array([[1.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0]]), (3, 4))
        >>> region.top, region.left, region.pixels.astype(int).tolist()
        (0, 1, [[1, 1]])
    """
    height, width = size
    corners = np.trunc(_FINER * polygon + 0.5).astype(np.int64)
    following = np.roll(corners, -1, axis=0)
    x, y = _line(corners, following)
    # Between a place and the next there is a crossing where the column changes.
    is_crossing = x[1:] != x[:-1]
    column = (np.minimum(x[1:], x[:-1])[is_crossing] + 0.5) / _FINER - 0.5
    line = (np.minimum(y[1:], y[:-1])[is_crossing] + 0.5) / _FINER - 0.5
    is_middle = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    starts = np.ceil(np.clip(line[is_middle], 0, height)).astype(np.int64)
    columns = column[is_middle].astype(np.int64)
    if not len(columns) or starts.min() == starts.max():
        return Region(0, 0, np.zeros((0, 0), dtype=bool))
    top, left = int(starts.min()), int(columns.min())
    rows = int(starts.max()) - top
    places = (columns - left) * (rows + 1) + starts - top
    crossings = np.bincount(places, minlength=(int(columns.max()) - left + 1) * (rows + 1)).reshape(-1, rows + 1)
    return Region(top, left, (np.cumsum(crossings[:, :rows], axis=1) % 2 == 1).T)


def _line(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """x and y of the places of each edge, one after the other: a place for each step of its longer axis."""
    along = np.abs(end - start)
    is_flat = along[:, 0] >= along[:, 1]
    longer = np.where(is_flat, 0, 1)
    num = np.arange(len(start))
    steps = along[num, longer]
    # COCO walks every edge from its lower end, so that both ways of walking it round alike.
    backwards = start[num, longer] > end[num, longer]
    low, high = np.where(backwards[:, None], end, start), np.where(backwards[:, None], start, end)
    slope = (high - low)[num, 1 - longer] / np.maximum(steps, 1)
    edge = np.repeat(num, steps + 1)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps + 1) - (steps + 1), steps + 1)
    step = np.where(backwards[edge], steps[edge] - step, step)
    places = np.empty((len(edge), 2), dtype=np.int64)
    rows = np.arange(len(edge))
    places[rows, longer[edge]] = low[num, longer][edge] + step
    places[rows, 1 - longer[edge]] = np.trunc(low[num, 1 - longer][edge] + slope[edge] * step + 0.5).astype(np.int64)
    return places[:, 0], places[:, 1]


def nearest_pixels(pixels: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """The same in another size: each pixel is the one of the given that lies at its middle.

    Shapes:
        ``(H, W)`` → ``(height, width)``.
    """
    (height, width), (own_height, own_width) = size, pixels.shape
    rows = (2 * np.arange(height) + 1) * own_height // (2 * height)
    columns = (2 * np.arange(width) + 1) * own_width // (2 * width)
    return pixels[rows[:, None], columns]


def run_pixels(runs: dict[str, Any]) -> Pixels | None:
    """The pixels of COCO's runs: how many are out, in, out, …, column by column; None where they do not fill the size.

    Args:
        runs: ``size``, height and width, and ``counts``: numbers, or text in which COCO packs them.

    Example:
        >>> run_pixels({"size": [2, 3], "counts": [1, 3, 2]}).astype(int).tolist()
        [[0, 1, 0], [1, 1, 0]]
        >>> run_pixels({"size": [2, 3], "counts": "132"}).astype(int).tolist()
        [[0, 1, 0], [1, 1, 0]]
    """
    (height, width), counts = runs["size"], runs["counts"]
    numbers = _unpacked(counts) if isinstance(counts, str) else counts
    is_whole = numbers is not None and all(type(each) is int and each >= 0 for each in numbers)
    if numbers is None or not is_whole or min(height, width) < 1 or height * width > _MOST_PIXELS:
        return None
    if sum(numbers) != height * width:
        return None
    inside = np.arange(len(numbers)) % 2 == 1
    return np.repeat(inside, numbers).reshape(width, height).T


def _unpacked(text: str) -> list[int] | None:
    """The numbers in a text: five bits in each character, low ones first; from the third on, less the last but one."""
    numbers: list[int] = []
    value = bits = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or bits > 40:
            return None
        value |= (code & 31) << bits
        bits += 5
        if not code & 32:
            if code & 16:
                value -= 1 << bits
            numbers.append(value + numbers[-2] if len(numbers) > 2 else value)
            value = bits = 0
    return None if bits else numbers
