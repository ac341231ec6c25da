"""Pictures or sounds whose labels stand in a table that names their files; `file_table_search` finds it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, UnknownNameError
from derin.core.messages import Message
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, Dense, Rows, Table
from derin.readers.archives import UnreadableFileError, open_files
from derin.readers.cell_labels import MARKS, SPACE, label_sets, labels_between, several_labels
from derin.readers.class_folders import StoredFiles
from derin.readers.column_names import LABEL_NAMES, SPLIT_NAMES, TARGET_NAMES
from derin.readers.delimited import Records
from derin.readers.file_kinds import FileKind
from derin.readers.file_names import is_archive
from derin.readers.file_table_search import (
    LEAST_SHARE,
    SHOWN,
    FileNames,
    FileTable,
    files_by_kind,
    names_in,
    unpacked_member,
)
from derin.readers.listing import ChosenFiles, shown
from derin.readers.split_names import split_of
from derin.readers.table_files import table_records

_MOST_NUMBERS = 10
_NUMBER_CLASSES = 20
# Where others have a mark between several labels: these stand in rows of their own.
_ROWS = "rows"


def read_file_table(
    found: FileTable,
    *,
    name: str,
    store: Callable[[ChosenFiles], StoredFiles],
    target: str | None = None,
    target_kind: str | None = None,
    group: str | None = None,
    task: str | None = None,
    sensor: str | None = None,
    listing: Mapping[str, Any] | None = None,
) -> Table:
    """The pictures or sounds that a table lists, with what it says of each.

    Several labels of one stand in columns of 0 and 1, in one cell (``sun|rain``), or, for the task "multilabel",
    in rows of their own.

    Args:
        found: the table and its source.
        name: of the data.
        store: reads the files that it is told.
        target: the column to be predicted, or several with commas between them; None finds it.
        target_kind: ``"category"`` or ``"number"``, where that is found out wrongly.
        group: the column whose equal values stay in one split.
        task: that the files are read for, where that is known.
        sensor: columns of numbers that are read beside each file, with commas between names or patterns of them, such
            as ``range_*``.
        listing: what another table of files decided (`ReadingRecipe.part("listing")`): its targets, their kind and
            classes, what stands between several labels, and kind and classes of the other columns that were read.

    Raises:
        DataError: no target can be found, or a file is listed twice with different answers.
    """
    records = _records(found, found.file)
    files = [found.file] * len(records.columns[0])
    given = ["train"] * len(files) if found.further else []
    for further, file_name in found.further:
        records, num = _followed_by(records, _records(found, file_name))
        given += [further] * num
        files += [file_name] * num
    files_there = FileNames([n for n in names_in(found.source) if found.kind.is_named(n)])
    report = DataReport(source=str(found.source))
    report.findings += records.findings
    report.notes += records.notes
    file_column = found.file_columns[0]
    split = _split_column(records)
    known = dict(listing or {})
    grouping = _named_column(records, found, group)
    chosen = _targets(records, found, (split, grouping), target)
    row_of: dict[str, int] = {}
    labels_of: dict[str, list[str]] = {}
    several: set[str] = set()
    missing: list[Finding] = []
    for row, called in enumerate(records.columns[file_column]):
        path = files_there.find(called, files[row])
        if path is None:
            missing.append(Finding(called or f"row {row + 1}", Outcome.SKIPPED, Message("reading.not_there")))
        else:
            first = row_of.setdefault(path, row)
            labels_of.setdefault(path, []).append(records.columns[chosen[0]][row].strip())
            if any(records.columns[c][row] != records.columns[c][first] for c in chosen):
                several.add(path)
    report.extend(missing)
    in_rows = _labels_in_rows(found, records, several, len(row_of), chosen, task, known)
    unlisted = len(files_there.paths) - len(row_of)
    stored = store(ChosenFiles(dict.fromkeys(row_of)))
    report.extend(stored.findings)
    rows = [row_of[entry.member.path] for entry in stored.entries]
    report.notes.append(
        Message(
            "reading.listed_by",
            file=", ".join([found.file, *(file_name for _, file_name in found.further)]),
            column=records.names[file_column],
            targets=", ".join(records.names[c] for c in chosen),
        )
    )
    if unlisted:
        report.notes.append(Message("reading.unlisted", count=unlisted, file=found.file))
    others = [c for c in range(len(records.names)) if c not in (*found.file_columns, split, grouping, *chosen)]
    measured = _measured(records, found, others, known.get("sensor") if sensor is None else sensor)
    others = [c for c in others if c not in measured]
    if others and task != "multitask":
        unread = ", ".join(records.names[c] for c in others[:SHOWN])
        report.notes.append(Message("reading.not_read", columns=unread))
    report.notes += stored.notes
    cells = {c: [records.columns[c][row].strip() for row in rows] for c in chosen}
    if in_rows:
        labels = [tuple(dict.fromkeys(filter(None, labels_of[entry.member.path]))) for entry in stored.entries]
        label, values = label_sets(records.names[chosen[0]], labels, known.get("classes"), report)
        between = _ROWS
    else:
        label, values, between = _label(records, cells, target_kind, task, known, report)
    decisions: dict[str, Any] = {"targets": [records.names[c] for c in chosen], "kind": label.kind.value}
    decisions |= {"classes": list(label.classes)} if label.classes is not None else {}
    decisions |= {"between": between} if between else {}
    columns, schema = {label.name: Dense(values)}, [label]
    if grouping is not None:
        column, values = _one_target(group or "", [records.columns[grouping][row] for row in rows], "category")
        schema.append(replace(column, role=Role.GROUP))
        columns[column.name] = Dense(values)
    if task == "multitask":  # which chooses among them
        kinds = known.get("others", {})
        for c in others:
            kind, classes = kinds.get(records.names[c], (None, None))
            other, values = _one_target(
                records.names[c], [records.columns[c][row].strip() for row in rows], kind, classes
            )
            schema.append(replace(other, role=Role.IGNORED))
            columns[other.name] = Dense(values)
        decisions["others"] = {
            c.name: [c.kind.value, c.classes and list(c.classes)] for c in schema if c.role is Role.IGNORED
        }
    for c in measured:
        column, values = _one_target(records.names[c], [records.columns[c][row].strip() for row in rows], "number")
        schema.append(replace(column, role=Role.INPUT))
        columns[column.name] = Dense(values)
    decisions |= {"sensor": ",".join(records.names[c] for c in measured)} if measured else {}
    row_names = [shown(entry.member.path) for entry in stored.entries]
    splits: dict[str, Rows] = {} if split is None else _splits(records, split, rows, row_names, report)
    if given:
        named = np.array([given[row] for row in rows])
        splits = {name: np.flatnonzero(named == name) for name in SPLITS if (named == name).any()}
    return Table(
        name=name,
        schema=Schema((stored.column, *schema)),
        columns={stored.column.name: stored.data, **columns},
        splits=splits,
        report=report,
        row_names=row_names,
        recipe=ReadingRecipe(found={**stored.found, "listing": decisions}),
    )


def listed_files(path: Path, kind: FileKind) -> Iterator[tuple[str, bytes | str]]:
    """Each row of a table that lists files, in order: what it calls the file, and the file's content or why not.

    Args:
        path: of the table; the files lie in the folder or archive beside it.

    Raises:
        DataError: no column names such files there.
    """
    records = table_records(path)
    for source in (path.parent, *sorted(p for p in path.parent.iterdir() if is_archive(p))):
        there = FileNames(files_by_kind(names_in(source)).get(kind, []))
        for cells in records.columns if there.paths else ():
            found = [there.find(cell, path.name) for cell in cells]
            if sum(name is not None for name in found) < max(1, LEAST_SHARE * sum(map(bool, cells))):
                continue
            with closing(open_files(source)) as files:
                for called, name in zip(cells, found):
                    try:
                        yield called, Message("reading.not_there") if name is None else files.read(name)
                    except UnreadableFileError as error:
                        yield called, str(error)
            return
    raise DataError(
        f"{path}: a column that names {kind.plural} in its folder, or in a zip beside it, is required; none of "
        f"{', '.join(records.names[:SHOWN])} does."
    )


def _records(found: FileTable, file: str) -> Records:
    if found.is_inside:
        with unpacked_member(found.source, file) as unpacked:
            return table_records(unpacked)
    return table_records((found.source if found.source.is_dir() else found.source.parent) / file)


def _followed_by(records: Records, more: Records) -> tuple[Records, int]:
    """Two tables of the same columns, one below the other, and how many rows the second has."""
    columns = [[*one, *other] for one, other in zip(records.columns, more.columns, strict=True)]
    joined = replace(
        records,
        columns=columns,
        findings=[*records.findings, *more.findings],
        notes=[*records.notes, *more.notes],
    )
    return joined, len(more.columns[0])


def _split_column(records: Records) -> int | None:
    """The column that says which split a file belongs to: by its name, or because all of its cells name splits."""
    for place, cells in enumerate(records.columns):
        splits = {split_of(cell) for cell in set(cells) - {""}}
        is_called_so = records.names[place].lower() in SPLIT_NAMES and splits - {None}
        if is_called_so or ("train" in splits and None not in splits):
            return place
    return None


def _splits(
    records: Records, place: int, rows: Sequence[int], row_names: Sequence[str], report: DataReport
) -> dict[str, Rows]:
    """The rows of each split that the column names."""
    column = records.names[place]
    named = np.array([split_of(records.columns[place][row]) or "" for row in rows])
    report.notes.append(Message("reading.splits_from", column=column))
    reason = Message("reading.no_split_in", column=column)
    report.extend([Finding(row_names[row], Outcome.NOTED, reason) for row in np.flatnonzero(named == "").tolist()])
    return {split: np.flatnonzero(named == split) for split in SPLITS if (named == split).any()}


def _labels_in_rows(
    found: FileTable,
    records: Records,
    several: set[str],
    num_files: int,
    chosen: Sequence[int],
    task: str | None,
    known: Mapping[str, Any],
) -> bool:
    """Whether each row holds one of several labels of its file.

    Raises:
        DataError: it cannot be told.
    """
    if known.get("between") == _ROWS or (several and task == "multilabel" and len(chosen) == 1):
        return True
    if several:
        raise DataError(
            f"{found.file} lists {min(several)} more than once, with different answers, and {len(several):,} of "
            f"{num_files:,} files so; one answer for each is required. If one has several labels, "
            f"each in a row of its own, say so: --task multilabel --target {records.names[chosen[0]]}. Boxes and "
            "captions have no task yet."
        )
    return False


def _measured(records: Records, found: FileTable, others: Sequence[int], sensor: str | None) -> list[int]:
    """The places of the columns that a second sensor measured."""
    patterns = [pattern.strip() for pattern in (sensor or "").split(",") if pattern.strip()]
    for pattern in patterns:
        if not any(_is_called(records.names[c], pattern) for c in others):
            raise UnknownNameError(f"column of {found.file}", pattern, [records.names[c] for c in others])
    return [c for c in others if any(_is_called(records.names[c], pattern) for pattern in patterns)]


def _is_called(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _label(
    records: Records,
    cells: Mapping[int, Sequence[str]],
    target_kind: str | None,
    task: str | None,
    known: Mapping[str, Any],
    report: DataReport,
) -> tuple[Column, np.ndarray, str]:
    """What is to be predicted, its values, and what stands between several labels in a cell, if anything does."""
    if len(cells) > 1:
        names = tuple(records.names[c] for c in cells)
        for column, each in zip(names, cells.values()):
            if words := [cell for cell in each if cell and np.isnan(_number(cell))]:
                raise DataError(
                    f"Several targets must hold numbers, or 0 and 1 each; the column {column!r} holds {words[0]!r}. "
                    "Use the task multitask for columns of several kinds."
                )
        values = np.array([[_number(cell) for cell in each] for each in cells.values()], dtype=np.float32).T
        kind = known.get("kind")
        is_labels = target_kind != "number" and (
            kind == Kind.CATEGORY.value if kind else bool(np.isin(values, (0, 1)).all())
        )
        label = Column(
            name="labels" if is_labels else "numbers",
            kind=Kind.CATEGORY if is_labels else Kind.NUMBER,
            role=Role.TARGET,
            shape=(len(cells),),
            classes=names if is_labels else None,
        )
        return label, np.ascontiguousarray(values), ""
    ((place, only),) = cells.items()
    name = records.names[place]
    between = known.get("between", "") if known else ""
    if not known and target_kind is None and task in (None, "multilabel"):
        between = labels_between(only, asked=task == "multilabel", marks=(*MARKS, SPACE))
    if between:
        return *several_labels(name, only, between, known.get("classes"), report), between
    kind = target_kind or ("number" if task == "regression" else known.get("kind"))
    return *_one_target(name, only, kind, known.get("classes")), ""


def _one_target(
    name: str, cells: Sequence[str], target_kind: str | None, known: Sequence[str] | None = None
) -> tuple[Column, np.ndarray]:
    """Classes, those that are known first, or numbers where they are too many or have fractions."""
    numbers = np.array([_number(cell) for cell in cells], dtype=np.float64)
    present = numbers[~np.isnan(numbers)]
    are_numbers = len(present) == sum(cell != "" for cell in cells) and len(present) > 0
    whole = are_numbers and bool((present == np.rint(present)).all())
    num = len(np.unique(present))
    if target_kind == "number" or (
        are_numbers and target_kind != "category" and not (whole and num <= max(_NUMBER_CLASSES, len(cells) // 5))
    ):
        if not are_numbers:
            raise DataError(f"The column {name!r} holds {cells[0]!r} and is no number; leave target_kind out.")
        return Column(name=name, kind=Kind.NUMBER, role=Role.TARGET), numbers
    classes = sorted(set(cells) - {""}, key=lambda c: (not c.isdigit(), int(c) if c.isdigit() else 0, c))
    if known is not None:
        classes = [*known, *(label for label in classes if label not in set(known))]
    codes = {label: code for code, label in enumerate(classes)}
    values = np.array([codes.get(cell, -1) for cell in cells], dtype=np.int64)
    return Column(name=name, kind=Kind.CATEGORY, role=Role.TARGET, classes=tuple(classes)), values


def _named_column(records: Records, found: FileTable, name: str | None) -> int | None:
    """The place of a column; None where none is named.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name is not None and name not in records.names:
        raise UnknownNameError(f"column of {found.file}", name, records.names)
    return None if name is None else list(records.names).index(name)


def _targets(records: Records, found: FileTable, others: Collection[int | None], target: str | None) -> list[int]:
    """The columns to be predicted."""
    names = list(records.names)
    if target is not None:
        wanted = [target] if target in names else [part.strip() for part in target.split(",")]
        for each in wanted:
            if each not in names:
                raise UnknownNameError(f"column of {found.file}", each, names)
        return [names.index(each) for each in wanted]
    usable = []
    for i, cells in enumerate(records.columns):
        different = set(cells) - {""}
        if i in found.file_columns or i in others or len(different) < 2 or not names[i].strip():
            continue
        # A number or a string of its own for every file is a name of it.
        if len(different) == len(cells) and not all(not np.isnan(_number(c)) and "." in c for c in cells):
            continue
        usable.append(i)
    by_name = [i for n in (*LABEL_NAMES, *TARGET_NAMES) for i in usable if names[i].lower() == n]
    if by_name or len(usable) == 1:
        return [(by_name or usable)[0]]
    if len(usable) > 1 and all(set(records.columns[i]) <= {"0", "1", "0.0", "1.0"} for i in usable):
        return usable
    ways = " or ".join(f"--target {names[i]}" for i in usable[:2]) or "--target COLUMN"
    listed = ", ".join(names[i] for i in usable[:SHOWN]) or "none"
    if len(usable) > _MOST_NUMBERS and all(not np.isnan(_number(records.columns[i][0])) for i in usable):
        raise DataError(
            f"{found.file} lists {found.kind.plural} with {len(usable):,} numbers for each. Where they are x and "
            f"y of points in each picture, name the task: --task landmarks. One of the numbers can be learned: {ways}."
        )
    raise DataError(
        f"{found.file} lists the {found.kind.plural} of {found.source.name}; which of its columns is to be predicted "
        f"cannot be told ({listed}). Name it: {ways}; several at once have commas between them."
    )


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
