"""Class folders of files of one kind, in a folder, a zip or a tar, with or without train, val and test above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.cells.values import alike_but_for_capitals
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Rows, Table
from derin.readers.file_kinds import FileKind
from derin.readers.listing import FOLDERS, Entry, Listing, shown

LABEL = "label"


class StoredFiles(Protocol):
    """Files that were read.

    Attributes:
        data: one row for each file that could be read.
        column: what it means.
        entries: the file of each row.
        listing: what was found in the source.
        findings: what was noticed in the files.
        notes: sentences about the whole.
        found: what they decided and others follow, by subject of a recipe.
    """

    @property
    def data(self) -> ColumnData: ...
    @property
    def column(self) -> Column: ...
    @property
    def entries(self) -> Sequence[Entry]: ...
    @property
    def listing(self) -> Listing: ...
    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def found(self) -> Mapping[str, Any]: ...


def class_folder_table(
    stored: StoredFiles, path: Path, *, kind: FileKind, name: str, classes: str, follows: bool
) -> Table:
    """The table of files whose folders say their classes.

    Args:
        stored: the files.
        path: of the source.
        kind: of the files.
        name: of the table.
        classes: which folders are classes, as `CLASS_FOLDERS` has it.
        follows: whether other data decided how these are read: then they may hold a part of its classes.

    Raises:
        DataError: fewer than two classes.
    """
    report = DataReport(source=str(path))
    report.extend(stored.listing.findings)
    report.extend(stored.findings)
    report.extend(_class_findings(stored.listing, stored.entries))
    report.notes += [*stored.listing.notes, *stored.notes]
    present = {entry.class_name for entry in stored.entries}
    names = tuple(c for c in stored.listing.class_names if c in present)
    if len(names) < 2 and not (names and follows):
        raise DataError(
            f"{path}: at least two classes with {kind.plural} are required; got {len(names)} ({', '.join(names)}). "
            f"Put the {kind.plural} of each class into a folder of their own, or a csv file with their names and "
            "labels beside them."
        )
    if alike := alike_but_for_capitals(names):
        report.notes.append(Message("reading.of_column", column=LABEL, note=alike))
    number = {c: n for n, c in enumerate(names)}
    labels = np.array([number[entry.class_name] for entry in stored.entries], dtype=np.int64)
    report.counts = _counts(stored.entries)
    schema = Schema(
        (
            stored.column,
            Column(
                name=LABEL, kind=Kind.CATEGORY, role=Role.TARGET, classes=names, note=Message("reading.from_folders")
            ),
        )
    )
    columns: dict[str, ColumnData] = {stored.column.name: stored.data, LABEL: Dense(labels)}
    row_names = [shown(entry.member.path) for entry in stored.entries]
    recipe = ReadingRecipe(found={**stored.found, FOLDERS: {"classes": classes}})
    splits = _splits(stored.entries)
    return Table(
        name=name, schema=schema, columns=columns, splits=splits, report=report, row_names=row_names, recipe=recipe
    )


def _splits(entries: Sequence[Entry]) -> dict[str, Rows]:
    """Rows of each split; a table is split altogether or not at all."""
    named = np.array([entry.split or "" for entry in entries])
    return {split: np.flatnonzero(named == split).astype(np.int64) for split in SPLITS if (named == split).any()}


def _counts(entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        counts.setdefault(entry.split or "all", Counter())[entry.class_name] += 1
    return {split: dict(counter) for split, counter in counts.items()}


def _class_findings(listing: Listing, entries: Sequence[Entry]) -> list[Finding]:
    """Classes without pictures, and those that one split alone knows."""
    where: dict[str, set[str]] = {name: set() for name in listing.class_names}
    listed = {entry.class_name for entry in listing.entries}
    for entry in entries:
        where[entry.class_name].add(entry.split or "")
    splits = set().union(*where.values())
    found = []
    for name, present in where.items():
        if not present:
            reason = Message("reading.class_unreadable" if name in listed else "reading.class_empty")
            found.append(Finding(name, Outcome.SKIPPED, reason))
        elif len(present) == 1 and len(splits) > 1:
            found.append(Finding(name, Outcome.NOTED, Message("reading.class_in_one_split", split=min(present))))
    return found
