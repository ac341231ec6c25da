"""Which task is chosen, what it reads from the table, and which tables and names are refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.task_tables import TABLES, classes_table, numbers_table, table_of

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.tasks.classification import Classification
from derin.tasks.inference import infer_task
from derin.tasks.regression import Regression


def test_two_classes_may_be_classified_by_softmax_when_asked_for() -> None:
    task = infer_task(TABLES["binary"], name="classification")
    assert (task.name, task.num_outputs, task.classes) == ("classification", 2, ("no", "yes"))


def test_binary_has_one_output_and_both_names() -> None:
    task = infer_task(TABLES["binary"])
    assert (task.num_outputs, task.classes) == (1, ("no", "yes"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("regression", "classification"),
        ("regression", "multilabel"),
        ("binary", "classification"),
        ("binary", "multilabel"),
        ("binary", "regression"),
        ("multilabel", "binary"),
        ("multilabel", "regression"),
        ("classification", "multilabel"),
    ],
)
def test_task_that_does_not_fit_is_refused(name: str, data: str) -> None:
    with pytest.raises(UsageError, match="needs"):
        infer_task(TABLES[data], name=name)


def test_unknown_task_names_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'regression'"):
        infer_task(TABLES["regression"], name="regresion")


def test_numbers_that_are_no_classes_are_refused_as_classes() -> None:
    with pytest.raises(UsageError, match="Use task='regression'"):
        infer_task(numbers_table([0.5, 1.0, 2.0]), name="classification")


def test_whole_numbers_may_be_classes_when_asked_for() -> None:
    table = numbers_table([3, 8, 5, 3])
    task = infer_task(table, name="classification")
    assert task.classes == ("3", "5", "8")
    assert task.targets(table).tolist() == [0, 2, 1, 0]


def test_single_class_cannot_be_learnt() -> None:
    with pytest.raises(DataError, match="at least two classes"):
        infer_task(classes_table([0, 0], ("only",)))


def test_target_of_dates_is_refused() -> None:
    column = Column(name="y", kind=Kind.DATE, role=Role.TARGET)
    table = Table(name="toy", schema=Schema((column,)), columns={"y": Dense(np.zeros(1))}, splits={})
    with pytest.raises(DataError, match="classes or numbers"):
        infer_task(table)


def test_regression_is_standardized_by_training_rows_only() -> None:
    values = np.array([1.0, 3.0, 5.0, 1000.0, -1000.0])
    table = numbers_table(values, splits={"train": [0, 1, 2], "val": [3], "test": [4]}, unit="kg")
    task = infer_task(table)
    assert isinstance(task, Regression)
    assert (task.mean, task.unit) == ((3.0,), "kg")
    assert task.std == pytest.approx((np.std(values[:3]),))
    expected = (values - 3.0) / np.std(values[:3])
    np.testing.assert_allclose(task.targets(table), expected, rtol=1e-6)
    assert task.targets(table).dtype == np.float32


def test_target_that_never_varies_is_not_divided_by_rounding() -> None:
    task = infer_task(numbers_table([0.1, 0.1, 0.1]))
    assert isinstance(task, Regression)
    assert task.std == (1.0,)


@pytest.mark.parametrize("apart", [False, True])
def test_several_numbers_are_several_outputs(apart: bool) -> None:
    values = np.arange(10.0).reshape(5, 2) ** 2
    if apart:
        columns = tuple(Column(name=name, kind=Kind.NUMBER, role=Role.TARGET) for name in "pq")
        data = {name: Dense(values[:, i]) for i, name in enumerate("pq")}
        table = Table(name="toy", schema=Schema(columns), columns=data, splits={})
    else:
        table = numbers_table(values)
    task = infer_task(table)
    assert isinstance(task, Regression)
    assert task.num_outputs == 2
    np.testing.assert_allclose(task.targets(table) * np.array(task.std) + np.array(task.mean), values, atol=1e-5)


def test_single_number_in_a_column_of_width_one_becomes_flat() -> None:
    table = numbers_table([[1.0], [2.0], [4.0]])
    task = infer_task(table)
    assert task.targets(table).shape == (3,)


def test_missing_target_in_a_split_is_told() -> None:
    table = classes_table([0, -1, 1, 2], ("a", "b", "c"), splits={"train": [0, 1, 2], "test": [3]})
    with pytest.raises(DataError, match=r"1 of the 3 rows of 'train' have none \(first: row 1\)"):
        infer_task(table).targets(table)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_missing_target_outside_all_splits_does_no_harm(kind: str) -> None:
    splits = {"train": [0, 2, 3]}
    if kind == "classes":
        table = classes_table([0, -1, 1, 2], ("a", "b", "c"), splits=splits)
        assert infer_task(table).targets(table).tolist() == [0, -1, 1, 2]
    else:
        table = numbers_table([1.0, np.nan, 2.0, 3.0], splits=splits)
        task = infer_task(table)
        assert isinstance(task, Regression)
        assert task.mean == (2.0,)
        assert np.isnan(task.targets(table)[1])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    numbers = np.array([0, 0, 0, 1, 2, 2, 1, 1, 1])
    table = classes_table(numbers, ("a", "b", "c"), splits={"train": range(7), "test": [7, 8]})
    task = infer_task(table, class_weights="balanced")
    assert isinstance(task, Classification)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=numbers[:7])
    assert task.class_weights == pytest.approx(expected.tolist())


def test_balanced_weight_of_a_class_that_never_occurs_is_one() -> None:
    task = infer_task(classes_table([0, 0, 0, 2], ("a", "b", "c")), class_weights="balanced")
    assert isinstance(task, Classification)
    assert task.class_weights == pytest.approx((4 / 6, 1.0, 2.0))


def test_balanced_label_weights_favor_rare_labels() -> None:
    task = infer_task(classes_table([[1, 0], [1, 1], [1, 0], [1, 0]], ("often", "rare")), class_weights="balanced")
    assert task.to_json()["class_weights"] == pytest.approx([0.4, 1.6])


def test_option_that_a_task_lacks_is_refused_unless_it_asks_for_nothing() -> None:
    assert infer_task(TABLES["regression"], label_smoothing=0.0, class_weights=None).name == "regression"
    with pytest.raises(UnknownNameError, match="option of the task 'regression'"):
        infer_task(TABLES["regression"], label_smoothing=0.1)
    with pytest.raises(UnknownNameError, match="did you mean 'label_smoothing'"):
        infer_task(TABLES["binary"], label_smothing=0.1)


def test_weight_column_is_found_by_its_role() -> None:
    table = classes_table([0, 1, 2], ("a", "b", "c"), weights=[1.0, 0.0, 10.0])
    task = infer_task(table)
    weights = task.weights(table)
    assert weights is not None
    assert (weights.tolist(), weights.dtype) == ([1.0, 0.0, 10.0], np.float32)
    assert infer_task(TABLES["binary"]).weights(TABLES["binary"]) is None


@pytest.mark.parametrize("weights", [[1.0, -1.0, 1.0], [1.0, np.nan, 1.0], [0.0, 0.0, 0.0]])
def test_weights_that_make_no_mean_are_refused(weights: list[float]) -> None:
    table = classes_table([0, 1, 2], ("a", "b", "c"), weights=weights)
    with pytest.raises(DataError, match="weights 'w'"):
        infer_task(table).weights(table)


def test_classes_of_another_table_are_matched_by_name() -> None:
    task = infer_task(classes_table([0, 1, 2], ("cat", "dog", "owl")))
    other = classes_table([0, 1, 0, -1], ("owl", "cat"), splits={"test": [0, 1, 2]})
    assert task.targets(other).tolist() == [2, 0, 2, -1]


def test_class_that_the_task_does_not_have_is_named() -> None:
    task = infer_task(TABLES["classification"])
    with pytest.raises(DataError, match=r"does not have: emu; it has: cat, dog, owl"):
        task.targets(classes_table([0, 1], ("cat", "emu")))


def test_class_that_is_declared_but_never_occurs_does_no_harm() -> None:
    task = infer_task(TABLES["classification"])
    assert task.targets(classes_table([0, 0], ("cat", "emu"))).tolist() == [0, 0]


def test_labels_of_another_table_are_matched_by_name() -> None:
    task = infer_task(TABLES["multilabel"])
    other = classes_table([[1, 0], [0, 1]], ("c", "a"))
    assert task.targets(other).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    with pytest.raises(DataError, match="does not have: z"):
        task.targets(classes_table([[1, 0]], ("z", "a")))


def test_numbers_are_matched_to_classes_that_are_numbers() -> None:
    task = infer_task(classes_table([0, 1, 2], ("3", "5", "8.5")))
    assert task.targets(numbers_table([8.5, 3.0, 5.0])).tolist() == [2, 0, 1]
    with pytest.raises(DataError, match="does not have: 4"):
        task.targets(numbers_table([4.0]))


def test_classes_that_spell_numbers_serve_a_regression() -> None:
    task = infer_task(numbers_table([1.0, 3.0]))
    np.testing.assert_allclose(task.targets(classes_table([1, 0], ("1", "5"))), [3.0, -1.0])
    with pytest.raises(DataError, match="must hold numbers"):
        task.targets(classes_table([1, 0], ("a", "b")))


def test_target_of_another_name_is_found_by_its_role() -> None:
    task = infer_task(TABLES["classification"])
    table = TABLES["classification"]
    renamed = Table(
        name="toy",
        schema=Schema((Column(name="kind", kind=Kind.CATEGORY, role=Role.TARGET, classes=("cat", "dog", "owl")),)),
        columns={"kind": table["y"]},
        splits={},
    )
    assert task.targets(renamed).tolist() == task.targets(table).tolist()


def test_ragged_target_is_refused() -> None:
    column = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b"))
    table = Table(name="toy", schema=Schema((column,)), columns={"y": Ragged.from_texts(["a", "b"])}, splits={})
    with pytest.raises(DataError, match="must hold numbers or classes"):
        infer_task(table)


def test_target_of_two_widths_is_refused_by_a_trained_regression() -> None:
    with pytest.raises(DataError, match="predicts 1 numbers; the target has 2"):
        infer_task(TABLES["regression"]).targets(table_of([[1.0, 2.0]], kind=Kind.NUMBER))
