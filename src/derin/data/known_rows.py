"""Rows that are known again by their content: a 64-bit hash of the inputs of each row, the same in every process.

A hash is of values and not of how they are stored, so that a class has one hash whatever number it has in its file. Two
unlike rows of a million have the same hash with a probability of 3e-8.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import RefusedFileError
from derin.data.schema import Column, Kind, Role
from derin.data.table import ColumnData, Dense, Pictures, Ragged, Rows, Table

Hashes = npt.NDArray[np.uint64]

# The file of a bundle that holds those of its training examples.
KNOWN_ROWS = "training_rows.bin"
_CHUNK_ROWS = 4096
# Of the 52 bits of a number's fraction the first 36 are hashed.
_HALF_OF_THE_LAST, _FIRST_DIGITS = np.uint64(1 << 15), ~np.uint64((1 << 16) - 1)
# What makes a step of a series beside its inputs.
_OF_A_STEP = (Role.TIME, Role.GROUP, Role.TARGET)


def row_hashes(table: Table, rows: Rows) -> Hashes:
    """A hash of the inputs of each row.

    Args:
        table: whose inputs are hashed, column by column, by name; of a series also time, group and targets.
        rows: which.

    Shapes:
        → ``(len(rows),)``.

    Example:
        >>> from derin.data.schema import Schema
        >>> schema = Schema((Column(name="x", kind=Kind.CATEGORY, role=Role.INPUT, classes=("a", "b")),))
        >>> table = Table(name="t", schema=schema, columns={"x": Dense(np.array([1, 0, 1]))}, splits={})
        >>> first, second, third = row_hashes(table, np.arange(3)).tolist()
        >>> first == third, first == second
        (True, False)
    """
    total = np.zeros(len(rows), dtype=np.uint64)
    is_series = bool(table.schema.with_role(Role.TIME))
    for column in table.schema:
        if column.role is not Role.INPUT and not (is_series and column.role in _OF_A_STEP):
            continue
        # Multiplied by an odd number of the column's own, so that exchanged columns are another row.
        odd = _digest(column.name.encode()) | 1
        total += _column_hashes(column, table.columns[column.name], rows) * np.uint64(odd)
    return total


def pack(hashes: Hashes) -> bytes:
    """The different hashes as a file: sorted, eight bytes each, the lowest first."""
    return np.unique(hashes).astype("<u8").tobytes()


def unpack(data: bytes, where: str) -> Hashes:
    """The hashes in a file that `pack` made.

    Raises:
        RefusedFileError: it is none.
    """
    if len(data) % 8:
        raise RefusedFileError(f"{where} is damaged: a multiple of 8 bytes is required; got {len(data)}.")
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)


def _column_hashes(column: Column, data: ColumnData, rows: Rows) -> Hashes:
    if isinstance(data, Dense) and column.kind is Kind.CATEGORY and data.values.ndim == 1:
        # One more than classes: the code -1 of a missing value finds the last.
        names = [*(column.classes or ()), ""]
        return np.array([_digest(name.encode()) for name in names], dtype=np.uint64)[data.values[rows]]
    if isinstance(data, Dense):
        parts = [_dense(data.take(rows[i : i + _CHUNK_ROWS])) for i in range(0, len(rows), _CHUNK_ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
    if isinstance(data, Pictures):
        bounds, flat = data.offsets, data.flat
        found: Any = (
            _digest(flat[bounds[row] : bounds[row + 1]].data, f"{data.heights[row]}x{data.widths[row]}")
            for row in rows.tolist()
        )
    elif isinstance(part := data.take(rows), Ragged):
        found = map(_digest, _pieces(part))
    else:
        raise TypeError(f"Rows of {type(data).__name__} have no hash; a column is Dense, Ragged or Pictures.")
    return np.fromiter(found, dtype=np.uint64, count=len(rows))


def _pieces(part: Ragged) -> Any:
    view = np.ascontiguousarray(part.flat).view(np.uint8).data
    bounds = (part.offsets * part.flat.dtype.itemsize).tolist()
    return (view[a:b] for a, b in pairwise(bounds))


def _dense(values: npt.NDArray[Any]) -> Hashes:
    """Numbers are hashed as float64, so that a file that was read as float32 or as integers gives the same."""
    flat = values.reshape(len(values), -1)
    if flat.dtype != np.uint8:
        flat = flat.astype(np.float64) + 0.0  # -0.0 and 0.0 are one number
        flat[np.isnan(flat)] = np.nan
        # Rounded to eleven digits: who saves a table, as a workbook above all, changes the last ones.
        flat = (flat.view(np.uint64) + _HALF_OF_THE_LAST) & _FIRST_DIGITS
    found = (_digest(line.tobytes()) for line in np.ascontiguousarray(flat))
    return np.fromiter(found, dtype=np.uint64, count=len(flat))


def _digest(data: Any, more: str = "") -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8, person=more.encode()[:16]).digest(), "little")
