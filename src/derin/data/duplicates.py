"""Rows with equal inputs: copies make a measurement look better than it is where they lie in two splits.

Found in two steps: a 64-bit hash of every row, computed for many rows at once, leaves a few candidates; those are
compared byte by byte, so that what is reported is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.core.seeds import generator
from derin.data.report import MAX_RECORDED, DuplicateGroups, Finding, Outcome
from derin.data.schema import Kind
from derin.data.table import SPLITS, ColumnData, Dense, Pictures, Ragged, Rows, Table

Words = npt.NDArray[np.uint64]

_CHUNK_BYTES = 1 << 20
# Of longer rows only three windows are hashed: candidates are compared whole anyway, and a mapped file stays unread.
_WHOLE_BYTES = 4096
_WINDOW_BYTES = 256
# Of a text so many words of eight bytes, from its beginning to its end.
_NUM_WORDS = 5
_SHOWN = 6  # rows of a group whose targets disagree


def first_equal_rows(table: Table) -> Rows:
    """For every row the first row that has the same inputs: itself, unless it is a copy.

    Targets, weights and the like do not count. Missing values are equal to each other, and 0.0 to -0.0.

    Shapes:
        → ``(N,)`` int64.

    Example:
        >>> from derin.data.schema import Column, Kind, Role, Schema
        >>> columns = {"x": Dense(np.array([4.0, 7.0, 4.0])), "y": Dense(np.array([0, 0, 1]))}
        >>> schema = Schema((Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),
        ...                  Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b"))))
        >>> first_equal_rows(Table(name="t", schema=schema, columns=columns, splits={})).tolist()
        [0, 1, 0]
    """
    first = np.arange(len(table), dtype=np.int64)
    inputs = [table.columns[c.name] for c in table.inputs]
    if not inputs:
        return first
    hashes = np.zeros(len(table), dtype=np.uint64)
    weights = _weights("columns", len(inputs))
    for column, weight in zip(inputs, weights):
        hashes += _hashes(column) * weight
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return first
    places = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
    candidates = np.flatnonzero(repeated[places] == hashes)
    seen: dict[tuple[Any, ...], int] = {}
    for row, *content in zip(candidates.tolist(), *(_contents(column, candidates) for column in inputs)):
        first[row] = seen.setdefault(tuple(content), row)
    return first


def content_groups(table: Table, first: Rows | None = None) -> list[Rows]:
    """The groups of two rows or more whose inputs are equal, in the order of their first rows.

    Args:
        table: whose rows are compared.
        first: what `first_equal_rows` gave, if it is known already.
    """
    first = first_equal_rows(table) if first is None else first
    copied = np.unique(first[first != np.arange(len(first))])
    members = np.flatnonzero(np.isin(first, copied))
    members = members[np.argsort(first[members], kind="stable")]
    return np.split(members, np.flatnonzero(np.diff(first[members])) + 1) if len(members) else []


def note_duplicates(table: Table, first: Rows | None = None) -> None:
    """Writes the groups of equal rows, and those whose targets disagree, to the table's report.

    Groups that a reader found itself (equal files) are kept as they are.
    """
    report = table.report
    splits = tuple(name for name in SPLITS if name in table.splits)
    parts = np.full(len(table), len(splits), dtype=np.uint8)  # the number behind the last split is that of none
    for place, name in enumerate(splits):
        parts[table.splits[name]] = place
    inside = (rows[parts[rows] < len(splits)] for rows in content_groups(table, first))
    groups = [rows for rows in inside if len(rows) > 1]
    if groups and not report.duplicates:
        rows, bounds = np.concatenate(groups), np.cumsum([0, *map(len, groups)])
        report.duplicates = DuplicateGroups(rows, bounds, parts[rows], splits, partial(row_name, table.row_names))
    targets, kinds = [table.columns[c.name] for c in table.targets], {c.kind for c in table.targets}
    if Kind.TEXT in kinds:  # a sentence has more than one translation
        return
    reason, num = Message("reading.conflicting"), 0
    for rows in groups:
        if any(len(set(_contents(column, rows))) > 1 for column in targets):
            num += 1
            if num <= MAX_RECORDED:
                names = ", ".join(row_name(table.row_names, row) for row in rows[:_SHOWN].tolist())
                report.add(names + (", …" if len(rows) > _SHOWN else ""), Outcome.NOTED, reason)
    if num > MAX_RECORDED:
        more = num - MAX_RECORDED
        report.extend([Finding(f"{more:,} more", Outcome.NOTED, reason, count=more)])


def row_name(names: Sequence[str] | None, row: int) -> str:
    """What people call a row: its file or line, else its number from 0."""
    return f"row {row}" if names is None else names[row]


def _weights(use: str, num: int) -> Words:
    """Odd 64-bit factors, the same in every run."""
    drawn = generator(0, f"content {use}").integers(0, 2**64, size=num, dtype=np.uint64)
    return drawn | np.uint64(1)


def _hashes(column: ColumnData) -> Words:
    """A 64-bit hash of every row of one column."""
    if isinstance(column, Dense):
        hashes, start = np.zeros(len(column), dtype=np.uint64), 0
        for chunk in _chunks(column.values):
            hashes[start : start + len(chunk)] = _dense_hashes(chunk)
            start += len(chunk)
        return hashes
    flat, offsets = _flat(column)
    data, bounds = flat.view(np.uint8), offsets * flat.dtype.itemsize
    starts, sizes = bounds[:-1], np.diff(bounds)
    hashes = sizes.astype(np.uint64)
    is_sampled = (sizes >= 8) & (sizes <= _WHOLE_BYTES) & isinstance(column, Ragged)
    sampled, others = np.flatnonzero(is_sampled), np.flatnonzero(~is_sampled)
    if len(sampled):
        every: Words = np.ndarray(len(data) - 7, dtype=np.uint64, buffer=data, strides=(1,))
        for number, weight in enumerate(_weights("words", _NUM_WORDS)):
            places = starts[sampled] + (sizes[sampled] - 8) * number // (_NUM_WORDS - 1)
            hashes[sampled] += _folded(every[places] * weight)
    # Python's own hash of bytes differs between processes, which is no harm: it only picks candidates.
    view = data.data
    found = (hash(_sample(view, a, b)) for a, b in zip(starts[others].tolist(), bounds[1:][others].tolist()))
    hashes[others] = np.fromiter(found, dtype=np.int64, count=len(others)).view(np.uint64)
    return hashes


def _sample(view: memoryview, start: int, stop: int) -> tuple[int, bytes]:
    size = stop - start
    if size <= _WHOLE_BYTES:
        return size, bytes(view[start:stop])
    places = (start + size * quarter // 4 for quarter in (1, 2, 3))
    return size, b"".join(bytes(view[place : place + _WINDOW_BYTES]) for place in places)


def _chunks(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.uint8]]:
    """Rows as bytes, about a megabyte at a time; long rows as three windows of theirs."""
    num_bytes = int(np.prod(values.shape[1:], dtype=np.int64)) * values.dtype.itemsize
    step = max(1, _CHUNK_BYTES // max(1, min(num_bytes, _WHOLE_BYTES)))
    for start in range(0, len(values), step):
        part = values[start : start + step].reshape(len(values[start : start + step]), -1)
        if num_bytes > _WHOLE_BYTES:
            width = _WINDOW_BYTES // values.dtype.itemsize
            places = [part.shape[1] * quarter // 4 for quarter in (1, 2, 3)]
            part = np.concatenate([part[:, place : place + width] for place in places], axis=1)
        yield _bytes(part)


def _bytes(part: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if part.dtype.kind == "f":
        part = np.where(np.isnan(part), np.asarray(np.nan, dtype=part.dtype), part + part.dtype.type(0))
    return np.ascontiguousarray(part).view(np.uint8).reshape(len(part), -1)


def _dense_hashes(rows: npt.NDArray[np.uint8]) -> Words:
    """Σⱼ wⱼ·xⱼ mod 2⁶⁴ over the row's 64-bit words xⱼ with odd random wⱼ."""
    rest = -rows.shape[1] % 8
    padded = np.pad(rows, ((0, 0), (0, rest))) if rest else rows
    words = padded.view(np.uint64)
    products = words * _weights("words", words.shape[1])
    result: Words = _folded(products).sum(axis=1, dtype=np.uint64)
    return result


def _folded(products: Words) -> Words:
    """Products whose low bits know only the low bits of a word: the high half is folded onto them."""
    folded: Words = products ^ (products >> np.uint64(32))
    return folded


def _contents(column: ColumnData, rows: Rows) -> Iterator[Any]:
    """The exact content of some rows, as something that can be compared."""
    if isinstance(column, Dense):
        for start in range(0, len(rows), 1024):
            part = column.take(rows[start : start + 1024])
            yield from (line.tobytes() for line in _bytes(part.reshape(len(part), -1)))
        return
    flat, offsets = _flat(column)
    shapes: npt.NDArray[np.int64] = (
        column.heights if isinstance(column, Pictures) else np.zeros(len(column), dtype=np.int64)
    )
    for row in rows.tolist():
        yield int(shapes[row]), flat[offsets[row] : offsets[row + 1]].tobytes()


def _flat(column: ColumnData) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    if isinstance(column, Ragged | Pictures):
        return column.flat, column.offsets
    raise TypeError(f"Rows of {type(column).__name__} cannot be compared; a column is Dense, Ragged or Pictures.")
