"""The rows of one series, put in order and evenly apart: what is doubled, missing or between two steps is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.series.calendar import Floats, Frequency, on_grid
from derin.data.table import Rows

INSERTED = -1  # the source of a row that fills a gap
# Times are steps where almost all lie on them, and where few rows have to be filled in; else rows are steps.
_SHARE_ON_GRID = 0.99
_MOST_INSERTED = 0.25  # of the rows that are there
_MOST_GROWTH = 50


@dataclass(frozen=True)
class Grid:
    """The rows of one series in their order.

    Args:
        source: the row of the file that each row comes from, or `INSERTED`.
        seconds: the moment of each row.
        doubled: rows of the file at a moment that comes again below; the last one counts.
        between: rows of the file that lie between two steps.

    Shapes:
        source, seconds ``(N,)``.
    """

    source: Rows
    seconds: Floats
    doubled: Rows
    between: Rows

    @property
    def num_inserted(self) -> int:
        return int((self.source == INSERTED).sum())

    def gaps(self) -> list[tuple[int, int]]:
        """First and last place of each run of rows that were filled in."""
        inserted = np.concatenate([[False], self.source == INSERTED, [False]])
        edges = np.flatnonzero(np.diff(inserted.astype(np.int8)))
        return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def in_order(seconds: Floats) -> Grid:
    """Rows by their moment, one for each moment, however far apart.

    Example:
        >>> found = in_order(np.array([20.0, 10.0, 20.0]))
        >>> found.source.tolist(), found.doubled.tolist()
        ([1, 2], [0])
    """
    order = np.argsort(seconds, kind="stable")
    ordered = seconds[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    nothing = np.zeros(0, dtype=np.int64)
    return Grid(order[is_last], ordered[is_last], np.sort(order[~is_last]), nothing)


def evenly(rows: Grid, frequency: Frequency, *, where: str) -> Grid:
    """Ordered rows on the steps of a frequency: what is missing between them is filled in.

    Args:
        rows: what `in_order` gave.
        frequency: the distance of two steps.
        where: the name of the series, for messages.

    Raises:
        DataError: the series would grow beyond reason.

    Example:
        >>> hours = Frequency(unit="second", count=3600)
        >>> evenly(in_order(np.array([0.0, 3600.0, 10800.0])), hours, where="x").source.tolist()
        [0, 1, -1, 2]
    """
    if not len(rows.source):
        return rows
    nearest, fits = on_grid(frequency.places(rows.seconds))
    places, source = nearest[fits], rows.source[fits]
    num = int(places[-1]) + 1
    if num > _MOST_GROWTH * len(source):
        raise DataError(
            f"{where}: {len(source):,} rows at steps of {frequency.name} would need {num:,} steps to be even. Give a "
            "time column whose steps are closer to even, or take rows as steps (steps=rows)."
        )
    first = rows.seconds[fits][0]
    moments = np.concatenate([[first], frequency.after(float(first), num - 1)])
    filled = np.full(num, INSERTED, dtype=np.int64)
    filled[places] = source
    # Two moments may round to one step; the later one holds it.
    doubled = np.setdiff1d(source, filled)
    return Grid(filled, moments, np.sort(np.append(rows.doubled, doubled)), np.sort(rows.source[~fits]))


def is_even_enough(rows: Grid, even: Grid) -> bool:
    """Whether a series is one of steps in time with gaps, rather than one of rows at odd moments."""
    num_there = len(rows.source)
    num_left = num_there - len(even.between)
    return num_left >= _SHARE_ON_GRID * num_there and even.num_inserted <= _MOST_INSERTED * num_there


def first_places(flags: npt.NDArray[np.bool_], names: list[str], most: int = 3) -> str:
    """The names of the first places that are marked, for a sentence.

    Example:
        >>> first_places(np.array([False, True, True]), ["a", "b", "c"], most=1)
        'b, …'
    """
    places = np.flatnonzero(flags)
    return ", ".join(names[i] for i in places[:most].tolist()) + (", …" if len(places) > most else "")
