"""The classes of other data are matched by name or by number; what is unknown is not measured and said."""

from __future__ import annotations

import re

import numpy as np
import pytest

from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.tasks.matching import match_classes


def matched(own: tuple[str, ...], values: list[int], classes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    column = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=own)
    data = Table(name="t", schema=Schema((column,)), columns={"y": Dense(np.array(values))}, splits={})
    table, notes = match_classes(data, column, classes)
    names = table.target().classes or ()
    return [names[v] if v >= 0 else "" for v in table.columns["y"].values], list(map(str, notes))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("own", "classes", "expected", "said"),
    [
        (("a", "b"), ("a", "b"), ["a", "b", "b"], []),
        (("a", "b"), ("b", "a"), ["a", "b", "b"], []),
        (("a", "x"), ("a", "b"), ["a", "", ""], ["2 examples are of classes .*: x .2.", "1 class .* not occur .*: b"]),
        (
            ("0", "2"),
            ("cat", "dog", "owl"),
            ["cat", "owl", "owl"],
            ["by number: 0 = cat, 2 = owl", "not occur .*: dog"],
        ),
        (("cat", "dog"), ("0", "1"), ["0", "1", "1"], ["by number: cat = 0, dog = 1"]),
        (("x", "y"), ("a", "b"), ["x", "y", "y"], []),
        (("cat", "dog"), ("10", "9"), ["9", "10", "10"], ["by number: cat = 9, dog = 10"]),
        (("0", "3"), ("cat", "dog", "owl"), ["0", "3", "3"], []),  # there is no fourth class
        (("0", "x"), ("cat", "dog"), ["0", "x", "x"], []),
        (("cat", "dog"), ("0", "x"), ["cat", "dog", "dog"], []),
        (("cat", "dog"), ("0", "1", "2"), ["cat", "dog", "dog"], []),
        (("2", "3"), ("0", "1"), ["2", "3", "3"], []),
    ],
)
def test_classes_are_matched(
    own: tuple[str, ...], classes: tuple[str, ...], expected: list[str], said: list[str]
) -> None:

    names, notes = matched(own, [0, 1, 1], classes)
    assert names == expected
    assert len(notes) == len(said)
    assert all(re.search(pattern, note) for pattern, note in zip(said, notes, strict=True))


def test_what_has_no_answer_leaves_its_split_and_at_most_a_few_names_are_said() -> None:
    own, classes = tuple("abcdefghijklmn"), tuple("abopqrstuvwxyz")
    column = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=own)
    values, splits = np.array([0, 1, -1, *range(2, 14), 0]), {"val": np.arange(8), "test": np.arange(8, 16)}
    for given, expected in ((splits, {"val": [0, 1], "test": [15]}), ({}, {"test": [0, 1, 15]})):
        data = Table(name="t", schema=Schema((column,)), columns={"y": Dense(values)}, splits=given)
        table, notes = match_classes(data, column, classes)
        assert {name: rows.tolist() for name, rows in table.splits.items()} == expected
        unknown, lacking = map(str, notes)
        num = unknown.count("(1)")
        assert "12 examples are of classes" in unknown
        assert unknown.endswith(", ".join(f"{name} (1)" for name in own[2 : 2 + num]) + ", ….")
        assert "12 classes" in lacking
        assert ", ".join(classes[2 : 2 + num]) + ", …" in lacking
