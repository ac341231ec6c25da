"""What was noticed while data was read: nothing vanishes silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.data.schema import Schema

# What a run's record lists of each reason, how many reasons, and how many groups of copies and members of each: the
# rest is counted.
MAX_RECORDED = 200


class Outcome(StrEnum):
    """What was done about something unusual."""

    SKIPPED = "skipped"  # the example or file is not in the table
    CONVERTED = "converted"  # it is in the table, in another form than on disk
    NOTED = "noted"  # it is in the table as it was


@dataclass(frozen=True)
class Finding:
    """One unusual thing: which file, line or class, what was done, and why.

    Args:
        where: the file, line or class.
        outcome: what was done.
        reason: why.
        count: how many such things it stands for.
    """

    where: str
    outcome: Outcome
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Duplicate:
    """Rows with equal content; `splits` names where they lie, so that a leak is two names or more."""

    names: tuple[str, ...]
    splits: tuple[str, ...]

    @property
    def is_leak(self) -> bool:
        """Whether they lie in more than one split."""
        return len(set(self.splits)) > 1


@dataclass(frozen=True, eq=False)
class DuplicateGroups(Sequence[Duplicate]):
    """Groups of rows with equal content, held as numbers: each becomes names where it is looked at.

    Names would take many times the size of a file in which most rows come twice.

    Args:
        rows: of all groups, one after the other.
        bounds: where each group begins in them, and where the last one ends.
        parts: the split of each, as its place in `splits`.
        splits: their names.
        name: what people call a row.
    """

    rows: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    parts: npt.NDArray[np.uint8]
    splits: tuple[str, ...]
    name: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @overload
    def __getitem__(self, place: int) -> Duplicate: ...
    @overload
    def __getitem__(self, place: slice) -> list[Duplicate]: ...
    def __getitem__(self, place: int | slice) -> Duplicate | list[Duplicate]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        members = slice(self.bounds[place], self.bounds[place + 1])
        names = tuple(self.name(row) for row in self.rows[members].tolist())
        return Duplicate(names, tuple(self.splits[part] for part in self.parts[members].tolist()))


@dataclass
class DataReport:
    """The report of reading one data set.

    Args:
        source: what was read, as the user named it.
        counts: examples per class (or "" without classes) in each split.
        findings: everything unusual.
        duplicates: groups of rows with equal content.
        notes: sentences about the set as a whole (a split that was cut, a local copy that differs from the published
            set).
    """

    source: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    duplicates: Sequence[Duplicate] = ()
    notes: list[str] = field(default_factory=list)

    def add(self, where: str, outcome: Outcome, reason: str) -> None:
        self.findings.append(Finding(where, outcome, reason))

    def extend(self, findings: Iterable[Finding]) -> None:
        self.findings.extend(findings)

    @property
    def leaks(self) -> list[Duplicate]:
        """Duplicates that lie in more than one split, which make a measurement look better than it is."""
        return [d for d in self.duplicates if d.is_leak]

    def ordered_duplicates(self) -> Iterator[Duplicate]:
        """All groups, the leaks first: they are what is to be mended."""
        for is_leak in (True, False):
            yield from (d for d in self.duplicates if d.is_leak is is_leak)

    def summary(self) -> dict[str, Counter[str]]:
        """How often each reason occurred, by outcome."""
        result: dict[str, Counter[str]] = {}
        for finding in self.findings:
            result.setdefault(finding.outcome.value, Counter())[finding.reason] += finding.count
        return result

    def listed(self, most: int | None = None) -> list[Finding]:
        """The findings, of each reason so many at most; the others stand behind them in one finding for each reason,
        and those of all further reasons in one for each outcome, so that the counts are true.

        Example:
            >>> report = DataReport(findings=[Finding(f"line {n}", Outcome.SKIPPED, "empty") for n in range(5)])
            >>> [(found.where, found.count) for found in report.listed(2)]
            [('line 0', 1), ('line 1', 1), ('3 more', 3)]
        """
        if most is None:
            return self.findings
        places: dict[tuple[Outcome, str], int] = {}
        listed: list[Finding] = []
        further: Counter[tuple[Outcome, str]] = Counter()
        others: dict[Outcome, set[str]] = {}
        for finding in self.findings:
            kind = finding.outcome, finding.reason
            if kind not in places and len(places) >= most:
                others.setdefault(finding.outcome, set()).add(finding.reason)
                further[finding.outcome, ""] += finding.count
                continue
            places[kind] = places.get(kind, 0) + 1
            if places[kind] <= most:
                listed.append(finding)
            else:
                further[kind] += finding.count
        for (outcome, reason), count in further.items():
            why = reason or Message("reading.other_reasons", count=len(others[outcome]))
            listed.append(Finding(f"{count:,} more", outcome, why, count=count))
        return listed

    def to_json(self, most: int | None = None) -> dict[str, Any]:
        """The report as JSON.

        Args:
            most: how many findings of a reason, groups of copies and members of a group are listed; None lists all.
                The numbers are of all.
        """
        groups = self.duplicates if most is None else islice(self.ordered_duplicates(), most)
        return {
            "source": self.source,
            "counts": self.counts,
            "findings": [
                {"where": f.where, "outcome": f.outcome.value, "reason": f.reason, "count": f.count}
                for f in self.listed(most)
            ],
            "duplicates": [_group(d, most) for d in groups],
            "num_duplicates": len(self.duplicates),
            "leaks": sum(d.is_leak for d in self.duplicates),
            "notes": self.notes,
        }


def _group(group: Duplicate, most: int | None) -> dict[str, Any]:
    """Members of a group, of each split at least one."""
    order = list(range(len(group.names)))
    if most is not None and len(order) > most:
        first = {split: place for place, split in reversed(list(enumerate(group.splits)))}.values()
        order = sorted([*first, *(place for place in order[:most] if place not in first)][:most])
    found: dict[str, Any] = {"names": [group.names[i] for i in order], "splits": [group.splits[i] for i in order]}
    return found if len(order) == len(group.names) else {**found, "num_rows": len(group.names)}


def sentences(report: DataReport, schema: Schema, most: int | None = None) -> dict[str, Any]:
    """What was said while data was read, by its English text, so that a report can say it in another language.

    Args:
        report: the report.
        schema: of the table.
        most: findings of each reason that are listed, as `Reading.to_json` takes it.
    """
    texts = (*report.notes, *(finding.reason for finding in report.listed(most)), *(column.note for column in schema))
    return {text: text.to_json() for text in texts if isinstance(text, Message)}
