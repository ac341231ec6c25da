"""Exceptions on many lines of a file: each is listed, and beyond a number the rest is told in one finding."""

from __future__ import annotations

from collections.abc import Iterable

from derin.data.reading import Finding, Outcome

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
