"""Several labels in one cell: ``comedy|drama``, ``a;b``, ``a, b``, or a list as JSON and Python write it."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.data.cells.packed import PackedColumn
from derin.data.cells.values import natural_order
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role

# What may stand between labels, the surest first; the first is a list.
LIST = "[]"
MARKS = (LIST, "|", ";", ",")
SPACE = " "
_LONGEST_LIST = 10_000


def labels_in(cell: str, between: str) -> tuple[str, ...]:
    """The different labels of a cell, in their order.

    Example:
        >>> labels_in("sea| sun", "|"), labels_in('["sea", "sun"]', "[]"), labels_in("", "|")
        (('sea', 'sun'), ('sea', 'sun'), ())
    """
    return tuple(dict.fromkeys(_parts(cell, between)))


def labels_between(
    cells: Sequence[str], *, asked: bool = False, marks: Sequence[str] = MARKS, doubtful: list[str] | None = None
) -> str:
    """What stands between several labels in the cells of a column; empty where each holds one class or a number.

    It is certain where most labels come back in other cells, cells hold unlike numbers of labels, and none holds one
    twice: ``low, high`` beside ``high, low`` are places and no labels, and phrases seldom share their words.

    Args:
        cells: of the column.
        asked: whether they hold several labels for certain, so that only the mark is looked for, a space too.
        marks: that are looked for.
        doubtful: gets the mark where cells could hold several labels and it is not certain.

    Example:
        >>> labels_between(["sun", "sun|sea", "sea"]), labels_between(["low,high", "high,low", "low,low"])
        ('|', '')
        >>> labels_between(["golden retriever", "great dane"], marks=("|", " "))
        ''
    """
    different = set(different_cells(cells)) - {""}
    if not asked and all(map(_is_number, different)):
        return ""
    for mark in (*marks, SPACE) if asked else marks:
        if mark == LIST:
            # Lists of numbers alone are rather vectors.
            is_of_words = asked or any("'" in cell or '"' in cell for cell in different)
            if different and is_of_words and all(_listed(cell) is not None for cell in different):
                return LIST
            continue
        if not any(mark in cell for cell in different):
            continue
        if asked:
            return mark
        parts = [_parts(cell, mark) for cell in different]
        in_cells = Counter(label for each in parts for label in set(each))
        # Words of phrases ("golden retriever") seldom come back in others; labels do.
        fewest = len(different) // 2 if mark == SPACE else len(different) + 1
        if 2 * sum(number > 1 for number in in_cells.values()) < len(in_cells) or len(in_cells) > fewest:
            continue
        if len(set(map(len, parts))) > 1 and all(len(each) == len(set(each)) for each in parts):
            return mark
        if doubtful is not None:
            doubtful.append(mark)
    return ""


def different_cells(cells: Sequence[str]) -> Sequence[str]:
    """The cells of a packed column, each once: quickly, since its cells are no strings yet."""
    return list(cells.distinct()[0]) if isinstance(cells, PackedColumn) else cells


def several_labels(
    name: str, cells: Sequence[str], between: str, known: Sequence[str] | None, report: DataReport
) -> tuple[Column, npt.NDArray[np.float32]]:
    """A column of cells with several labels, as 0 and 1 for each, which is said.

    Args:
        name: of the column.
        cells: of it.
        between: what stands between the labels.
        known: the labels of training; others do not count, and are named.
        report: the report, which is written on.

    Shapes:
        → ``(N, labels)``.
    """
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(cell, len(place)) for cell in cells), dtype=np.int64, count=len(cells))
    column, values = label_sets(name, [labels_in(cell, between) for cell in place], known, report)
    shown = {SPACE: Message("reading.a_space"), LIST: Message("reading.a_list")}.get(between, repr(between))
    report.notes.append(Message("reading.several_labels", column=name, between=shown, num=values.shape[1]))
    return column, values[codes]


def label_sets(
    name: str, labels: Sequence[Sequence[str]], known: Sequence[str] | None, report: DataReport
) -> tuple[Column, npt.NDArray[np.float32]]:
    """Labels that may occur together, as 0 and 1 for each.

    Shapes:
        → ``(N, labels)``.
    """
    seen = {label for each in labels for label in each}
    classes = tuple(sorted(seen, key=lambda label: (natural_order(label), label))) if known is None else tuple(known)
    place = {label: i for i, label in enumerate(classes)}
    values = np.zeros((len(labels), len(classes)), dtype=np.float32)
    for row, each in enumerate(labels):
        values[row, [place[label] for label in each if label in place]] = 1
    for label in sorted(seen - set(classes)):
        report.notes.append(Message("reading.label_not_known", label=label, column=name))
    return Column(name=name, kind=Kind.CATEGORY, role=Role.TARGET, shape=(len(classes),), classes=classes), values


def _parts(cell: str, between: str) -> list[str]:
    parts = _listed(cell) or [] if between == LIST else cell.split(between)
    return [part for part in map(str.strip, parts) if part]


def _listed(cell: str) -> list[str] | None:
    """The strings of a list as JSON or Python write it; None where it is none."""
    if not (cell.startswith("[") and cell.endswith("]")) or len(cell) > _LONGEST_LIST:
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    if not isinstance(found, list) or not all(isinstance(part, str | int) for part in found):
        return None
    return [str(part) for part in found]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
