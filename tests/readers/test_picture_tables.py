"""A table that names files in the folder or archive beside it says what its pictures show."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import picture

import derin
from derin.core.errors import DataError

# What was trained on is measured here on purpose, which evaluation says.
pytestmark = pytest.mark.filterwarnings("ignore::derin.core.errors.DerinWarning")

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
    assert [f.where for f in found.report.findings if f.reason == "listed, and no such file is there"] == ["gone.png"]
    assert any("3 files that a.csv does not list" in str(note) for note in found.report.notes)
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


WEATHER = ("rain", "sun", "wind")


def weather(i: int) -> list[str]:
    return [name for bit, name in enumerate(WEATHER) if (i % 7 + 1) >> bit & 1]


@pytest.mark.parametrize("between", ["|", "; ", " ", "rows"])
def test_several_labels_of_a_picture_in_one_cell_or_in_rows_of_their_own(
    between: str, folder: Path, tmp_path: Path
) -> None:
    def write(place: Path, rows: range) -> None:
        listed = [(NAMES[i], each) for i in rows for each in weather(i)]
        if between != "rows":
            listed = [(NAMES[i], between.join(weather(i))) for i in rows]
        table(place / "a.csv", "file,tags", [f"p{name}.png" for name, _ in listed], [each for _, each in listed])

    write(folder, range(12))
    if between == "rows":
        with pytest.raises(DataError, match=r"6 of 12 files so.*--task multilabel --target tags"):
            derin.load(folder)
    asked = {"task": "multilabel"} if between == "rows" else {}
    found = derin.load(folder, **asked)
    assert found.target().classes == WEATHER
    want = {f"images/p{NAMES[i]}.png": [name in weather(i) for name in WEATHER] for i in range(12)}
    values = found.columns["tags"].values  # type: ignore[attr-defined]
    assert {name: values[row].tolist() for row, name in enumerate(found.row_names or ())} == want
    assert any("hold several labels" in str(note) for note in found.report.notes) == (between != "rows")
    settings = {"model": "lenet5", "size": 32, "epochs": 1, "plan": "plain", "threads": 1, "report": False}
    run = derin.fit(folder, out=tmp_path / "run", **settings, **asked)
    model = derin.open(run.path)
    assert model.evaluate(folder).metrics["loss"] == pytest.approx(run.metrics["test"]["loss"], abs=1e-6)
    # Two pictures that have one label each are read as those of the training were.
    write(folder, range(2))
    assert model.evaluate(folder, split="all").num_examples == 2


def test_phrases_are_classes_and_so_are_labels_where_that_is_said(folder: Path) -> None:
    files = [f"p{n}.png" for n in NAMES]
    kinds = ("golden retriever", "great dane", "dark red", "dark blue")
    table(folder / "a.csv", "file,kind", files, [kinds[i % 4] for i in range(12)])
    assert derin.load(folder).target().classes == tuple(sorted(kinds))
    table(folder / "a.csv", "file,kind", files, ["|".join(weather(i)) for i in range(12)])
    assert len(derin.load(folder, target_kind="category").target().classes or ()) == 7


def test_a_column_of_any_name_whose_cells_name_splits_is_followed(folder: Path) -> None:
    splits = ["train", "test", "train", "val"] * 3
    table(folder / "a.csv", "file,label,set", [f"p{n}.png" for n in NAMES], [label(i) for i in range(12)], splits)
    found = derin.load(folder)
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 6, "val": 3, "test": 3}
    notes = " ".join(map(str, found.report.notes))
    assert "The splits come from the column 'set'." in notes
    assert "not read" not in notes


def test_other_pictures_are_read_by_what_the_table_of_the_training_decided(folder: Path, tmp_path: Path) -> None:
    files = [f"p{n}.png" for n in NAMES]
    table(folder / "a.csv", "file,age", files, [f"{i * 1.5}" for i in range(12)])
    recipe = derin.load(folder).recipe
    table(folder / "a.csv", "file,age", files[:3], ["1", "2", "1"])
    assert derin.load(folder, recipe=recipe).target().classes is None
    table(folder / "a.csv", "file,kind,other", files, [label(i) for i in range(12)], ["u", "v"] * 6)
    recipe = derin.load(folder, target="kind").recipe
    table(folder / "a.csv", "file,kind,other", files[:3], ["owl", "cat", "owl"], ["u", "v", "u"])
    again = derin.load(folder, recipe=recipe)
    assert again.target().classes == ("cat", "dog", "owl")
    assert sorted(again.columns["kind"].values.tolist()) == [0, 2, 2]  # type: ignore[attr-defined]


def test_columns_of_several_kinds_are_learnt_together_by_the_task_that_is_named(folder: Path, tmp_path: Path) -> None:
    files, kinds = [f"p{n}.png" for n in NAMES], [label(i) for i in range(12)]
    table(folder / "a.csv", "file,kind,age", files, kinds, [f"{i * 1.5}" for i in range(12)])
    with pytest.raises(DataError, match=r"'kind' holds 'cat'. Use the task multitask"):
        derin.load(folder, target="kind,age")
    settings = {"model": "lenet5", "size": 32, "epochs": 1, "plan": "plain", "threads": 1, "report": False}
    run = derin.fit(folder, out=tmp_path / "run", target="kind,age", task="multitask", **settings)
    model = derin.open(run.path)
    assert model.evaluate(folder).metrics["loss"] == pytest.approx(run.metrics["test"]["loss"], abs=1e-6)
    table(folder / "a.csv", "file,kind,age", files[:3], kinds[1:4], ["1", "1", "2"])
    assert model.evaluate(folder, split="all").num_examples == 3


def test_tables_of_several_splits_are_followed_and_several_others_are_asked_about(folder: Path) -> None:
    files = [f"p{n}.png" for n in NAMES]
    table(folder / "test.csv", "id,label", files[8:], [label(i) for i in range(8, 12)])
    table(folder / "train.csv", "id,label", files[:8], [label(i) for i in range(8)])
    # As in competitions: the same answer for each, to show the form.
    table(folder / "sample_submission.csv", "id,answer", files[8:], ["0.5"] * 4)
    found = derin.load(folder)
    names = {split: {Path((found.row_names or ())[r]).name for r in rows} for split, rows in found.splits.items()}
    assert names["test"] == set(files[8:])
    assert names["train"] | names["val"] == set(files[:8])
    with zipfile.ZipFile(folder.parent / "all.zip", "w") as packed:
        for file in sorted(folder.rglob("*.*")):
            packed.write(file, f"data/{file.relative_to(folder)}")
    assert {s: len(r) for s, r in derin.load(folder.parent / "all.zip").splits.items()} == {
        "train": 7,
        "val": 1,
        "test": 4,
    }
    # A named file is that file.
    assert len(derin.load(folder / "test.csv")) == 4
    (folder / "train.csv").rename(folder / "mine.csv")
    with pytest.raises(DataError, match=r"derin data .*mine.csv or derin data .*sample_submission.csv"):
        derin.load(folder)


@pytest.mark.parametrize("file", ["{}/labels.csv", "{}.csv", "{}/metadata.jsonl"])
def test_pictures_of_one_name_are_those_beside_their_table_or_of_its_split(file: str, tmp_path: Path) -> None:
    for seed, split in ((0, "train"), (50, "test")):
        (tmp_path / split).mkdir()
        lines = ["file,label"]
        for i in range(12):
            picture(20, 20, seed + i).save(tmp_path / split / f"p{i:03}.png")
            lines.append(f"p{i:03}.png,{label(i + seed)}")
        if file.endswith(".jsonl"):
            lines = [json.dumps(dict(zip(("file", "label"), line.split(",")))) for line in lines[1:]]
        (tmp_path / file.format(split)).write_text("\n".join(lines) + "\n")
    found = derin.load(tmp_path)
    assert len(found) == 24
    assert len(found.splits["test"]) == 12
    target = found.target()
    assert target.classes is not None
    for row, name in enumerate(found.row_names or ()):
        number, seed = int(Path(name).stem[1:]), 50 if "test" in name else 0
        assert target.classes[found.columns[target.name].values[row]] == label(number + seed)  # type: ignore[attr-defined]
        assert np.array_equal(found.columns["picture"].values[row], np.asarray(picture(20, 20, seed + number)))  # type: ignore[attr-defined]
        assert (row in found.splits["test"]) == (seed == 50)
