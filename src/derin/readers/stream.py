"""Data without end and larger than the disk: rows out of shards or of a generator, and the tables of some of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.seeds import permutation
from derin.data.block_source import Place
from derin.data.pictures.codec import pixel_values
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Table
from derin.readers.array_columns import class_codes, further_input, input_column, target_column
from derin.readers.csv_table import Asked, table_of_records
from derin.readers.delimited import Records
from derin.readers.shards import Part, Values, Wanted, parts_of_rows, read_shard, shard_paths
from derin.readers.table_recipe import SUBJECT, TableRecipe
from derin.readers.tar_rows import Layouts
from derin.readers.typed_records import value_records

# Where nobody gives rows to measure on, one of so many is held out and never trained on.
_HELD_OUT = 20
_CRC_TABLE = np.array([zlib.crc32(bytes([255 ^ letter])) ^ 0xFF000000 for letter in range(256)], dtype=np.uint32)
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
        target: the name of the value that is learned; None takes ``cls``, ``y``, ``label``, ``target`` or ``txt``.
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
        self._layouts = Layouts()
        self._shards: list[Any] = [rows] if callable(rows) else list(shard_paths(rows))
        self._val: list[Any] | None = None if val is None else [val] if callable(val) else list(shard_paths(val))
        self._target, self._classes, self._size, self._worker = target, classes, size, worker
        self._num_val, self._num_head = num_val, num_head
        self._shape: tuple[int, ...] | None = None  # of what is learned from, in the head; None where rows hold cells
        if worker[1] > len(self._shards):
            raise UsageError(f"Stream: {worker[1]} workers need so many shards; there are {len(self._shards)}.")

    def head(self, seed: int) -> Table:
        """The first rows as a table: those of its split ``train`` to find out from, those of ``val`` to measure on."""
        train = _Gathered(self._num_head)
        val = _Gathered(self._num_val)
        learns = [train] if self._val is not None else [train, val]

        def wanted(prefix: str, names: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
            is_held_out = self._are_held_out(prefix, names)
            return np.where(is_held_out, not val.is_full, not train.is_full)

        first: Part | None = None
        for _, part in self._one_pass(Place(), seed, wanted):
            first = first or part
            part = self._alike(first, part)
            is_held_out = self._are_held_out(part.prefix, part.names)
            val.add(part, is_held_out)
            train.add(part, ~is_held_out)
            if all(rows.is_full for rows in learns):
                break
        if first is None:
            raise self._nothing_read()
        if self._val is not None:
            for part in (part for shard in self._val for part in self._good(shard, 0, None)):
                val.add(self._alike(first, part))
                if val.is_full:
                    break
        if not len(train) or not len(val):
            raise DataError(
                f"A stream needs rows to train on and rows to measure on; the first pass has {len(train):,} and "
                f"{len(val):,}. Give more rows, or others as val."
            )
        table = self._first_table(_joined([*train.parts, *val.parts]), len(train) + len(val))
        for name, reason in self.damaged.items():
            table.report.add(name, Outcome.SKIPPED, reason)
        splits = {"train": np.arange(len(train)), "val": np.arange(len(train), len(table))}
        return replace(table, splits=splits, given_splits=("train", "val"))

    def blocks(self, head: Table, seed: int) -> Blocks:
        """The rows for training, some at a time, as tables that mean what the head's does."""
        return Blocks(self, head, seed)

    def _walk(self, place: Place, seed: int) -> Iterator[tuple[Place, Part]]:
        """The rows to train on from a place on: parts of shards, with the place where the shard of each begins."""

        def wanted(prefix: str, names: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
            return ~self._are_held_out(prefix, names)

        while True:
            found = place.member > 0 or place.turn > 0
            for begin, part in self._one_pass(place, seed, wanted):
                found = True
                yield begin, part
            if not found:
                raise self._nothing_read()
            place = Place(place.passes + 1)

    def _one_pass(self, place: Place, seed: int, wanted: Wanted) -> Iterator[tuple[Place, Part]]:
        """The wanted rows of a pass, from a place on."""
        passes, turn, member = place
        order = permutation(seed, "shards", passes, len(self._shards))[self._worker[0] :: self._worker[1]]
        for number in range(turn, len(order)):
            for part in self._good(self._shards[order[number]], member, wanted):
                yield Place(passes, number), part
            member = 0

    def _good(self, shard: Any, start: int, wanted: Wanted | None) -> Iterator[Part]:
        """The rows of a shard that can be read; what cannot is counted."""
        if callable(shard):
            rows = ((n, b"%d" % (n + 1), _as_row(row)) for n, row in islice(enumerate(shard()), start, None))
            parts = parts_of_rows("row ", rows, wanted)
        else:
            parts = read_shard(shard, start=start, size=self._size, wanted=wanted, known=self._layouts)
        for part in parts:
            self.damaged |= part.damaged
            if len(part):
                yield part

    def _nothing_read(self) -> DataError:
        reasons = "; ".join(f"{name}: {why}" for name, why in islice(self.damaged.items(), 3))
        return DataError(f"A stream needs rows that can be read; a whole pass gave none ({reasons or 'empty'}).")

    def _are_held_out(self, prefix: str, names: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
        """Which rows are measured on and never trained on."""
        if self._val is not None:
            return np.zeros(len(names), dtype=bool)
        return crc32_of(prefix.encode(), names) % _HELD_OUT == 0

    def _alike(self, first: Part, part: Part) -> Part:
        """The rows of a part that can stand beside the first ones in one array; others are counted as damaged."""
        if not first.has_arrays:
            return part
        reason = ""
        if lacking := [name for name in first.columns if name not in part.columns]:
            reason = f"{', '.join(lacking)} is missing"
        elif other := [name for name in first.columns if _shape(first, name) != _shape(part, name)]:
            reason = f"{other[0]} is of another shape than in the first row"
        return self._left_out(part, np.full(len(part), bool(reason)), reason)

    def _left_out(self, part: Part, which: npt.NDArray[np.bool_], reason: str) -> Part:
        """The other rows of a part; these are counted as damaged."""
        if not which.any():
            return part
        self.damaged |= {part.name(place): reason for place in np.flatnonzero(which).tolist()}
        return part.take(~which)

    def _first_table(self, columns: Mapping[str, Values], num: int) -> Table:
        report = DataReport(source=self.name)
        names = list(columns)
        target = self._target or next((name for name in _TARGETS if name in names), None)
        if target is None or target not in names:
            raise DataError(
                f"A stream needs the name of what is learned; a row has {', '.join(names)}. "
                "Name one: target=… (--target)."
            )
        if not _have_arrays(columns):
            asked = Asked(target=target, kinds={} if self._classes is None else {target: "category"})
            return table_of_records({"": self._records(columns, num)}, name=self.name, asked=asked, report=report)
        inputs = [name for name in names if name != target]
        if len(inputs) != 1:
            raise DataError(
                f"A stream of arrays needs one input beside the target {target!r}; a row has {', '.join(inputs)}. "
                "Leave the others out of the shards."
            )
        self._shape = np.shape(columns[inputs[0]])[1:]
        made = input_column(np.asarray(columns[inputs[0]]), inputs[0])
        learned = target_column(np.array(columns[target]), target)
        column = learned.column
        if self._classes is not None:
            column = replace(column, kind=Kind.CATEGORY, classes=tuple(map(str, self._classes)))
        report.notes.extend((*made.notes, *learned.notes))
        report.extend((*made.findings, *learned.findings))
        schema = Schema((made.column, column))
        recipe = None if made.pictures is None else ReadingRecipe(found={"pictures": dict(made.pictures)})
        codes, unknown = _target_values(columns[target], column)
        if unknown.any():
            lost = str(columns[target][int(np.flatnonzero(unknown)[0])])
            raise DataError(
                f"The class {lost!r} is not among those that were named: {', '.join(column.classes or ())}."
            )
        found: dict[str, ColumnData] = {made.column.name: made.data, target: Dense(codes)}
        return Table(name=self.name, schema=schema, columns=found, splits={}, report=report, recipe=recipe)

    def _next_table(self, head: Table, columns: Mapping[str, Values], num: int) -> Table:
        if self._shape is None:
            assert head.recipe is not None
            recipe = TableRecipe.from_json(head.recipe.part(SUBJECT))
            records, report = self._records(columns, num), DataReport(source=self.name)
            return table_of_records({"": records}, name=self.name, asked=Asked(), report=report, recipe=recipe)
        (given,), target = head.inputs, head.target()
        data = further_input(np.asarray(columns[given.name]), given, pixel_values(head))
        codes, _ = _target_values(columns[target.name], target)
        found: dict[str, ColumnData] = {given.name: data, target.name: Dense(codes)}
        return Table(name=self.name, schema=head.schema, columns=found, splits={}, recipe=head.recipe)

    def _records(self, columns: Mapping[str, Values], num: int) -> Records:
        return value_records(self.name, list(columns), list(columns.values()), np.arange(num))

    def _fitting(self, head: Table, part: Part) -> Part:
        """The rows of the head's form, their classes among the head's; the others are counted as damaged."""
        if self._shape is None:
            lacking = [c.name for c in head.schema if c.role is not Role.IGNORED and c.name not in part.columns]
            return self._left_out(part, np.full(len(part), bool(lacking)), f"{', '.join(lacking)} is missing")
        (given,), target = head.inputs, head.target()
        reason = ""
        if given.name not in part.columns or target.name not in part.columns:
            reason = f"{given.name} and {target.name} are required; it has {', '.join(part.columns)}"
        elif given.kind is not Kind.TEXT and np.shape(part.columns[given.name])[1:] != self._shape:
            reason = f"{given.name} is of another shape than in the first rows"
        if reason or target.classes is None:
            return self._left_out(part, np.full(len(part), bool(reason)), reason)
        values = part.columns[target.name]
        _, unknown = _target_values(values, target)
        for place in np.flatnonzero(unknown).tolist():
            self.damaged[part.name(place)] = (
                f"the class {str(values[place])[:40]!r} is not among those of the first rows"
            )
        return part.take(~unknown)


class Blocks:
    """Blocks of a stream's rows. One that begins where the last one ended goes on from there: shards stay open between.

    Args:
        stream: of the rows.
        head: of the stream.
        seed: of the order of shards.
    """

    def __init__(self, stream: Stream, head: Table, seed: int) -> None:
        self._stream, self._head, self._seed = stream, head, seed
        self._behind: Place | None = None
        self._parts: Iterator[tuple[Place, Part]] = iter(())
        self._left: list[tuple[Place, Part]] = []  # what the last block left of a part

    def read(self, place: Place, num: int) -> tuple[Table, Place]:
        """So many rows from a place on, and the place behind the last of them."""
        stream = self._stream
        if place != self._behind:
            self._parts, self._left = stream._walk(place, self._seed), []
        self._behind = None  # an error ends the walk
        rows = _Gathered(num)
        for begin, part in chain(self._left, self._parts):
            fitting = stream._fitting(self._head, part)
            taken = rows.add(fitting)
            if rows.is_full:
                self._left = [(begin, fitting.between(taken, len(fitting)))]
                self._behind = begin._replace(member=int(fitting.numbers[taken - 1]) + 1)
                return stream._next_table(self._head, _joined(rows.parts), num), self._behind
        raise AssertionError("a walk has no end")


class _Gathered:
    """Parts of shards, up to so many rows."""

    def __init__(self, num: int) -> None:
        self._num, self._len, self.parts = num, 0, list[Part]()

    def __len__(self) -> int:
        return self._len

    @property
    def is_full(self) -> bool:
        return self._len >= self._num

    def add(self, part: Part, which: npt.NDArray[np.bool_] | None = None) -> int:
        """Takes these rows of a part, as long as there is room; how many."""
        room = self._num - self._len
        fitting = part.between(0, room) if which is None else part.take(np.flatnonzero(which)[:room])
        if len(fitting):
            self.parts.append(fitting)
            self._len += len(fitting)
        return len(fitting)


def crc32_of(prefix: bytes, names: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint32]:
    """CRC-32 of texts that begin alike, of all of them at a time.

    Example:
        >>> crc32_of(b"a/", np.array([b"7", b"12"])).tolist() == [zlib.crc32(b"a/7"), zlib.crc32(b"a/12")]
        True
    """
    letters = np.ascontiguousarray(names).view(np.uint8).reshape(len(names), names.dtype.itemsize)
    # Names that lie together begin alike for the most part.
    is_shared = np.append(((letters == letters[:1]) & (letters != 0)).all(axis=0), False)
    num_shared = int(np.argmin(is_shared)) if len(names) else 0
    start = zlib.crc32(letters[0, :num_shared].tobytes(), zlib.crc32(prefix)) if num_shared else zlib.crc32(prefix)
    found = np.full(len(names), start ^ 0xFFFFFFFF, dtype=np.uint32)
    for letter in np.ascontiguousarray(letters[:, num_shared:].T):
        following = _CRC_TABLE[(found ^ letter) & np.uint32(255)] ^ (found >> np.uint32(8))
        found = np.where(letter == 0, found, following)
    return found ^ np.uint32(0xFFFFFFFF)


def _as_row(row: Any) -> dict[str, Any] | str:
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    if isinstance(row, tuple) and len(row) == 2:
        return {"x": np.asarray(row[0]), "y": row[1]}
    return f"a row must be a dict or a pair (x, y); got {type(row).__name__}"


def _have_arrays(columns: Mapping[str, Values]) -> bool:
    return any(isinstance(v, np.ndarray) for v in columns.values()) or columns.keys() == {"txt", "cls"}


def _shape(part: Part, name: str) -> tuple[int, ...]:
    values = part.columns[name]
    return values.shape[1:] if isinstance(values, np.ndarray) else ()


def _joined(parts: Sequence[Part]) -> dict[str, Values]:
    """The columns of the first part, of all of them."""
    joined: dict[str, Values] = {}
    for name in parts[0].columns:
        columns = [part.columns.get(name, [None] * len(part)) for part in parts]
        are_arrays = all(isinstance(values, np.ndarray) for values in columns)
        joined[name] = np.concatenate(columns) if are_arrays else [value for values in columns for value in values]
    return joined


def _target_values(values: Values, column: Column) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Numbers, or the places of classes among those of a column; and which values are no class of it."""
    if column.classes is None:
        return np.array(values, dtype=np.float32), np.zeros(len(values), dtype=bool)
    if isinstance(values, np.ndarray) and values.ndim == 1:
        found = class_codes(values, column.classes)
    else:
        codes = {name: code for code, name in enumerate(column.classes)}
        found = np.array([codes.get(str(value), -1) for value in values], dtype=np.int64)
    return found, found < 0
