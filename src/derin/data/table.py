"""All data, once read: columns of equal length, their schema, their splits and what was noticed while reading.

A column is read by rows (`take`), never example by example. Columns live in memory or in a memory-mapped file;
nothing here knows which.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.former_names import warn_of_former_name
from derin.core.printable import printable, replace_half_pairs
from derin.data.cells.packed import PackedColumn
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema

Rows = npt.NDArray[np.int64]
SPLITS = ("train", "val", "test")
# Examples of the training kind that are not trained on, where validation is of another kind.
TRAINING_DEV = "traindev"


class ColumnData(Protocol):
    """The values of one column."""

    def __len__(self) -> int: ...

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All that it holds: equal for equal data."""
        ...

    def take(self, rows: Rows) -> Any:
        """The values of these rows, in this order."""
        ...


@dataclass(frozen=True)
class Dense:
    """Values of equal shape: one array whose first axis is the example.

    Shapes:
        ``(N, *shape)``; pictures are ``(N, height, width, channels)`` uint8.
    """

    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return (self.values,)

    def take(self, rows: Rows) -> npt.NDArray[Any]:
        return self.values[rows]


@dataclass(frozen=True)
class Ragged:
    """Values of unequal length: one flat array, where example i is ``flat[offsets[i]:offsets[i + 1]]``.

    Shapes:
        flat ``(total,)``, offsets ``(N + 1,)`` int64.
    """

    flat: npt.NDArray[Any]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.flat, self.offsets

    def take(self, rows: Rows) -> Ragged:
        starts, lengths = self.offsets[rows], np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        # Position of every value: its example's start plus its place within the example.
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return Ragged(self.flat[places], offsets)

    def texts(self, rows: Rows | None = None) -> list[str]:
        """The rows as strings, for a column of kind text."""
        part = self if rows is None else self.take(rows)
        whole = part.flat.tobytes()
        bounds = part.offsets.tolist()
        return [whole[a:b].decode("utf-8") for a, b in itertools.pairwise(bounds)]

    def word_lists(self, rows: Rows | None = None) -> list[list[str]]:
        """The rows as lists of words, for a column of kind words."""
        return [text.split("\n") if text else [] for text in self.texts(rows)]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> Ragged:
        if isinstance(texts, PackedColumn):
            joined, bounds = texts.joined()
            # Half pairs begin with this byte, which few others do.
            if not (joined == 0xED).any():
                return cls(joined, bounds)
        flat = bytearray()

        def lengths() -> Iterator[int]:
            # Texts may lie packed, and are strings one at a time only.
            for text in texts:
                encoded = replace_half_pairs(text).encode("utf-8")
                flat.extend(encoded)
                yield len(encoded)

        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(lengths(), dtype=np.int64, count=len(texts)), out=offsets[1:])
        values = np.frombuffer(flat, dtype=np.uint8)
        values.setflags(write=False)
        return cls(values, offsets)


@dataclass(frozen=True)
class Sounds(Ragged):
    """Mono sounds of any length at one rate, one after the other.

    Args:
        rate: samples per second.

    Shapes:
        flat ``(total,)`` float32 from -1 to 1, offsets ``(N + 1,)`` int64.
    """

    rate: int

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.flat, self.offsets, np.array(self.rate)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Samples of each."""
        return np.diff(self.offsets)

    def take(self, rows: Rows) -> Sounds:
        part = super().take(rows)
        return Sounds(part.flat, part.offsets, self.rate)

    def each(self) -> Iterator[npt.NDArray[np.float32]]:
        """The samples of one after the other."""
        return (self.flat[start:end] for start, end in itertools.pairwise(self.offsets.tolist()))

    @classmethod
    def of(cls, samples: Sequence[npt.NDArray[np.float32]], rate: int) -> Sounds:
        """Sounds that are at this rate already."""
        offsets = np.cumsum([0, *map(len, samples)], dtype=np.int64)
        flat = np.concatenate(samples) if samples else np.zeros(0, dtype=np.float32)
        return cls(flat.astype(np.float32, copy=False), offsets, rate)


@dataclass(frozen=True)
class Pictures:
    """Pictures of unequal size, read by windows of equal size.

    Picture i is ``flat[offsets[i]:offsets[i + 1]]`` as ``heights[i] × widths[i] × channels`` (C order, uint8).
    """

    flat: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    heights: npt.NDArray[np.int64]
    widths: npt.NDArray[np.int64]
    channels: int

    def __len__(self) -> int:
        return len(self.heights)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.flat, self.offsets

    def picture(self, row: int) -> npt.NDArray[np.uint8]:
        """One whole picture, height × width × channels."""
        pixels = self.flat[self.offsets[row] : self.offsets[row + 1]]
        return pixels.reshape(self.heights[row], self.widths[row], self.channels)

    def take(self, rows: Rows) -> list[npt.NDArray[np.uint8]]:
        return [self.picture(int(row)) for row in rows]

    def windows(self, rows: Rows, tops: Rows, lefts: Rows, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """A window of ``size`` from each picture, in one gather.

        Shapes:
            rows, tops, lefts ``(B,)`` → ``(B, size[0], size[1], channels)``. Every window lies inside its picture.
        """
        height, width = size
        if (tops + height > self.heights[rows]).any() or (lefts + width > self.widths[rows]).any():
            raise DataError(f"Pictures.windows: a window of {height}x{width} reaches over the edge of its picture.")
        line = self.widths[rows] * self.channels
        first = self.offsets[rows] + tops * line + lefts * self.channels
        starts = first[:, None] + np.arange(height)[None, :] * line[:, None]
        # Every run of `width` pixels that begins at some byte: a view, of which whole lines are then copied.
        num_bytes = width * self.channels
        lines = np.lib.stride_tricks.sliding_window_view(self.flat, num_bytes)
        return lines[starts].reshape(len(rows), height, width, self.channels)


@dataclass(frozen=True)
class Unseen:
    """Values that no table holds, for they come in batches.

    Args:
        num: of the rows.
        first: one or two of the values, which show their form.
        given: what gives the batches.

    Shapes:
        first ``(1 or 2, *shape)``.
    """

    num: int
    first: npt.NDArray[Any]
    given: Any

    def __len__(self) -> int:
        return self.num

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return ()

    def take(self, rows: Rows) -> NoReturn:
        """Nothing.

        Raises:
            DataError: always.
        """
        raise DataError("What goes in comes in batches and lies in no table; give the data as arrays for this.")


@dataclass(frozen=True)
class Boxes:
    """Rectangles in pictures, any number of them in each, with the class of each.

    Args:
        corners: left, top, right and bottom of each, in pixels from the upper left corner of its picture.
        classes: class numbers.
        offsets: the rectangles of row i are ``offsets[i]:offsets[i + 1]``.
        frames: height and width of the picture that each row's rectangles were drawn in.
        crowds: which of them are no single thing to be found (a crowd, or one that is too difficult): nothing is
            learned there, and what is found there is neither right nor wrong. None where none is.

    Shapes:
        corners ``(total, 4)`` float32, classes ``(total,)`` int64, offsets ``(N + 1,)`` int64, frames ``(N, 2)`` int64,
        crowds ``(total,)`` bool.
    """

    corners: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    crowds: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        alike = self.corners, self.classes, self.offsets, self.frames
        return alike if self.crowds is None else (*alike, self.crowds)

    @property
    def is_crowd(self) -> npt.NDArray[np.bool_]:
        """Which are crowds, also where none is: ``(total,)``."""
        return np.zeros(len(self.corners), dtype=bool) if self.crowds is None else self.crowds

    def take(self, rows: Rows) -> Boxes:
        corners, classes, crowds = (
            Ragged(flat, self.offsets).take(rows) for flat in (self.corners, self.classes, self.is_crowd)
        )
        found = None if self.crowds is None else crowds.flat
        return Boxes(corners.flat, classes.flat, corners.offsets, self.frames[rows], found)


@dataclass(frozen=True)
class Points:
    """The same K places in each picture: corners of eyes, joints.

    Args:
        places: x and y in pixels from the upper left corner of the picture.
        visible: whether each is seen.
        frames: height and width of the picture that they were marked in.
        pairs: of a left and a right point each, by number, which change places in a mirror image.

    Shapes:
        places ``(N, K, 2)`` float32, visible ``(N, K)`` bool, frames ``(N, 2)`` int64.
    """

    places: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    frames: npt.NDArray[np.int64]
    pairs: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        return self.places, self.visible, self.frames

    def take(self, rows: Rows) -> Points:
        return Points(self.places[rows], self.visible[rows], self.frames[rows], self.pairs)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns, what they mean, which rows belong to which split, and what was noticed while reading.

    Args:
        name: of the data, for people.
        schema: the meaning of each column.
        columns: the values, by the names of the schema.
        splits: row numbers of ``train``, ``val`` and ``test``; those that do not exist are absent.
        report: counts, exceptions, duplicates, leaks.
        row_names: a name for each row (a path, a line number), or None.
        given_splits: the splits that the source itself brought; the others were cut.
        task: the name of the task that the data was read for, where its form does not tell (plain text, a series).
        recipe: how it was read; readers put there what they found out, `derin.load` the rest. None for a table that
            was built and not read.
        unanswered: rows that were read to be predicted and cannot be, and why; their values are empty.
    """

    name: str
    schema: Schema
    columns: Mapping[str, ColumnData]
    splits: Mapping[str, Rows]
    report: DataReport = field(default_factory=DataReport)
    row_names: Sequence[str] | None = None
    given_splits: tuple[str, ...] = ()
    task: str | None = None
    recipe: ReadingRecipe | None = None
    unanswered: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {c.name: len(self.columns[c.name]) for c in self.schema}
        if len(set(lengths.values())) > 1:
            raise DataError(f"Table {self.name!r}: all columns must have the same length; got {lengths}.")

    def __repr__(self) -> str:
        splits = ", ".join(f"{name} {len(rows):,}" for name, rows in self.splits.items())
        inputs, targets = (", ".join(printable(c.name) for c in part) for part in (self.inputs, self.targets))
        return f"Table({self.name!r}, {len(self):,} rows: {splits or 'no splits'}; {inputs} → {targets or 'no target'})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from html import escape

        cells = "".join(
            f"<tr><td>{escape(c.name)}</td><td>{c.kind.value}</td><td>{c.role.value}</td><td>{escape(c.note)}</td></tr>"
            for c in self.schema
        )
        return f"<table><caption>{escape(repr(self))}</caption>{cells}</table>"

    def __len__(self) -> int:
        return len(self.columns[self.schema.columns[0].name])

    def __getitem__(self, name: str) -> ColumnData:
        self.schema[name]  # names what exists where it is missing
        return self.columns[name]

    @property
    def reading(self) -> DataReport:
        """The former name of `report`."""
        warn_of_former_name("Table", "reading (report)")
        return self.report

    @property
    def inputs(self) -> tuple[Column, ...]:
        return self.schema.with_role(Role.INPUT)

    @property
    def targets(self) -> tuple[Column, ...]:
        return self.schema.with_role(Role.TARGET)

    @property
    def holds_arrays(self) -> bool:
        """Whether what goes in are arrays by name, which stay as they are."""
        return any(column.kind is Kind.ARRAY for column in self.inputs)

    @property
    def in_batches(self) -> Any:
        """What gives the values that go in, where they come in batches alone; else None."""
        found = [self.columns[column.name] for column in self.inputs]
        return next((data.given for data in found if isinstance(data, Unseen)), None)

    def target(self) -> Column:
        """The one target; none or several are refused."""
        if len(self.targets) != 1:
            names = ", ".join(c.name for c in self.targets) or "none"
            raise DataError(f"Table {self.name!r}: exactly one target column is required; got {names}.")
        return self.targets[0]

    def with_splits(self, splits: Mapping[str, Rows]) -> Table:
        return replace(self, splits=dict(splits))

    def fingerprint(self) -> str:
        """SHA-256 over the columns: equal for equal data, wherever it lies.

        It is of the values and of what they mean, not of what is said about them; of the splits is
        `splits_fingerprint`. Columns that nothing is learned from do not count.
        """
        learned_from = [c for c in self.schema if c.role not in (Role.IGNORED, Role.ID)]
        meaning = [[c.name, c.kind.value, c.role.value, list(c.shape), list(c.classes or ())] for c in learned_from]
        digest = hashlib.sha256(json.dumps(meaning).encode())
        for column in learned_from:
            for part in self.columns[column.name].arrays:
                digest.update(str((part.dtype.str, part.shape)).encode())
                digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def splits_fingerprint(self) -> str:
        """SHA-256 over the rows of each split."""
        digest = hashlib.sha256()
        for name in (*SPLITS, TRAINING_DEV):
            if name in self.splits:
                digest.update(name.encode() + np.ascontiguousarray(self.splits[name], dtype="<i8").tobytes())
        return digest.hexdigest()
