"""Annotations of YOLO's form: a text file for each picture, with a line for each thing.

A line is the number of a class and four shares of width and height: the middle of the box, its width and its height;
or the places of an outline; or a box and points. Names of the classes stand in ``data.yaml``, ``classes.txt`` or
``obj.names``. Source: https://docs.ultralytics.com/datasets/detect.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from derin.core.messages import Message
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Corners, Marked, Oddities, Thing, numbers_of
from derin.readers.archives import Files
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import shown
from derin.readers.split_names import split_of

FORM = "YOLO"
_NAME_FILES = re.compile(r"(predefined_)?classes\.txt|(obj|coco|voc|classes|labels)\.names|(data|dataset)\.ya?ml", re.I)
_LABELS = "labels"
_MAX_YAML_BYTES = 1 << 20
# Shares of boxes at the edge may be rounded beyond 1.
_LARGEST_SHARE = 1.5


def yolo_files(paths: Collection[str], beside: Collection[str]) -> set[str]:
    """The text files that may hold labels: those of folders ``labels``, or else those with the name of a picture.

    Args:
        paths: among which they are.
        beside: of all files, the pictures among them.
    """
    texts = {path for path in paths if path.lower().endswith(".txt") and not _NAME_FILES.fullmatch(_name(path))}
    in_labels = {path for path in texts if _LABELS in path.lower().split("/")[:-1]}
    if in_labels:
        return in_labels
    stems = {_stem(path) for path in beside if PICTURE_FILES.may_be(path) and PurePosixPath(path).suffix}
    folders = {path.rpartition("/")[0] for path in texts if _stem(path) in stems}
    return {path for path in texts if path.rpartition("/")[0] in folders}


def read_yolo(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What the text files of a folder or archive say.

    Args:
        files: the source.
        paths: of the files of labels.
        beside: of all files, among which names of classes may be.
        known: ``classes``: names of the classes in the order of their numbers.
    """
    found = Annotations(FORM, [], is_relative=True)
    oddities = Oddities()
    about = {path for path in beside if _NAME_FILES.fullmatch(_name(path)) or path.lower().endswith((".yaml", ".yml"))}
    names: tuple[str, ...] = tuple(known.get("classes", ()))
    shape: tuple[int, int] | None = None
    for path, data in sorted(files.read_all(about)) if about else ():
        if path.lower().endswith((".yaml", ".yml")):
            document = _yaml(data, path, found)
            names = names or _names(document.get("names"))
            shape = shape or _shape(document.get("kpt_shape"))
            found.folders |= _folders(document, path, beside)
        else:
            names = names or _names(data.decode("utf-8-sig", errors="replace").splitlines())
    lines: dict[str, list[tuple[float, ...]]] = {}
    for path, data in files.read_all(paths):
        for text in data.decode("utf-8-sig", errors="replace").splitlines():
            cells = text.replace(",", " ").split()
            numbers = numbers_of(cells)
            if numbers is None or (len(numbers) < 5 and numbers) or (numbers and numbers[0] != int(numbers[0])):
                oddities.add(shown(path), Outcome.SKIPPED, "reading.line_no_box")
            elif numbers:
                lines.setdefault(path, []).append(numbers)
    largest = sorted(max(numbers[1:5]) for each in lines.values() for numbers in each)
    # One line may be wrong; most are not.
    if largest and largest[len(largest) // 2] > _LARGEST_SHARE:
        found.is_relative = False
        found.notes.append(Message("reading.places_in_pixels"))
    for path in sorted(paths):
        split = next((split for part in reversed(path.split("/")[:-1]) if (split := split_of(part))), None)
        marked = Marked((PurePosixPath(path).stem,), shown(path), split=split)
        marked.things = [_thing(numbers, names, shape, shown(path), oddities) for numbers in lines.get(path, ())]
        found.pictures.append(marked)
    found.classes = names
    found.findings += oddities.findings()
    return found


def _thing(
    numbers: tuple[float, ...], names: Sequence[str], shape: tuple[int, int] | None, where: str, oddities: Oddities
) -> Thing:
    number = int(numbers[0])
    label = names[number] if 0 <= number < len(names) else f"class {number}"
    if names and not 0 <= number < len(names):
        oddities.add(where, Outcome.NOTED, "reading.class_number_unnamed", number=number)
    if shape is not None and len(numbers) == 5 + shape[0] * shape[1]:
        rows = [numbers[place : place + shape[1]] for place in range(5, len(numbers), shape[1])]
        points = tuple((row[0], row[1], shape[1] < 3 or row[2] > 0) for row in rows)
        return Thing(label, _box(numbers), points=points)
    if len(numbers) >= 7 and len(numbers) % 2:
        xs, ys = numbers[1::2], numbers[2::2]
        return Thing(label, (min(xs), min(ys), max(xs), max(ys)), outline=[list(numbers[1:])])
    return Thing(label, _box(numbers))  # a sixth number is how sure a detector was


def _box(numbers: Sequence[float]) -> Corners:
    x, y, width, height = numbers[1:5]
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _yaml(data: bytes, path: str, found: Annotations) -> dict[str, Any]:
    """The document of a file of settings; empty where it is none."""
    import yaml

    try:
        if len(data) > _MAX_YAML_BYTES:
            raise ValueError(f"more than {_MAX_YAML_BYTES >> 20} MiB")
        document = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = Message("reading.annotation_refused", error=" ".join(str(error).split())[:120])
        found.findings.append(Finding(shown(path), Outcome.SKIPPED, reason))
        return {}
    return document if isinstance(document, dict) else {}


def _names(value: Any) -> tuple[str, ...]:
    """Names in the order of their numbers: a list, or an object by number."""
    if isinstance(value, dict) and all(isinstance(key, int) and 0 <= key < 1 << 16 for key in value):
        value = [value.get(number, f"class {number}") for number in range(max(value, default=-1) + 1)]
    if not isinstance(value, list):
        return ()
    names = [str(each).strip() for each in value]
    while names and not names[-1]:
        names.pop()
    plain = [name or f"class {number}" for number, name in enumerate(names)]
    # Two classes of one name stay two.
    return tuple(name if plain.index(name) == number else f"{name} ({number})" for number, name in enumerate(plain))


def _shape(value: Any) -> tuple[int, int] | None:
    numbers = numbers_of(value, 2)
    fits = numbers is not None and numbers[0] >= 1 and numbers[1] in (2, 3)
    return (int(numbers[0]), int(numbers[1])) if numbers is not None and fits else None


def _folders(document: dict[str, Any], path: str, paths: Collection[str]) -> dict[str, str]:
    """Which folders are which split, where the file of settings names folders that are there."""
    around = {folder for each in paths for folder in _around(each)}
    base = path.rpartition("/")[0]
    root = str(document.get("path") or ".")
    found: dict[str, str] = {}
    for split in ("train", "val", "test"):
        named = document.get(split)
        for each in named if isinstance(named, list) else [named]:
            if not isinstance(each, str):
                continue
            for start in (root, "."):
                folder = posixpath.normpath(posixpath.join(base, start, each)).lstrip("./")
                if folder in around:
                    found.setdefault(folder, split)
    return found


def _around(path: str) -> set[str]:
    parts = path.split("/")[:-1]
    return {"/".join(parts[:number]) for number in range(1, len(parts) + 1)}


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    return _name(path).rpartition(".")[0]
