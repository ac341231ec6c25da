"""The smallest training there is: w² − 10w + 25 from w = 0 to 5, with every optimizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derin.core.errors import UsageError
from derin.layers.options import require_range
from derin.lessons.descent import Place, descend
from derin.lessons.drawing import COLORS, INK, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.train.optimizers.build import OPTIMIZERS

# A rate that suits each: those that divide by the size of the gradient walk about one rate per step, and Adagrad's
# steps shrink with their number.
RATES = {"sgd": 0.05, "momentum": 0.02, "nesterov": 0.02, "adagrad": 1.0}
_WALKING_RATE = 0.1


@dataclass(frozen=True, kw_only=True)
class QuadraticOptions:
    """Options of the lesson.

    Args:
        optimizers: names of the registry of optimizers.
        learning_rate: of all of them; none takes a rate that suits each.
        start: w at first.
        steps: how many.
        schedule: of the rate; it falls to 0 by default, since steps of one size would end up beside the minimum.
    """

    optimizers: tuple[str, ...] = tuple(OPTIMIZERS)
    learning_rate: float | None = None
    start: float = 0.0
    steps: int = 300
    schedule: str = "linear"

    def __post_init__(self) -> None:
        if not self.optimizers:
            raise UsageError("quadratic.optimizers must name at least one optimizer; got none.")
        require_range("quadratic", "start", self.start, -1e6, 1e6)
        for name in self.optimizers:
            OPTIMIZERS[name]


def run(options: QuadraticOptions) -> Outcome:
    """Goes downhill with each optimizer."""
    figure = new_figure(8.6, 3.6)
    surface, ways = figure.subplots(1, 2, width_ratios=(1, 1.5))
    w = np.linspace(min(-1.0, options.start - 1), max(11.0, options.start + 1), 200)
    surface.plot(w, w**2 - 10 * w + 25, color=INK, linewidth=1.8)
    style(surface, title="$w^2 - 10w + 25$", x_label="w", y_label=str(Text("cost", "maliyet")))
    lines, found = [], {}
    for place, name in enumerate(options.optimizers):
        rate = options.learning_rate if options.learning_rate is not None else RATES.get(name, _WALKING_RATE)
        path = way(name, rate, options)
        found[name] = {"learning_rate": rate, "w": path[-1], "steps": len(path) - 1}
        lines.append(
            Text(
                "{name:<9} rate {rate:<5g} after {n} steps w = {w:.5f}",
                "{name:<9} oran {rate:<5g} {n} adım sonra w = {w:.5f}",
            ).fill(name=name, rate=rate, n=len(path) - 1, w=path[-1])
        )
        color = COLORS[place % len(COLORS)]
        dashes = "-" if place < len(COLORS) else "--"
        ways.plot(path, color=color, linestyle=dashes, linewidth=1.6, label=name)
    ways.axhline(5, color=INK, linewidth=0.8, linestyle=":")
    ways.set_ylim(min(-0.5, options.start), max(8.0, options.start))
    style(
        ways, title=str(Text("w over the steps", "adımlar boyunca w")), x_label=str(Text("step", "adım")), y_label="w"
    )
    legend(ways, ncols=2, loc="lower right")
    return Outcome(numbers=found, lines=tuple(lines), pictures={"ways.png": png(figure)})


def way(optimizer: str, rate: float, options: QuadraticOptions) -> list[float]:
    """w at the start and after every step."""
    place = Place([options.start])
    w = place.numbers
    costs = descend(
        place,
        lambda: (w**2 - 10 * w + 25).sum(),
        optimizer=optimizer,
        learning_rate=rate,
        num_steps=options.steps,
        schedule=options.schedule,
    )
    return [place.tolist()[0] for _ in costs]


LESSON = Lesson(
    name="quadratic",
    rows=("A13",),
    title=Text("Minimize w² − 10w + 25", "w² − 10w + 25 ifadesini en aza indirmek"),
    about=Text(
        "One weight, and a cost whose minimum anyone can see: (w − 5)². Every optimizer of Derin finds 5 from 0, each "
        "in its own way: momentum overshoots and swings back, Adam and its kin walk with steps of about one rate.",
        "Tek bir ağırlık ve en küçüğü gözle görülen bir maliyet: (w − 5)². Derin'in her eniyileyicisi 0'dan 5'i kendi "
        "yolundan bulur: momentum hedefi aşar ve geri salınır, Adam ve akrabaları yaklaşık bir öğrenme oranı boyunda "
        "adımlarla yürür.",
    ),
    formula=r"J(w) = w^2 - 10w + 25 = (w-5)^2, \qquad \frac{dJ}{dw} = 2w - 10",
    run=run,
    options=QuadraticOptions,
)
