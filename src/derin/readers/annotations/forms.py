"""In which form annotations are, told by the files that are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.readers.annotations.coco import read_coco
from derin.readers.annotations.instances import read_instances
from derin.readers.annotations.marked import Annotations, numbers_of
from derin.readers.annotations.pts import read_pts
from derin.readers.annotations.tables import TABLE_ENDINGS, read_tables, table_form
from derin.readers.annotations.via import is_via, read_via
from derin.readers.annotations.voc import read_voc
from derin.readers.annotations.yolo import read_yolo, yolo_files
from derin.readers.archives import Files, is_hidden
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.mask_pairs import mask_pairs

BOXES, POINTS, OUTLINES = "boxes", "points", "outlines"
_HEAD_BYTES = 1 << 16
_SAMPLE = 20
# What COCO has beside its boxes.
_CAPTIONS, _KEYPOINTS = re.compile(r"captions?", re.I), re.compile(r"key_?points?", re.I)


def find_annotations(
    files: Files, *, form: str | None, where: str | None, settings: Mapping[str, Any], wanted: str = BOXES
) -> Annotations:
    """What the annotation files of a source say.

    Args:
        files: the source.
        form: of `FORMS`; None finds it out.
        where: the name of the file or folder of annotations, where there are several.
        settings: what is said, or what other data decided, of how classes and numbers are written.
        wanted: `BOXES`, `POINTS` or `OUTLINES`.

    Raises:
        DataError: there are none.
        UnknownNameError: the form is none.
    """
    if form is not None and form not in FORMS:
        raise UnknownNameError("form of annotations", str(form), tuple(FORMS))
    seen = [m.path for m in files.contents().members if not any(map(is_hidden, m.path.split("/")))]
    # Names of classes, lists of splits and pictures may lie anywhere; annotations do where they are said to.
    inside = [path for path in seen if where is None or where in path.split("/") or path == where]
    for name, (find, read) in FORMS.items():
        if form in (None, name) and (paths := find(files, inside, seen, wanted)):
            return read(files, paths, seen, settings)
    if wanted == OUTLINES and form is None:
        raise DataError(
            f"{files.path}: pictures with a mask of the same name are required, such as images/7.jpg and masks/7.png, "
            "or 7.jpg and 7_mask.png, or with outlines (COCO, VGG Image Annotator, YOLO); no picture has one. Name the "
            "folders or the ending of the names: the settings images, masks and suffix of the reader."
        )
    raise DataError(
        f"{files.path}: annotations of pictures are required: an XML file for each picture (Pascal VOC), a text file "
        "for each (YOLO), a JSON file (COCO, VGG Image Annotator), a table, or masks of single things; none "
        f"{'of that form ' if form else ''}is there."
    )


def require_texts(**settings: Any) -> None:
    """Refuses settings that must be text and are none, such as numbers of a command line.

    Raises:
        UsageError: one is none.
    """
    for name, value in settings.items():
        if value is not None and not isinstance(value, str):
            raise UsageError(f"The setting {name} of the reader must be text; got {value!r}.")


def source_of(path: Path, annotations: str | None) -> tuple[Path, str | None]:
    """The folder or archive with the pictures, and the name of the file of annotations where that was named."""
    if path.is_file() and path.suffix.lower() in (".json", *TABLE_ENDINGS):
        return path.parent, path.name
    return path, annotations


def _voc_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    found = {path for path in paths if path.lower().endswith(".xml")}
    return found if wanted == BOXES else set()


def _coco_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    found = _with_content(files, paths, (".json",), _is_coco)
    captions = {path for path in found if _CAPTIONS.search(PurePosixPath(path).stem)}
    points = {path for path in found if _KEYPOINTS.search(PurePosixPath(path).stem)}
    found = found - captions or found
    return (found & points or found) if wanted == POINTS else (found - points or found)


def _via_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    return _with_content(files, paths, (".json", ".csv"), is_via)


def _yolo_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    found = yolo_files(paths, beside) if wanted != POINTS else set()
    some = sorted(found)[:_SAMPLE]
    lines = [line.split() for _, data in files.read_all(some) for line in data.decode(errors="replace").splitlines()]
    told = [len(cells) >= 5 and numbers_of(cells) is not None for cells in lines if cells]
    # Files without a line are of pictures without a thing; of other texts few lines are numbers.
    return found if 2 * sum(told) >= len(told) else set()


def _table_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    # Whoever asks for points may have a single one.
    fewest = 1 if wanted == POINTS else 2
    return _with_content(files, paths, TABLE_ENDINGS, lambda data: table_form(data, fewest) == wanted)


def _pts_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    return {path for path in paths if path.lower().endswith(".pts")} if wanted == POINTS else set()


def _mask_files(files: Files, paths: Sequence[str], beside: Sequence[str], wanted: str) -> set[str]:
    pairs = mask_pairs(path for path in paths if PICTURE_FILES.may_be(path) and PurePosixPath(path).suffix)
    return {*pairs.masks, *pairs.masks.values()} if wanted == BOXES else set()


def _with_content(
    files: Files, paths: Sequence[str], endings: tuple[str, ...], fits: Callable[[bytes], bool]
) -> set[str]:
    named = {path for path in paths if path.lower().endswith(endings)}
    return {path for path, data in files.read_all(named) if fits(data)} if named else set()


def _is_coco(data: bytes) -> bool:
    # The list of pictures may be long, so that what follows it stands at the end of the file.
    keys = set(re.findall(rb'"([A-Za-z_]+)"\s*:', data[:_HEAD_BYTES] + data[-_HEAD_BYTES:]))
    return b"images" in keys and (b"file_name" in keys or b"annotations" in keys)


_Find = Callable[[Files, Sequence[str], Sequence[str], str], set[str]]
_Read = Callable[[Files, Collection[str], Collection[str], Mapping[str, Any]], Annotations]
# In the order in which they are looked for.
FORMS: dict[str, tuple[_Find, _Read]] = {
    "voc": (_voc_files, read_voc),
    "coco": (_coco_files, read_coco),
    "via": (_via_files, read_via),
    "yolo": (_yolo_files, read_yolo),
    "table": (_table_files, read_tables),
    "pts": (_pts_files, read_pts),
    "masks": (_mask_files, read_instances),
}
