"""Derin's own `fit` on the same text: the plan chosen by itself where everybody may use their best."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import numpy as np

import derin
from derin.train.callback import Callback
from peers.clock import Clock
from peers.sequence_work import LEARNING_RATE, NUM_TOKENS, SIZES, STREAMS, WINDOW, arguments, text

# How a step is executed is chosen before the first one, by how much there is to do: these are the first epochs of a
# training as people do it, and not of one that is over in seconds.
PLANNED_EPOCHS = 30

MODELS = {
    "lstm": ("lstm_lm", {"dim": SIZES.embedding, "hidden": SIZES.hidden, "num_layers": SIZES.num_layers}),
    "transformer": (
        "transformer_lm",
        {"dim": SIZES.dim, "num_layers": SIZES.num_blocks, "num_heads": SIZES.num_heads, "window": WINDOW},
    ),
}


class Timed(Exception):
    """Ends the training."""


class Epochs(Callback):
    def __init__(self, clock: Clock, num_epochs: int) -> None:
        self.clock, self.num_epochs = clock, num_epochs

    def on_epoch_end(self, loop, record) -> None:
        # Derin measures a part of the text and saves its state after each of these short epochs; the peers do neither.
        self.clock.epoch_ends(record["running"]["loss"], record["train_seconds"])
        if loop.epoch == self.num_epochs:
            raise Timed


def main() -> None:
    args = arguments()
    derin.tune_process()  # as the command line does
    folder = Path(tempfile.mkdtemp())
    (folder / "text.txt").write_text(text(), encoding="utf-8")
    table = derin.load(folder / "text.txt", task="lm")
    # The peers measure nothing after an epoch: Derin gets no validation split here.
    table = table.with_splits({"train": np.arange(len(table))})
    model, sizes = MODELS[args.model]
    clock = Clock(NUM_TOKENS)
    with contextlib.suppress(Timed):
        derin.fit(
            table,
            task="lm",
            model=model,
            model_options={**sizes, "dropout": 0.0} | ({"input_dropout": 0.0} if args.model == "lstm" else {}),
            inputs={"window": WINDOW, "context": 0},
            out=folder / "run",
            epochs=PLANNED_EPOCHS,
            batch_size=STREAMS,
            optimizer="adamw",
            learning_rate=LEARNING_RATE,
            weight_decay=0.0,
            schedule="constant",
            clip_norm=1.0,
            plan="auto" if args.precision == "best" else "auto:fp32",
            callbacks=[Epochs(clock, args.epochs + 1)],
            report=False,
        )
    clock.print_result("Derin", args.precision)


if __name__ == "__main__":
    main()
