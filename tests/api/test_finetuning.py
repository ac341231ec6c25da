"""Going on from trained weights: what stays, what learns, and that a resumed run has the bits of an unbroken one."""

from __future__ import annotations

import dataclasses
import itertools
import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import derin
from derin.api import warm_start
from derin.api.prepare import prepare
from derin.apps.faces.recognizer import FaceRecognizer
from derin.core.errors import UnknownNameError, UsageError
from derin.core.run import RunFolder
from derin.core.tensors import load_tensors
from derin.train.callback import Callback

QUICK: dict[str, Any] = {"plan": "plain", "threads": 1, "report": False}
SIDE = 22
COLORS = ((250, 30, 30), (30, 250, 30), (30, 30, 250), (250, 250, 30))


def pictures(num: int, classes: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose class is the color of a spot that lies anywhere."""
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 90, size=(num, SIDE, SIDE, 3), dtype=np.uint8)
    y = np.arange(num) % len(classes)
    for place, label in enumerate(y):
        top, left = generator.integers(0, SIDE - 8, size=2)
        x[place, top : top + 8, left : left + 8] = (np.array(COLORS[label]) * generator.uniform(0.8, 1)).astype(
            np.uint8
        )
    return x, np.array(classes)[y]


THREE, FOUR = ("a", "b", "c"), ("p", "q", "r", "s")
TARGET = pictures(90, FOUR, 2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows three colors."""
    folder = tmp_path_factory.mktemp("base") / "run"
    options = {"widths": [6, 7, 8, 9, 10], "depths": [1, 1, 1, 1, 1]}
    return derin.fit(
        pictures(60, THREE, 1), model="convnet", model_options=options, out=folder, epochs=15, **QUICK
    ).path


@pytest.fixture(scope="module")
def target() -> tuple[np.ndarray, np.ndarray]:
    return TARGET


@pytest.fixture
def short_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head that learns before the layers beneath it does so for nine epochs; two hundred take most of the time."""
    recipe = warm_start.finetuning_recipe

    def short(mode: str, table: Any) -> Any:
        found = recipe(mode, table)
        return dataclasses.replace(found, settings={**found.settings, "epochs": 9})

    monkeypatch.setattr(warm_start, "finetuning_recipe", short)


def tensors(run: Path) -> dict[str, torch.Tensor]:
    return load_tensors(run / "model" / "model.safetensors")


def last(run: Path) -> dict[str, torch.Tensor]:
    """The network after the last epoch, which may not be the best."""
    saved = RunFolder.open(run).load_state()
    assert saved is not None
    return {n.removeprefix("model/"): v for n, v in saved[0].items() if n.startswith("model/")}


def changed(before: Path, after: Path, *, at_the_end: bool = False) -> set[str]:
    """Names of the tensors that differ, counters of batches apart."""
    old, new = tensors(before), last(after) if at_the_end else tensors(after)
    return {n for n in new if "num_batches" not in n and not (n in old and torch.equal(old[n], new[n]))}


def test_head_changes_the_output_layer_alone_and_the_bundle_is_whole(
    base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    run = derin.fit(target, weights=base, finetune="head", out=tmp_path / "head", learning_rate=0.02, **QUICK)
    assert changed(base, run.path) == {"output.weight", "output.bias"}
    assert run.record["finetune"]["features_computed_once"]
    model = derin.open(run.path)
    # The whole network on pictures agrees with what was measured on features.
    metrics, _ = model.evaluate(target, split="test")
    assert metrics["accuracy"] == run.metrics["test"]["accuracy"]
    assert metrics["loss"] == pytest.approx(run.metrics["test"]["loss"], rel=1e-4)
    assert metrics["accuracy"] > 0.6  # chance is 0.25
    assert model.predict(target[0][0]).label in FOUR


def test_preparation_follows_the_weights(base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    run = derin.fit(target, weights=base, out=tmp_path / "run", epochs=2, **QUICK)
    theirs = json.loads((base / "run.json").read_text())["preparation"]["inputs"]["input"]
    ours = run.record["preparation"]["inputs"]["input"]
    assert (ours["mean"], ours["std"], ours["height"]) == (theirs["mean"], theirs["std"], theirs["height"])
    assert run.record["finetune"]["mode"] == "head"
    assert "72" in run.record["finetune"]["reason"] or "few" in run.record["finetune"]["reason"]


@pytest.mark.usefixtures("short_head")
def test_frozen_groups_keep_weights_and_running_statistics(
    base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    run = derin.fit(target, weights=base, finetune="freeze:3", out=tmp_path / "run", epochs=2, **QUICK)
    moved = changed(base, run.path, at_the_end=True)
    assert not any(name.startswith(("stages.0", "stages.1", "stages.2")) for name in moved)
    assert {"stages.3.conv1.weight", "stages.3.norm1.running_mean", "output.weight"} <= moved


@pytest.mark.usefixtures("short_head")
def test_full_changes_everything(base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    run = derin.fit(target, weights=base, finetune="full", out=tmp_path / "run", epochs=1, **QUICK)
    names = {n for n in tensors(run.path) if "num_batches" not in n}
    assert changed(base, run.path, at_the_end=True) == names


class StopAt(Callback):
    """Interrupts a run after so many steps, as a person does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, loop: Any) -> None:
        if loop.step == self.step:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.3)  # the main thread, which takes the signal, must come before the next step


@pytest.mark.usefixtures("short_head")
@pytest.mark.parametrize("finetune", ["gradual", "head", "freeze:2"])
def test_a_resumed_run_has_the_bits_of_an_unbroken_one(
    base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path, finetune: str
) -> None:
    settings = {**QUICK, "weights": base, "finetune": finetune, "epochs": 6, "batch_size": 16, "augment": "flip"}
    alone = derin.fit(target, out=tmp_path / "alone", **settings)
    steps = alone.record["steps"]
    broken = derin.fit(target, out=tmp_path / "broken", callbacks=[StopAt(steps // 2 + 1)], **settings)
    assert not broken.finished
    resumed = derin.fit(target, out=tmp_path / "broken", resume=True)
    assert resumed.record["finetune"] == alone.record["finetune"]
    weights = "model/model.safetensors"
    assert (resumed.path / weights).read_bytes() == (alone.path / weights).read_bytes()
    assert resumed.metrics == alone.metrics
    # The best state may be an early one: the last ones are compared as well.
    ours, theirs = last(resumed.path), last(alone.path)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.usefixtures("short_head")
def test_gradual_unfreezing_goes_from_the_output_to_the_input(
    base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    learning: list[list[str]] = []

    class Watch(Callback):
        def on_epoch_end(self, loop: Any, record: dict[str, Any]) -> None:
            learning.append(sorted({n.split(".conv")[0] for n, p in loop.model.named_parameters() if p.requires_grad}))

    settings = {**QUICK, "weights": base, "finetune": "gradual", "epochs": 10}
    run = derin.fit(target, out=tmp_path / "run", callbacks=[Watch()], **settings)
    assert learning[0] == ["output.bias", "output.weight"]
    assert all(set(before) <= set(after) for before, after in itertools.pairwise(learning))
    assert any(name.startswith("stages.0") for name in learning[-1])
    rates = [group["rate"] for group in run.record["finetune"]["groups"]]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0


def test_views_of_augmented_pictures_are_computed_once(
    base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    plain = derin.fit(target, weights=base, finetune="head", out=tmp_path / "plain", epochs=5, **QUICK)
    varied = derin.fit(target, weights=base, finetune="head", augment="flip", out=tmp_path / "v", epochs=5, **QUICK)
    assert changed(plain.path, varied.path) == {"output.weight", "output.bias"}
    with pytest.raises(UsageError, match="mixup"):
        derin.fit(target, weights=base, finetune="head", augment="mixup", out=tmp_path / "m", epochs=5, **QUICK)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"finetune": "head"}, UsageError, "none are given"),
        ({"weights": "BASE", "finetune": "none"}, UsageError, "throw the given weights away"),
        ({"weights": "BASE", "finetune": "freeze:9"}, UsageError, "at least one of the network's 6 layer groups"),
        ({"weights": "BASE", "finetune": "freeze:x"}, UsageError, "needs the number"),
        ({"weights": "BASE", "finetune": "gradually"}, UnknownNameError, "gradual"),
        ({"weights": "BASE", "model": "resnet18"}, UsageError, "belong to convnet"),
        ({"weights": "BASE", "model_options": {"dropout": 0.1}}, UsageError, "model_options"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    base: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    if options.get("weights") == "BASE":
        options = {**options, "weights": base}
    with pytest.raises(error, match=words):
        derin.fit(TARGET, out=tmp_path / "run", epochs=1, **options, **QUICK)


def test_an_embedding_goes_on_with_its_outputs(base: Path, tmp_path: Path) -> None:
    people = pictures(72, FOUR, 3)
    how: dict[str, Any] = {"task": "embedding", "hold_out": "none"}
    size = {"embedding_size": 9}
    run = derin.fit(people, weights=base, task_options=size, out=tmp_path / "run", epochs=1, **how, **QUICK)
    learned = tensors(run.path)
    begun = prepare(people, weights=run.path, task_options=size, **how).model.state_dict()
    assert [name for name, tensor in learned.items() if not begun[name].equal(tensor)] == []
    other = prepare(people, weights=run.path, task_options={"embedding_size": 5}, **how).model.state_dict()
    assert {name for name, tensor in learned.items() if not other[name].equal(tensor)} == {
        "output.weight",
        "output.bias",
    }
    classes = prepare(people, weights=run.path).model.state_dict()
    assert {name for name, tensor in learned.items() if not classes[name].equal(tensor)} == {
        "output.weight",
        "output.bias",
    }
    with pytest.raises(UsageError, match=r"The loss 'arcface' has weights beside the network"):
        prepare(people, weights=run.path, task_options={"loss": "arcface"}, **how)
    recognizer = FaceRecognizer(run.path)
    (row,) = recognizer.embed([people[0][0]], cropped=True)
    # The same network on the same pixels, in batches of another size.
    np.testing.assert_allclose(row, derin.open(run.path).predict(people[0][0]).embedding, atol=1e-6)


def test_a_table_without_pictures_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="read pictures"):
        derin.fit("iris", weights=base, out=tmp_path / "run", **QUICK)


@pytest.mark.usefixtures("short_head")
def test_other_weights_on_resume_are_refused(base: Path, target: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    settings = {**QUICK, "weights": base, "finetune": "gradual", "epochs": 4, "batch_size": 16}
    derin.fit(target, out=tmp_path / "run", callbacks=[StopAt(3)], **settings)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["finetune"]["weights"]["sha256"] = "0" * 64
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="other weights"):
        derin.fit(target, out=tmp_path / "run", resume=True)
