"""The head alone on features, before the layers beneath it learn too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from derin.api.prepared import Prepared
from derin.train.budget import TimeBudget
from derin.train.callback import Callback

if TYPE_CHECKING:
    from derin.train.loop import TrainingState


class KeepsBeginning(Callback):
    """Measures and keeps the network as it is before the first epoch, so that more training can only improve on it."""

    def __init__(self, on_best: Callable[[Any, dict[str, Any]], None]) -> None:
        self._on_best = on_best

    def on_start(self, loop: Any) -> None:
        if loop.step or loop.validation is None:
            return
        values = loop.measure("val", loop.measuring_seconds(0.0))
        if loop.tracker.update(values[loop.task.monitor], 0, values["loss"]):
            self._on_best(loop, {"val": values})


def train_head(first: Prepared, budget: TimeBudget) -> None:
    """Trains the head on features, so that a fresh one does not pull at what the other layers know.

    It leaves nothing on disk: a resumed run does it again, bit for bit, before its state is restored.

    Source: A. Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR
        2022, arXiv:2202.10054.
    """
    from derin.train.loop import train

    head = first.learner(first.model)
    best: dict[str, Any] = {}

    def keep(loop: TrainingState, record: dict[str, Any]) -> None:
        best.update({name: value.clone() for name, value in head.state_dict().items()})

    config = replace(first.config, plan="plain")
    warmed = train(
        head,
        first.task,
        first.train_source,
        config,
        validation=first.val_source,
        on_best=keep,
        budget=budget,
        sample=first.split_source,
    )
    if warmed.interrupted:
        raise KeyboardInterrupt
    head.load_state_dict(best)
