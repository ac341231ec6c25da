"""A run measured again: the recorded figures for every way of reading, and never training examples in silence."""

from __future__ import annotations

import csv
import json
import warnings
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import derin
from derin.core.errors import DerinWarning, RefusedFileError, UsageError
from derin.data.known_rows import pack, row_hashes, unpack
from derin.data.recipe import ReadingRecipe
from derin.tasks.registry import TASKS

QUICK: dict[str, Any] = {"epochs": 1, "plan": "plain", "report": False, "threads": 1}
CITIES = ("Ankara", "Bursa", "Çorum")


def table(path: Path, *, num: int = 60, delimiter: str = ",", decimal: str = ".") -> Path:
    """A table with numbers, a category, a date, weights, groups and five possible targets."""
    rng = np.random.default_rng(0)
    lines = [["a", "b", "city", "day", "w", "patient", "grade", "x", "y", "kind", "label"]]
    for i in range(num):
        a, b = rng.normal(size=2)
        numbers = [f"{v:.4f}".replace(".", decimal) for v in (a, 100 * b, rng.random() + 0.1)]
        lines.append(
            [
                *numbers[:2],
                CITIES[rng.integers(3)],
                f"{rng.integers(1, 29):02d}/{rng.integers(1, 13):02d}/2024",
                numbers[2],
                f"p{i // 3}",
                str(rng.integers(5)),
                str(int(a > 0)),
                str(int(b > 0)),
                "rst"[rng.integers(3)],
                "pq"[int(a + b > 0)],
            ]
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return path


def pictures(folder: Path, *, mode: str = "RGB", unequal: bool = False) -> Path:
    rng = np.random.default_rng(0)
    for label in ("one", "two"):
        (folder / label).mkdir(parents=True)
        for i in range(12):
            size = (40 + i, 34) if unequal else (20, 18)
            pixels = rng.integers(0, 120 + 100 * (label == "two"), (*size[::-1], 3)).astype(np.uint8)
            Image.fromarray(pixels).convert(mode).save(folder / label / f"{i}.png")
    return folder


LABELS = ("sea", "sun", "wind")


def labelled_sets(path: Path, between: str = "|", num: int = 60) -> Path:
    """A table, or in JSON lines texts, whose rows have one to three labels each."""
    rows = [(i, [name for bit, name in enumerate(LABELS) if (i % 7 + 1) >> bit & 1]) for i in range(num)]
    words = [f"the {' '.join(names)} on day {i}" for i, names in rows]
    if path.suffix == ".jsonl":
        lines = [json.dumps({"text": text, "tags": names}) for text, (_, names) in zip(words, rows)]
    elif path.stem == "texts":
        lines = ["text,tags", *(f'{text},"{between.join(names)}"' for text, (_, names) in zip(words, rows))]
    else:
        lines = ["x,z,tags", *(f'{i % 9},{i % 7 * 0.5},"{between.join(names)}"' for i, names in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sentences(path: Path) -> Path:
    words = ["good", "bad", "film", "song", "long", "short", "very", "not"]
    rng = np.random.default_rng(0)
    lines = [f"{' '.join(rng.choice(words, 5))} {i}\t{'no' if i % 3 else 'yes'}" for i in range(60)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tagged(path: Path) -> Path:
    names = ("Ada", "Can", "Ece", "Oya")
    block = "".join(f"{names[i % 4]}\tB-PER\nsees\tO\nit{i}\tO\n\n" for i in range(40))
    path.write_text(block, encoding="utf-8")
    return path


def pairs(path: Path) -> Path:
    words = {"kedi": "cat", "ev": "house", "araba": "car", "mavi": "blue"}
    names = list(words)
    lines = [f"{names[i % 4]} {names[i // 4 % 4]}\t{words[names[i % 4]]} {words[names[i // 4 % 4]]}" for i in range(64)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def text(path: Path) -> Path:
    path.write_text("the cat sat on the mat and the dog ran to the house\n" * 60, encoding="utf-8")
    return path


def series(path: Path) -> Path:
    lines = [f"{1990 + i // 12}-{i % 12 + 1:02d},{100 + i + 20 * np.sin(i / 2):.3f}" for i in range(160)]
    path.write_text("\n".join(["month,load", *lines]) + "\n", encoding="utf-8")
    return path


def arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def points(folder: Path) -> Path:
    """Gray pictures with a bright dot each, two points beside it, and of two persons in three several pictures."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["file,left_x,left_y,right_x,right_y"]
    for number in range(30):
        x, y = rng.integers(12, 40, 2).tolist()
        pixels = rng.integers(0, 60, (52, 60 + number % 2, 3), dtype=np.uint8)
        pixels[y - 3 : y + 4, x - 3 : x + 4] = 230
        name = f"Person{'abcdefghij'[number % 10]}_{number // 10}.png"
        Image.fromarray(pixels).save(folder / name)
        lines.append(f"{name},{x - 3},{y},{x + 3},{'' if number == 4 else y}")
    (folder / "points.csv").write_text("\n".join(lines))
    return folder


def masked(folder: Path) -> Path:
    """Pictures of two sizes with a rectangle each, and its class in a mask of the same name."""
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(20):
        mask = np.zeros((24, 20 + number % 2 * 4), dtype=np.uint8)
        y, x = rng.integers(2, 12, 2).tolist()
        mask[y : y + 8, x : x + 7] = 1 + number % 2
        pixels = (mask[..., None] * 90 + rng.integers(0, 60, (*mask.shape, 3))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


def boxed(folder: Path, most: int = 2) -> Path:
    """Pictures of two sizes with one or more red or blue things, and their boxes in a CSV."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = ["file,xmin,ymin,xmax,ymax,label"]
    for number in range(24):
        pixels = rng.integers(0, 60, (40, 48 + number % 2 * 8, 3), dtype=np.uint8)
        for thing in range(1 + number % most):
            y, x = rng.integers(0, 24, 2).tolist()
            color = (number + thing) % 2
            pixels[y : y + 14, x : x + 12] = ((230, 30, 30), (30, 30, 230))[color]
            lines.append(f"{number}.png,{x},{y},{x + 12},{y + 14},{('red', 'blue')[color]}")
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "boxes.csv").write_text("\n".join(lines))
    return folder


def recorded(folder: Path) -> Path:
    """Half seconds of a low and a high tone, of unequal length."""
    rng = np.random.default_rng(0)
    for number in range(20):
        kind, hertz = (("low", 300), ("high", 900))[number % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        time = np.arange(4000 + number % 3 * 400) / 8000
        samples = (np.sin(2 * np.pi * hertz * time) * 8000 + rng.normal(0, 300, len(time))).astype("<i2")
        with wave.open(str(folder / kind / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, len(samples), "NONE", ""))
            file.writeframes(samples.tobytes())
    return folder


def packed(path: Path) -> Path:
    x, y = arrays(path)
    np.savez(path, x=x, y=y)
    return path


Make = Callable[[Path], Any]
_NARROW = {"trunk_options": [["width", 0.1]]}
WAYS: dict[str, tuple[Make, str, dict[str, Any]]] = {
    "last column": (table, "t.csv", {}),
    "another target": (table, "t.csv", {"target": "kind"}),
    "a number as target": (table, "t.csv", {"target": "grade", "target_kind": "number"}),
    "a number as classes": (table, "t.csv", {"target": "grade", "target_kind": "category"}),
    "ignored, weights": (table, "t.csv", {"ignore": ["a", "patient"], "weight_column": "w"}),
    "kinds, date order, missing words": (
        table,
        "t.csv",
        {"kinds": {"grade": "category"}, "date_order": "MM/DD/YYYY", "missing": ["Bursa"]},
    ),
    "decimal comma": (lambda p: table(p, delimiter=";", decimal=","), "t.csv", {"target": "grade"}),
    "labels that occur together": (table, "t.csv", {"target": "x,y"}),
    "several labels in a cell": (labelled_sets, "t.csv", {}),
    "text with several labels": (lambda p: labelled_sets(p, ", "), "texts.csv", {"task": "multilabel"}),
    "lists of labels": (labelled_sets, "t.jsonl", {}),
    "several targets": (table, "t.csv", {"target": "kind,grade", "task": "multitask"}),
    "another seed": (table, "t.csv", {"seed": 7}),
    "calibrated": (table, "t.csv", {"calibrate": True}),
    "a threshold chosen": (table, "t.csv", {"target": "label", "task": "binary", "threshold": "f1"}),
    "thresholds chosen": (table, "t.csv", {"target": "x,y", "threshold": "balanced_accuracy"}),
    "arrays": (arrays, "", {}),
    "npz": (packed, "a.npz", {}),
    "named set": (lambda _: "iris", "", {}),
    "pictures": (pictures, "p", {"model": "lenet5", "size": 32}),
    "gray pictures": (lambda p: pictures(p, mode="L"), "p", {"augment": "none"}),
    "pictures of unequal size": (lambda p: pictures(p, unequal=True), "p", {"size": 28, "model": "lenet5"}),
    "points": (points, "p", {"model": "landmark_regressor", "model_options": {"width": 8, **_NARROW}, "size": 64}),
    "heat maps of points": (
        points,
        "p",
        {"model": "landmark_heatmaps", "model_options": {"width": 8, **_NARROW}, "size": 64},
    ),
    "masks": (masked, "p", {"model_options": {"width": 4, "depth": 1}, "size": 24}),
    "boxes": (boxed, "p", {"model": "yolo", "size": 64}),
    "boxes on a grid": (boxed, "p", {"model": "yolo_grid", "size": 64}),
    "one box": (lambda p: boxed(p, 1), "p", {"task": "localization", "size": 64}),
    "sounds": (recorded, "s", {}),
    "people": (pictures, "p", {"task": "embedding", "size": 32, "hold_out": "none"}),
    "pictures drawn anew": (lambda _: "digits", "", {"task": "vae", "model_options": {"width": 16}}),
    "pictures made by two networks": (lambda _: "digits", "", {"task": "gan"}),
    "pictures made out of noise": (lambda _: "digits", "", {"task": "flow", "model_options": {"width": 8}}),
    "pictures made clean": (
        lambda p: pictures(p, unequal=True),
        "p",
        {"task": "restore", "degrade": "noise=25", "size": 16, "model_options": {"width": 2, "depth": 1}},
    ),
    "texts": (sentences, "s.tsv", {}),
    "word vectors": (text, "t.txt", {"task": "word-vectors"}),
    "counts of words together": (text, "t.txt", {"task": "glove"}),
    "tags": (tagged, "t.conll", {}),
    "pairs": (pairs, "p.tsv", {"task": "translation", "model": "seq2seq_gru"}),
    "language model": (text, "t.txt", {"task": "lm", "reader_options": {"encoding": "utf-8"}, "model": "neural_lm"}),
    "series": (
        series,
        "s.csv",
        {"task": "forecasting", "inputs": {"horizon": 3}, "reader_options": {"split": [100, 30, 30]}},
    ),
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DerinWarning)
        yield


# A way of each task. `own`, of a network and a loss that are handed over, is measured again in test_several_inputs.py.
OF_TASK = {
    "classification": "another target", "binary": "a threshold chosen", "multilabel": "labels that occur together",
    "regression": "a number as target", "multitask": "several targets", "lm": "language model", "tagging": "tags",
    "translation": "pairs", "word-vectors": "word vectors", "glove": "counts of words together",
    "segmentation": "masks", "detection": "boxes", "localization": "one box", "landmarks": "points",
    "forecasting": "series", "embedding": "people", "gan": "pictures made by two networks",
    "flow": "pictures made out of noise", "vae": "pictures drawn anew", "restore": "pictures made clean",
}  # fmt: skip


def test_no_task_is_left_out() -> None:
    assert {*OF_TASK, "own"} == set(TASKS)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_reading_gives_the_recorded_figures_again(tmp_path: Path, way: str) -> None:
    make, name, options = WAYS[way]
    data = make(tmp_path / name)
    run = derin.fit(data, out=tmp_path / "run", **QUICK, **options)
    assert [task for task, of_it in OF_TASK.items() if of_it == way] in ([], [run.record["task"]["name"]])
    model = derin.open(run.path)
    usual = "test" if "test" in run.metrics else "val"
    for split in (None, "val"):
        found = model.evaluate(data, split=split)
        part = split or usual
        assert (found.split, found.num_examples, found.notes) == (part, run.record["num_examples"][part], ())
        for metric, recorded in run.metrics[part].items():
            # Sums in fp32 over batches of other sizes differ in their last bits.
            again = pytest.approx(np.nan if recorded is None else recorded, rel=1e-6, abs=1e-6, nan_ok=True)
            assert found.metrics[metric] == again, (part, metric)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("options", [{"target": "kind"}, {"target": "grade", "target_kind": "number"}])
def test_predict_answers_for_every_row_what_evaluate_measures(tmp_path: Path, options: dict[str, Any]) -> None:
    data = table(tmp_path / "t.csv")
    model = derin.open(derin.fit(data, out=tmp_path / "run", **QUICK, **options).path)
    with data.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    metrics, num_examples = model.evaluate(data, split="all")
    answers = {"file": model.predict(data), "rows": model.predict(rows), "one": [model.predict(row) for row in rows]}
    true = [row[options["target"]] for row in rows]
    assert num_examples == len(rows)
    for way, found in answers.items():
        if "target_kind" in options:
            error = np.mean([abs(answer.value - float(t)) for answer, t in zip(found, true, strict=True)])
            assert error == pytest.approx(metrics["mae"], rel=1e-5), way
        else:
            right = np.mean([answer.label == t for answer, t in zip(found, true, strict=True)])
            assert right == pytest.approx(metrics["accuracy"]), way


def test_training_rows_among_other_data_are_counted_and_can_be_left_out(tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv")
    run = derin.fit(data, out=tmp_path / "run", **QUICK)
    model, num_train = derin.open(run.path), run.record["data"]["splits"]["train"]
    lines = data.read_text(encoding="utf-8").splitlines()
    more = table(tmp_path / "more.csv", num=70)
    data.write_text("\n".join([*lines, *more.read_text(encoding="utf-8").splitlines()[-6:]]) + "\n", encoding="utf-8")
    with pytest.warns(DerinWarning) as told:
        found = model.evaluate(str(data))
    assert (found.split, found.num_examples, found.trained_on) == ("all", 66, num_train)
    assert f"{num_train} of the 66 measured examples were trained on" in " ".join(str(w.message) for w in told)
    new = model.evaluate(data, split="new")
    assert (new.num_examples, new.trained_on, new.notes) == (66 - num_train, 0, ())
    # Rows in another order, with another target column left out, are known all the same.
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    with pytest.warns(DerinWarning, match="were trained on"):
        assert model.evaluate(shuffled).trained_on == num_train


@pytest.mark.usefixtures("quiet")
def test_what_was_changed_since_training_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(Path("t.csv"))
    model = derin.open(derin.fit("t.csv", out=tmp_path / "run", **QUICK).path)
    assert model.evaluate("t.csv").notes == ()
    table(Path("t.csv"), num=50)
    assert "has changed since the training" in model.evaluate("t.csv").notes[0]


@pytest.mark.usefixtures("quiet")
def test_models_of_before_say_that_training_rows_are_not_known(tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv")
    run = derin.fit(data, out=tmp_path / "run", target="kind", ignore=["a"], **QUICK)
    model = derin.open(run.path)
    model.known_rows = None
    for name in ("recipe", "cut"):
        model.card["data"].pop(name)
    assert (model.recipe.target, model.recipe.ignore) == ("kind", ("a",))
    found = model.evaluate(data)
    assert found.trained_on is None
    assert "cannot be told" in found.notes[-1]
    with pytest.raises(UsageError, match="Which examples are new"):
        model.evaluate(data, split="new")
    with pytest.raises(UsageError, match="no split 'test' of its own; it has: all, new"):
        model.evaluate(data, split="test")


def test_a_fingerprint_is_of_values_and_not_of_what_is_said(tmp_path: Path) -> None:
    read = derin.load(table(tmp_path / "t.csv"))
    said = replace(
        read,
        schema=type(read.schema)(tuple(replace(c, note="other words", unit=None) for c in read.schema)),
        report=replace(read.report, notes=["other words"]),
    )
    assert said.fingerprint() == read.fingerprint()
    other = replace(read.schema.columns[2], classes=("Ankara", "Bursa", "Sivas"))
    renamed = replace(read, schema=type(read.schema)((*read.schema.columns[:2], other, *read.schema.columns[3:])))
    assert renamed.fingerprint() != read.fingerprint()
    assert derin.load(tmp_path / "t.csv", seed=1).splits_fingerprint() != read.splits_fingerprint()


def test_row_hashes_are_of_values_whatever_their_codes(tmp_path: Path) -> None:
    read = derin.load(table(tmp_path / "t.csv"))
    rows = np.arange(len(read))
    hashes = row_hashes(read, rows)
    assert len(np.unique(hashes)) == len(rows)
    # In a file without the first city all others have other codes.
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    kept = [i for i, line in enumerate(lines[1:]) if ",Ankara," not in line]
    (tmp_path / "part.csv").write_text("\n".join([lines[0], *(lines[i + 1] for i in kept)]) + "\n", encoding="utf-8")
    part = derin.load(tmp_path / "part.csv", recipe=read.recipe, cut=False)
    assert row_hashes(part, np.arange(len(part))).tolist() == hashes[kept].tolist()
    assert unpack(pack(hashes), "it").tolist() == sorted(hashes.tolist())
    with pytest.raises(RefusedFileError, match="multiple of 8"):
        unpack(b"123", "it")


@pytest.mark.parametrize("damage", [[], {"size": "x"}, {"seed": True}, {"ignore": [1]}, {"other": 1}, {"found": 3}])
def test_damaged_recipes_are_refused(damage: Any) -> None:
    with pytest.raises(RefusedFileError, match="reading recipe is damaged"):
        ReadingRecipe.from_json(damage)


def test_a_recipe_goes_to_json_and_back() -> None:
    settings: dict[str, Any] = {"ignore": ("a", "b"), "kinds": {"zip": "category"}, "missing": ()}
    recipe = ReadingRecipe(target="y", found={"table": {"delimiter": ";"}}, **settings)
    assert ReadingRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_the_training_data_is_known_again_when_it_was_saved_anew(tmp_path: Path) -> None:
    """Columns exchanged, further ones added or ignored ones dropped: the same test split; last digits lost: rows are
    known."""
    random = np.random.default_rng(0)
    rows = [[f"k{i}", f"{random.normal()!r}", "abc"[i % 3], f"{random.normal()!r}"] for i in range(60)]
    names = ["note", "x", "c", "y"]

    def write(name: str, places: list[int], cut: int = 99) -> Path:
        lines = [[names[p] for p in places]] + [[row[p][:cut] for p in places] for row in rows]
        (tmp_path / name).write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")
        return tmp_path / name

    options = {"target": "y", "ignore": ["note"], "epochs": 1, "report": False, "quiet": True}
    run = derin.fit(str(write("t.csv", [0, 1, 2, 3])), out=tmp_path / "run", **options)
    model = derin.open(run.path)
    for name, places in (("order.csv", [3, 2, 1, 0]), ("dropped.csv", [1, 3, 2])):
        found = model.evaluate(str(write(name, places)))
        assert (found.split, found.metrics) == ("test", pytest.approx(run.metrics["test"])), name
    longer = write("more.csv", [2, 0, 1, 3]).read_text(encoding="utf-8").splitlines()
    (tmp_path / "more.csv").write_text("".join(f"{i},{line}\n" for i, line in enumerate(longer)), encoding="utf-8")
    assert model.evaluate(str(tmp_path / "more.csv")).metrics == pytest.approx(run.metrics["test"])
    with pytest.warns(DerinWarning, match="36 of the 60"):
        rounded = model.evaluate(str(write("rounded.csv", [0, 1, 2, 3], cut=18)))
    assert (rounded.num_examples, rounded.trained_on) == (60, 36)
