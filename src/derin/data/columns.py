"""Columns with a codec each: the preparation of pictures, texts, rows, and what is learned about them, by row."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.fields import MapOf, Required, checked_form
from derin.data.codecs.base import CODECS, Codec, EncodedColumn, codec_from_json
from derin.data.codecs.values import ValuesCodec
from derin.data.own import OwnData, arrays_by_name, of_one_length
from derin.data.preparation import Batching, Preparation
from derin.data.schema import Kind, Role, Schema
from derin.data.table import Rows, Table

if TYPE_CHECKING:
    import torch

    from derin.data.batch import Source

INPUT, TARGET = "input", "target"
# What lies in a picture: it is brought to the network's input as the picture is.
_IN_PICTURES = (Kind.MASK, Kind.BOXES, Kind.POINTS)
_FORM = {"kind": Required(str), "inputs": Required(MapOf({})), "targets": Required(MapOf({}))}
# What codecs were called as the preparations that they were before.
_FORMER_KINDS = {"tagged": "words"}


@dataclass(frozen=True)
class ColumnsPreparation(Preparation):
    """A codec for each column of a batch.

    Args:
        inputs: what the network reads, by name in the batch.
        targets: what is learned and has a codec of its own (masks, boxes, points), by name in the batch. Labels,
            numbers, tags and weights come from the task, as arrays.

    Example:
        >>> from derin.data.features import FeaturesCodec
        >>> from derin.data.schema import Column, Role, Schema
        >>> from derin.data.table import Dense
        >>> column = Column(name="age", kind=Kind.NUMBER, role=Role.INPUT)
        >>> table = Table(name="t", schema=Schema((column,)), columns={"age": Dense(np.array([1.0, 3.0]))}, splits={})
        >>> preparation = ColumnsPreparation.fit(table, np.array([0, 1]))
        >>> preparation.input_kind, preparation.input_shape
        ('features', (1,))
    """

    inputs: Mapping[str, Codec]
    targets: Mapping[str, Codec] = field(default_factory=dict)
    kind: ClassVar[str] = "columns"
    has_files: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.inputs or set(self.inputs) & set(self.targets):
            raise UsageError(
                "ColumnsPreparation: one or more inputs, and other names for targets, are required; got "
                f"{', '.join(self.inputs) or 'none'} and {', '.join(self.targets) or 'none'}."
            )

    @classmethod
    def kind_for(cls, table: Table) -> str:
        """The kind of the codec that the inputs of a table ask for: arrays, pictures, sounds, words, one text, or the
        rest side by side.
        """
        kinds = [column.kind for column in table.inputs]
        if table.holds_arrays:
            return "values"
        for kind in (Kind.PICTURE, Kind.SOUND, Kind.WORDS):
            if kind in kinds:
                return kind.value
        return Kind.TEXT.value if kinds == [Kind.TEXT] else "features"

    @classmethod
    def settings(cls, table: Table) -> tuple[str, ...]:
        names = inspect.signature(CODECS[cls.kind_for(table)].fit).parameters
        return tuple(name for name in names if name not in ("table", "rows", "size", "seed", "column"))

    @classmethod
    def takes_size(cls, table: Table) -> bool:
        return "size" in inspect.signature(CODECS[cls.kind_for(table)].fit).parameters

    @classmethod
    def fit(cls, table: Table, rows: Rows, size: Any = None, **settings: Any) -> ColumnsPreparation:
        """The codecs that the columns of a table ask for; of arrays by name each is an input of its own.

        Args:
            table: whose input columns are used, and those targets that lie in pictures.
            rows: of the training split; nothing is learned from any other.
            size: of pictures; see `PictureCodec.fit`.
            settings: of the input's codec, by the names of `settings`.
        """
        kind = cls.kind_for(table)
        if table.holds_arrays:
            return cls({column.name: ValuesCodec.fit(table, rows, column=column.name) for column in table.inputs})
        if size is not None:
            settings["size"] = size
        codec: Any = CODECS[kind].fit(table, rows, **settings)
        return cls.of_input(codec, table, rows)

    @classmethod
    def of_input(cls, codec: Any, table: Table, rows: Rows) -> ColumnsPreparation:
        """The codec of an input, with those of the targets that lie in it."""
        in_pictures = [column for column in table.targets if column.kind in _IN_PICTURES]
        if in_pictures and codec.kind != Kind.PICTURE:
            raise DataError(
                f"Table {table.name!r}: {in_pictures[0].name!r} holds {in_pictures[0].kind.value}, which belong to "
                "pictures; a column of pictures is required beside them, and there is none."
            )
        targets = {
            TARGET if len(in_pictures) == 1 else column.name: CODECS[column.kind.value].fit(
                table, rows, column=column.name, frame=codec.frame
            )
            for column in in_pictures
        }
        return cls({INPUT: codec}, targets)

    @classmethod
    def fit_inputs(
        cls, table: Table, rows: Rows, inputs: Mapping[str, Sequence[str]], **settings: Any
    ) -> ColumnsPreparation:
        """Several inputs of one table, each of columns of its own, as a network with several inputs reads them.

        Args:
            table: whose columns are used.
            rows: of the training split.
            inputs: the columns of each input, by its name in the batch.
            settings: of the first input's codec, as `fit` takes them.

        Example:
            >>> from derin.data.schema import Column
            >>> from derin.data.table import Dense, Ragged
            >>> schema = Schema(
            ...     (Column(name="review", kind=Kind.TEXT, role=Role.INPUT),
            ...      Column(name="price", kind=Kind.NUMBER, role=Role.INPUT))
            ... )
            >>> columns = {"review": Ragged.from_texts(["so good", "too bad"]), "price": Dense(np.array([3.0, 1.0]))}
            >>> table = Table(name="shop", schema=schema, columns=columns, splits={})
            >>> preparation = ColumnsPreparation.fit_inputs(
            ...     table, np.arange(2), {"text": ["review"], "facts": ["price"]}
            ... )
            >>> encoded = preparation.encode_table(table)
            >>> source = preparation.source(encoded, {}, np.arange(2), input_name="", batching=Batching(batch_size=2))
            >>> (batch,) = source.batches(0)
            >>> batch["text"].tolist(), batch["facts"].tolist()
            ([[6, 5], [7, 4]], [[1.0], [-1.0]])
        """
        codecs: dict[str, Codec] = {}
        for name, columns in inputs.items():
            schema = Schema(tuple(replace(table.schema[column], role=Role.INPUT) for column in columns))
            only = replace(table, schema=schema, columns={column: table.columns[column] for column in columns})
            codecs[name] = cls.fit(only, rows, **({} if codecs else settings)).input
        return cls(codecs)

    @property
    def input(self) -> Any:
        """The codec of the one input.

        Raises:
            UsageError: there are several.
        """
        if len(self.inputs) > 1:
            raise UsageError(f"One input is required here; the network reads {', '.join(self.inputs)}.")
        return next(iter(self.inputs.values()))

    @property
    def codecs(self) -> dict[str, Codec]:
        """All of them, by name in the batch."""
        return {**self.inputs, **self.targets}

    @property
    def input_kind(self) -> str:
        """The kind of the one input's codec."""
        kind: str = self.input.kind
        return kind

    @property
    def medium(self) -> str:  # type: ignore[override]
        """That of the one input; several are handed over by name."""
        return "arrays" if len(self.inputs) > 1 else self.input.medium

    @property
    def reads_pictures(self) -> bool:
        return self.medium == "pictures"

    @property
    def reads_table_cells(self) -> bool:
        return self.medium == "rows"

    @property
    def has_fixed_shape(self) -> bool:
        return all(-1 not in codec.shape for codec in self.inputs.values())

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.inputs)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for codec in self.inputs.values() for name in codec.columns)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """That of the first input."""
        shape: tuple[int, ...] = next(iter(self.inputs.values())).typical_shape
        return shape

    @property
    def reads_in_parts(self) -> bool:  # type: ignore[override]
        """Whether a long list of inputs is read part by part, as the input's codec has it."""
        return self.medium != "arrays" and self.input.reads_in_parts

    def encode_table(self, table: Table) -> dict[str, EncodedColumn]:
        """The columns of a table, by name in the batch; targets that it lacks are left out."""
        there = {column.name for column in table.schema}
        known = {name: codec for name, codec in self.targets.items() if there.issuperset(codec.columns)}
        return {name: codec.encode(table) for name, codec in {**self.inputs, **known}.items()}

    @property
    def input_forms(self) -> dict[str, tuple[tuple[int, ...], str]]:
        return {name: (codec.typical_shape, codec.batch_dtype) for name, codec in self.inputs.items()}

    def read(self, inputs: Any) -> Any:
        return self.read_noting(inputs)[0] if self.medium == "arrays" else self.input.read(inputs)

    def read_noting(self, inputs: Any) -> tuple[Any, list[str]]:
        if self.medium != "arrays":
            found: tuple[Any, list[str]] = self.input.read_noting(inputs)
            return found
        given, notes = arrays_by_name(inputs, self.input_names), []
        rows = {}
        for name, codec in self.inputs.items():
            rows[name], more = codec.read_noting(given[name])
            notes += more
        return (of_one_length(rows) if len(rows) > 1 else next(iter(rows.values()))), notes

    def is_single(self, inputs: Any) -> bool:
        """Of several inputs, whether the first of them is one."""
        name, codec = next(iter(self.inputs.items()))
        return codec.is_single(arrays_by_name(inputs, self.input_names)[name] if self.medium == "arrays" else inputs)

    def finished(self, gathered: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        if len(self.inputs) == 1:
            return super().finished(gathered)
        return {name: self.inputs[name].to_model_input(values) for name, values in gathered.items()}

    def pictures(self, gathered: Any) -> npt.NDArray[np.uint8] | None:
        """Those of the first input that a person is shown as pictures; of several inputs they come by name."""
        several = isinstance(gathered, Mapping)
        shown = (
            codec.pictures(gathered[name] if several else gathered)
            for name, codec in self.inputs.items()
            if not several or name in gathered
        )
        return next((found for found in shown if found is not None), None)

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.input.to_model_input(gathered)
        return found

    def random_inputs(self, num: int, generator: torch.Generator) -> torch.Tensor:
        import torch

        found = super().random_inputs(num, generator)
        for place, rows, _ in self.network_options().get("embeddings", ()):
            found[:, place] = torch.randint(0, rows, (num,), generator=generator).float()
        return found

    def count_unknown(self, inputs: Any) -> tuple[int, int]:
        found: tuple[int, int] = self.input.count_unknown(inputs)
        return found

    def network_options(self) -> dict[str, Any]:
        """Those of the one input; of several a network of one's own decides."""
        return {} if len(self.inputs) > 1 else self.input.network_options()

    def embedding(self, seed: int) -> np.ndarray | None:
        found: np.ndarray | None = None if len(self.inputs) > 1 else self.input.embedding(seed)
        return found

    def files(self) -> dict[str, bytes]:
        return {
            _prefix(place) + name: content
            for place, codec in enumerate(self.codecs.values())
            for name, content in codec.files().items()
        }

    def to_json(self) -> dict[str, Any]:
        sides = {"inputs": self.inputs, "targets": self.targets}
        return {"kind": self.kind} | {
            side: {name: codec.to_json() for name, codec in codecs.items()} for side, codecs in sides.items()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], files: Mapping[str, bytes]) -> ColumnsPreparation:
        """What `to_json` and `files` gave; or, from earlier cards, the codec of the one input.

        Raises:
            RefusedFileError: something in it cannot be.
        """
        if data.get("kind") != cls.kind:
            return cls({INPUT: codec_from_json({**data, "kind": _FORMER_KINDS.get(data["kind"], data["kind"])}, files)})
        checked_form(data, _FORM, "The card's preparation")
        sides: tuple[dict[str, Codec], dict[str, Codec]] = ({}, {})
        parts = ((side, *part) for side, name in zip(sides, ("inputs", "targets")) for part in data[name].items())
        for place, (side, name, part) in enumerate(parts):
            prefix = _prefix(place)
            own = {file.removeprefix(prefix): held for file, held in files.items() if file.startswith(prefix)}
            side[name] = codec_from_json(part, own)
        try:
            return cls(*sides)
        except UsageError as error:
            raise RefusedFileError(f"The card's preparation is refused: {error}") from None

    def source(
        self,
        encoded: Mapping[str, EncodedColumn] | OwnData,
        targets: Mapping[str, Any],
        rows: Rows,
        *,
        input_name: str,
        batching: Batching,
    ) -> Source:
        """Batches by gathering rows, see `TableSource`; or as their owner gives them."""
        from derin.data.source import TableSource

        if isinstance(encoded, OwnData):
            source: Source = encoded.source(rows, self.input_names, batching)
            return source
        columns = {name: (self.codecs[name], column) for name, column in encoded.items()}
        if len(self.inputs) == 1:
            columns[input_name] = columns.pop(next(iter(self.inputs)))
        columns |= {name: ValuesCodec.of(name, values) for name, values in targets.items()}
        return TableSource(columns, rows, batching)


def _prefix(place: int) -> str:
    """Before the names of a codec's files; none for the first one, whose files are named as those of one alone."""
    return f"{place}_" if place else ""
