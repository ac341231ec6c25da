"""Data without end and larger than the disk: rows out of shards or of a generator, and the tables of some of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.core.seeds import permutation
from derin.data.block_source import Place
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Outcome
from derin.data.schema import Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Table
from derin.readers.array_columns import input_column, target_column
from derin.readers.csv_table import Asked, table_of_records
from derin.readers.shards import NamedRow, read_shard, shard_paths
from derin.readers.table_recipe import SUBJECT, TableRecipe
from derin.readers.typed_records import value_records

# Where nobody gives rows to measure on, one of so many is held out and never trained on.
_HELD_OUT = 20
_TARGETS = ("cls", "y", "label", "target", "txt")


class Stream:
    """Rows without end, for `derin.fit`: shards in a seeded order, again and again, or a generator.

    What preparation and task need to know (classes, means, vocabularies) is found out from the first ``num_head`` rows;
    a class that does not occur in them is left out and counted, so name all of them where they may be rare. Rows that
    cannot be read are left out, named in `damaged` and in run.json.

    Args:
        rows: a path or pattern of shards (``"shards/{000..099}.tar"``, ``"shards/*.parquet"``), several of them, or a
            function without arguments that gives an iterator of rows: dicts of values by name, or pairs (x, y). The
            function is called anew for each pass, and must give the same rows.
        target: the name of the value that is learnt; None takes ``cls``, ``y``, ``label``, ``target`` or ``txt``.
        classes: the names of all classes.
        val: rows to measure on, as `rows`; None holds out every twentieth row, chosen by its name.
        num_val: so many rows are measured on.
        num_head: so many rows are looked at before training.
        buffer: so many rows are held in memory and shuffled.
        size: height and width to which pictures are brought.
        worker: (r, n): of each pass, only every n-th shard from the r-th on, where n processes share the work.

    Raises:
        DataError: a shard is missing.

    Example:
        >>> import derin, tempfile
        >>> rows = [{"a": i % 7, "label": "odd" if i % 7 % 2 else "even"} for i in range(900)]
        >>> stream = Stream(lambda: iter(rows), num_val=30, num_head=200, buffer=256)
        >>> run = derin.fit(stream, steps_per_epoch=20, epochs=2, out=tempfile.mkdtemp() + "/run", report=False)
        >>> sorted(run.metrics)
        ['train', 'val']
    """

    def __init__(
        self,
        rows: str | Path | Sequence[str | Path] | Callable[[], Iterable[Any]],
        *,
        target: str | None = None,
        classes: Sequence[str] | None = None,
        val: str | Path | Sequence[str | Path] | Callable[[], Iterable[Any]] | None = None,
        num_val: int = 1_000,
        num_head: int = 5_000,
        buffer: int = 10_000,
        size: int = 64,
        worker: tuple[int, int] = (0, 1),
    ) -> None:
        least = min(num_val, num_head, buffer, size)
        if least < 1 or not 0 <= worker[0] < worker[1]:
            raise UsageError(
                "Stream: num_val, num_head, buffer and size must be at least 1, and worker (r, n) with 0 <= r < n; got "
                f"num_val={num_val}, num_head={num_head}, buffer={buffer}, size={size}, worker={worker}."
            )
        self.name = "stream"
        if isinstance(rows, str | Path):
            self.name = next((p for p in reversed(Path(rows).parent.parts) if p.isidentifier()), "stream")
        self.buffer, self.damaged = buffer, dict[str, str]()
        self._shards: list[Any] = [rows] if callable(rows) else list(shard_paths(rows))
        self._val: list[Any] | None = None if val is None else [val] if callable(val) else list(shard_paths(val))
        self._target, self._classes, self._size, self._worker = target, classes, size, worker
        self._num_val, self._num_head = num_val, num_head
        if worker[1] > len(self._shards):
            raise UsageError(f"Stream: {worker[1]} workers need so many shards; there are {len(self._shards)}.")

    def head(self, seed: int) -> Table:
        """The first rows as a table: those of its split ``train`` to find out from, those of ``val`` to measure on."""
        train: list[dict[str, Any]] = []
        val: list[dict[str, Any]] = []
        first: dict[str, Any] = {}
        for place, name, row, is_held_out in self._walk(Place(), seed):
            if place.passes or (len(train) == self._num_head and (self._val is not None or len(val) == self._num_val)):
                break
            first = first or row
            if _has_arrays(first) and (reason := _unlike(first, row)):
                self.damaged[name] = reason
            elif is_held_out and len(val) < self._num_val:
                val.append(row)
            elif not is_held_out and len(train) < self._num_head:
                train.append(row)
        if self._val is not None:
            given = (row for shard in self._val for row in self._good(shard, 0))
            val = [row for _, _, row in islice(given, self._num_val)]
        if not train or not val:
            raise DataError(
                f"A stream needs rows to train on and rows to measure on; the first pass has {len(train):,} and "
                f"{len(val):,}. Give more rows, or others as val."
            )
        table = self._first_table([*train, *val])
        for name, reason in self.damaged.items():
            table.report.add(name, Outcome.SKIPPED, reason)
        splits = {"train": np.arange(len(train)), "val": np.arange(len(train), len(table))}
        return replace(table, splits=splits, given_splits=("train", "val"))

    def blocks(self, head: Table, seed: int) -> Blocks:
        """The rows for training, some at a time, as tables that mean what the head's does."""
        return Blocks(self, head, seed)

    def _walk(self, place: Place, seed: int) -> Iterator[tuple[Place, str, dict[str, Any], bool]]:
        """The rows that can be read from a place on: the place behind each, its name, itself, and whether it is held
        out.
        """
        passes, turn, member = place
        holds_out = self._val is None
        while True:
            order = permutation(seed, "shards", passes, len(self._shards))[self._worker[0] :: self._worker[1]]
            found = member > 0 or turn > 0
            for number in range(turn, len(order)):
                for count, name, row in self._good(self._shards[order[number]], member):
                    found = True
                    is_held_out = holds_out and zlib.crc32(name.encode()) % _HELD_OUT == 0
                    yield Place(passes, number, count), name, row, is_held_out
                member = 0
            if not found:
                reasons = "; ".join(f"{name}: {why}" for name, why in islice(self.damaged.items(), 3))
                raise DataError(f"A stream needs rows that can be read; a whole pass gave none ({reasons or 'empty'}).")
            passes, turn = passes + 1, 0

    def _good(self, shard: Any, start: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """The rows of a shard that can be read, with how many there are up to each."""
        rows: Iterable[NamedRow]
        if callable(shard):
            rows = ((f"row {number + 1}", _as_row(row)) for number, row in islice(enumerate(shard()), start, None))
        else:
            rows = read_shard(shard, start=start, size=self._size)
        for count, (name, row) in enumerate(rows, start + 1):
            if isinstance(row, str):
                self.damaged[name] = row
            else:
                yield count, name, row

    def _first_table(self, rows: list[dict[str, Any]]) -> Table:
        report = DataReport(source=self.name)
        names = list(rows[0])
        target = self._target or next((name for name in _TARGETS if name in names), None)
        if target is None or target not in names:
            raise DataError(
                f"A stream needs the name of what is learnt; a row has {', '.join(names)}. "
                "Name one: target=… (--target)."
            )
        if not _has_arrays(rows[0]):
            records = value_records(
                self.name, names, [[row.get(n) for row in rows] for n in names], np.arange(len(rows))
            )
            asked = Asked(target=target, kinds={} if self._classes is None else {target: "category"})
            return table_of_records({"": records}, name=self.name, asked=asked, report=report)
        inputs = [name for name in names if name != target]
        if len(inputs) != 1:
            raise DataError(
                f"A stream of arrays needs one input beside the target {target!r}; a row has {', '.join(inputs)}. "
                "Leave the others out of the shards."
            )
        made = input_column(_stacked(rows, inputs[0]), inputs[0])
        learnt = target_column(np.array([row[target] for row in rows]), target)
        column = learnt.column
        if self._classes is not None:
            column = replace(column, kind=Kind.CATEGORY, classes=tuple(map(str, self._classes)))
        report.notes.extend((*made.notes, *learnt.notes))
        report.extend((*made.findings, *learnt.findings))
        schema = Schema((made.column, column))
        recipe = None if made.pictures is None else ReadingRecipe(found={"pictures": dict(made.pictures)})
        columns: dict[str, ColumnData] = {made.column.name: made.data, target: Dense(_target_values(rows, column))}
        return Table(name=self.name, schema=schema, columns=columns, splits={}, report=report, recipe=recipe)

    def _next_table(self, head: Table, rows: list[dict[str, Any]]) -> Table:
        if not _has_arrays(rows[0]):
            names = list(rows[0])
            records = value_records(
                self.name, names, [[row.get(n) for row in rows] for n in names], np.arange(len(rows))
            )
            assert head.recipe is not None
            recipe = TableRecipe.from_json(head.recipe.part(SUBJECT))
            return table_of_records(
                {"": records}, name=self.name, asked=Asked(), report=DataReport(source=self.name), recipe=recipe
            )
        (given,), target = head.inputs, head.target()
        made = input_column(_stacked(rows, given.name), given.name)
        columns: dict[str, ColumnData] = {given.name: made.data, target.name: Dense(_target_values(rows, target))}
        return Table(name=self.name, schema=head.schema, columns=columns, splits={}, recipe=head.recipe)

    def _fits(self, head: Table, classes: Collection[str], name: str, row: Mapping[str, Any]) -> bool:
        """Whether a row is of the head's form, its class among these; where not, it is counted as damaged."""
        if _has_arrays(row):
            (given,), target = head.inputs, head.target()
            if given.name not in row or target.name not in row:
                self.damaged[name] = f"{given.name} and {target.name} are required; it has {', '.join(row)}"
            elif given.kind is not Kind.TEXT and _size_of(row[given.name]) != abs(int(np.prod(given.shape))):
                self.damaged[name] = f"{given.name} is of another shape than in the first rows"
            elif target.classes is not None and str(row[target.name]) not in classes:
                self.damaged[name] = f"the class {str(row[target.name])[:40]!r} is not among those of the first rows"
            else:
                return True
            return False
        lacking = [column.name for column in head.schema if column.role is not Role.IGNORED and column.name not in row]
        if lacking:
            self.damaged[name] = f"{', '.join(lacking)} is missing"
        return not lacking


class Blocks:
    """Blocks of a stream's rows. One that begins where the last one ended goes on from there: shards stay open between.

    Args:
        stream: of the rows.
        head: of the stream.
        seed: of the order of shards.
    """

    def __init__(self, stream: Stream, head: Table, seed: int) -> None:
        self._stream, self._head, self._seed = stream, head, seed
        self._classes = {name for column in head.targets for name in column.classes or ()}
        self._behind: Place | None = None
        self._walk: Iterator[tuple[Place, str, dict[str, Any], bool]] = iter(())

    def read(self, place: Place, num: int) -> tuple[Table, Place]:
        """So many rows from a place on, and the place behind the last of them."""
        stream = self._stream
        if place != self._behind:
            self._walk = stream._walk(place, self._seed)
        self._behind = None  # an error ends the walk
        rows: list[dict[str, Any]] = []
        for behind, name, row, is_held_out in self._walk:
            if not is_held_out and stream._fits(self._head, self._classes, name, row):
                rows.append(row)
                if len(rows) == num:
                    self._behind = behind
                    return stream._next_table(self._head, rows), behind
        raise AssertionError("a walk has no end")


def _as_row(row: Any) -> dict[str, Any] | str:
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    if isinstance(row, tuple) and len(row) == 2:
        return {"x": np.asarray(row[0]), "y": row[1]}
    return f"a row must be a dict or a pair (x, y); got {type(row).__name__}"


def _has_arrays(row: Mapping[str, Any]) -> bool:
    """Whether rows hold arrays or one text each, and no cells of a table."""
    return any(isinstance(value, np.ndarray) for value in row.values()) or set(row) == {"txt", "cls"}


def _size_of(value: Any) -> int:
    return int(value.size) if isinstance(value, np.ndarray) else 1


def _stacked(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    try:
        return (
            np.stack([row[name] for row in rows])
            if isinstance(rows[0][name], np.ndarray)
            else np.array([row[name] for row in rows])
        )
    except (ValueError, KeyError) as error:
        raise DataError(f"A stream needs the same shape of {name!r} in every row of its head; {error}.") from None


def _codes(classes: Sequence[str]) -> dict[str, int]:
    return {name: code for code, name in enumerate(classes)}


def _target_values(rows: Sequence[Mapping[str, Any]], column: Any) -> np.ndarray:
    values = [row[column.name] for row in rows]
    if column.classes is None:
        return np.array(values, dtype=np.float32)
    codes = _codes(column.classes)
    try:
        return np.array([codes[str(value)] for value in values], dtype=np.int64)
    except KeyError as error:
        raise DataError(f"The class {error} is not among those that were named: {', '.join(codes)}.") from None


def _unlike(first: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Why a row cannot stand beside another in one array; empty where it can."""
    if lacking := [name for name in first if name not in row]:
        return f"{', '.join(lacking)} is missing"
    other = [name for name in first if getattr(first[name], "shape", None) != getattr(row[name], "shape", None)]
    return f"{other[0]} is of another shape than in the first row" if other else ""
