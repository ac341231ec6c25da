"""NumPy files and arrays: what each array is for is found from its name, what it means from its values."""

from pathlib import Path

import numpy as np
import pytest

from derin.core.errors import DataError
from derin.data.schema import Kind
from derin.data.table import Dense
from derin.readers.array_columns import input_column, target_column
from derin.readers.arrays import read_arrays

RNG = np.random.default_rng(3)


def pictures(num: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (num, *shape), dtype=np.uint8)


def test_the_form_of_keras_has_train_and_test(tmp_path: Path) -> None:
    x, y = pictures(12, 5, 7), np.arange(12) % 3
    np.savez(tmp_path / "mnist.npz", x_train=x[:9], y_train=y[:9], x_test=x[9:], y_test=y[9:])
    table = read_arrays(tmp_path / "mnist.npz", name="m")
    assert {k: v.tolist() for k, v in table.splits.items()} == {"train": list(range(9)), "test": [9, 10, 11]}
    np.testing.assert_array_equal(table["x"].take(np.arange(12))[..., 0], x)
    np.testing.assert_array_equal(table["y"].take(np.arange(12)), y)
    assert table.target().classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [("X", "y"), ("images", "labels"), ("data", "target"), ("train_images", "train_labels"), ("XTrain", "YTrain")],
)
def test_common_names_are_known(tmp_path: Path, inputs: str, targets: str) -> None:
    np.savez(tmp_path / "a.npz", **{inputs: RNG.random((10, 3)), targets: np.arange(10) % 2})
    table = read_arrays(tmp_path / "a.npz", name="a")
    assert (len(table), [c.shape for c in table.inputs], table.target().kind) == (10, [(3,)], Kind.CATEGORY)


def test_arrays_without_names_are_taken_in_order_and_it_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", RNG.random((10, 3)), np.arange(10) % 2)
    table = read_arrays(tmp_path / "a.npz", name="a")
    assert len(table) == 10
    assert "arr_0 is read as the inputs" in table.report.notes[0]


def test_three_splits_and_class_names(tmp_path: Path) -> None:
    arrays = {}
    for split, num in (("train", 8), ("val", 4), ("test", 6)):
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = pictures(num, 4, 6, 3), np.arange(num)[:, None] % 2
    np.savez(tmp_path / "a.npz", class_names=np.array(["benign", "malignant"]), **arrays)
    table = read_arrays(tmp_path / "a.npz", name="a")
    assert {k: len(v) for k, v in table.splits.items()} == {"train": 8, "val": 4, "test": 6}
    assert table.target().classes == ("benign", "malignant")


def test_an_array_that_nothing_is_known_of_is_listed(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", x=RNG.random((6, 2)), y=np.arange(6) % 2, whatever=np.zeros(3), x_test=RNG.random((4, 2))
    )
    table = read_arrays(tmp_path / "a.npz", name="a")
    assert len(table) == 6
    assert {f.where for f in table.report.findings} == {"whatever", "x_test"}


def test_a_named_target_is_taken(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=RNG.random((10, 2)), age=np.linspace(1, 2, 10))
    with pytest.raises(DataError, match=r"it holds x \(10, 2\), age \(10,\)"):
        read_arrays(tmp_path / "a.npz", name="a")
    assert read_arrays(tmp_path / "a.npz", name="a", target="age").target().kind is Kind.NUMBER


def test_python_objects_are_refused_and_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}, None], dtype=object), y=np.arange(2))
    with pytest.raises(DataError, match=r"array 'x'.*Python objects, which are never loaded.*without dtype=object"):
        read_arrays(tmp_path / "a.npz", name="a")
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object))
    np.save(tmp_path / "b_labels.npy", np.arange(1))
    with pytest.raises(DataError, match=r"b\.npy.*Python objects"):
        read_arrays(tmp_path / "b.npy", name="b")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=RNG.random((100, 20)), y=np.arange(100) % 2)
    whole = (tmp_path / "a.npz").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"hello"):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"cannot be read as a NumPy file|begins with b'PK'"):
            read_arrays(tmp_path / "a.npz", name="a")


def test_lengths_must_agree(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=RNG.random((10, 2)), y=np.arange(9) % 2)
    with pytest.raises(DataError, match=r"x has 10 examples, but y has 9; the numbers must be equal"):
        read_arrays(tmp_path / "a.npz", name="a")


def test_a_lone_npy_file_needs_its_labels_and_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", pictures(7, 4, 5, 3))
    with pytest.raises(DataError, match=r"faces_labels\.npy is required beside it"):
        read_arrays(tmp_path / "faces.npy", name="faces")
    np.save(tmp_path / "faces_labels.npy", np.array(["ada", "bo"] * 3 + ["ada"]))
    table = read_arrays(tmp_path / "faces.npy", name="faces")
    assert table.target().classes == ("ada", "bo")
    assert isinstance(table[table.inputs[0].name].values, np.memmap)


def test_a_folder_of_npy_files_is_read_by_their_names(tmp_path: Path) -> None:
    for split, num in (("train", 8), ("test", 4)):
        np.save(tmp_path / f"X_{split}.npy", RNG.random((num, 3)))
        np.save(tmp_path / f"y_{split}.npy", np.arange(num) % 2)
    assert {k: len(v) for k, v in read_arrays(tmp_path, name="f").splits.items()} == {"train": 8, "test": 4}
    assert len(read_arrays(tmp_path / "X_train.npy", name="f")) == 8


def test_channels_first_are_moved_only_where_that_is_certain() -> None:
    first = pictures(2, 3, 8, 9)
    made = input_column(first, "x")
    np.testing.assert_array_equal(made.data.take(np.arange(2)), first.transpose(0, 2, 3, 1))
    assert "channels moved" in made.notes[0]
    assert input_column(pictures(2, 3, 8, 3), "x").column.shape == (3, 8, 3)
    with pytest.raises(DataError, match=r"height, width, 1 or 3"):
        input_column(pictures(2, 5, 8, 9), "x")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 0.5, 1]), [0, 128, 255]),
        (np.array([0, 200, 255], dtype=np.int64), [0, 200, 255]),
        (np.array([0, 257 * 7, 65535], dtype=np.uint16), [0, 7, 255]),
        (np.array([False, True, True]), [0, 255, 255]),
    ],
)
def test_pixels_of_other_types_become_bytes_and_it_is_said(values: np.ndarray, expected: list[int]) -> None:
    made = input_column(values.reshape(1, 1, 3), "x")
    assert made.column.kind is Kind.PICTURE
    assert made.data.take(np.arange(1)).ravel().tolist() == expected
    assert made.notes


def test_values_that_are_no_pixels_stay_numbers() -> None:
    made = input_column(RNG.normal(size=(2, 4, 5)), "x")
    assert (made.column.kind, made.column.shape) == (Kind.NUMBER, (4, 5))


def test_missing_and_infinite_numbers_are_kept_as_missing_and_noted() -> None:
    values = np.array([[1.0, np.nan], [np.inf, 2.0], [3.0, 4.0]])
    made = input_column(values, "x")
    np.testing.assert_array_equal(made.data.take(np.arange(3)), [[1, np.nan], [np.nan, 2], [3, 4]])
    assert [f.reason.split(" in ")[0] for f in made.findings] == ["missing values (NaN)", "infinite values"]


@pytest.mark.parametrize(
    ("values", "kind", "shape", "classes"),
    [
        (np.array(["b", "a", "b"]), Kind.CATEGORY, (), ("a", "b")),
        (np.array([True, False]), Kind.CATEGORY, (), ("False", "True")),
        (np.array([-1, 1, 1]), Kind.CATEGORY, (), ("-1", "1")),
        (np.arange(20) % 4, Kind.CATEGORY, (), ("0", "1", "2", "3")),
        (np.array([0.0, 1.0, np.nan, 1.0]), Kind.CATEGORY, (), ("0", "1")),
        (np.eye(3)[[0, 2, 1, 1]], Kind.CATEGORY, (), ("0", "1", "2")),
        (np.array([[1, 1, 0], [0, 0, 0]]), Kind.CATEGORY, (3,), ("0", "1", "2")),
        (np.array([25, 346, 101, 60, 77, 12]), Kind.NUMBER, (), None),
        (np.array([[0.5, 2.0], [1.5, 3.0]]), Kind.NUMBER, (2,), None),
    ],
)
def test_what_a_target_is_shows_from_its_values(values, kind, shape, classes) -> None:
    column = target_column(values, "y").column
    assert (column.kind, column.shape, column.classes) == (kind, shape, classes)


def test_rows_of_a_single_1_become_class_numbers_and_missing_classes_minus_1() -> None:
    one_hot = target_column(np.eye(3)[[0, 2, 1]], "y").data
    assert isinstance(one_hot, Dense)
    assert one_hot.values.tolist() == [0, 2, 1]
    missing = target_column(np.array([0.0, np.nan, 1.0, 1.0]), "y").data
    assert missing.take(np.arange(4)).tolist() == [0, -1, 1, 1]
