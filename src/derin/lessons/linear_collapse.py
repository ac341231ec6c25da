"""A deep network without activations is one linear map; shown with the product of its own weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from derin.layers import Dense
from derin.layers.activations import activation
from derin.layers.options import require_range
from derin.lessons.drawing import COLORS, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.models.sequential import Sequential


@dataclass(frozen=True, kw_only=True)
class LinearCollapseOptions:
    """Options of the lesson.

    Args:
        depth: number of layers.
        width: units of every hidden layer.
        activations: which to put between the layers, to compare.
        seed: of the weights.
    """

    depth: int = 5
    width: int = 12
    activations: tuple[str, ...] = ("linear", "relu", "tanh")
    seed: int = 6

    def __post_init__(self) -> None:
        require_range("linear-collapse", "depth", self.depth, 2, 100)
        require_range("linear-collapse", "width", self.width, 1, 1_000)
        require_range("linear-collapse", "len(activations)", len(self.activations), 1, 8)
        for name in self.activations:
            activation(name)


def run(options: LinearCollapseOptions) -> Outcome:
    """Compares each network with the one layer that the product of its weights gives."""
    x = torch.linspace(-3, 3, 301, dtype=torch.float64)[:, None]
    figure = new_figure(6.2, 3.6)
    axes = figure.subplots()
    lines, found = [], {}
    for place, name in enumerate(options.activations):
        hidden = [Dense(options.width, activation=name, initializer="xavier")] * (options.depth - 1)
        network = Sequential([*hidden, Dense(1)], input_shape=(1,), seed=options.seed).double()
        generator = torch.Generator().manual_seed(options.seed)
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 1:  # zeros would make every network pass through the origin
                    parameter.normal_(0.0, 0.5, generator=generator)
            y = network(x).numpy()[:, 0]
        weight, bias = collapsed(network)
        distance = float(np.abs(y - (x.numpy() @ weight.T + bias)[:, 0]).max())
        slope, offset = np.polyfit(x.numpy()[:, 0], y, 1)
        bent = float(np.abs(y - (slope * x.numpy()[:, 0] + offset)).max())
        parameters = sum(p.numel() for p in network.parameters())
        found[name] = {"from_product": distance, "from_best_line": bent, "parameters": parameters}
        lines.append(
            Text(
                "{name:<9} {depth} layers, {n} numbers: {a:.1e} from the product of layers, {b:.1e} from the best line",
                "{name:<9} {depth} katman, {n} sayı: katmanların çarpımından {a:.1e}, en iyi doğrudan {b:.1e} uzak",
            ).fill(name=name, depth=options.depth, n=parameters, a=distance, b=bent)
        )
        color = COLORS[place]
        axes.plot(x[:, 0], y, color=color, linewidth=2, label=name)
    style(axes, title=str(Text("What the networks compute", "Ağların hesapladığı")), x_label="x", y_label="y")
    legend(axes)
    return Outcome(numbers=found, lines=tuple(lines), pictures={"functions.png": png(figure)})


def collapsed(network: Sequential) -> tuple[Floats, Floats]:
    """W = W_L … W₁ and b of the one layer that equals the dense layers of a network without activations.

    Shapes:
        W ``(outputs, inputs)``, b ``(outputs,)``.
    """
    parameters = [p.detach().numpy() for p in network.parameters()]
    weight, bias = parameters[0], parameters[1]
    for layer_weight, layer_bias in zip(parameters[2::2], parameters[3::2]):
        weight, bias = layer_weight @ weight, layer_weight @ bias + layer_bias
    return weight, bias


LESSON = Lesson(
    name="linear-collapse",
    rows=("A5",),
    title=Text("Why a linear network collapses", "Doğrusal bir ağ neden çöker"),
    about=Text(
        "Linear layers on top of each other are a product of matrices, and a product of matrices is a matrix: the "
        "whole depth computes one W x + b. An activation between the layers bends the line, and only then does depth "
        "add something.",
        "Üst üste doğrusal katmanlar bir matris çarpımıdır; matrislerin çarpımı da bir matristir: bütün derinlik tek "
        "bir W x + b hesaplar. Katmanların arasındaki aktivasyon doğruyu büker; derinlik ancak o zaman bir şey "
        "katar.",
    ),
    formula=r"W_2(W_1 x + b_1) + b_2 = \underbrace{W_2 W_1}_{W}\,x + \underbrace{W_2 b_1 + b_2}_{b}",
    run=run,
    options=LinearCollapseOptions,
)
