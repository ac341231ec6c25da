"""Lines of files for people: rows are named by them, and of exceptions on many lines each is listed, until beyond a
number the rest is told in one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from derin.data.report import Finding, Outcome

_MOST_LISTED = 200


def line_findings(file: str, lines: Iterable[int], outcome: Outcome, reason: str) -> list[Finding]:
    """A finding for each line, up to 200; all further lines share one that names their number and range.

    Example:
        >>> found = line_findings("a.csv", range(1, 1000), Outcome.SKIPPED, "empty")
        >>> len(found), found[0].where, found[-1].where, sum(one.count for one in found)
        (201, 'a.csv, line 1', 'a.csv, 799 more lines from 201 to 999', 999)
    """
    numbers = [int(n) for n in lines]
    findings = [Finding(f"{file}, line {n}", outcome, reason) for n in numbers[:_MOST_LISTED]]
    rest = numbers[_MOST_LISTED:]
    if len(rest) == 1:
        findings.append(Finding(f"{file}, line {rest[0]}", outcome, reason))
    elif rest:
        where = f"{file}, {len(rest):,} more lines from {rest[0]} to {rest[-1]}"
        findings.append(Finding(where, outcome, reason, count=len(rest)))
    return findings


class LineNames(Sequence[str]):
    """The names of rows by the lines on which they stand, made when they are asked for: a string for each row of a long
    table takes as much memory as many of its columns.

    Args:
        lines: the number of each row's line.
        files: their names, where there are several.
        file_of_row: the place among them of each row's file.

    Example:
        >>> names = LineNames(np.array([2, 5]))
        >>> names[1], names == ["line 2", "line 5"]
        ('line 5', True)
    """

    def __init__(
        self,
        lines: npt.NDArray[np.int64],
        files: Sequence[str] = (),
        file_of_row: npt.NDArray[np.integer[Any]] | None = None,
    ) -> None:
        self._lines, self._files, self._file_of_row = lines, tuple(files), file_of_row

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> LineNames: ...
    def __getitem__(self, row: int | slice) -> str | LineNames:
        files = self._file_of_row
        if isinstance(row, slice):
            return LineNames(self._lines[row], self._files, None if files is None else files[row])
        name = f"line {self._lines[row]}"
        return name if files is None else f"{self._files[files[row]]} {name}"

    def __iter__(self) -> Iterator[str]:
        names = (f"line {line}" for line in self._lines.tolist())
        if self._file_of_row is None:
            return names
        return (f"{self._files[file]} {name}" for file, name in zip(self._file_of_row.tolist(), names))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    def __repr__(self) -> str:
        return repr(list(self))

    __hash__ = None  # type: ignore[assignment]
