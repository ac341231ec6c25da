"""Logistic regression: its gradient looped and vectorized, and why its loss is not the squared one."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.layers import Dense
from derin.layers.options import require_range
from derin.lessons.descent import descend
from derin.lessons.drawing import BLUE, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats, Rows
from derin.models.sequential import Sequential
from derin.tasks.losses import binary_cross_entropy, regression_loss


@dataclass(frozen=True, kw_only=True)
class LogisticRegressionOptions:
    """Options of the lesson.

    Args:
        points: rows of x and the answer 0 or 1, for the curve and the two losses.
        inputs: numbers of one example in the comparison of loops; a picture of 64 × 64 pixels in 3 colors has 12,288.
        examples: how many examples are gone through.
        optimizer: which rule fits the curve.
        learning_rate: of the optimizer.
        steps: of the optimizer.
        seed: of the examples.
    """

    points: Rows = ((-2.0, 0), (-1.2, 0), (-0.5, 1), (0.1, 0), (0.9, 1), (1.6, 1), (2.4, 1))
    inputs: int = 64 * 64 * 3
    examples: int = 100
    optimizer: str = "adam"
    learning_rate: float = 0.1
    steps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("logistic-regression", "inputs", self.inputs, 1)
        require_range("logistic-regression", "examples", self.examples, 1)
        # The loop takes about 0.1 s for a million.
        require_range("logistic-regression", "inputs * examples", self.inputs * self.examples, 1, 50_000_000)
        if not self.points or any(len(row) != 2 or row[1] not in (0, 1) for row in self.points):
            raise UsageError(
                f"logistic-regression.points must be rows of x and the answer 0 or 1; got {self.points}. "
                'Write --points "-1,0; 0.5,1; 2,1".'
            )


def run(options: LogisticRegressionOptions) -> Outcome:
    """Compares three ways to the same gradient, fits a curve, and bends both losses."""
    draws = generator(options.seed, "logistic")
    x = draws.normal(size=(options.inputs, options.examples))
    y = (draws.random(options.examples) > 0.5).astype(np.float64)
    w, b = draws.normal(size=options.inputs) / math.sqrt(options.inputs), 0.1
    columns, answers, weights = x.T.tolist(), y.tolist(), w.tolist()
    looped, looped_seconds = timed(lambda: gradient_looped(columns, answers, weights, b), repeats=1)
    vectorized, vectorized_seconds = timed(lambda: gradient_vectorized(x, y, w, b), repeats=5)
    automatic = gradient_automatic(x, y, w, b)
    difference = max(float(np.abs(np.subtract(a, vectorized)).max()) for a in (looped, automatic))
    ratio = looped_seconds / vectorized_seconds

    weight, bias, loss = fit(options)
    slopes = np.linspace(-8, 8, 321)
    entropy, squared = losses_over_slope(options.points, slopes)
    # Second differences are the second derivative: below zero the curve is bent the wrong way.
    bends = [float((np.diff(curve, 2) / (slopes[1] - slopes[0]) ** 2).min()) for curve in (entropy, squared)]

    lines = (
        Text(
            "{n:,} inputs, {m} examples: looped {slow:.3f} s, vectorized {fast:.5f} s: {ratio:.0f} times as fast",
            "{n:,} girdi, {m} örnek: döngüyle {slow:.3f} s, vektörle {fast:.5f} s: {ratio:.0f} kat hızlı",
        ).fill(n=options.inputs, m=options.examples, slow=looped_seconds, fast=vectorized_seconds, ratio=ratio),
        Text(
            "largest difference between looped, vectorized and automatic gradient: {d:.1e}",
            "döngülü, vektörlü ve otomatik gradyan arasındaki en büyük fark: {d:.1e}",
        ).fill(d=difference),
        Text(
            "fitted: p = σ({w:.3f} x {b:+.3f}), loss {loss:.4f}",
            "uydurulan: p = σ({w:.3f} x {b:+.3f}), kayıp {loss:.4f}",
        ).fill(w=weight, b=bias, loss=loss),
        Text(
            "least second derivative over w: cross-entropy {e:+.4f} (convex), squared loss {s:+.4f} (not convex)",
            "w üzerinde en küçük 2. türev: çapraz entropi {e:+.4f} (dışbükey), kare kayıp {s:+.4f} (dışbükey değil)",
        ).fill(e=bends[0], s=bends[1]),
    )
    return Outcome(
        numbers={
            "inputs": options.inputs,
            "looped_seconds": looped_seconds,
            "vectorized_seconds": vectorized_seconds,
            "ratio": ratio,
            "largest_difference": difference,
            "fitted": {"w": weight, "b": bias, "loss": loss},
            "least_second_derivative": {"cross_entropy": bends[0], "squared": bends[1]},
        },
        lines=lines,
        pictures={"logistic.png": draw(options, weight, bias, slopes, entropy, squared)},
    )


def gradient_looped(
    examples: list[list[float]], answers: list[float], weights: list[float], bias: float
) -> list[float]:
    """dw and, last, db: one multiplication after another.

    Args:
        examples: rows of inputs.
        answers: 0 or 1 for each.
        weights: one per input.
        bias: b.
    """
    dw, db = [0.0] * len(weights), 0.0
    for inputs, y in zip(examples, answers):
        z = bias
        for w, x in zip(weights, inputs):
            z += w * x
        dz = 1 / (1 + math.exp(-z)) - y  # a − y
        for i, x in enumerate(inputs):
            dw[i] += x * dz
        db += dz
    return [total / len(examples) for total in (*dw, db)]


def gradient_vectorized(x: Floats, y: Floats, w: Floats, b: float) -> Floats:
    """The same in three products: A = σ(wᵀX + b), dZ = A − Y, dw = X dZᵀ/m, db = mean of dZ.

    Shapes:
        x ``(inputs, examples)``, y ``(examples,)``, w ``(inputs,)`` → ``(inputs + 1,)``.
    """
    dz = 1 / (1 + np.exp(-(w @ x + b))) - y
    return np.append(x @ dz / len(y), dz.mean())


def gradient_automatic(x: Floats, y: Floats, w: Floats, b: float) -> Floats:
    """The same from a dense layer and the loss that Derin trains with."""
    network = Sequential([Dense(1)], input_shape=(len(w),)).double()
    weight, bias = network.parameters()
    with torch.no_grad():
        weight.copy_(torch.from_numpy(w)[None])
        bias.fill_(b)
    loss, _ = binary_cross_entropy(network(torch.from_numpy(x.T)), torch.from_numpy(y)[:, None])
    dw, db = torch.autograd.grad(loss, (weight, bias))
    return np.append(dw.numpy()[0], db.item())


def timed(work: Callable[[], Any], *, repeats: int) -> tuple[Any, float]:
    """A result and the median of its seconds."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def fit(options: LogisticRegressionOptions) -> tuple[float, float, float]:
    """w, b and loss of the curve through the points."""
    table = torch.tensor(options.points, dtype=torch.float64)
    network = Sequential([Dense(1, initializer="zeros")], input_shape=(1,)).double()
    costs = descend(
        network,
        lambda: binary_cross_entropy(network(table[:, :1]), table[:, 1:])[0],
        optimizer=options.optimizer,
        learning_rate=options.learning_rate,
        num_steps=options.steps,
    )
    loss = [*costs][-1]
    weight, bias = network.parameters()
    return weight.item(), bias.item(), loss


def losses_over_slope(points: Sequence[Sequence[float]], slopes: Floats) -> tuple[Floats, Floats]:
    """Cross-entropy and squared loss of p = σ(w x) for each w.

    Shapes:
        slopes ``(N,)`` → twice ``(N,)``.
    """
    x, y = torch.tensor(points, dtype=torch.float64).T
    logits = torch.from_numpy(slopes)[:, None] * x
    entropy = [binary_cross_entropy(row, y)[0].item() for row in logits]
    squared = [regression_loss("mse", torch.sigmoid(row), y)[0].item() for row in logits]
    return np.array(entropy), np.array(squared)


def draw(
    options: LogisticRegressionOptions, w: float, b: float, slopes: Floats, entropy: Floats, squared: Floats
) -> bytes:
    """The fitted curve, and both losses over w."""
    figure = new_figure(8.4, 3.5)
    left, right = figure.subplots(1, 2)
    x, y = (np.array(column) for column in zip(*options.points))
    margin = 0.25 * (np.ptp(x) or 1.0)
    along = np.linspace(x.min() - margin, x.max() + margin, 200)
    left.plot(along, 1 / (1 + np.exp(-(w * along + b))), color=BLUE, linewidth=2, label="p = σ(wx + b)")
    left.axvline(-b / w, color=INK, linewidth=1, linestyle="--", label="p = ½")
    left.scatter(x, y, c=[ORANGE if answer else BLUE for answer in y], edgecolor="white", s=46, zorder=3)
    style(left, title=str(Text("The probability of 1", "1 olma olasılığı")), x_label="x", y_label="p")
    legend(left, loc="center right")
    right.plot(slopes, entropy, color=BLUE, linewidth=2, label=str(Text("cross-entropy", "çapraz entropi")))
    right.plot(slopes, squared, color=ORANGE, linewidth=2, label=str(Text("squared loss", "kare kayıp")))
    step = slopes[1] - slopes[0]
    wrong = np.diff(squared, 2) / step**2 < -1e-9
    right.plot(
        slopes[1:-1],
        np.where(wrong, squared[1:-1], np.nan),
        color=ORANGE,
        linewidth=6,
        alpha=0.25,
        label=str(Text("bent downward", "aşağı bükülen yer")),
    )
    right.set_ylim(0, min(entropy.max(), 4 * squared.max()))
    style(right, title=str(Text("Both losses over w (b = 0)", "w üzerinde iki kayıp (b = 0)")), x_label="w")
    legend(right)
    return png(figure)


LESSON = Lesson(
    name="logistic-regression",
    rows=("A3",),
    title=Text("Logistic regression, looped and vectorized", "Lojistik regresyon: döngüyle ve vektörle"),
    about=Text(
        "p = σ(wᵀx + b) is the probability of 1. An answer y has the likelihood p^y (1 − p)^(1−y); its negative "
        "logarithm is the loss, and its derivative is simply a − y. The gradient by loops and by products is the same "
        "number, the products are far faster. The squared error of a sigmoid is bent downward in places and flat far "
        "out, where descent sticks; cross-entropy is convex.",
        "p = σ(wᵀx + b), 1 olma olasılığıdır. y yanıtının olabilirliği p^y (1 − p)^(1−y) olur; bunun eksi logaritması "
        "kayıptır ve türevi yalnızca a − y eder. Döngülerle ve çarpımlarla bulunan gradyan aynı sayıdır, çarpımlar "
        "çok daha hızlıdır. Sigmoidin kare hatası yer yer aşağı bükülür ve uzakta düzleşir, iniş orada takılır; "
        "çapraz entropi dışbükeydir.",
    ),
    formula=r"\mathcal L = -\log\big(\hat y^{\,y}(1-\hat y)^{1-y}\big) = -\big(y\log\hat y + (1-y)\log(1-\hat y)\big), "
    r"\qquad dZ = A - Y, \quad dw = \tfrac1m X\,dZ^{\mathsf T}, \quad db = \tfrac1m\sum dZ",
    run=run,
    options=LogisticRegressionOptions,
)
