"""Points of 300-W's form: a file of x and y for each picture.

Source: C. Sagonas et al., "300 Faces in-the-Wild challenge", ICCV Workshops 2013. Pixels count from 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from derin.core.messages import Message
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Marked, Thing, number_of
from derin.readers.archives import Files
from derin.readers.listing import shown

FORM = "300-W"


def read_pts(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What the ``.pts`` files of a folder or archive say.

    Args:
        files: the source.
        paths: of these files.
        beside: nothing of it is used.
        known: nothing of it is used.
    """
    found = Annotations(FORM, [])
    for path, data in files.read_all(paths):
        points = pts_points(data)
        if points is None:
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, Message("reading.no_annotation")))
        else:
            found.pictures.append(Marked((PurePosixPath(path).stem,), shown(path), [Thing(None, None, points=points)]))
    return found


def pts_points(data: bytes) -> tuple[tuple[float, float, bool], ...] | None:
    """The points of a file of 300-W's form: x and y on each line between braces, in pixels from 1; None if it is none.
    Example:
        >>> pts_points(b"version: 1\\nn_points: 2\\n{\\n1.0 2.5\\n30 8\\n}\\n")
        ((0.0, 1.5, True), (29.0, 7.0, True))
    """
    text = data.decode("utf-8", errors="replace")
    inside = text.partition("{")[2].partition("}")[0].split()
    numbers = [number_of(each) for each in inside]
    if not numbers or None in numbers or len(numbers) % 2:
        return None
    known = [number for number in numbers if number is not None]
    return tuple((x - 1, y - 1, True) for x, y in zip(known[::2], known[1::2]))
