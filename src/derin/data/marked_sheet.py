"""A sheet of pictures with what is marked in them drawn over: boxes, masks and points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import permutation
from derin.data.box_drawing import draw_boxes
from derin.data.mask_colors import hex_colors, overlay
from derin.data.point_drawing import draw_points
from derin.data.schema import Column, Kind
from derin.data.sheet import contact_sheet, legend
from derin.data.table import Boxes, Dense, Points, Rows, Table

if TYPE_CHECKING:
    from PIL import Image

Picture = npt.NDArray[np.uint8]
MARKED_KINDS = (Kind.BOXES, Kind.MASK, Kind.POINTS)
_CELL = 320  # px
_COLUMNS, _PICTURES = 4, 12
_MOST_IN_LEGEND = 40
_CROWD = "… "


def marked_column(table: Table) -> Column | None:
    """The column of what is marked in the pictures of a table; None where nothing is."""
    return next((c for c in table.schema if c.kind in MARKED_KINDS), None)


def marked_sheet(table: Table, column: Column, *, seed: int = 0) -> Image.Image:
    """Draws training pictures with what is marked in them, every class if there are not too many.

    Args:
        table: with one column of pictures.
        column: of boxes, masks or points.
        seed: of the choice.
    """
    picture = next(c for c in table.inputs if c.kind is Kind.PICTURE)
    rows = chosen_rows(table, column, seed, _PICTURES)
    marks = table.columns[column.name]
    drawn = []
    for row, pixels in zip(rows.tolist(), whole_pictures(table.columns[picture.name], rows)):
        one: Any = marks.take(np.array([row]))
        one = one if isinstance(one, Boxes | Points) else Dense(np.asarray(one))
        pixels = pixels if column.kind is Kind.MASK else _of_cell(pixels)
        drawn.append(drawn_marks(pixels, one, column, words=True, pairs=getattr(marks, "pairs", ())))
    names = table.row_names
    captions = ["" if names is None else names[row].rpartition("/")[2] for row in rows.tolist()]
    classes = column.classes or ()
    title = f"{table.name} · {len(table):,} pictures · {_told(marks, column)}"
    sheet = contact_sheet(drawn, captions, _COLUMNS, title=title, cell=_CELL)
    if column.kind is Kind.POINTS or not classes:
        return sheet
    colors = hex_colors(min(255, len(classes) + 1))[column.kind is Kind.BOXES :]
    shown = set(marks.take(rows).classes.tolist()) if isinstance(marks, Boxes) else set(range(len(classes)))
    named = [(name, color) for place, (name, color) in enumerate(zip(classes, colors)) if place in shown]
    return legend(sheet, named[:_MOST_IN_LEGEND])


def drawn_marks(
    pixels: Picture, marks: Any, column: Column, *, words: bool = False, pairs: Sequence[tuple[int, int]] = ()
) -> Picture:
    """A picture with what is marked in it drawn over.

    Args:
        pixels: of the picture, of any size.
        marks: `Boxes` or `Points` of this picture alone, in the pixels of their frame; or `Dense` with one mask.
        column: what they are.
        words: whether boxes have the names of their classes, where there is room.
        pairs: of left and right points, which have a color each.
    """
    if isinstance(marks, Boxes):
        corners = marks.corners * _ratio(pixels, marks.frames[0])[[0, 1, 0, 1]]
        # The largest have their word first; the smallest lie above.
        order = np.argsort((corners[:, 2:] - corners[:, :2]).prod(axis=1), kind="stable")
        names = column.classes or ()
        said = [(_CROWD if marks.is_crowd[n] else "") + names[marks.classes[n]] for n in order] if words else None
        return draw_boxes(pixels, corners[order], marks.classes[order].tolist(), said)
    if isinstance(marks, Points):
        return draw_points(pixels, marks.places[0] * _ratio(pixels, marks.frames[0]), marks.visible[0], pairs)
    mask = np.asarray(marks.values[0])
    return overlay(pixels, mask.reshape(mask.shape[:2]).astype(np.uint8))


def _of_cell(pixels: Picture) -> Picture:
    """A picture enlarged or made smaller to a cell, so that lines and words over it have one size."""
    from PIL import Image

    factor = _CELL / max(pixels.shape[:2])
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).convert("RGB")
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST))


def _ratio(pixels: Picture, frame: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """By what x and y in a frame come to the pixels of a picture."""
    ratio: npt.NDArray[np.float64] = np.array(pixels.shape[1::-1]) / frame[::-1]
    return ratio


def whole_pictures(data: Any, rows: Rows) -> list[Picture]:
    """Pictures in the size in which things were marked in them; those of the cache may be smaller."""
    origin = getattr(data, "origin", None)
    pictures: list[Picture] = data.take(rows) if origin is None else origin.read_whole(rows)
    return list(pictures)


def chosen_rows(table: Table, column: Column, seed: int, num: int) -> Rows:
    """Training rows in a drawn order; one of each class first where boxes have classes, and one without a box."""
    pool = np.asarray(table.splits.get("train", np.arange(len(table))), dtype=np.int64)
    pool = pool[permutation(seed, "sheet", 0, len(pool))]
    marks = table.columns[column.name]
    if not isinstance(marks, Boxes):
        return pool[:num]
    per_row = [set(marks.classes[marks.offsets[row] : marks.offsets[row + 1]].tolist()) for row in pool.tolist()]
    chosen: list[int] = []
    seen: set[int] = set()
    for place, held in enumerate(per_row):
        if held - seen and len(chosen) < num - 1:
            chosen.append(place)
            seen |= held
    chosen += [place for place, held in enumerate(per_row) if not held][:1]
    others = [place for place in range(len(pool)) if place not in set(chosen)]
    return pool[sorted([*chosen, *others[: num - len(chosen)]])]


def _told(marks: Any, column: Column) -> str:
    if isinstance(marks, Points):
        return f"{marks.places.shape[1]} points in each"
    classes = f"{len(column.classes or ())} classes"
    return f"{len(marks.corners):,} boxes · {classes}" if isinstance(marks, Boxes) else classes
