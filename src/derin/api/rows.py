"""Answers to the rows of a file: one for each, in their order, and what had to be said of them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.core.errors import DataError, DerinWarning
from derin.core.files import usable_path
from derin.core.messages import Message, localize
from derin.data.report import Outcome
from derin.data.schema import Role
from derin.data.table import Table
from derin.tasks.prediction import NoAnswer

if TYPE_CHECKING:
    from derin.api.model import Model

_PLACES_SHOWN = 3


@dataclass(frozen=True)
class AnsweredRows:
    """The answers to the rows of a file.

    Args:
        names: where each row stands, as ``file:line``.
        answers: one for each row; a `NoAnswer` where the row could not be read.
        identifiers: the cells of columns that name the rows, by the name of the column.
        notes: what is to be known: rows without an answer, cells that count as missing, values that are new.
    """

    names: Sequence[str]
    answers: Sequence[Any]
    identifiers: Mapping[str, Sequence[str]]
    notes: Sequence[str]

    def warn(self) -> None:
        """Tells the notes where Python tells warnings."""
        for note in self.notes:
            warnings.warn(localize(note), DerinWarning, stacklevel=3)


def answer_rows(model: Model, path: str | Path, *, batch_size: int = 256) -> AnsweredRows:
    """What a network says about each row of a table in a file, which is read as the training data was.

    Args:
        model: whose preparation reads features.
        path: of a csv, JSON lines, Excel, Parquet or array file; it may hold answers too, which are not looked at.
        batch_size: rows per forward pass.

    Raises:
        DataError: the file cannot be read, or lacks columns that the network was trained on.
    """
    table = _read(model, usable_path(path, "The data"))
    features, unseen = model.preparation.read_noting(table)
    answers = model.row_predictions(np.asarray(features), batch_size=batch_size)
    fields = next((tuple(a.to_json()) for row, a in enumerate(answers) if row not in table.unanswered), ())
    for row, reason in table.unanswered.items():
        answers[row] = NoAnswer(reason, fields)
    names = list(table.row_names or ())
    return AnsweredRows(names, answers, _identifiers(table), [*notes_of(table), *unseen])


def _read(model: Model, path: Path) -> Table:
    from derin.api.load import load, read_inputs
    from derin.readers.arrays import is_array_file
    from derin.readers.csv_table import read_csv
    from derin.readers.table_recipe import SUBJECT

    if not path.is_file():
        raise DataError(f"{path}: a table with the columns that the network reads is required; there is no such file.")
    if is_array_file(path):
        arrays = load(path, recipe=model.recipe, cut=False)
        return replace(arrays, row_names=[f"{path.name}:{row}" for row in range(1, len(arrays) + 1)])
    if model.recipe.part(SUBJECT):
        return read_inputs(path, model.recipe)
    # The network was trained on arrays, or before it was kept how tables are read: their columns have kinds at least.
    kinds = {encoder.name: encoder.kind for encoder in model.preparation.input.encoders}  # type: ignore[attr-defined]
    return read_csv(path, name=path.name, kinds=kinds, required=tuple(kinds), inputs_only=True)


def _identifiers(table: Table) -> dict[str, list[str]]:
    """The cells of the columns that name the rows."""
    from derin.data.cells.raw_column import TableColumn

    found = {}
    for column in table.schema.with_role(Role.ID):
        found[column.name] = TableColumn(column, table.columns[column.name]).texts()
    return found


def notes_of(table: Table) -> list[str]:
    """Sentences about the file, its broken rows, and cells that do not fit their column."""
    notes: list[str] = [note for note in table.report.notes if isinstance(note, Message)]
    by_reason: dict[str, list[int]] = {}
    for row, reason in sorted(table.unanswered.items()):
        by_reason.setdefault(reason, []).append(row)
    names = table.row_names or ()
    for reason, rows in by_reason.items():
        places = ", ".join(names[row] for row in rows[:_PLACES_SHOWN]) + (", …" if len(rows) > _PLACES_SHOWN else "")
        notes.append(Message("predict.rows_unanswered", count=len(rows), reason=reason, places=places))
    often: Counter[str] = Counter()
    places_of: dict[str, list[str]] = {}
    for finding in table.report.findings:
        if finding.outcome is Outcome.CONVERTED or getattr(finding.reason, "key", "") == "reading.empty_lines":
            often[finding.reason] += finding.count
            places_of.setdefault(finding.reason, []).append(finding.where)
    for reason, number in often.items():
        listed = places_of[reason]
        places = ", ".join(listed[:_PLACES_SHOWN]) + (", …" if len(listed) > _PLACES_SHOWN else "")
        notes.append(Message("predict.found", count=number, reason=reason, places=places))
    return notes
