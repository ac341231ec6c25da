"""`load`: which form of data a thing is, and what every table has at the end."""

import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image
from tests.readers.test_idx import write_set

import derin
from derin.api.load import load
from derin.core.errors import DataError, UsageError
from derin.data.schema import Kind, Role
from derin.data.table import Table

RNG = np.random.default_rng(2)


def sizes(table: Table) -> dict[str, int]:
    return {name: len(rows) for name, rows in table.splits.items()}


def write_csv(path: Path, num: int = 40) -> Path:
    lines = ["width,colour,kind"]
    lines += [f"{i * 0.5},{'red' if i % 3 else 'green'},{'a' if i % 2 else 'b'}" for i in range(num)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def write_pictures(folder: Path, num: int = 6) -> Path:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(num):
            Image.fromarray(RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(folder / name / f"{i}.png")
    return folder


def test_a_name_wins_over_a_folder_and_a_path_means_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "iris" / "train.csv")
    monkeypatch.chdir(tmp_path)
    assert len(load("iris")) == 150
    assert len(load("./iris")) == 40
    assert len(load(Path("iris"))) == 40


def test_the_public_name_is_this_function() -> None:
    assert derin.load is load


def test_what_comes_has_splits_counts_and_duplicates() -> None:
    table = load("iris", seed=4)
    assert sizes(table) == {"train": 90, "val": 30, "test": 30}
    assert table.report.counts["test"] == {"setosa": 10, "versicolor": 10, "virginica": 10}
    # Rows 101 and 142 of the published iris table are equal.
    assert [d.names for d in table.report.duplicates] == [("row 101", "row 142")]
    assert table.report.leaks == []


def test_arrays_of_numbers_and_of_pictures() -> None:
    table = load((RNG.random((50, 3)), np.array(["u", "v"] * 25)))
    assert (sizes(table), table.target().classes) == ({"train": 30, "val": 10, "test": 10}, ("u", "v"))
    assert load((RNG.integers(0, 256, (30, 6, 5), dtype=np.uint8), np.arange(30) % 2)).inputs[0].kind is Kind.PICTURE


def test_lists_and_tensors_are_arrays() -> None:
    import torch

    inputs = torch.rand(20, 3, requires_grad=True)
    table = load((inputs, [0, 1] * 10))
    np.testing.assert_array_equal(table["x"].take(np.arange(20)), inputs.detach().numpy())
    with pytest.raises(DataError, match=r"X must be an array of numbers or of strings"):
        load(([[1, 2], [3]], [0, 1]))


def test_a_data_frame_is_read_as_its_csv_file(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    from_file, from_frame = load(path), load(pandas.read_csv(path))
    assert from_frame.schema == from_file.schema
    for column in from_file.schema:
        np.testing.assert_array_equal(from_file[column.name].values, from_frame[column.name].values)  # type: ignore[attr-defined]
    assert load(pandas.read_csv(path), target="colour").target().classes == ("green", "red")


def test_a_table_is_completed_and_a_complete_one_is_kept() -> None:
    once = load("iris")
    again = load(once)
    assert again.fingerprint() == once.fingerprint()
    assert again.report.to_json() == once.report.to_json()
    assert sizes(load(once.with_splits({}))) == {"train": 90, "val": 30, "test": 30}


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_what_was_asked(channels: int) -> None:
    pixels = RNG.integers(0, 256, (20, 6, 5, 4 - channels), dtype=np.uint8)
    table = load((pixels, np.arange(20) % 2), channels=channels)
    got = table["x"].take(np.arange(20))
    mode = "L" if channels == 1 else "RGB"
    expected = [np.asarray(Image.fromarray(p.squeeze()).convert(mode)) for p in pixels]
    # Pillow computes brightness in whole numbers, which may round the other way.
    assert np.abs(got.reshape(20, -1).astype(int) - np.stack(expected).reshape(20, -1)).max() <= 1
    assert table.inputs[0].shape == (6, 5, channels)


def test_idx_npz_and_csv_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for folder in ("idx", "npz"):
        (tmp_path / folder).mkdir()
    write_set(tmp_path / "idx", "train", 20)
    np.savez(tmp_path / "npz" / "data.npz", x=RNG.random((20, 3)), y=np.arange(20) % 2)
    write_csv(tmp_path / "csv" / "train.csv")
    write_csv(tmp_path / "csv" / "test.csv", 10)
    assert load(tmp_path / "idx").inputs[0].kind is Kind.PICTURE
    assert load(tmp_path / "npz").inputs[0].shape == (3,)
    assert load(tmp_path / "npz" / "data.npz").inputs[0].shape == (3,)
    assert sizes(load(tmp_path / "csv")) == {"train": 32, "val": 8, "test": 10}
    assert [c.name for c in load(tmp_path / "csv" / "train.csv").inputs] == ["width", "colour"]


def test_texts_are_told_from_tables(tmp_path: Path) -> None:
    lines = [f"this is sentence number {i} of many\t{'pos' if i % 2 else 'neg'}" for i in range(30)]
    (tmp_path / "train.tsv").write_text("\n".join(lines))
    table = load(tmp_path)
    assert ([c.kind for c in table.inputs], table.target().classes) == ([Kind.TEXT], ("neg", "pos"))
    assert load(tmp_path / "train.tsv").inputs[0].kind is Kind.TEXT


def test_class_folders_of_texts_also_in_an_archive(tmp_path: Path) -> None:
    for name in ("neg", "pos"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        for i in range(6):
            (tmp_path / "texts" / name / f"{i}.txt").write_text(f"text {i} is {name}")
    with tarfile.open(tmp_path / "texts.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "texts", arcname="texts")
    for source in ("texts", "texts.tar.gz"):
        assert load(tmp_path / source).target().classes == ("neg", "pos")


def test_class_folders_of_pictures_also_in_an_archive(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pets")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as packed:
        for path in sorted((tmp_path / "pets").rglob("*.png")):
            packed.write(path, path.relative_to(tmp_path).as_posix())
    for source in ("pets", "pets.zip"):
        table = load(tmp_path / source)
        assert (len(table), table.target().classes) == (12, ("cat", "dog"))
        assert sum(sizes(table).values()) == 12


def test_a_table_in_a_zip_is_read_and_leaves_nothing_mapped(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv")
    np.save(tmp_path / "X.npy", RNG.random((20, 3)))
    np.save(tmp_path / "y.npy", np.arange(20) % 2)
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as packed:
        packed.write(tmp_path / "train.csv", "inner/train.csv")
    with zipfile.ZipFile(tmp_path / "arrays.zip", "w") as packed:
        packed.write(tmp_path / "X.npy", "X.npy")
        packed.write(tmp_path / "y.npy", "y.npy")
    assert len(load(tmp_path / "table.zip")) == 40
    table = load(tmp_path / "arrays.zip")
    assert not isinstance(table["X"].values, np.memmap)  # type: ignore[attr-defined]
    assert table.report.source == str(tmp_path / "arrays.zip")


def test_the_binary_form_of_cifar(tmp_path: Path) -> None:
    pictures = RNG.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    labels = (np.arange(30) % 10).astype(np.uint8)
    records = np.concatenate([labels[:, None], pictures.transpose(0, 3, 1, 2).reshape(30, -1)], axis=1)
    records[:20].tofile(tmp_path / "data_batch_1.bin")
    records[20:].tofile(tmp_path / "test_batch.bin")
    table = load(tmp_path)
    np.testing.assert_array_equal(table["picture"].take(np.arange(30)), pictures)
    assert (len(table.splits["test"]), table.target().classes[3]) == (10, "cat")  # type: ignore[index]
    (tmp_path / "test_batch.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"whole records of 3,073 bytes are required; got 3 bytes"):
        load(tmp_path)


def test_what_is_not_there_is_told_with_near_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither a known data set nor a file or folder .*; did you mean 'digits'"):
        load("digit")
    with pytest.raises(DataError, match=r"neither a known data set"):
        load(tmp_path / "nothing")


def test_a_folder_of_no_known_form_tells_what_is_in_it_and_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.xml").write_text("<b/>")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with pytest.raises(
        DataError, match=r"it holds 2 \.xml, 2 folders \(one, two\)\. Derin reads class folders of pictures"
    ):
        load(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"it holds nothing\."):
        load(tmp_path / "empty")
    with pytest.raises(DataError, match=r"a\.xml is of no form"):
        load(tmp_path / "a.xml")


def test_an_archive_of_nothing_known_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.xml", "<a/>")
    with pytest.raises(DataError, match=r"it holds 1 \.xml"):
        load(tmp_path / "a.zip")
    (tmp_path / "b.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"b\.zip is damaged"):
        load(tmp_path / "b.zip")


@pytest.mark.parametrize(
    ("options", "sentence"), [({"channels": 2}, "channels must be 1"), ({"size": 0}, "at least 1 pixel")]
)
def test_wrong_arguments_are_refused(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        load("digits", **options)  # type: ignore[arg-type]


def test_a_thing_that_is_no_data_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a data frame or a table is required; got int"):
        load(5)


def _answers(folder: Path) -> Path:
    path = folder / "answers.csv"
    lines = ["height,serial,counts,grade"] + [f"{i % 7},{1000 + i},{1 + i % 2},{1 + i % 4}" for i in range(80)]
    path.write_text("\n".join(lines))
    return path


def test_columns_of_a_csv_file_are_used_as_said(tmp_path: Path) -> None:
    table = load(_answers(tmp_path), weight_column="counts", ignore=["serial"], target_kind="number")
    assert [column.name for column in table.inputs] == ["height"]
    assert [(c.name, c.role) for c in table.schema if c.role is Role.WEIGHT] == [("counts", Role.WEIGHT)]
    assert table.target().kind is Kind.NUMBER
    assert load(_answers(tmp_path), target_kind="category").target().classes == ("1", "2", "3", "4")


@pytest.mark.parametrize("said", [{"weight_column": "x"}, {"ignore": ["x"]}, {"target_kind": "category"}])
def test_data_whose_columns_are_settled_does_not_pretend_to_have_followed(said: dict[str, Any]) -> None:
    inputs, answers = np.arange(60.0).reshape(20, 3), np.linspace(0.0, 1.5, 20)
    with pytest.raises(UsageError, match=f"{next(iter(said))} is for csv tables"):
        load((inputs, answers), **said)


def test_a_target_kind_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'category' or 'number'"):
        load(_answers(tmp_path), target_kind="word")  # type: ignore[arg-type]


def test_cifar_in_another_set_has_the_names_that_stand_beside_it_and_pickles_are_named(tmp_path: Path) -> None:
    records = np.zeros((12, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(12) % 2
    records.tofile(tmp_path / "data_batch_1.bin")
    (tmp_path / "batches.meta.txt").write_text("ant\nbee\n\n")
    assert derin.load(tmp_path).target().classes == ("ant", "bee")
    (tmp_path / "pickled").mkdir()
    for name in ("data_batch_1", "test_batch"):
        (tmp_path / "pickled" / name).write_bytes(pickle.dumps({"data": [1]}))
    with pytest.raises(DataError, match=r"data_batch_1, test_batch are pickles of Python"):
        derin.load(tmp_path / "pickled")


def test_progress_is_a_function_or_nothing(tmp_path: Path) -> None:
    for i in range(8):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        Image.new("L", (4, 4), i).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    told: list[tuple[int, int]] = []
    for progress in (False, None, lambda done, total: told.append((done, total))):
        assert len(load(tmp_path, progress=progress)) == 8
    with pytest.raises(UsageError, match=r"progress must be a function of \(done, total\), or False; got True"):
        load(tmp_path, progress=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["p.zip", "p.tar.gz", "p.tar"])
def test_a_damaged_archive_beside_a_table_is_nothing_to_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(
        {"p.zip": b"PK\3\4", "p.tar": b"a" * 600}.get(name, b"\x1f\x8b\x08\0") + b"\0\xff" * 300
    )
    assert len(load(write_csv(tmp_path / "t.csv"))) == 40
    # One that names pictures may speak of those in the archive, which is told then.
    listing = tmp_path / "listing.csv"
    listing.write_text("file,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(9)))
    with pytest.raises(DataError, match=name):
        load(listing)


def test_a_header_of_one_name_less_above_lines_that_are_read_otherwise(tmp_path: Path) -> None:
    """The return within a line makes its cells be read one by one, in another block than the header's."""
    lines = [f"{i}\t{i / 2}\t2020-01-0{i}\t{'xz'[i % 2]}" for i in range(6)]
    (tmp_path / "t.tsv").write_bytes("\n".join(["ida\twhen\ty", *lines, "6\t3\t2020\r7\t3\t2020"]).encode())
    assert len(load(tmp_path / "t.tsv").schema.columns) == 4
