"""Pictures that stay encoded because their pixels would fill the disk: decoded batch by batch, in parallel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.pictures.decode import Pixels, open_picture, pixels_of
from derin.data.pictures.fitting import ResizePolicy
from derin.data.pictures.values import PixelValues
from derin.data.table import Pictures, Rows


def num_decoders() -> int:
    """How many threads decode pictures: Pillow lets other threads run meanwhile."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def stored_picture(data: bytes, fitting: ResizePolicy, channels: int, values: PixelValues | None = None) -> Pixels:
    """The pixels that the cache holds for a file.

    Shapes:
        → ``(height, width, channels)`` uint8.

    Raises:
        UnreadablePictureError: it is no picture, or a damaged one.
    """
    image = open_picture(data, values=values).image
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    return pixels_of(fitting.apply(image), channels)


@dataclass(frozen=True)
class EncodedPictures(Pictures):
    """Pictures of which the files' own bytes are kept: file i is ``flat[offsets[i]:offsets[i + 1]]``.

    Args:
        flat: all files, one after the other.
        offsets: where each begins, and where the last ends.
        heights: of each picture when it is decoded.
        widths: likewise.
        channels: 1 or 3.
        fitting: how a decoded picture is brought to its size.
        values: what the set decided about values beyond 8 bits.
        origin: from which they can be read in another form; None for pictures that have none.
    """

    fitting: ResizePolicy
    values: PixelValues = field(default_factory=PixelValues)
    origin: Any = None

    def picture(self, row: int) -> Pixels:
        """One whole picture, height × width × channels."""
        data = self.flat[self.offsets[row] : self.offsets[row + 1]].tobytes()
        return stored_picture(data, self.fitting, self.channels, self.values)

    def take(self, rows: Rows) -> list[Pixels]:
        """Whole pictures, decoded in parallel."""
        return list(self._pool.map(self.picture, rows.tolist()))

    def windows(self, rows: Rows, tops: Rows, lefts: Rows, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """A window of ``size`` from each picture, decoded in parallel.

        Shapes:
            rows, tops, lefts ``(B,)`` → ``(B, size[0], size[1], channels)``. Every window lies inside its picture.
        """
        height, width = size
        if (tops + height > self.heights[rows]).any() or (lefts + width > self.widths[rows]).any():
            raise DataError(
                f"EncodedPictures.windows: a window of {height}x{width} reaches over the edge of its picture."
            )
        found = np.empty((len(rows), height, width, self.channels), dtype=np.uint8)

        def fill(place: int) -> None:
            top, left = tops[place], lefts[place]
            found[place] = self.picture(int(rows[place]))[top : top + height, left : left + width]

        list(self._pool.map(fill, range(len(rows))))
        return found

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-decode")
