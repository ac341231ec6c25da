"""Values of columns as a person reads them."""

from __future__ import annotations

import numpy as np
import pytest

from derin.data.display import displayed
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Ragged, Table

DAY = 86_400.0


def table_of(kind: Kind, values: ColumnData, classes: tuple[str, ...] | None = None) -> Table:
    column = Column(name="x", kind=kind, role=Role.INPUT, classes=classes)
    return Table(name="t", schema=Schema((column,)), columns={"x": values}, splits={})


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        (Kind.NUMBER, Dense(np.array([1 / 3, np.nan, 1e9])), ["0.333333", "", "1e+09"]),
        (Kind.NUMBER, Dense(np.array([3, -1, 7])), ["3", "-1", "7"]),
        (Kind.NUMBER, Dense(np.arange(72.0).reshape(3, 4, 6)), None),
        (Kind.DATE, Dense(np.array([19_358 * DAY, np.nan, -DAY / 2])), ["2023-01-01", "", "1969-12-31 12:00:00"]),
        (Kind.TEXT, Ragged.from_texts(["ığüşöç", "", "a" * 31]), ["ığüşöç", "", "a" * 29 + "…"]),
    ],
)
def test_values_are_words_and_what_is_missing_is_empty(kind: Kind, values: ColumnData, shown: list[str] | None) -> None:
    found = displayed(table_of(kind, values), "x", np.array([0, 1, 2]), max_length=30)
    if shown is None:
        assert found[1] == "24 25 26 27 28 29 30 31 32 33"[:29] + "…"
    else:
        assert found == shown


def test_categories_are_named_and_codes_without_a_class_are_empty() -> None:
    table = table_of(Kind.CATEGORY, Dense(np.array([1, -1, 0, 2])), ("low", "high"))
    assert displayed(table, "x", np.array([3, 2, 1, 0]), max_length=80) == ["", "low", "", "high"]
