"""In which form annotations are, told by the files that are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from derin.core.errors import DataError, UnknownNameError
from derin.readers.annotations.coco import read_coco
from derin.readers.annotations.marked import Annotations
from derin.readers.annotations.voc import read_voc
from derin.readers.archives import Files, is_hidden

FORMS = ("voc", "coco")
_HEAD_BYTES = 1 << 16
# What COCO has beside its boxes.
_CAPTIONS, _POINTS = re.compile(r"captions?", re.I), re.compile(r"key_?points?", re.I)


def find_annotations(
    files: Files,
    *,
    form: str | None,
    where: str | None,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    wants_points: bool = False,
) -> Annotations:
    """What the annotation files of a source say.

    Args:
        files: the source.
        form: of `FORMS`, or what a reader called it; None finds it out.
        where: the name of the file or folder of annotations, where there are several.
        classes: names of the classes in the order of their numbers, where the user gives them.
        settings: what is said, or what other data decided, of how numbers are written.
        wants_points: whether points are asked for and not boxes.

    Raises:
        DataError: there are none.
        UnknownNameError: the form is none.
    """
    seen = [m.path for m in files.contents().members if not any(map(is_hidden, m.path.split("/")))]
    inside = [path for path in seen if where is None or where in path.split("/") or path == where]
    told = None if form is None else re.sub(r"pascal|[^a-z]", "", form.lower())
    if told is not None and told not in FORMS:
        raise UnknownNameError("form of annotations", str(form), FORMS)
    for name, find in _FINDERS.items():
        if told in (None, name) and (paths := find(files, inside, wants_points)):
            # Lists of splits lie beside the folder of annotations.
            lists = {path for path in seen if path.lower().endswith(".txt")} if name == "voc" else set()
            return _READERS[name](files, paths | lists, settings)
    raise DataError(
        f"{files.path}: annotations of pictures are required: an XML file for each picture (Pascal VOC) or a JSON file "
        f"(COCO); none {'of that form ' if told else ''}is there."
    )


def _voc_files(files: Files, paths: Sequence[str], wants_points: bool) -> set[str]:
    return {path for path in paths if path.lower().endswith(".xml")}


def _coco_files(files: Files, paths: Sequence[str], wants_points: bool) -> set[str]:
    documents = {path for path in paths if path.lower().endswith(".json")}
    found = {path for path, data in files.read_all(documents) if _is_coco(data)} if documents else set()
    captions = {path for path in found if _CAPTIONS.search(PurePosixPath(path).stem)}
    points = {path for path in found if _POINTS.search(PurePosixPath(path).stem)}
    found = found - captions or found
    return (found & points or found) if wants_points else (found - points or found)


def _is_coco(data: bytes) -> bool:
    # The list of pictures may be long, so that what follows it stands at the end of the file.
    keys = set(re.findall(rb'"([A-Za-z_]+)"\s*:', data[:_HEAD_BYTES] + data[-_HEAD_BYTES:]))
    return b"images" in keys and (b"file_name" in keys or b"annotations" in keys)


_FINDERS: dict[str, Callable[[Files, Sequence[str], bool], set[str]]] = {"voc": _voc_files, "coco": _coco_files}
_READERS: dict[str, Callable[[Files, Collection[str], Mapping[str, Any]], Annotations]] = {
    "voc": read_voc,
    "coco": read_coco,
}
