"""IDX files, read beside files written by hand with struct."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from derin.core.errors import DataError
from derin.readers.idx import read_idx, read_idx_array

RNG = np.random.default_rng(5)


def idx_bytes(values: np.ndarray, code: int = 0x08) -> bytes:
    """An IDX file as its definition says, written without the reader."""
    head = struct.pack(">BBBB", 0, 0, code, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write_set(folder: Path, split: str, num: int, *, packed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    pictures = RNG.integers(0, 256, (num, 5, 7), dtype=np.uint8)
    labels = RNG.integers(0, 3, num).astype(np.uint8)
    labels[:3] = (0, 1, 2)
    ending, pack = (".gz", gzip.compress) if packed else ("", bytes)
    (folder / f"{split}-images-idx3-ubyte{ending}").write_bytes(pack(idx_bytes(pictures)))
    (folder / f"{split}-labels-idx1-ubyte{ending}").write_bytes(pack(idx_bytes(labels)))
    return pictures, labels


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_every_type_of_the_format_is_read(tmp_path: Path, code: int, dtype: str) -> None:
    values = (RNG.random((3, 4, 5)) * 100).astype(dtype)
    (tmp_path / "a").write_bytes(idx_bytes(values, code))
    got = read_idx_array(tmp_path / "a")
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize("packed", [False, True])
def test_train_and_t10k_become_train_and_test(tmp_path: Path, packed: bool) -> None:
    train, train_labels = write_set(tmp_path, "train", 9, packed=packed)
    test, test_labels = write_set(tmp_path, "t10k", 4, packed=packed)
    table = read_idx(tmp_path, name="little")
    assert {k: len(v) for k, v in table.splits.items()} == {"train": 9, "test": 4}
    assert table.schema["picture"].shape == (5, 7, 1)
    assert table.schema["label"].classes == ("0", "1", "2")
    np.testing.assert_array_equal(table["picture"].take(table.splits["train"])[..., 0], train)
    np.testing.assert_array_equal(table["picture"].take(table.splits["test"])[..., 0], test)
    np.testing.assert_array_equal(table["label"].take(table.splits["test"]), test_labels)
    np.testing.assert_array_equal(table["label"].take(table.splits["train"]), train_labels)


def test_names_with_points_are_known(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 4)
    (tmp_path / "train-images-idx3-ubyte").rename(tmp_path / "train-images.idx3-ubyte")
    (tmp_path / "train-labels-idx1-ubyte").rename(tmp_path / "train-labels.idx1-ubyte")
    assert len(read_idx(tmp_path, name="little")) == 4


def test_a_single_pair_is_a_table_without_splits(tmp_path: Path) -> None:
    write_set(tmp_path, "my", 6)
    table = read_idx(tmp_path / "my-images-idx3-ubyte", name="little")
    assert (len(table), dict(table.splits)) == (6, {})


def test_an_unpacked_file_wins_over_its_packed_copy_and_says_so(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 5, packed=True)
    write_set(tmp_path, "train", 7)
    table = read_idx(tmp_path, name="little")
    assert len(table) == 7
    assert [f.where for f in table.report.findings] == ["train-images-idx3-ubyte.gz"]


def test_class_names_are_kept_and_labels_beyond_them_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 5)
    assert read_idx(tmp_path, name="x", classes=("a", "b", "c", "d")).target().classes == ("a", "b", "c", "d")
    with pytest.raises(DataError, match=r"labels must be 0 to 1; got 0 to 2"):
        read_idx(tmp_path, name="x", classes=("a", "b"))


def test_labels_that_do_not_start_at_0_are_named_by_what_they_are(tmp_path: Path) -> None:
    pictures = np.zeros((4, 2, 3), dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(pictures))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([26, 1, 1, 9], dtype=np.uint8)))
    table = read_idx(tmp_path, name="letters")
    assert table.target().classes == ("1", "9", "26")
    assert table["label"].take(np.arange(4)).tolist() == [2, 0, 0, 1]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: data[:-3], r"promises 175 bytes of values; only 172 came"),
        (lambda data: data + b"x", r"promises 175 bytes of values; more came"),
        (lambda data: b"\x89PNG" + data, r"starts with two zero bytes"),
        (lambda data: b"", r"got an empty file"),
        (lambda data: data[:9], r"header with 3 axes is cut off"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], r"more than the file can hold"),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, spoil, sentence: str) -> None:
    write_set(tmp_path, "train", 5)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(spoil(path.read_bytes()))
    # A header that claims more than the file has is found out before anything is allocated.
    with pytest.raises(DataError, match=sentence if "only" not in sentence else "promises 175 bytes"):
        read_idx(tmp_path, name="x")


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 50, packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"damaged or cut off"):
        read_idx(tmp_path, name="x")


def test_a_packed_file_whose_values_are_too_few_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((4, 5), dtype=np.uint8))[:-7]))
    with pytest.raises(DataError, match=r"promises 20 bytes of values; only 13 came"):
        read_idx_array(path)


def test_counts_that_differ_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 5)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(6, dtype=np.uint8)))
    with pytest.raises(DataError, match=r"holds 5 pictures, but train-labels-idx1-ubyte holds 6 labels"):
        read_idx(tmp_path, name="x")


def test_pictures_without_labels_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "train", 5)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"labels train-labels-idx1-ubyte or .*\.gz are required beside it"):
        read_idx(tmp_path, name="x")
