"""The lines of a file of tagged words: in columns, a word on each line (CoNLL), or whole sentences on each line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome
from derin.data.tag_schemes import OUTSIDE, Place, odd_tags, style_of
from derin.readers.decoding import check_encoding, decode, head_of, lines_of, read_bytes
from derin.readers.file_names import file_ending

UNIVERSAL_COLUMNS = 10  # of CoNLL-U
_DOCUMENT = "-DOCSTART-"
# A word's number in CoNLL-U; 3-4 stands for a written word that is two, 3.1 for a word that is not written.
_WORD_NUMBER = re.compile(r"\d+([-.]\d+)?")
_NO_WORD_NUMBER = re.compile(r"\d+[-.]\d+")
_SPACES = " \t\r\n\v\f"
_RUNS = re.compile(f"[{_SPACES}]+")
_MARKS = ("|", ";", ",")  # between columns, where neither tabs nor spaces are
_CELL_ENDS = re.compile(f"[{_SPACES}|;,]+")
_COLUMN_NAMES = frozenset(
    (
        "word",
        "words",
        "token",
        "tokens",
        "form",
        "tag",
        "tags",
        "label",
        "labels",
        "ner",
        "ner_tag",
        "ner_tags",
        "pos",
        "pos_tag",
        "chunk",
        "lemma",
        "bio",
        "entity",
        "kelime",
        "sözcük",
        "etiket",
    )
)
_JOINTS = ("/", "_")  # between a word and its tag, where both are in one piece
_SENTENCE_ENDS = re.compile(r"\n[ \t\r]*\n")
_SAMPLE = 2_000
_MOST_TAGS = 1_000  # different ones
_ENOUGH_ROWS, _MUCH_FEWER = 20, 3
_HEAD_BYTES = 1 << 15
_LONGEST_SENTENCE = 60
_FEWEST_HEAD_LINES = 4
_MOST_TELL = 0.9  # share of the lines that must look alike
_TEXT_ENDINGS = (".txt", ".text")
_NAMES = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes", ".iobes")


@dataclass
class TaggedLines:
    """The words of one file.

    Args:
        file: its name.
        split: that the name tells, or empty.
        cells: of each word, the columns of its line.
        numbers: the line of each word, from 1.
        sentence: the number of each word's sentence, from 0.
        num_columns: that most lines have.
        separator: between the cells of a line: a tab, a space for runs of them, ``|``, ``;``, ``,``, or ``/`` or
            ``_`` where a word and its tag are in one piece.
        encoding: of the file.
    """

    file: str
    split: str
    cells: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sentence: list[int] = field(default_factory=list)
    num_columns: int = 0
    separator: str = " "
    encoding: str = "utf-8"

    def add(self, cells: list[str], number: int, sentence: int) -> None:
        self.cells.append(cells)
        self.numbers.append(number)
        self.sentence.append(sentence)

    def without(self, sentences: set[int]) -> None:
        """Takes sentences out."""
        kept = [place for place, sentence in enumerate(self.sentence) if sentence not in sentences]
        self.cells = [self.cells[place] for place in kept]
        self.numbers = [self.numbers[place] for place in kept]
        self.sentence = [self.sentence[place] for place in kept]


def read_tagged_lines(
    path: Path,
    split: str,
    report: DataReport,
    encoding: str | None,
    separator: str | None = None,
    likely: str | None = None,
) -> TaggedLines:
    """The words of a file; documents, comments and lines that cannot be decoded are reported.

    Args:
        path: of the file, also gzipped.
        split: that it belongs to, or empty.
        report: the report.
        encoding: of the file; None finds it out.
        separator: that stood between the cells of other data, as of `TaggedLines`; it is followed unless the lines
            have no cells by it.
        likely: the encoding of other data, where the bytes leave open which it is.

    Raises:
        DataError: there are no words, or a line has other numbers of words and of tags.
    """
    check_encoding(encoding, "read_conll")
    decoded = decode(read_bytes(path), path.name, encoding, likely)
    if decoded.note:
        report.notes.append(decoded.note)
    reason = Message("reading.no_such_bytes", encoding=decoded.encoding)
    report.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, reason))
    lines = lines_of(decoded.text)
    head = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines and _is_header(lines[head]):
        report.notes.append(Message("reading.header_left_out", file=path.name, header=lines[head].strip()))
        lines[head] = ""
    rows = [line for line in lines if line.strip()]
    if not rows:
        raise DataError(f"{path}: words with tags are required; the file is empty.")
    if separator is None or _usual_width([_cells(line, separator) for line in rows[:_SAMPLE]]) < 2:
        separator = _separator(rows)
    result = TaggedLines(path.name, split, separator=separator, encoding=decoded.encoding)
    if result.separator in _JOINTS and any(len(_parts(line)) > 1 for line in rows):
        _add_joined(lines, result)
    elif result.separator == "\t" and _are_sentences([_cells(line, "\t") for line in rows]):
        _add_sentences([_cells(line, "\t") for line in lines], result)
    else:
        cells = [_cells(line, result.separator) for line in lines]
        result.num_columns = _usual_width([row for row in cells if row])
        _add_columns(cells, result, report)
    if not result.cells:
        raise DataError(f"{path}: words with tags are required; every line is empty, a comment or {_DOCUMENT}.")
    return result


def has_tagged_head(path: Path) -> bool:
    """Whether the first lines of a file look like tagged words; reads no more than these."""
    written = lines_of(head_of(path, _HEAD_BYTES))
    lines = [line for line in written if line.strip() and not line.startswith("#") and _DOCUMENT not in line]
    # Under names of columns it is a table, unless empty lines part it into sentences.
    if lines and _is_header(lines[0]) and len(_SENTENCE_ENDS.findall("\n".join(written).strip())) > 1:
        lines = lines[1:]
    if len(lines) < _FEWEST_HEAD_LINES:
        return False
    separator = _separator(lines)
    if separator in _JOINTS:
        tags = {_split_joined(part, separator)[1] for line in lines for part in _parts(line)}
        return OUTSIDE in tags and len(tags) > 1 and _mark_spans(tags)
    rows = [_cells(line, separator) for line in lines]
    if separator == "\t" and _are_sentences(rows):
        return True
    width = _usual_width(rows)
    fitting = [row[:width] for row in rows if _fits(row, width)]
    if width < 2 or len(fitting) < _MOST_TELL * len(rows):
        return False
    rows = fitting
    # CoNLL-U stands between tabs or spaces and numbers the words of each sentence; a table may number its rows too.
    restarts = sum(row[0] in ("0", "1") for row in rows) > 1 or len(rows) <= _LONGEST_SENTENCE
    is_numbered = separator.isspace() and restarts and are_numbered(rows)
    if path.name.lower().removesuffix(".gz").endswith(_NAMES) or is_numbered:
        return True
    place = span_column(rows)
    if place is None:
        return False
    tags = {row[place] for row in rows}
    style = style_of(sorted(tags))
    # Single letters in a table may be anything: sizes, grades, groups.
    is_table = separator in _MARKS and style is not None and style.place is Place.ALONE
    return OUTSIDE in tags and len(tags) > 1 and not is_table


def is_plain_text(path: Path, known: Mapping[str, Any]) -> bool:
    """Whether a file holds texts, one on each line, rather than words with tags: by its name, and by its lines where
    tagged words stand in such files too.

    Args:
        path: of the file.
        known: how tagged words were read before.
    """
    if file_ending(path) not in _TEXT_ENDINGS or has_tagged_head(path):
        return False
    lines = [line for line in lines_of(decode(read_bytes(path), path.name).text) if line.strip()]
    separator, width, tag = (known.get(part) for part in ("separator", "width", "tag"))
    if not isinstance(separator, str) or not isinstance(width, int) or not isinstance(tag, int):
        return True
    rows = [_cells(line, separator) for line in lines]
    return not all(len(row) == width > tag for row in rows) or not _mark_spans({row[tag] for row in rows} | {OUTSIDE})


def are_numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of three columns or more holds the numbers of words, as CoNLL-U has it: counted from 1.

    Example:
        >>> are_numbered([["1", "Ada", "NNP"], ["2", "sat", "VBD"]]), are_numbered([["5.1", "3.5", "setosa"]])
        (True, False)
    """
    if len(rows[0]) < 3 or not all(_WORD_NUMBER.fullmatch(row[0]) for row in rows):
        return False
    whole = [int(row[0]) for row in rows if row[0].isdecimal() and len(row[0]) < 6]
    # A table of numbers, with a column that numbers its rows perhaps, holds no words.
    words = any(not is_number(row[1]) for row in rows)
    return words and bool(whole) and all(b in (1, a + 1) for a, b in pairwise([0, *whole]))


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def span_column(rows: Sequence[Sequence[str]]) -> int | None:
    """The last column in which every cell marks a span or says O, wherever it stands; None where none does.

    Example:
        >>> span_column([["O", "shows"], ["B-ACTOR", "Ada"]]), span_column([["Ada", "NNP"], ["sat", "VBD"]])
        (0, None)
    """
    for place in reversed(range(len(rows[0]))):
        cells = {row[place] for row in rows}
        if len(cells) <= _MOST_TAGS and cells != {OUTSIDE} and _mark_spans(cells):
            return place
    return None


def first_is_tags(rows: Sequence[Sequence[str]]) -> bool:
    """Whether of two columns without marks of spans the first one holds the tags: far fewer different cells.

    Example:
        >>> first_is_tags([["N", str(number)] for number in range(30)])
        True
    """
    if len(rows[0]) != 2 or len(rows) < _ENOUGH_ROWS:
        return False
    first, second = ({row[place] for row in rows} for place in (0, 1))
    return _MUCH_FEWER * len(first) < len(second) and len(first) <= _MOST_TAGS


def _mark_spans(tags: Collection[str]) -> bool:
    """Whether all tags are O or a letter with a type."""
    style = style_of(sorted(tags))
    return style is not None and not odd_tags(sorted(tags), style)


def _separator(lines: Sequence[str]) -> str:
    """What stands between the cells of most lines: a tab, spaces, another mark, or that in word/TAG and word_TAG."""
    sample = [line for line in lines if not line.startswith("#") and _DOCUMENT not in line][:_SAMPLE] or lines[:_SAMPLE]
    if 2 * sum("\t" in line.strip(_SPACES) for line in sample) > len(sample):
        return "\t"
    parts = [_parts(line) for line in sample]
    for joint in _JOINTS:
        if sum(all(map(_is_joined(joint), each)) for each in parts) >= _MOST_TELL * len(sample):
            tags = {_split_joined(part, joint)[1] for each in parts for part in each}
            if len(tags) <= _MOST_TAGS:
                return joint
    # A mark with spaces around it is no cell of its own.
    spaced = [mark for mark in _MARKS if sum(mark in each for each in parts) >= _MOST_TELL * len(sample)]
    for separator in (*spaced, " ", *_MARKS):
        rows = [_cells(line, separator) for line in sample]
        width = _usual_width(rows)
        if width > 1 and sum(_fits(row, width) for row in rows) >= _MOST_TELL * len(rows):
            return separator
    return " "


def _is_header(line: str) -> bool:
    """Whether a first line names the columns, as tables do."""
    cells = [cell for cell in _CELL_ENDS.split(line.strip(_SPACES).casefold()) if cell]
    return len(cells) > 1 and all(cell in _COLUMN_NAMES for cell in cells)


def _parts(line: str) -> list[str]:
    return [part for part in _RUNS.split(line) if part]


def _is_joined(joint: str) -> Callable[[str], bool]:
    """Whether a word and its tag are in one piece."""
    return lambda part: 0 < part.rfind(joint) < len(part) - 1


def _split_joined(part: str, joint: str) -> tuple[str, str]:
    word, _, tag = part.rpartition(joint)
    return word, tag


def _cells(line: str, separator: str) -> list[str]:
    """The cells of a line. Spaces in runs are one separator; a space that breaks no line belongs to its word."""
    whole = line.strip(_SPACES)
    if not whole:
        return []
    if separator in _JOINTS:
        return list(_split_joined(whole, separator)) if _is_joined(separator)(whole) else [whole]
    if separator == " ":
        # Where few lines have tabs, each of these has them for a reason.
        return [cell.strip(_SPACES) for cell in whole.split("\t")] if "\t" in whole else _parts(whole)
    return [cell.strip(_SPACES) for cell in line.strip("\r\n ").split(separator)]


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells most lines have, those that are empty at the end of them all not counted."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    while width > 1 and not any(row[width - 1] for row in rows if len(row) >= width):
        width -= 1
    return width


def _fits(row: Sequence[str], width: int) -> bool:
    """Whether a line has so many cells, empty ones behind them not counted."""
    return len(row) >= width and not any(row[width:])


def _are_sentences(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each line holds a whole sentence, a tab and the tags of its words."""
    pairs = [row for row in rows if len(row) == 2 and row[1]]
    if 2 * sum(" " in row[1] for row in pairs) <= len(rows):
        return False
    style = style_of(sorted({tag for row in pairs for tag in _parts(row[1])}))
    if style is None:
        return False
    tagged = [row for row in pairs if all(style.is_outside(tag) or style.parts(tag) for tag in _parts(row[1]))]
    return len(tagged) >= _MOST_TELL * len(rows)


def _add_sentences(lines: Sequence[list[str]], result: TaggedLines) -> None:
    result.num_columns = 2
    sentence = 0
    for number, cells in enumerate(lines, start=1):
        if not cells:
            continue
        words, tags = _parts(cells[0]), _parts(cells[1]) if len(cells) > 1 else []
        if len(cells) != 2 or len(words) != len(tags):
            raise DataError(
                f"{result.file}, line {number}: a sentence, a tab and a tag for each word are required; "
                f"got {len(words)} words and {len(tags)} tags. Mend the line."
            )
        for word, tag in zip(words, tags):
            result.add([word, tag], number, sentence)
        sentence += 1


def _add_joined(lines: Sequence[str], result: TaggedLines) -> None:
    """Lines that hold a sentence each, whose words have their tags behind them: word/TAG."""
    result.num_columns, sentence = 2, 0
    for number, line in enumerate(lines, start=1):
        parts = _parts(line)
        for part in parts:
            joined = _is_joined(result.separator)(part)
            result.add(list(_split_joined(part, result.separator)) if joined else [part], number, sentence)
        sentence += bool(parts)


def _add_columns(lines: Sequence[list[str]], result: TaggedLines, report: DataReport) -> None:
    width = result.num_columns
    is_comment = _comments(lines, width)
    sentence, inside, documents = -1, False, 0
    comments: list[int] = []
    unwritten: list[int] = []
    trailing: list[int] = []
    for number, cells in enumerate(lines, start=1):
        if not any(cells):
            inside = False
        elif _DOCUMENT in cells or cells[0].startswith(_DOCUMENT):
            documents, inside = documents + 1, False
        elif not inside and is_comment(cells):
            comments.append(number)
        else:
            if not inside:
                sentence, inside = sentence + 1, True
            if len(cells) > width and _fits(cells, width):
                cells = cells[:width]
                trailing.append(number)
            if width == UNIVERSAL_COLUMNS and _NO_WORD_NUMBER.fullmatch(cells[0]):
                unwritten.append(number)
            else:
                result.add(cells, number, sentence)
    if documents:
        report.notes.append(Message("reading.documents_left_out", file=result.file, count=documents, mark=_DOCUMENT))
    if comments:
        report.notes.append(Message("reading.comments_left_out", file=result.file, count=len(comments)))
    reason = Message("reading.several_words")
    report.extend(line_findings(result.file, unwritten, Outcome.SKIPPED, reason))
    if 0 < len(trailing) < len(result.cells):
        report.extend(line_findings(result.file, trailing, Outcome.CONVERTED, Message("reading.surplus_fields")))


def _comments(lines: Sequence[list[str]], width: int) -> Callable[[list[str]], bool]:
    """Whether a line that begins with # above a sentence is a comment, and not the word # with its tag.

    A tag stands in other lines too; what has other cells than these in every column that repeats itself or marks spans
    is a comment.
    """
    rows = [cells for cells in lines if len(cells) == width and not cells[0].startswith("#")]
    held = [{row[place] for row in rows} for place in range(1, width)]
    telling = [
        (place, cells) for place, cells in enumerate(held, start=1) if 2 * len(cells) <= len(rows) or _mark_spans(cells)
    ]

    def is_comment(cells: list[str]) -> bool:
        if not cells[0].startswith("#") or len(cells) < width:
            return cells[0].startswith("#")
        return len(cells) != width or (bool(telling) and not any(cells[place] in known for place, known in telling))

    return is_comment
