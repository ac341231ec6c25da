"""Regions drawn with the VGG Image Annotator, as JSON or CSV.

Source: A. Dutta, A. Zisserman, "The VIA annotation software for images, audio and video", ACM Multimedia 2019,
arXiv:1904.10699; the forms of version 2 and of the first one.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from derin.core.errors import RefusedFileError
from derin.core.messages import Message
from derin.core.strict_json import parse_json
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Marked, Oddities, Thing, number_of, numbers_of
from derin.readers.archives import Files
from derin.readers.listing import shown
from derin.readers.split_names import split_of

FORM = "VGG Image Annotator"
_BOM = b"\xef\xbb\xbf"
_CLASS_NAMES = re.compile(r"(class|label|name|type|category|object|species|kind)(_?(name|id))?", re.I)
_CIRCLE = 32  # corners of the outline that stands for a circle


def is_via(data: bytes) -> bool:
    """Whether the beginning of a file is of this form."""
    head = data[: 1 << 16]
    return b'"_via_' in head or (b'"filename"' in head and b'"regions"' in head) or b"region_shape_attributes" in head


def read_via(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What the JSON and CSV files of the annotator say.

    Args:
        files: the source.
        paths: of these files.
        beside: nothing of it is used.
        known: nothing of it is used.
    """
    found, oddities = Annotations(FORM, []), Oddities()
    regions: list[tuple[Marked, dict[str, Any], dict[str, Any]]] = []
    for path, data in files.read_all(paths):
        split = split_of(PurePosixPath(path).stem) if len(paths) > 1 else None
        try:
            pictures = _of_csv(data) if path.lower().endswith(".csv") else _of_json(data, shown(path))
            for name, parts in pictures:
                marked = Marked((name.replace("\\", "/"),), shown(path), split=split)
                found.pictures.append(marked)
                regions += [(marked, shape, told) for shape, told in parts]
        except (RefusedFileError, csv.Error) as error:
            reason = Message("reading.annotation_refused", error=str(error).partition(" is refused: ")[2].rstrip("."))
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, reason))
    attribute = _class_attribute([told for _, _, told in regions])
    if attribute is not None:
        found.notes.append(Message("reading.class_attribute", attribute=attribute))
    for marked, shape, told in regions:
        if (thing := _thing(shape, _value(told.get(attribute or "")))) is None:
            oddities.add(marked.where, Outcome.SKIPPED, "reading.region_unreadable", shape=str(shape.get("name"))[:20])
        else:
            marked.things.append(thing)
    found.findings += oddities.findings()
    return found


Parts = list[tuple[dict[str, Any], dict[str, Any]]]


def _of_json(data: bytes, where: str) -> Iterator[tuple[str, Parts]]:
    document = parse_json(data.removeprefix(_BOM), where)
    if isinstance(document, dict):
        document = document.get("_via_img_metadata", document)
    pictures = list(document.values()) if isinstance(document, dict) else []
    for each in pictures:
        if isinstance(each, dict) and isinstance(each.get("filename"), str):
            regions = each.get("regions", [])
            regions = list(regions.values()) if isinstance(regions, dict) else regions
            yield each["filename"], [_part(region) for region in regions if isinstance(region, dict)]


def _of_csv(data: bytes) -> Iterator[tuple[str, Parts]]:
    pictures: dict[str, Parts] = {}
    for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")):
        name = row.get("filename") or row.get("#filename")
        if not name:
            continue
        parts = pictures.setdefault(name, [])
        shape, told = (_object(row.get(cell) or "{}") for cell in ("region_shape_attributes", "region_attributes"))
        if shape:
            parts.append((shape, told))
    yield from pictures.items()


def _part(region: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    shape, told = region.get("shape_attributes"), region.get("region_attributes")
    return shape if isinstance(shape, dict) else {}, told if isinstance(told, dict) else {}


def _object(cell: str) -> dict[str, Any]:
    found = parse_json(cell.encode("utf-8", "replace"), "It")
    return found if isinstance(found, dict) else {}


def _class_attribute(told: Sequence[dict[str, Any]]) -> str | None:
    """Which attribute of the regions is their class: one that is called so, else the one that most have."""
    counted = Counter(name for each in told for name, value in each.items() if _value(value) is not None)
    called = [name for name in counted if _CLASS_NAMES.fullmatch(name)]
    return max(called or counted, key=lambda name: (counted[name], name), default=None)


def _value(value: Any) -> str | None:
    """Text, or the one name that is ticked."""
    if isinstance(value, dict):
        ticked = [name for name, is_ticked in value.items() if is_ticked]
        value = ticked[0] if len(ticked) == 1 else None
    return value.strip() or None if isinstance(value, str) else None


def _thing(shape: dict[str, Any], label: str | None) -> Thing | None:
    kind = shape.get("name")
    if kind == "rect":
        box = numbers_of([shape.get(name) for name in ("x", "y", "width", "height")])
        return None if box is None else Thing(label, (box[0], box[1], box[0] + box[2], box[1] + box[3]))
    if kind == "point":
        place = numbers_of([shape.get("cx"), shape.get("cy")])
        return None if place is None else Thing(label, None, points=((place[0], place[1], True),))
    if kind in ("polygon", "polyline"):
        xs, ys = numbers_of(shape.get("all_points_x")), numbers_of(shape.get("all_points_y"))
    elif kind in ("circle", "ellipse"):
        xs, ys = _around(shape)
    else:
        return None
    if not xs or not ys or len(xs) != len(ys) or len(xs) < 3:
        return None
    outline = [value for place in zip(xs, ys) for value in place]
    return Thing(label, (min(xs), min(ys), max(xs), max(ys)), outline=[outline])


def _around(shape: dict[str, Any]) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Places on a circle or an ellipse, those to the left, right, above and below among them."""
    middle = numbers_of([shape.get("cx"), shape.get("cy")])
    radii = numbers_of([shape.get("rx", shape.get("r")), shape.get("ry", shape.get("r"))])
    turned = number_of(shape.get("theta", 0)) or 0.0
    if middle is None or radii is None:
        return None, None
    steps = [2 * math.pi * step / _CIRCLE for step in range(_CIRCLE)]
    cos, sin = math.cos(turned), math.sin(turned)
    along, down = ([radius * wave(step) for step in steps] for radius, wave in zip(radii, (math.cos, math.sin)))
    return (
        tuple(middle[0] + a * cos - b * sin for a, b in zip(along, down)),
        tuple(middle[1] + a * sin + b * cos for a, b in zip(along, down)),
    )
