"""Splits by whole classes: measured on classes that were never trained on, a network shows how it compares new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UnknownNameError
from derin.core.messages import Message
from derin.core.seeds import permutation
from derin.data.schema import Kind
from derin.data.splits import SHARE, answered_rows, count_examples
from derin.data.table import SPLITS, Dense, Rows, Table

IN_PROPORTION = "none"
_FEWEST = 2  # classes of a part: of a single one there is no pair of different ones
_SHOWN = 8


def hold_out_classes(table: Table, *, names: Sequence[str] = (), seed: int = 0, share: float = SHARE) -> Table:
    """The table with splits of different classes: none that is measured was trained on.

    Classes are drawn by the seed, a share of them for each of val and test. Of a table with splits of its own, each
    part keeps its own rows, of its classes alone; the other rows belong to no split. A given part whose classes are not
    those of train is kept as it is.

    Args:
        table: with splits as its source gave them, and one class for each row.
        names: the classes of the test split, patterns of them such as ``"Greek-*"``, or folders of them
            (``"Greek"`` of ``"Greek/alpha"``); empty draws them.
        seed: of the draw.
        share: of the classes that val and test take each.

    Raises:
        DataError: there is no target of classes, or there are too few classes.
        UnknownNameError: a name that is no class.
    """
    column = table.target()
    data = table.columns[column.name]
    if column.kind is not Kind.CATEGORY or column.shape or not isinstance(data, Dense) or column.classes is None:
        raise DataError(
            f"Table {table.name!r}: whole classes are held out where the target is one class for each example; "
            f"{column.name!r} is of kind {column.kind.value}. Name such a target, or --hold-out none."
        )
    classes, usable = data.values.astype(np.int64), answered_rows(table)
    given = {name: rows[usable[rows]] for name, rows in table.splits.items() if len(rows)}
    everything = np.flatnonzero(usable)
    pools = {name: given.get(name, given.get("train", everything)) for name in SPLITS}
    own: dict[str, npt.NDArray[np.int64]] = {}
    left = np.unique(classes[pools["train"]])
    if names:
        own["test"] = _matching(column.classes, names)
        left = np.setdiff1d(left, own["test"])
    size = max(_FEWEST, round(share * len(left)))
    for name in ("val", "test"):
        apart = np.unique(classes[pools[name]])
        if name in given and not np.isin(apart, left).any():
            own[name] = apart
    for name in ("test", "val"):
        if name not in own:
            drawn = left[permutation(seed, "held-out classes", SPLITS.index(name), len(left))]
            own[name], left = drawn[:size], drawn[size:]
    own["train"] = left
    _require_enough(table, {name: len(own[name]) for name in SPLITS})
    splits = {name: _of(classes, pools[name], own[name]) for name in SPLITS}
    notes = [_sentence(name, own[name], column.classes, splits[name]) for name in ("val", "test")]
    unused = len(everything) - sum(map(len, splits.values()))
    notes += [Message("reading.classes_unused", count=unused)] if unused else []
    report = replace(table.report, notes=[*table.report.notes, *notes])
    result = replace(table, splits=splits, given_splits=tuple(given), report=report)
    report.counts = count_examples(result)
    return result


def as_source_gave(table: Table) -> Table:
    """A table that was read and cut, with the splits of its source alone: what was cut from train is train again."""
    cut = [name for name in table.splits if name not in table.given_splits]
    if table.recipe is None or not cut:
        return table
    given = {name: table.splits[name] for name in table.given_splits}
    if "train" in given:
        given["train"] = np.sort(np.concatenate([given["train"], *(table.splits[name] for name in cut)]))
    return table.with_splits(given)


def class_names(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of classes that stand in a list, or in a text with commas between them.

    Example:
        >>> class_names("7, 8,9"), class_names(None)
        (('7', '8', '9'), ())
    """
    names = text.split(",") if isinstance(text, str) else text or ()
    return tuple(str(name).strip() for name in names)


def _of(classes: npt.NDArray[np.int64], pool: Rows, wanted: npt.NDArray[np.int64]) -> Rows:
    return np.sort(pool[np.isin(classes[pool], wanted)])


def _matching(classes: Sequence[str], names: Sequence[str]) -> npt.NDArray[np.int64]:
    """The numbers of the classes that are named; each name must be one, or a pattern of some."""
    found: set[int] = set()
    for name in names:
        below = f"{name.rstrip('/')}/"  # a folder of classes
        places = {
            place
            for place, known in enumerate(classes)
            if known == name or known.startswith(below) or fnmatchcase(known, name)
        }
        if not places:
            raise UnknownNameError("class to hold out", name, classes)
        found |= places
    return np.array(sorted(found), dtype=np.int64)


def _require_enough(table: Table, counts: dict[str, int]) -> None:
    if min(counts.values()) < _FEWEST:
        got = ", ".join(f"{count} for {name}" for name, count in counts.items())
        raise DataError(
            f"Table {table.name!r}: at least {_FEWEST} classes each are required to train, to choose and to measure "
            f"on; got {got}. Add classes{_deeper(table)}, or keep examples of every class in each split: "
            f"hold_out={IN_PROPORTION} (--hold-out {IN_PROPORTION})."
        )


def _deeper(table: Table) -> str:
    """How the folders in class folders become classes, where there are some."""
    notes = table.report.notes
    nested = any(isinstance(note, Message) and note.key == "reading.nested_folders" for note in notes)
    return ", or read the folders within them as classes (--reader-option classes=innermost)" if nested else ""


def _sentence(name: str, own: npt.NDArray[np.int64], classes: Sequence[str], rows: Rows) -> Message:
    shown = ", ".join(classes[place] for place in own[:_SHOWN].tolist()) + (", …" if len(own) > _SHOWN else "")
    return Message("reading.classes_held_out", split=name, num=len(own), count=len(rows), classes=shown)
