"""Which column is to be predicted, and whether as classes, as labels that may occur together, or as numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.data.cells.values import Values, mostly_unique, numbers_as_category
from derin.data.cells.writing import are_flags
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role
from derin.data.table import ColumnData, Dense
from derin.readers.cell_labels import SPACE, different_cells, labels_between
from derin.readers.column_names import TARGET_NAMES
from derin.readers.columns import ReadColumn, dense, examples, known_name
from derin.readers.table_recipe import NUMBERS

MULTILABEL = "multilabel"
TargetKind = Literal["category", "number"]

# Whole numbers are classes up to this many of them, if each has enough rows on average.
_MOST_CLASSES, _ROWS_PER_CLASS = 20, 5


def choose_targets(
    columns: Sequence[ReadColumn],
    target: str | Sequence[str] | None,
    taken: Iterable[str | None],
    report: DataReport,
    task: str | None = None,
    labelled: Collection[str] = (),
) -> list[ReadColumn]:
    """The columns to be predicted: those that are named, or the one that a target is usually called by.

    Args:
        columns: of the table.
        target: the names, or None.
        taken: names of columns that are something else.
        report: the report, which is written on.
        task: that the table is read for, where that is known.
        labelled: names of columns that are known to hold several labels in a cell.
    """
    by_name = {c.name: c for c in columns}
    if target is not None:
        if isinstance(target, str):
            alone = [n for n in by_name if n.casefold() == target.casefold()]
            names = alone or [part.strip() for part in target.split(",") if part.strip()]
        else:
            names = list(target)
        chosen = [by_name[known_name(n, tuple(by_name))] for n in dict.fromkeys(names)]
        if clash := [c.name for c in chosen if c.name in set(taken)]:
            raise UsageError(
                f"The column {clash[0]!r} cannot be the target and something else at once; choose one of them."
            )
        for column in chosen:
            if why := _no_target(column, task, labelled):
                raise DataError(f"The column {column.name!r} cannot be a target: {why}. Choose another with target=…")
        return chosen
    free = [c for c in columns if c.name not in set(taken)]
    lowered = {c.name.casefold(): c for c in reversed(free)}
    named = next((lowered[n] for n in TARGET_NAMES if n in lowered), None)
    if not free or len(columns) < 2:
        report.notes.append(Message("reading.no_target_few"))
        return []
    column = named or free[-1]
    if why := _no_target(column, task, labelled):
        report.notes.append(Message("reading.no_target", column=column.name, why=why))
        return []
    why = Message("reading.name_says_so" if named else "reading.last_column")
    report.notes.append(Message("reading.target_chosen", column=column.name, why=why))
    return [column]


def _no_target(column: ReadColumn, task: str | None, labelled: Collection[str]) -> str:
    """Why a column cannot be predicted; empty where it can."""
    values = column.values
    if column.name in labelled:
        return ""
    if values.num_distinct == 0:
        return Message("reading.column_empty")
    if values.kind is Kind.DATE:
        return Message("reading.holds_dates")
    of_strings = values.kind is Kind.TEXT or (values.kind is Kind.CATEGORY and mostly_unique(values))
    if of_strings and not labels_between(column.cells, asked=task == MULTILABEL):
        return Message("reading.holds_strings", num=values.num_distinct, rows=values.num_present)
    return ""


def labels_in_target(name: str, cells: Sequence[str], task: str | None, report: DataReport) -> str:
    """What stands between several labels in the cells of a target of strings; empty where each is a class. Where that
    is not certain it is said.

    Args:
        name: of the column.
        cells: of it.
        task: that the data is read for; None finds it out.
        report: the report, which is written on.
    """
    if task not in (None, MULTILABEL):
        return ""
    cells = different_cells(cells)
    doubtful: list[str] = []
    between = labels_between(cells, asked=task == MULTILABEL, doubtful=doubtful)
    if not between and task is None and labels_between(cells, marks=(SPACE,)):
        # Phrases share words, too.
        doubtful.append(SPACE)
    if doubtful and not between:
        report.notes.append(Message("reading.perhaps_labels", column=name, mark=doubtful[0]))
    return between


def one_target(
    column: ReadColumn, target_kind: TargetKind | None, known: Sequence[str] | None = None
) -> tuple[Column, ColumnData]:
    """The target as classes or as a number.

    Args:
        column: as it was read.
        target_kind: what it is to be; None finds it out.
        known: the classes of training, whose order is kept; others stand behind them.
    """
    values = column.values
    if values.kind is Kind.CATEGORY:
        if target_kind == "number":
            raise DataError(
                f"The target {column.name!r} cannot be a number: it holds {examples(values.classes or ())}."
            )
        return column.schema_column(Role.TARGET), values.data
    numbers = dense(values.data)
    if target_kind is None:
        is_category, why = _are_classes(numbers, values)
    else:
        is_category, why = target_kind == "category", Message("reading.as_asked")
    if not is_category:
        return column.schema_column(Role.TARGET, why), values.data
    codes, classes = numbers_as_category(numbers)
    if known is not None:
        codes, classes = _in_known_order(codes, classes, known)
    note = Message("reading.semicolon", first=values.note, second=Message("reading.as_classes", why=why))
    return Column(name=column.name, kind=Kind.CATEGORY, role=Role.TARGET, classes=classes, note=note), Dense(codes)


def _in_known_order(
    codes: npt.NDArray[np.int64], classes: Sequence[str], known: Sequence[str]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    every = (*known, *(name for name in classes if name not in set(known)))
    place = {name: i for i, name in enumerate(every)}
    # One place more, so that the code -1 of a missing value finds it.
    return np.array([*(place[name] for name in classes), -1], dtype=np.int64)[codes], every


def _are_classes(numbers: npt.NDArray[np.float64], values: Values) -> tuple[bool, str]:
    present = numbers[~np.isnan(numbers)]
    if not values.is_integral:
        return False, ""
    if values.num_distinct == 2 and set(np.unique(present).tolist()) == {0.0, 1.0}:
        return True, Message("reading.zero_and_one")
    if values.num_distinct <= _MOST_CLASSES and len(present) >= _ROWS_PER_CLASS * values.num_distinct:
        return True, Message("reading.few_whole", num=values.num_distinct, rows=len(present))
    return False, ""


def several_targets(
    targets: Sequence[ReadColumn], known: Sequence[str], name: str, *, together: str = ""
) -> tuple[Column, ColumnData]:
    """Several targets as one column: labels that may occur together, or a vector of numbers.

    Args:
        targets: the columns.
        known: all names of the table.
        name: of the data, for messages.
        together: ``"labels"`` or ``"numbers"``, as it was in training; empty finds it out.
    """
    names = tuple(t.name for t in targets)
    flags = [_as_flags(t.values) for t in targets]
    present = [f for f in flags if f is not None]
    if len(present) == len(flags) and together != NUMBERS:
        free = "labels" if "labels" not in known or "labels" in names else "target labels"
        column = Column(
            name=free,
            kind=Kind.CATEGORY,
            role=Role.TARGET,
            shape=(len(names),),
            classes=names,
            note=Message("reading.together_labels", num=len(names)),
        )
        return column, Dense(np.stack(present, axis=1))
    if words := [t.name for t in targets if t.values.kind is not Kind.NUMBER]:
        raise DataError(
            f"{name}: several targets must hold numbers, or 0 and 1 each; the column {words[0]!r} holds "
            f"{examples(next(t for t in targets if t.name == words[0]).values.classes or ())}. "
            "Use the task multitask for columns of several kinds."
        )
    column = Column(
        name=",".join(names),
        kind=Kind.NUMBER,
        role=Role.TARGET,
        shape=(len(names),),
        note=Message("reading.numbers_at_once", num=len(names)),
    )
    return column, Dense(np.stack([dense(t.values.data) for t in targets], axis=1))


def _as_flags(values: Values) -> npt.NDArray[np.float32] | None:
    """0 and 1 where the values are these, or false and true; None otherwise."""
    numbers = dense(values.data)
    if values.kind is Kind.CATEGORY and are_flags(values.classes or ()):
        # False stands first.
        return numbers.astype(np.float32)
    if values.kind is not Kind.NUMBER or not np.isin(numbers[~values.is_missing], (0.0, 1.0)).all():
        return None
    return np.nan_to_num(numbers).astype(np.float32)
