"""Pictures with the same points marked in each, in the forms of people's tools: in a folder, a zip or a tar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, RefusedFileError, UsageError
from derin.core.messages import Message
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Points, Table
from derin.readers.annotations.forms import POINTS, find_annotations, require_texts, source_of
from derin.readers.annotations.marked import Annotations, Marked
from derin.readers.annotations.matching import SKIP, Matched, match, not_found
from derin.readers.annotations.mirroring import mirror_pairs, pairs_of_names
from derin.readers.annotations.subjects import SUBJECT as SUBJECT_COLUMN
from derin.readers.annotations.subjects import subject_column, subjects_of_names
from derin.readers.archives import open_files
from derin.readers.listing import shown

SUBJECT = "points"
PICTURE, POINTS_COLUMN = "picture", "points"
_PAIRS = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")
NONE = "none"


def read_points(
    path: Path,
    *,
    name: str,
    form: str | None = None,
    annotations: str | None = None,
    pairs: str | None = None,
    subjects: str | None = None,
    unannotated: str = SKIP,
    exif: str | None = None,
    relative: bool | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Pictures and the points that are marked in them: the same K in each, seen or not.

    Left and right points change places in mirror images. Which belong together is found by their names
    (``left_eye``, ``right_eye``), else by the mean of all shapes, where it is its own mirror image. Where the names of
    the files tell of whom each picture is (``Ada_01.jpg``), the pictures of one stay in one split. A picture of which
    it is written that nothing is marked in it is kept: there is no such thing in it.

    Args:
        path: of a folder, a zip or a tar, or a table beside its pictures.
        name: of the table.
        form: ``"table"``, ``"pts"`` or ``"coco"``, where it is not found by itself.
        annotations: the name of the file of annotations, where there are several.
        pairs: of a left and a right point each, by number from 0, such as ``"0-16,1-15"``; ``"none"`` has none.
        subjects: ``"none"`` where names of files tell nothing of who is in them.
        unannotated: what becomes of pictures of which no file speaks: ``"skip"``, or ``"keep"`` as ones without points.
        exif: ``"upright"`` or ``"stored"``: of which picture the places are where EXIF turns it; found out by itself.
        relative: whether places are shares of width and height; found out by itself.
        options: size, channels, and what other data decided.

    Raises:
        DataError: no points can be read, or pictures have different numbers of them.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (40, 30)).save(folder / "1.png")
        >>> marks = "file,left_eye_x,left_eye_y,right_eye_x,right_eye_y\\n1.png,9,8,30,7\\n"
        >>> _ = (folder / "eyes.csv").write_text(marks)
        >>> table = read_points(folder, name="faces")
        >>> table.target().classes, table["points"].places.tolist(), table["points"].pairs
        (('left_eye', 'right_eye'), [[[9.0, 8.0], [30.0, 7.0]]], ((0, 1),))
    """
    options = ReadOptions() if options is None else options
    require_texts(form=form, annotations=annotations, exif=exif, pairs=pairs)
    if subjects not in (None, NONE):
        raise UsageError(f"subjects can be {NONE}, which lets pictures of one person be parted; got {subjects!r}.")
    if relative not in (None, True, False):
        raise UsageError(f"relative must be true or false; got {relative!r}.")
    known = options.part(SUBJECT)
    report = DataReport(source=str(path))
    said: dict[str, Any] = {"exif": exif, "relative": relative}
    settings = {key: known.get(key) if value is None else value for key, value in said.items()}
    path, annotations = source_of(path, annotations)
    with closing(open_files(path)) as files:
        found = find_annotations(files, form=form, where=annotations, settings=settings, wanted=POINTS)
        found.pictures = [marked for marked in found.pictures if _keep_one(marked, report)]
        report.extend(found.findings)
        report.notes += found.notes
        count = _count(path, found, known)
        matched = match(
            path, files, found, options=options, report=report, unannotated=unannotated, exif=settings.get("exif")
        )
    points, names = _column(matched, found, count, report)
    told = _pairs(pairs, known, found, points, names, report)
    points = Points(points.places, points.visible, points.frames, told)
    report.notes.insert(0, Message("reading.points_of_form", form=found.form, points=count, count=len(points)))
    schema = Schema(
        (
            Column(name=PICTURE, kind=Kind.PICTURE, role=Role.INPUT, shape=matched.stored.shape),
            Column(name=POINTS_COLUMN, kind=Kind.POINTS, role=Role.TARGET, shape=(count, 2), classes=names),
        )
    )
    columns: dict[str, ColumnData] = {PICTURE: matched.stored.data, POINTS_COLUMN: points}
    of_rows = None if subjects == NONE else subjects_of_names(matched.row_names)
    if of_rows is not None:
        column, columns[SUBJECT_COLUMN] = subject_column(of_rows)
        schema = Schema((*schema, column))
        report.notes.append(
            Message("reading.subjects", count=len(set(of_rows)), name=of_rows[0], file=matched.row_names[0])
        )
    part = {"names": list(names), "pairs": [list(pair) for pair in told], "form": found.form, **found.settings}
    return Table(
        name=name,
        schema=schema,
        columns=columns,
        splits=matched.splits,
        report=report,
        row_names=matched.row_names,
        recipe=ReadingRecipe(found={"pictures": dict(matched.stored.decisions), SUBJECT: part}),
    )


def _keep_one(marked: Marked, report: DataReport) -> bool:
    """Of several things with points in a picture the largest; points alone are one thing together.

    Returns:
        whether the picture is kept: one in which nothing at all is marked is, one whose things have no points is not.
    """
    with_points = [thing for thing in marked.things if thing.points and any(seen for _, _, seen in thing.points)]
    if len(with_points) > 1 and all(len(thing.points or ()) == 1 for thing in with_points):
        together = tuple(point for thing in with_points for point in thing.points or ())
        with_points = [with_points[0]._replace(points=together)]

    def extent(thing: Any) -> float:
        if thing.corners is not None:
            return float(abs((thing.corners[2] - thing.corners[0]) * (thing.corners[3] - thing.corners[1])))
        xs, ys = ([point[axis] for point in thing.points if point[2]] for axis in (0, 1))
        return (max(xs) - min(xs)) * (max(ys) - min(ys))

    if len(with_points) > 1:
        report.add(marked.where, Outcome.NOTED, Message("reading.several_shapes"))
    is_empty = all(thing.corners is None for thing in marked.things)
    marked.things = [max(with_points, key=extent)] if with_points else []
    if not with_points and not is_empty:
        report.add(f"{marked.where} ({shown(marked.names[-1])})", Outcome.SKIPPED, Message("reading.no_points"))
    return bool(with_points) or is_empty


def _count(path: Path, found: Annotations, known: dict[str, Any]) -> int:
    """How many points each picture has.

    Raises:
        DataError: none has any, or they have different numbers.
    """
    counts = {len(thing.points or ()) for marked in found.pictures for thing in marked.things}
    if not counts:
        raise DataError(
            f"{path}: pictures with points are required; none of the {found.form} annotations has any"
            f"{'' if not found.findings else f' ({not_found(found.findings)})'}."
        )
    names = known.get("names")
    if len(counts) > 1 or (isinstance(names, list) and counts != {len(names)}):
        wanted = f"{len(names)} points as the training data has" if isinstance(names, list) else "equally many points"
        raise DataError(f"{path}: {wanted} are required in every picture; got {', '.join(map(str, sorted(counts)))}.")
    return counts.pop()


def _column(matched: Matched, found: Annotations, count: int, report: DataReport) -> tuple[Points, tuple[str, ...]]:
    whole = np.zeros((len(matched.frames), count, 3))
    for row, marked in enumerate(matched.marked):
        if marked is not None and marked.things:
            whole[row] = marked.things[0].points
    visible = whole[..., 2] > 0
    places = matched.moved(whole[..., :2], np.arange(len(whole)))
    sizes = matched.frames[:, None, ::-1]
    outside = visible & ((places < 0) | (places > sizes)).any(axis=2)
    for row in np.flatnonzero(outside.any(axis=1)).tolist():
        report.add(
            matched.row_names[row], Outcome.NOTED, Message("reading.points_outside", count=int(outside[row].sum()))
        )
    names = found.point_names if len(found.point_names) == count else tuple(str(number) for number in range(count))
    places = np.where(visible[..., None], places, 0.0)
    return Points(places.astype(np.float32), visible, matched.frames), names


def _pairs(
    said: str | None,
    known: dict[str, Any],
    found: Annotations,
    points: Points,
    names: Sequence[str],
    report: DataReport,
) -> tuple[tuple[int, int], ...]:
    """Which points are left and right of each other.

    Raises:
        UsageError: what was said is none.
    """
    count = points.places.shape[1]
    if said is not None:
        return () if said.strip() == NONE else _said_pairs(said, count)
    if "pairs" in known:
        return _known_pairs(known["pairs"], count)
    if pairs := pairs_of_names(names):
        report.notes.append(Message("reading.pairs_of_names", count=len(pairs)))
        return pairs
    if count == 1:
        return ()
    pairs = mirror_pairs(points.places, points.visible)
    key = "reading.pairs_of_shape" if pairs else "reading.no_pairs"
    report.notes.append(Message(key, count=len(pairs)) if pairs else Message(key))
    return pairs


def _said_pairs(said: str, count: int) -> tuple[tuple[int, int], ...]:
    matches = [_PAIRS.fullmatch(part) for part in said.split(",")]
    pairs = [(int(match[1]), int(match[2])) for match in matches if match]
    flat = [number for pair in pairs for number in pair]
    if not all(matches) or len(set(flat)) < len(flat) or max(flat) >= count:
        raise UsageError(
            f"pairs must be different points from 0 to {count - 1}, such as 0-1,2-3, or {NONE}; got {said!r}."
        )
    return tuple(pairs)


def _known_pairs(value: Any, count: int) -> tuple[tuple[int, int], ...]:
    fits = isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and 0 <= n < count for n in pair)
        for pair in value
    )
    if not fits:
        raise RefusedFileError("The reading recipe of points is damaged.")
    return tuple((pair[0], pair[1]) for pair in value)
