"""Learning-rate decay: every schedule of the product as a table and a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derin.core.errors import UsageError
from derin.layers.options import require_range
from derin.lessons.drawing import COLORS, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.train.schedules import Schedule, build_schedule

# Examples per epoch: only ratios count, and this is fine enough to draw with.
_PER_EPOCH = 100
_TOLD_EPOCHS = 5


@dataclass(frozen=True, kw_only=True)
class DecayOptions:
    """Options of the lesson.

    Args:
        schedules: names with their settings, as derin train takes them.
        learning_rate: the first rate α₀.
        epochs: of the whole training.
        warmup: share of training over which the rates rise from nothing; one-cycle has its own.
    """

    schedules: tuple[str, ...] = (
        "inverse:k=1",
        "exponential:base=0.95",
        "inverse-sqrt:k=1",
        "step:every=5,factor=0.5",
        "manual:8=0.05,14=0.01",
        "linear",
        "cosine",
        "one-cycle",
    )
    learning_rate: float = 0.2
    epochs: int = 20
    warmup: float = 0.0

    def __post_init__(self) -> None:
        require_range("learning-rate-decay", "epochs", self.epochs, 1, 100_000)
        if not self.schedules:
            raise UsageError('learning-rate-decay.schedules must name at least one; got none. Write ["cosine"].')


def run(options: DecayOptions) -> Outcome:
    """The rate at the start of the first epochs, and the curve over all of them."""
    told = range(min(_TOLD_EPOCHS, options.epochs))
    header = Text("schedule", "takvim").fill().ljust(26) + "".join(f"{f'e = {epoch}':>9}" for epoch in told)
    lines, rows = [header], []
    figure = new_figure(9.0, 3.6)
    panels = figure.subplots(1, 2, sharey=True)
    for place, text in enumerate(options.schedules):
        schedule = build(text, options)
        rates = [schedule(epoch * _PER_EPOCH) for epoch in range(options.epochs)]
        rows.append({"schedule": text, "rates": rates})
        spelled = Text("{rate:9.3f}", "{rate:9.3f}")
        lines.append(text.ljust(26) + "".join(spelled.fill(rate=rates[epoch]) for epoch in told))
        along = np.arange(options.epochs * _PER_EPOCH)
        half = (len(options.schedules) + 1) // 2
        panels[place // half].plot(
            along / _PER_EPOCH,
            [schedule(int(seen)) for seen in along],
            color=COLORS[place % half % len(COLORS)],
            linewidth=1.8,
            label=text,
        )
    for axes in panels:
        style(axes, x_label=str(Text("epochs", "epok")))
        if axes.lines:
            legend(axes)
    style(
        panels[0],
        title=str(Text("Learning rate over training", "Eğitim boyunca öğrenme oranı")),
        x_label=str(Text("epochs", "epok")),
        y_label="α",
    )
    return Outcome(numbers={"schedules": rows}, lines=tuple(lines), pictures={"rates.png": png(figure)})


def build(text: str, options: DecayOptions) -> Schedule:
    """A schedule of the product; the warm-up is left to those that have none of their own."""
    return build_schedule(
        text,
        learning_rate=options.learning_rate,
        total_examples=options.epochs * _PER_EPOCH,
        examples_per_epoch=_PER_EPOCH,
        warmup=0.0 if text.startswith("one-cycle") else options.warmup,
    )


LESSON = Lesson(
    name="learning-rate-decay",
    rows=("B4",),
    title=Text("Learning-rate decay", "Öğrenme oranının azaltılması"),
    about=Text(
        "Large steps at the start, small ones near the minimum, where the noise of mini-batches would else keep the "
        "weights wandering. With α₀ = 0.2 and k = 1 the first form gives 0.2, 0.1, 0.067, 0.05, 0.04. The others "
        "fall by a factor per epoch, with the root of the epoch, in stairs, by hand, along a line or a cosine; "
        "one-cycle warms up first. Steps are computed at the start of each epoch or at each step, as the curve shows.",
        "Başta büyük adımlar, en küçük noktanın yakınında küçük adımlar: yoksa mini yığınların gürültüsü ağırlıkları "
        "hep dolaştırır. α₀ = 0,2 ve k = 1 ile ilk biçim 0,2, 0,1, 0,067, 0,05, 0,04 verir. Ötekiler her epokta bir "
        "çarpanla, epokun köküyle, basamak basamak, elle, bir doğru ya da kosinüs boyunca azalır; one-cycle önce "
        "ısınır. Oran, eğride görüldüğü gibi ya epok başında ya her adımda hesaplanır.",
    ),
    formula=r"\alpha = \frac{\alpha_0}{1 + k e}, \quad \alpha = 0.95^{\,e} \alpha_0, \quad "
    r"\alpha = \frac{k}{\sqrt{e + 1}} \alpha_0, \quad \alpha = \alpha_0 \cdot 0.5^{\lfloor e / 5 \rfloor}, \quad "
    r"\alpha = \frac{\alpha_0}{2} \Big(1 + \cos \frac{\pi t}{T}\Big)",
    run=run,
    options=DecayOptions,
)
