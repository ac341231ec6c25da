"""The task that learns to compare: splits of whole classes, training with each loss, its figures, saved and opened."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import derin
from derin.api.prepare import prepare
from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.data.batch import Batch
from derin.data.class_splits import hold_out_classes
from derin.data.recipe import ReadingRecipe
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.tasks.class_augmentation import augment_classes, read_class_augmentation
from derin.tasks.embedding import LOSSES, Embedding
from derin.tasks.metrics import comparing
from derin.tasks.metrics.comparing import EmbeddingMetrics, one_shot_accuracy, rank_1_by_class
from derin.tasks.recipes import Facts, recipe
from derin.tasks.registry import task_from_json
from derin.train.callback import Callback
from derin.train.loop import TrainingState
from derin.train.step import DryStep

QUICK = {"plan": "plain", "threads": 1, "quiet": True, "model": "mlp", "epochs": 3, "batch_size": 32}
FEW = {"hidden": [32]}


def blobs(num_classes: int = 12, num_each: int = 10, given: tuple[str, ...] = ()) -> Table:
    """Rows around the middle of their class in four of six columns; the other two say nothing."""
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(num_classes), num_each)
    middles = draw.normal(size=(num_classes, 4))
    near = middles[labels] + 0.15 * draw.normal(size=(len(labels), 4))
    values = np.concatenate([near, 4 * draw.normal(size=(len(labels), 2))], axis=1)
    columns = {f"x{i}": Dense(values[:, i]) for i in range(6)} | {"kind": Dense(labels)}
    schema = [Column(name=f"x{i}", kind=Kind.NUMBER, role=Role.INPUT) for i in range(6)]
    names = tuple(f"c{i}" for i in range(num_classes))
    schema.append(Column(name="kind", kind=Kind.CATEGORY, role=Role.TARGET, classes=names))
    rows = np.arange(len(labels))
    parts = {"train": rows[rows % 5 > 0], "test": rows[rows % 5 == 0]} if given else {}
    return Table(name="blobs", schema=Schema(tuple(schema)), columns=columns, splits=parts, given_splits=given)


def classes_in(table: Table, target: str = "kind") -> dict[str, set[int]]:
    return {name: set(table[target].take(rows).tolist()) for name, rows in table.splits.items()}


@pytest.mark.parametrize("given", [(), ("train", "test")])
def test_no_class_is_in_two_splits_and_every_split_keeps_its_own_rows(given: tuple[str, ...]) -> None:
    table = blobs(given=given)
    cut = hold_out_classes(table, seed=3)
    held = classes_in(cut)
    assert [len(held[name]) for name in ("train", "val", "test")] == [8, 2, 2]
    assert not held["train"] & held["val"] | held["train"] & held["test"] | held["val"] & held["test"]
    assert all(str(len(cut.splits[name])) in note for name, note in zip(("val", "test"), cut.report.notes))
    if given:
        assert set(cut.splits["test"]) <= set(table.splits["test"])
        assert set(cut.splits["train"]) | set(cut.splits["val"]) <= set(table.splits["train"])
        assert "36 examples belong to no split" in cut.report.notes[2]
    assert hold_out_classes(table, seed=3).splits_fingerprint() == cut.splits_fingerprint()
    assert hold_out_classes(table, seed=4).splits_fingerprint() != cut.splits_fingerprint()


def test_classes_are_held_out_by_name_and_pattern() -> None:
    assert classes_in(hold_out_classes(blobs(), names=["c1", "c1?"]))["test"] == {1, 10, 11}
    with pytest.raises(UnknownNameError, match="class to hold out named 'd1'"):
        hold_out_classes(blobs(), names=["d1"])
    with pytest.raises(DataError, match=r"got 2 for train, 2 for val, 1 for test.*--hold-out none"):
        hold_out_classes(blobs(5), names=["c4"])


def test_folders_within_folders_are_classes_where_that_is_asked_for_and_are_held_out_by_the_folder_around(
    tmp_path: Path,
) -> None:
    draw = np.random.default_rng(0)
    for path in [f"{alphabet}/{letter}" for alphabet in ("Greek", "Latin") for letter in ("a", "b", "c", "d")]:
        (tmp_path / "letters" / path).mkdir(parents=True)
        for number in range(2):
            pixels = draw.integers(0, 256, (9, 9), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "letters" / path / f"{number}.png")
    (tmp_path / "letters" / "Latin" / "e").mkdir()  # an empty class beside the others
    with pytest.raises(DataError, match="--reader-option classes=innermost"):
        derin.load(tmp_path / "letters", task="embedding")
    asked: dict[str, Any] = {"task": "embedding", "reader_options": {"classes": "innermost"}, "hold_out": "Latin"}
    table = derin.load(tmp_path / "letters", **asked)
    assert table.recipe is not None
    classes = table.target().classes
    assert classes == tuple(f"{alphabet}/{letter}" for alphabet in ("Greek", "Latin") for letter in "abcd")
    assert [sorted(held) for held in classes_in(table, "label").values()][-1] == [4, 5, 6, 7]
    # Other letters are read as those of training were, whatever their folders are called.
    (tmp_path / "letters" / "Latin").rename(tmp_path / "Runic")
    shutil.copytree(tmp_path / "Runic", tmp_path / "others" / "Runic")
    shutil.copytree(tmp_path / "Runic", tmp_path / "others" / "Ogham")
    others = derin.load(tmp_path / "others", recipe=replace(table.recipe, hold_out=("Ogham",)))
    assert len(others.target().classes) == 8
    with pytest.raises(UnknownNameError, match="setting of reading for class folders named 'class'"):
        derin.load(tmp_path / "others", reader_options={"class": "innermost"})
    with pytest.raises(UnknownNameError, match="choice of class folders named 'inner'"):
        derin.load(tmp_path / "others", reader_options={"classes": "inner"})


def test_table_that_was_cut_before_is_cut_anew_from_what_its_source_gave() -> None:
    pictures, labels = np.zeros((60, 4)), np.repeat([f"c{i}" for i in range(12)], 5)
    pictures[:] = np.arange(60)[:, None]
    usual, apart = derin.load((pictures, labels)), derin.load((pictures, labels), task="embedding")
    assert usual.splits_fingerprint() != apart.splits_fingerprint()
    for table in (usual, apart):
        prepared = prepare(table, task="embedding", model="mlp")
        assert prepared.table.splits_fingerprint() == apart.splits_fingerprint()
    everything = derin.load((pictures, labels), task="embedding", hold_out="none")
    assert everything.splits_fingerprint() == usual.splits_fingerprint()
    with pytest.raises(UsageError, match="held out for the task embedding"):
        derin.load((pictures, labels), hold_out="c1,c2")


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_learns_to_compare_classes_that_it_never_saw_and_is_opened_again(loss: str, tmp_path: Path) -> None:
    table = blobs(24)
    run = derin.fit(
        table, task="embedding", task_options={"loss": loss, "embedding_size": 8}, model_options=FEW,
        learning_rate=0.01, out=tmp_path / "run", report=loss == "triplet", **QUICK,
    )  # fmt: skip
    measured, raw = run.metrics["test"], run.record["findings"]["baseline"]["eer"]
    # Two columns of six that say nothing keep the rows themselves from telling as much.
    assert measured["eer"] < 0.8 * raw
    model = derin.open(run.path)
    assert model.evaluate(table).metrics == pytest.approx(measured, rel=1e-4)  # float32, in batches of another size
    answer = model.predict({f"x{i}": float(table[f"x{i}"].values[0]) for i in range(6)})
    assert len(answer.to_json()["embedding"]) == 8
    assert np.linalg.norm(answer.embedding) == pytest.approx(1, rel=1e-5)
    found = model.evaluate(table, one_shot=3).metrics["one_shot"]
    assert (found["ways"], found["chance"]) == (3, pytest.approx(1 / 3))
    assert found["accuracy"] > 0.6
    if loss == "triplet":
        told = run.report.read_text(encoding="utf-8")
        assert "Same, and farthest from each other" in told
        assert f"an equal error rate of {raw:.1%}, this network {measured['eer']:.1%}" in told


def test_batches_hold_several_examples_of_several_classes() -> None:
    prepared = prepare(blobs(), task="embedding", model="mlp", batch_size=20)
    for batch in list(prepared.train_source.batches(0))[:5]:
        assert torch.bincount(batch["target"]).tolist().count(4) == 5
    few = prepare(blobs(6), task="embedding", model="mlp", batch_size=20)
    assert torch.bincount(next(iter(few.train_source.batches(0)))["target"]).tolist() == [10, 10]


def test_new_classes_have_numbers_behind_those_that_were_trained_on() -> None:
    task = Embedding(columns=["kind"], trained_classes=["c3", "c1"])
    assert task.targets(blobs(5, 1)).tolist() == [2, 1, 3, 0, 4]


def test_figures_are_those_of_brute_force() -> None:
    draw = np.random.default_rng(1)
    points, labels = draw.normal(size=(31, 4)).astype(np.float32), draw.integers(0, 5, 31)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    right: dict[int, list[bool]] = {}
    members = {c: np.flatnonzero(labels == c) for c in range(5)}
    for turn in range(min(10, max(map(len, members.values())))):
        known = {c: rows[turn % len(rows)] for c, rows in members.items()}
        for row in set(range(31)) - set(known.values()):
            nearest = min(known, key=lambda c: distances[row, known[c]])
            right.setdefault(labels[row], []).append(nearest == labels[row])
    assert rank_1_by_class(points, labels) == pytest.approx({c: np.mean(values) for c, values in right.items()})


def test_intervals_hold_what_was_measured_and_few_classes_have_none() -> None:
    draw = np.random.default_rng(2)
    labels = np.repeat(np.arange(9), 6)
    points = (draw.normal(size=(9, 3))[labels] + 0.7 * draw.normal(size=(54, 3))).astype(np.float32)
    for num, has_some in ((9, True), (4, False)):
        metrics, some = EmbeddingMetrics("target"), labels < num
        batch = Batch({"target": torch.from_numpy(labels[some])}, torch.arange(int(some.sum())))
        metrics.update({"embedding": torch.from_numpy(points[some])}, batch)
        measured, intervals = metrics.compute(), metrics.intervals()
        assert set(intervals) == ({"eer", "auc", "rank_1"} if has_some else set())
        assert all(low <= measured[name] <= high for name, (low, high) in intervals.items())


def test_one_shot_of_embeddings_that_say_nothing_is_guessing() -> None:
    draw = np.random.default_rng(3)
    points, labels = draw.normal(size=(400, 16)).astype(np.float32), np.repeat(np.arange(20), 20)
    found = one_shot_accuracy(points, labels, 5, episodes=2000)
    assert found["accuracy"] == pytest.approx(0.2, abs=0.02)  # five standard deviations of 10 000 answers
    assert found["low"] < 0.2 < found["high"]
    with pytest.raises(DataError, match="there are 20"):
        one_shot_accuracy(points, labels, 21)


def test_card_gives_the_same_task_and_what_does_not_fit_is_refused() -> None:
    task = Embedding(columns=["kind"], trained_classes=["a", "b"], loss="ntxent", temperature=0.2)
    assert task_from_json(task.to_json()) == task
    before = task.to_json()  # a card of before classes were augmented
    assert before.pop("class_augmentation") == "none"
    assert task_from_json(before) == task
    for wrong in ({"loss": "hinge"}, {"margin": "wide"}, {"embedding_size": 0}, {"hook": "os"}):
        with pytest.raises(RefusedFileError):
            task_from_json(task.to_json() | wrong)
    with pytest.raises(UsageError, match="'ntxent' has no margin"):
        Embedding(columns=["kind"], trained_classes=["a"], loss="ntxent", margin=0.2)
    with pytest.raises(UnknownNameError, match="did you mean 'triplet'"):
        Embedding(columns=["kind"], trained_classes=["a"], loss="triplets")


def test_recipe_of_before_opens_and_the_classes_that_are_held_out_are_kept() -> None:
    assert ReadingRecipe.from_json({"target": "y"}).hold_out == ()
    recipe = ReadingRecipe(task="embedding", hold_out=("Greek-*",))
    assert ReadingRecipe.from_json(recipe.to_json()) == recipe


class AfterOneEpoch(Callback):
    """Asks training to end, as Ctrl-C does."""

    def on_epoch_end(self, state: TrainingState, record: Mapping[str, Any]) -> None:
        state.interrupt()


def little_pictures() -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 4)
    signs = draw.integers(0, 200, (8, 1, 9, 9))[labels, 0]
    return (signs + draw.integers(0, 55, signs.shape)).astype(np.uint8), labels


@pytest.mark.parametrize(
    ("data", "options"),
    [(blobs, {"mining": "distance-weighted"}), (blobs, {"loss": "arcface"}), (little_pictures, {})],
    ids=["drawn", "head", "classes moved"],
)
def test_interrupted_training_ends_with_the_same_bits(data: Any, options: dict[str, Any], tmp_path: Path) -> None:
    """Also where negatives are drawn, where the loss has weights of its own, and where classes are moved as a whole."""
    asked = {**QUICK, "epochs": 2, "task": "embedding", "task_options": options, "report": False, "compare": False}
    whole = derin.fit(data(), model_options=FEW, out=tmp_path / "whole", **asked)
    derin.fit(data(), model_options=FEW, out=tmp_path / "two", callbacks=[AfterOneEpoch()], **asked)
    two = derin.fit(data(), model_options=FEW, out=tmp_path / "two", resume=True, **asked)
    assert two.metrics == whole.metrics
    states = [derin.open(run.path).network.state_dict() for run in (whole, two)]
    assert all(torch.equal(values, states[1][name]) for name, values in states[0].items())


def test_recipe_has_larger_batches_and_as_many_updates_as_the_examples_bear() -> None:
    found = {}
    for num_train in (240, 5_000, 40_000):
        settings = recipe("convnet", Facts(num_train=num_train, task="embedding")).settings
        found[num_train] = (settings["batch_size"], settings["epochs"])
    # 20, 78 and 312 batches an epoch: 200, 624 and 1 248 updates.
    assert found == {240: (64, 10), 5_000: (64, 8), 40_000: (128, 4)}
    faces = recipe("convnet", Facts(num_train=240, picture_size=(112, 92), channels=1, task="embedding"))
    assert (faces.model_options, faces.label_smoothing) == ({}, 0.0)
    assert faces.inputs == {"fit": "squeeze"}
    assert faces.augmentation == "rotate=10,zoom=0.1,shear=0.1,shift=0.05,fill=edge,brightness=0.2,contrast=0.2"


def test_pictures_of_a_class_are_moved_alike_and_those_of_another_otherwise() -> None:
    draw = np.random.default_rng(0)
    labels = torch.tensor([5, 2, 5, 9, 2, 9, 5])
    pictures = torch.from_numpy(draw.normal(size=(3, 1, 6, 7)).astype(np.float32))[[0, 1, 0, 2, 1, 2, 0]]
    torch.manual_seed(0)
    moved = augment_classes(pictures, labels, read_class_augmentation("flip,rotate=20,shear=0.3"))
    for label in (2, 5, 9):
        own = moved[labels == label]
        assert torch.equal(own, own[:1].expand_as(own))
        assert not torch.equal(own[0], pictures[labels == label][0])
    seen = set()
    for _ in range(40):
        flipped = augment_classes(pictures, labels, read_class_augmentation("flip"))
        mirrored = [torch.equal(flipped[row], pictures[row].flip(2)) for row in range(7)]
        assert all(mirrored[row] or torch.equal(flipped[row], pictures[row]) for row in range(7))
        assert len({(int(label), is_so) for label, is_so in zip(labels, mirrored)}) == 3
        seen.add(tuple(mirrored))
    assert len(seen) == 8  # 40 draws lack one of the eight with a probability of 4 %; the seed is fixed


def test_classes_are_augmented_in_updates_alone_and_only_where_pictures_have_no_directions_of_their_own() -> None:
    pictures, labels = little_pictures()
    table = derin.load((pictures, labels), task="embedding")
    asked = {"task": "embedding", "model": "mlp", "plan": "plain"}
    prepared = prepare(table, **asked)
    batch = next(iter(prepared.train_source.batches(0)))
    step = DryStep(prepared.model)
    torch.manual_seed(0)
    updated = prepared.task.update(step, batch)["loss"].item()
    torch.manual_seed(0)
    plain = prepared.task.loss(prepared.model, batch)["loss"].item()
    assert updated != plain
    assert prepare(blobs(), **asked).task.class_augmentation.is_identity
    assert prepare(table, task_options={"loss": "arcface"}, **asked).task.class_augmentation.is_identity
    with pytest.raises(UsageError, match="'arcface' knows the classes of the data alone"):
        prepare(table, task_options={"loss": "arcface", "class_augmentation": "flip"}, **asked)
    with pytest.raises(UsageError, match=r"moves the pictures of a class all alike .* got 'flip,cutout'"):
        prepare(table, task_options={"class_augmentation": "flip,cutout"}, **asked)


def test_pairs_of_many_examples_are_true_pairs_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_MOST_PAIRS", 500)
    monkeypatch.setattr(comparing, "_MOST_SAME", 100)
    random = np.random.default_rng(0)
    # Classes of two, of which an example has one mate alone, and a class of one, which has no pair.
    labels = np.repeat(np.arange(31), [2] * 30 + [1])
    points = random.normal(size=(len(labels), 3))
    distances, same, pairs = comparing.measured_pairs(points, labels)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert same[:100].all()
    assert not same[100:].any()
    assert np.array_equal(same, labels[pairs[:, 0]] == labels[pairs[:, 1]])
    np.testing.assert_allclose(distances, np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1), rtol=1e-12)
