"""What was noticed while data was read: nothing vanishes silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from derin.core.messages import Sentence
from derin.data.schema import Schema


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
class Reading:
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

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "counts": self.counts,
            "findings": [
                {"where": f.where, "outcome": f.outcome.value, "reason": f.reason, "count": f.count}
                for f in self.findings
            ],
            "duplicates": [{"names": list(d.names), "splits": list(d.splits)} for d in self.duplicates],
            "leaks": len(self.leaks),
            "notes": self.notes,
        }


def sentences(reading: Reading, schema: Schema) -> dict[str, Any]:
    """What was said while data was read, by its English text, so that a report can say it in another language."""
    texts = (*reading.notes, *(finding.reason for finding in reading.findings), *(column.note for column in schema))
    return {text: text.to_json() for text in texts if isinstance(text, Sentence)}
