"""A folder with every trouble becomes a table whose report names each of them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import CONVERTED, NOTED, SKIPPED, USUAL, make_troubled_folder, picture

from derin.core.errors import DataError, UsageError
from derin.data.pictures.fitting import MAX_ASPECT
from derin.data.report import Outcome
from derin.data.schema import Kind, Role
from derin.data.table import Pictures, Table
from derin.readers.archives import open_files
from derin.readers.listing import list_classes, list_files
from derin.readers.picture_folder import read_picture_folder
from derin.readers.pictures import spool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_troubled_folder(tmp_path_factory.mktemp("troubled") / "pets")


@pytest.fixture(scope="module")
def table(folder: Path) -> Table:
    return read_picture_folder(folder, name="pets")


def test_every_trouble_is_in_the_report_with_its_reason(table: Table) -> None:
    found = {(f.where, f.outcome, f.reason) for f in table.report.findings}
    expected = {
        *((where, Outcome.SKIPPED, reason) for where, reason in SKIPPED.items()),
        *((where, Outcome.CONVERTED, reason) for where, reason in CONVERTED.items()),
        *((where, Outcome.NOTED, reason) for where, reason in NOTED.items()),
    }
    assert expected <= found
    left = {(where, reason) for where, _, reason in found - expected}
    assert left == {
        ("train/mice/broken.jpg", "truncated picture"),
        ("train/dogs/animated.gif", "palette picture: its colours were written out"),
    }


def test_nothing_is_lost(folder: Path, table: Table) -> None:
    names = set(table.row_names or ())
    assert names == {*USUAL, *CONVERTED}
    told = {f.where.split(" (")[0] for f in table.report.findings if f.outcome is Outcome.SKIPPED}
    for file in folder.rglob("*"):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and path not in names:
            assert any(path == where or path.startswith(f"{where}/") for where in told), path


def test_classes_splits_and_schema_are_those_of_the_folders(table: Table) -> None:
    picture_column, label = table.schema
    assert label.classes == ("birds", "cats", "dogs")
    assert (picture_column.kind, picture_column.role, picture_column.shape) == (Kind.PICTURE, Role.INPUT, (-1, -1, 3))
    assert (label.kind, label.role) == (Kind.CATEGORY, Role.TARGET)
    labels = table.columns["label"].take(np.arange(len(table)))
    for name, number in zip(table.row_names or (), labels.tolist(), strict=True):
        assert name.split("/")[1] == label.classes[number]
    for split, rows in table.splits.items():
        assert {(table.row_names or ())[row].split("/")[0] for row in rows.tolist()} == {split}
    assert set(table.splits) == {"train", "val"}
    assert table.report.counts == {"train": {"cats": 3, "dogs": 10}, "val": {"birds": 1, "cats": 1, "dogs": 1}}


def test_names_are_in_the_order_in_which_people_count(table: Table) -> None:
    assert (table.row_names or ())[:3] == ["train/cats/1.jpg", "train/cats/2.JPEG", "train/cats/10.PNG"]


def test_every_picture_can_be_read_by_windows(table: Table) -> None:
    data = table.columns["picture"]
    assert isinstance(data, Pictures)
    shorter, longer = np.minimum(data.heights, data.widths), np.maximum(data.heights, data.widths)
    assert (shorter == 147).all()
    assert longer.max() == MAX_ASPECT * 147
    rows = np.arange(len(table))
    windows = data.windows(rows, data.heights - 128, data.widths - 128, (128, 128))
    for row in rows.tolist():
        assert np.array_equal(windows[row], data.picture(row)[-128:, -128:])


def test_turned_picture_stands_upright(table: Table, folder: Path) -> None:
    row = (table.row_names or ()).index("train/dogs/turned.jpg")
    data = table.columns["picture"]
    assert isinstance(data, Pictures)
    stored = np.asarray(Image.open(folder / "train/dogs/turned.jpg"))
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(stored, -1)))
    expected = np.asarray(turned.resize((147, round(turned.height * 147 / turned.width)), Image.Resampling.BICUBIC))
    assert np.array_equal(data.picture(row), expected)


def test_classes_of_one_split_alone_are_noted_only_where_there_are_splits(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        picture(9, 9, 0).save(tmp_path / name / "1.png")
    table = read_picture_folder(tmp_path, name="plain")
    assert table.report.findings == []
    assert table.splits == {}


def test_flat_folder_is_refused_and_the_form_is_told(tmp_path: Path) -> None:
    picture(9, 9, 0).save(tmp_path / "1.png")
    with pytest.raises(DataError, match=r"no class folders; a folder of pictures for each class .* cats/1\.jpg"):
        read_picture_folder(tmp_path, name="flat")


def test_one_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "dogs").mkdir()
    picture(9, 9, 0).save(tmp_path / "cats" / "1.png")
    (tmp_path / "dogs" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"at least two classes .* got 1 \(cats\)"):
        read_picture_folder(tmp_path, name="one")


@pytest.mark.parametrize("options", [{"channels": 2}, {"channels": 4}, {"size": 0}])
def test_sizes_and_channels_that_no_picture_has_are_refused(options: dict[str, int], folder: Path) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        read_picture_folder(folder, name="pets", **options)  # type: ignore[arg-type]


def test_two_readers_at_once_decode_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_CACHE", str(tmp_path / "cache"))
    opened: list[int] = []
    decode = spool.open_picture

    def counted(data: bytes, **options: int | None) -> object:
        opened.append(len(data))
        return decode(data, **options)

    monkeypatch.setattr(spool, "open_picture", counted)
    tables: list[Table] = []
    threads = [
        threading.Thread(target=lambda: tables.append(read_picture_folder(folder, name="pets"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == len(list_classes(open_files(folder).contents(), "pets").entries)
    assert tables[0].fingerprint() == tables[1].fingerprint()


def test_listing_for_prediction_is_in_order_and_without_hidden_files(folder: Path) -> None:
    names = [path.relative_to(folder).as_posix() for path in list_files(folder)]
    assert names[:4] == ["train/cats/1.jpg", "train/cats/2.JPEG", "train/cats/10.PNG", "train/cats/bomb.png"]
    assert not any("hidden" in name or "checkpoints" in name or name.endswith(".txt") for name in names)
    with pytest.raises(DataError, match="a folder with pictures is required"):
        list_files(folder / "nothing")


@pytest.mark.data
def test_hymenoptera_has_the_published_pictures(data_folder: Path) -> None:
    table = read_picture_folder(data_folder / "hymenoptera" / "hymenoptera_data.zip", name="hymenoptera")
    assert table.report.counts == {"train": {"ants": 124, "bees": 121}, "val": {"ants": 70, "bees": 83}}
    assert table.report.findings == []


@pytest.mark.data
def test_faces_are_sorted_by_number(data_folder: Path) -> None:
    table = read_picture_folder(data_folder / "faces_orl" / "orl_faces.zip", name="faces")
    assert table.target().classes == tuple(f"s{n}" for n in range(1, 41))
    assert table.schema["picture"].shape == (112, 92, 1)


@pytest.mark.slow
@pytest.mark.data
def test_cifar10_archive_is_listed(data_folder: Path) -> None:
    files = open_files(data_folder / "cifar10" / "cifar10_imagefolder.tar.gz")
    listing = list_classes(files.contents(), "cifar10")
    assert len(listing.entries) == 58_000
    assert len(listing.class_names) == 10
