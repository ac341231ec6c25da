"""The classes of other data as those of a network: by name, or by number where one side has numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from derin.core.messages import Message
from derin.data.schema import Column, Kind, Schema
from derin.data.table import Dense, Table

_SHOWN = 6


def match_classes(table: Table, target: Column, classes: Sequence[str]) -> tuple[Table, list[str]]:
    """The table with the classes of a network, and sentences about what did not match.

    Examples of classes that the network does not know lose their answer, so that they are not measured.

    Args:
        table: the data.
        target: its column with the answers.
        classes: of the network.

    Example:
        >>> from derin.data.schema import Role
        >>> column = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("cat", "owl"))
        >>> table = Table(name="t", schema=Schema((column,)), columns={"y": Dense(np.array([0, 1, 1]))}, splits={})
        >>> matched, notes = match_classes(table, column, ["cat", "dog"])
        >>> matched.columns["y"].values.tolist(), str(notes[0])
        ([0, -1, -1], '2 examples are of classes that the network does not know, and are not measured: owl (2).')
    """
    data = table.columns[target.name]
    if target.kind is not Kind.CATEGORY or target.classes is None or target.shape or not isinstance(data, Dense):
        return table, []
    own, notes = list(target.classes), []
    if not set(own) & set(classes):
        own = _by_number(own, classes)
        if own:
            some = ", ".join(f"{a} = {b}" for a, b in zip(target.classes, own, strict=True))
            notes.append(Message("eval.matched_by_number", some=some[:200]))
        else:
            own = list(target.classes)
    known = np.array([name in classes for name in own] + [False])  # the last place is that of -1
    if known[:-1].all() and own == list(target.classes):
        return table, _lacking(own, data.values, classes)
    values = np.where(known[data.values], data.values, -1)
    if not (values >= 0).any():
        return table, []  # nothing matches: the task says so
    counts = np.bincount(data.values[data.values >= 0], minlength=len(own))
    unknown = [(name, int(n)) for name, n, is_known in zip(own, counts, known) if n and not is_known]
    if unknown:
        some = ", ".join(f"{name} ({n:,})" for name, n in unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        notes.append(Message("eval.unknown_classes", count=sum(n for _, n in unknown), some=some))
    column = replace(target, classes=tuple(own))
    schema = Schema(tuple(column if c.name == target.name else c for c in table.schema))
    # What has no answer any more belongs to no split; where there is none, all that have one are a split.
    answered = values >= 0
    splits = {name: rows[answered[rows]] for name, rows in table.splits.items()} or {"test": np.flatnonzero(answered)}
    columns = {**table.columns, target.name: Dense(values)}
    matched = replace(table, schema=schema, columns=columns, splits=splits)
    return matched, [*notes, *_lacking(own, values, classes)]


def _by_number(own: Sequence[str], classes: Sequence[str]) -> list[str]:
    """The network's name for each class of the data, where one of the two is numbered; empty where neither is."""
    numbered, named = (all(name.isdigit() for name in names) for names in (own, classes))
    if numbered and not named and max(map(int, own)) < len(classes):
        return [classes[int(name)] for name in own]
    if named and not numbered and len(own) == len(classes):
        return sorted(classes, key=int)
    return []


def _lacking(own: Sequence[str], values: np.ndarray, classes: Sequence[str]) -> list[str]:
    present = {own[code] for code in np.unique(values[values >= 0]).tolist()}
    lacking = [name for name in classes if name not in present]
    if not lacking or not present:
        return []
    some = ", ".join(lacking[:_SHOWN]) + (", …" if len(lacking) > _SHOWN else "")
    return [Message("eval.lacking_classes", count=len(lacking), some=some)]
