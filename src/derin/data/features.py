"""Tables to features: every column in its encoding, side by side, fitted on the training rows and saved in the card."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.cells.encoders import CategoryEncoder, DateEncoder, Encoder, Features, NumberEncoder, encoder_from_json
from derin.data.cells.raw_column import RawColumn, TableColumn
from derin.data.cells.raw_rows import raw_columns
from derin.data.cells.writing import DAY_FIRST, Writing
from derin.data.codecs.base import Codec
from derin.data.codecs.values import ValuesColumn
from derin.data.schema import Column, Kind
from derin.data.table import ColumnData, Dense, Ragged, Rows, Table

# Rows that are encoded at a time: so few that what a column of vectors takes in float64 stays in a processor's cache.
_CHUNK_ROWS, _CHUNK_BYTES = 16_384, 1 << 20


@dataclass(frozen=True)
class FeaturesCodec(Codec):
    """Numbers standardised, categories one-hot or as places in a table of vectors, dates as year and circles; text and
    identifiers are left out.

    Args:
        encoders: one for each raw column, in the order of the features.

    Example:
        >>> from derin.data.schema import Role, Schema
        >>> from derin.data.table import Dense
        >>> column = Column(name="age", kind=Kind.NUMBER, role=Role.INPUT)
        >>> table = Table(name="t", schema=Schema((column,)), columns={"age": Dense(np.array([1.0, 3.0]))}, splits={})
        >>> FeaturesCodec.fit(table, np.array([0, 1])).read([{"age": 3}, {"age": "2"}]).tolist()
        [[1.0], [0.0]]
    """

    encoders: tuple[Encoder, ...]
    kind: ClassVar[str] = "features"
    medium: ClassVar[str] = "rows"
    reads_in_parts: ClassVar[bool] = False

    @classmethod
    def fit(cls, table: Table, rows: Rows, embeddings: int | None = None) -> FeaturesCodec:
        """Statistics and classes of the training rows; nothing is learned from any other row.

        Args:
            table: whose input columns are used.
            rows: of the training split.
            embeddings: a category of so many classes or more, each in two training rows or more, is one feature: its
                place in a table of vectors, which the network learns. None (or 0) makes all of them one-hot.

        Raises:
            DataError: no input column can be used.
            UsageError: `embeddings` is no whole number, or negative.
        """
        if embeddings is not None and (not isinstance(embeddings, int) or embeddings < 0):
            raise UsageError(f"embeddings must be a number of classes, or 0 for none; got {embeddings!r}.")
        if not len(rows):
            raise DataError(f"Table {table.name!r}: features are fitted on training rows; there is none.")
        encoders = []
        left_out = []
        for column in table.inputs:
            writing = writing_of(table, column.name)
            encoder = _fit(column, TableColumn(column, _taken(table, column, rows)), writing, embeddings or None)
            if encoder is None:
                left_out.append(column)
            else:
                encoders.append(encoder)
        texts = [c.name for c in left_out if c.kind is Kind.TEXT]
        if not encoders:
            if texts:
                raise DataError(
                    f"Table {table.name!r}: an input of numbers, categories or dates is required beside texts "
                    f"({', '.join(map(repr, texts))}); add such a column, or keep one text alone."
                )
            kinds = ", ".join(f"{c.name!r} ({c.kind.value}, {c.role.value})" for c in table.schema)
            raise DataError(
                f"Table {table.name!r}: an input of numbers, categories or dates is required; it has: {kinds}."
            )
        notes = [
            Message("reading.no_feature_text" if c.kind is Kind.TEXT else "reading.no_feature_empty", column=c.name)
            for c in left_out
        ]
        notes += [
            Message("reading.embedded", column=e.name, classes=len(e.classes), dim=e.dim)
            for e in encoders
            if isinstance(e, CategoryEncoder) and e.dim is not None
        ]
        table.report.notes += [note for note in notes if note not in table.report.notes]
        return cls(tuple(encoders))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(e.name for e in self.encoders)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each feature, for reports."""
        return tuple(name for e in self.encoders for name in e.feature_names)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.feature_names),)

    def network_options(self) -> dict[str, Any]:
        """The tables of vectors that a network has for the categories: place among the features, rows, columns."""
        tables = []
        start = 0
        for encoder in self.encoders:
            if isinstance(encoder, CategoryEncoder) and encoder.dim is not None:
                tables.append([start, encoder.num_vectors, encoder.dim])
            start += len(encoder.feature_names)
        return {"embeddings": tables} if tables else {}

    def encode(self, table: Table) -> ValuesColumn:
        """The features of all rows, encoded once."""
        return ValuesColumn(self._table_features(table)[0])

    def read(self, inputs: Any) -> Features:
        """Features of what a person hands over.

        Args:
            inputs: a table; a path of a csv file; a row as a dict or a pandas Series; rows as a list of dicts, a dict
                of lists or a pandas DataFrame; rows as lists or arrays with the values in the order of `columns`.

        Shapes:
            → ``(B, F)`` float32.

        Raises:
            DataError: a column is not there, or a value is not of its column's kind. Further columns do not matter.
        """
        return self.read_noting(inputs)[0]

    def read_noting(self, inputs: Any) -> tuple[Features, list[str]]:
        """As `read`, with sentences about values that did not occur in training."""
        if isinstance(inputs, Table):
            return self._table_features(inputs)
        raw = raw_columns(inputs, {e.name: e.shape for e in self.encoders})
        columns = [raw[e.name] for e in self.encoders]
        features = np.zeros((len(columns[0]), *self.shape), dtype=np.float32)
        return features, self._notes(self._encode(columns, features))

    def is_single(self, inputs: Any) -> bool:
        """Whether it is one row: a dict, a list of numbers, or an array of one axis."""
        if isinstance(inputs, list | tuple):
            return all(isinstance(value, int | float) for value in inputs)
        return isinstance(inputs, dict) or getattr(inputs, "ndim", None) == 1

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "columns": [e.to_json() for e in self.encoders]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FeaturesCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        if not isinstance(data, dict) or set(data) != {"kind", "columns"} or data["kind"] != "features":
            raise RefusedFileError(
                "The card's feature preparation is damaged: it must have a kind, 'features', and columns."
            )
        if not isinstance(data["columns"], list) or not data["columns"]:
            raise RefusedFileError(
                "The card's feature preparation is damaged: its columns must be a list with one or more."
            )
        encoders = tuple(encoder_from_json(column) for column in data["columns"])
        names = [e.name for e in encoders]
        if len(set(names)) < len(names):
            raise RefusedFileError("The card's feature preparation is damaged: a column stands in it twice.")
        return cls(encoders)

    def _table_features(self, table: Table) -> tuple[Features, list[str]]:
        known = {c.name: c for c in table.schema}
        if lacking := [name for name in self.columns if name not in known]:
            required, absent = (", ".join(map(repr, names)) for names in (self.columns, lacking))
            raise DataError(
                f"Table {table.name!r}: the columns {required} are required; not there: {absent}. "
                f"It has: {', '.join(known)}."
            )
        result = np.zeros((len(table), *self.shape), dtype=np.float32)
        counts = np.zeros((2, len(self.encoders)), dtype=np.int64)
        # A broken line has no values that could be missing; where there is none, nothing is chosen, and thus copied.
        answered = np.setdiff1d(np.arange(len(table)), list(table.unanswered)) if table.unanswered else None
        # In parts, so that the float64 values between never need more memory than the result.
        widest = max(math.prod(encoder.shape) for encoder in self.encoders)
        num_rows = min(_CHUNK_ROWS, max(1, _CHUNK_BYTES // (8 * widest)))
        for start in range(0, len(table) if answered is None else len(answered), num_rows):
            rows: Any = slice(start, start + num_rows)
            chosen = rows if answered is None else answered[rows]
            part = [TableColumn(known[name], _taken(table, known[name], chosen)) for name in self.columns]
            features = result[chosen]
            counts += self._encode(part, features)
            if answered is not None:
                result[chosen] = features
        return result, self._notes(counts)

    def _encode(self, columns: Sequence[RawColumn], features: Features) -> npt.NDArray[np.int64]:
        """Writes the features of all columns, side by side."""
        counts, start = [], 0
        for encoder, column in zip(self.encoders, columns):
            stop = start + len(encoder.feature_names)
            counts.append(encoder.encode(column, features[:, start:stop]))
            start = stop
        return np.asarray(counts, dtype=np.int64).T

    def _notes(self, counts: npt.NDArray[np.int64]) -> list[str]:
        """Of each column, how many values did not occur in training, and how many are missing as none was there."""
        return [
            Message(key, column=e.name, number=int(n))
            for key, of_columns in zip(("predict.unseen_values", "predict.missing_values"), counts)
            for e, n in zip(self.encoders, of_columns)
            if n
        ]


def writing_of(table: Table, name: str) -> Writing | None:
    """How the cells of a column were written, where the table was read from cells."""
    columns = {} if table.recipe is None else table.recipe.part("table").get("columns", {})
    return Writing.from_json(columns[name].get("writing", {})) if name in columns else None


def _fit(column: Column, values: TableColumn, writing: Writing | None, embeddings: int | None) -> Encoder | None:
    """The encoder of one input; None where it is no feature."""
    if column.kind is Kind.NUMBER:
        return NumberEncoder.fit(column.name, column.shape, values, writing)
    if column.kind is Kind.CATEGORY and not column.shape:
        return CategoryEncoder.fit(column.name, column.classes or (), values, writing, embeddings)
    if column.kind is Kind.DATE:
        return DateEncoder.fit(column.name, column.unit or DAY_FIRST, values, writing)
    return None


def _taken(table: Table, column: Column, rows: Rows) -> ColumnData:
    data = table.columns[column.name].take(rows)
    return data if isinstance(data, Ragged) else Dense(data)
