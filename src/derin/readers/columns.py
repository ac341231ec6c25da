"""A column as it was read, and what an input-like column is for: input, identifier, or left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from derin.core.errors import UnknownNameError
from derin.core.messages import Message
from derin.data.cells.values import Values, infer_values, mostly_unique, note_of_strings, numbers_as_category
from derin.data.schema import Column, Kind, Role
from derin.data.table import ColumnData, Dense, Ragged, Rows

# PassengerId, rowID
_CAMEL_ID = re.compile(r"(?<=[a-z])(Id|ID)$")
# id, customer_id, "Row ID", index, and what others call a column of row numbers
_WORD_ID = re.compile(r"(^|[_\s.-])(id|uuid|guid|index|rowid|rownum)$|^(no|nr|row)$", re.IGNORECASE)
# What pandas calls an index that was saved with its table, once or again.
_SAVED_INDEX = re.compile(r"unnamed: \d+(\.\d+)*|__index_level_\d+__|level_\d+", re.IGNORECASE)
# A first column 1, 2, 3, … with one of these names is a quantity, not a row number.
_QUANTITIES = frozenset(
    ("x", "t", "time", "step", "epoch", "hour", "day", "week", "month", "year", "saat", "gün", "hafta", "ay", "yıl")
)
# Fewer values may all differ, or stand in order, by chance.
_ENOUGH_ROWS = 20


@dataclass(frozen=True)
class ReadColumn:
    """The cells of a column and what they mean.

    Args:
        name: of the column.
        cells: without spaces around them.
        values: what they are.
        from_numbers: whether its classes are numbers as they were read.
    """

    name: str
    cells: Sequence[str]
    values: Values
    from_numbers: bool = False

    def schema_column(self, role: Role, note: str = "") -> Column:
        """The column's line in the schema."""
        found = self.values
        words = Message("reading.semicolon", first=found.note, second=note) if note else found.note
        return Column(name=self.name, kind=found.kind, role=role, classes=found.classes, unit=found.unit, note=words)


def known_name(name: str, known: Sequence[str]) -> str:
    """The column that is meant: exactly, or else but for capital letters."""
    if name in known:
        return name
    alike = [k for k in known if k.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise UnknownNameError("column", name, known)


def dense(data: ColumnData) -> npt.NDArray[np.float64]:
    """The array of a column that was just read as numbers, dates or codes."""
    assert isinstance(data, Dense)
    return data.values


def rows_of(data: ColumnData, rows: Rows) -> ColumnData:
    """Some rows of a column that was just read, as a column."""
    taken = data.take(rows)
    return taken if isinstance(taken, Ragged) else Dense(taken)


def examples(classes: Sequence[str]) -> str:
    """A few classes, for messages."""
    return ", ".join(repr(c) for c in classes[:3]) + (", …" if len(classes) > 3 else "")


def role_of(column: ReadColumn, place: int, *, is_unnamed: bool = False) -> tuple[ReadColumn, Role, str]:
    """What a column is for that nobody named: the column, in another form where that suits its role; the role; why.

    Args:
        column: as it was read.
        place: of the column in the file, from 0.
        is_unnamed: whether the file gives it no name.
    """
    values, rows = column.values, len(column.cells)
    if values.num_distinct == 0:
        return column, Role.IGNORED, Message("reading.left_empty")
    if values.num_distinct == 1 and values.num_present == rows:
        return column, Role.IGNORED, Message("reading.left_same")
    all_different = values.num_distinct == values.num_present and values.num_present > 2
    if (is_unnamed or _SAVED_INDEX.fullmatch(column.name)) and _is_index(column, all_different):
        return column, Role.ID, Message("reading.left_index")
    if place == 0 and _numbers_rows(column):
        return column, Role.ID, Message("reading.left_numbering")
    named_id = bool(_CAMEL_ID.search(column.name) or _WORD_ID.search(column.name))
    if named_id and values.kind in (Kind.NUMBER, Kind.CATEGORY):
        if all_different and (values.kind is Kind.CATEGORY or values.is_integral):
            return column, Role.ID, Message("reading.left_identifier")
        if values.kind is Kind.NUMBER and values.is_integral:
            return as_codes(column), Role.INPUT, Message("reading.codes")
    if values.kind is Kind.CATEGORY and all_different and values.num_distinct >= _ENOUGH_ROWS:
        return as_text(column), Role.ID, Message("reading.left_own_string")
    if values.kind is Kind.CATEGORY and mostly_unique(values):
        why = Message("reading.left_strings", num=values.num_distinct, rows=values.num_present)
        return as_text(column), Role.IGNORED, why
    return column, Role.INPUT, ""


def _numbers_rows(column: ReadColumn) -> bool:
    """Whether a first column counts from 0 or 1 in the order of the file and is not named like a quantity."""
    values = column.values
    if values.kind is not Kind.NUMBER or column.name.casefold() in _QUANTITIES or len(column.cells) < _ENOUGH_ROWS:
        return False
    numbers = dense(values.data)
    return bool(numbers[0] in (0.0, 1.0) and (np.diff(numbers) == 1.0).all())


def _is_index(column: ReadColumn, all_different: bool) -> bool:
    """Whether a column without a name holds row numbers or row names: all different, or counted several times over.

    Tables that were put together below each other keep the numbers that each of them had.
    """
    values = column.values
    if all_different:
        return values.kind is not Kind.DATE
    if values.kind is not Kind.NUMBER or not values.is_integral or len(values.conflicts):
        return False
    numbers = dense(values.data)
    counts_on = np.diff(numbers) == 1.0
    return bool(np.nanmin(numbers) >= 0 and (counts_on.mean() > 0.5 or 2 * values.num_distinct > values.num_present))


def as_codes(column: ReadColumn) -> ReadColumn:
    """A column of numbers as classes, named by the numbers."""
    codes, classes = numbers_as_category(dense(column.values.data))
    values = replace(column.values, kind=Kind.CATEGORY, data=Dense(codes), classes=classes)
    return replace(column, values=values, from_numbers=True)


def as_text(column: ReadColumn) -> ReadColumn:
    """A column of strings that are no classes."""
    values = column.values
    first, num = (values.first_names, values.num_distinct) if values.classes is None else (values.classes, 0)
    note = note_of_strings("reading.strings", first, num or len(first), values.is_missing)
    if values.classes is None:
        return replace(column, values=replace(values, kind=Kind.TEXT, note=note))
    return replace(column, values=replace(infer_values(column.cells, kind=Kind.TEXT), note=note))
