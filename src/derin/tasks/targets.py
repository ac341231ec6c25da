"""Targets and weights of a whole table as arrays, checked once, so that a batch is one gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.data.schema import Column, Kind
from derin.data.table import Dense, Rows, Table

Floats = npt.NDArray[np.float64]


def training_rows(table: Table, rows: Rows | None = None) -> Rows:
    """The rows that statistics are fitted on: those given, else the training split, else every row."""
    if rows is not None:
        return rows
    return table.splits.get("train", np.arange(len(table), dtype=np.int64))


def find_target(table: Table, name: str) -> Column:
    """The column of this name; in a table that lacks it, its one target, since sets name one thing differently."""
    if all(column.name != name for column in table.schema) and len(table.targets) == 1:
        return table.targets[0]
    return table.schema[name]


def values_of(table: Table, column: Column) -> npt.NDArray[Any]:
    """The values of a dense column; a column of unequal lengths is no target."""
    data = table[column.name]
    if not isinstance(data, Dense):
        raise DataError(
            f"Table {table.name!r}: a target must hold numbers or classes; {column.name!r} holds {column.kind.value}."
        )
    return data.values


def class_name_of(value: float) -> str:
    """The class name that a number stands for: ``3.0`` is ``"3"``, as a CSV file writes it."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def class_numbers(table: Table, column: Column, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The class of every row as a place in `classes`; -1 where it is missing.

    Classes are matched by name, because another table may list them in another order or not have them all.

    Shapes:
        ``(N,)`` or, for several labels whose places are classes, ``(N, labels)`` of 0, 1 and -1.
    """
    values = values_of(table, column)
    if column.kind is Kind.CATEGORY and column.classes is not None:
        own, numbers = column.classes, values.astype(np.int64)
    elif column.kind is Kind.NUMBER and values.ndim == 1:
        distinct, places = np.unique(values, return_inverse=True)
        own = tuple("" if np.isnan(v) else class_name_of(v) for v in distinct)
        numbers = np.where(np.isnan(values), -1, places).astype(np.int64)
    else:
        raise DataError(
            f"Table {table.name!r}: the target {column.name!r} must hold classes; it holds {column.kind.value}."
        )
    place = {name: i for i, name in enumerate(classes)}
    if numbers.ndim == 2:
        return _labels_by_name(table, column, numbers, own, classes)
    if own == tuple(classes):
        return numbers
    # One more place at the end, so that -1 (missing) looks up -1.
    lookup = np.array([place.get(name, -2) for name in own] + [-1], dtype=np.int64)
    renumbered = lookup[numbers]
    unknown = sorted({own[i] for i in np.unique(numbers[renumbered == -2])})
    _refuse_unknown(table, column, unknown, classes)
    return renumbered


def _labels_by_name(
    table: Table, column: Column, values: npt.NDArray[np.int64], own: Sequence[str], classes: Sequence[str]
) -> npt.NDArray[np.int64]:
    """The columns of a multi-label table in the order of `classes`; a label that the table lacks is 0 everywhere."""
    used = [name for name, any_set in zip(own, (values == 1).any(axis=0)) if any_set]
    _refuse_unknown(table, column, sorted(set(used) - set(classes)), classes)
    result = np.zeros((len(values), len(classes)), dtype=np.int64)
    for i, name in enumerate(classes):
        if name in own:
            result[:, i] = values[:, list(own).index(name)]
    return result


def _refuse_unknown(table: Table, column: Column, unknown: Sequence[str], classes: Sequence[str]) -> None:
    if unknown:
        raise DataError(
            f"Table {table.name!r}: the target {column.name!r} holds classes that the task does not have: "
            f"{_some(unknown)}; it has: {_some(classes)}. Rename them or leave those rows out."
        )


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def require_values(table: Table, column: str, missing: npt.NDArray[np.bool_]) -> None:
    """Refuses a target that is missing in a row that is to be learned from or measured."""
    if not missing.any():
        return
    splits = table.splits or {"all": np.arange(len(table), dtype=np.int64)}
    for split, rows in splits.items():
        count = int(missing[rows].sum())
        if count:
            first = int(rows[missing[rows]][0])
            named = table.row_names[first] if table.row_names is not None else f"row {first}"
            raise DataError(
                f"Table {table.name!r}: every example needs its target {column!r}; {count} of the {len(rows)} rows of "
                f"{split!r} have none (first: {named}). Fill them in or leave those rows out."
            )


def example_weights(table: Table, column_name: str | None) -> npt.NDArray[np.float32] | None:
    """The weight of every row as float32, or None where the table has no weights.

    Shapes:
        ``(N,)``.
    """
    if column_name is None or all(column.name != column_name for column in table.schema):
        return None
    values = values_of(table, table.schema[column_name]).astype(np.float32)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise DataError(
            f"Table {table.name!r}: the weights {column_name!r} must be finite, at least 0 and not all 0, one for each "
            "row; mend the column or give it another role."
        )
    return values
