"""A column of numbers that had a type already, in a data frame or an array, as the cells that a csv file would hold.

They are made into strings only where someone looks at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

_MANY = 1 << 14  # cells that are strings at a time
_LARGEST_EXACT = 2.0**53


class NumberCells(Sequence[str]):
    """The cells of numbers; NaN is an empty cell, a whole number has no point.

    Args:
        values: whole numbers or floats of any width, ``(N,)``.

    Example:
        >>> cells = NumberCells(np.array([1.0, 2.5, np.nan]))
        >>> list(cells), cells.floats.tolist()
        (['1', '2.5', ''], [1.0, 2.5, nan])
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.values = values

    @property
    def floats(self) -> npt.NDArray[np.float64]:
        """The numbers themselves."""
        return self.values.astype(np.float64)

    @property
    def is_whole(self) -> npt.NDArray[np.bool_]:
        """Which cells are of digits alone, but for a sign."""
        if self.values.dtype.kind in "iu":
            return np.ones(len(self.values), dtype=bool)
        values = self.floats
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(values) < _LARGEST_EXACT) & (values == np.floor(values)))

    def take(self, places: Rows) -> NumberCells:
        """The cells at these places."""
        return NumberCells(self.values[places])

    def distinct(self) -> tuple[NumberCells, Rows | None]:
        """The different cells, in the order in which they come first, and the place of each cell among them; None where
        all differ."""
        found, first, codes = np.unique(self.values, return_index=True, return_inverse=True)
        if len(found) == len(self.values):
            return self, None
        order = np.argsort(first, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return NumberCells(found[order]), place[codes]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self.values), _MANY):
            yield from map(_cell, self.values[start : start + _MANY].tolist())

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(map(_cell, self.values[place].tolist()))
        return _cell(self.values[place].item())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]


def _cell(value: float | int) -> str:
    """A number as it stands in a csv file; whole ones without decimals, as they were before a gap made them floats."""
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < _LARGEST_EXACT else repr(value)
    return str(value)
