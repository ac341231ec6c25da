"""Batch, mini-batch and stochastic gradient descent: how many steps an epoch has, and how noisy their cost is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from derin.api.prepared import Prepared
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.training import prepare_plainly
from derin.train.config import TrainConfig
from derin.train.optimizers.build import build_optimizer
from derin.train.plan import Plan
from derin.train.step import PlannedStep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Examples and batch size as the course counts them.
_COUNTED = ((60_000, 128), (5_000_000, 1_000))


@dataclass(frozen=True, kw_only=True)
class MiniBatchOptions:
    """Options of the lesson.

    Args:
        data: what is trained on; anything that derin.load takes.
        batch_size: of the mini-batches, between 1 and all.
        epochs: passes over the data.
        learning_rate: of gradient descent, for all three.
        seed: of weights and order.
    """

    data: str = "digits"
    batch_size: int = 64
    epochs: int = 3
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("mini-batches", "batch_size", self.batch_size, 2)
        require_range("mini-batches", "epochs", self.epochs, 1, 100)
        require_range("mini-batches", "learning_rate", self.learning_rate, 0.0, 100.0)


def steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """⌈m / B⌉: the last batch may be smaller.

    Example:
        >>> steps_per_epoch(60_000, 128), 60_000 - 468 * 128
        (469, 96)
    """
    return math.ceil(num_examples / batch_size)


def run(options: MiniBatchOptions) -> Outcome:
    """Counts steps, then trains with all examples, with mini-batches and with single examples."""
    counts = [
        {"examples": examples, "batch_size": size, "steps": steps_per_epoch(examples, size)}
        for examples, size in _COUNTED
    ]
    counted = Text(
        "{examples:,} examples in batches of {batch_size:,}: {steps:,} steps per epoch",
        "{batch_size:,} örneklik yığınlarla {examples:,} örnek: epok başına {steps:,} adım",
    )
    lines = [counted.fill(**row) for row in counts]

    num_examples = len(prepare_plainly(options.data, model="linear").table.splits["train"])
    names = {
        num_examples: Text("batch gradient descent", "yığın gradyan inişi"),
        min(options.batch_size, num_examples): Text("mini-batches", "mini yığınlar"),
        1: Text("stochastic gradient descent", "stokastik gradyan inişi"),
    }
    spread = Text(
        "{name}, B = {size:,}: {steps:,} steps, mean cost of the epochs {first:.2f} → {last:.2f}; "
        "at the same weights the batches' costs have a spread of {spread:.3f}",
        "{name}, B = {size:,}: {steps:,} adım, epokların ortalama kaybı {first:.2f} → {last:.2f}; "
        "aynı ağırlıklarda yığın kayıplarının yayılımı {spread:.3f}",
    )
    figure = new_figure(9.0, 3.0)
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False).flat
    rows = []
    same_weights: nn.Module | None = None
    for axes, (size, name) in zip(panels, names.items()):
        prepared = prepare_plainly(options.data, **settings(options, size))
        costs = descend_by_batches(prepared)
        # Those of the first training, which are neither the noiseless first ones nor the last.
        same_weights = same_weights or prepared.model
        means = np.array(costs).reshape(options.epochs, -1).mean(axis=1)
        told = {"steps": len(costs), "first": float(means[0]), "last": float(means[-1])}
        told["spread"] = spread_of_costs(prepared, same_weights)
        rows.append({"batch_size": size, **told})
        lines.append(spread.fill(name=str(name), size=size, **told))
        draw(axes, costs, means, f"{name}\nB = {size:,}")
    figure.axes[0].set_ylabel(str(Text("cost of the batch", "yığının kaybı")), fontsize=9)
    figure.axes[0].set_ylim(0, 1.6 * rows[0]["first"])
    return Outcome(
        numbers={"counts": counts, "trainings": rows}, lines=tuple(lines), pictures={"costs.png": png(figure)}
    )


def draw(axes: Axes, costs: Sequence[float], means: np.ndarray, title: str) -> None:
    """The cost of each batch over the epochs, and their mean in each epoch."""
    along = np.arange(1, len(costs) + 1) / len(costs) * len(means)
    if len(costs) == len(means):
        axes.plot(along, costs, "o-", color=BLUE, markersize=4)
    else:
        axes.plot(along, costs, color=BLUE, linewidth=min(1.2, 200 / len(costs)))
        middle = str(Text("mean of the epoch", "epok ortalaması"))
        axes.plot(np.arange(len(means)) + 0.5, means, "o-", color=ORANGE, markersize=4, label=middle)
        legend(axes, loc="upper right")
    style(axes, title=title, x_label=str(Text("epochs", "epok")))
    axes.set_xlim(0, len(means) * 1.03)


def settings(options: MiniBatchOptions, batch_size: int) -> dict[str, object]:
    """Of a training by plain gradient descent."""
    return {
        "model": "linear",
        "optimizer": "sgd",
        "schedule": "constant",
        "weight_decay": 0.0,
        "batch_size": batch_size,
        "epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "seed": options.seed,
    }


def descend_by_batches(prepared: Prepared) -> list[float]:
    """Trains and gives the cost of each batch, measured before the step that it causes."""
    config = prepared.config
    optimizer = build_optimizer("sgd", prepared.model, learning_rate=config.learning_rate, fused=False)
    step = PlannedStep(
        prepared.model, {"main": optimizer}, plan=Plan(), config=TrainConfig(), device_type="cpu", average=None
    )
    costs = []
    source = prepared.train_source
    for epoch in range(config.epochs):
        for batch in source.batches(epoch):
            loss = prepared.task.loss(prepared.model, batch)["loss"]
            step.minimize("main", loss, len(batch))
            costs.append(loss.item())
    return costs


@torch.no_grad()
def spread_of_costs(prepared: Prepared, model: nn.Module) -> float:
    """The standard deviation of the batches' costs over one epoch, at the same weights.

    For batches of B out of m examples drawn without return it is σ/√B · √((m − B)/(m − 1)), σ being that of single
    examples.
    """
    costs = [prepared.task.loss(model, batch)["loss"].item() for batch in prepared.train_source.batches(0)]
    return float(np.std(costs))


LESSON = Lesson(
    name="mini-batches",
    rows=("B1",),
    title=Text("Batch, mini-batch and stochastic gradient descent", "Yığın, mini yığın ve stokastik gradyan inişi"),
    about=Text(
        "An epoch is one pass over all examples, a batch is the examples of one step. With all of them the cost falls "
        "smoothly, but an epoch is a single step. With mini-batches there are many steps, and each sees a cost of its "
        "own: the curve falls and trembles. With single examples it trembles most, by √B times as much.",
        "Epok, bütün örneklerin bir kez geçilmesidir; yığın, tek adımın örnekleridir. Hepsiyle kayıp pürüzsüz düşer, "
        "ama bir epok tek adımdır. Mini yığınlarla adım çoktur ve her biri kendi kaybını görür: eğri titreyerek düşer. "
        "Tek örnekle titreme en büyüktür: √B katı kadar.",
    ),
    formula=r"\text{steps} = \lceil m / B \rceil, \qquad "
    r"J_t = \frac{1}{B} \sum_{i \in \text{batch } t} L(\hat y_i, y_i), \qquad \sigma(J_t) \approx \sigma(L) / \sqrt{B}",
    run=run,
    options=MiniBatchOptions,
)
