"""Losses over the error that they judge, and examples that count more than others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from derin.core.messages import format_number
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GREEN, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.tasks.losses import REGRESSION_LOSSES, binary_cross_entropy, regression_loss


@dataclass(frozen=True, kw_only=True)
class LossesOptions:
    """Options of the lesson.

    Args:
        errors: o − t of a few examples, for the regression losses.
        probabilities: p of a few examples, for the loss of yes or no.
        answers: the right answer of each, 0 or 1.
        weight: how many times an example counts whose right answer is 1.
    """

    errors: tuple[float, ...] = (0.5, -1.0, 0.25, 8.0)
    probabilities: tuple[float, ...] = (0.9, 0.2, 0.4, 0.1)
    answers: tuple[int, ...] = (1, 0, 1, 0)
    weight: float = 10.0

    def __post_init__(self) -> None:
        require_range("losses", "len(errors)", len(self.errors), 1)
        for error in self.errors:
            require_range("losses", "errors", error, -1e6, 1e6)
        require_range("losses", "weight", self.weight, 1e-6)
        require_range("losses", "len(probabilities)", len(self.probabilities), len(self.answers), len(self.answers))
        for probability, answer in zip(self.probabilities, self.answers):
            require_range("losses", "probabilities", probability, 1e-9, 1 - 1e-9)
            require_range("losses", "answers", answer, 0, 1)


def run(options: LossesOptions) -> Outcome:
    """Measures the examples with every loss, and draws the losses of one example."""
    errors = torch.tensor(options.errors, dtype=torch.float64)
    found = {name: regression_loss(name, errors, torch.zeros_like(errors))[0].item() for name in REGRESSION_LOSSES}
    found["rmse"] = math.sqrt(found["mse"])
    logits = torch.tensor(options.probabilities, dtype=torch.float64).logit()
    answers = torch.tensor(options.answers, dtype=torch.float64)
    found["cross_entropy"] = binary_cross_entropy(logits, answers)[0].item()
    weights = torch.tensor([1.0, options.weight], dtype=torch.float64)
    found["weighted_cross_entropy"] = binary_cross_entropy(logits, answers, class_weights=weights)[0].item()

    names = {
        "mse": "MSE",
        "rmse": "RMSE",
        "mae": "MAE",
        "huber": "Huber",
        "cross_entropy": Text("cross-entropy", "çapraz entropi"),
        "weighted_cross_entropy": Text("the same, a 1 counts {n:g} times", "aynısı, bir 1 {n:g} kez sayılır").fill(
            n=options.weight
        ),
    }
    lines = tuple(f"{name!s:<36} {format_number(found[key], '.4f'):>8}" for key, name in names.items())
    return Outcome(numbers=found, lines=lines, pictures={"losses.png": draw(options)})


def draw(options: LossesOptions) -> bytes:
    """The loss of one example over its error, and over its probability."""
    figure = new_figure(8.4, 3.4)
    left, right = figure.subplots(1, 2)
    errors = np.linspace(-3, 3, 301)
    for name, color in zip(REGRESSION_LOSSES, (BLUE, ORANGE, GREEN)):
        values = [
            regression_loss(name, torch.tensor([e]), torch.zeros(1, dtype=torch.float64))[0].item() for e in errors
        ]
        left.plot(errors, values, color=color, linewidth=2, label=name)
    left.set_ylim(0, 5)
    style(
        left, title=str(Text("An error o − t", "Bir o − t hatası")), x_label="o − t", y_label=str(Text("loss", "kayıp"))
    )
    legend(left)
    probabilities = np.linspace(0.005, 0.995, 199)
    for answer, color in ((1, BLUE), (0, ORANGE)):
        right.plot(probabilities, entropy(probabilities, answer), color=color, linewidth=2, label=f"y = {answer}")
    weighted = options.weight * entropy(probabilities, 1)
    right.plot(probabilities, weighted, color=BLUE, linewidth=1.6, linestyle="--", label=f"y = 1, × {options.weight:g}")
    right.set_ylim(0, 5)
    style(right, title=str(Text("A probability p of 1", "1'in p olasılığı")), x_label="p")
    legend(right, loc="upper center")
    return png(figure)


def entropy(probabilities: Floats, answer: int) -> Floats:
    """Cross-entropy of each probability with the same answer."""
    logits = torch.from_numpy(probabilities).logit()
    return np.array([binary_cross_entropy(z, torch.full_like(z, answer))[0].item() for z in logits])


LESSON = Lesson(
    name="losses",
    rows=("A7",),
    title=Text("Losses, and examples that count more", "Kayıplar ve daha çok sayılan örnekler"),
    about=Text(
        "The squared error lets one large error outweigh all others; the absolute one does not; Huber's is squared "
        "near zero and straight beyond 1. Cross-entropy grows without bound where a network is sure and wrong. A "
        "weight makes a costly class count more: the mean becomes Σ w·l / Σ w.",
        "Kare hatada tek bir büyük hata bütün ötekilere baskın çıkar; mutlak hatada çıkmaz; Huber sıfır yakınında "
        "karedir, 1'in ötesinde düzdür. Ağ emin ve yanlışsa çapraz entropi sınırsız büyür. Ağırlık, pahalı bir sınıfın "
        "daha çok sayılmasını sağlar: ortalama Σ w·l / Σ w olur.",
    ),
    formula=r"\mathrm{MSE} = \tfrac1n\sum (o-t)^2,\quad \mathrm{MAE} = \tfrac1n\sum |o-t|,\quad "
    r"\mathrm{CE} = -\frac{\sum_i w_i\,\big(y_i\log p_i + (1-y_i)\log(1-p_i)\big)}{\sum_i w_i}",
    run=run,
    options=LossesOptions,
)
