"""Splits: given ones are kept, missing ones are cut by the rule that is documented."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.splits import complete_splits, count_examples, hold_out_training_dev, train_on_dev
from derin.data.table import Dense, Rows, Table


def make(
    labels: np.ndarray,
    splits: dict[str, Rows] | None = None,
    inputs: np.ndarray | None = None,
    group: np.ndarray | None = None,
    sources: np.ndarray | None = None,
) -> Table:
    """A table with one number and classes a, b, c, …; all numbers differ unless given."""
    num = len(labels)
    columns = {"x": Dense(np.arange(num, dtype=np.float64) if inputs is None else inputs), "y": Dense(labels)}
    classes = tuple("abcdefghij"[: int(labels.max(initial=0)) + 1])
    schema = [
        Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),
        Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=classes),
    ]
    if group is not None:
        columns["who"] = Dense(group)
        schema.append(Column(name="who", kind=Kind.NUMBER, role=Role.GROUP))
    if sources is not None:
        columns["source"] = Dense(sources)
        schema.append(Column(name="source", kind=Kind.CATEGORY, role=Role.IGNORED, classes=("web", "app")))
    return Table(name="t", schema=Schema(tuple(schema)), columns=columns, splits=splits or {})


def sizes(table: Table) -> dict[str, int]:
    return {name: len(rows) for name, rows in table.splits.items()}


def rows(start: int, stop: int) -> Rows:
    return np.arange(start, stop)


def test_without_splits_val_and_test_take_a_fifth_each() -> None:
    table = complete_splits(make(np.arange(150) % 3))
    assert sizes(table) == {"train": 90, "val": 30, "test": 30}
    assert table.report.counts["val"] == {"a": 10, "b": 10, "c": 10}


def test_val_and_test_take_no_more_than_ten_thousand() -> None:
    assert sizes(complete_splits(make(np.arange(120_000) % 7))) == {"train": 100_000, "val": 10_000, "test": 10_000}


def test_a_lone_train_split_is_cut_like_the_whole() -> None:
    table = complete_splits(make(np.arange(50) % 2, {"train": rows(10, 50)}))
    assert sizes(table) == {"train": 24, "val": 8, "test": 8}
    assert min(r.min() for r in table.splits.values()) == 10


def test_val_is_cut_from_train_where_train_and_test_are_given() -> None:
    table = complete_splits(make(np.arange(70) % 2, {"train": rows(0, 60), "test": rows(60, 70)}))
    assert sizes(table) == {"train": 48, "val": 12, "test": 10}
    np.testing.assert_array_equal(table.splits["test"], rows(60, 70))
    np.testing.assert_array_equal(np.sort(np.concatenate([table.splits["train"], table.splits["val"]])), rows(0, 60))


def test_a_test_split_is_not_invented_where_train_and_val_were_given() -> None:
    table = complete_splits(make(np.arange(70) % 2, {"train": rows(0, 60), "val": rows(60, 70)}))
    assert sizes(table) == {"train": 60, "val": 10}
    assert table.report.notes == []


def test_given_splits_are_kept_and_a_second_pass_changes_nothing() -> None:
    once = complete_splits(make(np.arange(70) % 2))
    twice = complete_splits(once, seed=9)
    assert all((once.splits[name] == twice.splits[name]).all() for name in once.splits)
    assert twice.report.notes == once.report.notes


def test_the_cut_is_a_function_of_the_seed() -> None:
    table = make(np.arange(200) % 4)
    first, again, other = (complete_splits(table, seed=seed).splits["val"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=3, max_size=120), st.integers(0, 3))
def test_every_row_lies_in_one_split_and_classes_keep_their_proportion(labels: list[int], seed: int) -> None:
    y = np.array(labels)
    table = complete_splits(make(y), seed=seed)
    together = np.sort(np.concatenate(list(table.splits.values())))
    np.testing.assert_array_equal(together, np.arange(len(y)))
    share = max(1, int(0.2 * len(y))) / len(y)
    moved = int(sum(len(r) for name, r in table.splits.items() if name != "train"))
    for label in np.unique(y):
        of_class = y == label
        for name in ("val", "test"):
            # Rounding moves less than one row of a class; a part may not be empty, which may cost one class one more.
            assert int(of_class[table.splits[name]].sum()) <= share * of_class.sum() + 2
        if of_class.sum() == 1 and moved > 2:
            assert of_class[table.splits["train"]].sum() == 1


def test_a_class_with_one_example_goes_to_train() -> None:
    labels = np.array([0] * 20 + [1] * 20 + [2])
    for seed in range(5):
        table = complete_splits(make(labels), seed=seed)
        assert 40 in table.splits["train"]


def test_copies_stay_together() -> None:
    inputs = np.repeat(np.arange(40.0), 2)
    inputs[60:] = np.arange(100, 120)
    table = complete_splits(make(np.arange(80) % 2, inputs=inputs))
    where = {name: set(inputs[r].tolist()) for name, r in table.splits.items()}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert where[one].isdisjoint(where[other])
    assert abs(len(table.splits["val"]) - 16) <= 1
    assert "equal examples together" in table.report.notes[0]


def test_tables_of_few_different_rows_are_cut_row_by_row() -> None:
    # Exclusive or: four different rows, 25 times each; kept together, val would hold a single class.
    table = complete_splits(make(np.arange(100) % 2, inputs=np.arange(100.0) % 4))
    assert table.report.counts["val"] == {"a": 10, "b": 10}


def test_groups_stay_together() -> None:
    group = np.repeat(np.arange(10.0), 7)
    table = complete_splits(make(np.arange(70) % 3, group=group))
    people = [set(group[r].tolist()) for r in table.splits.values()]
    assert sum(map(len, people)) == 10
    assert sizes(table) == {"train": 42, "val": 14, "test": 14}


def test_few_large_groups_leave_no_split_empty() -> None:
    table = complete_splits(make(np.arange(90) % 2, group=np.repeat(np.arange(3.0), 30)))
    assert sizes(table) == {"train": 30, "val": 30, "test": 30}
    with pytest.raises(DataError, match=r"fall into 2 groups that must stay together, too few"):
        complete_splits(make(np.arange(90) % 2, group=np.repeat(np.arange(2.0), 45)))


def test_rows_without_a_target_belong_to_no_split_and_are_listed() -> None:
    labels = np.arange(30) % 3
    labels[[4, 17]] = -1
    table = complete_splits(make(labels))
    assert sum(sizes(table).values()) == 28
    assert [f.where for f in table.report.findings] == ["row 4", "row 17"]


def test_too_few_rows_are_refused() -> None:
    assert sizes(complete_splits(make(np.array([0, 1, 0])))) == {"train": 1, "val": 1, "test": 1}
    with pytest.raises(DataError, match=r"at least 3 rows with a target are required .* got 2"):
        complete_splits(make(np.array([0, 1])))


def test_a_lone_test_split_is_kept_and_said() -> None:
    table = complete_splits(make(np.arange(9) % 2, {"test": rows(0, 9)}))
    assert sizes(table) == {"test": 9}
    assert table.given_splits == ("test",)
    assert any("no training split" in note for note in table.report.notes)


@pytest.mark.parametrize(("classes", "each"), [(5, 4), (10, 7), (10, 3), (3, 50), (7, 2)])
@pytest.mark.parametrize("given", [{}, {"test": True}])
def test_classes_of_equal_size_get_equal_shares_and_the_seed_decides_the_rest(
    classes: int, each: int, given: dict[str, bool]
) -> None:
    labels = np.arange(classes).repeat(each)
    splits = {"train": rows(0, len(labels)), "test": rows(len(labels), len(labels) + 1)} if given else None
    if given:
        labels = np.append(labels, 0)
    measured = {name: np.zeros(classes, dtype=int) for name in ("val", "test")}
    for seed in range(30):
        table = complete_splits(make(labels, splits), seed=seed)
        counts = {name: np.bincount(labels[r], minlength=classes) for name, r in table.splits.items()}
        assert np.ptp(counts["train"]) <= 1
        assert counts["train"].min() >= 1
        assert np.ptp(counts["val"]) <= 1
        if not given:
            assert abs(len(table.splits["val"]) - len(table.splits["test"])) <= 1
            if each >= 3:
                assert ((counts["val"] + counts["test"]) >= 1).all()
        for name in measured:
            measured[name] += counts.get(name, np.zeros(classes, dtype=int)) > 0
    # With chance alone to decide, no class is left out of val in all of thirty seeds.
    assert measured["val"].min() > 0
    assert given or measured["test"].min() > 0


def test_small_classes_beside_large_ones_are_measured_in_turn_and_trained_on_always() -> None:
    labels = np.array([0] * 203 + [1] * 101 + [2] * 3 + [3] * 2 + [4])
    where = {name: set() for name in ("train", "val", "test")}
    for seed in range(40):
        table = complete_splits(make(labels), seed=seed)
        for name, r in table.splits.items():
            where[name] |= set(labels[r].tolist())
        assert set(labels[table.splits["train"]].tolist()) == {0, 1, 2, 3, 4}
        held = labels[np.concatenate([table.splits["val"], table.splits["test"]])]
        assert (held == 2).sum() in (1, 2)
    assert where["val"] == where["test"] == {0, 1, 2, 3}


def test_groups_that_each_hold_one_class_are_cut_in_proportion() -> None:
    group = np.repeat(np.arange(20.0), 6)
    labels = (group % 2).astype(np.int64)
    for seed in range(5):
        table = complete_splits(make(labels, group=group), seed=seed)
        for name, num in (("train", 36), ("val", 12), ("test", 12)):
            assert np.bincount(labels[table.splits[name]], minlength=2).tolist() == [num, num]


def test_no_class_is_without_a_training_example_where_groups_hold_several() -> None:
    group = np.repeat(np.arange(8.0), 5)
    labels = np.array([0, 1, 0, 1, 0] * 7 + [2] * 5)
    for seed in range(20):
        table = complete_splits(make(labels, group=group), seed=seed)
        assert set(labels[table.splits["train"]].tolist()) == {0, 1, 2}
        assert sum(sizes(table).values()) == 40
        assert min(sizes(table).values()) >= 5


def test_rows_with_dates_are_not_cut_at_random_without_a_word() -> None:
    table = make(np.arange(30) % 2)
    schema = Schema((*table.schema.columns, Column(name="day", kind=Kind.DATE, role=Role.INPUT)))
    dated = Table(name="t", schema=schema, columns={**table.columns, "day": Dense(np.arange(30.0))}, splits={})
    assert any("'day'" in note and "at random" in note for note in complete_splits(dated).report.notes)


def test_a_row_in_two_splits_is_refused() -> None:
    with pytest.raises(DataError, match=r"some belong to two"):
        complete_splits(make(np.arange(9) % 2, {"train": rows(0, 6), "val": rows(5, 9)}))


def test_several_labels_are_counted_each() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], dtype=np.float32)
    schema = Schema(
        (
            Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),
            Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, shape=(2,), classes=("sea", "sky")),
        )
    )
    table = Table(
        name="t", schema=schema, columns={"x": Dense(np.arange(4.0)), "y": Dense(labels)}, splits={"train": rows(0, 4)}
    )
    assert count_examples(table) == {"train": {"sea": 3, "sky": 1}}


def test_a_part_of_training_is_held_out_and_a_part_of_validation_trains() -> None:
    table = complete_splits(make(np.arange(200) % 4), seed=1)
    held = hold_out_training_dev(table, 0.25, seed=1)
    assert list(held.splits) == ["train", "traindev", "val", "test"]
    assert len(held.splits["traindev"]) == len(table.splits["train"]) // 4
    together = np.concatenate([held.splits["train"], held.splits["traindev"]])
    np.testing.assert_array_equal(np.sort(together), table.splits["train"])
    # Every class in proportion, up to one.
    counts = np.bincount(table.columns["y"].take(held.splits["traindev"]))
    assert counts.max() - counts.min() <= 1

    moved = train_on_dev(table, 0.5, seed=1)
    assert len(moved.splits["val"]) == len(table.splits["val"]) - len(table.splits["val"]) // 2
    np.testing.assert_array_equal(
        np.sort(np.concatenate([moved.splits["train"], moved.splits["val"]])),
        np.sort(np.concatenate([table.splits["train"], table.splits["val"]])),
    )
    np.testing.assert_array_equal(moved.splits["test"], table.splits["test"])
    for refused in (0.0, 1.0, 1.5):
        with pytest.raises(DataError, match="a share of examples between 0 and 1"):
            hold_out_training_dev(table, refused)


def test_in_order_of_a_column_the_earliest_train_and_the_latest_measure() -> None:
    random = np.random.default_rng(5)
    days = random.integers(0, 40, 203).astype(np.float64)
    days[[3, 50]] = np.nan
    column = Column(name="day", kind=Kind.DATE, role=Role.INPUT)
    target = Column(name="y", kind=Kind.NUMBER, role=Role.TARGET)
    table = Table(
        name="t",
        schema=Schema((column, target)),
        columns={"day": Dense(days), "y": Dense(random.normal(size=203))},
        splits={},
    )
    cut = complete_splits(table, time_column="day")
    train, val, test = (days[cut.splits[split]] for split in ("train", "val", "test"))
    assert np.isnan(train).sum() == 2
    assert np.nanmax(train) < val.min() <= val.max() < test.min()
    assert sum(map(len, (train, val, test))) == 203
    # A fifth, and the rest of the moment at which it begins: some five of each day.
    assert 40 <= len(test) <= 55
    assert 40 <= len(val) <= 55
    assert any("the latest rows by 'day'" in note for note in cut.report.notes)
    again = complete_splits(table, time_column="day", seed=3)
    assert all(np.array_equal(again.splits[name], rows) for name, rows in cut.splits.items())


def test_a_column_without_an_order_cuts_nothing() -> None:
    table = Table(
        name="t",
        schema=Schema(
            (
                Column(name="day", kind=Kind.NUMBER, role=Role.INPUT),
                Column(name="kind", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b")),
            )
        ),
        columns={"day": Dense(np.ones(50)), "kind": Dense(np.arange(50) % 2)},
        splits={},
    )
    with pytest.raises(UnknownNameError, match="did you mean 'day'"):
        complete_splits(table, time_column="days")
    with pytest.raises(UsageError, match="time_column must be of dates or numbers; 'kind'"):
        complete_splits(table, time_column="kind")
    with pytest.raises(DataError, match="too few different times"):
        complete_splits(table, time_column="day")


def test_what_the_network_is_for_is_measured_alone_and_all_else_trains() -> None:
    # The course: 200,000 pictures of the web and 10,000 of the app, measured on 2,500 of the app each.
    table = make(np.arange(210_000) % 2, sources=np.repeat([0, 1], [200_000, 10_000]))
    cut = complete_splits(table, share=0.25, dev_from="source=app")
    assert sizes(cut) == {"train": 205_000, "val": 2_500, "test": 2_500}
    assert min(cut.splits["val"].min(), cut.splits["test"].min()) >= 200_000
    assert (cut.splits["train"] >= 200_000).sum() == 5_000
    # Option 1 deals out all alike: of 2,500 about 2,381 are of the web and 119 of the app.
    (note,) = [note for note in cut.report.notes if "source=app" in note]
    assert "5,000 of its rows train beside 200,000 others" in note
    assert "Of the 2,500 rows of val, about 119 would be of source=app" in note
    mixed = complete_splits(table, share=0.25, largest=2_500)
    # Hypergeometric with a mean of 119.05 and a standard deviation of 10.6; four of these.
    assert abs((mixed.splits["val"] >= 200_000).sum() - 119.05) < 43


def test_rows_that_cannot_be_measured_alone_are_refused_in_a_sentence() -> None:
    table = make(np.arange(40) % 2, sources=np.repeat([0, 1], 20))
    named = replace(table, row_names=[f"{'web' if i < 20 else 'app'}/{i}.png" for i in range(40)])
    assert min(complete_splits(named, dev_from="app/*").splits["val"]) >= 20
    for source, says in [
        ("source=shop", "it holds 'web', 'app'"),
        ("x=1", "as a category"),
        ("*", "not all"),
        ("tv/*", "no row"),
    ]:
        with pytest.raises(UsageError, match=says):
            complete_splits(named, dev_from=source)
    with pytest.raises(UsageError, match="its own"):
        complete_splits(table.with_splits({"train": rows(0, 30), "val": rows(30, 40)}), dev_from="source=app")
    grouped = make(np.arange(40) % 2, sources=np.repeat([0, 1], 20), group=np.arange(40.0) % 5)
    with pytest.raises(UsageError, match="parts groups of 'who'"):
        complete_splits(grouped, dev_from="source=app")
