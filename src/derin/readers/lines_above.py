"""What people write above a table: comments, and titles as spreadsheets have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MOST_LINES_ABOVE = 50

# Whether a first record names columns, given those below it.
IsHeader = Callable[[Sequence[str], Sequence[Sequence[str]]], bool]


def num_lines_above(head: Sequence[Sequence[str]], num_fields: int, is_header: IsHeader) -> int:
    """How many records stand above the header, or above the first values where there is no header.

    A comment begins with ``#``; a title fills its first cell alone. A comment that has a name for each column above
    values, as NumPy writes it, is the header.

    Args:
        head: the first records.
        num_fields: that most records have.
        is_header: whether a record is a header of those below it.

    Example:
        >>> def is_header(first, below):
        ...     return first[0].isalpha()
        >>> num_lines_above([["# of 2024"], ["a", "b"], ["1", "2"]], 2, is_header)
        1
        >>> num_lines_above([["# a", "b"], ["1", "2"]], 2, is_header)
        0
    """
    if num_fields < 2:
        return 0
    found = 0
    while found < min(len(head), MOST_LINES_ABOVE) and (
        _is_comment(head[found], num_fields) or _is_title(head[found], num_fields) or (found and not any(head[found]))
    ):
        found += 1
    if not 0 < found < len(head):
        return 0
    below = [row for row in head[found + 1 :] if len(row) == num_fields]
    if len(head[found]) in (num_fields, num_fields - 1) and all(head[found][1:]) and is_header(head[found], below):
        return found
    while found and not _is_comment(head[found - 1], num_fields):
        # A title stands above names; above values it may be a value whose neighbors are missing.
        found -= 1
    return found - 1 if found and len(head[found - 1]) == num_fields and all(head[found - 1]) else found


def _is_comment(row: Sequence[str], num_fields: int) -> bool:
    """Whether a record is a remark; a hashtag in front of a text is none."""
    first = row[0] if row else ""
    return first[:1] == "#" and (len(row) != num_fields or first[1:2] in ("", " ", "#", "!"))


def _is_title(row: Sequence[str], num_fields: int) -> bool:
    return bool(row and row[0]) and (len(row) == 1 or (len(row) == num_fields > 2 and not any(row[1:])))
