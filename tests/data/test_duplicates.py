"""Equal rows, found beside a dictionary of whole rows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.data.duplicates import content_groups, first_equal_rows, note_duplicates
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Pictures, Ragged, Table

RNG = np.random.default_rng(11)


def table_of(
    target: np.ndarray | None = None, splits: dict[str, np.ndarray] | None = None, **inputs: ColumnData
) -> Table:
    columns = dict(inputs)
    schema = [Column(name=name, kind=Kind.NUMBER, role=Role.INPUT) for name in inputs]
    if target is not None:
        columns["y"] = Dense(target)
        schema.append(Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b")))
    return Table(name="t", schema=Schema(tuple(schema)), columns=columns, splits=splits or {})


def by_dictionary(contents: list[object]) -> list[int]:
    seen: dict[object, int] = {}
    return [seen.setdefault(content, row) for row, content in enumerate(contents)]


@pytest.mark.parametrize(
    "values",
    [
        RNG.integers(0, 2, (300, 3, 3, 1), dtype=np.uint8),
        RNG.integers(0, 3, (200, 5)).astype(np.float32),
        RNG.integers(0, 40, 200),
        np.repeat(RNG.integers(0, 256, (3, 50, 40, 3), dtype=np.uint8), 4, axis=0),
    ],
    ids=["pictures", "vectors", "integers", "long rows"],
)
def test_arrays_agree_with_a_dictionary(values: np.ndarray) -> None:
    expected = by_dictionary([row.tobytes() for row in values])
    assert first_equal_rows(table_of(x=Dense(values))).tolist() == expected


def test_long_rows_that_differ_in_one_value_are_different() -> None:
    # Only windows of long rows are hashed; what differs outside them must still be found.
    values = np.repeat(RNG.integers(0, 256, (1, 50, 40, 3), dtype=np.uint8), 4, axis=0)
    values[2, 0, 0, 0] ^= 1
    assert first_equal_rows(table_of(x=Dense(values))).tolist() == [0, 0, 2, 0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="abş ", max_size=4), min_size=1, max_size=40))
def test_texts_agree_with_a_dictionary(texts: list[str]) -> None:
    assert first_equal_rows(table_of(x=Ragged.from_texts(texts))).tolist() == by_dictionary(list(texts))


def test_long_texts_of_which_some_words_are_hashed_agree_with_a_dictionary() -> None:
    letters = np.random.default_rng(5)
    # Many differ in one letter only, which lies anywhere.
    texts = ["".join(row) for row in letters.choice(["a", "b"], (400, 5), p=[0.9, 0.1])]
    texts = [f"{text[:2]:a<40}{text[2:4]:a<40}{text[4]}" for text in texts] + ["a" * 7, "a" * 8, "a" * 5000] * 2
    assert first_equal_rows(table_of(x=Ragged.from_texts(texts))).tolist() == by_dictionary(list(texts))


def test_pictures_of_equal_bytes_but_other_shape_are_different() -> None:
    flat = np.tile(np.arange(12, dtype=np.uint8), 3)
    sizes = np.array([3, 4, 3])
    pictures = Pictures(flat, np.array([0, 12, 24, 36]), sizes, 12 // sizes, 1)
    assert first_equal_rows(table_of(x=pictures)).tolist() == [0, 1, 0]


def test_all_inputs_together_make_a_row() -> None:
    a, b = np.array([1.0, 1.0, 2.0, 1.0]), Ragged.from_texts(["u", "v", "u", "u"])
    assert first_equal_rows(table_of(a=Dense(a), b=b)).tolist() == [0, 1, 2, 0]


def test_missing_values_are_equal_and_so_are_both_zeros() -> None:
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    values = np.array([np.nan, other_nan, 0.0, -0.0])
    assert first_equal_rows(table_of(x=Dense(values))).tolist() == [0, 0, 2, 2]


def test_groups_hold_all_copies_in_order() -> None:
    groups = content_groups(table_of(x=Dense(np.array([5, 7, 5, 9, 7, 5]))))
    assert [g.tolist() for g in groups] == [[0, 2, 5], [1, 4]]
    assert content_groups(table_of(x=Dense(np.arange(4)))) == []


def test_copies_across_splits_are_leaks_and_disagreeing_targets_are_noted() -> None:
    splits = {"train": np.array([0, 1, 2]), "test": np.array([3, 4])}
    table = table_of(np.array([0, 1, 0, 1, 0]), splits, x=Dense(np.array([5, 7, 7, 5, 8])))
    note_duplicates(table)
    report = table.report
    assert [(d.names, d.splits) for d in report.duplicates] == [
        (("row 0", "row 3"), ("train", "test")),
        (("row 1", "row 2"), ("train", "train")),
    ]
    assert len(report.leaks) == 1
    assert [f.where for f in report.findings] == ["row 0, row 3", "row 1, row 2"]
    assert "different targets" in report.findings[0].reason


def test_a_table_whose_rows_all_come_twice_is_told_of_in_numbers() -> None:
    num = 10_000
    values, split = np.repeat(np.arange(num, dtype=np.float64), 2), np.arange(num) * 2
    table = table_of(np.arange(2 * num) % 2, {"train": split, "val": split + 1}, x=Dense(values))
    first = first_equal_rows(table)
    tracemalloc.start()
    note_duplicates(table, first)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A number for each row, a place for each group, and the few that are listed; their names alone are ten times that.
    assert held < 3 * values.nbytes
    report = table.report
    assert (len(report.duplicates), report.duplicates[num - 1].names) == (num, ("row 19998", "row 19999"))
    told = report.to_json(5)
    assert (told["num_duplicates"], told["leaks"], len(told["duplicates"])) == (num, num, 5)
    assert sum(one["count"] for one in told["findings"]) == num
    assert len(report.findings) < 300


def test_rows_of_no_split_do_not_count() -> None:
    table = table_of(np.zeros(3, dtype=np.int64), {"train": np.array([0, 2])}, x=Dense(np.array([5, 5, 6])))
    note_duplicates(table)
    assert not table.report.duplicates
