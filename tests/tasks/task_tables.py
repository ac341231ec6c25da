"""Small tables for the tests of tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table


def table_of(values: Any, *, splits: dict[str, Any] | None = None, weights: Any = None, **column: Any) -> Table:
    """A table with one target column `y`, and a column `w` of weights where they are given."""
    values = np.asarray(values)
    columns = [Column(name="y", role=Role.TARGET, shape=values.shape[1:], **column)]
    data = {"y": Dense(values)}
    if weights is not None:
        columns.append(Column(name="w", kind=Kind.NUMBER, role=Role.WEIGHT))
        data["w"] = Dense(np.asarray(weights, dtype=np.float64))
    rows = {split: np.asarray(places, dtype=np.int64) for split, places in (splits or {}).items()}
    return Table(name="toy", schema=Schema(tuple(columns)), columns=data, splits=rows)


def classes_table(numbers: Any, classes: tuple[str, ...], **options: Any) -> Table:
    """A table whose target holds classes."""
    return table_of(np.asarray(numbers, dtype=np.int64), kind=Kind.CATEGORY, classes=classes, **options)


def numbers_table(values: Any, **options: Any) -> Table:
    """A table whose target holds numbers."""
    return table_of(np.asarray(values, dtype=np.float64), kind=Kind.NUMBER, **options)


TABLES = {
    "classification": classes_table([0, 2, 1, 2, 0, 1, 1, 2], ("cat", "dog", "owl")),
    "binary": classes_table([0, 1, 1, 0, 1, 0, 0, 1], ("no", "yes")),
    "multilabel": classes_table(
        [[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 1]], ("a", "b", "c")
    ),
    "regression": numbers_table([3.0, -50.0, 1200.0, 7.5, 88.0, 0.0, 41.0, -3.0]),
}
