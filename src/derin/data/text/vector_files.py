"""The files of word vectors: word2vec's text and binary form, and GloVe's text.

::

    word2vec, text     "N D", then N lines "word v1 … vD"
    word2vec, binary   "N D", then N times: the word, a space, D little-endian float32, and sometimes a line end
    GloVe, text        lines "word v1 … vD" and no first line; some words hold spaces

No pickle is read. What a first line promises is held against the size of the file before memory is taken for it.
"""

from __future__ import annotations

import gzip
import io
import mmap
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, RefusedFileError
from derin.core.files import open_plain
from derin.core.messages import Message
from derin.core.printable import shown_reason
from derin.data.line_findings import line_findings
from derin.data.report import DataReport, Outcome

Floats = npt.NDArray[np.float32]
Found = tuple[tuple[str, ...], Floats]

FORMS = ("word2vec", "word2vec-binary", "glove")

_HEADER = re.compile(rb"(\d{1,10})[ \t](\d{1,6})[ \t]*\r?\n")
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
_MOST_WORD_BYTES = 4_096
_MOST_UNPACKED_BYTES = 16 << 30
_PIECE_BYTES = 1 << 20
# No number of a file of vectors is longer; one long cell would give every cell of an array its width.
_MOST_CELL_BYTES = 64
_LINES_AT_ONCE = 10_000
_LINES_LOOKED_AT = 100  # to find out how many values a line has
# First bytes of what people have beside the forms that are read.
_OTHERS = {
    b"\xba\x16\x4f\x2f": "a fastText model; export its vectors as text (.vec)",
    b"\x93NUMPY": "a NumPy array, which names no words",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x80": "a pickle, which could run code; export it as word2vec text or binary",
    b"\x89HDF": "an HDF5 file",
}


def parse_vectors(path: Path, report: DataReport, limit: int | None = None) -> Found:
    """The words and vectors of a file.

    Args:
        path: of the file.
        report: gets what was skipped.
        limit: the first so many words only.

    Shapes:
        values ``(N, D)`` float32.

    Raises:
        DataError: it is none of the known forms, or holds nothing that can be used.
        RefusedFileError: it is missing, or promises more than it holds.
    """
    with open_plain(path) as file:
        data = _content(file, path)
        try:
            return _parsed(data, path, report, limit)
        finally:
            if isinstance(data, mmap.mmap):
                data.close()


def _content(file: io.BufferedReader, path: Path) -> bytearray | mmap.mmap:
    """The bytes of the file: of a packed one in memory, of another one as the system maps them."""
    head = file.read(2)
    file.seek(0)
    if head == b"\x1f\x8b":
        try:
            return _unpacked(file, path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"{path}: a whole gzip file is required; it is damaged or cut off ({shown_reason(error)})."
            ) from None
        except MemoryError:
            raise DataError(f"{path}: it unpacks to more than the memory holds; give the first words alone.") from None
    if not head:
        raise DataError(f"{path}: word vectors are required; the file is empty.")
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _unpacked(file: io.BufferedReader, path: Path) -> bytearray:
    """What a packed file holds, in memory that grows with it."""
    data = bytearray()
    with gzip.open(file) as packed:
        while piece := packed.read(_PIECE_BYTES):
            data += piece
            if len(data) > _MOST_UNPACKED_BYTES:
                raise RefusedFileError(f"{path} is refused: it unpacks to more than {_MOST_UNPACKED_BYTES:,} bytes.")
    return data


def _parsed(data: bytearray | mmap.mmap, path: Path, report: DataReport, limit: int | None) -> Found:
    for magic, what in _OTHERS.items():
        if data[: len(magic)] == magic:
            raise DataError(f"{path}: a file of word2vec or GloVe is required; this is {what}.")
    header = _HEADER.match(data[:64])
    if header is None:
        return _read_text(data, 0, path, report, None, _width_found(data, path), limit)
    num, dim = int(header[1]), int(header[2])
    if not num or not dim:
        raise DataError(f"{path}: the first line must give the numbers of words and values; got {num} and {dim}.")
    first = data[header.end() : header.end() + _MOST_WORD_BYTES + 32 * dim].split(b"\n", 1)[0]
    is_text = len(first.split()) > dim and all(_NUMBER.fullmatch(part) for part in first.split()[-dim:])
    # A text value takes two bytes at least, its space included; a binary one four.
    needed = num * (2 + 2 * dim if is_text else 2 + 4 * dim) - is_text
    if len(data) - header.end() < needed:
        raise RefusedFileError(
            f"{path} is refused: its first line promises {num:,} words of {dim} values, which take at least "
            f"{needed:,} bytes; {len(data) - header.end():,} follow. Get the file again."
        )
    if is_text:
        return _read_text(data, header.end(), path, report, num, dim, limit)
    return _read_binary(data, header.end(), path, report, num, dim, limit)


def _read_binary(
    data: bytearray | mmap.mmap, start: int, path: Path, report: DataReport, num: int, dim: int, limit: int | None
) -> Found:
    wanted = min(num, limit or num)
    values = np.empty((wanted, dim), dtype=np.float32)
    words: list[bytes] = []
    width = 4 * dim
    for row in range(wanted):
        end = data.find(b" ", start, start + _MOST_WORD_BYTES)
        if end < 0 or end + 1 + width > len(data):
            raise DataError(
                f"{path}: {num:,} words of {dim} binary values were promised; after {row:,} there is no other. "
                "Get the file again."
            )
        words.append(bytes(data[start:end]).lstrip(b"\n"))
        values[row] = np.frombuffer(data, dtype="<f4", count=dim, offset=end + 1)
        start = end + 1 + width
    if wanted == num and data[start : start + 2].strip():
        raise DataError(f"{path}: {num:,} words were promised; more follow. Its first line is wrong.")
    return _usable(path, report, words, range(1, wanted + 1), values, "word")


def _width_found(data: bytearray | mmap.mmap, path: Path) -> int:
    """How many values the lines of a file without a first line of sizes have: what most of its beginning have."""
    widths: Counter[int] = Counter()
    start = 0
    for _ in range(_LINES_LOOKED_AT):
        end = data.find(b"\n", start, start + (1 << 20))
        line = data[start : end if end >= 0 else start + (1 << 20)]
        parts = line.split()
        values = 0
        while values < len(parts) - 1 and _NUMBER.fullmatch(parts[-1 - values]):
            values += 1
        widths[values] += 1
        start = end + 1
        if end < 0 or start >= len(data):
            break
    width, _ = widths.most_common(1)[0]
    if not width:
        raise DataError(
            f"{path}: lines of a word and its values, or a first line with the numbers of words and values, are "
            f"required; the file begins with {bytes(data[:40])!r}."
        )
    return width


def _read_text(
    data: bytearray | mmap.mmap,
    start: int,
    path: Path,
    report: DataReport,
    num: int | None,
    dim: int,
    limit: int | None,
) -> Found:
    words: list[bytes] = []
    numbers: list[int] = []
    parts: list[Floats] = []
    broken: list[int] = []
    num_lines = 0
    for lines in _line_blocks(data, start, limit, 1 if num is None else 2):
        num_lines += len(lines)
        block_words, block_numbers, block_values = _block(lines, dim, broken, spaces=num is None)
        words += block_words
        numbers += block_numbers
        parts.append(block_values)
    if num is not None and limit is None and num_lines != num:
        raise DataError(f"{path}: its first line promises {num:,} words; {num_lines:,} lines follow. Get it again.")
    report.extend(
        line_findings(path.name, sorted(broken), Outcome.SKIPPED, Message("reading.word_and_numbers", num=dim))
    )
    values = np.concatenate(parts) if parts else np.empty((0, dim), np.float32)
    return _usable(path, report, words, numbers, values, "line")


def _line_blocks(
    data: bytearray | mmap.mmap, start: int, limit: int | None, number: int
) -> Iterator[list[tuple[int, bytes]]]:
    """Lines that are not empty with their numbers, the first being `number`, many at a time."""
    left = limit
    lines: list[tuple[int, bytes]] = []
    while start < len(data) and left != 0:
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = bytes(data[start:end]).rstrip(b" \t\r")
        if line:
            lines.append((number, line))
            left = None if left is None else left - 1
        start, number = end + 1, number + 1
        if len(lines) == _LINES_AT_ONCE:
            yield lines
            lines = []
    if lines:
        yield lines


def _block(
    lines: list[tuple[int, bytes]], dim: int, broken: list[int], *, spaces: bool
) -> tuple[list[bytes], list[int], Floats]:
    """Words, line numbers and values of the lines that fit; the numbers of the others go to `broken`."""
    words, numbers, texts = [], [], []
    for number, line in lines:
        word, *rest = line.rsplit(None, dim)
        # A word of GloVe may hold spaces, but where its end is a number there are rather too many values.
        fits = len(rest) == dim and (len(line) <= _MOST_CELL_BYTES or max(map(len, rest)) <= _MOST_CELL_BYTES)
        if fits and (b" " not in word or (spaces and not _NUMBER.fullmatch(word.rsplit(None, 1)[-1]))):
            words.append(word)
            numbers.append(number)
            texts.append(rest)
        else:
            broken.append(number)
    values = _floats(texts, dim)
    if values is not None:
        return words, numbers, values
    # Somewhere a value is no number: now each line on its own.
    kept = [i for i, text in enumerate(texts) if all(_NUMBER.fullmatch(value) for value in text)]
    broken += sorted(set(numbers) - {numbers[i] for i in kept})
    found = _floats([texts[i] for i in kept], dim)
    assert found is not None, "what matches a number is one"
    return [words[i] for i in kept], [numbers[i] for i in kept], found


def _floats(texts: Sequence[Sequence[bytes]], dim: int) -> Floats | None:
    """The values of many lines, or None where one is no number."""
    if not texts:
        return np.empty((0, dim), np.float32)
    try:
        # Wider first, so that a decimal is rounded to float32 as by every other reader; beyond is infinite.
        with np.errstate(over="ignore"):
            return np.array(texts, dtype=np.bytes_).astype(np.float64).astype(np.float32)
    except ValueError:
        return None


def _usable(
    path: Path, report: DataReport, words: Sequence[bytes], numbers: Sequence[int], values: Floats, unit: str
) -> Found:
    """The words that are UTF-8, stand for the first time and have finite values; the others are listed."""
    seen: dict[str, int] = {}
    rows: list[int] = []
    faults: dict[str, list[int]] = {}
    finite = np.atleast_1d(np.isfinite(values).all(axis=1))
    for row, (number, raw) in enumerate(zip(numbers, words, strict=True)):
        try:
            word = raw.decode("utf-8")
        except UnicodeDecodeError:
            faults.setdefault("reading.word_not_utf8", []).append(number)
            continue
        if not finite[row]:
            faults.setdefault("reading.value_not_finite", []).append(number)
        elif not word:
            faults.setdefault("reading.word_empty", []).append(number)
        elif word in seen:
            faults.setdefault("reading.word_again", []).append(number)
        else:
            seen[word] = row
            rows.append(row)
    file = path.name if unit == "line" else f"{path.name} (word number)"
    for fault, where in faults.items():
        report.extend(line_findings(file, where, Outcome.SKIPPED, Message(fault)))
    if not rows:
        raise DataError(f"{path}: at least one word with a vector is required; {len(words):,} were read, none fits.")
    return tuple(seen), values if len(rows) == len(values) else values[rows]


def write_form(file: IO[bytes], words: Sequence[str], values: Floats, form: str) -> int:
    """Writes words and vectors in one of `FORMS`; words that the form cannot hold are left out.

    A word of word2vec ends at the first space; GloVe's form holds spaces, since there the values are counted from the
    end of the line, but no number behind one. A space that breaks no line (U+00A0) ends no word.

    Returns:
        how many words were left out.

    Shapes:
        values ``(N, D)`` float32.

    Raises:
        DataError: the form can hold none of the words.
    """
    fits = _WRITABLE[form]
    kept = [row for row, word in enumerate(words) if fits(word.encode("utf-8"))]
    if not kept:
        raise DataError(f"No word can be written in the form {form}: each holds a space, or is empty.")
    num_left = len(words) - len(kept)
    if num_left:
        words, values = [words[row] for row in kept], values[kept]
    num, dim = values.shape
    if form != "glove":
        file.write(f"{num} {dim}\n".encode())
    if form == "word2vec-binary":
        rows = np.ascontiguousarray(values, dtype="<f4")
        for word, row in zip(words, rows, strict=True):
            file.write(word.encode("utf-8") + b" " + row.tobytes() + b"\n")
        return num_left
    line = "%s" + " %.9g" * dim + "\n"  # nine digits give back every bit of a float32
    for word, row in zip(words, values.tolist(), strict=True):
        file.write((line % (word, *row)).encode("utf-8"))
    return num_left


def _is_one_piece(word: bytes) -> bool:
    """Whether a word holds nothing that ends words in a line."""
    return word.split() == [word]


def _is_before_values(word: bytes) -> bool:
    """Whether a word can be told from the values behind it."""
    return bool(word) and word.strip() == word and b"\n" not in word and b"\r" not in word and not _ends_in_number(word)


def _ends_in_number(word: bytes) -> bool:
    first, _, last = word.rpartition(b" ")
    return bool(first) and _NUMBER.fullmatch(last) is not None


_WRITABLE: dict[str, Callable[[bytes], bool]] = {
    "word2vec": _is_one_piece,
    "word2vec-binary": _is_one_piece,
    "glove": _is_before_values,
}
