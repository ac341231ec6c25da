"""What is written in another form is the same table when it is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.test_boxes import as_told

import derin
from derin.core.errors import DataError, StorageError, UnknownNameError
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Boxes, ColumnData, Dense, Pictures, Points, Table
from derin.readers.annotations.writing import write_marked

CLASSES = ("red cell", '<b> & "ü"', "10", "9")


def random_table(seed: int, kind: Kind) -> Table:
    """Pictures of unequal size with boxes of any float32 corners, also none, in splits or without."""
    draw = np.random.default_rng(seed)
    num = int(draw.integers(5, 12))
    frames = draw.integers(9, 60, (num, 2))
    sizes = frames.prod(axis=1) * 3
    flat = draw.integers(0, 255, sizes.sum(), dtype=np.uint8)
    pictures = Pictures(flat, np.concatenate([[0], np.cumsum(sizes)]), frames[:, 0], frames[:, 1], 3)
    counts = draw.integers(0, 5, num)
    counts[0] = 3
    ends = (
        np.sort(draw.uniform(0, 1, (counts.sum(), 2, 2)), axis=1)
        * frames[np.repeat(np.arange(num), counts)][:, None, ::-1]
    )
    corners = ends.reshape(-1, 4).astype(np.float32)
    corners[::3] = np.floor(corners[::3])
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + np.float32(0.25))
    classes = draw.integers(0, len(CLASSES), len(corners))
    crowds = draw.uniform(size=len(corners)) < 0.2
    marks: ColumnData = Boxes(corners, classes, np.concatenate([[0], np.cumsum(counts)]), frames, crowds)
    shape: tuple[int, ...] = (-1, 4)
    if kind is Kind.POINTS:
        places = (draw.uniform(0, 1, (num, 4, 2)) * frames[:, None, ::-1]).astype(np.float32)
        visible = draw.uniform(size=(num, 4)) < 0.8
        visible[:, 0] = True
        marks, shape = Points(np.where(visible[..., None], places, 0), visible, frames), (4, 2)
    if kind is Kind.MASK:
        values = draw.integers(0, 4, sizes.sum() // 3, dtype=np.uint8)
        values[::17] = 255
        marks = Pictures(values, pictures.offsets // 3, frames[:, 0], frames[:, 1], 1)
    schema = Schema((
        Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(-1, -1, 3)),
        Column(name=kind.value, kind=kind, role=Role.TARGET, shape=shape, classes=CLASSES),
    ))  # fmt: skip
    order = draw.permutation(num)
    splits = {"train": order[:3], "val": order[3:4], "test": order[4:]} if seed % 2 else {"train": order}
    names = [f"folder/p {n}.png" for n in range(num)]
    columns = {"picture": pictures, kind.value: marks}
    return Table(name="t", schema=schema, columns=columns, splits=splits, row_names=names)


FORMS = [("coco", Kind.BOXES), ("voc", Kind.BOXES), ("yolo", Kind.BOXES), ("coco", Kind.POINTS), ("masks", Kind.MASK)]
TASKS = {Kind.BOXES: "detection", Kind.POINTS: "landmarks", Kind.MASK: "segmentation"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("form", "kind"), FORMS, ids=[f"{form} {kind.value}" for form, kind in FORMS])
def test_reading_gives_back_what_was_written(form: str, kind: Kind, seed: int, tmp_path: Path) -> None:
    table = random_table(seed, kind)
    write_marked(table, form, tmp_path / "out")
    # Boxes at the very edge of a float32 lie in their pictures, so that nothing is clipped or left out.
    again = derin.load(tmp_path / "out", task=TASKS[kind], cut=False)
    assert again.row_names is not None
    names = [Path(name).name for name in again.row_names]
    assert table.row_names is not None
    rows = np.array([names.index(Path(name).name) for name in table.row_names])
    assert again.schema[kind.value].classes == CLASSES
    assert {s: sorted(rows[part].tolist()) for s, part in table.splits.items()} == {
        s: sorted(part.tolist()) for s, part in again.splits.items()
    }
    old, new = table[kind.value], again[kind.value].take(rows)
    if isinstance(old, Boxes) and form == "yolo":
        kept = ~old.is_crowd
        owners = np.repeat(np.arange(len(old)), np.diff(old.offsets))[kept]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(old)))])
        old = Boxes(old.corners[kept], old.classes[kept], offsets, old.frames, old.is_crowd[kept])
    if isinstance(old, Pictures):
        assert all(np.array_equal(one, two) for one, two in zip(old.take(np.arange(len(rows))), new))
    else:
        for one, two in zip(old.arrays, new.arrays, strict=True):
            assert np.array_equal(one, two)


def test_files_are_copied_as_they_are_and_names_stay_apart(tmp_path: Path) -> None:
    for split, gray in (("train", 10), ("val", 200)):
        (tmp_path / "set" / split).mkdir(parents=True)
        Image.new("L", (30, 20), gray).save(tmp_path / f"set/{split}/a.jpg")
        (tmp_path / f"set/{split}/a.txt").write_text("0 0.5 0.5 0.5 0.5")
    table = derin.load(tmp_path / "set", task="detection", cut=False)
    for form in ("voc", "coco", "yolo"):
        write_marked(table, form, tmp_path / form)
        again = derin.load(tmp_path / form, cut=False)
        assert {name: len(rows) for name, rows in again.splits.items()} == {"train": 1, "val": 1}
        assert sorted(as_told(again)) == ["train_a.jpg", "val_a.jpg"]
        copied = next((tmp_path / form).rglob("val_a.jpg"))
        assert copied.read_bytes() == (tmp_path / "set/val/a.jpg").read_bytes()


def test_what_a_form_does_not_hold_is_refused(tmp_path: Path) -> None:
    table = random_table(1, Kind.BOXES)
    with pytest.raises(DataError, match="masks holds pictures with mask; the table holds boxes, picture"):
        write_marked(table, "masks", tmp_path / "a")
    with pytest.raises(UnknownNameError, match="coco"):
        write_marked(table, "cocoa", tmp_path / "a")
    with pytest.raises(StorageError, match="exists already"):
        write_marked(table, "coco", tmp_path)
    numbers = Table(
        name="n",
        schema=Schema((Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),)),
        columns={"x": Dense(np.zeros(2))},
        splits={},
    )
    with pytest.raises(DataError, match="the table holds number"):
        write_marked(numbers, "voc", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
