"""L1 and L2 as seen in the weights: many become zero, or all become small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, INK, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.training import prepare_plainly, train_plainly
from derin.train.config import TrainConfig
from derin.train.optimizers.build import build_optimizer
from derin.train.plan import Plan
from derin.train.step import PlannedStep

# Below this a weight counts as zero: subgradient steps of L1 leave it trembling by about rate · λ.
_ZERO = 0.005
_SHOWN_CLASSES = 5


@dataclass(frozen=True, kw_only=True)
class PenaltyOptions:
    """Options of the lesson.

    Args:
        l1: λ of Σ|w|.
        l2: λ of Σw²/2.
        epochs: of each of the three trainings.
        learning_rate: of momentum.
        seed: of weights and order.
    """

    l1: float = 0.003
    l2: float = 0.05
    epochs: int = 40
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("l1-l2", "epochs", self.epochs, 1, 1_000)
        require_range("l1-l2", "learning_rate", self.learning_rate, 0.0)


def one_step(weight: float, *, learning_rate: float, l1: float = 0.0, l2: float = 0.0) -> float:
    """What a penalty alone makes of a weight in a step, the gradient of the loss being 0.

    Example:
        >>> round(one_step(2.0, learning_rate=0.1, l2=0.05), 6), round(one_step(2.0, learning_rate=0.1, l1=0.05), 6)
        (1.99, 1.995)
    """
    layer = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(layer.weight, weight)
    optimizer = build_optimizer("sgd", layer, learning_rate=learning_rate, weight_decay=l2, fused=False)
    config = TrainConfig(l1=l1)
    step = PlannedStep(layer, {"main": optimizer}, plan=Plan(), config=config, device_type="cpu", average=None)
    step.minimize("main", layer(torch.zeros(1, 1, dtype=torch.float64)).sum(), 1)
    return float(layer.weight.item())


def run(options: PenaltyOptions) -> Outcome:
    """Trains softmax regression on the digits without a penalty, with L2 and with L1."""
    rate, weight = 0.1, 2.0
    by_l2 = one_step(weight, learning_rate=rate, l2=options.l2)
    by_l1 = one_step(weight, learning_rate=rate, l1=options.l1)
    lines = [
        Text(
            "One step from w = 2 at rate 0.1, the loss having no gradient: L2 {l2:.5f} = (1 − αλ) w, "
            "L1 {l1:.5f} = w − αλ sign w",
            "w = 2'den, kaybın gradyanı yokken, 0,1 oranıyla tek adım: L2 {l2:.5f} = (1 − αλ) w, "
            "L1 {l1:.5f} = w − αλ sign w",
        ).fill(l1=by_l1, l2=by_l2)
    ]
    told = Text(
        "{name:<12} norm {norm:.2f}, largest {largest:.2f}, zero (below 0.005) {zero:.0%}, accuracy "
        "{train:.1%} train, {val:.1%} validation",
        "{name:<12} boy {norm:.2f}, en büyük {largest:.2f}, sıfır (0,005'ten küçük) {zero:.0%}, doğruluk "
        "eğitim {train:.1%}, doğrulama {val:.1%}",
    )
    figure = new_figure(9.0, 5.2)
    grid = figure.subplots(3, _SHOWN_CLASSES + 1, width_ratios=[1] * _SHOWN_CLASSES + [2.2])
    rows = []
    none = str(Text("no penalty", "cezasız"))
    for line, (name, l1, l2) in enumerate(((none, 0.0, 0.0), ("L2", 0.0, options.l2), ("L1", options.l1, 0.0))):
        weights, accuracies = learn(options, l1, l2)
        size = np.abs(weights)
        row = {"norm": float(np.sqrt((weights**2).sum())), "largest": float(size.max())}
        rows.append({"name": name, **row, "zero": float((size < _ZERO).mean()), **accuracies})
        lines.append(told.fill(**rows[-1]))
        draw(grid[line], weights, name, top=line == 0)
    numbers = {"step": {"weight": weight, "rate": rate, "l1": by_l1, "l2": by_l2}, "trainings": rows}
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"weights.png": png(figure)})


def learn(options: PenaltyOptions, l1: float, l2: float) -> tuple[np.ndarray, dict[str, float]]:
    """The weights ``(classes, pixels)`` of a trained softmax regression and its accuracies."""
    prepared = prepare_plainly(
        "digits",
        model="linear",
        optimizer="momentum",
        schedule="linear",
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        weight_decay=l2,
        l1=l1,
        seed=options.seed,
    )
    last = train_plainly(prepared).history[-1]
    (weights,) = (m.weight for m in prepared.model.modules() if isinstance(m, nn.Linear))
    return weights.detach().numpy().copy(), {split: float(last[split]["accuracy"]) for split in ("train", "val")}


def draw(line: Any, weights: np.ndarray, name: str, *, top: bool) -> None:
    """The weights of some classes as pictures, and how often weights of each size occur."""
    for digit, axes in enumerate(line[:-1]):
        axes.imshow(weights[digit].reshape(8, 8), cmap="RdBu", vmin=-0.5, vmax=0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        if digit == 0:
            axes.set_ylabel(name, fontsize=10, color=INK, fontweight="bold")
        if top:
            axes.set_title(str(digit), fontsize=10, color=INK)
    axes = line[-1]
    axes.hist(weights.ravel(), bins=np.linspace(-0.6, 0.6, 61), color=BLUE)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(0, 700)
    style(axes, title=str(Text("how often", "ne sıklıkta")) if top else "", x_label="")


LESSON = Lesson(
    name="l1-l2",
    rows=("C1", "C2"),
    title=Text("L1 and L2 as seen in the weights", "Ağırlıklarda görülen L1 ve L2"),
    about=Text(
        "L2 adds λ/2 Σw² to the loss: each step first multiplies the weights by 1 − αλ (weight decay), so that all "
        "become small and none zero. L1 adds λ Σ|w|: each step takes the same amount from every weight, so that those "
        "that are of little use end at zero. Where the cost is a sum over m examples divided by m, the course's λ/m "
        "stands in the place of λ. Below are the weights of softmax regression on digits of 8 × 8 pixels.",
        "L2, kayba λ/2 Σw² ekler: her adım önce ağırlıkları 1 − αλ ile çarpar (ağırlık azaltma); hepsi küçülür, "
        "hiçbiri sıfır olmaz. L1, λ Σ|w| ekler: her adım bütün ağırlıklardan aynı miktarı alır; pek işe yaramayanlar "
        "sıfırda biter. Maliyet m örneğin toplamının m'ye bölümüyse, dersteki λ/m burada λ'nın yerindedir. Aşağıda "
        "8 × 8 piksellik rakamlarda softmax regresyonunun ağırlıkları var.",
    ),
    formula=r"w \leftarrow (1 - \alpha\lambda)\, w - \alpha \frac{\partial J}{\partial w} \ (\text{L2}), \qquad "
    r"w \leftarrow w - \alpha\lambda\, \mathrm{sign}\, w - \alpha \frac{\partial J}{\partial w} \ (\text{L1})",
    run=run,
    options=PenaltyOptions,
)
