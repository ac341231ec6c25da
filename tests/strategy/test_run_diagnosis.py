"""What is said of a run and what is suggested: each row is a run whose meaning is plain to a person."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_printed_commands import understand

from derin.api.arguments import SETTINGS
from derin.core.errors import UnknownNameError, UsageError
from derin.strategy.commands import train_command
from derin.strategy.record import RunRecord
from derin.strategy.run_diagnosis import curve_sentences, diagnose_record, run_sentences


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


PICTURE = {"name": "picture", "kind": "picture", "role": "input", "shape": [-1, -1, 3]}
DIGIT = {"name": "picture", "kind": "picture", "role": "input", "shape": [28, 28, 1]}
FLAT = [0.7, 0.69, 0.69, 0.69]
FALLING = [0.9, 0.5, 0.3, 0.2, 0.1]
RESTING = [0.9, 0.3, 0.11, 0.101, 0.1]
RISING = [0.9, 0.6, 0.7, 0.9, 1.2]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A run, what must be said of it, and what must not.

    Args:
        train, val: losses by epoch.
        errors: share of wrong answers by split; None where the loss is what counts.
        said, unsaid: parts of the sentences at the end of training.
        tried: parts of the suggested commands, the first of the first one.
        untried: what no command may hold.
    """

    train: list[float]
    val: list[float]
    errors: dict[str, float] | None = None
    num: dict[str, int] = field(default_factory=lambda: {"train": 10_000, "val": 5_000, "test": 5_000})
    record: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    column: dict[str, Any] = field(default_factory=dict)
    principal: str = "none"
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()

    def story(self) -> RunRecord:
        history: list[dict[str, Any]] = [
            {"epoch": i + 1, "train": {"loss": t}, "val": {"loss": v}}
            for i, (t, v) in enumerate(zip(self.train, self.val, strict=True))
        ]
        metrics: dict[str, dict[str, float]] = {"train": {"loss": self.train[-1]}, "val": {"loss": self.val[-1]}}
        headline: dict[str, Any] = {"headline": "loss", "maximize": False}
        if self.errors is not None:
            headline = {"headline": "accuracy", "maximize": True}
            metrics = {split: {"loss": 0.5, "accuracy": 1 - error} for split, error in self.errors.items()}
        record = {
            "name": "photos-1",
            "task": {"name": "classification", **headline},
            "model": {"name": "convnet", "parameters": 100_000, "spec": {"options": {"dropout": 0.2}}},
            "data": {"splits": self.num, "schema": [self.column] if self.column else []},
            "preparation": {"kind": "picture" if self.column else "features"},
            "config": {"epochs": len(self.train), "learning_rate": 0.01, "weight_decay": 0.01, "seed": 3},
            "request": {"data": "photos", "options": self.options},
            "metrics": metrics,
            "num_examples": self.num,
            "stopped": "finished",
            **self.record,
        }
        return RunRecord(Path("runs/photos-1"), record, history, {})


SITUATIONS = {
    "poor and flat": Situation(
        train=FLAT,
        val=FLAT,
        errors={"train": 0.45, "val": 0.46},
        principal="avoidable_bias",
        said=("Avoidable bias comes first",),
        tried=("derin find-lr photos --model convnet",),
        untried=("--max-seconds", "--weight-decay"),
    ),
    "poor and flat on the weights of others": Situation(
        train=FLAT,
        val=FLAT,
        errors={"train": 0.45, "val": 0.46},
        options={"weights": "mobilenet_v2_imagenet", "task": "detection", "batch_size": 8},
        principal="avoidable_bias",
        tried=("derin find-lr photos --task detection --weights mobilenet_v2_imagenet --batch-size 8",),
    ),
    "poor and flat at a rate that somebody set": Situation(
        train=FLAT,
        val=FLAT,
        errors={"train": 0.45, "val": 0.46},
        options={"learning_rate": 5.0, "epochs": 4},
        principal="avoidable_bias",
        said=("that you set",),
        tried=("derin train photos --epochs 4",),
    ),
    "poor when time was over": Situation(
        train=FALLING,
        val=FALLING,
        errors={"train": 0.3, "val": 0.31},
        record={"stopped": "time", "config": {"max_seconds": 60.0, "epochs": 40}},
        options={"max_seconds": 60.0},
        column=DIGIT,
        principal="avoidable_bias",
        said=("its time was over",),
        tried=("derin train photos --max-seconds 240",),
        untried=("resnet",),
    ),
    "points on a trunk that were not learned": Situation(
        train=FLAT,
        val=FLAT,
        num={"train": 200, "val": 80},
        record={
            "task": {"name": "landmarks", "headline": "nme", "maximize": False},
            "model": {"name": "landmark_heatmaps", "parameters": 9, "spec": {"options": {"trunk": "mobilenet_v2"}}},
            "metrics": {"train": {"loss": 3.0, "nme": 0.4}, "val": {"loss": 3.0, "nme": 0.41}},
        },
        column=PICTURE,
        principal="avoidable_bias",
        tried=("--weights mobilenet_v2", "--model landmark_heatmaps --option trunk=resnet34"),
        untried=("--model resnet50",),
    ),
    "masks that were not learned": Situation(
        train=FLAT,
        val=FLAT,
        num={"train": 200, "val": 80},
        record={
            "task": {"name": "segmentation", "headline": "mean_iou", "maximize": True},
            "model": {"name": "unet", "parameters": 9},
            "metrics": {"train": {"loss": 3.0, "mean_iou": 0.4}, "val": {"loss": 3.0, "mean_iou": 0.4}},
        },
        column=PICTURE,
        principal="avoidable_bias",
        tried=("--weights mobilenet_v2", "derin find-lr photos --model unet"),
        untried=("resnet",),
    ),
    "poor when somebody stopped it": Situation(
        train=FALLING,
        val=FALLING,
        errors={"train": 0.3, "val": 0.31},
        record={"stopped": "interrupted"},
        principal="avoidable_bias",
        tried=("derin train --resume --out runs/photos-1",),
        untried=("--model mlp",),
    ),
    "245 photographs and a run that was cut off": Situation(
        train=FALLING,
        val=FALLING,
        errors={"train": 0.2, "val": 0.268},
        num={"train": 245, "val": 153},
        record={"stopped": "time", "config": {"max_seconds": 60.0, "epochs": 60}},
        options={"max_seconds": 60.0, "model": "convnet"},
        column=PICTURE,
        principal="avoidable_bias",
        said=("245 photographs",),
        tried=("derin train photos --weights mobilenet_v2",),
        untried=("resnet",),
    ),
    "a network that was made small": Situation(
        train=RESTING,
        val=RESTING,
        errors={"train": 0.4, "val": 0.41},
        options={"model": "mlp", "model_options": {"hidden": [2], "dropout": 0.0}},
        column=DIGIT,
        principal="avoidable_bias",
        said=("(hidden=[2])",),
        tried=("derin train photos --model mlp",),
        untried=("--option hidden",),
    ),
    "loss that jumps": Situation(
        train=[0.9, 0.5, 0.7, 0.8, 0.9],
        val=[0.9, 0.6, 0.7, 0.9, 1.0],
        errors={"train": 0.4, "val": 0.41},
        principal="avoidable_bias",
        said=("too high",),
        tried=("derin train photos --lr 0.001",),
    ),
    "still learning": Situation(
        train=FALLING,
        val=FALLING,
        errors={"train": 0.1, "val": 0.105},
        principal="avoidable_bias",
        said=("It was still learning",),
        tried=("derin train photos --epochs 15",),
    ),
    "validation that turned upwards": Situation(
        train=RESTING,
        val=RISING,
        errors={"train": 0.01, "val": 0.25},
        column=DIGIT,
        principal="variance",
        said=("Validation loss was lowest at epoch 2 (0.6) and rose to 1.2 by epoch 5",),
        tried=("derin train photos --augment rotate=10,zoom=0.1", "--option dropout=0.5", "--learning-curve"),
        untried=("--model", "--epochs"),
    ),
    "tables have no mirror images": Situation(
        train=RESTING,
        val=RISING,
        errors={"train": 0.01, "val": 0.25},
        principal="variance",
        tried=("dropout=0.5",),
        untried=("--augment",),
    ),
    "a gap that few examples explain": Situation(
        train=RESTING,
        val=RESTING,
        errors={"train": 0.01, "val": 0.07},
        num={"train": 100, "val": 30},
        principal="cannot_tell",
        said=("cannot be told yet", "examples more would tell"),
        unsaid=("Variance comes first",),
    ),
    "all is well": Situation(
        train=RESTING,
        val=RESTING,
        errors={"train": 0.003, "val": 0.008, "test": 0.008},
        said=("Nothing stands out",),
        unsaid=("What may help",),
    ),
    "test much worse than validation": Situation(
        train=RESTING,
        val=RESTING,
        errors={"train": 0.05, "val": 0.08, "test": 0.30},
        principal="dev_overfit",
        said=("The dev set is over-fitted",),
        tried=("derin train photos --seed 4",),
    ),
    "training-dev tells mismatch from variance": Situation(
        train=RESTING,
        val=RESTING,
        errors={"train": 0.01, "traindev": 0.02, "val": 0.15},
        num={"train": 10_000, "traindev": 2_000, "val": 2_000},
        principal="data_mismatch",
        said=("Data mismatch comes first",),
        tried=("derin train photos --train-on-dev 0.5",),
    ),
    # An error without a best value: how much of it can be avoided is not known, and variance is judged beside it.
    "a loss": Situation(
        train=RESTING,
        val=[0.9, 0.35, 0.3, 0.3, 0.3],
        principal="variance",
        said=("from 0.1 on training data the error grows to 0.3",),
        unsaid=("bias", "%"),
    ),
    # Repeating the last value errs four times as much in this validation period as in training.
    "a period that is harder for everybody": Situation(
        train=[1.0, 0.6, 0.5],
        val=[4.0, 2.0, 1.9],
        record={"findings": {"kind": "forecasting", "naive_mse": {"train": 0.8, "val": 3.2}}},
        said=("Nothing stands out",),
        unsaid=("Variance",),
    ),
    "a period that is as hard as training": Situation(
        train=[1.0, 0.6, 0.5],
        val=[4.0, 2.0, 1.9],
        record={"findings": {"kind": "forecasting", "naive_mse": {"train": 0.8, "val": 0.9}}},
        principal="variance",
        said=("Variance comes first",),
    ),
    "another method that does better than the network on its own examples": Situation(
        train=RESTING,
        val=RESTING,
        record={
            "findings": {
                "other_methods": {"metric": "loss", "methods": [{"name": "boosting", "values": {"val": 0.04}}]},
            }
        },
        principal="avoidable_bias",
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_said_and_tried_in_a_situation(name: str) -> None:
    situation = SITUATIONS[name]
    story = situation.story()
    found = diagnose_record(story)
    assert found.principal == situation.principal
    text = " ".join(run_sentences(story.record, story.history, story.path))
    for part in situation.said:
        assert part in text
    for part in situation.unsaid:
        assert part not in text
    commands = [suggestion.command for suggestion in found.suggestions]
    for line in commands:
        understand(line)
    if situation.tried:
        assert commands[0].startswith(situation.tried[0]) or situation.tried[0] in commands[0]
    for part in situation.tried:
        assert any(part in command for command in commands)
    for part in situation.untried:
        assert not any(part in command for command in commands)


def test_levels_and_other_metrics_are_taken_and_what_does_not_exist_is_refused() -> None:
    story = SITUATIONS["all is well"].story()
    assert diagnose_record(story, levels={"human": 0.001}, material=0.001).principal == "variance"
    assert diagnose_record(story, metric="loss").part("avoidable_bias") is None
    with pytest.raises(UnknownNameError, match="metric"):
        diagnose_record(story, metric="f9")
    with pytest.raises(UsageError, match="between 0 and 1"):
        diagnose_record(story, levels={"human": 3.0})
    without = RunRecord(story.path, {**story.record, "metrics": {"train": {"loss": 0.2, "accuracy": 0.9}}}, [], {})
    with pytest.raises(UsageError, match="no measurement of val"):
        diagnose_record(without)
    assert run_sentences(without.record, []) == ["Without a validation split nothing can be said about over-fitting."]


def test_a_dev_set_that_came_with_the_data_may_be_of_another_kind() -> None:
    story = SITUATIONS["validation that turned upwards"].story()
    given = {**story.record, "data": {**story.record["data"], "given_splits": ["train", "val"]}}
    found = diagnose_record(RunRecord(story.path, given, [], {}))
    assert "derin train photos --training-dev 0.1" in [each.command for each in found.suggestions]
    assert not any("--training-dev" in each.command for each in diagnose_record(story).suggestions)
    assert len(found.notes) == len(diagnose_record(story).notes) + 1


@pytest.mark.parametrize("kind", ["features", "words", "stream", "series", "pairs"])
def test_a_part_of_an_epoch_is_never_called_an_epoch_whatever_the_task_counts(kind: str) -> None:
    found = Situation(train=[0.8], val=[0.8], errors={"train": 0.5, "val": 0.5}).story()
    cut = {**found.record, "stopped": "time", "preparation": {"kind": kind}}
    part, whole = ([{**found.history[0], "examples": 431, "whole": is_whole}] for is_whole in (False, True))
    assert curve_sentences(RunRecord(found.path, cut, part, {})) == [
        "Not even one epoch was whole, which is too short to tell."
    ]
    assert curve_sentences(RunRecord(found.path, cut, whole, {})) == ["One epoch is too short to tell."]
    # A run that was given more time goes on with the next epoch: the part in the middle is still a part.
    longer = [*part, {**found.history[0], "epoch": 2}]
    assert RunRecord(found.path, cut, longer, {}).whole_epochs == longer[1:]


def test_every_option_of_training_is_spelled_as_the_command_line_takes_it() -> None:
    # A value of each kind as run.json holds it.
    values = {
        "ignore": ["a", "b c"],
        "missing": ["?"],
        "kinds": {"zip": "category"},
        "class_weights": [1, 10.5],
        "hold_out": ["7", "8"],
        "loss_weights": {"kind": 2.0, "size": 0.5},
        "model_options": {"hidden": [512, 10], "dropout": 0.1},
        "inputs": {"max_size": 20_000},
        "task_options": {"loss": "ntxent"},
        "reader_options": {"encoding": "cp1254"},
        "networks": "generator.every=2;discriminator.lr=0.5x",
    }
    story = SITUATIONS["all is well"].story()
    for each in SETTINGS:
        if not each.flags or each.group == "Run":
            continue
        plain = {"a whole number": 3, "a number": 0.25, "true or false": True}.get(each.kinds[0], "word")
        record = {
            **story.record,
            "request": {"data": "my photos", "options": {each.name: values.get(each.name, plain)}},
        }
        line = train_command(RunRecord(story.path, record, [], {}))
        understand(line)
        assert any(flag in shlex.split(line) for flag in each.flags), each.name
        assert shlex.split(line)[2] == "my photos"


def test_data_in_memory_are_trained_by_a_call() -> None:
    story = SITUATIONS["all is well"].story()
    record = {**story.record, "request": {"data": None, "options": {"model": "mlp", "epochs": 3}}}
    line = train_command(RunRecord(story.path, record, [], {}), epochs=9)
    assert line == "derin.fit(data, model='mlp', epochs=9)"
