"""Adversarial examples of a saved network: some to look at, and its metric under attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from derin.api.examples import Examples, examples_for
from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import format_number, translate
from derin.data.batch import Batch
from derin.explain.adversarial import Attack, UnderAttack, measure_under_attack
from derin.explain.adversarial_pictures import Pair, attack_curve, attack_sheet
from derin.explain.pictures import save
from derin.strategy.numbers import metric_name, metric_text
from derin.tasks.adversarial import METHODS, PixelScale, read_epsilon
from derin.tasks.prediction import Answer, Labels, Prediction

if TYPE_CHECKING:
    from derin.api.model import Model

_MOST_SHOWN = 24  # pictures
_SHARES_OF_EPSILON = (0.0, 0.25, 0.5, 1.0, 2.0)  # where the curve is measured


@dataclass(frozen=True, kw_only=True)
class AdversarialReport:
    """What an attack does to a network.

    Args:
        model: the network's name.
        method: the attack.
        epsilon: most that a pixel changes, of a range 0..1.
        target: the class that was aimed at, or None.
        split: of the data.
        num_examples: that were measured.
        headline: the task's metric.
        curve: the metrics at growing ε, the asked one among them.
        pairs: pictures before and after.
    """

    model: str
    method: str
    epsilon: float
    target: str | None
    split: str
    num_examples: int
    headline: str
    curve: tuple[UnderAttack, ...]
    pairs: tuple[Pair, ...]

    def save(self, panel: str | Path, curve: str | Path) -> None:
        """Writes both drawings as .png, .svg or .pdf."""
        title = self._title()
        save(attack_sheet(self.pairs, epsilon=self.epsilon, title=title), Path(panel))
        values = [point.metrics[self.headline] for point in self.curve]
        reached = None
        if self.target is not None:
            reached = (
                translate("adversarial.reached", target=self.target),
                [point.reached or 0.0 for point in self.curve],
            )
        drawn = attack_curve(
            [point.epsilon for point in self.curve],
            [float("nan") if value is None else value for value in values],
            label=translate("adversarial.measured", metric=metric_name(self.headline), count=self.num_examples),
            title=title,
            reached=reached,
            shares=all(value is None or 0 <= value <= 1 for value in values),
        )
        save(drawn, Path(curve))

    def lines(self) -> list[str]:
        """The curve in words."""
        found = []
        for point in self.curve:
            value = metric_text(self.headline, point.metrics[self.headline], self.num_examples)
            facts = {"epsilon": spell_epsilon(point.epsilon), "value": f"{metric_name(self.headline)} {value}"}
            if self.target is None or point.reached is None:
                found.append(translate("adversarial.line", **facts))
            else:
                found.append(translate("adversarial.line_reached", **facts, target=self.target, share=point.reached))
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "epsilon": self.epsilon,
            "target": self.target,
            "split": self.split,
            "num_examples": self.num_examples,
            "headline": self.headline,
            "curve": [
                {"epsilon": point.epsilon, "metrics": point.metrics}
                | ({} if self.target is None else {"reached": point.reached})
                for point in self.curve
            ],
            "pictures": [
                {
                    "input": pair.name,
                    "truth": pair.truth,
                    "before": pair.answers[0],
                    "after": pair.answers[1],
                    "fooled": pair.fooled,
                    "largest_change": float(abs(pair.after - pair.before).max()),
                }
                for pair in self.pairs
            ],
        }

    def _title(self) -> str:
        facts = {"method": self.method.upper(), "epsilon": spell_epsilon(self.epsilon), "model": self.model}
        if self.target is None:
            return translate("adversarial.title", **facts)
        return translate("adversarial.title_targeted", **facts, target=self.target)


def explain_adversarial(
    model: Model,
    data: Any,
    *,
    method: str = "fgsm",
    epsilon: str | float = "8/255",
    target: str | int | None = None,
    num_steps: int = 10,
    split: str | None = None,
    answers: str | None = None,
    num: int | None = 1_000,
    num_shown: int = 8,
    seed: int = 0,
    on_step: Callable[[int, int], None] | None = None,
) -> AdversarialReport:
    """Attacks a network with its own gradients and measures what is left of its metric.

    Args:
        data: whatever `derin.load` takes, with the right answers.
        method: ``"fgsm"`` (one step) or ``"pgd"`` (several).
        epsilon: most that a pixel changes, of a range 0..1; also as ``"8/255"``.
        target: a class by name or number that the network shall see.
        num_steps: of PGD.
        split: None takes the test split where there is one, else all rows.
        answers: the column with the answers, where it cannot be found out.
        num: examples, drawn by the seed; None takes all.
        num_shown: pictures to look at, evenly from first to last.
        seed: of the draw, and of PGD's random start.
        on_step: told how many batches of how many are done.

    Raises:
        UsageError: the network reads no pictures, or a setting that does not fit.
        UnknownNameError: there is no such method or class.
    """
    scale = PixelScale.of(model.preparation)
    if method not in METHODS:
        raise UnknownNameError("attack", method, METHODS)
    size = read_epsilon(epsilon)
    if size == 0:
        raise UsageError("An attack needs an ε above 0, such as 8/255; got 0.")
    if num_steps < 1:
        raise UsageError(f"PGD takes at least one step; got num_steps={num_steps}.")
    if not 1 <= num_shown <= _MOST_SHOWN:
        raise UsageError(f"From 1 to {_MOST_SHOWN} pictures are shown; got num_shown={num_shown}.")
    place = None if target is None else _class_place(model, target)
    how = Attack(method=method, scale=scale, target=place, num_steps=num_steps, seed=seed)
    examples = examples_for(model, data, split=split, target=answers, num=num, seed=seed)
    epsilons = [min(1.0, share * size) for share in _SHARES_OF_EPSILON]
    curve = measure_under_attack(
        model.network, model.task, examples.source, list(dict.fromkeys(epsilons)), how, on_step=on_step
    )
    entry = model.card["model"]
    return AdversarialReport(
        model=str(entry.get("name") or entry.get("class")),
        method=method,
        epsilon=size,
        target=None if place is None else model.task.classes[place],
        split=examples.split,
        num_examples=len(examples.rows),
        headline=model.task.monitor,
        curve=tuple(curve),
        pairs=_pairs(model, examples, how, size, num_shown),
    )


def spell_epsilon(epsilon: float) -> str:
    """ε as a fraction of 255 where it is one.

    Example:
        >>> spell_epsilon(8 / 255), spell_epsilon(0.5 / 255), spell_epsilon(0.03)
        ('8/255', '1/510', '0.03')
    """
    fraction = Fraction(epsilon).limit_denominator(1020)
    if abs(float(fraction) - epsilon) < 1e-9 and 1020 % fraction.denominator == 0 and fraction.denominator > 1:
        steps = fraction * 255
        return f"{steps.numerator}/255" if steps.denominator == 1 else f"{fraction.numerator}/{fraction.denominator}"
    return format_number(epsilon, ".4g")


def _class_place(model: Model, wanted: str | int) -> int:
    """The number of a class given by name or number."""
    classes = model.task.classes
    if not classes:
        raise UsageError(f"A target is a class; the task {model.task.name!r} predicts numbers. Leave it out.")
    if str(wanted) in classes:
        return int(classes.index(str(wanted)))
    if str(wanted).isdecimal() and int(wanted) < len(classes):
        return int(wanted)
    raise UnknownNameError("class", str(wanted), classes)


def _pairs(model: Model, examples: Examples, how: Attack, epsilon: float, num: int) -> tuple[Pair, ...]:
    """Some examples before and after the attack, evenly from first to last, since many data are sorted by class."""
    task, network = model.task, model.network
    places = np.unique(np.linspace(0, len(examples.rows) - 1, num).round().astype(np.int64))
    batch = examples.batch(places)
    changed = Batch({**batch.columns, task.input: how.apply(network, task, batch, epsilon)}, batch.rows)
    with torch.inference_mode():
        said = [task.decode(task.predict(network, one)) for one in (batch, changed)]
    pixels = [how.scale.pixels(one[task.input]).permute(0, 2, 3, 1).float().cpu().numpy() for one in (batch, changed)]
    truths = task.truths(batch[task.target])
    names = [examples.names[place] for place in places]
    wanted = None if how.target is None else task.classes[how.target]
    return tuple(
        Pair(
            name=Path(name).name,
            before=before,
            after=after,
            answers=(_in_words(first), _in_words(second)),
            truth=truth,
            # Who is what was aimed at is not fooled by being taken for it.
            fooled=_label(second) not in (None, truth) and wanted in (None, _label(second)),
        )
        for name, before, after, first, second, truth in zip(names, *pixels, *said, truths, strict=True)
    )


def _label(answer: Answer) -> str | None:
    if isinstance(answer, Prediction):
        return answer.label
    return ", ".join(answer.labels) if isinstance(answer, Labels) else None


def _in_words(answer: Answer) -> str:
    if isinstance(answer, Prediction):
        return f"{answer.label} {format_number(answer.probability, '.0%')}"
    if isinstance(answer, Labels):
        return ", ".join(answer.labels) or translate("value.none")
    return repr(answer)
