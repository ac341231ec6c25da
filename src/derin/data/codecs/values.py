"""Numbers, class numbers, dates and identifiers, one or several in a row: gathered as they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.fields import Required, checked_form
from derin.data.codecs.base import Codec
from derin.data.codecs.padded import PaddedColumn
from derin.data.schema import Kind
from derin.data.table import Dense, Ragged, Rows, Table, Unseen

if TYPE_CHECKING:
    import torch

_FORM = {"kind": Required(str), "column": Required(str), "shape": Required([int]), "dtype": str}
# Whole numbers stay exact, all others are what networks compute with.
_TYPES = {"b": np.int64, "i": np.int64, "u": np.int64, "f": np.float32}
# Of arrays that nothing prepares, the types that torch computes with stay too.
_KEPT = ("bool", "int8", "int16", "int32", "int64", "uint8", "float32")


@dataclass(frozen=True)
class ValuesCodec(Codec):
    """Values as they are, whole numbers as int64 and others as float32; rows of unequal length are padded with 0.

    Args:
        column: whose values are meant.
        shape: of one value; it begins with -1 where rows are of unequal length.
        dtype: in a batch, where it is another than that.

    Example:
        >>> ValuesCodec("age", ()).read([3, 4]).tolist()
        [3, 4]
    """

    column: str
    shape: tuple[int, ...] = ()
    dtype: str | None = None
    kind: ClassVar[str] = "values"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @classmethod
    def fit(cls, table: Table, rows: Rows, *, column: str) -> ValuesCodec:
        """The codec of a column of numbers, class numbers or dates; nothing is learned from the rows.

        Of a column of arrays the type stays, as far as torch computes with it.

        Raises:
            DataError: the column holds something else.
        """
        meaning, data = table.schema[column], table[column]
        if meaning.kind is Kind.ARRAY and isinstance(data, Dense | Unseen):
            dtype = (data.first if isinstance(data, Unseen) else data.values).dtype
            return cls(column, meaning.shape, dtype.name if dtype.name in _KEPT else np.dtype(_TYPES[dtype.kind]).name)
        return cls.of(column, _values(table, column))[0]

    @classmethod
    def of(cls, name: str, values: npt.NDArray[Any] | Ragged) -> tuple[ValuesCodec, ValuesColumn | PaddedColumn]:
        """The codec of values that are in memory already, and these as the column that it would encode."""
        if isinstance(values, Ragged):
            return cls(name, (-1, *values.flat.shape[1:])), PaddedColumn(values)
        return cls(name, np.shape(values)[1:]), ValuesColumn(values)

    @property
    def batch_dtype(self) -> str:
        return self.dtype or "float32"

    @property
    def pads(self) -> bool:
        return self.shape[:1] == (-1,)

    def encode(self, table: Table) -> ValuesColumn | PaddedColumn:
        values, where = _values(table, self.column), f"Table {table.name!r}"
        if isinstance(values, Ragged):
            self._checked(values.flat[:0, None], where)
            return PaddedColumn(values)
        return ValuesColumn(self._checked(values, where))

    def first(self, table: Table) -> npt.NDArray[Any]:
        """One or two values of a table's column of arrays, as batches hold them."""
        data = table[self.column]
        return self.read(data.first if isinstance(data, Unseen) else data.take(np.arange(min(2, len(data)))))

    def read(self, inputs: Any) -> npt.NDArray[Any]:
        """Values that a person hands over, one or a list of them.

        Raises:
            ShapeError: they are no numbers, or of another shape.
        """
        values = np.asarray(inputs)
        return self._checked(values[None] if values.ndim == len(self.shape) else values, "Values")

    def is_single(self, inputs: Any) -> bool:
        return np.ndim(inputs) == len(self.shape)

    def to_json(self) -> dict[str, Any]:
        kept = {} if self.dtype is None else {"dtype": self.dtype}
        return {"kind": self.kind, "column": self.column, "shape": list(self.shape), **kept}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ValuesCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: a field does not fit.
        """
        checked_form(data, _FORM, "The card's column of values")
        if any(side < (0 if axis else -1) for axis, side in enumerate(data["shape"])):
            raise RefusedFileError(f"The card's column of values is refused: no shape is negative; got {data}.")
        if data.get("dtype", _KEPT[0]) not in _KEPT:
            raise RefusedFileError(f"The card's column of values has an unknown type: {data['dtype'][:40]!r}.")
        return cls(data["column"], tuple(data["shape"]), data.get("dtype"))

    def _checked(self, values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
        fits = len(values.shape) == len(self.shape) + 1 and values.shape[1 + self.pads :] == self.shape[self.pads :]
        if values.dtype.kind not in _TYPES or not fits:
            raise ShapeError(
                f"{where}: numbers of the shape {self.shape} are required for {self.column!r}; got the type "
                f"{values.dtype} and the shape {values.shape[1:]}."
            )
        found = values.astype(self.dtype or _TYPES[values.dtype.kind], copy=False)
        if found.dtype.kind in "biu" and self.dtype is not None and not np.array_equal(found, values):
            raise ShapeError(f"{where}: {self.column!r} holds numbers of the type {self.dtype}, which others are not.")
        return found


@dataclass(frozen=True)
class ValuesColumn:
    """An array in memory; its rows are gathered without any change.

    Shapes:
        values ``(N, ...)``.
    """

    values: npt.NDArray[Any]
    is_random: ClassVar[bool] = False

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def tensor(self) -> torch.Tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(self.values))

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """The rows in one gather."""
        import torch

        return torch.index_select(self.tensor, 0, torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)))


def _values(table: Table, column: str) -> npt.NDArray[Any] | Ragged:
    data = table[column]
    if isinstance(data, Unseen):
        data.take(np.arange(len(data)))  # which it refuses
    if not isinstance(data, Dense | Ragged):
        raise DataError(f"Table {table.name!r}: values are required in {column!r}; got {type(data).__name__}.")
    return data.values if isinstance(data, Dense) else data
