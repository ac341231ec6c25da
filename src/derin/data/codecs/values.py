"""Numbers, class numbers, dates and identifiers: one array, gathered as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.fields import Required, checked_form
from derin.data.codecs.base import Codec
from derin.data.table import Dense, Rows, Table

if TYPE_CHECKING:
    import torch

_FORM = {"kind": Required(str), "column": Required(str), "shape": Required([int])}
# Whole numbers stay exact, all others are what networks compute with.
_TYPES = {"b": np.int64, "i": np.int64, "u": np.int64, "f": np.float32}


@dataclass(frozen=True)
class ValuesCodec(Codec):
    """One array of values, whole numbers as int64 and others as float32.

    Args:
        column: whose values are meant.
        shape: of one value.

    Example:
        >>> ValuesCodec("age", ()).read([3, 4]).tolist()
        [3, 4]
    """

    column: str
    shape: tuple[int, ...] = ()
    kind: ClassVar[str] = "values"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @classmethod
    def fit(cls, table: Table, rows: Rows, *, column: str) -> ValuesCodec:
        """The codec of a column of numbers, class numbers or dates; nothing is learnt from the rows.

        Raises:
            DataError: the column's values are of unequal length.
        """
        return cls(column, _values(table, column).shape[1:])

    def encode(self, table: Table) -> ValuesColumn:
        return ValuesColumn(self._checked(_values(table, self.column), f"Table {table.name!r}"))

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
        return {"kind": self.kind, "column": self.column, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ValuesCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: a field does not fit.
        """
        checked_form(data, _FORM, "The card's column of values")
        if any(side < 0 for side in data["shape"]):
            raise RefusedFileError(f"The card's column of values is refused: shape must not be negative; got {data}.")
        return cls(data["column"], tuple(data["shape"]))

    def _checked(self, values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
        if values.dtype.kind not in _TYPES or values.shape[1:] != self.shape:
            raise ShapeError(
                f"{where}: numbers of the shape {self.shape} are required for {self.column!r}; got the type "
                f"{values.dtype} and the shape {values.shape[1:]}."
            )
        return values.astype(_TYPES[values.dtype.kind], copy=False)


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


def _values(table: Table, column: str) -> npt.NDArray[Any]:
    data = table[column]
    if not isinstance(data, Dense):
        raise DataError(
            f"Table {table.name!r}: values of equal shape are required in {column!r}; got {type(data).__name__}."
        )
    return data.values
