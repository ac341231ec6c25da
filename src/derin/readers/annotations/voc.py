"""Annotations of Pascal VOC's form: an XML file for each picture, and lists of the pictures of each split.

Source: M. Everingham et al., "The Pascal visual object classes challenge", IJCV 88, 2010; its development kit says that
pixels count from 1 and that both corners belong to the box.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from derin.core.errors import RefusedFileError
from derin.core.messages import Message
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Corners, Marked, Oddities, Thing, number_of, whole_of
from derin.readers.annotations.xml_tree import Element, parse_xml
from derin.readers.archives import Files
from derin.readers.listing import shown
from derin.readers.split_names import split_of

FORM = "Pascal VOC"
_SIDES = ("xmin", "ymin", "xmax", "ymax")
# The list of both is needed only where one of them lacks.
_TRAINVAL = "trainval"
# Lists of a class say of each picture whether it shows one.
_SIGN = re.compile(r"\s+-?[01]$")
_CLASS_FILES = ("classes.txt", "labels.txt")


def read_voc(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What the XML files of a folder or archive say.

    Args:
        files: the source.
        paths: of the XML files.
        beside: of all files, among which lists of splits may be.
        known: ``first_pixel``: whether pixels count from 0 or from 1, where that is said or other data decided it;
            ``classes``: their names in order.
    """
    lists = {path for path in beside if _is_list(path)}
    splits: dict[str, str] = {}
    texts = dict(files.read_all(lists)) if lists else {}
    stems = {PurePosixPath(path).stem.lower() for path in lists}
    known_stems = {PurePosixPath(path).stem for path in paths}
    for path, data in sorted(texts.items()):
        stem = PurePosixPath(path).stem.lower()
        if stem == _TRAINVAL and {"train", "val"} <= stems:
            continue
        split = "train" if stem == _TRAINVAL else split_of(stem)
        assert split is not None
        for line in data.decode("utf-8-sig", errors="replace").splitlines():
            named = PurePosixPath(line.strip()).name.removesuffix(".xml")
            if named:
                splits.setdefault(named if named in known_stems else _SIGN.sub("", named), split)
    oddities, findings = Oddities(), []
    pictures: list[Marked] = []
    base: set[int] = set()
    for path, data in files.read_all(paths):
        try:
            root = parse_xml(data, shown(path))
        except RefusedFileError as error:
            reason = Message("reading.annotation_refused", error=str(error).partition(" is refused: ")[2].rstrip("."))
            findings.append(Finding(shown(path), Outcome.SKIPPED, reason))
            continue
        if root.name != "annotation":
            findings.append(Finding(shown(path), Outcome.SKIPPED, Message("reading.no_annotation")))
            continue
        if root.attributes.get("first_pixel") in ("0", "1"):
            base.add(int(root.attributes["first_pixel"]))
        stem = PurePosixPath(path).stem
        named = root.text_of("filename") or ""
        marked = Marked((stem, *([named] if named else ())), shown(path), split=splits.get(stem))
        sides = tuple(whole_of(root.text_of("size", side)) for side in ("height", "width"))
        if all(sides):
            marked.size = sides  # type: ignore[assignment]  # none of them is None
        marked.things = [thing for each in root.all("object") if (thing := _thing(each, shown(path), oddities))]
        pictures.append(marked)
    named_in = {path for path in beside if path.lower().rpartition("/")[2] in _CLASS_FILES}
    lists_of_names = sorted(files.read_all(named_in)) if named_in else []
    names = lists_of_names[0][1].decode("utf-8-sig", errors="replace").splitlines() if lists_of_names else []
    classes = tuple(known.get("classes", ())) or tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    first = known.get("first_pixel")
    found = Annotations(FORM, pictures, classes, findings=[*findings, *oddities.findings()], lists_all=bool(splits))
    first = _first_pixel(pictures, base) if first is None else first
    if first:
        for marked in pictures:
            marked.things = [_from_zero(thing) for thing in marked.things]
    found.settings["first_pixel"] = first
    found.notes.append(Message("reading.pixels_from_1" if first else "reading.pixels_from_0"))
    return found


def _is_list(path: str) -> bool:
    parts = path.lower().split("/")
    stem = parts[-1].removesuffix(".txt")
    return "imagesets" in parts and parts[-1].endswith(".txt") and (stem == _TRAINVAL or split_of(stem) == stem)


def _thing(element: Element, where: str, oddities: Oddities) -> Thing | None:
    numbers = [number_of(element.text_of("bndbox", side)) for side in _SIDES]
    if None in numbers:
        oddities.add(where, Outcome.SKIPPED, "reading.box_without_numbers")
        return None
    corners: Corners = tuple(numbers)  # type: ignore[assignment]  # none of them is None
    return Thing(element.text_of("name") or None, corners, is_difficult=element.text_of("difficult") == "1")


def _first_pixel(pictures: list[Marked], base: set[int]) -> int:
    """Whether pixels count from 1: boxes at the edge tell, which begin at 1 and never at 0."""
    if len(base) == 1:
        return base.pop()
    starts = {value for marked in pictures for thing in marked.things if thing.corners for value in thing.corners[:2]}
    return int(1.0 in starts and min(starts) >= 1)


def _from_zero(thing: Thing) -> Thing:
    """The pixels from 1 to 3 reach from 0 to 3."""
    assert thing.corners is not None
    left, top, right, bottom = thing.corners
    return thing._replace(corners=(left - 1, top - 1, right, bottom))
