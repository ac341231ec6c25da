"""Delimited text (csv, tsv and their relatives) as columns of cells: delimiter, header, quotes and broken lines are
found out.

Source: Y. Shafranovich, "Common format and MIME type for CSV files", RFC 4180, 2005; what people write beside it is
    read too.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.cells.dates import looks_like_date
from derin.data.cells.numbers import looks_like_number, looks_measured
from derin.data.cells.packed import Block, PackedRecords, Places
from derin.data.cells.writing import is_missing
from derin.data.line_findings import line_findings
from derin.data.report import Finding, Outcome
from derin.data.table import Rows
from derin.readers.cell_cutting import Piece, cut_piece
from derin.readers.column_names import COMMON_NAMES
from derin.readers.csv_parser import LONGEST_CELL, csv_parser
from derin.readers.decoding import Utf8, as_utf8, read_bytes
from derin.readers.lines_above import MOST_LINES_ABOVE, num_lines_above
from derin.readers.spaced import SPACES, num_spaced_fields, spaces_to_tabs

# In the order in which a draw is decided: who writes tabs or semicolons has commas in the text, seldom the other way
# round.
DELIMITERS = ("\t", ";", ",", "|")
_SAMPLE_CHARACTERS = 1 << 16
_SAMPLE_ROWS = 200
_IDENTIFIER = re.compile(r"[^\W\d][\w.-]{0,29}")
_ENOUGH_PER_VALUE = 5
_DELIMITER_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# A line of our own after the last one: where it is swallowed, a quote was never closed.
_END = "\0end"
# Bytes that are read record by record where a piece leaves a doubt.
_CAREFUL_BYTES = 1 << 18
# Bytes that are cut into lines at a time, and characters that a line may have: of a longer one, many times its size
# would be taken, and it is hardly a record.
_PIECE_BYTES = 1 << 16
_LONGEST_LINE = LONGEST_CELL


@dataclass
class Records:
    """The cells of a file, by column.

    Args:
        file: its name, for messages.
        names: of the columns.
        columns: the cells of each column, without spaces around them.
        lines: the line (from 1) on which each record begins.
        delimiter: between the cells.
        has_header: whether the names come from the file.
        notes: sentences about the file as a whole.
        findings: lines that were skipped or changed.
        encoding: of the file.
        is_unnamed: whether the header gives the first column no name, as an index that was saved with the table.
        faults: records that could not be cut into fields, by their place, and why; their cells are empty.
        typed: columns whose values were numbers before they became cells, and have a decimal point in them.
        is_text: whether the cells were cut out of text, by a delimiter.
    """

    file: str
    names: tuple[str, ...]
    columns: Sequence[Sequence[str]]
    lines: Rows
    delimiter: str
    has_header: bool
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    encoding: str = "utf-8"
    is_unnamed: bool = False
    faults: dict[int, str] = field(default_factory=dict)
    typed: frozenset[str] = frozenset()
    is_text: bool = True


def read_records(
    path: Path,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    likely: str | None = None,
    wanted: Collection[str] = (),
    every_row: bool = False,
) -> Records:
    """The records of a file; broken lines are skipped and listed.

    Args:
        path: of a csv, tsv or the like, gzipped or not.
        delimiter: one character, a space for any number of spaces and tabs; None finds it out.
        header: whether the first record holds the names; None finds it out.
        encoding: of the text; None finds it out.
        likely: the encoding where the bytes leave open which of several 8-bit ones it is.
        wanted: names that are looked for: a first record that holds them all is a header.
        every_row: whether broken lines stay in their place, as records of empty cells whose faults are told.

    Raises:
        DataError: the file cannot be read, is no text, or holds no record.
    """
    found = as_utf8(read_bytes(path), path.name, encoding, likely)
    return _records(found, path, delimiter, header, wanted, every_row)


def _records(
    found: Utf8,
    path: Path,
    delimiter: str | None,
    header: bool | None,
    wanted: Collection[str] = (),
    every_row: bool = False,
) -> Records:
    notes = [found.note] if found.note else []
    start, first_line = found.start, 1
    # A character has at most four bytes.
    beginning = found.data[start : start + 4 * _SAMPLE_CHARACTERS + 4].decode("utf-8", "replace")
    if announced := _DELIMITER_LINE.match(beginning):
        # Excel writes the delimiter above the table.
        delimiter, first_line = delimiter or announced[1], 2
        start += len(announced[0].encode())
        beginning = beginning[announced.end() :]
    if delimiter is None:
        prefers_tab = path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
        delimiter = sniff_delimiter(beginning, prefers_tab=prefers_tab)
    broken_lines, file_encoding = found.broken_lines, found.encoding
    data = found.data
    if delimiter == SPACES:
        data, start = spaces_to_tabs(data[start:]), 0
    source = _Lines(data, start, path.name, first_line)
    del found, data
    between = "\t" if delimiter == SPACES else delimiter
    rows, lines, findings, unclosed = _parse(source, between, path.name, first_line, every_row)
    del source
    replaced = Message("reading.no_text_bytes")
    findings += line_findings(path.name, broken_lines, Outcome.CONVERTED, replaced)
    if not len(rows):
        raise DataError(f"{path}: at least one line of data is required; the file is empty.")
    num_fields = _most_common(rows.lengths)
    head = rows.head(_SAMPLE_ROWS + MOST_LINES_ABOVE + 1)
    if above := num_lines_above(head, num_fields, header_test(header, wanted)):
        notes.append(Message("reading.lines_above", file=path.name, count=above))
        rows, lines, head = rows.keep(slice(above, None)), lines[above:], head[above:]
    first, *below = head[: _SAMPLE_ROWS + 1]
    if wanted and set(wanted) <= set(first):
        header = True
        if num_fields != len(first) + 1:
            # Most lines may be broken; the names that are looked for are not.
            num_fields = len(first)
    if header is None:
        header = has_header(first, [row for row in below if len(row) == num_fields])
    is_unnamed = header and (not first[0] or len(first) + 1 == num_fields)
    names, rows, lines = _names(rows, lines, num_fields, header, path.name, notes)
    rows, lines, ragged, faults = _even(rows, lines, len(names), path.name, every_row)
    if every_row and unclosed:
        rows, lines, faults = _with_unclosed(rows, lines, faults, unclosed, len(names))
    if not len(rows):
        raise DataError(f"{path}: at least one line of data below the header is required; got none.")
    columns = rows.columns(len(names))
    # Where a column of spaces stands at the end there is no name for it, and the first one keeps its own.
    is_unnamed = is_unnamed and names[0] == "column_1"
    return Records(
        path.name,
        names,
        columns,
        lines,
        delimiter,
        header,
        notes,
        findings + ragged,
        encoding=file_encoding,
        is_unnamed=is_unnamed,
        faults=faults,
    )


def head_records(path: Path) -> Records | None:
    """The records in the first 64 KiB of a file; None where it is no text or holds no record."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as file:
                    head = file.read(_SAMPLE_CHARACTERS)
            else:
                head = raw.read(_SAMPLE_CHARACTERS)
        whole = len(head) < _SAMPLE_CHARACTERS
        # Cut at a line's end, so that no character is halved; UTF-16 has its line ends on two bytes.
        found = as_utf8(head if whole or b"\0" in head else head[: head.rfind(b"\n") + 1], path.name)
        return _records(found, path, None, None)
    except (DataError, OSError, EOFError, zlib.error):
        return None


def sniff_delimiter(text: str, *, prefers_tab: bool = False) -> str:
    """The delimiter that cuts the first lines into the most even and cleanest records; a comma where none does.

    A space stands for any number of spaces and tabs, where these cut lines into numbers and nothing else cuts finer.

    Example:
        >>> sniff_delimiter("1,5;2,5;x\\n3,5;4,5;y\\n")
        ';'
    """
    sample = _sample(text)
    best, best_score, best_fields = ",", 0.0, 1
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        quotes = _quotes_enclose(sample.encode("utf-8", "surrogatepass"), delimiter)
        rows = [
            row
            for row in itertools.islice(_reader(io.StringIO(sample, newline=""), delimiter, quotes), _SAMPLE_ROWS)
            if row
        ]
        if not rows:
            continue
        num_fields, num_rows = Counter(map(len, rows)).most_common(1)[0]
        if num_fields < 2:
            continue
        evenness = num_rows / len(rows)
        if delimiter == "\t" and prefers_tab and evenness > 0.5:
            return delimiter
        others = [d for d in DELIMITERS if d != delimiter]
        cells = [cell for row in rows if len(row) == num_fields for cell in row]
        # A decimal comma is no cut that was missed.
        clean = sum(not any(d in cell for d in others) or looks_measured(cell) for cell in cells) / len(cells)
        score = evenness * (0.5 + 0.5 * clean)
        if score > best_score + 1e-9:
            best, best_score, best_fields = delimiter, score, num_fields
    by_spaces = best_fields == 1 or best == "\t"
    return SPACES if by_spaces and num_spaced_fields(sample) > best_fields else best


def has_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a first record names columns rather than being an example like those below it.

    Each column votes: a word above numbers or dates is a name, and so is a usual name (`COMMON_NAMES`); a number above
    numbers, or a word that occurs below, is a value.

    Example:
        >>> has_header(["age", "sex"], [["22", "male"], ["38", "female"]])
        True
        >>> has_header(["5.1", "setosa"], [["4.9", "setosa"]])
        False
    """
    votes = 0.0
    head = [cell.strip() for cell in first]
    for place, name in enumerate(head):
        below = [row[place].strip() for row in body if place < len(row)]
        below = [cell for cell in below if not is_missing(cell)]
        # 1stFloor is a name; above 5 kg stands 7 kg where there is no header.
        is_value = looks_like_number if _mostly(below, looks_like_number) else looks_measured
        is_number = is_value(name)
        if not below:
            continue
        if name in below:
            votes -= 1
        elif name.casefold() in COMMON_NAMES:
            votes += 1
        elif _mostly(below, is_value) or _mostly(below, looks_like_date):
            votes += 0 if is_missing(name) else -1 if is_number or looks_like_date(name) else 1
        elif is_number:
            votes -= 1
        elif len(below) >= _ENOUGH_PER_VALUE * len(set(below)):
            # A value of this column would have come again.
            votes += 0.5
    if votes:
        return votes > 0
    return len(set(head)) == len(head) and all(_IDENTIFIER.fullmatch(name) for name in head)


def header_test(
    header: bool | None, wanted: Collection[str]
) -> Callable[[Sequence[str], Sequence[Sequence[str]]], bool]:
    """How a record is told to be a header, where it is known whether there is one or which names are in it."""
    if header is False:
        return lambda first, body: False
    return (lambda first, body: set(wanted) <= set(first)) if wanted else has_header


def _mostly(cells: list[str], test: Callable[[str], bool]) -> bool:
    return bool(cells) and sum(map(test, cells)) >= 0.8 * len(cells)


def _sample(text: str) -> str:
    """The beginning of a text, up to a line's end."""
    if len(text) <= _SAMPLE_CHARACTERS:
        return text
    cut = max(text.rfind("\n", 0, _SAMPLE_CHARACTERS), text.rfind("\r", 0, _SAMPLE_CHARACTERS))
    return text[: cut + 1] if cut > 0 else text[:_SAMPLE_CHARACTERS]


def _reader(lines: Iterable[str], delimiter: str, quotes: bool) -> Any:
    quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    return csv_parser().reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)


def _quotes_enclose(text: bytes, delimiter: str) -> bool:
    """Whether quotes enclose cells; between tabs, in sentences, they are marks of speech, which stand anywhere."""
    if delimiter != "\t" or b'"' not in text:
        return True
    text = text.replace(b'""', b"")  # a quote within a cell, which may stand at the end of one of its lines
    opened = sum(1 for _ in re.finditer(rb'(?:^|\t)"', text, re.MULTILINE))
    return opened == sum(1 for _ in re.finditer(rb'"(?:\t|\r?$)', text, re.MULTILINE))


def _parse(
    source: _Lines, delimiter: str, file: str, first_line: int, every_row: bool
) -> tuple[PackedRecords, Rows, list[Finding], list[int]]:
    """Records that are not empty, the lines on which they begin, what was skipped, and lines with an open quote."""
    rows, lines, unclosed = _cut(source, delimiter)
    reason = Message("reading.quote_open")
    unclosed = [n + first_line - 1 for n in unclosed]
    findings = line_findings(file, unclosed, Outcome.SKIPPED, reason)
    filled = rows.is_filled
    if every_row:
        # A record of empty fields has no values, but a place in the order.
        filled |= rows.lengths > 1
    # Empty lines at the end are how many programs close a file.
    last = int(filled.nonzero()[0][-1]) if filled.any() else -1
    if empty := int((~filled[: last + 1]).sum()):
        findings.append(Finding(file, Outcome.SKIPPED, Message("reading.empty_lines", count=empty)))
    lines += first_line - 1
    if filled.all():
        return rows, lines, findings, unclosed
    return rows.keep(filled), lines[filled], findings, unclosed


class _Lines:
    """The text of a file, whose lines are read some at a time: a list of all of them would take more than the text.

    Args:
        data: of the file, in UTF-8.
        start: of the text in it.
        file: its name, for messages.
        first_line: the number in it of the text's first line.
    """

    def __init__(self, data: bytes, start: int, file: str, first_line: int) -> None:
        self.data, self.start = data, start
        self._file, self._first_line = file, first_line

    def quotes_enclose(self, delimiter: str) -> bool:
        return _quotes_enclose(self.data[self.start :] if self.start else self.data, delimiter)

    def after(self, place: int) -> Iterator[str]:
        """The lines from a place in the data on, each with its end.

        Raises:
            DataError: one is longer than `_LONGEST_LINE`.
        """
        while place < len(self.data):
            end = self._end_of_piece(place)
            piece = self.data[place:end].decode("utf-8", "surrogatepass")
            if len(piece) > _LONGEST_LINE:
                self._check(piece, place)
            # io.StringIO takes four bytes for each character.
            yield from io.StringIO(piece, newline="")
            place = end

    def _end_of_piece(self, start: int) -> int:
        """The end of the line that goes on after so many bytes."""
        target = start + _PIECE_BYTES
        feed = self.data.find(b"\n", target)
        back = self.data.find(b"\r", target, len(self.data) if feed < 0 else feed)
        if back >= 0 and self.data[back + 1 : back + 2] == b"\n":
            back += 1
        return min((place for place in (feed, back) if place >= 0), default=len(self.data) - 1) + 1

    def _check(self, piece: str, start: int) -> None:
        for match in re.finditer(r"[^\r\n]+", piece):
            if match.end() - match.start() > _LONGEST_LINE:
                before = len(re.findall(rb"\r\n|\r|\n", self.data[self.start : start]))
                number = before + len(re.findall(r"\r\n|\r|\n", piece[: match.start()])) + self._first_line
                raise DataError(
                    f"{self._file}: lines of at most {_LONGEST_LINE:,} characters are required; line {number:,} has "
                    f"{match.end() - match.start():,}. Break it, or check whether this is a table."
                )


def _cut(source: _Lines, delimiter: str) -> tuple[PackedRecords, Rows, list[int]]:
    """All records, the lines on which they begin, and those with an open quote.

    Pieces that leave a doubt are read record by record, and no others.
    """
    quotes = source.quotes_enclose(delimiter)
    whole = np.frombuffer(source.data, dtype=np.uint8)
    blocks: list[Block] = []
    starts: list[Places] = []
    unclosed: list[int] = []
    place, num_lines, usual = source.start, 0, 0
    while place < len(whole):
        piece = cut_piece(whole, place, delimiter, quotes=quotes, longest=_LONGEST_LINE)
        if piece is not None:
            first = _starts(piece.ends)
            several = piece.block.num_cells[piece.ends > first]
            # One of several lines and another number of cells is rather one that a stray quote has glued together.
            if len(several):
                usual = usual or _usual_length(source, delimiter, quotes)
                piece = piece if (several == usual).all() else None
        if piece is None:
            usual = usual or _usual_length(source, delimiter, quotes)
            piece, first, opened = _read_piece(source, place, delimiter, quotes, usual)
            unclosed += [num_lines + line for line in opened]
        blocks.append(piece.block)
        starts.append(first + num_lines)
        place += piece.num_bytes
        num_lines += piece.num_lines
    return PackedRecords(blocks), np.concatenate([np.zeros(0, dtype=np.int64), *starts]), unclosed


def _usual_length(source: _Lines, delimiter: str, quotes: bool) -> int:
    """How many cells most of the first records have."""
    parser, left = csv_parser(), _CAREFUL_BYTES
    lengths = []

    def lines() -> Iterator[str]:
        nonlocal left
        for line in source.after(source.start):
            yield line
            left -= len(line)
            if left < 0:
                return

    try:
        lengths += [len(row) for row in _reader(lines(), delimiter, quotes)]
    except parser.Error:
        # No line is that long: a quote that is not closed has swallowed many.
        pass
    return _most_common(np.array(lengths)) if lengths else 0


def _read_piece(
    source: _Lines, place: int, delimiter: str, quotes: bool, usual: int
) -> tuple[Piece, Places, list[int]]:
    """The next records, read one by one; after one that a stray quote has glued together reading starts again on its
    second line.

    Args:
        source: of the lines.
        place: where the records begin.
        delimiter: between cells.
        quotes: whether quotes enclose cells.
        usual: how many cells most records have.

    Returns:
        the records, the line on which each begins, and the lines with an open quote, which are no record.
    """
    parser = csv_parser()
    more, lines = source.after(place), list[str]()
    rows: list[list[str]] = []
    starts: list[int] = []
    ends: list[int] = []
    unclosed: list[int] = []
    done = num_bytes = 0

    def after(first: int) -> Iterator[str]:
        for number in itertools.count(first):
            if number == len(lines):
                lines.extend(itertools.islice(more, 1))
            yield lines[number] if number < len(lines) else _END
            if number == len(lines):
                return

    is_end = False
    while num_bytes < _CAREFUL_BYTES and not is_end:
        begun, is_glued = done, False
        reader = _reader(after(done), delimiter, quotes)
        try:
            for row in reader:
                last = begun + reader.line_num
                is_end = last > len(lines) and last == done + 1
                several = last > done + 1
                is_glued = several and (len(row) != usual or not _is_strict(lines[done:last], delimiter))
                if is_end or is_glued:
                    break
                rows.append(row)
                starts.append(done + 1)
                ends.append(last)
                num_bytes += sum(map(_num_bytes, lines[done:last]))
                done = last
                if num_bytes >= _CAREFUL_BYTES:
                    break
        except parser.Error:
            # No line is that long: a quote that is not closed has swallowed many.
            is_glued = True
        if is_glued:
            num_bytes += _num_bytes(lines[done])
            done += 1
            unclosed.append(done)
    return Piece(Block.of(rows), np.array(ends), num_bytes, done), np.array(starts, dtype=np.int64), unclosed


def _num_bytes(line: str) -> int:
    return len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass"))


def _starts(ends: Places) -> Places:
    """The line on which each record begins, by those on which they end."""
    starts = np.ones_like(ends)
    starts[1:] += ends[:-1]
    return starts


def _is_strict(lines: Iterable[str], delimiter: str) -> bool:
    """Whether every quote that closes stands before a delimiter or at the end of a line, and none is left open."""
    parser = csv_parser()
    try:
        for _ in parser.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True):
            pass
    except parser.Error:
        return False
    return True


def _most_common(numbers: Places) -> int:
    """The number that occurs most often; of equally frequent ones that which comes first."""
    if (numbers == numbers[0]).all():
        return int(numbers[0])
    distinct, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    return int(distinct[np.lexsort((first, -counts))[0]])


def _names(
    rows: PackedRecords, lines: Rows, num_fields: int, header: bool, file: str, notes: list[str]
) -> tuple[tuple[str, ...], PackedRecords, Rows]:
    """Column names, and the records without the header."""
    if not header:
        notes.append(Message("reading.header_missing", file=file, num=num_fields))
        return tuple(f"column_{i + 1}" for i in range(num_fields)), rows, lines
    found = rows.row(0)
    rows, lines = rows.keep(slice(1, None)), lines[1:]
    if len(found) == num_fields + 1 and not found[-1]:
        found.pop()
    elif len(found) + 1 == num_fields:
        usual = rows.lengths == num_fields
        if rows.keep(usual).is_empty_at(num_fields - 1).all():
            rows = rows.cut(usual, num_fields - 1)
        else:
            # As R's write.table leaves it: the names of the rows have no name.
            found.insert(0, "")
            notes.append(Message("reading.header_short", file=file))
    elif len(rows) and len(found) != num_fields:
        raise DataError(
            f"{file}: as many names as fields are required; the header has {len(found)}, most lines have {num_fields}. "
            "Check the delimiter and the first line."
        )
    return unique_names(found, file, notes), rows, lines


def unique_names(found: Sequence[str], file: str, notes: list[str]) -> tuple[str, ...]:
    """Names of columns that differ: an empty one is numbered, one that stands twice gets a number behind it.

    Example:
        >>> unique_names(["a", "a", ""], "x.csv", [])
        ('a', 'a_2', 'column_3')
    """
    names: dict[str, None] = {}
    next_number: dict[str, int] = {}
    for place, name in enumerate(map(str.strip, found)):
        wanted = name or f"column_{place + 1}"
        number, unique = next_number.get(wanted, 2), wanted
        while unique in names:
            unique, number = f"{wanted}_{number}", number + 1
        next_number[wanted] = number
        if unique != name and name:
            notes.append(Message("reading.header_twice", file=file, name=name, place=place + 1, unique=unique))
        names[unique] = None
    return tuple(names)


def _even(
    rows: PackedRecords, lines: Rows, num_fields: int, file: str, every_row: bool
) -> tuple[PackedRecords, Rows, list[Finding], dict[int, str]]:
    """Records of the right length; surplus empty cells are cut, all others are listed and skipped, or emptied."""
    lengths = rows.lengths
    faults: dict[int, str] = {}
    if (lengths == num_fields).all():
        return rows, lines, [], faults
    wrong: dict[tuple[Outcome, str], list[int]] = {}
    surplus = np.zeros(len(rows), dtype=bool)
    for place in np.flatnonzero(lengths != num_fields).tolist():
        num = int(lengths[place])
        if num > num_fields and not any(rows.row(place)[num_fields:]):
            surplus[place] = True
            why = Outcome.CONVERTED, Message("reading.surplus_fields")
        else:
            key = "reading.few_fields" if num < num_fields else "reading.many_fields"
            why = Outcome.SKIPPED, Message(key, got=num, required=num_fields)
            if every_row:
                faults[place] = why[1]
        wrong.setdefault(why, []).append(int(lines[place]))
    findings = [
        found for (outcome, reason), where in wrong.items() for found in line_findings(file, where, outcome, reason)
    ]
    rows = rows.cut(surplus, num_fields)
    if faults:
        cells = [[""] * num_fields if place in faults else rows.row(place) for place in range(len(rows))]
        rows = PackedRecords([Block.of(cells)])
    even = rows.lengths == num_fields
    return rows.keep(even), lines[even], findings, faults


def _with_unclosed(
    rows: PackedRecords, lines: Rows, faults: dict[int, str], unclosed: list[int], num_fields: int
) -> tuple[PackedRecords, Rows, dict[int, str]]:
    """The records with empty ones in the places of lines whose quote was never closed."""
    order = np.argsort(np.concatenate([lines, unclosed]), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    together = [*rows.head(len(rows)), *([""] * num_fields for _ in unclosed)]
    moved = {int(place[row]): why for row, why in faults.items()}
    moved |= {int(place[len(rows) + i]): Message("reading.quote_open") for i in range(len(unclosed))}
    arranged = PackedRecords([Block.of([together[i] for i in order.tolist()])])
    return arranged, np.concatenate([lines, unclosed])[order], moved
