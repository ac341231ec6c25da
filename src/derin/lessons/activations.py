"""Activations and their derivatives, drawn; and which one belongs at the end of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers import Activation, Dense
from derin.layers.activations import activation
from derin.layers.maxout import MaxoutLinear
from derin.lessons.drawing import BLUE, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.models.sequential import Sequential
from derin.tasks.binary import Binary
from derin.tasks.classification import Classification
from derin.tasks.output import check_output
from derin.tasks.regression import Regression

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from derin.tasks.supervised import SupervisedTask

# Those of the course first, later ones after them.
_COURSE = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "softmax", "maxout")
SHOWN = (*_COURSE, "elu", "gelu", "silu", "mish", "softplus")


@dataclass(frozen=True, kw_only=True)
class ActivationsOptions:
    """Options of the lesson.

    Args:
        functions: which to draw: names of the registry of activations, and maxout.
        low: least z.
        high: largest z.
    """

    functions: tuple[str, ...] = SHOWN
    low: float = -4.0
    high: float = 4.0

    def __post_init__(self) -> None:
        if not self.functions:
            raise UsageError("activations.functions must name at least one function; got none.")
        for name in self.functions:
            if name != "maxout":
                activation(name)
        if not self.low < self.high:
            raise UsageError(f"activations.low must be below activations.high; got {self.low} and {self.high}.")


def run(options: ActivationsOptions) -> Outcome:
    """Draws every function with its derivative, and tries activations at the end of a network."""
    z = torch.linspace(options.low, options.high, 401, dtype=torch.float64)
    columns = min(4, len(options.functions))
    rows = -(-len(options.functions) // columns)
    figure = new_figure(2.3 * columns, 1.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True)
    found: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(options.functions):
        g, slope = with_slope(name, z)
        values, slopes = with_slope(name, torch.tensor([-2.0, 0.0, 2.0], dtype=torch.float64))
        found[name] = {"z": [-2, 0, 2], "g": values.tolist(), "slope": slopes.tolist()}
        draw(panels[divmod(place, columns)], name, z, g, slope)
    for axes in panels.flat[len(options.functions) :]:
        axes.set_visible(False)
    legend(panels[0, 0], loc="upper left")
    lines = [_line("", [f"{f}({at})" for f in ("g", "g′") for at in (-2, 0, 2)])]
    lines += [_line(name, [format_number(v, ".4f") for v in (*row["g"], *row["slope"])]) for name, row in found.items()]
    refused = wrong_endings()
    return Outcome(
        numbers={"functions": found, "refused": refused},
        lines=(*lines, "", *refused.values()),
        pictures={"functions.png": png(figure)},
    )


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<10}" + "".join(f"{cell:>10}" for cell in cells)


def with_slope(name: str, z: Tensor) -> tuple[Tensor, Tensor]:
    """g(z) and g′(z) at each place; the slope is that of autograd.

    Shapes:
        ``(N,)`` → twice ``(N,)``.
    """
    z = z.clone().requires_grad_()
    if name == "maxout":
        # Two pieces, z and −z/2, of a unit whose pieces would be learned.
        unit = MaxoutLinear(1, 1, pieces=2).double()
        with torch.no_grad():
            unit.weight.copy_(torch.tensor([[1.0], [-0.5]]))
        g = unit(z[:, None])[:, 0]
    elif name == "softmax":
        # The first of three scores is z, the others are 0.
        g = activation(name)(torch.stack([z, torch.zeros_like(z), torch.zeros_like(z)], dim=1))[:, 0]
    else:
        g = activation(name)(z)
    (slope,) = torch.autograd.grad(g.sum(), z)
    return g.detach(), slope


def wrong_endings() -> dict[str, str]:
    """What is said of networks whose last layer is an activation that the loss applies itself."""
    tasks: tuple[tuple[SupervisedTask, str], ...] = (
        (Classification(columns=["kind"], classes=["cat", "dog", "owl"]), "softmax"),
        (Binary(columns=["ill"], classes=["no", "yes"]), "sigmoid"),
        (Regression(columns=["price"], mean=[0.0], std=[1.0]), "relu"),
    )
    said = {}
    for task, name in tasks:
        network = Sequential([Dense(task.num_outputs), Activation(name)], input_shape=(5,))
        try:
            check_output(task, network, torch.zeros(3, 5))
        except UsageError as error:
            said[task.name] = str(error)
    return said


def draw(axes: Axes, name: str, z: Tensor, g: Tensor, slope: Tensor) -> None:
    """A function and its derivative."""
    axes.plot(z, g, color=BLUE, linewidth=2, label="g(z)")
    # A slope that jumps is no line.
    jumps = torch.zeros_like(slope, dtype=torch.bool)
    jumps[1:] = slope.diff().abs() > 0.25
    axes.plot(z, slope.masked_fill(jumps, torch.nan), color=ORANGE, linewidth=1.6, linestyle="--", label="g′(z)")
    style(axes, title=name)
    axes.set_ylim(-1.3, 3.2)


LESSON = Lesson(
    name="activations",
    rows=("A5",),
    title=Text("Activations and their derivatives", "Etkinleştirme işlevleri ve türevleri"),
    about=Text(
        "Without a bend between its layers a network is one linear map. Sigmoid and tanh are flat far out, where their "
        "derivative dies; ReLU and its kin keep a slope of 1 to the right. Hidden layers take a bend; what stands at "
        "the end follows from the problem: softmax for one of several classes, sigmoid for yes or no, nothing for a "
        "number. Derin's losses apply the last one themselves, and a network that ends in it is refused.",
        "Katmanları arasında bir bükülme yoksa ağ tek bir doğrusal dönüşümdür. Sigmoid ve tanh uzaklarda düzdür, "
        "türevleri orada söner; ReLU ve akrabaları sağda 1 eğimini korur. Sonda ne olacağını problem belirler: "
        "birkaç sınıftan biri için softmax, evet-hayır için sigmoid, sayı için hiçbiri. Derin'in kayıpları sonuncuyu "
        "kendileri uygular; onunla biten bir ağ geri çevrilir.",
    ),
    formula=r"\sigma(z) = \frac{1}{1+e^{-z}},\ \sigma' = \sigma(1-\sigma); \qquad \tanh' = 1 - \tanh^2; \qquad "
    r"\mathrm{relu}(z) = \max(0, z),\ \mathrm{relu}' = [z > 0]; \qquad "
    r"\mathrm{maxout}(x) = \max_{j \le p} (w_j^{\mathsf T} x + b_j)",
    run=run,
    options=ActivationsOptions,
)
