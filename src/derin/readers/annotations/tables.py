"""Boxes and points in tables: a row for each box, or a row for each picture with x and y of its points."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from derin.core.errors import DataError, UnknownNameError
from derin.core.messages import Message
from derin.data.report import Finding, Outcome
from derin.readers.annotations.marked import Annotations, Corners, Marked, Oddities, Thing, number_of
from derin.readers.archives import Files
from derin.readers.decoding import decode
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import shown
from derin.readers.split_names import split_of

FORM = "CSV"
TABLE_ENDINGS = (".csv", ".tsv", ".tab")
ORDERS = ("xyxy", "xywh", "cxcywh", "xxyy")
_FILE = re.compile(r"(image|img|picture|photo|file)?[_ ]?(name|file|filename|path|id|image|img|url)?", re.I)
_LABEL = re.compile(r"(class|label|category|object|species|cell_type|type|name)[_ ]?(name|id)?", re.I)
_SPLIT = re.compile(r"split|set|subset|fold|usage", re.I)
# Names of columns, without what is no letter or digit, that say which side they are.
_SIDES = (
    ("xyxy", ("xmin", "ymin", "xmax", "ymax")), ("xyxy", ("x1", "y1", "x2", "y2")), ("xyxy", ("x0", "y0", "x1", "y1")),
    ("xyxy", ("left", "top", "right", "bottom")), ("xyxy", ("minx", "miny", "maxx", "maxy")),
    ("xyxy", ("bboxx1", "bboxy1", "bboxx2", "bboxy2")),
    ("cxcywh", ("xcenter", "ycenter", "width", "height")), ("cxcywh", ("cx", "cy", "w", "h")),
    ("cxcywh", ("centerx", "centery", "width", "height")), ("xywh", ("x", "y", "w", "h")),
    ("xywh", ("x", "y", "width", "height")), ("xywh", ("left", "top", "width", "height")),
    ("xywh", ("xmin", "ymin", "width", "height")), ("xywh", ("bboxx", "bboxy", "bboxwidth", "bboxheight")),
)  # fmt: skip
_CELL = re.compile(
    r"\s*[\[(]?\s*(-?[\d.eE+-]+)[,;\s]+(-?[\d.eE+-]+)[,;\s]+(-?[\d.eE+-]+)[,;\s]+(-?[\d.eE+-]+)\s*[\])]?\s*"
)
_POINT = re.compile(r"(?P<before>.*?)[_ .-]?(?P<axis>[xyXY])[_ .-]?(?P<after>\d*)")
_PICTURES = PICTURE_FILES.endings - {""}
_SAMPLE = 200
_FEWEST_POINTS = 2
# Of the cells of a column of places: a few may hold no number.
_NUMBERS_SHARE = 0.9


@dataclass(frozen=True)
class _Form:
    """Which columns hold what."""

    file: int
    sides: tuple[int, ...] = ()
    cell: int | None = None
    order: str | None = None
    label: int | None = None
    split: int | None = None
    points: tuple[tuple[int, int], ...] = ()
    point_names: tuple[str, ...] = ()
    has_header: bool = True


def table_form(data: bytes, fewest_points: int = _FEWEST_POINTS) -> str | None:
    """``"boxes"`` or ``"points"``, where the beginning of a table says that it holds some; else None.

    Args:
        data: of the file.
        fewest_points: of a table of points. Two numbers of each picture may be anything, unless points are asked for.
    """
    try:
        rows = _rows(data, "It")[:_SAMPLE]
    except (DataError, csv.Error):
        return None
    form = _form(rows, fewest_points)
    return None if form is None else "points" if form.points else "boxes"


def named_pictures(data: bytes) -> list[str]:
    """What the beginning of a table with a form names as the pictures of its rows, each once."""
    rows = [row for row in _rows(data, "It")[:_SAMPLE] if any(row)]
    form = _form(rows)
    if form is None:
        return []
    body = rows[1:] if form.has_header else rows
    return list(dict.fromkeys(row[form.file].strip() for row in body if form.file < len(row)))


def read_tables(files: Files, paths: Collection[str], beside: Collection[str], known: Mapping[str, Any]) -> Annotations:
    """What tables say of boxes or points.

    Args:
        files: the source.
        paths: of the tables.
        beside: nothing of it is used.
        known: ``order``: in which order the numbers of a box stand, of `ORDERS`; ``relative``: whether they are shares
            of width and height. What is not said is found out by the numbers.
    """
    found, oddities = Annotations(FORM, []), Oddities()
    rows_of: list[tuple[Marked, list[float | None], str | None, str]] = []
    order, named_order = known.get("order"), None
    if order is not None and order not in ORDERS:
        raise UnknownNameError("order of the numbers of a box", str(order), ORDERS)
    for path, data in sorted(files.read_all(paths)):
        try:
            rows = _rows(data, shown(path))
        except (DataError, csv.Error) as error:
            reason = Message("reading.annotation_refused", error=str(error)[:160])
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, reason))
            continue
        form = _form(rows, 1)
        if form is None:
            found.findings.append(Finding(shown(path), Outcome.SKIPPED, Message("reading.no_annotation")))
            continue
        found.point_names = found.point_names or form.point_names
        named_order = named_order or form.order
        pictures: dict[str, Marked] = {}
        split = split_of(PurePosixPath(path).stem) if len(paths) > 1 else None
        for row in rows[form.has_header :]:
            if not any(row) or form.file >= len(row) or not row[form.file].strip():
                if any(row):
                    oddities.add(shown(path), Outcome.SKIPPED, "reading.picture_without_name")
                continue
            name = row[form.file].strip().replace("\\", "/")
            own = split_of(_cell(row, form.split) or "") or split
            marked = pictures.setdefault(name, Marked((name,), shown(path), split=own))
            if form.points:
                points = _points(row, form.points)
                unreadable = sum(
                    any((cell := _cell(row, place)) and not _is_number(cell) for place in pair) for pair in form.points
                )
                if unreadable:
                    oddities.add(name, Outcome.NOTED, "reading.points_unreadable", count=unreadable)
                # Of a place that cannot be read nobody knows that nothing is there.
                if any(is_seen for _, _, is_seen in points) or not unreadable:
                    marked.things.append(Thing(None, None, points=points))
                elif not marked.things:
                    del pictures[name]
                continue
            numbers = _numbers(row, form)
            if not any(cell.strip() for cell in _box_cells(row, form)):
                continue  # a picture that is listed without a box
            if None in numbers:
                oddities.add(shown(path), Outcome.SKIPPED, "reading.box_without_numbers")
                continue
            rows_of.append((marked, numbers, _cell(row, form.label), shown(path)))
        found.pictures += pictures.values()
    if rows_of:
        _add_boxes(found, rows_of, order or named_order, named_order is None and order is None, known.get("relative"))
    elif found.point_names:
        _decide_relative_points(found, known.get("relative"))
    found.findings += oddities.findings()
    return found


def _add_boxes(
    found: Annotations, rows: Sequence[tuple[Marked, list[float | None], str | None, str]], order: str | None,
    is_guessed: bool, relative: Any,
) -> None:  # fmt: skip
    numbers = [tuple(float(value) for value in each if value is not None) for _, each, _, _ in rows]
    found.is_relative = bool(relative) if relative is not None else _median_of_largest(numbers) <= 1
    order = order or _order(numbers)
    if is_guessed:
        found.notes.append(Message("reading.box_order", order=order))
    if relative is None:
        found.notes.append(Message("reading.places_are_shares" if found.is_relative else "reading.places_in_pixels"))
    found.settings |= {"order": order, "relative": found.is_relative}
    for (marked, _, label, _), box in zip(rows, numbers):
        marked.things.append(Thing(label, _corners(box, order)))


def _decide_relative_points(found: Annotations, relative: Any) -> None:
    places = [(x, y) for marked in found.pictures for thing in marked.things for x, y, is_seen in thing.points or ()
              if is_seen]  # fmt: skip
    found.is_relative = bool(relative) if relative is not None else bool(places) and _median_of_largest(places) <= 1
    found.settings["relative"] = found.is_relative


def _median_of_largest(numbers: Sequence[tuple[float, ...]]) -> float:
    """Of the largest number of each row the one in the middle: one row may be wrong, most are not."""
    largest = sorted(max(map(abs, each)) for each in numbers)
    return largest[len(largest) // 2]


def _order(numbers: Sequence[tuple[float, ...]]) -> str:
    """Corners where the second pair is always beyond the first, which widths and heights seldom are."""
    beyond = sum(each[2] >= each[0] and each[3] >= each[1] for each in numbers)
    return "xyxy" if beyond >= 0.98 * len(numbers) else "xywh"


def _corners(box: tuple[float, ...], order: str) -> Corners:
    a, b, c, d = box
    match order:
        case "xyxy":
            return a, b, c, d
        case "xywh":
            return a, b, a + c, b + d
        case "cxcywh":
            return a - c / 2, b - d / 2, a + c / 2, b + d / 2
        case _:
            return a, c, b, d


def _rows(data: bytes, where: str) -> list[list[str]]:
    text = decode(data, where).text
    head = text[: 1 << 14].partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _form(rows: Sequence[Sequence[str]], fewest_points: int = _FEWEST_POINTS) -> _Form | None:
    """Which columns of a table hold what; None where it holds no boxes and no points."""
    rows = [row for row in rows if any(row)]
    if len(rows) < 2:
        return None
    header, body = rows[0], rows[1:_SAMPLE]
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    file = _file_column(header, body)
    if file is None:
        return _without_header(rows)
    label = next((n for n, name in enumerate(header) if n != file and _LABEL.fullmatch(name.strip())), None)
    split = next((n for n, name in enumerate(header) if n != file and _SPLIT.fullmatch(name.strip())), None)
    for order, sides in _SIDES:
        if set(sides) <= set(plain):
            return _Form(file, tuple(plain.index(name) for name in sides), None, order, label, split)
    for place, name in enumerate(plain):
        if place != file and re.fullmatch(r"b?box(es)?|rect(angle)?", name) and _are_cells(body, place):
            return _Form(file, (), place, None, label, split)
    points, names = _point_columns(header, body, file, fewest_points)
    return _Form(file, points=points, point_names=names, split=split) if points else None


def _file_column(header: Sequence[str], body: Sequence[Sequence[str]]) -> int | None:
    if any(_is_file(cell) for cell in header):
        return None  # no line of names stands above
    for place, name in enumerate(header):
        cells = [row[place].strip() for row in body if place < len(row)]
        are_files = bool(cells) and all(map(_is_file, cells))
        if are_files or (name.strip() and _FILE.fullmatch(name.strip()) and not all(map(_is_number, cells))):
            return place
    return None


def _without_header(rows: Sequence[Sequence[str]]) -> _Form | None:
    """A file, four numbers and a class, with no line above them."""
    if not all(len(row) >= 5 and _is_file(row[0]) for row in rows[:_SAMPLE]):
        return None
    numbers = all(not any(row[1:5]) or all(_is_number(cell) for cell in row[1:5]) for row in rows[:_SAMPLE])
    return _Form(0, (1, 2, 3, 4), label=5 if len(rows[0]) > 5 else None, has_header=False) if numbers else None


def _point_columns(
    header: Sequence[str], body: Sequence[Sequence[str]], file: int, fewest: int
) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """Columns of x and y by their names (``left_eye_x``, ``x1``), or counted from 0 to 2K − 1."""
    others = [n for n in range(len(header)) if n != file]
    counted = [header[n].strip() for n in others]
    if counted == [str(n) for n in range(len(others))] and len(others) % 2 == 0 and len(others) >= 2 * fewest:
        pairs = tuple(zip(others[::2], others[1::2]))
        return pairs, tuple(str(n) for n in range(len(pairs)))
    axes: dict[str, dict[str, int]] = {}
    for place in others:
        match = _POINT.fullmatch(header[place].strip())
        cells = [row[place] for row in body if place < len(row) and row[place].strip()]
        if match and sum(map(_is_number, cells)) >= _NUMBERS_SHARE * len(cells):
            name = (match["before"].strip("_ .-") + match["after"]) or "point"
            axes.setdefault(name, {})[match["axis"].lower()] = place
    named = {name: (each["x"], each["y"]) for name, each in axes.items() if set(each) == {"x", "y"}}
    if len(named) < fewest:
        return (), ()
    return tuple(named.values()), tuple(named)


def _points(row: Sequence[str], columns: Sequence[tuple[int, int]]) -> tuple[tuple[float, float, bool], ...]:
    """Places of a row; one that lacks is not seen."""
    found = []
    for across, down in columns:
        x, y = (number_of(_cell(row, place) or "") for place in (across, down))
        found.append((0.0, 0.0, False) if x is None or y is None else (x, y, True))
    return tuple(found)


def _box_cells(row: Sequence[str], form: _Form) -> list[str]:
    return [_cell(row, place) or "" for place in (form.sides or (form.cell,))]


def _numbers(row: Sequence[str], form: _Form) -> list[float | None]:
    if form.cell is None:
        return [number_of(cell) for cell in _box_cells(row, form)]
    match = _CELL.fullmatch(_cell(row, form.cell) or "")
    return [None] if match is None else [number_of(cell) for cell in match.groups()]


def _are_cells(body: Sequence[Sequence[str]], place: int) -> bool:
    cells = [row[place] for row in body if place < len(row) and row[place].strip()]
    return bool(cells) and all(map(_CELL.fullmatch, cells))


def _cell(row: Sequence[str], place: int | None) -> str | None:
    return None if place is None or place >= len(row) else row[place].strip() or None


def _is_file(cell: str) -> bool:
    return PurePosixPath(cell.strip()).suffix.lower()[1:] in _PICTURES


def _is_number(cell: str) -> bool:
    return number_of(cell) is not None
