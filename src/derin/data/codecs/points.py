"""Points: the same places in every picture, such as the corners of a face's eyes and mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.fields import Required, checked_form
from derin.data.augment.geometry import Geometry
from derin.data.codecs.base import Codec
from derin.data.codecs.frame import Frame, FramedColumn
from derin.data.table import Points, Rows, Table

if TYPE_CHECKING:
    import torch

_FORM = {
    "kind": Required(str),
    "column": Required(str),
    "height": Required(int),
    "width": Required(int),
    "rule": Required(str),
    "count": Required(int),
    "pairs": Required([[int]]),
}


@dataclass(frozen=True, kw_only=True)
class PointsCodec(Codec):
    """Points that move with their picture; one that leaves it is not visible any more.

    In a mirror image left and right change places: the left eye stands where the right one is looked for, so that the
    points of each pair are exchanged. Cutout leaves points as they are.

    Args:
        column: of the points.
        frame: the size of the network's input, and how pictures come to it.
        count: K, how many points each picture has.
        pairs: of a left and a right point each, by number.

    Shapes:
        ``(B, K, 3)`` float32: x and y in pixels of the network's input, and 1 where the point is visible, else 0.

    Example:
        >>> codec = PointsCodec(column="eyes", frame=Frame((8, 8), "resize"), count=2, pairs=((0, 1),))
        >>> codec.read(Points(np.array([[[4, 8], [30, 8]]], np.float32), np.array([[True, False]]),
        ...                   np.array([[16, 32]]))).tolist()
        [[[1.0, 4.0, 1.0], [7.5, 4.0, 0.0]]]
    """

    column: str
    frame: Frame
    count: int
    pairs: tuple[tuple[int, int], ...] = ()
    kind: ClassVar[str] = "points"
    moves_on_host: ClassVar[bool] = True

    def __post_init__(self) -> None:
        paired = [place for pair in self.pairs for place in pair]
        fits = all(len(pair) == 2 for pair in self.pairs) and len(set(paired)) == len(paired)
        if self.count < 1 or not fits or not all(0 <= place < self.count for place in paired):
            raise ShapeError(
                f"PointsCodec: at least one point, and pairs of different points from 0 to {self.count - 1}, are "
                f"required; got {self.count} and {self.pairs}."
            )

    @classmethod
    def fit(
        cls, table: Table, rows: Rows, *, column: str, frame: Frame, pairs: tuple[tuple[int, int], ...] | None = None
    ) -> PointsCodec:
        """The codec of a column of points; nothing is learned from the rows.

        Args:
            table: with the points.
            rows: of the training split.
            column: of the points.
            frame: of the pictures that they lie in.
            pairs: of a left and a right point each; None takes those of the column.
        """
        points = _points(table, column)
        known = points.pairs if pairs is None else pairs
        return cls(column=column, frame=frame, count=points.places.shape[1], pairs=known)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def shape(self) -> tuple[int, int]:
        """K points of three numbers."""
        return (self.count, 3)

    @property
    def extent(self) -> tuple[int, int]:
        return self.frame.size

    def encode(self, table: Table) -> PointsColumn:
        return PointsColumn(self._checked(_points(table, self.column), f"Table {table.name!r}"), self.frame)

    def read(self, inputs: Any) -> npt.NDArray[np.float32]:
        """Points that a person hands over, in the pixels of their own pictures.

        Raises:
            ShapeError: they are no `Points`.
        """
        if not isinstance(inputs, Points):
            raise ShapeError(f"Reading points: derin.data.table.Points are required; got {type(inputs).__name__}.")
        gathered = PointsColumn(self._checked(inputs, "Points"), self.frame).gather(np.arange(len(inputs)))
        moved = self.transform(gathered, Geometry.identity(len(inputs), self.frame.size))
        return self.to_model_input(moved).numpy()

    def is_single(self, inputs: Any) -> bool:
        return isinstance(inputs, Points) and len(inputs) == 1

    def transform(self, gathered: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """Moved, pairs exchanged in mirror images, and not visible outside of the picture."""
        import torch

        points = gathered.numpy()
        places = geometry.moved(points[..., :2])
        height, width = self.frame.size
        inside = ((places >= 0) & (places <= [width, height])).all(axis=2, keepdims=True)
        moved = np.concatenate([places, points[..., 2:] * inside], axis=2)
        exchanged = np.arange(self.count)
        for left, right in self.pairs:
            exchanged[[left, right]] = right, left
        moved = np.where(geometry.mirrored[:, None, None], moved[:, exchanged], moved)
        return torch.from_numpy(moved)

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        return gathered.float()

    def to_json(self) -> dict[str, Any]:
        pairs = [list(pair) for pair in self.pairs]
        return {"kind": self.kind, "column": self.column, **self.frame.to_json(), "count": self.count, "pairs": pairs}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PointsCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: a field does not fit.
        """
        where = "The card's column of points"
        checked_form(data, _FORM, where)
        frame, pairs = Frame.from_json(data, where), tuple(tuple(pair) for pair in data["pairs"])
        try:
            return cls(column=data["column"], frame=frame, count=data["count"], pairs=pairs)
        except ShapeError as error:
            raise RefusedFileError(f"{where} is refused: {error}") from None

    def _checked(self, points: Points, where: str) -> Points:
        shape = points.places.shape
        if shape != (len(points), self.count, 2) or points.visible.shape != shape[:2]:
            raise DataError(
                f"{where}: {self.count} points with x and y for each picture, and for each whether it is visible, are "
                f"required; got the shapes {shape} and {points.visible.shape}."
            )
        if not np.isfinite(points.places[points.visible]).all():
            raise DataError(f"{where}: visible points must have finite places; mark the others as not visible.")
        return points


class PointsColumn(FramedColumn):
    """Points in memory."""

    values: Points

    def gather(self, rows: Rows, uniforms: npt.NDArray[Any] | None = None) -> torch.Tensor:
        """The points of each row in the pixels of its window.

        Shapes:
            → ``(B, K, 3)`` float64.
        """
        import torch

        found = self.values.take(rows)
        places = self.frame.geometry(found.frames, uniforms).moved(found.places)
        # A place that is not known stays one that no arithmetic spoils.
        places = np.where(found.visible[..., None], places, np.nan_to_num(places))
        return torch.from_numpy(np.concatenate([places, found.visible[..., None]], axis=2))


def _points(table: Table, column: str) -> Points:
    data = table[column]
    if not isinstance(data, Points):
        raise DataError(f"Table {table.name!r}: points are required in {column!r}; got {type(data).__name__}.")
    return data
