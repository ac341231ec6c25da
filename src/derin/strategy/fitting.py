"""Over- and under-fitting in words, with the numbers that led to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from derin.core.messages import capital, translate
from derin.strategy.adversaries import adversary_sentences
from derin.strategy.baselines import baseline_sentences
from derin.strategy.numbers import is_share, metric_name, metric_text
from derin.strategy.record import RunRecord, is_number

# Thresholds of what is worth a word; a person who looks at the curves would draw the line about here.
_RISE = 0.1  # of validation loss above its lowest value
_GAP = 0.03  # between shares on training and validation data
_LOSS_GAP = 1.5  # times the training loss, where the headline is no share
_POOR = 0.8  # a share on training data below this is poor
_FALL = 0.1  # of a loss over the last fifth of the epochs


def diagnose(record: Mapping[str, Any], history: Sequence[dict[str, Any]], run: Path | None = None) -> list[str]:
    """What the curves and measurements of a run say, in sentences, most important first.

    Args:
        record: the contents of ``run.json``.
        history: one record per epoch, as in ``log.jsonl``.
        run: the run's folder, as the user named it.

    Example:
        >>> diagnose({"task": {"headline": "loss"}, "metrics": {"train": {"loss": 0.2}}}, [])
        ['Without a validation split nothing can be said about over-fitting.']
    """
    return [*baseline_sentences(record, run), *fitting_sentences(RunRecord(run or Path(), record, list(history), {}))]


def fitting_sentences(story: RunRecord) -> list[str]:
    """What training, validation and test numbers say together, most important first."""
    if not story.monitor:
        return adversary_sentences(story)
    if "val" not in story.metrics:
        return [translate("fit.no_validation")]
    return [*_about_fit(story), *_apart_from_test(story)]


def _about_fit(story: RunRecord) -> list[str]:
    training, validation = (story.curve(split, "loss", whole=True) for split in ("train", "val"))
    over, compared = _compared(story)
    if len(validation) < 2:
        too_short = translate("fit.too_short_in_part" if story.ends_in_part and not validation else "fit.too_short")
        return [too_short, *map(capital, compared if over else [])]
    rise = _rise(story, training, validation)
    if rise or over:
        first, *rest = [*rise, *(compared if over else [])]
        return [translate("fit.over", what=first), *map(capital, rest), _remedy(story, validation)]
    return [*(_under(story, training) or map(capital, compared)), *_still_learning(story, validation)]


def _remedy(story: RunRecord, validation: list[tuple[int, float]]) -> str:
    """What helps against over-fitting. While validation improves, neither stopping nor a smaller network is advised."""
    # Only pictures have mirror images.
    kind = "" if story.input_kind == "picture" else "_numbers"
    curve = story.curve("val", story.monitor, whole=True)
    best_epoch = _best(curve, maximize=story.maximize) if curve else _best(validation, maximize=False)
    last_epoch = (curve or validation)[-1][0]
    if best_epoch == last_epoch:
        metric = metric_name(story.monitor if curve else "loss")
        return translate(f"fit.remedy_improving{kind}", metric=metric)
    return translate(f"fit.remedy_stop{kind}", epoch=best_epoch)


def _best(curve: list[tuple[int, float]], *, maximize: bool) -> int:
    """The first epoch with the best value."""
    return (max if maximize else min)(curve, key=lambda point: point[1])[0]


def _rise(story: RunRecord, training: list[tuple[int, float]], validation: list[tuple[int, float]]) -> list[str]:
    """Validation loss that turned upwards while training loss went on falling."""
    (best, low), (last_epoch, last) = min(validation, key=lambda point: point[1]), validation[-1]
    then, now = dict(training).get(best), dict(training).get(last_epoch)
    if last_epoch - best < 2 or last <= low * (1 + _RISE) or then is None or now is None or now >= then:
        return []
    monitor = dict(story.curve("val", story.monitor, whole=True))
    if best in monitor and last_epoch in monitor:
        gained = monitor[last_epoch] - monitor[best]
        # Loss that rises beside a headline that does not fall is growing certainty about the same answers.
        if story.monitor != "loss" and (gained >= 0 if story.maximize else gained <= 0):
            return []
    sentence = translate(
        "fit.rise", epoch=best, low=low, last_epoch=last_epoch, last=last, train_then=then, train_last=now
    )
    return [sentence]


def _compared(story: RunRecord) -> tuple[bool, list[str]]:
    """Whether training data is known much better than validation data, and both numbers in a sentence."""
    name = story.monitor
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
            return over, [translate("fit.gap" if over else "fit.agree", **words)]
    train_loss, val_loss = (story.metrics.get(split, {}).get("loss") for split in ("train", "val"))
    if is_number(train_loss) and is_number(val_loss) and val_loss > train_loss * _LOSS_GAP and train_loss > 0:
        ratio, naive = val_loss / train_loss, _naive_ratio(story)
        if naive is not None and ratio <= naive * _LOSS_GAP:
            return False, [translate("fit.harder", train=train_loss, val=val_loss, ratio=ratio, naive=naive)]
        return True, [translate("fit.loss_gap", train=train_loss, val=val_loss, ratio=ratio)]
    return False, [translate("fit.agree", **words)] if is_number(train) and is_number(val) else []


def _naive_ratio(story: RunRecord) -> float | None:
    """How much harder the validation period is than that of training for a forecast that learns nothing."""
    naive = story.part("findings", "naive_mse")
    train, val = naive.get("train"), naive.get("val")
    return val / train if is_number(train) and is_number(val) and train > 0 and val > train else None


def _apart_from_test(story: RunRecord) -> list[str]:
    """Validation and test that lie outside each other's interval: one of them is no sample of the same examples."""
    name = story.monitor
    val, test = (story.metrics.get(split, {}).get(name) for split in ("val", "test"))
    bounds = [story.interval(split, name) for split in ("val", "test")]
    if not (is_number(val) and is_number(test) and bounds[0] and bounds[1]):
        return []
    if bounds[0][0] <= test <= bounds[0][1] or bounds[1][0] <= val <= bounds[1][1]:
        return []
    words = {
        "metric": metric_name(name),
        "val": metric_text(name, val, story.num_measured("val")),
        "test": metric_text(name, test, story.num_measured("test")),
    }
    return [capital(translate("fit.apart_from_test", **words))]


def _under(story: RunRecord, training: list[tuple[int, float]]) -> list[str]:
    """A poor result on the very examples that were learned, from a loss that no longer moves."""
    name = story.monitor
    value = story.metrics.get("train", {}).get(name)
    if len(training) < 3 or not is_number(value) or not story.maximize or value >= _POOR:
        return []
    before, last = training[-1 - max(1, len(training) // 5)][1], training[-1][1]
    if before - last > _FALL * abs(before):
        return []
    words = {"metric": metric_name(name), "train": metric_text(name, value, story.num_measured("train"))}
    stopped = story.record.get("stopped")
    if stopped in ("time", "interrupted"):
        return [translate(f"fit.stopped_{stopped}", **words)]
    return [translate("fit.under", **words, before=before, last=last), translate("fit.remedy_under")]


def _still_learning(story: RunRecord, validation: list[tuple[int, float]]) -> list[str]:
    """Validation that was still getting better at the end, in loss and in the headline."""
    span = max(1, len(validation) // 5)
    before, last = validation[-1 - span][1], validation[-1][1]
    monitor = [value for _, value in story.curve("val", story.monitor, whole=True)]
    best = (max if story.maximize else min)(monitor[-span:] or [0.0]) == (max if story.maximize else min)(
        monitor or [0.0]
    )
    is_lowest = last <= min(value for _, value in validation)
    if not (is_lowest and best) or before <= 0 or (before - last) / before < _FALL:
        return []
    share = (before - last) / before
    if span == 1:
        return [translate("fit.still_learning_last", share=share)]
    return [translate("fit.still_learning", epochs=translate("epochs.count", count=span), share=share)]
