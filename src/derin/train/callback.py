"""What may listen to a training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

    from derin.train.averages import WeightAverage
    from derin.train.config import TrainConfig
    from derin.train.protocol import Source, Task
    from derin.train.stopping import BestTracker


class Training(Protocol):
    """What a callback sees of the loop.

    Attributes:
        model: the network being trained, with its training weights.
        task: what it is trained to do.
        run: the run's folder, or None for a run that keeps nothing; `run.path` is where it lies.
        config: the settings of the run.
        step: optimizer steps done since the start of training.
        examples_seen: training examples consumed since the start of training.
        epoch: passes over the data that are complete.
        learning_rate: of the latest step.
        stopped: why training ended, in a word; empty while it runs and when it ended by an error.
        source: where the training batches come from.
        validation: where the validation batches come from, or None.
        average: the exponential average of the weights, or None.
        tracker: which epoch was best so far, and whether it is no use to go on.
    """

    model: nn.Module
    task: Task
    run: Any
    config: TrainConfig
    step: int
    examples_seen: int
    epoch: int
    learning_rate: float
    stopped: str
    source: Source
    validation: Source | None
    average: WeightAverage | None
    tracker: BestTracker

    def interrupt(self) -> None:
        """Asks training to end after the update at hand, with all saved that resuming needs, as Ctrl-C does."""


class Callback:
    """Base class of listeners. Each method may be overridden; each does nothing here.

    A run that begins calls `on_prepare`, the loop `on_start` once per process (so again after a resume), `on_step`
    after every optimizer step, `on_epoch_end` with the line that goes to the log, and `on_stop` whenever training ends,
    also by an error. All run in the thread that called `derin.fit`: ``breakpoint()`` works in them as anywhere.
    A listener that runs in `on_step` is on the hot path: it must not wait for the device.

    Example:
        >>> class Count(Callback):
        ...     steps = 0
        ...     def on_step(self, loop):
        ...         self.steps += 1
        >>> listener = Count()
        >>> listener.on_step(None)
        >>> listener.steps
        1
    """

    def on_prepare(self, record: Mapping[str, Any]) -> None:
        """Before plans are timed, of a run that begins; `record` is what run.json will say of data and settings."""

    def on_start(self, loop: Training) -> None:
        """Before the first step of this process."""

    def on_step(self, loop: Training) -> None:
        """After an optimizer step."""

    def on_epoch_end(self, loop: Training, record: dict[str, Any]) -> None:
        """After an epoch; `record` is its line of the log."""

    def on_stop(self, loop: Training) -> None:
        """When training ends in this process, for whatever reason."""
