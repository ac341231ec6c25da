"""Bytes to text: which encoding a file is in is found out, and said."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from derin.core.errors import DataError, UsageError
from derin.core.messages import Message
from derin.readers.archives import read_gzip

_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_MARKS = tuple(mark for mark, name in _MARKS if name != "utf-8-sig")
_CHECKED = 1 << 20
# Windows-1254 differs from Windows-1252 in these six letters (Ğ İ Ş ğ ı ş), which are Icelandic there (Ð Ý Þ ð ý þ).
_TURKISH = re.compile(rb"[\xd0\xdd\xde\xf0\xfd\xfe]")
# á æ é í ó ú and their capitals: common in Icelandic, absent from Turkish.
_ICELANDIC = re.compile(rb"[\xc1\xc6\xc9\xcd\xd3\xda\xe1\xe6\xe9\xed\xf3\xfa]")
_EIGHT_BITS = ("cp1254", "cp1252", "latin-1")
_SURROGATE = re.compile("[\udc80-\udcff]+")
# The share of multi-byte characters that must be whole for a damaged file to count as UTF-8.
_WHOLE_PER_BROKEN = 4


@dataclass(frozen=True)
class Decoded:
    """A file's text.

    Args:
        text: with the line ends of the file.
        encoding: Python's name of it.
        note: a sentence for people where the encoding had to be guessed or is unusual, else empty.
        broken_lines: numbers (from 1) of lines with bytes that do not belong to the encoding; each run of them
            stands in the text as U+FFFD.
    """

    text: str
    encoding: str
    note: str = ""
    broken_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Utf8:
    """A file's text in UTF-8, in which a text of other letters than English ones takes half the memory or less.

    Args:
        data: of the file, or in place of its bytes.
        start: of the text.
        encoding, note, broken_lines: as `Decoded` has them.
    """

    data: bytes
    start: int
    encoding: str
    note: str = ""
    broken_lines: tuple[int, ...] = ()


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is gzipped.

    Raises:
        DataError: the file cannot be read, or is a damaged gzip file.
    """
    try:
        return read_gzip(path.read_bytes(), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    except MemoryError:
        raise DataError(f"{path} has more bytes than the memory holds; give a part of it.") from None


def read_text(path: Path, encoding: str | None = None, likely: str | None = None) -> Decoded:
    """The text of a file, unpacked and decoded; see `decode`."""
    return decode(read_bytes(path), path.name, encoding, likely)


def decode(data: bytes, where: str, encoding: str | None = None, likely: str | None = None) -> Decoded:
    """The text in some bytes: by its byte-order mark, as UTF-8, as UTF-16 without a mark, else as Windows-1254 or
    -1252.

    Args:
        data: the bytes of a whole file.
        where: the file's name, for messages.
        encoding: that was asked for, as `check_encoding` passes it; None finds it out.
        likely: the encoding of data of the same source, which decides between 8-bit encodings.

    Raises:
        DataError: the bytes are no text.

    Example:
        >>> decode("ışık".encode("cp1254"), "a.txt").text
        'ışık'
    """
    if encoding is not None:
        text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
        broken = tuple(number for number, line in enumerate(text.split("\n"), start=1) if "\ufffd" in line)
        return Decoded(text, encoding, broken_lines=broken)
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return _marked(data, marked, where)
    if b"\0" in data:
        return _wide(data, where)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _damaged_utf8(data, where) or _eight_bits(data, where, likely)


def as_utf8(data: bytes, where: str, encoding: str | None = None, likely: str | None = None) -> Utf8:
    """The text in some bytes, in UTF-8: the bytes themselves where they are that; arguments as `decode` takes them.

    Raises:
        DataError: the bytes are no text.

    Example:
        >>> as_utf8("ışık".encode("cp1254"), "a.txt").data.decode()
        'ışık'
    """
    is_marked = data.startswith(codecs.BOM_UTF8)
    if encoding is None and (is_marked or not (b"\0" in data or data.startswith(_OTHER_MARKS))) and _is_utf8(data):
        return Utf8(data, len(codecs.BOM_UTF8) if is_marked else 0, "utf-8-sig" if is_marked else "utf-8")
    found = decode(data, where, encoding, likely)
    text = found.text.encode("utf-8", "surrogatepass")
    return Utf8(text, 0, found.encoding, found.note, found.broken_lines)


def head_of(path: Path, num_bytes: int) -> str:
    """The first lines of a text that lie in so many bytes, unpacked; empty where it is no text or cannot be read."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(num_bytes)
        # Cut at a line's end, so that no character is halved.
        return decode(head[: head.rfind(b"\n") + 1] or head, path.name).text
    except (DataError, OSError, EOFError, zlib.error):
        return ""


def lines_of(text: str) -> list[str]:
    """The lines of a text. Only line feeds and carriage returns end one: the other line ends of Unicode (U+2028,
    U+0085, form feed) stand inside sentences, and what is counted by line must not shift.

    Example:
        >>> lines_of("a\\r\\nb\\u2028c\\n\\nd\\n")
        ['a', 'b\\u2028c', '', 'd']
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def lines_in(found: Utf8) -> Iterator[str]:
    """The lines of a text one after the other, as `lines_of` gives them at once.

    Example:
        >>> list(lines_in(Utf8(b"a\\r\\n\\nb\\rc", 0, "utf-8")))
        ['a', '', 'b', 'c']
    """
    file = io.BytesIO(found.data)
    file.seek(found.start)
    for line in file:
        text = line.decode("utf-8", "surrogatepass").removesuffix("\n")
        yield from text.removesuffix("\r").split("\r")


def check_encoding(encoding: str | None, where: str) -> None:
    """Refuses an encoding of text that Python does not know.

    Args:
        encoding: that was asked for, or None.
        where: the reader's name, for the message.

    Raises:
        UsageError: there is no such encoding.
    """
    if encoding is None:
        return
    try:
        # Python knows some that are no encodings of text ("hex"), or refuse bytes whatever is asked ("idna").
        right = isinstance(bytes(range(256)).decode(encoding, errors="replace"), str)
    except (LookupError, ValueError, TypeError):
        right = False
    if not right:
        raise UsageError(
            f"{where}: an encoding that Python knows is required, such as utf-8 or cp1254; got {encoding!r}."
        ) from None


def _is_utf8(data: bytes) -> bool:
    """Whether bytes are UTF-8; all of them as a string may take four times as many."""
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _CHECKED):
            decoder.decode(data[start : start + _CHECKED], final=start + _CHECKED >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _marked(data: bytes, encoding: str, where: str) -> Decoded:
    note = ""
    if encoding != "utf-8-sig":
        note = Message("reading.as_encoding_marked", file=where, encoding=encoding.upper())
    try:
        return Decoded(data.decode(encoding), encoding, note)
    except UnicodeDecodeError:
        text = data.decode(encoding, errors="replace")
        return Decoded(text, encoding, note, _lines_with(text, re.compile("\ufffd")))


def _wide(data: bytes, where: str) -> Decoded:
    """UTF-16 without a mark has its zero bytes on one side only, as long as the script is mostly Latin."""
    head = data[: 1 << 16]
    even, odd = head[::2].count(0), head[1::2].count(0)
    encoding = "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else ""
    if not encoding or max(even, odd) < len(head) // 8 or len(data) % 2:
        raise DataError(
            f"{where}: text is required; the file holds zero bytes, as pictures and programs do. Check what it is."
        )
    text = data.decode(encoding, errors="replace")
    note = Message("reading.as_encoding_zeros", file=where, encoding=encoding.upper())
    return Decoded(text, encoding, note, _lines_with(text, re.compile("\ufffd")))


def _damaged_utf8(data: bytes, where: str) -> Decoded | None:
    """The text where the bytes are UTF-8 but for a few; None where they are rather something else."""
    text = data.decode("utf-8", errors="surrogateescape")
    broken = len(_SURROGATE.findall(text))
    whole = sum(map(len, re.findall("[^\x00-\x7f\udc80-\udcff]+", text)))
    if whole < _WHOLE_PER_BROKEN * broken:
        return None
    note = Message("reading.as_utf8_although", file=where)
    return Decoded(_SURROGATE.sub("\ufffd", text), "utf-8", note, _lines_with(text, _SURROGATE))


def _eight_bits(data: bytes, where: str, likely: str | None) -> Decoded:
    turkish, icelandic = len(_TURKISH.findall(data)), len(_ICELANDIC.findall(data))
    encoding = likely if likely in _EIGHT_BITS else "cp1254" if turkish > icelandic else "cp1252"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        # Bytes that Windows leaves free: Latin-1 has a (control) character for each.
        encoding = "latin-1"
        text = data.decode(encoding)
    key = "reading.as_encoding_turkish" if encoding == "cp1254" else "reading.as_encoding_other"
    return Decoded(text, encoding, Message(key, file=where, encoding=encoding))


def _lines_with(text: str, pattern: re.Pattern[str]) -> tuple[int, ...]:
    """Numbers from 1 of the lines in which the pattern occurs."""
    lines: list[int] = []
    line, place = 1, 0
    for match in pattern.finditer(text):
        line += text.count("\n", place, match.start())
        place = match.start()
        if not lines or lines[-1] != line:
            lines.append(line)
    return tuple(lines)
