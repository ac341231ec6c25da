"""Which sentence is said in which situation, and which is not: each row is a run whose meaning is plain to a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from derin.strategy.fitting import fitting_sentences
from derin.strategy.record import RunRecord


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A run, what must be said of it, and what must not.

    Args:
        train, val: losses by epoch.
        acc, val_acc: accuracies by epoch; None where the headline is the loss.
        test: accuracy on the test split.
        examples: seen up to the end of each epoch.
    """

    train: list[float]
    val: list[float]
    acc: list[float] | None = None
    val_acc: list[float] | None = None
    test: float | None = None
    stopped: str = "finished"
    examples: list[int] | None = None
    intervals: dict[str, list[float]] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()

    def story(self) -> RunRecord:
        has_shares = self.acc is not None and self.val_acc is not None
        history: list[dict[str, Any]] = []
        for i, (train, val) in enumerate(zip(self.train, self.val, strict=True)):
            line = {"epoch": i + 1, "train": {"loss": train}, "val": {"loss": val}}
            line["examples"] = (self.examples or [1000 * (n + 1) for n in range(len(self.train))])[i]
            if has_shares:
                line["train"]["accuracy"], line["val"]["accuracy"] = self.acc[i], self.val_acc[i]
            history.append(line)
        monitor = {"headline": "accuracy", "maximize": True} if has_shares else {"headline": "loss", "maximize": False}
        order = self.val_acc if has_shares else [-loss for loss in self.val]
        best = max(range(len(order)), key=lambda i: (order[i], -i))
        metrics = {split: dict(history[best][split]) for split in ("train", "val")}
        if self.test is not None:
            metrics["test"] = {"loss": 0.5, "accuracy": self.test}
        record = {
            "task": {"name": "classification", **monitor, **self.task},
            "metrics": metrics,
            "best_epoch": best + 1,
            "stopped": self.stopped,
            "intervals": {split: {"accuracy": bounds} for split, bounds in self.intervals.items()},
            "findings": self.findings,
            "config": {"max_seconds": 60.0 if self.stopped == "time" else None},
        }
        return RunRecord(Path("run"), record, history, {})


FLAT = [0.7, 0.69, 0.69, 0.69]
POOR = [0.54, 0.55, 0.55, 0.55]
RISING = [0.9, 0.6, 0.7, 0.9, 1.2]
FALLING = [0.9, 0.5, 0.3, 0.2, 0.1]
SITUATIONS = {
    "poor and flat": Situation(
        train=FLAT, val=FLAT, acc=POOR, val_acc=POOR, said=("Under-fitting", "larger network"), unsaid=("time",)
    ),
    "poor and flat when time was over": Situation(
        train=FLAT,
        val=FLAT,
        acc=POOR,
        val_acc=POOR,
        stopped="time",
        said=("when its time was over", "--max-seconds"),
        unsaid=("Under-fitting", "larger network"),
    ),
    "poor and flat when somebody stopped it": Situation(
        train=FLAT, val=FLAT, acc=POOR, val_acc=POOR, stopped="interrupted", unsaid=("Under-fitting", "larger")
    ),
    # A part of an epoch moved the loss little, or the measurement fell back: neither says anything.
    "the last epoch is a part": Situation(
        train=[1.0, 0.7, 0.5, 0.49],
        val=[1.0, 0.7, 0.5, 0.64],
        acc=[0.5, 0.6, 0.7, 0.7],
        val_acc=[0.5, 0.6, 0.7, 0.66],
        stopped="time",
        examples=[1000, 2000, 3000, 3050],
        said=("still learning", "fell by 29%"),
        unsaid=("Under-fitting", "Over-fitting"),
    ),
    "all epochs are whole": Situation(
        train=[1.0, 0.7, 0.5, 0.49],
        val=[1.0, 0.7, 0.5, 0.64],
        acc=[0.5, 0.6, 0.7, 0.7],
        val_acc=[0.5, 0.6, 0.7, 0.66],
        unsaid=("still learning",),
    ),
    # The epoch to stop at is the best by the headline, here 4, and not that of the lowest loss, 2.
    "headline best after the lowest loss": Situation(
        train=FALLING,
        val=RISING,
        acc=[0.6, 0.8, 0.9, 0.95, 0.99],
        val_acc=[0.6, 0.7, 0.72, 0.74, 0.71],
        said=("Over-fitting", "epoch 4 (--patience)"),
        unsaid=("stopping at epoch 2",),
    ),
    "headline best at the end": Situation(
        train=[0.9, 0.5, 0.3, 0.2, 0.1],
        val=[0.9, 0.8, 0.75, 0.72, 0.7],
        acc=[0.6, 0.8, 0.9, 0.95, 0.99],
        val_acc=[0.6, 0.65, 0.7, 0.75, 0.8],
        said=("99.0% on training data and 80.0% on validation data", "more epochs first"),
        unsaid=("smaller network", "stopping at"),
    ),
    "a gap that stays": Situation(
        train=[0.9, 0.5, 0.3, 0.2, 0.1],
        val=[0.9, 0.6, 0.6, 0.6, 0.6],
        acc=[0.6, 0.8, 0.9, 0.95, 0.99],
        val_acc=[0.6, 0.75, 0.75, 0.75, 0.75],
        said=("Over-fitting", "smaller network"),
        unsaid=("more epochs first",),
    ),
    "test beyond both intervals": Situation(
        train=FALLING,
        val=FALLING,
        acc=[0.6, 0.7, 0.8, 0.9, 0.92],
        val_acc=[0.6, 0.7, 0.8, 0.9, 0.92],
        test=0.70,
        intervals={"val": [0.89, 0.95], "test": [0.65, 0.75]},
        said=("92.0% on validation data, but 70.0% on the test data",),
    ),
    "test within one of the intervals": Situation(
        train=FALLING,
        val=FALLING,
        acc=[0.6, 0.7, 0.8, 0.9, 0.92],
        val_acc=[0.6, 0.7, 0.8, 0.9, 0.92],
        test=0.90,
        intervals={"val": [0.85, 0.95], "test": [0.88, 0.91]},
        unsaid=("on the test data",),
    ),
    # Repeating the last value errs four times as much in this validation period as in training.
    "a period that is harder for everybody": Situation(
        train=[1.0, 0.6, 0.5],
        val=[4.0, 2.0, 1.5],
        task={"name": "forecasting"},
        findings={"kind": "forecasting", "naive_mse": {"train": 0.8, "val": 3.2}},
        said=("harder", "4.0 times"),
        unsaid=("Over-fitting", "smaller network"),
    ),
    "a period that is as hard as training": Situation(
        train=[1.0, 0.6, 0.5],
        val=[4.0, 2.0, 1.9],
        task={"name": "forecasting"},
        findings={"kind": "forecasting", "naive_mse": {"train": 0.8, "val": 0.9}},
        said=("Over-fitting", "3.8 times"),
        unsaid=("harder",),
    ),
    "a forecast of an older run": Situation(
        train=[1.0, 0.6, 0.5],
        val=[4.0, 2.0, 1.9],
        task={"name": "forecasting"},
        findings={"kind": "forecasting"},
        said=("Over-fitting",),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_said_in_a_situation(name: str) -> None:
    situation = SITUATIONS[name]
    text = " ".join(fitting_sentences(situation.story()))
    for part in situation.said:
        assert part in text
    for part in situation.unsaid:
        assert part not in text
