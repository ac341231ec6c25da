"""What was noticed while data was read: nothing vanishes silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

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
    duplicates: list[Duplicate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, where: str, outcome: Outcome, reason: str) -> None:
        self.findings.append(Finding(where, outcome, reason))

    def extend(self, findings: Iterable[Finding]) -> None:
        self.findings.extend(findings)

    @property
    def leaks(self) -> list[Duplicate]:
        """Duplicates that lie in more than one split, which make a measurement look better than it is."""
        return [d for d in self.duplicates if len(set(d.splits)) > 1]

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
        leaks = self.leaks
        groups = self.duplicates if most is None else [*leaks, *(d for d in self.duplicates if len(set(d.splits)) < 2)]
        return {
            "source": self.source,
            "counts": self.counts,
            "findings": [
                {"where": f.where, "outcome": f.outcome.value, "reason": f.reason, "count": f.count}
                for f in self.listed(most)
            ],
            "duplicates": [_group(d, most) for d in groups[:most]],
            "num_duplicates": len(self.duplicates),
            "leaks": len(leaks),
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
