"""Optimizers on their way over a saddle, through a ravine and off a plateau."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.layers.options import require_range
from derin.lessons.animation import animate
from derin.lessons.drawing import COLORS, INK, contours, new_figure, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.paths import Path, follow
from derin.lessons.surfaces import SURFACES, Surface

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

Floats = npt.NDArray[np.float64]

# Rates at which each does well on all three surfaces. The first step of RMSprop is ten times its rate, for its average
# begins at 0 and is not corrected.
_RATES = {"sgd": 0.3, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.5, "rmsprop": 0.06}
_USUAL_RATE = 0.1
_FRAMES = 50


@dataclass(frozen=True, kw_only=True)
class PathOptions:
    """Options of the lesson.

    Args:
        optimizers: names as derin train takes them.
        learning_rate: of all of them; None gives each a rate at which it does well.
        steps: of each.
    """

    optimizers: tuple[str, ...] = ("sgd", "momentum", "nesterov", "rmsprop", "adam")
    learning_rate: float | None = None
    steps: int = 150

    def __post_init__(self) -> None:
        require_range("optimizer-paths", "steps", self.steps, 2, 10_000)
        if not self.optimizers or len(set(self.optimizers)) < len(self.optimizers):
            raise UsageError(
                "optimizer-paths.optimizers must be different names, one at least; got "
                f'{list(self.optimizers)}. Write ["sgd","adam"].'
            )
        if self.learning_rate is not None:
            require_range("optimizer-paths", "learning_rate", self.learning_rate, 0.0)


def paths_on(surface: Surface, options: PathOptions) -> list[Path]:
    """Every optimizer from the same start."""
    return [
        follow(
            lambda numbers: surface.height(numbers[0], numbers[1]),
            surface.start,
            optimizer=name,
            learning_rate=options.learning_rate or _RATES.get(name, _USUAL_RATE),
            num_steps=options.steps,
        )
        for name in options.optimizers
    ]


def run(options: PathOptions) -> Outcome:
    """Sends every optimizer over every surface."""
    found = {surface.name: paths_on(surface, options) for surface in SURFACES}
    width = max(map(len, options.optimizers)) + 2
    lines = [
        str(Text("Steps until the surface is crossed:", "Yüzey aşılana kadar adım:")),
        " " * width + "".join(f"{surface.title!s:>10}" for surface in SURFACES),
    ]
    crossed: dict[str, dict[str, int | None]] = {}
    for place, name in enumerate(options.optimizers):
        crossed[name] = {s.name: found[s.name][place].crossed(s.goal) for s in SURFACES}
        never = str(Text("never", "hiç"))
        lines.append(name.ljust(width) + "".join(f"{never if n is None else n:>10}" for n in crossed[name].values()))
    return Outcome(numbers={"crossed": crossed}, lines=tuple(lines), pictures={"paths.gif": animate_paths(found)})


def heights(surface: Surface) -> tuple[Floats, Floats, Floats]:
    """A grid over what is drawn of a surface, and the cost on it."""
    x, y = np.linspace(*surface.across, 161), np.linspace(*surface.up, 141)
    return x, y, surface.height(x[None, :], y[:, None])


def animate_paths(found: dict[str, list[Path]]) -> bytes:
    """All surfaces beside each other, the optimizers moving over them."""
    figure = new_figure(9.0, 3.1)
    trails: list[tuple[Line2D, Floats]] = []
    for axes, surface in zip(figure.subplots(1, len(SURFACES)), SURFACES):
        contours(axes, *heights(surface), levels=18)
        axes.plot(*surface.start, "o", color=INK, markersize=4)
        for path, color in zip(found[surface.name], COLORS[: len(found[surface.name])] or COLORS, strict=False):
            (line,) = axes.plot([], [], "-", color=color, linewidth=1.6, label=path.optimizer, animated=True)
            (head,) = axes.plot([], [], "o", color=color, markersize=5, animated=True)
            trails += [(line, path.places), (head, path.places)]
        axes.set_xlim(*surface.across)
        axes.set_ylim(*surface.up)
        style(axes, title=str(surface.title), grid=False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    last = max(len(places) for _, places in trails) - 1

    def show(frame: int) -> None:
        until = round(last * frame / (_FRAMES - 1))
        for line, places in trails:
            here = min(until, len(places) - 1)
            first = here if line.get_marker() == "o" else 0
            line.set_data(*places[first : here + 1].T)

    return animate(figure, [line for line, _ in trails], show, num_frames=_FRAMES)


LESSON = Lesson(
    name="optimizer-paths",
    rows=("B5",),
    title=Text("Optimizers across saddle, ravine and plateau", "Eniyileyiciler: eyer, vadi ve plato"),
    about=Text(
        "At a saddle point the gradient is 0 although it is no minimum, in a ravine it points across rather than "
        "along, on a plateau it is next to nothing. Plain gradient descent waits, zigzags or hardly moves. Momentum "
        "gathers speed along the common direction; RMSprop and Adam divide by the size of the gradient, so that small "
        "ones count as much as large ones. The average of RMSprop begins at 0 and is not corrected: its first step is "
        "a large one.",
        "Eyer noktasında, minimum olmadığı hâlde gradyan 0'dır; vadide boyuna değil enine bakar; platoda yok gibidir. "
        "Düz gradyan inişi bekler, zikzak çizer ya da pek kıpırdamaz. Momentum ortak yönde hızlanır; RMSprop ve Adam "
        "gradyanın büyüklüğüne böler, böylece küçük gradyanlar da büyükler kadar sayılır. RMSprop'un "
        "ortalaması 0'dan başlar ve düzeltilmez: ilk adımı büyüktür.",
    ),
    formula=r"v \leftarrow \beta v + g, \ w \leftarrow w - \alpha v \ (\text{momentum}), \qquad "
    r"s \leftarrow \beta_2 s + (1 - \beta_2)\, g^2, \ w \leftarrow w - \alpha \frac{\hat v}{\sqrt{\hat s} + \epsilon} "
    r"\ (\text{Adam})",
    run=run,
    options=PathOptions,
)
