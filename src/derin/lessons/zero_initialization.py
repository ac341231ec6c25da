"""Units that begin alike stay alike: why weights are drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from derin.layers import Dense
from derin.layers.initializers import require_initializer
from derin.layers.options import require_range
from derin.lessons.descent import descend
from derin.lessons.drawing import COLORS, INK, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.models.sequential import Sequential
from derin.tasks.losses import binary_cross_entropy

XOR = torch.tensor([[0.0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
CONSTANT = "constant"


@dataclass(frozen=True, kw_only=True)
class ZeroInitializationOptions:
    """Options of the lesson.

    Args:
        starts: how the weights begin: names of the registry of initializers, or constant (every weight one half).
        hidden: units of the hidden layer.
        learning_rate: of Adam.
        steps: of Adam, over all four points of XOR.
        seed: of the random starts.
    """

    starts: tuple[str, ...] = ("zeros", CONSTANT, "normal", "xavier")
    hidden: int = 4
    learning_rate: float = 0.05
    steps: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("zero-initialization", "hidden", self.hidden, 1, 1_000)
        require_range("zero-initialization", "len(starts)", len(self.starts), 1, 8)
        for name in self.starts:
            if name != CONSTANT:
                require_initializer(name)


def run(options: ZeroInitializationOptions) -> Outcome:
    """Trains the same network on XOR from each start, and watches its hidden units."""
    num = len(options.starts)
    figure = new_figure(2.5 * num + 0.4, 4.8)
    panels = figure.subplots(2, num, squeeze=False)
    lines, found = [], {}
    for column, name in enumerate(options.starts):
        seen = list(training(name, options))
        losses = np.array([loss for loss, _ in seen])
        paths = np.array([weights for _, weights in seen])  # (steps + 1, units, 2)
        different = len(np.unique(paths[-1].round(6), axis=0))
        moved = float(np.abs(paths[-1] - paths[0]).max())
        found[name] = {"loss": losses[-1], "different_units": different, "largest_move": moved}
        lines.append(
            Text(
                "{name:<9} {k} different of {n} units, weights moved by at most {moved:.3f}, loss {loss:.4f}",
                "{name:<9} {n} birimden {k} farklı, ağırlıklar en çok {moved:.3f} kaydı, kayıp {loss:.4f}",
            ).fill(name=name, k=different, n=options.hidden, moved=moved, loss=losses[-1])
        )
        above, below = panels[:, column]
        above.plot(losses, color=COLORS[0], linewidth=2)
        above.set_ylim(0, 0.85)
        style(above, title=name, x_label=str(Text("step", "adım")))
        for unit in range(paths.shape[1]):
            below.plot(*paths[:, unit].T, color=COLORS[unit % len(COLORS)], linewidth=1.6)
            below.plot(*paths[-1, unit], "o", color=COLORS[unit % len(COLORS)], markersize=5)
        below.plot(*paths[0].T, ".", color=INK, markersize=4, linestyle="none")
        reach = 1.15 * float(np.abs(paths).max()) or 1.0
        below.set_xlim(-reach, reach)
        below.set_ylim(-reach, reach)
        style(below, x_label="$w_1$")
    panels[0, 0].set_ylabel(str(Text("loss", "kayıp")), fontsize=9)
    panels[1, 0].set_ylabel("$w_2$", fontsize=9)
    return Outcome(numbers=found, lines=tuple(lines), pictures={"units.png": png(figure)})


def training(start: str, options: ZeroInitializationOptions) -> Iterator[tuple[float, Floats]]:
    """Loss and weights of the hidden units, at the start and after each step.

    Shapes:
        weights ``(hidden, 2)``.
    """
    initializer = "zeros" if start == CONSTANT else start
    layers = [Dense(options.hidden, activation="tanh", initializer=initializer), Dense(1, initializer=initializer)]
    network = Sequential(layers, input_shape=(2,), seed=options.seed)
    if start == CONSTANT:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(0.5)
    weight = next(network.parameters())
    costs = descend(
        network,
        lambda: binary_cross_entropy(network(XOR[:, :2]), XOR[:, 2:])[0],
        optimizer="adam",
        learning_rate=options.learning_rate,
        num_steps=options.steps,
    )
    for cost in costs:
        yield cost, weight.detach().double().numpy().copy()


LESSON = Lesson(
    name="zero-initialization",
    rows=("A6",),
    title=Text("Starting from zeros: symmetry", "Sıfırdan başlamak: simetri"),
    about=Text(
        "Hidden units that begin with the same weights get the same gradient and stay the same for ever: many units "
        "do the work of one. From zeros it is worse: each layer waits for the other to move, and nothing is learned. "
        "Small random numbers break the symmetry.",
        "Aynı ağırlıklarla başlayan gizli birimler aynı gradyanı alır ve sonsuza dek aynı kalır: birçok birim tek bir "
        "birimin işini görür. Sıfırlarda durum daha kötüdür: her katman ötekinin kıpırdamasını bekler ve hiçbir şey "
        "öğrenilmez. Küçük rastgele sayılar simetriyi bozar.",
    ),
    formula=r"dW_1 = \big(W_2^{\mathsf T} dz_2 \odot g'(z_1)\big)\,x^{\mathsf T} = 0 \ \text{for}\ W_2 = 0, \qquad "
    r"dW_2 = dz_2\,a_1^{\mathsf T} = 0 \ \text{for}\ a_1 = g(0) = 0",
    run=run,
    options=ZeroInitializationOptions,
)
