"""Cuts a series in the order of time: what trains lies before what chooses, and that before what measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.data.series.calendar import Floats
from derin.data.table import SPLITS, Rows

SHARES = (0.6, 0.2, 0.2)


def cut_in_time(places: Floats, parts: Any = None, *, where: str) -> dict[str, Rows]:
    """The rows of train, val and test. Of several series each is cut at the same moments.

    Args:
        places: when each row is; equal for rows of different series at one moment.
        parts: three shares whose sum is at most 1, or three numbers of steps; None is 60, 20 and 20 %. As text with
            commas between them too.
        where: the name of the data, for messages.

    Shapes:
        places ``(N,)``; each split ``(n,)``.

    Raises:
        UsageError: the parts are no three numbers of one of the two kinds.
        DataError: there are too few steps.

    Example:
        >>> {name: rows.tolist() for name, rows in cut_in_time(np.arange(5.0), [2, 1, 1], where="x").items()}
        {'train': [0, 1], 'val': [2], 'test': [3]}
    """
    moments = np.unique(places)
    sizes = _sizes(SHARES if parts is None else _numbers(parts), len(moments), where)
    bounds = np.cumsum([0, *sizes])
    step = np.searchsorted(moments, places)
    return {
        name: np.flatnonzero((step >= first) & (step < last))
        for name, first, last in zip(SPLITS, bounds[:-1].tolist(), bounds[1:].tolist())
    }


def _numbers(parts: Any) -> tuple[float, ...]:
    listed = parts.split(",") if isinstance(parts, str) else parts
    try:
        numbers = tuple(float(part) for part in listed)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != len(SPLITS) or not all(np.isfinite(n) and n > 0 for n in numbers):
        raise UsageError(
            "The split of a series is three shares such as 0.6,0.2,0.2 or three numbers of steps, for train, val and "
            f"test; got {parts!r}."
        )
    return numbers


def _sizes(parts: Sequence[float], num: int, where: str) -> list[int]:
    """Steps of each split."""
    if sum(parts) <= 1 + 1e-9:
        bounds = [round(num * sum(parts[:i])) for i in range(1, len(parts) + 1)]
        sizes = np.diff([0, *bounds]).tolist()
    else:
        sizes = [int(part) for part in parts]
    if min(sizes) < 1 or sum(sizes) > num:
        raise DataError(
            f"{where}: a series of {num:,} steps cannot be cut into train, val and test of "
            f"{', '.join(f'{part:g}' for part in parts)}; give a longer series, or another split (split=...)."
        )
    return sizes
