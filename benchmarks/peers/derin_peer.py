"""Derin's own `fit` on the same network: the plan chosen by itself where everybody may use their best."""

from __future__ import annotations

import contextlib
import tempfile

import numpy as np

import derin
from derin.train.callback import Callback
from peers.clock import Clock
from peers.torch_networks import NETWORKS
from peers.work import WORKS, arguments, data

# How a step is executed is chosen before the first one, by how much there is to do: these are the first epochs of a
# training as people do it, and not of one that is over in seconds.
PLANNED_EPOCHS = 30


class Timed(Exception):
    """Ends the training."""


class Epochs(Callback):
    def __init__(self, clock: Clock, num_epochs: int) -> None:
        self.clock, self.num_epochs = clock, num_epochs

    def on_epoch_end(self, loop, record) -> None:
        # Derin saves its state after each of these short epochs; the peers do not.
        self.clock.epoch_ends(record["running"]["loss"], record["train_seconds"])
        if loop.epoch == self.num_epochs:
            raise Timed


def main() -> None:
    args = arguments()
    derin.tune_process()  # as the command line does
    work = WORKS[args.network]
    pictures, labels = data(work)
    # The peers measure nothing after an epoch: Derin gets no validation split here.
    table = derin.load((pictures, labels)).with_splits({"train": np.arange(len(labels))})
    clock = Clock(work.num_examples)
    with contextlib.suppress(Timed):
        derin.fit(
            table,
            model=NETWORKS[work.name](),
            out=tempfile.mkdtemp() + "/run",
            epochs=PLANNED_EPOCHS,
            batch_size=work.batch_size,
            optimizer="adam",
            learning_rate=work.learning_rate,
            weight_decay=0.0,
            schedule="constant",
            augment="none",
            label_smoothing=0.0,
            plan="auto" if args.precision == "best" else "auto:fp32",
            callbacks=[Epochs(clock, args.epochs + 1)],
            report=False,
        )
    clock.print_result("Derin", args.precision)


if __name__ == "__main__":
    main()
