"""Sentence pairs: lines of two languages with a tab between them, or two parallel files, as a table of texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.recipe import ReadingRecipe, ReadOptions
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Ragged, Table
from derin.readers.decoding import check_encoding, lines_of, read_text
from derin.readers.file_names import file_ending, visible_files
from derin.readers.input_tables import table_of_inputs
from derin.readers.pair_files import (
    TABLE_ENDINGS,
    choose_direction,
    choose_splits,
    choose_tables,
    parallel_files,
    partners,
    usual_order,
)

# Names of the sides of a file that tells no languages.
SIDES = ("source", "target")
_CODE = re.compile("[a-z]{2}")
_SAMPLE = 1000
# The share of lines with a tab from which on a file counts as pairs.
_PAIRED = 0.9


def read_pairs(
    path: str | Path | Sequence[str | Path],
    *,
    name: str,
    source: str | None = None,
    target: str | None = None,
    languages: Sequence[str] | None = None,
    encoding: str | None = None,
    options: ReadOptions | None = None,
) -> Table:
    """Pairs of sentences from a file of lines with tabs, from two parallel files, or from a folder of either.

    Parallel files have one name and a language as their ending: ``train.en`` and ``train.de``; where one is named, its
    partner is looked for beside it. Files named train, val or test (``test_2016_flickr.de``) are splits. Of lines with
    tabs the first two columns are read; a first line that holds two languages (``en<TAB>tr``) names them.

    The direction is from the first column of a tab-separated file to its second. For parallel files it is the order of
    the languages in the folder's name (``multi30k_en_de``), else from English, else alphabetical. What was chosen
    stands in the notes, and `source` and `target` choose it themselves.

    Args:
        path: of a file, of a folder, or of several files.
        name: of the data, for people.
        source: the language that is translated from, as an ending or a column's name (``"de"``).
        target: the language that is translated to.
        languages: of the two columns of tab-separated files that do not say them.
        encoding: of all files, a name that Python knows; None finds it out for each.
        options: how other data was read, whose part ``"pairs"`` is followed: ``encoding``, ``languages`` (of the two
            columns, in their order), ``source`` and ``target``; and whether texts are read to be translated: then each
            line is a text, or its source where the lines are pairs, and empty ones stay.

    Shapes:
        two ragged columns of UTF-8, one with the role input, one with the role target.

    Raises:
        DataError: there are no pairs, or parallel files have unequal numbers of lines.
        UnknownNameError: a language that was asked for is not there.
        UsageError: there is no such encoding, or both languages are one.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "pairs.txt").write_text("en\\tfr\\ngood day\\tbonjour\\nthanks\\tmerci\\n")
        ...     table = read_pairs(Path(folder) / "pairs.txt", name="pairs")
        >>> [(column.name, column.role.value) for column in table.schema]
        [('en', 'input'), ('fr', 'target')]
        >>> table.columns["fr"].texts()
        ['bonjour', 'merci']
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
    report = DataReport(source=", ".join(map(str, paths)))
    for each in paths:
        if not each.exists():
            raise DataError(f"{each} does not exist; a file or folder with sentence pairs is required.")
    files = [file for each in paths for file in (visible_files(each) if each.is_dir() else [each])]
    found = parallel_files(files)
    if not found and len(files) == 1:
        found = parallel_files(partners(files[0]))
    options = options or ReadOptions()
    known = options.part("pairs")
    likely = encoding or known.get("encoding")
    if source is None and target is None:
        source, target = known.get("source"), known.get("target")
    usual_languages = tuple(known.get("languages") or SIDES)
    check_encoding(encoding, "read_pairs")
    if options.inputs_only:
        return _inputs(paths, name, report, likely, languages or usual_languages, source or SIDES[0])
    pairs = _Pairs(report, encoding, likely)
    if found:
        languages_there = sorted({language for by in found.values() for language in by})
        usual, why = usual_order(languages_there, paths[0], name)
        direction, asked = choose_direction(usual, source, target)
        columns = direction
        chosen = choose_splits(found, direction, report)
        for split, by_language in chosen.items():
            pairs.add_parallel(by_language[direction[0]], by_language[direction[1]], split, named=len(chosen) > 1)
    else:
        tables = choose_tables(files, paths[0], report)
        columns = _columns(next(iter(tables.values())), languages, usual_languages, report, encoding)
        why = Message("reading.first_column_first")
        direction, asked = choose_direction(columns, source, target)
        for split, file in tables.items():
            pairs.add_table(file, split, columns, turned=direction != columns, named=len(tables) > 1)
    why = Message("reading.as_asked") if asked else why
    report.notes.append(Message("reading.direction", source=direction[0], target=direction[1], why=why))
    part = {"languages": list(columns), "source": direction[0], "target": direction[1], "encoding": pairs.found}
    return replace(pairs.table(name, direction), recipe=ReadingRecipe(found={"pairs": part}))


def _inputs(
    paths: Sequence[Path],
    name: str,
    report: DataReport,
    likely: str | None,
    languages: Sequence[str],
    source: str,
) -> Table:
    """A text for each line: the side that is translated, where the lines are pairs; else the whole line."""
    pairs = _Pairs(report, None, likely)
    texts: list[str] = []
    names: list[str] = []
    for path in paths:
        if path.is_dir():
            raise DataError(f"{path} is a folder; name the files with the texts to translate.")
        lines = pairs.lines(path)
        first = 1
        if _are_pairs(lines) and file_ending(path) in TABLE_ENDINGS:
            columns = _header(lines[0])
            first += columns is not None
            order = tuple(columns or languages)
            side = order.index(source) if source in order else 0
            cells = [line.split("\t") for line in lines[first - 1 :]]
            lines = [row[side] if side < len(row) else "" for row in cells]
            report.notes.append(Message("reading.source_side", file=path.name, column=side + 1))
        for number, line in enumerate(lines, start=first):
            text = unicodedata.normalize("NFC", line).strip()
            texts.append(text)
            names.append(f"{path.name} line {number}" if len(paths) > 1 else f"line {number}")
    if not texts:
        raise DataError(f"{paths[0]}: a text in each line is required; the file is empty.")
    empty = Message("reading.text_empty")
    unanswered = {row: empty for row, text in enumerate(texts) if not text}
    return table_of_inputs(name, source, texts, row_names=names, unanswered=unanswered, report=report)


def _are_pairs(lines: Sequence[str]) -> bool:
    filled = [line for line in lines[:_SAMPLE] if line.strip()]
    return bool(filled) and sum("\t" in line for line in filled) >= _PAIRED * len(filled)


def looks_like_pairs(path: Path) -> bool:
    """Whether a file or folder holds sentence pairs: parallel files, or lines with one tab; reads one file's start."""
    if path.is_dir():
        return bool(parallel_files(visible_files(path)))
    if parallel_files(partners(path)):
        return True
    if file_ending(path) not in TABLE_ENDINGS:
        return False
    return _are_pairs(lines_of(read_text(path).text))


@dataclass
class _Pairs:
    """Pairs on their way to a table, the report that grows with them, and the encoding that was found first."""

    report: DataReport
    encoding: str | None = None
    likely: str | None = None
    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    found: str | None = None

    def add_parallel(self, source: Path, target: Path, split: str, *, named: bool) -> None:
        """The lines of two files, each with the other's of the same number."""
        left, right = self.lines(source), self.lines(target)
        if len(left) != len(right):
            raise DataError(
                f"{source.name} and {target.name}: parallel files need equal numbers of lines; got {len(left):,} and "
                f"{len(right):,}. Give each line its partner, an empty one where there is none."
            )
        self._add(
            left,
            right,
            source.name.removesuffix(".gz").rpartition(".")[0] if named else "",
            f"{source.name} and {target.name}",
            1,
            split,
        )

    def add_table(self, file: Path, split: str, languages: tuple[str, str], *, turned: bool, named: bool) -> None:
        """The first two columns of a tab-separated file."""
        lines = self.lines(file)
        has_header = bool(lines) and _header(lines[0]) is not None
        cells = [line.split("\t") for line in lines[has_header:]]
        first = 1 + has_header
        wanting = [i for i, row in enumerate(cells, start=first) if len(row) < 2 and any(cell.strip() for cell in row)]
        if len(wanting) == len(cells):
            raise DataError(
                f"{file}: sentence pairs with a tab between the two languages are required; no line has a tab."
            )
        self.report.extend(line_findings(file.name, wanting, Outcome.SKIPPED, Message("reading.no_tab")))
        extra = sum(len(row) > 2 for row in cells)
        if extra:
            self.report.notes.append(
                Message("reading.more_columns", file=file.name, count=extra, first=languages[0], second=languages[1])
            )
        left = [row[0] if len(row) > 1 else "" for row in cells]
        right = [row[1] if len(row) > 1 else "" for row in cells]
        if turned:
            left, right = right, left
        self._add(left, right, file.name if named else "", file.name, first, split, already=set(wanting))

    def lines(self, file: Path) -> list[str]:
        """The lines of a file; what cannot be decoded is reported."""
        decoded = read_text(file, self.encoding, self.likely)
        if decoded.note:
            self.report.notes.append(decoded.note)
        replaced = Message("reading.no_text_bytes")
        self.report.extend(line_findings(file.name, decoded.broken_lines, Outcome.CONVERTED, replaced))
        self.found = self.found or decoded.encoding
        return lines_of(decoded.text)

    def _add(
        self,
        left: list[str],
        right: list[str],
        prefix: str,
        where: str,
        first: int,
        split: str,
        already: set[int] | None = None,
    ) -> None:
        """The pairs with two sides; the others are listed."""
        empty: dict[str, list[int]] = {}
        composed = False
        for number, (a, b) in enumerate(zip(left, right, strict=True), start=first):
            if already and number in already:
                continue
            source, target = (unicodedata.normalize("NFC", text).strip() for text in (a, b))
            if not source or not target:
                which = "both_empty" if not source and not target else "source_empty" if not source else "target_empty"
                empty.setdefault(which, []).append(number)
                continue
            composed = composed or (source, target) != (a.strip(), b.strip())
            self.sources.append(source)
            self.targets.append(target)
            self.names.append(f"{prefix} line {number}".strip())
            self.splits.append(split)
        for which, numbers in empty.items():
            self.report.extend(line_findings(where, numbers, Outcome.SKIPPED, Message(f"reading.{which}")))
        if composed:
            self.report.notes.append(Message("reading.composed", file=where))

    def table(self, name: str, languages: tuple[str, str]) -> Table:
        if not self.sources:
            raise DataError(f"{name}: at least one pair with a text on both sides is required; none is there.")
        given = np.asarray(self.splits)
        splits = {split: rows for split in SPLITS if len(rows := np.flatnonzero(given == split))}
        roles = (Role.INPUT, Role.TARGET)
        schema = Schema(
            tuple(
                Column(name=language, kind=Kind.TEXT, role=role, shape=(-1,), note="UTF-8")
                for language, role in zip(languages, roles)
            )
        )
        columns: dict[str, ColumnData] = {
            languages[0]: Ragged.from_texts(self.sources),
            languages[1]: Ragged.from_texts(self.targets),
        }
        return Table(name=name, schema=schema, columns=columns, splits=splits, report=self.report, row_names=self.names)


def _columns(
    file: Path, languages: Sequence[str] | None, usual: Sequence[str], report: DataReport, encoding: str | None
) -> tuple[str, str]:
    """Names of the two columns: given, told by the first line, or the usual ones."""
    if languages is not None:
        if len(languages) != 2 or languages[0] == languages[1]:
            raise UsageError(f"Two languages are required to name two columns; got {list(languages)}.")
        return languages[0], languages[1]
    header = _header(next(iter(lines_of(read_text(file, encoding).text)), ""))
    if header is not None:
        report.notes.append(Message("reading.first_line_names", file=file.name, first=header[0], second=header[1]))
    return header or (usual[0], usual[1])


def _header(line: str) -> tuple[str, str] | None:
    """The two languages that a first line names, None where it is a pair of sentences."""
    cells = [cell.strip() for cell in line.split("\t")[:2]]
    if len(cells) < 2 or cells[0] == cells[1]:
        return None
    known = all(_CODE.fullmatch(cell) for cell in cells) or tuple(cell.casefold() for cell in cells) == SIDES
    return (cells[0], cells[1]) if known else None
