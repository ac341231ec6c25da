"""Masks: the class of every pixel of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, ShapeError
from derin.core.fields import Required, checked_form
from derin.data.augment.geometry import Geometry, move_classes
from derin.data.augment.mosaic import Mosaic
from derin.data.codecs.base import Codec
from derin.data.codecs.frame import Frame, window_places
from derin.data.pictures.fitting import ResizePolicy
from derin.data.schema import Kind
from derin.data.table import Dense, Pictures, Rows, Table

if TYPE_CHECKING:
    import torch

VOID = 255
_LARGEST = (1 << 16) - 1
_FORM = {
    "kind": Required(str),
    "column": Required(str),
    "height": Required(int),
    "width": Required(int),
    "rule": Required(str),
    "void": Required(int),
}

Mask = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class MaskCodec(Codec):
    """Class numbers of pixels, resized by the nearest pixel and moved with the picture.

    What comes in over the edge, by padding or augmentation, is void: losses and metrics leave it out. Cutout hides a
    part of the picture and leaves its mask as it is, so that the network has to infer what lies there.

    Args:
        column: of the masks.
        frame: the size of the network's input, and how pictures come to it.
        void: the value of pixels that have no class.

    Shapes:
        ``(B, height, width)`` int64.

    Example:
        >>> codec = MaskCodec(column="mask", frame=Frame((2, 2), "resize"))
        >>> codec.read(np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]])).tolist()
        [[[0, 1], [2, 3]]]
    """

    column: str
    frame: Frame
    void: int = VOID
    kind: ClassVar[str] = "mask"

    @classmethod
    def fit(cls, table: Table, rows: Rows, *, column: str, frame: Frame) -> MaskCodec:
        """The codec of a column of masks; nothing is learned from the rows.

        Args:
            table: with the masks.
            rows: of the training split.
            column: of the masks.
            frame: of the pictures that they belong to.
        """
        _masks(table, column)
        # As segmentation has it; of masks with so many classes that 255 is one of them, the last number there is.
        is_taken = len(table.schema[column].classes or ()) > VOID
        return cls(column=column, frame=frame, void=_LARGEST if is_taken else VOID)

    @property
    def batch_dtype(self) -> str:
        return "int64"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        return self.frame.size

    @property
    def extent(self) -> tuple[int, int]:
        return self.frame.size

    def encode(self, table: Table) -> MaskColumn:
        """The masks, resized as their pictures are."""
        fitting, data = self.frame.fitting, table[self.column]
        _masks(table, self.column)
        if isinstance(data, Dense):
            return MaskColumn.of_equal(resized(data.values, fitting, self.void), self.frame.size)
        assert isinstance(data, Pictures)
        masks = [resized(data.picture(row)[None, ..., 0], fitting, self.void)[0] for row in range(len(data))]
        return MaskColumn.of(masks, self.frame.size)

    def read(self, inputs: Any) -> Mask:
        """Masks that a person hands over: one array of two axes, a batch of them, or a list.

        Raises:
            ShapeError: they are no whole numbers from 0 to 65535, or of another number of axes.
        """
        masks = [np.asarray(mask) for mask in inputs] if isinstance(inputs, list | tuple) else np.asarray(inputs)
        if isinstance(masks, np.ndarray):
            masks = [masks] if masks.ndim == 2 else list(masks)
        for mask in masks:
            fits = mask.ndim == 2 and mask.size and mask.dtype.kind in "iu"
            if not fits or mask.min() < 0 or mask.max() > _LARGEST:
                raise ShapeError(
                    "A mask must be an array (height, width) of class numbers, whole and from 0 to 65535; got the "
                    f"shape {mask.shape} and the type {mask.dtype}."
                )
        if not masks:
            raise ShapeError("Reading masks: at least one is required; got none.")
        fitted = [resized(m[None].astype(np.int32), self.frame.fitting, self.void)[0] for m in masks]
        return MaskColumn.of(fitted, self.frame.size).gather(np.arange(len(fitted))).numpy()

    def is_single(self, inputs: Any) -> bool:
        return getattr(inputs, "ndim", 3) == 2

    def transform(self, gathered: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """Each pixel takes the class of the pixel that it shows; what comes in over the edge is void."""
        return move_classes(gathered, geometry, self.void)

    def joined(self, gathered: torch.Tensor, mosaic: Mosaic) -> torch.Tensor:
        """Masks of the parts of others; void where none lies."""
        num = len(mosaic)
        moved = [move_classes(gathered[n : n + num], each, self.void) for n, each in enumerate(mosaic.geometries)]
        return mosaic.joined(moved, self.void)

    def to_model_input(self, gathered: torch.Tensor) -> torch.Tensor:
        return gathered.long()

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "column": self.column, **self.frame.to_json(), "void": self.void}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MaskCodec:
        """What `to_json` gave.

        Raises:
            RefusedFileError: a field does not fit.
        """
        where = "The card's column of masks"
        checked_form(data, _FORM, where)
        if not 0 <= data["void"] <= _LARGEST:
            raise RefusedFileError(f"{where} is refused: void must be from 0 to {_LARGEST}; got {data['void']}.")
        return cls(column=data["column"], frame=Frame.from_json(data, where), void=data["void"])


@dataclass(frozen=True)
class MaskColumn:
    """Masks in memory, each at least as large as the window that is read of it.

    Args:
        masks: with one channel.
        size: of the window.
    """

    masks: Pictures
    size: tuple[int, int]

    @classmethod
    def of(cls, masks: list[Mask], size: tuple[int, int]) -> MaskColumn:
        """Masks of any sizes."""
        heights, widths = (np.array([mask.shape[axis] for mask in masks], dtype=np.int64) for axis in (0, 1))
        offsets = np.concatenate([[0], np.cumsum(heights * widths)])
        return cls(Pictures(np.concatenate([mask.reshape(-1) for mask in masks]), offsets, heights, widths, 1), size)

    @classmethod
    def of_equal(cls, masks: Mask, size: tuple[int, int]) -> MaskColumn:
        """Masks of one size, which are not copied."""
        num, height, width = masks.shape
        offsets = np.arange(num + 1, dtype=np.int64) * (height * width)
        heights, widths = np.full(num, height, dtype=np.int64), np.full(num, width, dtype=np.int64)
        return cls(Pictures(np.ascontiguousarray(masks).reshape(-1), offsets, heights, widths, 1), size)

    @property
    def is_random(self) -> bool:
        """Whether there is a window to choose."""
        return bool((self.masks.heights != self.size[0]).any() or (self.masks.widths != self.size[1]).any())

    def __len__(self) -> int:
        return len(self.masks)

    def gather(self, rows: Rows, uniforms: np.ndarray | None = None) -> torch.Tensor:
        """A window of each row, the same as of its picture.

        Shapes:
            → ``(B, height, width)`` uint8, or int32 where classes have more than 8 bits.
        """
        import torch

        stored = self.masks
        tops, lefts = window_places(stored.heights[rows], stored.widths[rows], self.size, uniforms)
        found: Mask = stored.windows(rows, tops, lefts, self.size)[..., 0]
        return torch.from_numpy(found if found.dtype == np.uint8 else found.astype(np.int32))


def resized(masks: Mask, fitting: ResizePolicy, void: int) -> Mask:
    """Masks of one size, as their pictures are resized, by the nearest pixel.

    Shapes:
        ``(N, H, W)`` → ``(N, height, width)`` of what the fitting gives.
    """
    _, height, width = masks.shape
    (top, left, shown_height, shown_width), (y, x, landed_height, landed_width), whole = fitting.placed(height, width)
    if (height, width) == (landed_height, landed_width) == whole:
        return masks
    # The middle of pixel i lies at (i + 1/2) of the source's pixels to each of the result's.
    row = top + (2 * np.arange(landed_height) + 1) * shown_height // (2 * landed_height)
    column = left + (2 * np.arange(landed_width) + 1) * shown_width // (2 * landed_width)
    inner = masks[:, row[:, None], column]
    if (landed_height, landed_width) == whole:
        return inner
    result = np.full((len(masks), *whole), void, dtype=masks.dtype)
    result[:, y : y + landed_height, x : x + landed_width] = inner
    return result


def _masks(table: Table, column: str) -> npt.NDArray[Any]:
    """The values of a column of masks, checked."""
    kind, data = table.schema[column].kind, table[column]
    values = data.values if isinstance(data, Dense) else data.flat if isinstance(data, Pictures) else None
    fits = values is not None and values.dtype in (np.uint8, np.uint16) and kind is Kind.MASK
    if values is None or not fits or (isinstance(data, Dense) and values.ndim != 3):
        got = type(data).__name__ if values is None else f"{values.dtype} of the shape {values.shape}"
        raise DataError(
            f"Table {table.name!r}: class numbers of pixels, uint8 or uint16, (N, height, width) or pictures of one "
            f"channel, are required in {column!r}, a column of kind mask; got {kind.value}, {got}."
        )
    return values
