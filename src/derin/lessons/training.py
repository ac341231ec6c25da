"""Short trainings for lessons: the product's own loop in memory, one thread, nothing on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from derin.api.prepare import prepare
from derin.api.prepared import Prepared
from derin.train.callback import Callback
from derin.train.loop import TrainingState, train


def prepare_plainly(data: Any, **settings: Any) -> Prepared:
    """What `derin.fit` would train, without the tricks that differ from machine to machine.

    Args:
        data: whatever `derin.load` takes.
        settings: of `derin.api.prepare.prepare`.
    """
    return prepare(data, **{"plan": "plain", "device": "cpu", **settings})


def train_plainly(
    prepared: Prepared,
    *,
    callbacks: Sequence[Callback] = (),
    on_best: Callable[[TrainingState, dict[str, Any]], None] | None = None,
) -> TrainingState:
    """Trains a prepared network; the history has the metrics of training and validation examples after every epoch."""
    return train(
        prepared.model,
        prepared.task,
        prepared.train_source,
        prepared.config,
        validation=prepared.val_source,
        train_sample=prepared.train_sample,
        callbacks=callbacks,
        on_best=on_best,
    )
