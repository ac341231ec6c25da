"""A sheet of pictures and their augmented variants, to look at before training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core import seeds
from derin.core.errors import DataError, UsageError
from derin.core.files import open_atomically
from derin.data.augment.marked_preview import marked_variants
from derin.data.marked_sheet import marked_column
from derin.data.schema import Column, Kind
from derin.data.sheet import caption_font, fitting_text
from derin.data.table import Dense, Pictures, Rows, Table

if TYPE_CHECKING:
    from PIL import Image

    from derin.data.augment.settings import Augmentation

_CELL = 112  # px, least side of a picture on the sheet
_LARGEST = 160  # px, side of the square that stands for pictures of unequal size
_GAP, _MARGIN, _CAPTION, _TITLE = 6, 18, 18, 34  # px
_INK, _PAPER, _FAINT = "#1f2430", "#ffffff", "#6b7280"


def preview(
    table: Table, augmentation: Augmentation, *, num_pictures: int = 6, num_variants: int = 7, seed: int = 0
) -> Image.Image:
    """Draws some training pictures, each followed by what augmentation makes of it in the first epochs.

    Args:
        table: with one picture column.
        augmentation: what is to be shown.
        num_pictures: lines of the sheet; every class comes before any class comes again.
        num_variants: augmented pictures on each line.
        seed: of the choice of pictures and of the augmentation.

    Raises:
        DataError: the table has no pictures.
    """
    import torch

    if num_pictures < 1 or num_variants < 1:
        raise UsageError(
            f"preview needs at least one picture and one variant; got num_pictures={num_pictures}, "
            f"num_variants={num_variants}."
        )
    column = _picture_column(table)
    marked = marked_column(table)
    if marked is not None:
        pictures, names = marked_variants(
            table, marked, augmentation, num_pictures=num_pictures, num_variants=num_variants, seed=seed
        )
        without = [[""] * len(names)] * num_variants
        return _sheet(pictures, [names, *without], f"{table.name}  ·  {augmentation}")
    labels = _labels(table)
    rows = _choose(table, num_pictures + 1, labels, seed)
    originals = _squares(table, column, rows)
    raw = torch.from_numpy(originals).permute(0, 3, 1, 2)
    captions = [labels[1][labels[0][row]] if labels else "" for row in rows]
    classes = sorted(set(captions))
    numbers = torch.tensor([classes.index(c) for c in captions])
    grid, notes = [originals[:num_pictures]], [captions[:num_pictures]]
    for epoch in range(num_variants):
        uniforms = torch.from_numpy(seeds.uniforms(seed, "augment", epoch, rows, augmentation.num_uniforms))
        changed = augmentation.apply(raw, uniforms)
        note = [""] * num_pictures
        if augmentation.mixes:
            changed, shares = augmentation.mix(changed.float(), numbers, uniforms, len(classes))
            note = [_shares(classes, share) if labels else "" for share in shares.tolist()]
        shown = changed[:num_pictures].permute(0, 2, 3, 1).float().round().clamp(0, 255).to(torch.uint8)
        grid.append(shown.numpy())
        notes.append(note)
    return _sheet(np.stack(grid, axis=1), notes, f"{table.name}  ·  {augmentation}")


def write_preview(table: Table, augmentation: Augmentation, path: Path, seed: int = 0) -> None:
    """Writes the sheet of `preview` as PNG.

    Raises:
        StorageError: the file cannot be written.
    """
    sheet = preview(table, augmentation, seed=seed)
    with open_atomically(path) as file:
        sheet.save(file, format="PNG", optimize=True)


def _picture_column(table: Table) -> Column:
    for column in table.inputs:
        if column.kind is Kind.PICTURE:
            return column
    raise DataError(f"Table {table.name!r} has no picture column, so that there is nothing to preview.")


def _labels(table: Table) -> tuple[Any, tuple[str, ...]] | None:
    """Class number of each row and the classes' names, where there is one category as target."""
    if len(table.targets) != 1 or table.targets[0].kind is not Kind.CATEGORY or table.targets[0].classes is None:
        return None
    data = table[table.targets[0].name]
    if not isinstance(data, Dense) or data.values.ndim != 1:
        return None
    return data.values, (*table.targets[0].classes, "?")  # a missing label, -1, is the last name


def _choose(table: Table, num: int, labels: tuple[Any, tuple[str, ...]] | None, seed: int) -> Rows:
    """Rows of the training split, in turn from every class."""
    pool = np.asarray(table.splits.get("train", np.arange(len(table))), dtype=np.int64)
    if len(pool) == 0:
        raise DataError(f"Table {table.name!r} has no training pictures to preview.")
    pool = seeds.generator(seed, "preview").permutation(pool)
    if labels:
        groups = labels[0][pool]
        # Place of every row among the rows of its own class: first all firsts, then all seconds.
        order = np.argsort(groups, kind="stable")
        starts = np.searchsorted(groups[order], groups[order])
        turn = np.empty(len(pool), dtype=np.int64)
        turn[order] = np.arange(len(pool)) - starts
        pool = pool[np.lexsort((groups, turn))]
    return np.resize(pool[:num], num)


def _squares(table: Table, column: Column, rows: Rows) -> np.ndarray:
    """The pictures in one size: as they are, or the middle square of pictures of unequal size."""
    from PIL import Image, ImageOps

    data = table[column.name]
    if not isinstance(data, Pictures):
        return np.ascontiguousarray(data.take(rows))
    pictures = data.take(rows)
    side = min(_LARGEST, *(min(p.shape[:2]) for p in pictures))
    squares = [
        np.asarray(ImageOps.fit(Image.fromarray(p.squeeze(2) if p.shape[2] == 1 else p), (side, side)))
        for p in pictures
    ]
    return np.stack(squares).reshape(len(rows), side, side, data.channels)


def _shares(classes: list[str], shares: list[float]) -> str:
    """A line for each class that has a share, such as ``cats 70%``, the larger first."""
    known = sorted(((share, name) for share, name in zip(shares, classes) if share >= 0.005), reverse=True)
    return "\n".join(name if share > 0.995 else f"{name} {share:.0%}" for share, name in known)


def _sheet(pictures: np.ndarray, notes: list[list[str]], title: str) -> Image.Image:
    """Pictures ``(lines, columns, H, W, C)`` in cells, captions under them, the original set off by a gap."""
    from PIL import Image, ImageDraw

    lines, columns, height, width, _ = pictures.shape
    factor = max(1, -(-_CELL // min(height, width)))
    cell_width, cell_height = width * factor, height * factor
    note_lines = max(note.count("\n") + bool(note) for column in notes for note in column)
    step_x, step_y = cell_width + _GAP, cell_height + _GAP + note_lines * _CAPTION
    split = 2 * _GAP  # between the original and its variants
    sheet_width = 2 * _MARGIN + columns * step_x - _GAP + split
    sheet = Image.new("RGB", (sheet_width, 2 * _MARGIN + _TITLE + lines * step_y - _GAP), _PAPER)
    draw, font = ImageDraw.Draw(sheet), caption_font()
    draw.text((_MARGIN, _MARGIN - 4), fitting_text(draw, title, sheet_width - 2 * _MARGIN, font), fill=_INK, font=font)
    for line in range(lines):
        for column in range(columns):
            left = _MARGIN + column * step_x + (split if column else 0)
            top = _MARGIN + _TITLE + line * step_y
            pixels = pictures[line, column]
            tile = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).convert("RGB")
            sheet.paste(tile.resize((cell_width, cell_height), Image.Resampling.NEAREST), (left, top))
            for place, note in enumerate(notes[column][line].split("\n")):
                below = top + cell_height + 2 + place * (_CAPTION - 3)
                short = fitting_text(draw, note, cell_width, font)
                draw.text((left, below), short, fill=_FAINT if column else _INK, font=font)
    return sheet
