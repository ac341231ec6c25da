"""Linear regression: a line through points, and the way downhill on the surface of its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers import Dense
from derin.lessons.descent import descend
from derin.lessons.drawing import BLUE, GRAY, INK, ORANGE, RED, contours, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats, Rows
from derin.models.sequential import Sequential
from derin.tasks.losses import regression_loss

Line = tuple[float, float]  # slope m and bias b


@dataclass(frozen=True, kw_only=True)
class LinearRegressionOptions:
    """Options of the lesson.

    Args:
        points: rows of x and y.
        m: slope of the line to begin with.
        b: its bias.
        beside: slope and bias of another line to be measured.
        optimizer: which rule moves m and b.
        learning_rate: of the optimizer; none takes 1.4 over the largest curvature of the bowl for plain descent and
            momentum, which explode above 2 over it, and 0.1 for the others.
        momentum: of those optimizers that have one.
        steps: of the optimizer, over all points at once.
    """

    points: Rows = ((1.0, 3.0), (2.0, 5.0))
    m: float = -1.0
    b: float = 5.0
    beside: tuple[float, float] = (-1.0, 4.0)
    optimizer: str = "sgd"
    learning_rate: float | None = None
    momentum: float = 0.9
    steps: int = 300

    def __post_init__(self) -> None:
        if not self.points or any(len(row) != 2 for row in self.points):
            raise UsageError(
                f'linear-regression.points must be rows of x and y; got {self.points}. Write --points "1,3; 2,5".'
            )


def run(options: LinearRegressionOptions) -> Outcome:
    """Measures two lines, goes downhill from the first with and without a bias, and draws both ways to see it."""
    x, y = (np.array(column) for column in zip(*options.points))
    first: Line = (options.m, options.b)
    measured = [measure(line, x, y) for line in (first, options.beside)]
    rate = options.learning_rate if options.learning_rate is not None else suitable_rate(options.optimizer, x)
    path = descent(options, rate, bias=True)
    flat = descent(options, rate, bias=False)
    (m, b, mse), (through_zero, _, mse_through_zero) = path[-1], flat[-1]

    told = Text(
        "m = {m:g}, b = {b:g}: predictions {all}, MSE {mse:.4g}, RMSE {rmse:.3g}",
        "m = {m:g}, b = {b:g}: tahminler {all}, MSE {mse:.4g}, RMSE {rmse:.3g}",
    )
    reached = Text(
        "{n} steps of {optimizer} at rate {rate:.3g} reach m = {m:.5g}, b = {b:.5g}: MSE {mse:.2g}",
        "{rate:.3g} oranıyla {n} adımda {optimizer}: m = {m:.5g}, b = {b:.5g}, MSE {mse:.2g}",
    )
    without = Text("without a bias: m = {m:.5g}, MSE {mse:.4g}", "yan (bias) olmadan: m = {m:.5g}, MSE {mse:.4g}")
    lines = [
        told.fill(
            m=found["m"],
            b=found["b"],
            all="; ".join(format_number(p, "g") for p in found["predictions"][:6]),
            mse=found["mse"],
            rmse=found["rmse"],
        )
        for found in measured
    ]
    lines.append(reached.fill(rate=rate, n=len(path) - 1, optimizer=options.optimizer, m=m, b=b, mse=mse))
    lines.append(without.fill(m=through_zero, mse=mse_through_zero))
    if len(path) <= options.steps or mse > path[0][2]:
        lines.append(
            str(Text("The loss exploded: lower the learning rate.", "Kayıp patladı: öğrenme oranını düşürün."))
        )
    return Outcome(
        numbers={
            "measured": measured,
            "fitted": {"m": m, "b": b, "mse": mse},
            "fitted_without_bias": {"m": through_zero, "mse": mse_through_zero},
            "learning_rate": rate,
            "path": [list(place) for place in path],
        },
        lines=tuple(lines),
        pictures={"descent.png": draw(x, y, first, path, through_zero, options.optimizer, rate)},
    )


def measure(line: Line, x: Floats, y: Floats) -> dict[str, Any]:
    """Predictions y = m x + b of a line, their mean squared error and its root."""
    m, b = line
    predictions = m * x + b
    mse, _ = regression_loss("mse", torch.from_numpy(predictions), torch.from_numpy(y))
    return {"m": m, "b": b, "predictions": predictions.tolist(), "mse": mse.item(), "rmse": math.sqrt(mse.item())}


def suitable_rate(optimizer: str, x: Floats) -> float:
    """A rate at which descent on this bowl does not explode.

    The second derivatives of the MSE are 2/n Σx², 2/n Σx and 2; its largest curvature is their largest eigenvalue.
    """
    if optimizer not in ("sgd", "momentum", "nesterov"):
        return 0.1
    bends = 2 * np.array([[np.mean(x**2), x.mean()], [x.mean(), 1.0]])
    return 1.4 / float(np.linalg.eigvalsh(bends)[-1])


def descent(options: LinearRegressionOptions, rate: float, *, bias: bool) -> list[tuple[float, float, float]]:
    """m, b and MSE at the start and after every step."""
    table = torch.tensor(options.points, dtype=torch.float64)
    inputs, targets = table[:, :1], table[:, 1:]
    network = Sequential([Dense(1, bias=bias)], input_shape=(1,)).double()
    slope = network.get_parameter("dense_1.weight")
    shift = network.get_parameter("dense_1.bias") if bias else torch.zeros(1)
    with torch.no_grad():
        slope.fill_(options.m)
        if bias:
            shift.fill_(options.b)
    costs = descend(
        network,
        lambda: regression_loss("mse", network(inputs), targets)[0],
        optimizer=options.optimizer,
        learning_rate=rate,
        num_steps=options.steps,
        momentum=options.momentum,
    )
    return [(slope.item(), shift.item(), cost) for cost in costs]


def draw(
    x: Floats,
    y: Floats,
    first: Line,
    path: list[tuple[float, float, float]],
    through_zero: float,
    optimizer: str,
    rate: float,
) -> bytes:
    """The points with their lines, and the loss over slope and bias with the way that was taken."""
    figure = new_figure(8.4, 3.8)
    left, right = figure.subplots(1, 2)
    ends = np.array([min(0.0, x.min()), x.max() + 0.15 * (np.ptp(x) or 1.0)])
    m, b, _ = path[-1]
    for line, color, dashes, name in (
        (first, GRAY, "--", Text("at first", "başta")),
        ((through_zero, 0.0), ORANGE, "-", Text("without bias", "bias olmadan")),
        ((m, b), BLUE, "-", Text("with bias", "yanlı")),
    ):
        left.plot(ends, line[0] * ends + line[1], color=color, linestyle=dashes, linewidth=1.8, label=str(name))
    left.scatter(x, y, color=INK, s=36, zorder=3)
    style(left, title=str(Text("Points and lines", "Noktalar ve doğrular")), x_label="x", y_label="y")
    legend(left)

    best_m, best_b = np.polyfit(x, y, 1) if np.ptp(x) else (0.0, y.mean())
    half_m, half_b = (1.35 * max(abs(start - best), 0.7) for start, best in ((first[0], best_m), (first[1], best_b)))
    slopes = np.linspace(best_m - half_m, best_m + half_m, 90)
    biases = np.linspace(best_b - half_b, best_b + half_b, 90)
    errors = slopes[None, :, None] * x + biases[:, None, None] - y
    contours(right, slopes, biases, (errors**2).mean(axis=-1))
    way = np.array(path)
    right.plot(way[:, 0], way[:, 1], color=ORANGE, linewidth=1.3, marker="o", markersize=2.6)
    right.plot(*first, "o", color=INK, markersize=6)
    right.plot(best_m, best_b, "*", color=RED, markersize=11)
    right.set_xlim(slopes[0], slopes[-1])
    right.set_ylim(biases[0], biases[-1])
    title = Text("MSE over (m, b), {optimizer}, rate {rate:.3g}", "(m, b) üzerinde MSE, {optimizer}, oran {rate:.3g}")
    style(
        right,
        title=title.fill(optimizer=optimizer, rate=rate),
        x_label="m",
        y_label="b",
        grid=False,
    )
    return png(figure)


LESSON = Lesson(
    name="linear-regression",
    rows=("A2",),
    title=Text("Linear regression on its loss surface", "Kayıp yüzeyi üzerinde doğrusal regresyon"),
    about=Text(
        "A line y = mx + b is judged by its mean squared error. Over (m, b) this loss is a bowl, and each step of the "
        "optimizer goes down it. Without a bias the line must pass through the origin, and its error stays larger.",
        "y = mx + b doğrusu ortalama kare hatasıyla değerlendirilir. Bu kayıp (m, b) üzerinde bir çanaktır ve "
        "eniyileyicinin her adımı çanakta aşağı iner. Yan (bias) olmadan doğru orijinden geçmek zorundadır ve hatası "
        "daha büyük kalır.",
    ),
    formula=r"\hat y = m x + b, \qquad \mathrm{MSE} = \frac{1}{n}\sum_i (\hat y_i - y_i)^2, \qquad "
    r"\frac{\partial\,\mathrm{MSE}}{\partial m} = \frac{2}{n}\sum_i (\hat y_i - y_i)\,x_i, \qquad "
    r"\frac{\partial\,\mathrm{MSE}}{\partial b} = \frac{2}{n}\sum_i (\hat y_i - y_i)",
    run=run,
    options=LinearRegressionOptions,
)
