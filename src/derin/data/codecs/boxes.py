"""Boxes: the rectangles around the things in a picture, with their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.fields import Required, checked_form
from derin.data.augment.geometry import Geometry
from derin.data.augment.mosaic import Mosaic
from derin.data.codecs.base import Codec, Packed
from derin.data.codecs.frame import Frame, FramedColumn
from derin.data.table import Boxes, Rows, Table

# Of a thing that is hardly seen, nothing tells what it is.
LEAST_VISIBLE = 0.25
_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])
_FORM = {
    "kind": Required(str),
    "column": Required(str),
    "height": Required(int),
    "width": Required(int),
    "rule": Required(str),
    "least_visible": Required(float),
}


@dataclass(frozen=True, kw_only=True)
class BoxesCodec(Codec):
    r"""Boxes that move by their corners: the upright rectangle around the moved corners, clipped to the picture.

    A box is dropped, with its class, where less than a share of the moved rectangle lies in the picture, or nothing.
    Cutout hides a part of the picture and leaves its boxes as they are.

    Args:
        column: of the boxes.
        frame: the size of the network's input, and how pictures come to it.
        least_visible: the share of a box's area that must lie in the picture, from 0 to 1.

    Shapes:
        `Packed`: ``"corners"`` ``(total, 4)`` float32 (left, top, right, bottom in pixels of the network's input),
        ``"classes"`` ``(total,)`` int64 and ``"crowds"`` ``(total,)`` bool.

    Example:
        >>> codec = BoxesCodec(column="boxes", frame=Frame((8, 8), "resize"))
        >>> column = codec.read(Boxes(np.array([[4.0, 4, 32, 16]], np.float32), np.array([2]), np.array([0, 1]),
        ...                           np.array([[16, 32]])))
        >>> column["corners"].tolist(), column["classes"].tolist()
        ([[1.0, 2.0, 8.0, 8.0]], [2])
    """

    column: str
    frame: Frame
    least_visible: float = LEAST_VISIBLE
    kind: ClassVar[str] = "boxes"
    moves_on_host: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.least_visible <= 1:
            raise ShapeError(f"BoxesCodec: least_visible must be from 0 to 1; got {self.least_visible}.")

    @classmethod
    def fit(cls, table: Table, rows: Rows, *, column: str, frame: Frame) -> BoxesCodec:
        """The codec of a column of boxes; nothing is learned from the rows."""
        _boxes(table, column)
        return cls(column=column, frame=frame)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def shape(self) -> tuple[int, int]:
        """Any number of boxes of four corners."""
        return (-1, 4)

    @property
    def extent(self) -> tuple[int, int]:
        return self.frame.size

    def encode(self, table: Table) -> BoxesColumn:
        return BoxesColumn(_boxes(table, self.column), self.frame)

    def read(self, inputs: Any) -> Packed:
        """Boxes that a person hands over, in the pixels of their own pictures.

        Raises:
            ShapeError: they are no `Boxes`.
        """
        if not isinstance(inputs, Boxes):
            raise ShapeError(f"Reading boxes: derin.data.table.Boxes are required; got {type(inputs).__name__}.")
        column = BoxesColumn(_checked(inputs, "Boxes"), self.frame)
        return self.transform(column.gather(np.arange(len(inputs))), Geometry.identity(len(inputs), self.frame.size))

    def is_single(self, inputs: Any) -> bool:
        return isinstance(inputs, Boxes) and len(inputs) == 1

    def transform(self, gathered: Packed, geometry: Geometry) -> Packed:
        """Moved, clipped to the picture, and dropped where too little of them is seen."""
        height, width = self.frame.size
        owners = gathered.owners.numpy()
        limits = np.broadcast_to(np.array([0, 0, width, height]), (len(owners), 4))
        return self._clipped(gathered, _around(gathered["corners"].numpy(), geometry[owners]), owners, limits)

    def joined(self, gathered: Packed, mosaic: Mosaic) -> Packed:
        """The boxes of each part, clipped to it, and dropped where too little of them is seen there."""
        import torch

        num = len(mosaic)
        height, width = self.frame.size
        parts = []
        for place, (geometry, tiles) in enumerate(zip(mosaic.geometries, mosaic.tiles)):
            some = gathered[place : place + num]
            owners = some.owners.numpy()
            corners = np.concatenate([np.zeros((num, 1, 2)), np.full((num, 1, 2), (width, height))], axis=1)
            frames = geometry.moved(corners).reshape(num, 4)
            # What is shown lies in the tile and in the moved picture.
            limits = np.concatenate(
                [np.maximum(tiles[:, :2], frames[:, :2]), np.minimum(tiles[:, 2:], frames[:, 2:])], 1
            )
            moved = _around(some["corners"].numpy(), geometry[owners])
            parts.append(self._clipped(some, moved, owners, limits[owners]))
        owners = torch.cat([part.owners for part in parts])
        order = torch.argsort(owners, stable=True)
        flat = {name: torch.cat([part[name] for part in parts])[order] for name in gathered.flat}
        counts = torch.bincount(owners, minlength=num)
        return Packed(flat, torch.cat([counts.new_zeros(1), counts.cumsum(0)]))

    def _clipped(
        self, packed: Packed, moved: npt.NDArray[np.float64], owners: npt.NDArray[np.int64], limits: npt.NDArray[Any]
    ) -> Packed:
        """Moved boxes within the limits of each; those of which too little is seen are gone."""
        import torch

        clipped = np.clip(moved, limits[:, [0, 1, 0, 1]], np.maximum(limits[:, [2, 3, 2, 3]], limits[:, [0, 1, 0, 1]]))
        seen, whole = _area(clipped), _area(moved)
        kept = (seen > 0) & (seen >= self.least_visible * whole)
        counts = np.bincount(owners[kept], minlength=len(packed))
        others = {name: values[torch.from_numpy(kept)] for name, values in packed.flat.items() if name != "corners"}
        return Packed(
            {"corners": torch.from_numpy(clipped[kept].astype(np.float32)), **others},
            torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])),
        )

    def to_json(self) -> dict[str, Any]:
        frame = self.frame.to_json()
        return {"kind": self.kind, "column": self.column, **frame, "least_visible": self.least_visible}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BoxesCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: a field does not fit.
        """
        where = "The card's column of boxes"
        checked_form(data, _FORM, where)
        frame = Frame.from_json(data, where)
        try:
            return cls(column=data["column"], frame=frame, least_visible=float(data["least_visible"]))
        except ShapeError as error:
            raise RefusedFileError(f"{where} is refused: {error}") from None


class BoxesColumn(FramedColumn):
    """Boxes in memory."""

    values: Boxes

    def gather(self, rows: Rows, uniforms: npt.NDArray[Any] | None = None) -> Packed:
        """The boxes of each row in the pixels of its window, not clipped yet."""
        import torch

        found = self.values.take(rows)
        owners = np.repeat(np.arange(len(found)), np.diff(found.offsets))
        placed = _around(found.corners, self.frame.geometry(found.frames, uniforms)[owners])
        flat = {
            "corners": torch.from_numpy(placed),
            "classes": torch.from_numpy(found.classes.astype(np.int64)),
            "crowds": torch.from_numpy(found.is_crowd),
        }
        return Packed(flat, torch.from_numpy(found.offsets))


def _around(corners: npt.NDArray[Any], geometry: Geometry) -> npt.NDArray[np.float64]:
    """The upright rectangles around moved ones, each by its own map: ``(total, 4)``."""
    moved = geometry.moved(corners[:, _CORNERS])
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def _area(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    area: npt.NDArray[np.float64] = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    return area


def _boxes(table: Table, column: str) -> Boxes:
    data = table[column]
    if not isinstance(data, Boxes):
        raise DataError(f"Table {table.name!r}: boxes are required in {column!r}; got {type(data).__name__}.")
    return _checked(data, f"Table {table.name!r}, column {column!r}")


def _checked(boxes: Boxes, where: str) -> Boxes:
    """Boxes whose corners are in order."""
    corners = boxes.corners
    fits = corners.shape == (len(boxes.classes), 4) and boxes.offsets[-1] == len(corners) == len(boxes.is_crowd)
    if not fits or not (corners[:, :2] <= corners[:, 2:]).all() or not np.isfinite(corners).all():
        raise DataError(
            f"{where}: finite corners (total, 4) in the order left, top, right, bottom, with a class for each, are "
            f"required; got the shape {corners.shape} with {len(boxes.classes)} classes. Order or scale them."
        )
    return boxes
