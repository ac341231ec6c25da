"""The values of a table's column as a person reads them."""

from __future__ import annotations

import numpy as np

from derin.data.schema import Kind
from derin.data.table import Dense, Ragged, Rows, Sounds, Table

_MOST_NUMBERS = 20  # of an array that stands in one row


def displayed(table: Table, name: str, rows: Rows, *, max_length: int) -> list[str]:
    """One column's values of some rows, in words; what is missing, or has no words, is empty.

    Args:
        table: the data.
        name: of a column of text, numbers, categories or dates; of sounds their length in seconds.
        rows: which.
        max_length: letters of a value that are shown; more are cut off with an ellipsis.

    Example:
        >>> from derin.data.schema import Column, Role, Schema
        >>> column = Column(name="day", kind=Kind.DATE, role=Role.INPUT)
        >>> table = Table(name="t", schema=Schema((column,)), columns={"day": Dense(np.array([0.0, 90.0]))}, splits={})
        >>> displayed(table, "day", np.array([1, 0]), max_length=80)
        ['1970-01-01 00:01:30', '1970-01-01']
    """
    column, data = table.schema[name], table[name]
    if isinstance(data, Sounds):
        return [f"{length / data.rate:.3g} s" for length in data.lengths[rows].tolist()]
    if isinstance(data, Ragged):
        return [_shortened(text, max_length) for text in data.texts(rows)]
    if not isinstance(data, Dense):  # pictures have no words
        return [""] * len(rows)
    values = data.take(rows)
    if values.ndim > 1:
        flat = values.reshape(len(values), -1)
        more = " …" if flat.shape[1] > _MOST_NUMBERS else ""
        shown = [" ".join(f"{value:.4g}" for value in row[:_MOST_NUMBERS]) + more for row in flat]
        return [_shortened(text, max_length) for text in shown]
    if column.classes is not None and values.dtype.kind in "iu":
        return [column.classes[value] if 0 <= value < len(column.classes) else "" for value in values.tolist()]
    if column.kind is Kind.DATE:
        return [_moment(seconds) for seconds in values.tolist()]
    if values.dtype.kind == "f":
        return ["" if np.isnan(value) else f"{value:.6g}" for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def _moment(seconds: float) -> str:
    """Seconds since 1970 as a date, with the time of day where it is not midnight."""
    if not np.isfinite(seconds):
        return ""
    moment = np.datetime64(round(seconds), "s")
    return str(moment).replace("T", " ").removesuffix(" 00:00:00")


def _shortened(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else text[: max_length - 1].rstrip() + "…"
