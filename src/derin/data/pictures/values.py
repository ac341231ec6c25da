"""From the values of pictures with more than 8 bits, and of floats, to 0..255: one range for a whole set.

Which value is white is decided once, on the pictures of training, and kept in the reading recipe: a dark picture of a
set stays dark, and is read alone as it was read among the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

# The depths of cameras and scanners: the highest value that 8, 10, 12, 14 and 16 bits hold.
_DEPTHS = (255, 1023, 4095, 16383, 65535)
_PART_VALUES = 1 << 22


@dataclass(frozen=True)
class ValueRange:
    """The values that become 0 and 255.

    Example:
        >>> ValueRange(0, 4095).to_bytes(np.array([0, 2048, 4095, 5000])).tolist()
        [0, 128, 255, 255]
    """

    low: float
    high: float

    def to_bytes(self, values: Array) -> Pixels:
        """The values as uint8, rounded; what lies outside becomes 0 or 255."""
        whole = np.ascontiguousarray(values)
        flat = whole.reshape(-1)
        found = np.empty(len(flat), dtype=np.uint8)
        scale = 255.0 / max(self.high - self.low, 1e-300)
        # In parts, because float64 takes eight times the memory of the result.
        for start in range(0, len(flat), _PART_VALUES):
            part = np.nan_to_num(flat[start : start + _PART_VALUES].astype(np.float64), posinf=0.0, neginf=0.0)
            found[start : start + _PART_VALUES] = np.rint(np.clip((part - self.low) * scale, 0.0, 255.0))
        return found.reshape(whole.shape)


BYTES, ONES = ValueRange(0.0, 255.0), ValueRange(0.0, 1.0)
_SIXTEEN_BITS = ValueRange(0.0, 65535.0)


@dataclass(frozen=True)
class Extent:
    """The lowest and highest value of a picture or an array, and whether they are floats."""

    is_float: bool
    low: float
    high: float

    @classmethod
    def of(cls, values: Array) -> Extent:
        """The extent of an array; infinite and missing values do not count."""
        is_float = values.dtype.kind == "f"
        if is_float and not np.isfinite(values.sum()):
            values = values[np.isfinite(values)]
        if values.size == 0:
            return cls(is_float, 0.0, 0.0)
        return cls(is_float, float(values.min()), float(values.max()))


@dataclass(frozen=True, kw_only=True)
class PixelValues:
    """What a set of pictures decided about values that are not bytes.

    Args:
        whole: the range of whole numbers beyond 8 bits; None where the set had none.
        floats: the range of floats; None where the set had none.

    Example:
        >>> PixelValues.decided([Extent(False, 0, 900), Extent(False, 3, 4000)]).whole
        ValueRange(low=0.0, high=4095.0)
    """

    whole: ValueRange | None = None
    floats: ValueRange | None = None

    @classmethod
    def decided(cls, extents: Iterable[Extent]) -> PixelValues:
        """One range for all whole numbers and one for all floats of a set."""
        found = list(extents)
        whole, floats = ([e for e in found if e.is_float is kind] for kind in (False, True))
        return cls(whole=_decided(whole, _DEPTHS), floats=_decided(floats, (1, 255)))

    def range_for(self, extent: Extent, *, is_set: bool = False) -> ValueRange | None:
        """The range by which a picture is read; None where its values mean nothing that is known.

        Args:
            extent: of the picture, or of an array of pictures.
            is_set: whether it is one of the set that decided, so that nothing is asked of its own values.
        """
        decided = self.floats if extent.is_float else self.whole
        if decided is not None and (is_set or decided not in (ONES, BYTES)):
            return decided
        if extent.low < 0:
            return None
        usual = (ONES, BYTES) if extent.is_float else (BYTES, _SIXTEEN_BITS)
        return next((each for each in usual if extent.high <= each.high), None)

    def agrees_with(self, other: PixelValues) -> bool:
        """Whether the other decision gives the same pixels: it may say more of what does not occur here."""
        return self.whole in (None, other.whole) and self.floats in (None, other.floats)

    def to_json(self) -> dict[str, list[float]]:
        """What a recipe and a card keep; a range that was not decided is left out."""
        ranges = {"whole": self.whole, "floats": self.floats}
        return {name: [each.low, each.high] for name, each in ranges.items() if each is not None}

    @classmethod
    def from_json(cls, data: Any) -> PixelValues:
        """The decision that `to_json` described.

        Raises:
            RefusedFileError: it is none.
        """
        if not isinstance(data, Mapping) or not set(data) <= {"whole", "floats"}:
            raise RefusedFileError(f"The range of pixel values is damaged: got {str(data)[:80]}.")
        return cls(**{name: _read_range(pair) for name, pair in data.items()})


# What is usual: whole numbers that use all of 16 bits, floats from 0 to 1.
USUAL_VALUES = PixelValues(whole=_SIXTEEN_BITS, floats=ONES)


def _decided(extents: list[Extent], usual: tuple[int, ...]) -> ValueRange | None:
    if not extents:
        return None
    low, high = min(e.low for e in extents), max(e.high for e in extents)
    if low >= 0:
        high = next((float(most) for most in usual if high <= most), high)
        low = 0.0
    return ValueRange(low, high)


def _read_range(pair: Any) -> ValueRange:
    numbers = isinstance(pair, list) and len(pair) == 2 and all(type(v) in (int, float) for v in pair)
    if not numbers or not all(np.isfinite(v) for v in pair) or not pair[0] <= pair[1]:
        raise RefusedFileError(f"The range of pixel values is damaged: two numbers are required; got {str(pair)[:80]}.")
    return ValueRange(float(pair[0]), float(pair[1]))
