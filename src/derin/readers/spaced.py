"""Tables whose cells stand apart by spaces alone, however many: what instruments, Fortran and old collections write."""

from __future__ import annotations

import re
from collections import Counter

from derin.data.cells.numbers import looks_like_number

SPACES = " "
_MOST_LINES = 200
# Of the cells below the first line, the share that are numbers: words apart by spaces are a text.
_FEWEST_NUMBERS = 0.6
_FEWEST_EVEN = 0.9
_FEWEST_LINES = 3
_CELL = re.compile(r'"[^"\n]*"|\S+')
_AROUND = re.compile(rb"^[ \t]+|[ \t]+(?=\r?$)", re.MULTILINE)
_BETWEEN = re.compile(rb"[ \t]+")
_BETWEEN_OR_QUOTED = re.compile(rb'"[^"\n]*"|[ \t]+')


def num_spaced_fields(sample: str) -> int:
    """The number of cells of a line where lines are cells apart by spaces, most of them numbers; otherwise 0.

    Example:
        >>> num_spaced_fields("a  b\\n1  2.5\\n 10  3.5\\n 7  4\\n"), num_spaced_fields("so good\\nnot bad\\n")
        (2, 0)
    """
    lines = [line for line in sample.splitlines()[: _MOST_LINES + 1] if line.strip()]
    parts = [part for line in lines for part in map(str.strip, line.split("\t")) if " " in part]
    if len(lines) < _FEWEST_LINES or 2 * sum(map(looks_like_number, parts)) > max(1, len(parts)):
        # A space may stand between thousands.
        return 0
    rows = [_CELL.findall(line) for line in lines]
    num_fields, num_even = Counter(map(len, rows)).most_common(1)[0]
    if num_fields < 2 or num_even < _FEWEST_EVEN * len(rows):
        return 0
    cells = [cell for row in rows[1:] if len(row) == num_fields for cell in row]
    return num_fields if sum(map(looks_like_number, cells)) >= _FEWEST_NUMBERS * len(cells) else 0


def spaces_to_tabs(text: bytes) -> bytes:
    r"""Lines with one tab in the place of the spaces between two cells, and none around them.

    Example:
        >>> spaces_to_tabs(b' 1   2\t"a b" \r\n')
        b'1\t2\t"a b"\r\n'
    """
    text = _AROUND.sub(b"", text)
    if b'"' not in text:
        return _BETWEEN.sub(b"\t", text)
    return _BETWEEN_OR_QUOTED.sub(lambda match: match[0] if match[0].startswith(b'"') else b"\t", text)
