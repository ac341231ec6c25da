"""Label smoothing: targets a little below 1, logits that stay finite, and less confident answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from derin.layers.options import require_range
from derin.lessons.descent import Place, descend
from derin.lessons.drawing import BLUE, GRAY, INK, ORANGE, legend, new_figure, png, style
from derin.lessons.lesson import Lesson, Outcome, Text
from derin.lessons.training import prepare_plainly, train_plainly
from derin.tasks.losses import cross_entropy

_CLASSES = 4  # of the example with logits; the digits have ten


@dataclass(frozen=True, kw_only=True)
class SmoothingOptions:
    """Options of the lesson.

    Args:
        smoothing: ε, the share of the target that is spread over all classes.
        learning_rate: of gradient descent on the logits.
        steps: of gradient descent on the logits.
        epochs: of the two trainings on digits.
        seed: of weights and order.
    """

    smoothing: float = 0.1
    learning_rate: float = 1.0
    steps: int = 400
    epochs: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        require_range("label-smoothing", "smoothing", self.smoothing, 0.001, 0.9)
        require_range("label-smoothing", "epochs", self.epochs, 1, 1_000)


def smooth_target(num_classes: int, right: int, smoothing: float) -> list[float]:
    """t = (1 − ε) · one-hot + ε / K.

    Example:
        >>> [round(t, 4) for t in smooth_target(4, 1, 0.1)]
        [0.025, 0.925, 0.025, 0.025]
    """
    share = smoothing / num_classes
    return [1 - smoothing + share if k == right else share for k in range(num_classes)]


def best_gap(num_classes: int, smoothing: float) -> float:
    """How far the right logit lies above the others where the loss is least: ln((1 − ε + ε/K) / (ε/K))."""
    share = smoothing / num_classes
    return math.log((1 - smoothing + share) / share)


def gaps(options: SmoothingOptions, smoothing: float) -> list[float]:
    """The lead of the right logit at each step of descent on one example."""
    logits = Place([0.0] * _CLASSES)
    right = torch.tensor([1])
    found = []
    for _ in descend(
        logits,
        lambda: cross_entropy(logits.numbers[None], right, label_smoothing=smoothing)[0],
        optimizer="sgd",
        learning_rate=options.learning_rate,
        num_steps=options.steps,
    ):
        numbers = logits.tolist()
        found.append(numbers[1] - numbers[0])
    return found


def run(options: SmoothingOptions) -> Outcome:
    """Moves the logits of one example, then trains on digits with and without smoothing."""
    target = smooth_target(_CLASSES, 1, options.smoothing)
    gap = best_gap(_CLASSES, options.smoothing)
    hard, soft = gaps(options, 0.0), gaps(options, options.smoothing)
    spelled = ", ".join(Text("{t:.4g}", "{t:.4g}").fill(t=t) for t in target)
    lines = [
        Text("Target [0, 1, 0, 0] becomes [{target}].", "Hedef [0, 1, 0, 0] şuna dönüşür: [{target}].").fill(
            target=spelled
        ),
        Text(
            "Lead of the right logit after {steps} steps: {hard:.2f} and still growing; smoothed {soft:.3f}, "
            "which stays at ln({high:.4g}/{low:.4g}) = {gap:.3f}",
            "{steps} adım sonra doğru logitin farkı: {hard:.2f} ve hâlâ büyüyor; yumuşatılmış {soft:.3f}, "
            "ln({high:.4g}/{low:.4g}) = {gap:.3f} değerinde kalır",
        ).fill(steps=len(hard) - 1, hard=hard[-1], soft=soft[-1], high=target[1], low=target[0], gap=gap),
    ]
    told = Text(
        "digits, ε = {smoothing:g}: accuracy {accuracy:.1%}, mean confidence {confidence:.1%}, "
        "loss on validation {loss:.3f}",
        "rakamlar, ε = {smoothing:g}: doğruluk {accuracy:.1%}, ortalama güven {confidence:.1%}, "
        "doğrulama kaybı {loss:.3f}",
    )
    rows, confidences = [], []
    for smoothing in (0.0, options.smoothing):
        row, confidence = learn(options, smoothing)
        rows.append(row)
        confidences.append(confidence)
        lines.append(told.fill(**row))
    numbers = {"target": target, "gap": {"limit": gap, "hard": hard[-1], "soft": soft[-1]}, "trainings": rows}
    picture = draw(options, hard, soft, gap, confidences)
    return Outcome(numbers=numbers, lines=tuple(lines), pictures={"confidence.png": picture})


def learn(options: SmoothingOptions, smoothing: float) -> tuple[dict[str, float], np.ndarray]:
    """What a network on digits reaches, and how sure it is of each validation example."""
    prepared = prepare_plainly(
        "digits",
        model="mlp",
        label_smoothing=smoothing,
        learning_rate=0.01,
        epochs=options.epochs,
        seed=options.seed,
    )
    last = train_plainly(prepared).history[-1]["val"]
    network = prepared.model.eval()
    with torch.no_grad():
        sure = [
            prepared.task.predict(network, batch)["probabilities"].amax(dim=1)
            for batch in prepared.split_source("val").batches(0)
        ]
    confidence: np.ndarray = torch.cat(sure).numpy()
    row = {"smoothing": smoothing, "accuracy": float(last["accuracy"]), "loss": float(last["loss"])}
    return row | {"confidence": float(confidence.mean())}, confidence


def draw(
    options: SmoothingOptions, hard: list[float], soft: list[float], gap: float, confidences: list[np.ndarray]
) -> bytes:
    """The lead of the right logit over the steps, and how sure the networks are."""
    figure = new_figure(9.0, 3.2)
    left, right = figure.subplots(1, 2)
    left.plot(hard, color=GRAY, label="ε = 0")
    left.plot(soft, color=ORANGE, label=f"ε = {options.smoothing:g}")
    left.axhline(gap, color=INK, linewidth=0.8, linestyle=":")
    title = Text("Lead of the right logit", "Doğru logitin farkı")
    style(left, title=str(title), x_label=str(Text("step", "adım")))
    legend(left, loc="lower right")
    bins = np.linspace(0, 1, 26)
    labels = ["ε = 0", f"ε = {options.smoothing:g}"]
    right.hist(confidences, bins=list(bins), color=[GRAY, BLUE], label=labels)
    style(
        right,
        title=str(Text("Confidence on validation digits", "Doğrulama rakamlarında güven")),
        x_label=str(Text("largest probability", "en büyük olasılık")),
        y_label=str(Text("digits", "rakam sayısı")),
    )
    legend(right, loc="upper left")
    return png(figure)


LESSON = Lesson(
    name="label-smoothing",
    rows=("C8",),
    title=Text("Label smoothing", "Etiket yumuşatma"),
    about=Text(
        "With a target of exactly 1 the loss is least at infinity: the logits grow as long as one trains, and the "
        "network is sure even where it is wrong. Smoothing gives the right class 1 − ε + ε/K and every other ε/K; then "
        "the best lead of the right logit is finite, and so is the confidence. In validation the loss is that of the "
        "hard label.",
        "Hedef tam 1 olunca kayıp sonsuzda en küçüktür: eğitim sürdükçe logitler büyür ve ağ yanıldığı yerde bile "
        "emindir. Yumuşatma doğru sınıfa 1 − ε + ε/K, ötekilere ε/K verir; böylece doğru logitin en iyi farkı ve güven "
        "sonlu olur. Doğrulamadaki kayıp sert etiketinkidir.",
    ),
    formula=r"t_k = (1 - \varepsilon)\, [k = y] + \frac{\varepsilon}{K}, \qquad "
    r"z_y - z_k = \ln \frac{1 - \varepsilon + \varepsilon / K}{\varepsilon / K}",
    run=run,
    options=SmoothingOptions,
)
