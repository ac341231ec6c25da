"""What is said about over- and under-fitting, for curves whose meaning is plain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derin.strategy.fitting import fitting_sentences
from derin.strategy.record import RunRecord


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


def story(
    train: list[float], val: list[float], accuracies: tuple[float, float], interval: list[float] | None = None
) -> RunRecord:
    history: list[dict[str, Any]] = [
        {"epoch": i + 1, "train": {"loss": t, "accuracy": 1 - t}, "val": {"loss": v, "accuracy": 1 - v}}
        for i, (t, v) in enumerate(zip(train, val))
    ]
    record: dict[str, Any] = {
        "task": {"name": "classification", "headline": "accuracy", "maximize": True},
        "metrics": {
            "train": {"loss": train[-1], "accuracy": accuracies[0]},
            "val": {"loss": val[-1], "accuracy": accuracies[1]},
        },
        "intervals": {"val": {"accuracy": interval}} if interval else {},
    }
    return RunRecord(Path("run"), record, history, {})


def test_rising_validation_loss_is_over_fitting_from_its_lowest_point() -> None:
    said = fitting_sentences(story([0.8, 0.5, 0.3, 0.2, 0.1], [0.8, 0.6, 0.7, 0.8, 0.9], (0.99, 0.75)))
    assert said[0] == (
        "Over-fitting: validation loss was lowest at epoch 2 (0.6) and rose to 0.9 by epoch 5, while training loss "
        "went on falling, from 0.5 to 0.1."
    )
    assert said[1].startswith("Accuracy is 99.0% on training data and 75.0% on validation data.")
    assert "stopping at epoch 2" in said[2]


def test_tables_of_numbers_are_not_advised_to_be_augmented() -> None:
    found = story([0.8, 0.5, 0.3, 0.2, 0.1], [0.8, 0.6, 0.7, 0.8, 0.9], (0.99, 0.75))
    pictures, numbers = (
        RunRecord(found.path, {**found.record, "preparation": {"kind": kind}}, found.history, {})
        for kind in ("picture", "features")
    )
    assert "augmentation" in fitting_sentences(pictures)[2]
    said = fitting_sentences(numbers)[2]
    assert "augmentation" not in said
    assert "stopping at epoch 2" in said


def test_a_gap_without_a_rise_is_over_fitting_too() -> None:
    said = fitting_sentences(story([0.5, 0.2, 0.1, 0.05], [0.5, 0.45, 0.44, 0.44], (0.99, 0.85)))
    assert said[0].startswith("Over-fitting: accuracy is 99.0% on training data and 85.0%")


def test_a_gap_within_the_interval_is_no_sign_of_anything() -> None:
    said = fitting_sentences(story([0.5, 0.2, 0.2], [0.5, 0.25, 0.25], (0.99, 0.93), interval=[0.85, 0.99]))
    assert said == ["No sign of over-fitting: accuracy is 99.0% on training data and 93.0% on validation data."]


def test_equal_curves_that_still_fall_ask_for_more_epochs() -> None:
    losses = [1.0, 0.8, 0.6, 0.5, 0.4]
    said = fitting_sentences(story(losses, losses, (0.9, 0.9)))
    assert said[0].startswith("No sign of over-fitting")
    assert said[1].startswith("It was still learning: over the last epoch validation loss fell by 20%.")


def test_poor_and_flat_is_under_fitting() -> None:
    said = fitting_sentences(story([0.7, 0.69, 0.69, 0.69], [0.7, 0.69, 0.69, 0.69], (0.55, 0.55)))
    assert said[0].startswith("Under-fitting: even on training data accuracy is only 55.0%")
    assert "(0.69 to 0.69)" in said[0]
    assert "larger network" in said[1]


def test_poor_but_falling_is_not_called_under_fitting() -> None:
    losses = [1.0, 0.9, 0.8, 0.7, 0.6]
    said = fitting_sentences(story(losses, losses, (0.6, 0.6)))
    assert not any("Under-fitting" in sentence for sentence in said)


def test_an_error_that_has_no_percent_is_judged_by_its_loss() -> None:
    told = story([0.5, 0.2, 0.1], [0.5, 0.3, 0.3], (0.9, 0.9))
    record = {**told.record, "task": {"name": "regression", "headline": "rmse", "maximize": False}}
    record["metrics"] = {"train": {"loss": 0.1, "rmse": 2.0}, "val": {"loss": 0.3, "rmse": 3.4}}
    said = fitting_sentences(RunRecord(Path("run"), record, told.history, {}))
    assert said[0] == "Over-fitting: the loss on validation data, 0.3, is 3.0 times that on training data, 0.1."


def test_without_validation_nothing_is_claimed() -> None:
    told = story([0.5, 0.2], [0.5, 0.3], (0.9, 0.9))
    history = [{key: value for key, value in line.items() if key != "val"} for line in told.history]
    said = fitting_sentences(RunRecord(Path("run"), {**told.record, "metrics": {"train": {"loss": 0.2}}}, history, {}))
    assert said == ["Without a validation split nothing can be said about over-fitting."]


def test_one_epoch_is_too_short() -> None:
    assert fitting_sentences(story([0.5], [0.6], (0.9, 0.9)))[0] == "One epoch is too short to tell."


@pytest.mark.parametrize("kind", ["features", "words", "stream", "series", "pairs"])
def test_a_part_of_an_epoch_is_never_called_an_epoch_whatever_the_task_counts(kind: str) -> None:
    found = story([0.8], [0.8], (0.5, 0.5))
    cut = {**found.record, "stopped": "time", "preparation": {"kind": kind}}
    part, whole = ([{**found.history[0], "examples": 431, "whole": is_whole}] for is_whole in (False, True))
    assert fitting_sentences(RunRecord(found.path, cut, part, {}))[0].startswith("Not even one epoch was whole")
    assert fitting_sentences(RunRecord(found.path, cut, whole, {}))[0] == "One epoch is too short to tell."
    # A run that was given more time goes on with the next epoch: the part in the middle is still a part.
    longer = [*part, *story([0.7, 0.6], [0.7, 0.6], (0.5, 0.5)).history]
    assert RunRecord(found.path, cut, longer, {}).whole_epochs == longer[1:]
