"""One parameter going down: a rate too small, one too large, and momentum leaving a local minimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, INK, ORANGE, RED, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.paths import Path, follow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAR = 1e3  # beyond this a descent is not drawn


@dataclass(frozen=True, kw_only=True)
class OneParameterOptions:
    """Options of the lesson.

    Args:
        small: the rate that is too small for w²/2.
        large: the rate that is too large for w²/2: above 2.
        rate: for the curve with a local minimum, with and without momentum.
        momentum: β.
        steps: of the first two; the others take five times as many.
    """

    small: float = 0.02
    large: float = 2.1
    rate: float = 0.1
    momentum: float = 0.9
    steps: int = 20

    def __post_init__(self) -> None:
        require_range("one-parameter", "small", self.small, 0.0, 2.0)
        require_range("one-parameter", "large", self.large, 0.0)
        require_range("one-parameter", "rate", self.rate, 0.0)
        require_range("one-parameter", "momentum", self.momentum, 0.0, 0.999)
        require_range("one-parameter", "steps", self.steps, 1, 10_000)


def bowl(w: Tensor) -> Tensor:
    """w²/2, whose curvature is 1 everywhere."""
    return w.square() / 2


def hump(w: Tensor) -> Tensor:
    """w²/20 + 1 − cos w: local minima at about ±5.7, the least one at 0.

    Example:
        >>> hump(torch.tensor(0.0)).item()
        0.0
    """
    return w.square() / 20 + 1 - w.cos()


def run(options: OneParameterOptions) -> Outcome:
    """Four descents, each drawn on its curve."""
    slow = walk(bowl, 4.0, "sgd", options.small, options)
    wild = walk(bowl, 1.0, "sgd", options.large, options)
    stuck = walk(hump, 9.0, "sgd", options.rate, options, longer=5)
    free = walk(hump, 9.0, "momentum", options.rate, options, longer=5)
    figure = new_figure(9.0, 5.0)
    titles = (
        Text("rate too small: {rate:g}", "oran çok küçük: {rate:g}").fill(rate=options.small),
        Text("rate too large: {rate:g}", "oran çok büyük: {rate:g}").fill(rate=options.large),
        str(Text("without momentum", "momentum yok")),
        Text("with momentum β = {beta:g}", "momentum β = {beta:g} ile").fill(beta=options.momentum),
    )
    walks = ((bowl, slow, BLUE), (bowl, wild, RED), (hump, stuck, ORANGE), (hump, free, BLUE))
    for axes, title, (height, path, color) in zip(figure.subplots(2, 2).flat, titles, walks, strict=True):
        draw(axes, height, path, title, color)
    ends = {"slow": slow, "wild": wild, "stuck": stuck, "free": free}
    told = Text(
        "{title:<26} from w = {start:g}: after {steps} steps w = {end:.2f}, J = {cost:.2f}",
        "{title:<26} w = {start:g}'den: {steps} adım sonra w = {end:.2f}, J = {cost:.2f}",
    )
    rows = {
        name: {
            "start": float(path.places[0, 0]),
            "steps": len(path.costs) - 1,
            "end": float(path.places[-1, 0]),
            "cost": float(path.costs[-1]),
        }
        for name, path in ends.items()
    }
    lines = tuple(told.fill(title=title, **row) for title, row in zip(titles, rows.values(), strict=True))
    return Outcome(numbers=rows, lines=lines, pictures={"descents.png": png(figure)})


def walk(
    height: Callable[[Tensor], Tensor],
    start: float,
    optimizer: str,
    rate: float,
    options: OneParameterOptions,
    *,
    longer: int = 1,
) -> Path:
    """A descent of the product's optimizer on a curve."""
    return follow(
        lambda w: height(w).sum(),
        (start,),
        optimizer=optimizer,
        learning_rate=rate,
        num_steps=longer * options.steps,
        momentum=options.momentum,
    )


def draw(axes: Axes, height: Callable[[Tensor], Tensor], path: Path, title: str, color: str) -> None:
    """A curve with the places of a descent on it."""

    def on_curve(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        values: npt.NDArray[np.float64] = height(torch.from_numpy(places)).numpy()
        return values

    seen = path.places[np.abs(path.places) < _FAR]
    half = 1.15 * float(np.abs(seen).max())
    along = np.linspace(-half, half, 400)
    axes.plot(along, on_curve(along), color=INK, linewidth=1)
    axes.plot(seen, on_curve(seen), "o-", color=color, markersize=3.5, linewidth=0.8)
    axes.plot(seen[:1], on_curve(seen[:1]), "s", color=INK, markersize=6, label=str(Text("start", "başlangıç")))
    style(axes, title=title, x_label="w", y_label="J")
    legend(axes, loc="upper center")


LESSON = Lesson(
    name="one-parameter",
    rows=("B5",),
    title=Text("One parameter: the rate, and a local minimum", "Tek parametre: öğrenme oranı ve yerel en küçük"),
    about=Text(
        "On w²/2 a step multiplies w by 1 − α. With a small rate that is nearly 1, and the descent does not arrive; "
        "above α = 2 it is below −1, and every step leads further up the other side. On a curve with a hump, plain "
        "descent ends in the first hollow. Momentum keeps some of its speed, rolls over the hump and reaches the "
        "lowest place.",
        "w²/2 üzerinde bir adım w'yi 1 − α ile çarpar. Küçük oranda bu neredeyse 1'dir ve iniş varamaz; α = 2'nin "
        "üstünde −1'den küçüktür ve her adım karşı yamaçta daha yukarı çıkarır. Tümsekli bir eğride düz iniş ilk "
        "çukurda biter. Momentum hızının bir bölümünü korur, tümseği aşar ve en alçak yere varır.",
    ),
    formula=r"w_t = (1 - \alpha)^t\, w_0 \ \text{on } \tfrac{1}{2} w^2, \qquad v \leftarrow \beta v + g, \quad "
    r"w \leftarrow w - \alpha v",
    run=run,
    options=OneParameterOptions,
)
