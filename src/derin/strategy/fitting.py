"""Over- and under-fitting in words, with the numbers that led to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from derin.core.messages import capital, say
from derin.strategy.baselines import baseline_sentences
from derin.strategy.numbers import is_share, metric_name, metric_text
from derin.strategy.story import Story, is_number

# Thresholds of what is worth a word; a person who looks at the curves would draw the line about here.
_RISE = 0.1  # of validation loss above its lowest value
_GAP = 0.03  # between shares on training and validation data
_LOSS_GAP = 1.5  # times the training loss, where the headline is no share
_POOR = 0.8  # a share on training data below this is poor
_FALL = 0.1  # of a loss over the last fifth of the epochs


def diagnose(record: Mapping[str, Any], history: Sequence[dict[str, Any]]) -> list[str]:
    """What the curves and measurements of a run say, in sentences, most important first.

    Args:
        record: the contents of ``run.json``.
        history: one record per epoch, as in ``log.jsonl``.

    Example:
        >>> diagnose({"task": {"headline": "loss"}, "metrics": {"train": {"loss": 0.2}}}, [])
        ['Without a validation split nothing can be said about over-fitting.']
    """
    return [*baseline_sentences(record), *fitting_sentences(Story(Path(), record, list(history), {}))]


def fitting_sentences(story: Story) -> list[str]:
    """What training and validation numbers say together, most important first."""
    training, validation = story.curve("train", "loss"), story.curve("val", "loss")
    if "val" not in story.metrics:
        return [say("fit.no_validation")]
    over, compared = _compared(story)
    if len(validation) < 2:
        return [say("fit.too_short"), *map(capital, compared if over else [])]
    rise = _rise(story, training, validation)
    best_epoch = min(validation, key=lambda point: point[1])[0]
    if rise or over:
        first, *rest = [*rise, *(compared if over else [])]
        # Stopping earlier helps only where an earlier epoch was better.
        earlier = best_epoch < validation[-1][0]
        # Only pictures have mirror images.
        kind = "" if story.part("preparation").get("kind") == "picture" else "_numbers"
        remedy = say(f"fit.remedy_stop{kind}", epoch=best_epoch) if earlier else say(f"fit.remedy_over{kind}")
        return [say("fit.over", what=first), *map(capital, rest), remedy]
    return [*(_under(story, training) or map(capital, compared)), *_still_learning(story, validation)]


def _rise(story: Story, training: list[tuple[int, float]], validation: list[tuple[int, float]]) -> list[str]:
    """Validation loss that turned upwards while training loss went on falling."""
    (best, low), (last_epoch, last) = min(validation, key=lambda point: point[1]), validation[-1]
    then, now = dict(training).get(best), dict(training).get(last_epoch)
    if last_epoch - best < 2 or last <= low * (1 + _RISE) or then is None or now is None or now >= then:
        return []
    headline = dict(story.curve("val", story.headline))
    if best in headline and last_epoch in headline:
        gained = headline[last_epoch] - headline[best]
        # Loss that rises beside a headline that does not fall is growing certainty about the same answers.
        if story.headline != "loss" and (gained >= 0 if story.maximize else gained <= 0):
            return []
    sentence = say("fit.rise", epoch=best, low=low, last_epoch=last_epoch, last=last, train_then=then, train_last=now)
    return [sentence]


def _compared(story: Story) -> tuple[bool, list[str]]:
    """Whether training data is known much better than validation data, and both numbers in a sentence."""
    name = story.headline
    train, val = (story.metrics.get(split, {}).get(name) for split in ("train", "val"))
    if is_number(train) and is_number(val):
        words = {
            "metric": metric_name(name),
            "train": metric_text(name, train, story.num_measured("train")),
            "val": metric_text(name, val, story.num_measured("val")),
        }
        if is_share(name):
            bounds = story.interval("val", name)
            # A gap that the interval of the validation number explains is no sign of anything.
            noise = (bounds[1] - bounds[0]) / 2 if bounds else 0.0
            gap = (train - val) if story.maximize else (val - train)
            over = gap > max(_GAP, noise)
            return over, [say("fit.gap" if over else "fit.agree", **words)]
    train_loss, val_loss = (story.metrics.get(split, {}).get("loss") for split in ("train", "val"))
    if is_number(train_loss) and is_number(val_loss) and val_loss > train_loss * _LOSS_GAP and train_loss > 0:
        return True, [say("fit.loss_gap", train=train_loss, val=val_loss, ratio=val_loss / train_loss)]
    return False, [say("fit.agree", **words)] if is_number(train) and is_number(val) else []


def _under(story: Story, training: list[tuple[int, float]]) -> list[str]:
    """A poor result on the very examples that were learned, from a loss that no longer moves."""
    name = story.headline
    value = story.metrics.get("train", {}).get(name)
    if len(training) < 3 or not is_number(value) or not story.maximize or value >= _POOR:
        return []
    before, last = training[-1 - max(1, len(training) // 5)][1], training[-1][1]
    if before - last > _FALL * abs(before):
        return []
    words = {"metric": metric_name(name), "train": metric_text(name, value, story.num_measured("train"))}
    return [say("fit.under", **words, before=before, last=last), say("fit.remedy_under")]


def _still_learning(story: Story, validation: list[tuple[int, float]]) -> list[str]:
    """Validation that was still getting better at the end, in loss and in the headline."""
    span = max(1, len(validation) // 5)
    before, last = validation[-1 - span][1], validation[-1][1]
    headline = [value for _, value in story.curve("val", story.headline)]
    best = (max if story.maximize else min)(headline[-span:] or [0.0]) == (max if story.maximize else min)(
        headline or [0.0]
    )
    is_lowest = last <= min(value for _, value in validation)
    if not (is_lowest and best) or before <= 0 or (before - last) / before < _FALL:
        return []
    return [say("fit.still_learning", epochs=say("epochs.count", count=span), share=(before - last) / before)]
