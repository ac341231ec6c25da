"""Inverted dropout: the expected value is kept, nothing is dropped at test time, and weights are spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from derin.core.global_generator import global_generator
from derin.core.seeds import generator
from derin.layers import Dense, Dropout
from derin.layers.options import require_range
from derin.lessons.descent import descend
from derin.lessons.drawing import BLUE, GRAY, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text

_BATCH = 512


@dataclass(frozen=True, kw_only=True)
class DropoutOptions:
    """Options of the lesson.

    Args:
        rate: share of values that are dropped.
        values: how many values are dropped from.
        copies: inputs that all say the same, for the picture of the weights.
        learning_rate: of gradient descent.
        steps: of gradient descent.
        seed: of everything random.
    """

    rate: float = 0.2
    values: int = 100_000
    copies: int = 10
    learning_rate: float = 0.02
    steps: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("dropout", "rate", self.rate, 0.0, 0.95)
        require_range("dropout", "values", self.values, 10, 10_000_000)
        require_range("dropout", "copies", self.copies, 2, 100)


def run(options: DropoutOptions) -> Outcome:
    """Drops from a row of ones, then learns y = x from many copies of x."""
    layer = Dropout(options.rate).build((options.values,))
    ones = torch.ones(options.values)
    with global_generator():
        torch.default_generator.manual_seed(options.seed)
        trained = layer.train()(ones)
        tested = layer.eval()(ones)
        without = spread_weights(options, 0.0)
        dropped = spread_weights(options, options.rate)
    expected = 1 / (options.copies + options.rate / (1 - options.rate))
    ones_told = {
        "zero": float((trained == 0).double().mean()),
        "kept_value": float(trained.max()),
        "mean": float(trained.double().mean()),
        "test_mean": float(tested.double().mean()),
    }
    weights_told = {
        "without": without.tolist(),
        "with": dropped.tolist(),
        "expected": expected,
        "spread_without": float(without.std()),
        "spread_with": float(dropped.std()),
    }
    lines = (
        Text(
            "{n:,} ones, rate {rate:g}, training: {zero:.1%} are 0, the others {kept_value:.4g} = 1/(1 − rate); "
            "mean {mean:.4f}",
            "{n:,} tane 1, oran {rate:g}, eğitimde: {zero:.1%} sıfır, ötekiler {kept_value:.4g} = 1/(1 − oran); "
            "ortalama {mean:.4f}",
        ).fill(n=options.values, rate=options.rate, **ones_told),
        Text(
            "At test time: every value passes, mean {test_mean:.4f}",
            "Testte: her değer geçer, ortalama {test_mean:.4f}",
        ).fill(**ones_told),
        Text(
            "{n} equal inputs: the weights differ by {spread_without:.3f} without dropout, {spread_with:.3f} with it; "
            "each goes to {expected:.4f} = 1/(n + rate/(1 − rate))",
            "{n} özdeş girdi: ağırlıkların farkı iletim sönümü olmadan {spread_without:.3f}, onunla {spread_with:.3f}; "
            "her biri {expected:.4f} = 1/(n + oran/(1 − oran)) değerine gider",
        ).fill(n=options.copies, **weights_told),
    )
    pictures = {"weights.png": draw(options, trained.numpy(), without, dropped, expected)}
    return Outcome(numbers={"ones": ones_told, "weights": weights_told}, lines=lines, pictures=pictures)


def spread_weights(options: DropoutOptions, rate: float) -> np.ndarray:
    """The weights of a unit that learns y = x from copies of x, behind dropout.

    The mean of ½ (Σ mⱼwⱼ − 1)² x² over masks m is ½ ((Σw − 1)² + rate/(1 − rate) Σw²) x²: dropout is an L2 penalty
    here, and its smallest value lies where all weights are 1/(n + rate/(1 − rate)).
    """
    unit = Dense(1, bias=False).build((options.copies,)).double()
    assert isinstance(unit, nn.Linear)
    first = generator(options.seed, "dropout").uniform(0, 0.6, options.copies)
    with torch.no_grad():
        unit.weight.copy_(torch.from_numpy(first))
    network = nn.Sequential(Dropout(rate).build((options.copies,)), unit).train()
    inputs, targets = (
        torch.ones(_BATCH, options.copies, dtype=torch.float64),
        torch.ones(_BATCH, 1, dtype=torch.float64),
    )
    for _ in descend(
        network,
        lambda: (network(inputs) - targets).square().mean() / 2,
        optimizer="momentum",
        learning_rate=options.learning_rate,
        num_steps=options.steps,
    ):
        pass
    return unit.weight.detach().numpy()[0].copy()


def draw(
    options: DropoutOptions, trained: np.ndarray, without: np.ndarray, dropped: np.ndarray, expected: float
) -> bytes:
    """The mean of more and more values, and the weights of equal inputs without and with dropout."""
    figure = new_figure(9.0, 3.2)
    left, right = figure.subplots(1, 2)
    counts = np.unique(np.geomspace(1, options.values, 300).astype(int))
    left.plot(counts, np.cumsum(trained, dtype=np.float64)[counts - 1] / counts, color=BLUE)
    left.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    left.set_xscale("log")
    style(
        left,
        title=str(Text("Mean of the first n values, training", "İlk n değerin ortalaması, eğitim")),
        x_label="n",
    )
    places = np.arange(1, options.copies + 1)
    right.bar(places - 0.2, without, 0.4, color=GRAY, label=str(Text("without dropout", "iletim sönümü yok")))
    right.bar(places + 0.2, dropped, 0.4, color=ORANGE, label=str(Text("with dropout", "iletim sönümü var")))
    right.axhline(expected, color=INK, linewidth=0.8, linestyle=":")
    right.set_ylim(None, max(without.max(), dropped.max(), expected) * 1.45)
    style(
        right,
        title=str(Text("Weights of equal inputs", "Eş girdilerin ağırlıkları")),
        x_label=str(Text("input", "girdi")),
    )
    legend(right, loc="upper right", ncols=2)
    return png(figure)


LESSON = Lesson(
    name="dropout",
    rows=("C3",),
    title=Text("Inverted dropout", "Ters iletim sönümü"),
    about=Text(
        "In training each value is set to 0 with probability rate, and the others are divided by 1 − rate, so that the "
        "mean stays what it was and nothing need be changed at test time, when dropout is off. Since no input can be "
        "relied upon, a unit spreads its weights: of several inputs that say the same it uses all alike. The cost is "
        "checked with dropout off, for with it on the curve trembles.",
        "Eğitimde her değer, oran olasılığıyla 0 yapılır, ötekiler 1 − oran ile bölünür; ortalama değişmez ve iletim "
        "sönümünün kapalı olduğu testte hiçbir şeyi değiştirmek gerekmez. Hiçbir girdiye güvenilemediğinden birim "
        "ağırlıklarını yayar: aynı şeyi söyleyen girdilerin hepsini eşit kullanır. Kayıp, iletim sönümü kapalıyken "
        "denetlenir; açıkken eğri titrer.",
    ),
    formula=r"y_j = \frac{m_j}{1 - p}\, x_j, \quad m_j \sim \mathrm{Bernoulli}(1 - p), \qquad "
    r"\mathbb{E}[y_j] = x_j, \qquad w_j^{*} = \frac{1}{n + p / (1 - p)}",
    run=run,
    options=DropoutOptions,
)
