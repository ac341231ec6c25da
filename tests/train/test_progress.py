"""What the line of progress says, on a terminal and in a file."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from derin.train import progress
from derin.train.progress import ProgressBar


def loop(**changes: Any) -> Any:
    """A run of 3 epochs over 20 examples."""
    values: dict[str, Any] = {"examples_seen": 0, "epoch": 0, "task": SimpleNamespace(monitor="accuracy")}
    values |= {"source": SimpleNamespace(num_examples=20), "config": SimpleNamespace(epochs=3)}
    return SimpleNamespace(**values | changes)


def test_the_bar_counts_the_examples_of_all_epochs_and_their_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((100.0, 102.0, 102.05, 104.0))
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    bar = ProgressBar(Console(file=io.StringIO(), force_terminal=True))
    bar.on_start(loop(examples_seen=10))  # resumed: what was done before took none of this time
    rich = bar._bar
    (task,) = rich.tasks
    assert (task.total, task.fields["epoch"]) == (60, "epoch 1/3")
    bar.on_step(loop(examples_seen=24, epoch=1))
    assert (task.completed, task.fields) == (24, {"epoch": "epoch 2/3", "speed": "7 examples/s"})
    bar.on_step(loop(examples_seen=26, epoch=1))  # 0.05 s later: too soon to draw
    assert task.completed == 24
    bar.on_step(loop(examples_seen=60, epoch=3))
    assert (task.completed, task.fields) == (60, {"epoch": "epoch 3/3", "speed": "12 examples/s"})
    bar.on_stop(loop())
    bar.on_stop(loop())
    assert rich.finished
    assert not rich.live.is_started


def test_a_file_gets_one_line_for_each_epoch() -> None:
    out = io.StringIO()
    bar = ProgressBar(Console(file=out, width=20))
    bar.on_start(loop())
    bar.on_step(loop(examples_seen=5))
    assert out.getvalue() == ""
    record = {"epoch": 2, "running": {"loss": 0.5}, "seconds": 1.25, "train": {"accuracy": 0.75}, "best": True}
    bar.on_epoch_end(loop(), record)
    bar.on_epoch_end(loop(), {**record, "epoch": 3, "val": {"accuracy": None}, "best": False})
    first, second = out.getvalue().splitlines()
    assert first == "epoch 2/3  loss 0.5000  train accuracy 0.7500  1.2 s  best"
    assert second == "epoch 3/3  loss 0.5000  train accuracy 0.7500  accuracy not measurable  1.2 s"
    bar.on_epoch_end(loop(task=SimpleNamespace(monitor="of_their_own")), {**record, "train": {"of_their_own": 1.0}})
    assert "train of_their_own 1.0000" in out.getvalue()
    bar.on_stop(loop())
