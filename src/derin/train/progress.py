"""A progress line for people: epoch, examples per second, time left, the last metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from derin.train.callback import Callback, Training

if TYPE_CHECKING:
    from rich.console import Console

_SECONDS_BETWEEN_DRAWINGS = 0.1


class ProgressBar(Callback):
    """Draws a bar for each epoch on a terminal, and one line per finished epoch everywhere.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Any = None
        self._next_drawing = 0.0

    def on_start(self, loop: Training) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._loop = loop
        self._started, self._start_examples = time.perf_counter(), loop.examples_seen
        self._total = loop.source.num_examples * loop.config.epochs
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[speed]} examples/s"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task(
                "", total=self._total, epoch=loop.epoch + 1, epochs=loop.config.epochs, speed="–"
            )
            self._bar.start()

    def on_step(self, loop: Training) -> None:
        now = time.perf_counter()
        if self._bar is None or now < self._next_drawing:
            return
        self._next_drawing = now + _SECONDS_BETWEEN_DRAWINGS
        speed = (loop.examples_seen - self._start_examples) / max(now - self._started, 1e-9)
        epoch = min(loop.epoch + 1, loop.config.epochs)
        self._bar.update(self._task, completed=loop.examples_seen, epoch=epoch, speed=f"{speed:,.0f}")

    def on_epoch_end(self, loop: Training, record: dict[str, Any]) -> None:
        headline = loop.task.headline
        parts = [f"epoch {record['epoch']}/{loop.config.epochs}", f"loss {record['running']['loss']:.4f}"]
        for split in ("train", "val"):
            if split in record:
                value = record[split].get(headline)
                parts.append(f"{split} {headline} {value:.4f}" if value is not None else f"{split} –")
        parts.append(f"{record['seconds']:.1f} s")
        self._console.print("  ".join(parts) + ("  [green]best[/green]" if record["best"] else ""))

    def on_stop(self, loop: Training) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
