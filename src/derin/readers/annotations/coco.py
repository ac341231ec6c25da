"""Annotations of COCO's form: one JSON file for each split, with lists of pictures, things and classes.

Source: T.-Y. Lin et al., "Microsoft COCO: Common objects in context", ECCV 2014, arXiv:1405.0312; the data format at
https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from derin.core.errors import RefusedFileError
from derin.core.messages import Message
from derin.core.strict_json import parse_json
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Corners, Marked, Oddities, Thing, numbers_of, whole_of
from derin.readers.archives import Files
from derin.readers.listing import shown
from derin.readers.split_names import split_of

FORM = "COCO"
_BOM = b"\xef\xbb\xbf"


def read_coco(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What the JSON files of a folder or archive say.

    Args:
        files: the source.
        paths: of the JSON files.
        beside: nothing of it is used.
        known: nothing of it is used.
    """
    found = Annotations(FORM, [])
    oddities = Oddities()
    classes: dict[int, str] = {}
    several = len(paths) > 1
    for path, data in files.read_all(paths):
        try:
            document = parse_json(data.removeprefix(_BOM), shown(path))
        except RefusedFileError as error:
            reason = Message("reading.annotation_refused", error=str(error).partition(" is refused: ")[2].rstrip("."))
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, reason))
            continue
        if not _is_coco(document):
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, Message("reading.no_annotation")))
            continue
        named = _classes(document, shown(path), oddities, found)
        if any(classes.get(number, name) != name for number, name in named.items()):
            found.notes.append(Message("reading.classes_differ", file=shown(path)))
        classes = {**named, **classes}
        split = split_of(PurePosixPath(path).stem) if several else None
        found.pictures += _pictures(document, shown(path), named, split, oddities)
    found.classes = tuple(dict.fromkeys(classes[number] for number in sorted(classes)))
    found.findings += oddities.findings()
    return found


def _is_coco(document: Any) -> bool:
    lists = [document.get(name, []) for name in ("images", "annotations")] if isinstance(document, dict) else [None]
    return all(isinstance(each, list) for each in lists) and "images" in document


def _classes(document: dict[str, Any], where: str, oddities: Oddities, found: Annotations) -> dict[int, str]:
    """The name of each class by its number."""
    named: dict[int, str] = {}
    for each in document.get("categories") or []:
        number = whole_of(each.get("id")) if isinstance(each, dict) else None
        name = each.get("name") if isinstance(each, dict) else None
        if number is None or not isinstance(name, str) or not name.strip():
            oddities.add(where, Outcome.SKIPPED, "reading.class_without_name")
            continue
        named[number] = name.strip()
        points = each.get("keypoints")
        if isinstance(points, list) and points and all(isinstance(point, str) for point in points):
            found.point_names = tuple(points)
    return named


def _pictures(
    document: dict[str, Any], where: str, classes: Mapping[int, str], split: str | None, oddities: Oddities
) -> list[Marked]:
    pictures: dict[Any, Marked] = {}
    for each in document["images"]:
        name = each.get("file_name") if isinstance(each, dict) else None
        key = each.get("id") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name or not isinstance(key, int | str):
            oddities.add(where, Outcome.SKIPPED, "reading.picture_without_name")
            continue
        if key in pictures:
            oddities.add(where, Outcome.SKIPPED, "reading.picture_twice")
            continue
        sides = whole_of(each.get("height")), whole_of(each.get("width"))
        size = (sides[0], sides[1]) if sides[0] and sides[1] else None
        pictures[key] = Marked((name.replace("\\", "/"),), where, size=size, split=split)
    for each in document.get("annotations") or []:
        key = each.get("image_id") if isinstance(each, dict) else None
        marked = pictures.get(key) if isinstance(key, int | str) else None
        if marked is None:
            oddities.add(where, Outcome.SKIPPED, "reading.no_picture_of_annotation")
            continue
        if (thing := _thing(each, marked, classes, where, oddities)) is not None:
            marked.things.append(thing)
    return list(pictures.values())


def _thing(
    each: dict[str, Any], marked: Marked, classes: Mapping[int, str], where: str, oddities: Oddities
) -> Thing | None:
    outline = _outline(each.get("segmentation"), marked.size)
    box = numbers_of(each.get("bbox"), 4)
    points = _points(each.get("keypoints"))
    corners: Corners | None = None
    if box is not None:
        corners = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    elif isinstance(outline, list):
        xs, ys = [x for part in outline for x in part[::2]], [y for part in outline for y in part[1::2]]
        corners = (min(xs), min(ys), max(xs), max(ys))
    if corners is None and points is None:
        oddities.add(where, Outcome.SKIPPED, "reading.box_without_numbers")
        return None
    if outline is None and each.get("segmentation") not in (None, [], {}):
        oddities.add(where, Outcome.NOTED, "reading.outline_unreadable")
    number = whole_of(each.get("category_id"))
    label = None if number is None else classes.get(number)
    return Thing(label, corners, each.get("iscrowd") in (1, True), outline=outline, points=points)


def _outline(value: Any, size: tuple[int, int] | None) -> Any:
    """Polygons or runs in the form of COCO; None where it is neither."""
    if isinstance(value, dict):
        sides = numbers_of(value.get("size"), 2)
        counts = value.get("counts")
        fits = sides is not None and isinstance(counts, str | list)
        return {"counts": counts, "size": [int(sides[0]), int(sides[1])]} if fits and sides is not None else None
    if isinstance(value, list) and value:
        parts = [numbers_of(part) for part in value]
        if all(part is not None and len(part) >= 6 and len(part) % 2 == 0 for part in parts):
            return [list(part) for part in parts if part is not None]
    return None


def _points(value: Any) -> tuple[tuple[float, float, bool], ...] | None:
    """x, y and whether it is seen: COCO's 0 is not marked, 1 hidden and 2 seen."""
    numbers = numbers_of(value)
    if not numbers or len(numbers) % 3:
        return None
    return tuple((x, y, flag > 0) for x, y, flag in zip(numbers[::3], numbers[1::3], numbers[2::3]))
