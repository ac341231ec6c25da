"""Texts with labels on their way from files to a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.cells.values import natural_order
from derin.data.cells.writing import Writing
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Ragged, Table

# Labels that hardly repeat are not classes.
_FEW_ROWS = 10


@dataclass
class Texts:
    """Texts, their labels, names and splits, one of each per row, and the report that grows with them.

    A row without a text or without a label is skipped and listed.

    Args:
        missing: the words, in small letters, that mean "no label" on lines; None takes the usual ones.
    """

    report: DataReport
    missing: tuple[str, ...] | None = None
    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)

    def add(self, text: str, label: str, name: str, split: str) -> None:
        """One text, whose label is the name of a file or folder: whatever it is, it means no gap."""
        if not text:
            self.report.add(name, Outcome.SKIPPED, Message("reading.text_empty"))
        elif not label:
            self.report.add(name, Outcome.SKIPPED, Message("reading.label_missing"))
        else:
            self.texts.append(text)
            self.labels.append(label)
            self.names.append(name)
            self.splits.append(split)

    def add_lines(
        self, file: str, lines: Iterable[int], texts: Sequence[str], labels: Sequence[str], split: str, *, named: bool
    ) -> None:
        """The texts on the lines of one file.

        Args:
            file: its name.
            lines: the number of the line of each text.
            texts: without spaces around them.
            labels: of the texts.
            split: of the file, or empty.
            named: whether the rows are named after the file as well as the line.
        """
        empty, unlabelled = [], []
        means_missing = Writing(missing=self.missing).means_missing
        for line, text, label in zip(lines, texts, labels, strict=True):
            if not text:
                empty.append(line)
            elif means_missing(label):
                unlabelled.append(line)
            else:
                self.texts.append(text)
                self.labels.append(label)
                self.names.append(f"{file} line {line}" if named else f"line {line}")
                self.splits.append(split)
        self.report.extend(line_findings(file, empty, Outcome.SKIPPED, Message("reading.text_empty")))
        self.report.extend(line_findings(file, unlabelled, Outcome.SKIPPED, Message("reading.label_missing")))

    def table(self, name: str, note: str) -> Table:
        """The table with the columns ``text`` and ``label``.

        Args:
            name: of the data.
            note: how the labels were found, for people.
        """
        classes = sorted(set(self.labels), key=lambda c: (natural_order(c), c))
        if not self.texts:
            raise DataError(f"{name}: at least one text with a label is required; none is there.")
        if len(self.texts) > _FEW_ROWS and 2 * len(classes) > len(self.texts):
            raise DataError(
                f"{name}: labels must repeat to be classes; got {len(classes):,} different for {len(self.texts):,} "
                f"texts ({', '.join(map(repr, classes[:3]))}, …). Name the column with the labels: target=…"
            )
        place = {label: i for i, label in enumerate(classes)}
        codes = np.fromiter((place[label] for label in self.labels), dtype=np.int64, count=len(self.labels))
        given = np.asarray(self.splits)
        splits = {split: rows for split in SPLITS if len(rows := np.flatnonzero(given == split))}
        schema = Schema(
            (
                Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,), note="UTF-8"),
                Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=tuple(classes), note=note),
            )
        )
        columns: dict[str, ColumnData] = {"text": Ragged.from_texts(self.texts), "label": Dense(codes)}
        return Table(name=name, schema=schema, columns=columns, splits=splits, report=self.report, row_names=self.names)
