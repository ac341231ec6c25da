"""The perceptron: one unit learns AND and OR and cannot learn XOR; with a hidden layer XOR is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.layers import Dense
from derin.layers.options import require_range
from derin.lessons.descent import descend
from derin.lessons.drawing import BLUE, INK, ORANGE, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats, Rows
from derin.models.sequential import Sequential
from derin.tasks.losses import binary_cross_entropy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}


@dataclass(frozen=True, kw_only=True)
class PerceptronOptions:
    """Options of the lesson.

    Args:
        points: rows of x₁, x₂ and the answer 0 or 1, instead of the gates.
        hidden: units of the hidden layer of the second network.
        optimizer: which rule moves the weights.
        learning_rate: of the optimizer.
        steps: of the optimizer, over all points at once.
        seed: of the first weights.
    """

    points: Rows | None = None
    hidden: int = 4
    optimizer: str = "adam"
    learning_rate: float = 0.1
    steps: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("perceptron", "hidden", self.hidden, 1, 1_000)
        if self.points and any(len(row) != 3 or row[2] not in (0, 1) for row in self.points):
            raise UsageError(
                f"perceptron.points must be rows of x₁, x₂ and the answer 0 or 1; got {self.points[0]} first. "
                'Write --points "0,0,0; 0,1,1; 1,0,1; 1,1,0".'
            )


def run(options: PerceptronOptions) -> Outcome:
    """Trains a single unit on every table, and a network with a hidden layer on the last one."""
    if options.points:
        tables = {str(Text("your points", "sizin noktalarınız")): np.array(options.points)}
    else:
        tables = {gate: np.column_stack([CORNERS, answers]) for gate, answers in GATES.items()}
    last = list(tables)[-1]
    runs = [(name, 0) for name in tables] + [(last, options.hidden)]

    columns = 2
    figure = new_figure(6.4, 3.1 * -(-len(runs) // columns))
    panels = figure.subplots(-(-len(runs) // columns), columns, squeeze=False).flat
    lines, results = [], []
    for axes, (name, hidden) in zip(panels, runs):
        table = tables[name]
        network, loss = learn(table, hidden, options)
        right = int(((answer(network, table[:, :2]) > 0.5) == (table[:, 2] > 0.5)).sum())
        kind = Text("one unit", "tek birim") if not hidden else Text("{n} hidden units", "{n} gizli birim")
        title = f"{name} · {kind.fill(n=hidden)}"
        lines.append(
            Text(
                "{title:<24} {right} of {all} right, loss {loss:.4f}",
                "{title:<24} {right}/{all} doğru, kayıp {loss:.4f}",
            ).fill(title=title, right=right, all=len(table), loss=loss)
        )
        results.append({"table": name, "hidden": hidden, "right": right, "of": len(table), "loss": loss})
        draw(axes, network, table, title)
    return Outcome(numbers={"networks": results}, lines=tuple(lines), pictures={"boundaries.png": png(figure)})


def learn(table: Floats, hidden: int, options: PerceptronOptions) -> tuple[Sequential, float]:
    """A network that has been trained on the rows of a table, and the loss that it reached."""
    layers = [Dense(hidden, activation="tanh")] if hidden else []
    network = Sequential([*layers, Dense(1)], input_shape=(2,), seed=options.seed).double()
    inputs, targets = torch.from_numpy(table).split([2, 1], dim=1)
    costs = descend(
        network,
        lambda: binary_cross_entropy(network(inputs), targets)[0],
        optimizer=options.optimizer,
        learning_rate=options.learning_rate,
        num_steps=options.steps,
    )
    return network, [*costs][-1]


@torch.no_grad()
def answer(network: Sequential, points: Floats) -> Floats:
    """The probability of 1 at each point."""
    chances: Floats = torch.sigmoid(network(torch.from_numpy(points))).numpy()[:, 0]
    return chances


def draw(axes: Axes, network: Sequential, table: Floats, title: str) -> None:
    """The plane colored by the answer, the boundary at p = ½, and the points."""
    low, high = table[:, :2].min(), table[:, :2].max()
    margin = 0.35 * (high - low or 1.0)
    along = np.linspace(low - margin, high + margin, 121)
    grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
    chance = answer(network, grid).reshape(len(along), -1)
    axes.contourf(along, along, chance, levels=[0, 0.5, 1], colors=[BLUE, ORANGE], alpha=0.16)
    if chance.min() < 0.5 < chance.max():
        axes.contour(along, along, chance, levels=[0.5], colors=[INK], linewidths=1.4)
    for value, color, marker in ((0, BLUE, "o"), (1, ORANGE, "s")):
        rows = table[table[:, 2] == value]
        axes.scatter(rows[:, 0], rows[:, 1], color=color, marker=marker, s=55, edgecolor="white", zorder=3)
    style(axes, title=title, x_label="$x_1$", y_label="$x_2$", grid=False)
    axes.set_aspect("equal")


LESSON = Lesson(
    name="perceptron",
    rows=("A1",),
    title=Text("The perceptron: AND, OR and XOR", "Perceptron: AND, OR ve XOR"),
    about=Text(
        "A single unit weighs its inputs and compares the sum with a threshold: its boundary is a straight line. AND "
        "and OR can be parted by a line, XOR cannot, however long one trains. A hidden layer bends the boundary, and "
        "XOR is learned.",
        "Tek bir birim girdilerini ağırlıklarla toplar ve bir eşikle karşılaştırır: sınırı bir doğrudur. AND ve OR "
        "bir doğruyla ayrılabilir; XOR, ne kadar eğitilirse eğitilsin, ayrılamaz. Gizli bir katman sınırı büker ve "
        "XOR öğrenilir.",
    ),
    formula=r"o = \varphi\Big(\sum_i w_i x_i + b\Big), \qquad \varphi(z) = [z > 0]",
    run=run,
    options=PerceptronOptions,
)
