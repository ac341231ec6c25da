"""The lines of a file of tagged words: in columns, a word on each line (CoNLL), or whole sentences on each line."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from derin.core.errors import DataError
from derin.core.messages import Sentence
from derin.data.readers.decoding import check_encoding, decode, read_bytes
from derin.data.readers.line_findings import line_findings
from derin.data.reading import Outcome, Reading
from derin.data.tag_schemes import OUTSIDE

UNIVERSAL_COLUMNS = 10  # of CoNLL-U
_DOCUMENT = "-DOCSTART-"
_SPAN_TAG = re.compile(r"O|[BIESLUM][-_]\S+")
# A word's number in CoNLL-U; 3-4 stands for a written word that is two, 3.1 for a word that is not written.
_WORD_NUMBER = re.compile(r"\d+([-.]\d+)?")
_NO_WORD_NUMBER = re.compile(r"\d+[-.]\d+")
_HEAD_BYTES = 1 << 15
_FEWEST_HEAD_LINES = 4
_MOST_TELL = 0.9  # share of the lines that must look alike
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
    """

    file: str
    split: str
    cells: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sentence: list[int] = field(default_factory=list)
    num_columns: int = 0

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


def read_tagged_lines(path: Path, split: str, reading: Reading, encoding: str | None) -> TaggedLines:
    """The words of a file; documents, comments and lines that cannot be decoded are reported.

    Args:
        path: of the file, also gzipped.
        split: that it belongs to, or empty.
        reading: the report.
        encoding: of the file; None finds it out.

    Raises:
        DataError: there are no words, or a line has other numbers of words and of tags.
    """
    check_encoding(encoding, "read_conll")
    data = read_bytes(path)
    decoded = decode(data, path.name, encoding)
    if decoded.note:
        reading.notes.append(decoded.note)
    reason = Sentence("reading.no_such_bytes", encoding=decoded.encoding)
    reading.extend(line_findings(path.name, decoded.broken_lines, Outcome.CONVERTED, reason))
    # Only these end a line; the other line ends of Unicode (U+2028, form feed) may stand inside a cell.
    lines = [line.removesuffix("\r") for line in decoded.text.removeprefix("\ufeff").split("\n")]
    cells = [_cells(line) for line in lines]
    rows = [row for row in cells if row]
    if not rows:
        raise DataError(f"{path}: words with tags are required; the file is empty.")
    result = TaggedLines(path.name, split)
    if _are_sentences(rows):
        _add_sentences(cells, result)
    else:
        result.num_columns = Counter(map(len, rows)).most_common(1)[0][0]
        _add_columns(cells, result, reading)
    if not result.cells:
        raise DataError(f"{path}: words with tags are required; every line is empty, a comment or {_DOCUMENT}.")
    return result


def has_tagged_head(path: Path) -> bool:
    """Whether the first lines of a file look like tagged words; reads no more than these."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        text = decode(head[: head.rfind(b"\n") + 1] or head, path.name).text
    except (DataError, OSError, EOFError, zlib.error):
        return False
    rows = [_cells(line) for line in text.splitlines() if line.strip() and not line.startswith(("#", _DOCUMENT))]
    if len(rows) < _FEWEST_HEAD_LINES:
        return False
    if _are_sentences(rows):
        return True
    width, num = Counter(map(len, rows)).most_common(1)[0]
    if width < 2 or num < _MOST_TELL * len(rows):
        return False
    rows = [row for row in rows if len(row) == width]
    if path.name.lower().removesuffix(".gz").endswith(_NAMES) or are_numbered(rows):
        return True
    place = last_span_column(rows)
    tags = Counter(row[place] for row in rows)
    return tags[OUTSIDE] > 0 and len(tags) > 1 and all(map(_SPAN_TAG.fullmatch, tags))


def are_numbered(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of three columns or more holds the numbers of words, as CoNLL-U has it."""
    return len(rows[0]) > 2 and all(_WORD_NUMBER.fullmatch(row[0]) for row in rows)


def last_span_column(rows: Sequence[Sequence[str]]) -> int:
    """The last column in which every cell marks a span or says O; the last of all where none does."""
    for place in range(len(rows[0]) - 1, 0, -1):
        cells = {row[place] for row in rows}
        if cells != {OUTSIDE} and all(map(_SPAN_TAG.fullmatch, cells)):
            return place
    return len(rows[0]) - 1


def _cells(line: str) -> list[str]:
    """The cells of a line: between tabs where there is one, so that a word may hold a space, else between spaces."""
    return [cell.strip() for cell in line.split("\t")] if "\t" in line.strip() else line.split()


def _are_sentences(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each line holds a whole sentence, a tab and the tags of its words."""
    pairs = [row for row in rows if len(row) == 2]
    if 2 * sum(" " in row[1] for row in pairs) <= len(rows):
        return False
    tagged = [row for row in pairs if row[1] and all(map(_SPAN_TAG.fullmatch, row[1].split()))]
    return len(tagged) >= _MOST_TELL * len(rows)


def _add_sentences(lines: Sequence[list[str]], result: TaggedLines) -> None:
    result.num_columns = 2
    sentence = 0
    for number, cells in enumerate(lines, start=1):
        if not cells:
            continue
        words, tags = cells[0].split(), cells[1].split() if len(cells) > 1 else []
        if len(cells) != 2 or len(words) != len(tags):
            raise DataError(
                f"{result.file}, line {number}: a sentence, a tab and a tag for each word are required; "
                f"got {len(words)} words and {len(tags)} tags. Mend the line."
            )
        for word, tag in zip(words, tags):
            result.add([word, tag], number, sentence)
        sentence += 1


def _add_columns(lines: Sequence[list[str]], result: TaggedLines, reading: Reading) -> None:
    sentence, inside, documents = -1, False, 0
    comments: list[int] = []
    unwritten: list[int] = []
    for number, cells in enumerate(lines, start=1):
        if not cells:
            inside = False
        elif cells[0] == _DOCUMENT:
            documents, inside = documents + 1, False
        elif cells[0].startswith("#") and not inside and len(cells) != result.num_columns:
            comments.append(number)
        else:
            if not inside:
                sentence, inside = sentence + 1, True
            if result.num_columns == UNIVERSAL_COLUMNS and _NO_WORD_NUMBER.fullmatch(cells[0]):
                unwritten.append(number)
            else:
                result.add(cells, number, sentence)
    if documents:
        reading.notes.append(Sentence("reading.documents_left_out", file=result.file, count=documents, mark=_DOCUMENT))
    if comments:
        reading.notes.append(Sentence("reading.comments_left_out", file=result.file, count=len(comments)))
    reason = Sentence("reading.several_words")
    reading.extend(line_findings(result.file, unwritten, Outcome.SKIPPED, reason))
