"""A table that names files in the folder or archive beside it says what its pictures show."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.troubled_pictures import picture

import derin
from derin.core.errors import DataError

NAMES = [f"{n:03}" for n in range(12)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set/images").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        picture(20, 20, seed).save(tmp_path / "set/images" / f"p{name}.png")
    return tmp_path / "set"


def table(path: Path, header: str, *columns: list[str]) -> Path:
    lines = [header, *(",".join(cells) for cells in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def label(i: int) -> str:
    return ("cat", "dog", "owl")[i % 3]


CALLED = {
    "path": "images/p{}.png",
    "name": "p{}.png",
    "stem": "p{}",
    "Windows": "C:\\photos\\images\\p{}.png",
    "longer path": "/home/ada/set/images/p{}.png",
}


def check(found: derin.Table, folder: Path) -> None:
    assert found.target().classes == ("cat", "dog", "owl")
    assert len(found) == len(NAMES)
    values, labels = found.columns["picture"].values, found.columns[found.target().name].values  # type: ignore[attr-defined]
    for row, name in enumerate(found.row_names or ()):
        number = NAMES.index(Path(name).stem[1:])
        assert labels[row] == number % 3
        assert np.array_equal(values[row], np.asarray(Image.open(folder / "images" / Path(name).name)))


@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
@pytest.mark.parametrize("header", ["file,label", "photo_of_it,kind"])
def test_files_are_named_in_any_way_in_any_column(called: str, header: str, folder: Path) -> None:
    listed = [called.format(n) for n in reversed(NAMES)]
    labels = [label(i) for i in reversed(range(12))]
    table(folder / "labels.csv", header, listed, labels)
    check(derin.load(folder), folder)
    check(derin.load(folder / "labels.csv"), folder)


@pytest.mark.parametrize("inside", [False, True])
def test_the_pictures_may_lie_in_a_zip_with_or_beside_the_table(inside: bool, folder: Path, tmp_path: Path) -> None:
    source = table(folder / "labels.csv", "id,breed", [f"p{n}" for n in NAMES], [label(i) for i in range(12)])
    (tmp_path / "packed").mkdir()
    with zipfile.ZipFile(tmp_path / "packed/all.zip", "w") as packed:
        for file in sorted((folder / "images").iterdir()):
            packed.write(file, f"data/{file.name}")
        if inside:
            packed.write(source, "data/labels.csv")
    if inside:
        check(derin.load(tmp_path / "packed/all.zip"), folder)
    else:
        (tmp_path / "packed/labels.csv").write_bytes(source.read_bytes())
        check(derin.load(tmp_path / "packed/labels.csv"), folder)
    check(derin.load(tmp_path / "packed"), folder)


def test_what_is_predicted_is_found_named_or_asked(folder: Path) -> None:
    files = [f"p{n}.png" for n in NAMES]
    ones = [[str((i >> k) & 1) for i in range(12)] for k in range(2)]
    table(folder / "a.csv", "file,sea,sky", files, *ones)
    several = derin.load(folder)
    assert several.target().shape == (2,)
    assert several.target().classes == ("sea", "sky")
    assert derin.load(folder, target="sky").target().classes == ("0", "1")
    ages = [f"{20.5 + i}" for i in range(12)]
    table(folder / "a.csv", "file,breed,age", files, [label(i) for i in range(12)], ages)
    with pytest.raises(DataError, match=r"which of its columns is to be predicted cannot be told .*--target breed or"):
        derin.load(folder)
    assert derin.load(folder, target="breed").target().classes == ("cat", "dog", "owl")
    aged = derin.load(folder, target="age")
    np.testing.assert_allclose(np.sort(aged.columns["age"].values), np.array(ages, dtype=float))  # type: ignore[attr-defined]
    table(folder / "a.csv", "file,label,split", files, [label(i) for i in range(12)], ["train", "test", "val"] * 4)
    assert {name: len(rows) for name, rows in derin.load(folder).splits.items()} == {"train": 4, "val": 4, "test": 4}


def test_what_does_not_match_is_told(folder: Path) -> None:
    files = [f"p{n}.png" for n in NAMES[:9]] + ["gone.png"]
    table(folder / "a.csv", "file,label", files, [label(i) for i in range(10)])
    found = derin.load(folder)
    assert len(found) == 9
    assert [f.where for f in found.reading.findings if f.reason == "listed, and no such picture is there"] == [
        "gone.png"
    ]
    assert any("3 pictures that a.csv does not list" in str(note) for note in found.reading.notes)
    table(folder / "a.csv", "file,label", [*files[:9], "p000.png"], [*[label(i) for i in range(9)], "dog"])
    with pytest.raises(DataError, match=r"lists images/p000.png more than once"):
        derin.load(folder)


def test_folders_of_classes_win_over_a_table_unless_its_column_is_named(folder: Path) -> None:
    for i, name in enumerate(NAMES):
        home = folder / "images" / "ab"[i % 2]
        home.mkdir(exist_ok=True)
        (folder / "images" / f"p{name}.png").rename(home / f"p{name}.png")
    table(folder / "a.csv", "file,kind", [f"p{n}.png" for n in NAMES], [label(i) for i in range(12)])
    assert derin.load(folder).target().classes == ("a", "b")
    assert derin.load(folder, target="kind").target().classes == ("cat", "dog", "owl")


def test_a_table_beside_pictures_that_it_does_not_list_is_a_table(folder: Path) -> None:
    rows = [str(n) for n in range(40)]
    table(folder / "a.csv", "x,y", rows, [str(n % 2) for n in range(40)])
    assert derin.load(folder / "a.csv").inputs[0].name == "x"


def test_a_network_is_trained_on_listed_pictures_and_measured_on_others(folder: Path, tmp_path: Path) -> None:
    table(folder / "labels.csv", "file,label", [f"p{n}.png" for n in NAMES], [label(i) for i in range(12)])
    settings = {"model": "lenet5", "size": 32, "epochs": 1, "plan": "plain", "threads": 1, "report": False}
    run = derin.fit(folder, out=tmp_path / "run", **settings)
    metrics, num = derin.open(run.path).evaluate(folder)
    assert num == run.record["num_examples"]["test"]
    assert metrics["loss"] == pytest.approx(run.metrics["test"]["loss"], abs=1e-6)
