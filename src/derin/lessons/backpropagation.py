"""Forward and backward through L layers by hand, with the shapes of everything on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from derin.layers import Dense
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, INK, ORANGE, QUIET, new_figure, png
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.models.sequential import Sequential
from derin.tasks.losses import binary_cross_entropy

# g and g′, both as functions of z.
FUNCTIONS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(np.float64)),
}


@dataclass(frozen=True, kw_only=True)
class BackpropagationOptions:
    """Options of the lesson.

    Args:
        units: n of the input and of every layer; the last one must be 1.
        examples: m, columns of X.
        activation: g of the hidden layers; the last layer has a sigmoid.
        seed: of examples and weights.
    """

    units: tuple[int, ...] = (3, 5, 4, 1)
    examples: int = 7
    activation: Literal["sigmoid", "tanh", "relu"] = "tanh"
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("backpropagation", "len(units)", len(self.units), 2, 7)
        for size in self.units:
            require_range("backpropagation", "units", size, 1, 1_000)
        require_range("backpropagation", "the last of units", self.units[-1], 1, 1)
        require_range("backpropagation", "examples", self.examples, 1, 10_000)


def run(options: BackpropagationOptions) -> Outcome:
    """Computes all gradients twice, by hand and by autograd, and lists their shapes."""
    network = Sequential(
        [*(Dense(n, activation=options.activation) for n in options.units[1:-1]), Dense(1)],
        input_shape=(options.units[0],),
        seed=options.seed,
    ).double()
    draws = np.random.default_rng(options.seed)
    x = draws.normal(size=(options.units[0], options.examples))
    y = (draws.random((1, options.examples)) > 0.5).astype(np.float64)

    parameters = [p.detach().numpy() for p in network.parameters()]
    weights, biases = parameters[0::2], [b[:, None] for b in parameters[1::2]]
    gradients = backward(x, y, weights, biases, *FUNCTIONS[options.activation])
    loss, _ = binary_cross_entropy(network(torch.from_numpy(x.T)), torch.from_numpy(y.T))
    automatic = [g.numpy() for g in torch.autograd.grad(loss, list(network.parameters()))]

    rows: list[dict[str, Any]] = []
    for number, (found, dw, db) in enumerate(zip(gradients, automatic[0::2], automatic[1::2]), start=1):
        difference = max(np.abs(found["dW"] - dw).max(), np.abs(found["db"][:, 0] - db).max())
        shapes = {name: list(value.shape) for name, value in found.items()}
        rows.append({"layer": number, "shapes": shapes, "difference": float(difference)})
    told = Text(
        "layer {n}: W, dW {w}   b, db {b}   Z, A, dZ, dA {z}   by hand against autograd: {d:.1e}",
        "katman {n}: W, dW {w}   b, db {b}   Z, A, dZ, dA {z}   elle ve otomatik arasında: {d:.1e}",
    )
    lines = [
        told.fill(
            n=row["layer"],
            w=tuple(row["shapes"]["dW"]),
            b=tuple(row["shapes"]["db"]),
            z=tuple(row["shapes"]["dZ"]),
            d=row["difference"],
        )
        for row in rows
    ]
    count = sum(p.size for p in parameters)
    lines.append(
        Text("{n} parameters, loss {loss:.4f}", "{n} parametre, kayıp {loss:.4f}").fill(n=count, loss=loss.item())
    )
    return Outcome(
        numbers={"layers": rows, "parameters": count, "loss": loss.item()},
        lines=tuple(lines),
        pictures={"layers.png": draw(options)},
    )


def backward(
    x: Floats,
    y: Floats,
    weights: list[Floats],
    biases: list[Floats],
    g: Callable[[Floats], Floats],
    slope: Callable[[Floats], Floats],
) -> list[dict[str, Floats]]:
    """The gradients of the mean cross-entropy after a sigmoid, layer by layer from the first.

    Args:
        x: examples in columns.
        y: answers, 0 or 1.
        weights: W of each layer.
        biases: b of each layer.
        g: activation of the hidden layers.
        slope: its derivative.

    Shapes:
        x ``(n[0], m)``, y ``(1, m)``, W ``(n[l], n[l−1])``, b ``(n[l], 1)``; dZ and dA as Z, ``(n[l], m)``.
    """
    activations, cached = [x], []
    for w, b in zip(weights, biases):
        cached.append(w @ activations[-1] + b)  # Z, kept for the way back
        activations.append(g(cached[-1]))
    answers = 1 / (1 + np.exp(-cached[-1]))  # the last layer has a sigmoid instead of g
    da = (answers - y) / (answers * (1 - answers)) / y.size
    dz = (answers - y) / y.size
    gradients = []
    for layer in reversed(range(len(weights))):
        if layer < len(weights) - 1:
            dz = da * slope(cached[layer])
        gradients.append({"dA": da, "dZ": dz, "dW": dz @ activations[layer].T, "db": dz.sum(axis=1, keepdims=True)})
        da = weights[layer].T @ dz
    return gradients[::-1]


def draw(options: BackpropagationOptions) -> bytes:
    """Layers as boxes: A goes to the right above, dA to the left below, both with their shapes."""
    num = len(options.units) - 1
    figure = new_figure(1.2 + 2.2 * num, 1.9)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.85, num - 0.15)
    axes.set_ylim(-0.62, 0.62)
    m = options.examples
    for layer in range(num):
        before, after = options.units[layer], options.units[layer + 1]
        function = "σ" if layer == num - 1 else options.activation
        axes.text(
            layer,
            0,
            f"W ({after}, {before})\nb ({after}, 1)\n{function}",
            ha="center",
            va="center",
            fontsize=9,
            linespacing=1.7,
            color=INK,
            bbox={"boxstyle": "round,pad=0.6", "facecolor": "#f0f2f5", "edgecolor": QUIET},
        )
    for place, size in enumerate(options.units):
        x = place - 0.5
        for height, color, name, ends in ((0.24, BLUE, "A", (-0.29, 0.29)), (-0.24, ORANGE, "dA", (0.29, -0.29))):
            start, end = (x + shift for shift in ends)
            arrow = {"arrowstyle": "->", "color": color, "linewidth": 1.8}
            axes.annotate("", xy=(end, height), xytext=(start, height), arrowprops=arrow)
            label = f"{'X' if place == 0 and name == 'A' else name + f'[{place}]'} ({size}, {m})"
            above = height + (0.16 if height > 0 else -0.16)
            axes.text(x, above, label, ha="center", va="center", fontsize=8, color=color)
    return png(figure)


LESSON = Lesson(
    name="backpropagation",
    rows=("A4",),
    title=Text("Forward and backward through L layers", "L katmanda ileri ve geri yayılım"),
    about=Text(
        "On the way forward every layer keeps its Z. On the way back these are all that is needed: dA becomes dZ, dZ "
        "gives dW and db, and Wᵀ carries it to the layer before. Every gradient has the shape of what it belongs to: W "
        "is (n[l], n[l−1]), b is (n[l], 1), Z and A are (n[l], m).",
        "İleri giderken her katman Z'sini saklar. Geri dönerken gereken yalnız budur: dA'dan dZ olur, dZ'den dW ve db "
        "çıkar, Wᵀ onu önceki katmana taşır. Her gradyan, ait olduğu şeyin biçimindedir: W (n[l], n[l−1]), b (n[l], "
        "1), Z ve A (n[l], m).",
    ),
    formula=r"Z = WA_{\text{prev}} + b,\quad A = g(Z); \qquad dZ = dA \odot g'(Z),\quad "
    r"dW = dZ\,A_{\text{prev}}^{\mathsf T},\quad db = \sum dZ,\quad dA_{\text{prev}} = W^{\mathsf T} dZ",
    run=run,
    options=BackpropagationOptions,
)
