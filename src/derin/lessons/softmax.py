"""Softmax and cross-entropy: from scores to probabilities, to a loss, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from derin.core.errors import UsageError
from derin.core.messages import format_number
from derin.layers.activations import activation
from derin.layers.options import require_range
from derin.lessons.drawing import BLUE, GRAY, ORANGE, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.numbers import Floats
from derin.tasks.losses import cross_entropy


@dataclass(frozen=True, kw_only=True)
class SoftmaxOptions:
    """Options of the lesson.

    Args:
        scores: z, one number per class.
        target: the right class, counted from 1.
        answer: probabilities of another network, to be judged.
        answer_target: the class that is right for them, counted from 1.
    """

    scores: tuple[float, ...] = (5.0, 2.0, -1.0, 3.0)
    target: int = 1
    answer: tuple[float, ...] = (0.3, 0.2, 0.1, 0.4)
    answer_target: int = 2

    def __post_init__(self) -> None:
        for name, values in (("scores", self.scores), ("answer", self.answer)):
            require_range("softmax", f"len({name})", len(values), 1, 50)
        for score in self.scores:
            require_range("softmax", "scores", score, -100, 100)
        require_range("softmax", "target", self.target, 1, len(self.scores))
        require_range("softmax", "answer_target", self.answer_target, 1, len(self.answer))
        if min(self.answer) <= 0 or abs(math.fsum(self.answer) - 1) > 1e-6:
            raise UsageError(f"softmax.answer must be probabilities above 0 with the sum 1; got {self.answer}.")


def run(options: SoftmaxOptions) -> Outcome:
    """Softmax, loss and dz of the scores; the loss of the other answer."""
    z = torch.tensor([options.scores], dtype=torch.float64, requires_grad=True)
    probabilities = activation("softmax")(z).detach().numpy()[0]
    loss, _ = cross_entropy(z, torch.tensor([options.target - 1]))
    (gradient,) = torch.autograd.grad(loss, z)
    dz = gradient.numpy()[0]
    # The logarithm of probabilities is a vector of scores that gives them back.
    logarithms = torch.tensor([options.answer], dtype=torch.float64).log()
    other, _ = cross_entropy(logarithms, torch.tensor([options.answer_target - 1]))

    powers = np.exp(options.scores)
    lines = (
        _row("z", np.array(options.scores), ".3g"),
        _row("e^z", powers, ".1f") + Text(",  their sum {s:.1f}", ",  toplamları {s:.1f}").fill(s=float(powers.sum())),
        _row("ŷ", probabilities, ".3f"),
        _row("dz = ŷ − y", dz, "+.3f"),
        Text("loss −log ŷ of class {k}: {loss:.3f}", "{k}. sınıf için kayıp −log ŷ: {loss:.3f}").fill(
            k=options.target, loss=loss.item()
        ),
        Text(
            "ŷ = {answer}, right is class {k}: loss {loss:.3f}", "ŷ = {answer}, doğrusu {k}. sınıf: kayıp {loss:.3f}"
        ).fill(answer=_vector(np.array(options.answer), "g"), k=options.answer_target, loss=other.item()),
    )
    return Outcome(
        numbers={
            "probabilities": probabilities.tolist(),
            "dz": dz.tolist(),
            "loss": loss.item(),
            "loss_of_answer": other.item(),
        },
        lines=lines,
        pictures={"softmax.png": draw(options, powers, probabilities, dz)},
    )


def _row(name: str, values: Floats, spec: str) -> str:
    return f"{name:<10} = {_vector(values, spec)}"


def _vector(values: Floats, spec: str) -> str:
    # Turkish writes 0,5, so that numbers are parted by semicolons.
    return "[" + "; ".join(format_number(value, spec) for value in values.tolist()) + "]"


def draw(options: SoftmaxOptions, powers: Floats, probabilities: Floats, dz: Floats) -> bytes:
    """Scores, their powers, probabilities and the gradient, class by class."""
    figure = new_figure(9.2, 2.7)
    classes = np.arange(1, len(powers) + 1)
    colors = [ORANGE if number == options.target else BLUE for number in classes]
    panels = figure.subplots(1, 4)
    for axes, values, title, spec in zip(
        panels,
        (np.array(options.scores), powers, probabilities, dz),
        ("z", "$e^z$", "ŷ = $e^z$ / Σ $e^z$", "dz = ŷ − y"),
        ("g", ".1f", ".3f", ".3f"),
    ):
        bars = axes.bar(classes, values, color=colors, width=0.65)
        axes.bar_label(bars, [format(value, spec).replace("-", "−") for value in values], fontsize=8, padding=2)
        axes.axhline(0, color=GRAY, linewidth=0.8)
        axes.set_xticks(classes)
        axes.margins(y=0.2)
        style(axes, title=title, x_label=str(Text("class", "sınıf")))
    return png(figure)


LESSON = Lesson(
    name="softmax",
    rows=("A10",),
    title=Text("Softmax and its loss", "Softmax ve kaybı"),
    about=Text(
        "Softmax turns scores into probabilities: powers of e, divided by their sum. The loss looks at the right class "
        "alone, −log of its probability, and yet moves all scores: its gradient is simply ŷ − y.",
        "Softmax puanları olasılıklara çevirir: e'nin kuvvetleri, toplamlarına bölünür. Kayıp yalnız doğru sınıfa "
        "bakar, olasılığının −log'udur; yine de bütün puanları oynatır: gradyanı yalnızca ŷ − y eder.",
    ),
    formula=r"\hat y_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad \mathcal L = -\sum_i y_i \log \hat y_i, \qquad "
    r"dz = \hat y - y",
    run=run,
    options=SoftmaxOptions,
)
