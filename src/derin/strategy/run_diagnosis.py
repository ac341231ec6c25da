"""The diagnosis of a run from its own record: which numbers are errors, how surely they are known, what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from derin.core.errors import UnknownNameError, UsageError
from derin.core.messages import capital, catalogue, translate
from derin.strategy.baselines import baseline_sentences
from derin.strategy.curves import Curves
from derin.strategy.diagnosis import Diagnosis, Measured, diagnose_errors
from derin.strategy.diagnosis_text import error_text, verdict
from derin.strategy.human_error import MAJORITY, HumanError
from derin.strategy.making import making_sentences
from derin.strategy.numbers import best_is_one, metric_name
from derin.strategy.record import RunRecord, is_number
from derin.strategy.remedies import has_given_dev, with_remedies

_SETS = {"train": "train", "traindev": "traindev", "val": "dev", "test": "test"}
# Shares whose mistakes are counted example by example.
_COUNTED = ("accuracy", "top5_accuracy", "subset_accuracy", "exact_match", "rank_1")
# Of people one answer to each example is measured, and so the error of these alone can be held against it.
_OF_ONE_ANSWER = ("accuracy",)
_LOWER_IS_BETTER = ("hamming_loss", "eer", "ece", "brier", "nme", "nme_median")
_OUT_OF_100 = ("bleu", "chrf")
_MATERIAL = 0.01  # of an error between 0 and 1
_MATERIAL_SHARE = 0.05  # of the dev error, where errors have a unit


def diagnose_record(
    story: RunRecord,
    *,
    levels: Mapping[str, float | Measured] | None = None,
    reference: str | None = None,
    material: float | None = None,
    metric: str | None = None,
) -> Diagnosis:
    """What is wrong with a run and what to try next.

    Args:
        story: the run.
        levels: reference errors by name; None takes those of people that ``derin label`` measured, if it did.
        reference: the level to measure against in place of the smallest.
        material: what is smaller is called nothing; None takes one percent point, or 5 % of the dev error where errors
            have a unit.
        metric: in place of that by which the run's states were compared.

    Raises:
        UsageError: the run has no validation split, or nothing that is an error.
        UnknownNameError: there is no such metric or level.
    """
    name = metric or story.monitor
    if not name:
        raise UsageError(
            f"The run {story.path} learns from two networks against each other and has no error to diagnose."
        )
    for split in ("train", "val"):
        if split not in story.metrics:
            raise UsageError(
                f"A diagnosis compares training and validation; the run {story.path} has no measurement of {split}. "
                "Train on data with a validation split."
            )
    if name not in story.metrics["val"]:
        raise UnknownNameError(f"metric of the run {story.path}", name, story.metrics["val"])
    in_percent = best_is_one(name) or name.rpartition("/")[2] in _OUT_OF_100
    errors, notes = _errors(story, name, in_percent)
    for split in ("train", "dev"):
        if split not in errors:
            raise UsageError(f"The run {story.path} has no finite {name} of {split}; name another metric (--metric).")
    if metric is not None or not in_percent or name.rpartition("/")[2] not in _COUNTED:
        notes.append(translate("diagnosis.metric", error=_error_name(story, name, in_percent)))
    known = {n: _level(n, value, in_percent) for n, value in (levels or {}).items()}
    measured = story.human if not known and name in _OF_ONE_ANSWER else None
    if measured is not None:
        known = measured.levels
    if not known and not in_percent and (other := _other_method(story, name, errors["train"].value)) is not None:
        known = {other[0]: Measured.exact(other[1])}
    found = diagnose_errors(
        errors,
        levels=known,
        reference=reference,
        material=_material(errors, in_percent) if material is None else material,
        bias_is_known=in_percent,
    )
    found = replace(found, metric=name, in_percent=in_percent)
    if measured is not None:
        notes.insert(0, _about_people(found, measured))
    elif not levels:
        notes.insert(0, _about_reference(found))
    if "traindev" not in errors and has_given_dev(story):
        notes.append(translate("diagnosis.given_dev"))
    return with_remedies(replace(found, notes=tuple(notes)), story)


def run_sentences(record: Mapping[str, Any], history: list[dict[str, Any]], run: Path | None = None) -> list[str]:
    """What the numbers and curves of a run say, most important first, as they stand at the end of training.

    Args:
        record: the contents of ``run.json``.
        history: one record per epoch, as in ``log.jsonl``.
        run: the run's folder, as the user named it.

    Example:
        >>> run_sentences({"task": {"headline": "loss"}, "metrics": {"train": {"loss": 0.2}}}, [])
        ['Without a validation split nothing can be said about over-fitting.']
    """
    story = RunRecord(run or Path(str(record.get("name", "RUN"))), record, list(history), {})
    return [*baseline_sentences(record, run), *_about_run(story)]


def _about_run(story: RunRecord) -> list[str]:
    if not story.monitor:
        return making_sentences(story)
    if (found := diagnosis_of(story)) is None:
        return [translate("fit.no_validation")]
    sentences = [verdict(found), *curve_sentences(story)]
    if found.suggestions:
        first = found.suggestions[0]
        sentences.append(translate("diagnosis.first", why=first.why, command=first.command))
    return sentences


def diagnosis_of(story: RunRecord) -> Diagnosis | None:
    """The diagnosis of a run; None where it has nothing that could be compared."""
    try:
        return diagnose_record(story)
    except UsageError:
        return None


def curve_sentences(story: RunRecord) -> list[str]:
    """What the curves show beside the final numbers: too few epochs, loss that turned, or learning that goes on."""
    curves = Curves(story)
    if len(curves.validation) < 2:
        in_part = story.ends_in_part and not curves.validation
        return [translate("fit.too_short_in_part" if in_part else "fit.too_short")]
    if (rise := curves.rise) is not None:
        return [capital(translate("fit.rise", **rise))]
    if curves.improves and curves.fallen:
        if curves.span == 1:
            return [translate("fit.still_learning_last", share=curves.fallen)]
        epochs = translate("epochs.count", count=curves.span)
        return [translate("fit.still_learning", epochs=epochs, share=curves.fallen)]
    return []


def _errors(story: RunRecord, name: str, in_percent: bool) -> tuple[dict[str, Measured], list[str]]:
    """The error of each set, and what is to be known of them."""
    naive = story.part("findings", "naive_mse") if name in ("mse", "loss") else {}
    naive = naive if all(is_number(naive.get(s)) and naive[s] > 0 for s in ("train", "val")) else {}
    found: dict[str, Measured] = {}
    without_interval = False
    for split, place in _SETS.items():
        value = story.metrics.get(split, {}).get(name)
        if not is_number(value) or (naive and not is_number(naive.get(split))):
            continue
        scale = 1 / float(naive[split]) if naive else 1.0
        error, bounds, num = _error(story, name, value), story.interval(split, name), story.num_measured(split)
        if in_percent and name.rpartition("/")[2] in _COUNTED and num:
            found[place] = Measured.share(min(max(error, 0.0), 1.0), num)
        elif bounds is not None:
            low, high = sorted(_error(story, name, bound) * scale for bound in bounds)
            found[place] = Measured(value=error * scale, low=low, high=high, num_examples=num or None, is_share=False)
        else:
            found[place], without_interval = Measured.exact(error * scale), True
    return found, [translate("diagnosis.exact", metric=metric_name(name))] * without_interval


def _error(story: RunRecord, name: str, value: float) -> float:
    """A measurement as an error: what is best at 1 as its distance from it, all else as it is."""
    base = name.rpartition("/")[2]
    if base in _OUT_OF_100:
        return 1 - value / 100
    return 1 - value if best_is_one(name) and base not in _LOWER_IS_BETTER else value


def _error_name(story: RunRecord, name: str, in_percent: bool) -> str:
    if story.part("findings", "naive_mse") and name in ("mse", "loss"):
        return translate("diagnosis.relative_to_naive")
    if in_percent and name.rpartition("/")[2] not in _LOWER_IS_BETTER:
        return translate("diagnosis.error_share", metric=metric_name(name))
    return metric_name(name)


def _level(name: str, value: float | Measured, in_percent: bool) -> Measured:
    if isinstance(value, Measured):
        if not in_percent:
            raise UsageError(f"The errors of this run have a unit, and {name} is a share; give a plain number.")
        return value
    if not is_number(value) or value < 0 or (in_percent and value > 1):
        bounds = "between 0 and 1" if in_percent else "at least 0"
        raise UsageError(f"The reference error of {name} is a number {bounds}; got {value}.")
    return Measured.exact(float(value))


def _other_method(story: RunRecord, name: str, train: float) -> tuple[str, float] | None:
    """The simpler method with the smallest error on the dev set, where it shows that the network could do better."""
    methods = story.part("findings", "other_methods").get("methods")
    reached = {}
    for method in methods if isinstance(methods, list) else ():
        values = method.get("values") if isinstance(method, dict) else None
        if isinstance(values, dict) and is_number(values.get("val")):
            reached[str(method.get("name"))] = float(values["val"])
    if story.part("findings", "other_methods").get("metric") != name or not reached:
        return None
    best = min(reached, key=lambda n: reached[n])
    return (best, reached[best]) if reached[best] < train else None


def _material(errors: Mapping[str, Measured], in_percent: bool) -> float:
    return _MATERIAL if in_percent else _MATERIAL_SHARE * abs(errors["dev"].value)


def _about_people(found: Diagnosis, human: HumanError) -> str:
    """Whose measured error the reference is, and how sure it is."""
    error = found.errors["reference"]
    return translate(
        "diagnosis.measured_human",
        name=translate("label.majority") if found.reference == MAJORITY else found.reference,
        num=error.num_examples,
        split=translate(f"split.{human.split}") if f"split.{human.split}" in catalogue("en") else human.split,
        error=error_text(found, error.value),
        low=error_text(found, error.low),
        high=error_text(found, error.high),
    )


def _about_reference(found: Diagnosis) -> str:
    if found.reference is not None:
        method = f"other_methods.{found.reference}"
        name = translate(method) if method in catalogue("en") else found.reference
        value = error_text(found, found.levels[found.reference])
        return translate("diagnosis.method_reference", method=name, value=value)
    if "reference" in found.errors:
        return translate("diagnosis.no_reference")
    return translate("diagnosis.no_reference_unit", train=error_text(found, found.errors["train"].value))
