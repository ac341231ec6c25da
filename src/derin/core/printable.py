"""Names as they can be printed: one line of UTF-8 that moves no cursor, turns no writing and runs in no spreadsheet.

Names of files, classes and columns come from outside and may hold anything: bytes that are no UTF-8 (which Python keeps
as half pairs), escape codes that clear a screen, line breaks that forge a line, marks that turn the direction of the
text behind them. Whatever shows a name shows it by these functions; what computes with one keeps it as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Control characters of both blocks, marks of direction, separators of lines and paragraphs, half pairs.
_MARKS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
_UNSAFE = re.compile(f"[\x00-\x1f\x7f-\x9f{_MARKS}\ud800-\udfff]")
_UNSAFE_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_MARKS}\ud800-\udfff]")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# What spreadsheets take for the beginning of a formula; they cut spaces before it, and open tabs as new cells.
_FORMULA = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")


def printable(name: object) -> str:
    r"""A name on one line, what is not printable in it as an escape.

    Args:
        name: text, or anything with a text form, such as a path.

    Example:
        >>> printable("caf\udce9 \x1b[2J\nüzüm")  # a name in Latin-1, an escape code and a line break
        'caf\\xe9 \\x1b[2J\\nüzüm'
    """
    text = str(name)
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def shortly(value: object, most: int = 60) -> str:
    """What Python writes of a value, cut where it is long; a number of more digits than Python writes is told so.

    Example:
        >>> shortly("x" * 100, most=5), shortly(10**5000)
        ("'xxxx…", 'a number of 16,610 bits')
    """
    try:
        shown = printable(repr(value))
    except ValueError:
        return f"a number of {value.bit_length():,} bits" if isinstance(value, int) else type(value).__name__
    return shown if len(shown) <= most else shown[:most] + "…"


def shown_reason(error: BaseException, most: int = 200) -> str:
    """What a library says of a file that it cannot read: on one line, and cut where it shows much of the file itself.

    Example:
        >>> shown_reason(ValueError("bad header b'" + 1000 * "x"), most=20)
        "bad header b'xxxxxxx…"
    """
    told = printable(" ".join(str(error).split())) or type(error).__name__
    return told if len(told) <= most else told[:most] + "…"


def printable_lines(text: str) -> str:
    """As `printable`, for a text of several lines: its line breaks and tabs stay."""
    return text if text.isprintable() else _UNSAFE_IN_LINES.sub(_escape, text)


def whole_pairs(text: str) -> str:
    r"""The text with half pairs as escapes, so that it can be encoded; all else stays.

    Example:
        >>> whole_pairs("caf\udce9\n")
        'caf\\xe9\n'
    """
    return text if text.isascii() else _HALF_PAIR.sub(_escape, text)


def replace_half_pairs(text: str) -> str:
    """The text with U+FFFD in place of half pairs: for texts that are learned from, where a name would be escaped."""
    return text if text.isascii() else _HALF_PAIR.sub("\ufffd", text)


def has_half_pairs(text: str) -> bool:
    """Whether a text holds half pairs, which no encoding has a form for."""
    return not text.isascii() and _HALF_PAIR.search(text) is not None


def spreadsheet_cell(value: Any) -> Any:
    """A cell of a CSV file: text is printable and never begins as a formula does; numbers stay numbers.

    Example:
        >>> [spreadsheet_cell(cell) for cell in ("=1+2", "-x", "cat", -1.5)]
        ["'=1+2", "'-x", 'cat', -1.5]
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return ("'" if is_formula else "") + printable(text)


def _escape(match: re.Match[str]) -> str:
    sign = match[0]
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in names of files
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(sign) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def without_spreadsheet_mark(text: str) -> str:
    """What `spreadsheet_cell` had been given, where it put its mark before text that begins as a formula does.

    Example:
        >>> [without_spreadsheet_mark(text) for text in ("'=1+2", "'tis", "cat")]
        ['=1+2', "'tis", 'cat']
    """
    return text[1:] if spreadsheet_cell(text[1:]) == text else text


def spreadsheet_text(columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    """The text of a CSV file with a heading, each cell by `spreadsheet_cell`.

    Example:
        >>> spreadsheet_text(["row", "name"], [{"row": 1, "name": "=A1"}])
        "row,name\\n1,'=A1\\n"
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(spreadsheet_cell, columns))
    writer.writerows([spreadsheet_cell(line[name]) for name in columns] for line in lines)
    return text.getvalue()
