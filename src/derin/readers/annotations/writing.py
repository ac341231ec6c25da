"""Tables of marked pictures written in the forms of people's tools, so that reading gives the same table again.

Boxes are written with all their digits (a corner is a float32, of which COCO and Pascal VOC keep the shortest text that
gives it back, YOLO twelve decimals of its share). What a form cannot say is named: YOLO has no crowds, Pascal VOC calls
them difficult.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from derin.core.errors import DataError, StorageError, UnknownNameError
from derin.core.files import write_bytes
from derin.core.folders import replace_folder, temporary_folder
from derin.core.messages import Message
from derin.core.printable import whole_pairs
from derin.core.strict_json import dump_json
from derin.data.mask_colors import palette_png, png
from derin.data.schema import Column, Kind
from derin.data.table import SPLITS, Points, Table
from derin.readers.listing import shown

_NO_SPLIT = "unsplit"
_CHUNK = 64


@dataclass(frozen=True)
class _Written:
    """A table on its way to files.

    Args:
        table: with pictures and one column of what is marked in them.
        column: of what is marked.
        folder: that is being made.
        names: of the file of each row, with its ending.
        splits: of each row; empty for none.
    """

    table: Table
    column: Column
    folder: Path
    names: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def marks(self) -> Any:
        return self.table.columns[self.column.name]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.column.classes or ()

    def rows_of(self, split: str) -> list[int]:
        return [row for row, own in enumerate(self.splits) if own == split]

    def parts(self) -> list[str]:
        """The splits that have rows."""
        return [split for split in (*SPLITS, "") if split in self.splits]

    def boxes_of(self, row: int) -> Iterator[tuple[list[float], int, bool]]:
        boxes = self.marks
        inside = range(int(boxes.offsets[row]), int(boxes.offsets[row + 1]))
        crowds = boxes.is_crowd
        return ((boxes.corners[n].tolist(), int(boxes.classes[n]), bool(crowds[n])) for n in inside)


def write_marked(table: Table, form: str, folder: Path) -> list[str]:
    """Writes a table of pictures with boxes, points or masks.

    Args:
        table: as `derin.load` gives it.
        form: ``"coco"`` (boxes, points), ``"voc"`` (boxes), ``"yolo"`` (boxes) or ``"masks"`` (masks).
        folder: that is made; it must not exist.

    Returns:
        what could not be said in that form, as sentences.

    Raises:
        UnknownNameError: there is no such form.
        DataError: the table has nothing that the form holds.
        StorageError: the folder exists, or cannot be written.

    Example:
        >>> import tempfile
        >>> from derin.data.schema import Role, Schema
        >>> from derin.data.table import Boxes, Dense
        >>> boxes = Boxes(np.array([[1, 2, 5, 4.5]], np.float32), np.array([0]), np.array([0, 1]), np.array([[6, 8]]))
        >>> schema = Schema((Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(6, 8, 1)),
        ...                  Column(name="boxes", kind=Kind.BOXES, role=Role.TARGET, classes=("cell",))))
        >>> columns = {"picture": Dense(np.zeros((1, 6, 8, 1), np.uint8)), "boxes": boxes}
        >>> splits = {"train": np.array([0])}
        >>> table = Table(name="t", schema=schema, columns=columns, splits=splits, row_names=["a.png"])
        >>> folder = Path(tempfile.mkdtemp(), "cells")
        >>> write_marked(table, "yolo", folder)
        []
        >>> (folder / "labels/train/a.txt").read_text()
        '0 0.375000000000 0.541666666667 0.500000000000 0.416666666667\\n'
    """
    if form not in _FORMS:
        raise UnknownNameError("form in which marked pictures are written", form, tuple(_FORMS))
    kinds, write, place = _FORMS[form]
    column = next((c for c in table.schema if c.kind in kinds), None)
    picture = next((c for c in table.inputs if c.kind is Kind.PICTURE), None)
    if column is None or picture is None:
        held = ", ".join(sorted({c.kind.value for c in table.schema})) or "nothing"
        wanted = " or ".join(kind.value for kind in kinds)
        raise DataError(
            f"Table {table.name!r}: {form} holds pictures with {wanted}; the table holds {held}. Choose another form."
        )
    if folder.exists():
        raise StorageError(f"The folder {folder} exists already; name one that does not.")
    data: Any = table.columns[picture.name]
    origin = getattr(data, "origin", None)
    of_row = {row: split for split in SPLITS if split in table.splits for row in table.splits[split].tolist()}
    splits = tuple(of_row.get(row, "") for row in range(len(table)))
    with temporary_folder(folder.parent) as made:
        written = _Written(table, column, made, _names(table, origin), splits)
        for row, content in _files(data, origin, len(table)):
            path = made / place.format(split=splits[row] or _NO_SPLIT) / written.names[row]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        notes = write(written)
        replace_folder(made, folder)
    return notes


def _files(data: Any, origin: Any, num: int) -> Iterator[tuple[int, bytes]]:
    """The file of each row: as it lies in the source, or a PNG of pixels that lie in memory."""
    for start in range(0, num, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, num))
        if origin is not None:
            yield from origin.read_files(rows)
            continue
        for row, pixels in zip(rows.tolist(), data.take(rows)):
            yield row, png(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)


def _names(table: Table, origin: Any) -> tuple[str, ...]:
    """A name for each row that none other has, also without its ending: that of its file, or its path in one word."""
    if origin is None:
        whole = [f"{row:06d}.png" for row in range(len(table))]
        if table.row_names is not None:
            whole = [PurePosixPath(name).with_suffix(".png").as_posix() for name in table.row_names]
    else:
        whole = [shown(origin.path_of(row)) for row in range(len(table))]
    whole = [re.sub(r"[\x00-\x1f\\:]", "_", whole_pairs(name)) for name in whole]
    short = [name.rpartition("/")[2] for name in whole]
    counted = Counter(PurePosixPath(name).stem.casefold() for name in short)
    names = [
        name if counted[PurePosixPath(name).stem.casefold()] == 1 else path.replace("/", "_")
        for name, path in zip(short, whole)
    ]
    again = Counter(PurePosixPath(name).stem.casefold() for name in names)
    return tuple(
        name if again[PurePosixPath(name).stem.casefold()] == 1 else f"{row:06d}_{name}"
        for row, name in enumerate(names)
    )


def _number(value: float) -> str:
    """The shortest text that gives the float32 back."""
    return str(np.float32(value)).removesuffix(".0")


def coco_categories(classes: Sequence[str]) -> list[dict[str, Any]]:
    """Classes as COCO lists them, with numbers from 1 on."""
    return [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]


def coco_box(corners: Sequence[float], number: int, *, is_crowd: bool = False) -> dict[str, Any]:
    """A box as COCO has it, beside the numbers of its own and of its picture.

    Args:
        corners: left, top, right and bottom in pixels.
        number: of its class, from 0 on.
        is_crowd: whether it is around several things.

    Example:
        >>> coco_box((1.0, 2.0, 5.0, 4.0), 0)["bbox"]
        [1.0, 2.0, 4.0, 2.0]
    """
    left, top, right, bottom = corners
    # In float64, where the sum gives the right corner back exactly.
    box = [left, top, right - left, bottom - top]
    return {"category_id": number + 1, "iscrowd": int(is_crowd), "bbox": box, "area": box[2] * box[3],
            "segmentation": []}  # fmt: skip


def _write_coco(written: _Written) -> list[str]:
    categories = coco_categories(written.classes)
    if isinstance(written.marks, Points):
        categories = [{"id": 1, "name": "object", "keypoints": list(written.classes)}]
    counted = itertools.count(1)
    for split in written.parts():
        images, things = [], []
        for row in written.rows_of(split):
            height, width = written.marks.frames[row].tolist()
            images.append({"id": row + 1, "file_name": written.names[row], "height": height, "width": width})
            things += [{"id": next(counted), "image_id": row + 1, **thing} for thing in _coco_things(written, row)]
        document = {"images": images, "annotations": things, "categories": categories}
        path = written.folder / "annotations" / f"instances_{split or _NO_SPLIT}.json"
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, dump_json(document))
    return []


def _coco_things(written: _Written, row: int) -> Iterator[dict[str, Any]]:
    if isinstance(written.marks, Points):
        places, seen = written.marks.places[row], written.marks.visible[row]
        flat = [float(_number(v)) for place, is_seen in zip(places, seen) for v in (*place, 2 * is_seen)]
        yield {"category_id": 1, "iscrowd": 0, "num_keypoints": int(seen.sum()), "keypoints": flat}
        return
    for corners, number, is_crowd in written.boxes_of(row):
        yield coco_box(corners, number, is_crowd=is_crowd)


def _write_voc(written: _Written) -> list[str]:
    sides = ("xmin", "ymin", "xmax", "ymax")
    (written.folder / "Annotations").mkdir()
    (written.folder / "ImageSets/Main").mkdir(parents=True)
    for row, name in enumerate(written.names):
        height, width = written.marks.frames[row].tolist()
        lines = ['<annotation first_pixel="0">', f"<filename>{escape(name)}</filename>"]
        lines.append(f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>")
        for corners, number, is_crowd in written.boxes_of(row):
            box = "".join(f"<{side}>{_number(value)}</{side}>" for side, value in zip(sides, corners))
            label = escape(whole_pairs(written.classes[number]))
            lines.append(
                f"<object><name>{label}</name><difficult>{int(is_crowd)}</difficult><bndbox>{box}</bndbox></object>"
            )
        path = written.folder / "Annotations" / f"{PurePosixPath(name).stem}.xml"
        path.write_text("\n".join([*lines, "</annotation>"]) + "\n", encoding="utf-8")
    for split in written.parts():
        if split:
            stems = [PurePosixPath(written.names[row]).stem for row in written.rows_of(split)]
            _write_lines(written.folder / f"ImageSets/Main/{split}.txt", stems)
    _write_lines(written.folder / "classes.txt", written.classes)
    crowds = int(written.marks.is_crowd.sum())
    return [Message("data.crowds_as_difficult", count=crowds)] if crowds else []


def _write_yolo(written: _Written) -> list[str]:
    for row, name in enumerate(written.names):
        height, width = written.marks.frames[row].tolist()
        lines = []
        for (left, top, right, bottom), number, is_crowd in written.boxes_of(row):
            if not is_crowd:
                shares = ((left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width,
                          (bottom - top) / height)  # fmt: skip
                lines.append(" ".join([str(number), *(f"{share:.12f}" for share in shares)]))
        path = written.folder / "labels" / (written.splits[row] or _NO_SPLIT) / f"{PurePosixPath(name).stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_lines(path, lines)
    splits = "".join(f"{split}: images/{split}\n" for split in written.parts() if split)
    # Names as JSON are YAML too, and need no rules of their own.
    names = "".join(f"  {n}: {json.dumps(name)}\n" for n, name in enumerate(written.classes))
    (written.folder / "data.yaml").write_text(f"path: .\n{splits}names:\n{names}", encoding="utf-8")
    crowds = int(written.marks.is_crowd.sum())
    return [Message("data.crowds_left_out", count=crowds)] if crowds else []


def _write_masks(written: _Written) -> list[str]:
    for row, name in enumerate(written.names):
        mask = np.asarray(written.marks.take(np.array([row]))[0])
        folder = written.folder / (written.splits[row] or _NO_SPLIT) / "masks"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{PurePosixPath(name).stem}.png").write_bytes(palette_png(mask.reshape(mask.shape[:2])))
    _write_lines(written.folder / "classes.txt", written.classes)
    return []


def _write_lines(path: Path, lines: Any) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


_Write = Callable[[_Written], list[str]]
_FORMS: Mapping[str, tuple[tuple[Kind, ...], _Write, str]] = {
    "coco": ((Kind.BOXES, Kind.POINTS), _write_coco, "images/{split}"),
    "voc": ((Kind.BOXES,), _write_voc, "JPEGImages"),
    "yolo": ((Kind.BOXES,), _write_yolo, "images/{split}"),
    "masks": ((Kind.MASK,), _write_masks, "{split}/images"),
}
WRITTEN_FORMS = tuple(_FORMS)
