"""Seconds of training until MNIST's test accuracy first reaches 99 %, for one peer.

The test split is looked at every quarter of an epoch; looking is not counted, and start-up (imports, compilation,
choosing a plan: all before the first step ends) is given apart.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable

import numpy as np

from peers.work import WORKS, data, mnist, normalized

BATCH, RATE, MOST_EPOCHS, WANTED = 128, 1e-3, 6, 0.99
EXAMPLES = 60_000
EVERY = EXAMPLES // BATCH // 4


class Watch:
    """Counts training time and leaves out what it takes to look."""

    def __init__(self, look: Callable[[], float]) -> None:
        self.look = look
        self.steps, self.seconds, self.reached = 0, 0.0, None
        self.born = time.perf_counter()
        self.first_step = 0.0
        self.resumed = 0.0

    def step(self) -> bool:
        """After every step; True once the goal is reached."""
        now = time.perf_counter()
        self.steps += 1
        if self.steps == 1:
            self.first_step = now - self.born
        else:
            self.seconds += now - self.resumed
        if self.steps % EVERY == 0 and self.reached is None and self.look() >= WANTED:
            self.reached = self.seconds
        self.resumed = time.perf_counter()
        return self.reached is not None

    def print_result(self, peer: str) -> None:
        epochs = self.steps * BATCH / EXAMPLES
        print(json.dumps({"peer": peer, "seconds": self.reached, "epochs": epochs, "start_up": self.first_step}))


def by_torch() -> None:
    import torch

    from peers.torch_networks import cnn

    x_train, y_train, x_test, y_test = _torch_data()
    model = cnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    watch = Watch(lambda: _torch_accuracy(model, x_test, y_test))
    for _ in range(MOST_EPOCHS):
        order = torch.randperm(len(x_train))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
            loss.backward()
            optimizer.step()
            if watch.step():
                return watch.print_result("plain PyTorch")
    return watch.print_result("plain PyTorch")


def by_lightning() -> None:
    import logging
    import warnings

    import lightning
    from lightning.pytorch.callbacks import Callback
    from torch.utils.data import DataLoader, TensorDataset

    from peers.lightning_peer import Module
    from peers.torch_networks import cnn

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    x_train, y_train, x_test, y_test = _torch_data()
    module = Module(cnn(), RATE)
    watch = Watch(lambda: _torch_accuracy(module.network, x_test, y_test))

    class Look(Callback):
        def on_train_batch_end(self, trainer, *_: object) -> None:
            trainer.should_stop = watch.step()

    trainer = lightning.Trainer(
        max_epochs=MOST_EPOCHS,
        min_epochs=0,
        accelerator="cpu",
        precision="bf16-mixed",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Look()],
    )
    trainer.fit(module, DataLoader(TensorDataset(x_train, y_train), batch_size=BATCH, shuffle=True))
    watch.print_result("Lightning")


def by_keras(mixed: bool) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from peers.keras_peer import cnn

    if mixed:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    (pictures, labels), (test_pictures, test_labels) = data(WORKS["mnist"]), mnist("test")
    x_test = normalized(test_pictures)
    model = cnn()
    model.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    predict = _jax_predictor(model) if keras.backend.backend() == "jax" else _keras_predictor(model)
    watch = Watch(lambda: float((predict(x_test).argmax(1) == test_labels).mean()))

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            if watch.step():
                self.model.stop_training = True

    x = normalized(pictures)
    model.fit(x, labels, batch_size=BATCH, epochs=MOST_EPOCHS, verbose=0, callbacks=[Look()])
    watch.print_result(f"Keras/{keras.backend.backend()}{' bf16' if mixed else ''}")


def _keras_predictor(model) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: model.predict(x, batch_size=1000, verbose=0)


def _jax_predictor(model) -> Callable[[np.ndarray], np.ndarray]:
    """With JAX the weights in training are not the model's own, and `predict` would end the training."""
    import jax

    forward = jax.jit(lambda trained, other, x: model.stateless_call(trained, other, x)[0])

    def predict(x: np.ndarray) -> np.ndarray:
        state = model._jax_state
        weights = list(state["trainable_variables"]), list(state["non_trainable_variables"])
        return np.concatenate([forward(*weights, x[i : i + 1000]) for i in range(0, len(x), 1000)])

    return predict


def by_derin(own_network: bool, seed: int) -> None:
    import torch

    import derin
    from derin.train.callback import Callback
    from peers.torch_networks import cnn

    (pictures, labels), (test_pictures, test_labels) = data(WORKS["mnist"]), mnist("test")
    table = derin.load((np.concatenate([pictures, test_pictures]), np.concatenate([labels, test_labels])))
    rows = np.arange(len(table))
    table = table.with_splits({"train": rows[:EXAMPLES], "test": rows[EXAMPLES:]})

    class Look(Callback):
        def on_start(self, loop) -> None:
            self.watch = Watch(lambda: self.accuracy(loop))

        def accuracy(self, loop) -> float:
            loop.model.eval()
            x, y = torch.from_numpy(normalized(test_pictures)).permute(0, 3, 1, 2), torch.from_numpy(test_labels)
            accuracy = _torch_accuracy(loop.model, x, y)
            loop.model.train()
            return accuracy

        def on_step(self, loop) -> None:
            if self.watch.step():
                raise Reached

    class Reached(Exception):
        """The goal ends the race; there is nothing to save."""

    look = Look()
    born = time.perf_counter()
    # The learning rate falls to zero over so many epochs: one is enough for the default, the peers' network needs more.
    options = {"model": cnn(), "epochs": 3} if own_network else {"epochs": 1}
    try:
        derin.fit(table, out=tempfile.mkdtemp() + "/run", callbacks=[look], report=False, seed=seed, **options)
    except Reached:
        pass
    look.watch.first_step += look.watch.born - born
    look.watch.print_result(f"Derin, {'the same network' if own_network else 'its own defaults'}")


def _torch_data() -> tuple:
    import torch

    (pictures, labels), (test_pictures, test_labels) = data(WORKS["mnist"]), mnist("test")
    tensors = []
    for part, classes in ((pictures, labels), (test_pictures, test_labels)):
        tensors += [torch.from_numpy(normalized(part)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(classes)]
    return tuple(tensors)


def _torch_accuracy(model, x, y) -> float:
    import torch

    with torch.inference_mode():
        hits = sum((model(x[i : i + 1000]).argmax(1) == y[i : i + 1000]).sum() for i in range(0, len(x), 1000))
    return float(hits) / len(x)


RACERS = {
    "derin": lambda seed: by_derin(False, seed),
    "derin-same": lambda seed: by_derin(True, seed),
    # The others draw anew in every process.
    "torch": lambda _: by_torch(),
    "lightning": lambda _: by_lightning(),
    "keras": lambda _: by_keras(mixed=False),
    "keras-bf16": lambda _: by_keras(mixed=True),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("racer", choices=RACERS)
    parser.add_argument("--seed", type=int, default=0, help="of Derin's run, which is the same each time")
    args = parser.parse_args()
    RACERS[args.racer](args.seed)
