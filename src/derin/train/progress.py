"""A progress line for people: epoch, examples per second, time left, the last metrics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from derin.core.messages import catalogue, translate
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

        self._started, self._start_examples = time.perf_counter(), loop.examples_seen
        self._total = loop.source.num_examples * loop.config.epochs
        if self._console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.fields[epoch]}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=self._total, epoch=_epoch(loop), speed="")
            self._bar.start()

    def on_step(self, loop: Training) -> None:
        now = time.perf_counter()
        if self._bar is None or now < self._next_drawing:
            return
        self._next_drawing = now + _SECONDS_BETWEEN_DRAWINGS
        speed = (loop.examples_seen - self._start_examples) / max(now - self._started, 1e-9)
        told = translate("progress.speed", speed=speed)
        self._bar.update(self._task, completed=loop.examples_seen, epoch=_epoch(loop), speed=told)

    def on_epoch_end(self, loop: Training, record: dict[str, Any]) -> None:
        monitor = loop.task.monitor
        metric = _metric(monitor)
        parts = [
            translate("progress.epoch", epoch=record["epoch"], epochs=loop.config.epochs),
            *(
                translate("progress.loss", value=value)
                if name == "loss"
                else translate("progress.running", metric=_metric(name), value=value)
                for name, value in record["running"].items()
            ),
        ]
        for split in ("train", "val"):
            if split in record:
                value = record[split].get(monitor)
                missing = value is None
                parts.append(
                    translate("progress.unmeasured" if missing else f"progress.{split}", metric=metric, value=value)
                )
        parts.append(translate("progress.seconds", seconds=record["seconds"]))
        if record.get("best"):
            parts.append(f"[green]{translate('progress.best')}[/green]")
        self._console.print("  ".join(parts), soft_wrap=True)

    def on_stop(self, loop: Training) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _metric(name: str | None) -> str | None:
    """A measurement in the reader's language; one that the catalogue does not know keeps its name."""
    return translate(f"metric.{name}") if f"metric.{name}" in catalogue("en") else name


def _epoch(loop: Training) -> str:
    """Which epoch it is, of how many."""
    epochs = loop.config.epochs
    return translate("progress.epoch", epoch=min(loop.epoch + 1, epochs), epochs=epochs)
