"""Pictures with boxes around the things in them, in the forms of people's tools: in a folder, a zip or a tar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Boxes, ColumnData, Table
from derin.readers.annotations.forms import find_annotations, require_texts, source_of
from derin.readers.annotations.marked import Annotations
from derin.readers.annotations.matching import KEEP, Matched, match, not_found
from derin.readers.archives import open_files
from derin.readers.listing import natural_key, shown

SUBJECT = "boxes"
PICTURE, BOXES = "picture", "boxes"
UNNAMED = "unnamed"
# A box that tools rounded over the edge is no odd one.
_ROUNDING = 1.0
_AT_EDGE = 1e-9
_SHOWN = 6


def read_boxes(
    path: Path,
    *,
    name: str,
    form: str | None = None,
    annotations: str | None = None,
    classes: Sequence[str] | str | None = None,
    unannotated: str = KEEP,
    exif: str | None = None,
    first_pixel: int | None = None,
    order: str | None = None,
    relative: bool | None = None,
    instances: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Pictures and the boxes that are drawn in them.

    Rows are pictures, also those without a box. Boxes are in the pixels of the upright picture, clipped to it; those of
    many things together and difficult ones are kept as `Boxes.crowds`.

    Args:
        path: of a folder, a zip or a tar.
        name: of the table.
        form: ``"voc"``, ``"coco"``, ``"via"``, ``"yolo"``, ``"table"`` or ``"masks"``, where it is not found by itself.
        annotations: the name of the file or folder of annotations, where there are several.
        classes: names of the classes in the order of their numbers, where no file tells.
        unannotated: what becomes of pictures of which no file speaks: ``"keep"`` as negatives, or ``"skip"``.
        exif: ``"upright"`` or ``"stored"``: of which picture the places are where EXIF turns it; found out by itself.
        first_pixel: of Pascal VOC, whether pixels count from 0 or 1; found out by itself.
        order: of the four numbers of a box in a table: ``"xyxy"``, ``"xywh"``, ``"cxcywh"`` or ``"xxyy"``; found out by
            itself.
        relative: whether they are shares of width and height; found out by itself.
        instances: what the numbers of masks of single things are: ``"person"``.
        options: size, channels, and what other data decided.

    Raises:
        DataError: no annotation can be read, none has a picture, or no box is left.

    Example:
        >>> import json, tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (40, 30)).save(folder / "1.png")
        >>> marks = {"images": [{"id": 5, "file_name": "1.png"}], "categories": [{"id": 1, "name": "cell"}],
        ...          "annotations": [{"image_id": 5, "category_id": 1, "bbox": [10, 5, 20, 10]}]}
        >>> _ = (folder / "marks.json").write_text(json.dumps(marks))
        >>> table = read_boxes(folder, name="cells")
        >>> table.target().classes, table["boxes"].take(np.array([0])).corners.tolist()
        (('cell',), [[10.0, 5.0, 30.0, 15.0]])
    """
    options = ReadOptions() if options is None else options
    known = _checked(options.part(SUBJECT))
    report = DataReport(source=str(path))
    require_texts(form=form, annotations=annotations, exif=exif, order=order, instances=instances)
    if first_pixel not in (None, 0, 1) or relative not in (None, True, False):
        raise UsageError(
            f"first_pixel must be 0 or 1, and relative true or false; got {first_pixel!r} and {relative!r}."
        )
    are_names = isinstance(classes, list | tuple) and all(isinstance(each, str) for each in classes)
    if classes is not None and not isinstance(classes, str) and not are_names:
        raise UsageError(f"classes must be names with commas between them; got {classes!r}.")
    named = [c.strip() for c in classes.split(",")] if isinstance(classes, str) else list(classes or ())
    said = {"classes": named or None, "first_pixel": first_pixel, "exif": exif, "order": order, "relative": relative}
    said["instances"] = instances
    # The numbers of classes are those of each set's own files.
    decided = {name: value for name, value in known.items() if name != "classes"}
    settings = {**decided, **{name: value for name, value in said.items() if value is not None}}
    path, annotations = source_of(path, annotations)
    with closing(open_files(path)) as files:
        found = find_annotations(files, form=form, where=annotations, settings=settings)
        report.extend(found.findings)
        report.notes += found.notes
        matched = match(
            path, files, found, options=options, report=report, unannotated=unannotated, exif=settings.get("exif")
        )
    names = tuple(known.get("classes", ())) or class_names(found, named)
    boxes, names = box_column(matched, found, names, report, is_decided=bool(known))
    if not len(boxes.corners) and not known:
        raise DataError(
            f"{path}: at least one box that can be read is required; none is left of the {found.form} annotations"
            f"{'' if not report.findings else f' ({not_found(report.findings)})'}."
        )
    report.notes.insert(
        0, Message("reading.boxes_of_form", form=found.form, boxes=len(boxes.corners), count=len(boxes))
    )
    schema = Schema(
        (
            Column(name=PICTURE, kind=Kind.PICTURE, role=Role.INPUT, shape=matched.stored.shape),
            Column(name=BOXES, kind=Kind.BOXES, role=Role.TARGET, shape=(-1, 4), classes=names),
        )
    )
    columns: dict[str, ColumnData] = {PICTURE: matched.stored.data, BOXES: boxes}
    part = {"classes": list(names), "form": found.form, **found.settings}
    return Table(
        name=name,
        schema=schema,
        columns=columns,
        splits=matched.splits,
        report=report,
        row_names=matched.row_names,
        recipe=ReadingRecipe(found={"pictures": dict(matched.stored.decisions), SUBJECT: part}),
    )


def _checked(part: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says of boxes.

    Raises:
        RefusedFileError: it cannot be.
    """
    classes = part.get("classes", [])
    fits = isinstance(classes, list) and all(isinstance(each, str) for each in classes)
    if part and not (fits and classes and isinstance(part.get("form"), str)):
        raise RefusedFileError("The reading recipe of boxes is damaged.")
    return dict(part)


def class_names(found: Annotations, named: Sequence[str]) -> tuple[str, ...]:
    """The names of the classes: in the order that the form gives them, else as people sort."""
    ordered = tuple(named) or found.classes
    labels = {thing.label for marked in found.pictures for thing in marked.things if thing.label is not None}
    return (*ordered, *sorted(labels - set(ordered), key=natural_key))


@dataclass(frozen=True)
class _Flat:
    """All boxes of all rows, one after the other."""

    corners: npt.NDArray[np.float64]
    labels: list[str | None]
    crowds: npt.NDArray[np.bool_]
    difficult: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]


def box_column(
    matched: Matched, found: Annotations, classes: tuple[str, ...], report: DataReport, *, is_decided: bool
) -> tuple[Boxes, tuple[str, ...]]:
    """The boxes of every row in the pixels of its picture, mended where they are odd, and the names of their classes.

    Args:
        matched: pictures with what is marked in them.
        found: what the annotations say.
        classes: their names, of those that the form knows.
        report: gets what was odd.
        is_decided: whether other data decided the classes, so that there are no further ones.
    """
    flat = _flat(matched)
    swapped = (flat.corners[:, :2] > flat.corners[:, 2:]).any(axis=1)
    moved = matched.moved(flat.corners.reshape(-1, 2, 2), flat.rows)
    corners = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    sizes = matched.frames[flat.rows].astype(np.float64)
    limits = sizes[:, [1, 0, 1, 0]]
    # Shares that are added and multiplied miss the edge by the last digits of a float64.
    corners[np.abs(corners) < _AT_EDGE] = 0
    clipped = np.clip(corners, 0, limits)
    beyond = (np.abs(corners - clipped) > _ROUNDING).any(axis=1)
    # In the precision in which boxes are kept, so that what is written and read again is the same.
    kept_corners = clipped.astype(np.float32)
    has_area = (corners[:, 2:] > corners[:, :2]).all(axis=1)
    is_seen = (kept_corners[:, 2:] > kept_corners[:, :2]).all(axis=1)
    unknown = np.array([is_decided and label is not None and label not in classes for label in flat.labels], dtype=bool)
    nameless = np.array([label is None for label in flat.labels], dtype=bool)
    if nameless.any() and not is_decided and UNNAMED not in classes:
        classes = (*classes, UNNAMED)
    places = {label: place for place, label in enumerate(classes)}
    numbers = np.array([places.get(UNNAMED if label is None else label, -1) for label in flat.labels], dtype=np.int64)
    ignored = flat.crowds | flat.difficult
    keys = np.column_stack([flat.rows, numbers, ignored, kept_corners])
    repeated = np.ones(len(keys), dtype=bool)
    repeated[np.unique(keys, axis=0, return_index=True)[1]] = False
    usable = has_area & is_seen & ~unknown & (numbers >= 0)
    repeated &= usable
    for mask, outcome, key in (
        (~has_area, Outcome.SKIPPED, "reading.box_without_area"),
        (has_area & ~is_seen, Outcome.SKIPPED, "reading.box_outside"),
        (unknown | ((numbers < 0) & nameless), Outcome.SKIPPED, "reading.class_not_trained"),
        (repeated, Outcome.SKIPPED, "reading.box_twice"),
        (usable & swapped, Outcome.CONVERTED, "reading.corners_swapped"),
        (usable & beyond, Outcome.CONVERTED, "reading.box_clipped"),
        (usable & nameless, Outcome.CONVERTED, "reading.box_unnamed"),
        (usable & flat.crowds, Outcome.NOTED, "reading.box_of_crowd"),
        (usable & flat.difficult, Outcome.NOTED, "reading.box_difficult"),
    ):
        report.extend(_findings(matched, flat.rows[mask], outcome, Message(key)))
    keep = usable & ~repeated
    rows, numbers = flat.rows[keep], numbers[keep]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matched.frames)))]).astype(np.int64)
    empty = [name for place, name in enumerate(classes) if not (numbers == place).any()]
    if empty and not is_decided:
        some = ", ".join(empty[:_SHOWN]) + (", …" if len(empty) > _SHOWN else "")
        report.notes.append(Message("reading.classes_without_box", count=len(empty), some=some))
    return Boxes(kept_corners[keep], numbers, offsets, matched.frames, ignored[keep]), classes


def _flat(matched: Matched) -> _Flat:
    corners: list[tuple[float, ...]] = []
    labels: list[str | None] = []
    crowds: list[bool] = []
    difficult: list[bool] = []
    rows: list[int] = []
    for row, marked in enumerate(matched.marked):
        for thing in () if marked is None else marked.things:
            if thing.corners is not None:
                corners.append(thing.corners)
                labels.append(thing.label)
                crowds.append(thing.is_crowd)
                difficult.append(thing.is_difficult)
                rows.append(row)
    return _Flat(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        labels,
        np.array(crowds, dtype=bool),
        np.array(difficult, dtype=bool),
        np.array(rows, dtype=np.int64),
    )


def _findings(matched: Matched, rows: npt.NDArray[np.int64], outcome: Outcome, reason: str) -> list[Finding]:
    """One for each picture, with the number of its boxes."""
    counted = Counter(rows.tolist())
    return [
        Finding(shown(matched.stored.entries[row].member.path), outcome, reason, count)
        for row, count in sorted(counted.items())
    ]
