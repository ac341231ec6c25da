"""The preview sheet: originals first, variants beside them, for every kind of picture column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derin.core.errors import DataError, StorageError
from derin.core.faults import faults, parse_fault
from derin.data.augment import Augmentation, preview, write_preview
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.sheet import table_sheet, write_sheet
from derin.data.table import Dense, Pictures, Table

PICTURE = Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(10, 14, 3))
LABEL = Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=("kedi", "köpek", "şahin"))


def table() -> Table:
    values = np.random.default_rng(0).integers(0, 256, (9, 10, 14, 3), dtype=np.uint8)
    columns = {"picture": Dense(values), "label": Dense(np.array([0, 0, 0, 0, 1, 1, 2, -1, 0]))}
    return Table(name="zoo", schema=Schema((PICTURE, LABEL)), columns=columns, splits={"train": np.arange(8)})


def tiles(sheet: Image.Image, table: Table) -> list[int]:
    """The rows whose unscaled pictures stand on the sheet, top to bottom."""
    pixels, found = np.asarray(sheet), []
    for row, picture in enumerate(table["picture"].values):  # type: ignore[attr-defined]
        large = np.asarray(Image.fromarray(picture).resize((14 * 12, 10 * 12), Image.Resampling.NEAREST))
        left = 18  # the first column, behind the margin
        found += [
            (top, row)
            for top in range(pixels.shape[0] - 120)
            if np.array_equal(pixels[top : top + 120, left : left + 14 * 12], large)
        ]
    return [row for _, row in sorted(found)]


def test_the_first_column_shows_the_originals_of_every_class_before_any_comes_again() -> None:
    data = table()
    rows = tiles(preview(data, Augmentation.parse("flip"), num_pictures=4, num_variants=2, seed=1), data)
    labels = data["label"].values[rows]  # type: ignore[attr-defined]
    assert sorted(labels.tolist()) == [-1, 0, 1, 2]
    assert 8 not in rows  # not a row of the training split


def test_variants_differ_from_the_original_and_from_each_other() -> None:
    sheet = np.asarray(preview(table(), Augmentation.parse("rotate=90"), num_pictures=1, num_variants=2, seed=0))
    top, wide = 18 + 34, 14 * 12
    cells = [sheet[top : top + 120, left : left + wide] for left in (18, 18 + wide + 18, 18 + 2 * (wide + 6) + 12)]
    assert not np.array_equal(cells[0], cells[1])
    assert not np.array_equal(cells[1], cells[2])


def test_the_sheet_is_a_function_of_its_seed() -> None:
    augmentation = Augmentation.parse("rotate,mixup,cutmix")
    first, second, other = (np.asarray(preview(table(), augmentation, num_pictures=2, seed=s)) for s in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_pictures_of_unequal_size_are_shown_as_squares(tmp_path: Path) -> None:
    sizes = [(20, 30), (41, 22), (25, 25)]
    flat = np.concatenate([np.full(h * w, 40 * (i + 1), dtype=np.uint8) for i, (h, w) in enumerate(sizes)])
    data = Pictures(
        flat,
        np.concatenate([[0], np.cumsum([h * w for h, w in sizes])]),
        np.array([h for h, _ in sizes]),
        np.array([w for _, w in sizes]),
        1,
    )
    schema = Schema((Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(-1, -1, 1)),))
    ragged = Table(name="gray", schema=schema, columns={"picture": data}, splits={"train": np.arange(3)})
    write_preview(ragged, Augmentation.parse("rotate,fill=edge"), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert {40, 80, 120} <= set(np.asarray(sheet.convert("L")).ravel().tolist())


def test_a_table_without_pictures_is_refused() -> None:
    schema = Schema((Column(name="age", kind=Kind.NUMBER, role=Role.INPUT),))
    numbers = Table(name="ages", schema=schema, columns={"age": Dense(np.zeros(3))}, splits={})
    with pytest.raises(DataError, match="no picture column"):
        preview(numbers, Augmentation())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_preview(table(), Augmentation(), tmp_path / "missing" / "sheet.png")


def test_a_sheet_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    for write in (
        lambda: write_sheet(table_sheet(table()), path),
        lambda: write_preview(table(), Augmentation(), path),
    ):
        path.write_bytes(b"the old one")
        with faults(parse_fault("write.written:1:ENOSPC")), pytest.raises(StorageError, match="No space left"):
            write()
        assert path.read_bytes() == b"the old one"
        assert list(tmp_path.iterdir()) == [path]
