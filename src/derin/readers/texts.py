"""Texts with labels on their way from files to a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.cells.packed import PackedColumn, joined, picked
from derin.data.cells.values import alike_but_for_capitals, natural_order
from derin.data.cells.writing import Writing
from derin.data.line_findings import LineNames, line_findings
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Ragged, Rows, Table
from derin.readers.cell_labels import several_labels

# Labels that hardly repeat are not classes.
_FEW_ROWS = 10


@dataclass(frozen=True)
class _Part:
    """The texts on the lines of one file: packed where they came so, with the places of their labels among the
    different ones."""

    texts: Sequence[str]
    labels: Sequence[str]
    codes: Rows
    lines: Rows
    file: str
    split: str

    def used(self) -> list[str]:
        """The labels that occur."""
        return [self.labels[code] for code in np.unique(self.codes).tolist()]

    def codes_in(self, place: Mapping[str, int]) -> Rows:
        """The place of each text's label among all classes."""
        # Of a label that does not occur no place is looked for.
        return np.array([*(place.get(label, -1) for label in self.labels), -1], dtype=np.int64)[self.codes]


def _different(labels: Sequence[str]) -> tuple[list[str], Rows]:
    """The different labels, in the order in which they come first, and the place of each label among them."""
    if isinstance(labels, PackedColumn):
        found, codes = labels.distinct()
        return list(found), np.arange(len(labels)) if codes is None else codes
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(label, len(place)) for label in labels), dtype=np.int64, count=len(labels))
    return list(place), codes


@dataclass
class Texts:
    """Texts, their labels, names and splits, one of each per row, and the report that grows with them.

    A row without a text or without a label is skipped and listed.

    Args:
        missing: the words, in small letters, that mean "no label" on lines; None takes the usual ones.
        label: the column that the labels come from.
        between: what stands between several labels of a text; empty where each has one.
        known: the labels of other data, whose places are kept where a text has several.
    """

    report: DataReport
    missing: tuple[str, ...] | None = None
    label: str = "label"
    between: str = ""
    known: Sequence[str] | None = None
    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

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
        numbers = np.asarray(lines, dtype=np.int64)
        different, codes = _different(labels)
        is_empty = (
            texts.lengths() == 0
            if isinstance(texts, PackedColumn)
            else np.fromiter((not text for text in texts), dtype=bool, count=len(texts))
        )
        means_missing = Writing(missing=self.missing).means_missing
        is_unlabelled = np.array([means_missing(label) for label in different], dtype=bool)[codes] & ~is_empty
        keep = np.flatnonzero(~is_empty & ~is_unlabelled)
        kept = codes[keep]
        self.parts.append(_Part(picked(texts, keep), different, kept, numbers[keep], file if named else "", split))
        for rows, key in ((is_empty, "reading.text_empty"), (is_unlabelled, "reading.label_missing")):
            self.report.extend(line_findings(file, numbers[rows].tolist(), Outcome.SKIPPED, Message(key)))

    def used(self) -> set[str]:
        """The labels that occur, each as it stands in its cell."""
        return {label for part in self.parts for label in part.used()} if self.parts else set(self.labels)

    def table(self, name: str, note: str) -> Table:
        """The table with the columns ``text`` and ``label``.

        Args:
            name: of the data.
            note: how the labels were found, for people.

        Shapes:
            text ragged; label ``(N,)`` int64, of several labels ``(N, labels)`` float32.
        """
        texts = joined([part.texts for part in self.parts]) if self.parts else self.texts
        classes = sorted(self.used(), key=lambda c: (natural_order(c), c))
        if not len(texts):
            raise DataError(f"{name}: at least one text with a label is required; none is there.")
        if not self.between and len(texts) > _FEW_ROWS and 2 * len(classes) > len(texts):
            raise DataError(
                f"{name}: labels must repeat to be classes; got {len(classes):,} different for {len(texts):,} "
                f"texts ({', '.join(map(repr, classes[:3]))}, …). Name the column with the labels: target=…"
            )
        place = {label: i for i, label in enumerate(classes)}
        names: Sequence[str] = self.names
        if self.parts:
            codes = np.concatenate([part.codes_in(place) for part in self.parts])
            sizes = [len(part.codes) for part in self.parts]
            given = np.repeat([part.split for part in self.parts], sizes)
            of_row = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
            files = [part.file for part in self.parts]
            lines = np.concatenate([part.lines for part in self.parts])
            names = LineNames(lines, files, of_row) if any(files) else LineNames(lines)
        else:
            codes = np.fromiter((place[label] for label in self.labels), dtype=np.int64, count=len(self.labels))
            given = np.asarray(self.splits)
        splits = {split: rows for split in SPLITS if len(rows := np.flatnonzero(given == split))}
        label = Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=tuple(classes), note=note)
        values: npt.NDArray[Any] = codes
        if alike := alike_but_for_capitals(classes):
            self.report.notes.append(Message("reading.of_column", column=self.label, note=alike))
        if self.between:
            label, of_cells = several_labels(self.label, classes, self.between, self.known, self.report)
            label, values = replace(label, name="label", note=note), of_cells[codes]
        text = Column(name="text", kind=Kind.TEXT, role=Role.INPUT, shape=(-1,), note="UTF-8")
        columns: dict[str, ColumnData] = {"text": Ragged.from_texts(texts), "label": Dense(values)}
        schema = Schema((text, label))
        return Table(name=name, schema=schema, columns=columns, splits=splits, report=self.report, row_names=names)
