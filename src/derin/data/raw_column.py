"""One raw column, from a table or from a person's hand, as numbers, places in a list of classes, or moments.

Both forms answer the same three questions, so that whatever encodes a column is the same in training and in prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

import numpy as np

from derin.core.errors import DataError
from derin.data.cells import Floats, is_missing, parse_dates, parse_numbers
from derin.data.schema import Column, Kind
from derin.data.table import ColumnData, Dense, Ragged, Rows
from derin.data.values import number_name

MISSING, UNSEEN = -1, -2
_SHOWN = 40


class RawColumn(Protocol):
    """The values of one column for some rows."""

    def __len__(self) -> int: ...

    def numbers(self, shape: tuple[int, ...]) -> Floats:
        """The values as numbers, NaN where missing.

        Shapes:
            → ``(N, prod(shape))``.
        """
        ...

    def codes(self, classes: Sequence[str]) -> Rows:
        """The place of each value among the classes; `MISSING` and `UNSEEN` are negative.

        Shapes:
            → ``(N,)``.
        """
        ...

    def seconds(self, order: str) -> Floats:
        """The values as seconds since 1970-01-01 UTC, NaN where missing.

        Shapes:
            → ``(N,)``.
        """
        ...


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, whatever kind was found for it when the table was read."""

    column: Column
    data: ColumnData

    def __len__(self) -> int:
        return len(self.data)

    def numbers(self, shape: tuple[int, ...]) -> Floats:
        if self.column.kind is Kind.NUMBER and isinstance(self.data, Dense):
            if self.data.values.shape[1:] != shape:
                came = self.data.values.shape[1:]
                raise DataError(f"The column {self.column.name!r} must have shape {shape} in each row; got {came}.")
            values = self.data.values.astype(np.float64).reshape(len(self), math.prod(shape))
            values[np.isinf(values)] = np.nan
            return values
        return self._cells("a number").numbers(shape)

    def codes(self, classes: Sequence[str]) -> Rows:
        place = {name: i for i, name in enumerate(classes)}
        if self.column.kind is Kind.CATEGORY and isinstance(self.data, Dense):
            # One place more, so that the code -1 of a missing value finds it.
            found = [_place(name, place) for name in self.column.classes or ()] + [MISSING]
            return np.asarray(found, dtype=np.int64)[self.data.values]
        if self.column.kind is Kind.NUMBER and isinstance(self.data, Dense):
            distinct, where = np.unique(self.data.values, return_inverse=True)
            found = [MISSING if math.isnan(v) else _place(number_name(v), place) for v in distinct.tolist()]
            return np.asarray(found, dtype=np.int64)[where]
        return self._cells("a category").codes(classes)

    def seconds(self, order: str) -> Floats:
        if self.column.kind is Kind.DATE and isinstance(self.data, Dense):
            return np.asarray(self.data.values, dtype=np.float64)
        return self._cells("a date").seconds(order)

    def _cells(self, wanted: str) -> Cells:
        """The values as the strings that stood in the file."""
        if isinstance(self.data, Ragged):
            return Cells(self.column.name, self.data.texts())
        if self.column.kind is Kind.CATEGORY and isinstance(self.data, Dense) and self.data.values.ndim == 1:
            names = [*(self.column.classes or ()), ""]
            return Cells(self.column.name, [names[code] for code in self.data.values.tolist()])
        kind = self.column.kind.value
        raise DataError(
            f"The column {self.column.name!r} must hold {wanted} in each row; it holds values of kind {kind}."
        )


@dataclass(frozen=True)
class Cells:
    """Values as a person hands them over: strings, numbers, dates, or None, NaN and the like where there is none.

    Args:
        name: of the column, for messages.
        values: one per row.
        decimal_comma: whether ``1,234`` means 1.234 rather than 1234 where both are possible.
    """

    name: str
    values: Sequence[Any]
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def numbers(self, shape: tuple[int, ...]) -> Floats:
        if shape:
            return np.stack([self._vector(row, value, shape) for row, value in enumerate(self.values)])
        result = np.full(len(self.values), np.nan)
        strings = [
            row for row, value in enumerate(self.values) if isinstance(value, str) and not is_missing(value.strip())
        ]
        parsed = parse_numbers([self.values[row].strip() for row in strings], decimal_comma=self.decimal_comma)
        result[strings] = parsed
        if np.isnan(parsed).any():
            self._refuse(strings[int(np.flatnonzero(np.isnan(parsed))[0])], "a number")
        for row, value in enumerate(self.values):
            if not isinstance(value, str) and not _no_value(value):
                result[row] = self._number(row, value)
        result[np.isinf(result)] = np.nan
        return result[:, None]

    def codes(self, classes: Sequence[str]) -> Rows:
        place = {name: i for i, name in enumerate(classes)}
        return np.fromiter(
            (MISSING if _no_value(value) else _place(_class_name(value), place) for value in self.values),
            dtype=np.int64,
            count=len(self.values),
        )

    def seconds(self, order: str) -> Floats:
        result = np.full(len(self.values), np.nan)
        for row, value in enumerate(self.values):
            if not _no_value(value):
                result[row] = _moment(value, order)
                if math.isnan(result[row]):
                    self._refuse(row, "a date such as 2024-12-31")
        return result

    def _number(self, row: int, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            self._refuse(row, "a number")
            raise AssertionError from None  # _refuse always raises

    def _vector(self, row: int, value: Any, shape: tuple[int, ...]) -> Floats:
        try:
            numbers = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            self._refuse(row, f"numbers of shape {shape}")
        if numbers.shape != shape:
            raise DataError(
                f"Row {row}: the column {self.name!r} needs numbers of shape {shape}; got shape {numbers.shape}."
            )
        return np.where(np.isinf(numbers), np.nan, numbers).reshape(-1)

    def _refuse(self, row: int, wanted: str) -> None:
        shown = repr(self.values[row])
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
        raise DataError(
            f"Row {row}: the column {self.name!r} needs {wanted}, or nothing where it is missing; got {shown}."
        )


def _place(name: str, place: dict[str, int]) -> int:
    if name in place:
        return place[name]
    # The same class from a file where whole numbers were written 3.0, or a flag False.
    number = parse_numbers([name])[0]
    return UNSEEN if math.isnan(number) else place.get(number_name(number), UNSEEN)


def _class_name(value: Any) -> str:
    """A value as it would stand in a file."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.number):
        return number_name(float(value))
    return str(value)


def _no_value(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, and the strings that mean the same."""
    if value is None or (isinstance(value, str) and is_missing(value.strip())):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, np.datetime64) and bool(np.isnat(value)))


def _moment(value: Any, order: str) -> float:
    if isinstance(value, str):
        return float(parse_dates([value.strip()], order)[0])
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[us]").astype(np.int64)) / 1e6
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return math.nan
