"""Input normalization: long contours before, round ones after, and the training set's μ and σ at test time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from derin.api.load import load
from derin.core.errors import UsageError
from derin.data.table import Dense
from derin.layers.options import require_range
from derin.lessons.descent import Place, descend
from derin.lessons.drawing import ORANGE, RED, contours, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Rows
from derin.lessons.training import prepare_plainly

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

# Two measures of unlike size, and a third that they tell something of.
_INPUTS, _TARGET = ("flavanoids", "alcalinity_of_ash"), "alcohol"
_CLOSE = 1e-3  # share of the first cost's excess over the least one at which a descent has arrived


@dataclass(frozen=True, kw_only=True)
class NormalizationOptions:
    """Options of the lesson.

    Args:
        points: rows of x₁, x₂ and the answer; none takes flavanoids, alcalinity of ash and alcohol of 178 wines.
        steps: of gradient descent, at most.
    """

    points: Rows | None = None
    steps: int = 5_000

    def __post_init__(self) -> None:
        require_range("input-normalization", "steps", self.steps, 1, 100_000)
        if self.points and (len(self.points) < 10 or len(self.points[0]) != 3):
            raise UsageError(
                "input-normalization.points must be at least ten rows of x₁, x₂ and the answer; got "
                f'{len(self.points)} rows of {len(self.points[0])}. Write --points "1,20,3; 2,18,5; …".'
            )


@dataclass(frozen=True)
class Descent:
    """Gradient descent on the cost J(w) = ½ mean (Xw − y)² at its best fixed rate.

    Args:
        condition: largest over least curvature: how long the contours are.
        rate: 2 / (largest + least curvature).
        path: the weights before each step and after the last.
        arrived: steps until the cost is within a thousandth of the way to the least one; None when it never is.
        least: the weights of least cost.
    """

    condition: float
    rate: float
    path: Floats
    arrived: int | None
    least: Floats


def run(options: NormalizationOptions) -> Outcome:
    """Normalizes as the product does, compares the descent before and after, and looks at the test split."""
    points = np.array(options.points) if options.points else wines()
    names = ("x_1", "x_2") if options.points else _INPUTS
    prepared = prepare_plainly((points[:, :2], points[:, 2]), model="linear")
    splits = {name: points[rows] for name, rows in prepared.table.splits.items()}
    ready = {
        name: prepared.preparation.to_model_input(prepared.encoded["input"].gather(rows)).double().numpy()
        for name, rows in prepared.table.splits.items()
    }
    (column,) = prepared.preparation.to_json()["inputs"]["input"]["columns"]
    means, scales = np.array(column["means"]), np.array(column["scales"])
    answers = splits["train"][:, 2] - splits["train"][:, 2].mean()
    before = go_down(splits["train"][:, :2], answers, options.steps)
    after = go_down(ready["train"], answers, options.steps)

    never = str(Text(f"more than {options.steps:,}", f"{options.steps:,}'den çok"))
    told = Text(
        "{name}: condition {condition:,.1f}, best rate {rate:.4f}, steps to the minimum: {arrived}",
        "{name}: koşul sayısı {condition:,.1f}, en iyi oran {rate:.4f}, en küçüğe kadar adım: {arrived}",
    )
    lines = [
        Text("{name}: μ = {mean:.2f}, σ = {scale:.2f}", "{name}: μ = {mean:.2f}, σ = {scale:.2f}").fill(
            name=name, mean=mean, scale=scale
        )
        for name, mean, scale in zip(names, means, scales)
    ]
    rows = {}
    for key, name, found in (
        ("before", Text("as measured", "ölçüldüğü gibi"), before),
        ("after", Text("normalized", "normalleştirilmiş"), after),
    ):
        rows[key] = {"condition": found.condition, "rate": found.rate, "steps": found.arrived}
        arrived = never if found.arrived is None else str(found.arrived)
        lines.append(told.fill(name=str(name), condition=found.condition, rate=found.rate, arrived=arrived))
    test = {"mean": ready["test"].mean(axis=0).tolist(), "std": ready["test"].std(axis=0).tolist()}
    lines.append(
        Text(
            "Test rows with the training rows' μ and σ: means {a:+.2f} and {b:+.2f}, not 0: the same wine always "
            "gives the same numbers",
            "Eğitim satırlarının μ ve σ'sıyla test satırları: ortalamalar {a:+.2f} ve {b:+.2f}, 0 değil: aynı şarap "
            "hep aynı sayıları verir",
        ).fill(a=test["mean"][0], b=test["mean"][1])
    )
    figure = new_figure(9.0, 3.9)
    left, right = figure.subplots(1, 2)
    titles = Text("as measured", "ölçüldüğü gibi"), Text("normalized", "normalleştirilmiş")
    draw(left, splits["train"][:, :2], answers, before, str(titles[0]))
    draw(right, ready["train"], answers, after, str(titles[1]))
    numbers = {"means": means.tolist(), "scales": scales.tolist(), **rows, "test": test}
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"contours.png": png(figure)})


def wines() -> Floats:
    """Two measures and the alcohol of every wine."""
    table = load("wine")
    columns = []
    for name in (*_INPUTS, _TARGET):
        data = table[name]
        assert isinstance(data, Dense)
        columns.append(np.asarray(data.values, dtype=np.float64))
    return np.stack(columns, axis=1)


def cost_of(inputs: Floats, answers: Floats, weights: Floats) -> Floats:
    """J at many weights.

    Shapes:
        inputs ``(m, 2)``, answers ``(m,)``, weights ``(..., 2)`` → ``(...)``.
    """
    result: Floats = ((weights @ inputs.T - answers) ** 2).mean(axis=-1) / 2
    return result


def go_down(inputs: Floats, answers: Floats, num_steps: int) -> Descent:
    """The product's plain gradient descent from w = 0 at the rate that is best for a bowl of this shape."""
    curvatures = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))
    if curvatures[0] <= 1e-12 * curvatures[-1]:
        raise UsageError(
            "input-normalization.points: x₁ and x₂ must tell different things; one is a multiple of the other. Change "
            "a row."
        )
    rate = float(2 / (curvatures[0] + curvatures[-1]))
    least = np.linalg.lstsq(inputs, answers)[0].astype(np.float64)
    x, y = torch.from_numpy(np.ascontiguousarray(inputs)), torch.from_numpy(answers)
    place = Place([0.0, 0.0])
    lowest = float(cost_of(inputs, answers, least))
    path, excess = [], []
    for cost in descend(
        place,
        lambda: (x @ place.numbers - y).square().mean() / 2,
        optimizer="sgd",
        learning_rate=rate,
        num_steps=num_steps,
    ):
        path.append(place.tolist())
        excess.append(cost - lowest)
        if excess[-1] <= _CLOSE * excess[0]:
            break
    arrived = len(path) - 1 if excess[-1] <= _CLOSE * excess[0] else None
    return Descent(float(curvatures[-1] / curvatures[0]), rate, np.array(path), arrived, least)


def draw(axes: Axes, inputs: Floats, answers: Floats, found: Descent, title: str) -> None:
    """The cost as contours, with the way down."""
    corners = np.vstack([found.path, found.least])
    middle = found.least
    half = 1.3 * float(np.abs(corners - middle).max())
    first, second = (np.linspace(middle[i] - half, middle[i] + half, 141) for i in (0, 1))
    grid = np.stack(np.meshgrid(first, second), axis=-1)
    contours(axes, first, second, cost_of(inputs, answers, grid))
    way = Text("{n} steps", "{n} adım").fill(n=len(found.path) - 1)
    axes.plot(*found.path.T, "o-", color=ORANGE, markersize=2.5, linewidth=0.8, label=way)
    axes.plot(*middle, "*", color=RED, markersize=11, label=str(Text("minimum", "en küçük")))
    axes.set_aspect("equal")
    axes.locator_params(nbins=6)
    style(axes, title=title, x_label="$w_1$", y_label="$w_2$", grid=False)
    legend(axes, loc="upper right")


LESSON = Lesson(
    name="input-normalization",
    rows=("C6",),
    title=Text("Input normalization: contours before and after", "Girdi normalleştirme: öncesi ve sonrası eşyükselti"),
    about=Text(
        "Inputs of unlike size make the cost a long valley: the rate must be small enough for the steep side and is "
        "then far too small for the flat one, so that descent zigzags. With the mean taken off and the standard "
        "deviation divided out, the contours are nearly round, and a few steps suffice. μ and σ are those of the "
        "training rows and are used again for every other row, as the saved preparation of a network does.",
        "Büyüklükleri farklı girdiler kaybı uzun bir vadiye çevirir: oran dik yana göre küçük olmalıdır, düz yana göre "
        "ise çok küçük kalır; iniş zikzak çizer. Ortalama çıkarılıp standart sapmaya bölününce eğriler neredeyse "
        "yuvarlak olur ve birkaç adım yeter. μ ve σ eğitim satırlarınındır ve bütün öteki satırlarda yine onlar "
        "kullanılır; ağla birlikte kaydedilen hazırlık da böyle yapar.",
    ),
    formula=r"x \leftarrow \frac{x - \mu}{\sigma}, \qquad \mu = \frac{1}{m} \sum_i x^{(i)}, \qquad "
    r"\sigma^2 = \frac{1}{m} \sum_i \big(x^{(i)} - \mu\big)^2",
    run=run,
    options=NormalizationOptions,
)
