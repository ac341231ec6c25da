"""Files of masks: the distinct values of each, and where they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.core.quiet import quiet
from derin.data.report import DataReport, Outcome
from derin.readers.archives import Files
from derin.readers.listing import shown

# Masks of a photograph have many gray values or colours each; masks of instances have many over the set, few in each.
MOST_IN_A_MASK = 128

Values = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MaskFile:
    """A mask file: its distinct values, and the place of each pixel's value among them."""

    path: str
    values: Values
    places: npt.NDArray[np.uint8]
    colored: bool = False


@quiet()
def read_mask_files(files: Files, paths: set[str], report: DataReport) -> Iterator[MaskFile]:
    """The masks that can be read; the others are reported."""
    import PIL.Image

    for path, content in files.read_all(paths):
        try:
            with PIL.Image.open(io.BytesIO(content)) as image:
                yield _values_of(path, np.asarray(image), image.mode)
        except _PhotographError:
            report.add(shown(path), Outcome.SKIPPED, Message("reading.mask_is_photo", most=MOST_IN_A_MASK))
        except (OSError, ValueError, SyntaxError, EOFError, PIL.Image.DecompressionBombError):
            report.add(shown(path), Outcome.SKIPPED, Message("reading.no_picture"))


class _PhotographError(ValueError):
    """More values than a mask has."""


def _values_of(path: str, pixels: npt.NDArray[Any], mode: str) -> MaskFile:
    """The values of a mask file: numbers of a palette as they are, equal channels as one, others as colours."""
    if mode in ("LA", "La"):
        pixels = pixels[..., 0]
    colored = False
    if pixels.ndim == 3:
        red, green, blue = (pixels[..., c].astype(np.int64) for c in range(3))
        colored = bool((red != green).any() or (green != blue).any())
        pixels = red << 16 | green << 8 | blue if colored else red
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype.kind == "f" and not np.array_equal(pixels, np.rint(pixels)):
        raise _PhotographError
    values, places = np.unique(pixels, return_inverse=True)
    if len(values) > MOST_IN_A_MASK:
        raise _PhotographError
    return MaskFile(path, values.astype(np.int64), places.reshape(pixels.shape).astype(np.uint8), colored)
