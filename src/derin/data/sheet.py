"""A contact sheet: many pictures side by side with a line under each, to look at data before training on it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.files import open_atomically
from derin.core.printable import printable
from derin.core.seeds import permutation
from derin.data.schema import Column, Kind
from derin.data.table import Dense, Pictures, Rows, Sounds, Table

if TYPE_CHECKING:
    from PIL import Image

Picture = npt.NDArray[np.uint8]

_CELL = 112  # px, side of the square that holds a picture
_GAP, _MARGIN, _CAPTION, _TITLE, _FONT_SIZE = 8, 16, 18, 28, 12  # px
_INK, _PAPER = "#1f2430", "#ffffff"
_MOST_LINES = 12


def contact_sheet(
    pictures: Sequence[Picture], captions: Sequence[str], columns: int, *, title: str = "", cell: int = _CELL
) -> Image.Image:
    """Draws pictures of any size in a grid of squares, each with its caption below.

    Small pictures are enlarged by a whole number without smoothing, so that their pixels can be seen; large ones are
    made smaller. The shape of a picture is kept.

    Args:
        pictures: in the order of reading.
        captions: one for each; too long ones are shortened.
        columns: pictures on each line.
        title: a line above all.
        cell: side of the square that holds a picture, in pixels.

    Shapes:
        each picture ``(height, width, 1 or 3)`` uint8 → an RGB image.

    Example:
        >>> sheet = contact_sheet([np.zeros((8, 8, 1), dtype=np.uint8)] * 3, ["a", "b", "c"], columns=2)
        >>> sheet.size, sheet.mode
        ((264, 300), 'RGB')
    """
    from PIL import Image, ImageDraw

    if len(pictures) != len(captions) or not pictures or columns < 1:
        raise UsageError(
            "contact_sheet: one picture or more, a caption for each and at least one column are required; "
            f"got {len(pictures)} pictures, {len(captions)} captions, {columns} columns."
        )
    columns = min(columns, len(pictures))
    lines = -(-len(pictures) // columns)
    caption = _CAPTION if any(captions) else 0
    top = _MARGIN + (_TITLE if title else 0)
    width = 2 * _MARGIN + columns * (cell + _GAP) - _GAP
    sheet = Image.new("RGB", (width, top + lines * (cell + caption + _GAP) - _GAP + _MARGIN), _PAPER)
    draw, font = ImageDraw.Draw(sheet), caption_font()
    if title:
        draw.text((_MARGIN, _MARGIN), fitting_text(draw, title, width - 2 * _MARGIN, font), fill=_INK, font=font)
    for place, (picture, text) in enumerate(zip(pictures, captions)):
        tile = _scaled(picture, cell)
        left = _MARGIN + place % columns * (cell + _GAP)
        upper = top + place // columns * (cell + caption + _GAP)
        sheet.paste(tile, (left + (cell - tile.width) // 2, upper + (cell - tile.height) // 2))
        short = fitting_text(draw, text, cell, font)
        draw.text(
            (left + (cell - draw.textlength(short, font=font)) / 2, upper + cell + 2), short, fill=_INK, font=font
        )
    return sheet


def table_sheet(table: Table, *, columns: int = 10, seed: int = 0) -> Image.Image:
    """Draws training pictures of a table, or spectrograms of its sounds: one line for each class where there are few,
    else the classes in turn.

    Raises:
        DataError: the table has neither.
    """
    column = _shown_column(table)
    if column is None:
        kinds = ", ".join(sorted({c.kind.value for c in table.inputs})) or "nothing"
        raise DataError(
            f"Table {table.name!r}: a sheet needs pictures or sounds; the inputs are {kinds}. Leave the sheet out."
        )
    pool = table.splits.get("train", np.arange(len(table)))
    pool = pool[permutation(seed, "sheet", 0, len(pool))]
    codes, classes = _classes(table, pool)
    present = np.unique(codes)
    if len(present) <= _MOST_LINES:
        lines = [pool[codes == code][:columns] for code in present]
    else:
        firsts = np.array([pool[codes == code][0] for code in present[: columns * _MOST_LINES]])
        lines = list(np.split(firsts, range(columns, len(firsts), columns)))
    names = dict(zip(pool.tolist(), codes.tolist()))
    pictures: list[Picture] = []
    captions: list[str] = []
    for rows in lines:
        pictures.extend(row_pictures(table, rows.tolist()))
        captions.extend(classes[names[row]] if classes else "" for row in rows.tolist())
        # A class with few pictures leaves the rest of its line empty.
        for _ in range(columns - len(rows) if rows is not lines[-1] else 0):
            pictures.append(np.full((1, 1, 3), 255, dtype=np.uint8))
            captions.append("")
    title = f"{table.name} · {len(table):,} {column.kind.value}s" + (f" · {len(classes)} classes" if classes else "")
    return contact_sheet(pictures, captions, columns, title=title)


def legend(sheet: Image.Image, names: Sequence[tuple[str, str]]) -> Image.Image:
    """The sheet with lines below that say which color is which name.

    Args:
        sheet: in RGB.
        names: a name and its color each.
    """
    from PIL import Image, ImageDraw

    font = caption_font()
    draw = ImageDraw.Draw(sheet)
    places: list[tuple[int, int, str, str]] = []
    x, line = _MARGIN, 0
    for name, color in names:
        short = fitting_text(draw, name, sheet.width - 2 * _MARGIN - _CAPTION, font)
        width = _CAPTION + round(draw.textlength(short, font=font)) + _MARGIN
        if x > _MARGIN and x + width > sheet.width - _MARGIN:
            x, line = _MARGIN, line + 1
        places.append((x, line, short, color))
        x += width
    whole = Image.new("RGB", (sheet.width, sheet.height + (line + 1) * _CAPTION + _GAP), _PAPER)
    whole.paste(sheet, (0, 0))
    draw = ImageDraw.Draw(whole)
    for x, line, short, color in places:
        y = sheet.height + line * _CAPTION
        draw.rectangle((x, y + 2, x + _FONT_SIZE, y + 2 + _FONT_SIZE), fill=color)
        draw.text((x + _CAPTION, y), short, fill=_INK, font=font)
    return whole


def write_sheet(sheet: Image.Image, path: Path) -> None:
    """Writes a sheet as PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"The sheet {str(path)!r} must be a file that ends in .png.")
    with open_atomically(path) as file:
        sheet.save(file, format="PNG", optimize=True)


def _classes(table: Table, rows: Rows) -> tuple[Rows, tuple[str, ...]]:
    """The class of each row; all 0 and no names where there are no classes."""
    column = next((c for c in table.targets if c.kind is Kind.CATEGORY and not c.shape and c.classes), None)
    if column is None or column.classes is None:
        return np.zeros(len(rows), dtype=np.int64), ()
    return table.columns[column.name].take(rows), column.classes


def _shown_column(table: Table) -> Column | None:
    return next((c for c in table.inputs if c.kind in (Kind.PICTURE, Kind.SOUND)), None)


def row_pictures(table: Table, rows: Sequence[int]) -> list[Picture]:
    """What a person is shown of some rows: their pictures, or the spectrograms of their sounds.

    Raises:
        DataError: the table has neither.
    """
    column = _shown_column(table)
    data = None if column is None else table.columns[column.name]
    chosen = np.asarray(rows, dtype=np.int64)
    if isinstance(data, Dense | Pictures):
        return list(data.take(chosen))
    if isinstance(data, Sounds):
        import torch

        from derin.data.sounds.drawing import draw_spectrograms

        sounds = (torch.from_numpy(np.array(each))[None] for each in data.take(chosen).each())
        return [draw_spectrograms(each, data.rate)[0] for each in sounds]
    raise DataError(f"Table {table.name!r} has neither pictures nor sounds that could be shown.")


def _scaled(picture: Picture, cell: int) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).convert("RGB")
    largest = max(image.size)
    if largest <= cell // 2:
        factor = cell // largest
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    factor_down = cell / largest
    size = (max(1, round(image.width * factor_down)), max(1, round(image.height * factor_down)))
    return image.resize(size, Image.Resampling.LANCZOS)


@functools.cache
def caption_font() -> Any:
    """The font of captions: DejaVu Sans, which comes with matplotlib and has Turkish letters."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), _FONT_SIZE)


def fitting_text(draw: Any, text: str, width: int, font: Any) -> str:
    """The text on one line, shortened to a width in pixels."""
    text = printable(text)
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text.rstrip() + "…"
