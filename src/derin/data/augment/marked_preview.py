"""What augmentation makes of pictures with boxes, masks or points, which move with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.data.augment.mosaic import PARTNERS
from derin.data.columns import INPUT, TARGET, ColumnsPreparation
from derin.data.marked_sheet import chosen_rows, drawn_marks, whole_pictures
from derin.data.pictures.decode import pixels_of
from derin.data.pictures.fitting import ResizePolicy, Rule
from derin.data.preparation import Batching
from derin.data.schema import Column, Kind
from derin.data.table import Boxes, Dense, Pictures, Points, Table

if TYPE_CHECKING:
    from derin.data.augment.settings import Augmentation

Picture = npt.NDArray[np.uint8]
_SIDE = 208  # px, of the square in which a picture is shown


def marked_variants(
    table: Table, column: Column, augmentation: Augmentation, *, num_pictures: int, num_variants: int, seed: int
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Training pictures as they are and as they come in the first epochs, with what is marked in them drawn over.

    Args:
        table: with one column of pictures.
        column: of boxes, masks or points.
        augmentation: what is to be shown.
        num_pictures: lines.
        num_variants: augmented pictures of each.
        seed: of the choice of pictures and of the augmentation.

    Returns:
        pictures and the names of their rows.

    Shapes:
        ``(lines, 1 + variants, side, side, 3)``.
    """
    # Three more are the partners of the last in a mosaic.
    rows = chosen_rows(table, column, seed, num_pictures + PARTNERS)
    name = next(c.name for c in table.inputs if c.kind is Kind.PICTURE)
    columns: dict[str, Any] = {
        name: Dense(np.stack([_fitted(pixels) for pixels in whole_pictures(table.columns[name], rows)])),
        column.name: _part(table.columns[column.name], rows),
    }
    kept = tuple(c for c in table.schema if c.name in columns)
    part = replace(table, schema=replace(table.schema, columns=kept), columns=columns, splits={}, row_names=None)
    own = np.arange(len(rows))
    preparation = ColumnsPreparation.fit(part, own, size=_SIDE, fit="pad")
    encoded = preparation.encode_table(part)
    codec: Any = preparation.inputs[INPUT]
    mean, std = (np.array(values)[:, None, None] for values in (codec.mean, codec.std))

    def shown(epoch: int, changes: Augmentation | None) -> list[Picture]:
        batching = Batching(batch_size=len(rows), seed=seed, augmentation=changes)
        batch = next(preparation.source(encoded, {}, own, input_name=INPUT, batching=batching).batches(epoch))
        pixels = np.rint(np.clip(batch[INPUT].numpy() * std + mean, 0, 1) * 255).astype(np.uint8)
        marks: Any = batch[TARGET]
        return [
            drawn_marks(picture, one, column, pairs=getattr(columns[column.name], "pairs", ()))
            for picture, one in zip(pixels.transpose(0, 2, 3, 1)[:num_pictures], _of_rows(marks, column))
        ]

    grid = [shown(0, None), *(shown(epoch, augmentation) for epoch in range(num_variants))]
    names = ["" if table.row_names is None else table.row_names[row].rpartition("/")[2] for row in rows.tolist()]
    return np.stack([np.stack(pictures) for pictures in grid], axis=1), names[:num_pictures]


def _fitted(pixels: Picture) -> Picture:
    """As the network would read it: in a square, with black around it."""
    from PIL import Image

    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    return pixels_of(ResizePolicy(Rule.PAD, _SIDE, _SIDE).apply(image))


def _of_rows(marks: Any, column: Column) -> list[Any]:
    """What is marked in each row of a batch, as the column of a table with this row alone would hold it."""
    frame = np.array([[_SIDE, _SIDE]])
    if column.kind is Kind.BOXES:
        return [
            Boxes(
                one["corners"].numpy(),
                one["classes"].numpy(),
                np.array([0, len(one["classes"])]),
                frame,
                one["crowds"].numpy(),
            )
            for one in marks
        ]
    if column.kind is Kind.POINTS:
        return [Points(one[None, :, :2].numpy(), one[None, :, 2].numpy() > 0, frame) for one in marks]
    return [Dense(one[None].numpy()) for one in marks]


def _part(data: Any, rows: npt.NDArray[np.int64]) -> Any:
    found = data.take(rows)
    if isinstance(data, Dense):
        return Dense(found)
    return _together([mask.reshape(*mask.shape[:2], 1) for mask in found]) if isinstance(data, Pictures) else found


def _together(pictures: list[Picture]) -> Pictures:
    heights, widths = (np.array([each.shape[axis] for each in pictures], dtype=np.int64) for axis in (0, 1))
    offsets = np.concatenate([[0], np.cumsum([each.size for each in pictures])]).astype(np.int64)
    flat = np.concatenate([np.ascontiguousarray(each).reshape(-1) for each in pictures])
    return Pictures(flat, offsets, heights, widths, pictures[0].shape[2])
