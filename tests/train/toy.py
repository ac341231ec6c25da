"""Small trainings for tests of the loop: batches in a known order, networks whose steps can be written out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from derin.data.batch import Batch
from derin.tasks.classification import Classification
from derin.train.callback import Callback
from derin.train.config import TrainConfig

CLASSES = ("a", "b", "c")
FEATURES = 5


class ToySource:
    """The rows of some tensors in their order, in batches of equal size but for the last one."""

    def __init__(self, columns: Mapping[str, Tensor], batch_size: int) -> None:
        self.columns, self.batch_size = dict(columns), batch_size
        self.num_examples = len(next(iter(columns.values())))
        self.num_batches = -(-self.num_examples // batch_size)

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        for step in range(from_step, self.num_batches):
            rows = torch.arange(step * self.batch_size, min((step + 1) * self.batch_size, self.num_examples))
            yield Batch({name: column[rows] for name, column in self.columns.items()}, rows)


def rows(num: int, seed: int = 0, **columns: Tensor) -> dict[str, Tensor]:
    """Examples of three classes that can nearly be told apart."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(num) % len(CLASSES)
    inputs = torch.randn(num, FEATURES, generator=generator) + nn.functional.one_hot(target, FEATURES)
    return {"input": inputs, "target": target, **columns}


def task(**settings: Any) -> Classification:
    return Classification(columns=["kind"], classes=CLASSES, **settings)


def network(*between: nn.Module, seed: int = 0) -> nn.Sequential:
    """A dense layer, what stands between, and a dense layer."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(FEATURES, 4), *between, nn.Linear(4, len(CLASSES)))


def config(**settings: Any) -> TrainConfig:
    """Plain gradient descent at one rate, in the way that is alike on every machine."""
    plain = {"optimizer": "sgd", "schedule": "constant", "weight_decay": 0.0, "plan": "plain", "threads": 1}
    return TrainConfig(**{**plain, **settings})


class Noted(Callback):
    """What the loop looked like after every step."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.steps: list[int] = []

    def on_step(self, loop: Any) -> None:
        self.rates.append(loop.learning_rate)
        self.steps.append(loop.step)


class Stopping(Callback):
    """Breaks training off after some steps, as a crash would."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, loop: Any) -> None:
        if loop.step == self.after:
            raise RuntimeError("broken off")
