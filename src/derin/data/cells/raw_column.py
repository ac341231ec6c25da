"""One raw column, from a table or from a person's hand, as numbers, places in a list of classes, or moments.

Both forms answer the same three questions, so that whatever encodes a column is the same in training and in prediction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

import numpy as np

from derin.core.errors import DataError
from derin.core.printable import shortly
from derin.data.cells.dates import parse_dates
from derin.data.cells.numbers import numbers_written, parse_numbers, without_numbers
from derin.data.cells.values import number_name
from derin.data.cells.writing import Floats, Writing, are_flags, flag_value, is_missing
from derin.data.schema import Column, Kind
from derin.data.table import ColumnData, Dense, Ragged, Rows

MISSING, UNSEEN = -1, -2
_LARGEST_WRITTEN = 10**100
_SHOWN = 40
_PART_BYTES = 1 << 20


class RawColumn(Protocol):
    """The values of one column for some rows."""

    def __len__(self) -> int: ...

    def parts(self) -> Iterator[tuple[slice, RawColumn]]:
        """Rows that are best worked on together, with their place: as many as stay in the processor's cache, where
        what they mean does not depend on the others."""
        ...

    def numbers(self, shape: tuple[int, ...], writing: Writing | None = None) -> Floats:
        """The values as numbers, NaN where missing; whoever gets them may change them.

        Args:
            shape: of one value.
            writing: how strings are read; None finds it out.

        Shapes:
            → ``(N, prod(shape))``.
        """
        ...

    def codes(self, classes: Sequence[str], writing: Writing | None = None) -> Rows:
        """The place of each value among the classes; `MISSING` and `UNSEEN` are negative.

        Words for true and false are one value in any spelling where the classes are such words.

        Shapes:
            → ``(N,)``.
        """
        ...

    def seconds(self, writing: Writing) -> Floats:
        """The values as seconds since 1970-01-01 of the clock that they are written by, NaN where missing.

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

    def parts(self) -> Iterator[tuple[slice, RawColumn]]:
        if not isinstance(self.data, Dense):
            yield slice(None), self
            return
        values = self.data.values
        size = max(1, _PART_BYTES // (8 * max(1, math.prod(values.shape[1:]))))
        for start in range(0, len(values), size):
            rows = slice(start, start + size)
            yield rows, TableColumn(self.column, Dense(values[rows]))

    def numbers(self, shape: tuple[int, ...], writing: Writing | None = None) -> Floats:
        if self.column.kind is Kind.NUMBER and isinstance(self.data, Dense):
            if self.data.values.shape[1:] != shape:
                came = self.data.values.shape[1:]
                raise DataError(f"The column {self.column.name!r} must have shape {shape} in each row; got {came}.")
            values = self.data.values.astype(np.float64).reshape(len(self), math.prod(shape))
            if not np.isfinite(values).all():
                values[np.isinf(values)] = np.nan
            return values
        return self._cells("a number").numbers(shape, writing)

    def codes(self, classes: Sequence[str], writing: Writing | None = None) -> Rows:
        places = _Places(classes, writing)
        if self.column.kind is Kind.CATEGORY and isinstance(self.data, Dense):
            # One place more, so that the code -1 of a missing value finds it.
            found = [places.of(name) for name in self.column.classes or ()] + [MISSING]
            return np.asarray(found, dtype=np.int64)[self.data.values]
        if self.column.kind is Kind.NUMBER and isinstance(self.data, Dense):
            distinct, where = np.unique(self.data.values, return_inverse=True)
            found = [MISSING if math.isnan(v) else places.of(number_name(v)) for v in distinct.tolist()]
            return np.asarray(found, dtype=np.int64)[where]
        return self._cells("a category").codes(classes, writing)

    def seconds(self, writing: Writing) -> Floats:
        if self.column.kind is Kind.DATE and isinstance(self.data, Dense):
            return np.asarray(self.data.values, dtype=np.float64)
        return self._cells("a date").seconds(writing)

    def texts(self) -> list[str]:
        """The values as they stand in a file, empty where missing."""
        if self.column.kind is Kind.NUMBER and isinstance(self.data, Dense):
            return [as_cell(value) for value in self.data.values.tolist()]
        return [str(value) for value in self._cells("text").values]

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
        decimal_comma: whether ``1,234`` means 1.234 rather than 1234 where both are possible and nothing else tells.
    """

    name: str
    values: Sequence[Any]
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def parts(self) -> Iterator[tuple[slice, RawColumn]]:
        yield slice(None), self

    def numbers(self, shape: tuple[int, ...], writing: Writing | None = None) -> Floats:
        if shape:
            return np.stack([self._vector(row, value, shape) for row, value in enumerate(self.values)])
        result = np.full(len(self.values), np.nan)
        strings = [row for row, value in enumerate(self.values) if isinstance(value, str) and value.strip()]
        cells = [self.values[row].strip() for row in strings]
        parsed = self._parsed(cells, writing)
        means_gap = (writing or Writing()).means_gap
        gone = {row for row, cell in zip(strings, cells) if means_gap(cell)}
        result[strings] = parsed
        for row, number in zip(strings, parsed.tolist()):
            if math.isnan(number) and row not in gone:
                self._refuse(row, "a number")
        for row, value in enumerate(self.values):
            if not isinstance(value, str) and not _no_value(value):
                result[row] = self._number(row, value)
        result[list(gone)] = np.nan
        result[np.isinf(result)] = np.nan
        return (result if writing is None else without_numbers(result, writing))[:, None]

    def codes(self, classes: Sequence[str], writing: Writing | None = None) -> Rows:
        places = _Places(classes, writing)
        return np.fromiter(map(places.of_value, self.values), dtype=np.int64, count=len(self.values))

    def seconds(self, writing: Writing) -> Floats:
        result = np.full(len(self.values), np.nan)
        for row, value in enumerate(self.values):
            if not _no_value(value) and not (isinstance(value, str) and writing.means_gap(value.strip())):
                result[row] = _moment(value, writing)
                if math.isnan(result[row]):
                    self._refuse(row, "a date such as 2024-12-31")
        return result

    def _parsed(self, cells: list[str], writing: Writing | None) -> Floats:
        if writing is None:
            held = [cell for cell in cells if not Writing().means_gap(cell)]
            found = dict(zip(held, parse_numbers(held, decimal_comma=self.decimal_comma).tolist()))
            return np.array([found.get(cell, math.nan) for cell in cells])
        parsed = numbers_written(cells, writing.decimal, writing.affix, writing.amounts_in)
        if writing.flags:
            flags = map(flag_value, cells)
            parsed = np.array([p if f is None or p == p else float(f) for p, f in zip(parsed.tolist(), flags)])
        return parsed

    def _number(self, row: int, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
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
        shown = shortly(self.values[row], _SHOWN)
        raise DataError(
            f"Row {row}: the column {self.name!r} needs {wanted}, or nothing where it is missing; got {shown}."
        )


class _Places:
    """Where values stand among the classes of a column, whatever they are spelled like."""

    def __init__(self, classes: Sequence[str], writing: Writing | None) -> None:
        self._place = {name: i for i, name in enumerate(classes)}
        self._missing = writing.means_missing if writing is not None else is_missing
        self._writing = writing
        alone = len(classes) == 1 and flag_value(classes[0]) is not None and len(classes[0]) > 1
        # Training rows may all hold the one of the two values.
        self._flags = {flag_value(name): i for i, name in enumerate(classes)} if are_flags(classes) or alone else {}

    def of(self, name: str) -> int:
        """The place of a string as it would stand in a file; it may be no class, or say that there is none."""
        if name in self._place:
            # Before what means "no value": a class may be called NA.
            return self._place[name]
        if self._missing(name):
            return MISSING
        if self._flags:
            return self._flags.get(flag_value(name), UNSEEN)
        if name.isdecimal():
            # Digits are the name itself: 01001 is not 1001.
            return UNSEEN
        # The same class from a file where whole numbers were written 3.0.
        known = self._writing
        number = (
            numbers_written([name], known.decimal, known.affix, known.amounts_in) if known else parse_numbers([name])
        )[0]
        return UNSEEN if math.isnan(number) else self._place.get(number_name(number), UNSEEN)

    def of_value(self, value: Any) -> int:
        """The place of a value as a person hands it over."""
        if not isinstance(value, str) and _no_value(value):
            return MISSING
        return self.of(as_cell(value))


def as_cell(value: Any) -> str:
    """A value as it would stand in a file; empty where it is none.

    Example:
        >>> [as_cell(v) for v in (3.0, True, None, " a ", 12345678901234567890)]
        ['3', 'True', '', 'a', '12345678901234567890']
    """
    if isinstance(value, str):
        return value.strip()
    if _no_value(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        # Of thousands of digits Python writes none but in bases of two; such a number is no class, whatever its name.
        return str(int(value)) if abs(int(value)) < _LARGEST_WRITTEN else hex(value)
    if isinstance(value, float | np.floating):
        return number_name(float(value)) if math.isfinite(value) else str(float(value))
    return str(value)


def _no_value(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, and the strings that mean the same."""
    if value is None or (isinstance(value, str) and is_missing(value.strip())):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, np.datetime64) and bool(np.isnat(value)))


def _moment(value: Any, writing: Writing) -> float:
    """Seconds of the clock that a moment is written by; a time zone moves it to no other day."""
    if isinstance(value, str):
        return float(parse_dates([value.strip()], writing.order, writing.digits)[0])
    if isinstance(value, np.datetime64):
        return float(value.astype("datetime64[us]").astype(np.int64)) / 1e6
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    if writing.digits and isinstance(value, int | float | np.number):
        return float(parse_dates([number_name(float(value))], writing.order, writing.digits)[0])
    return math.nan
