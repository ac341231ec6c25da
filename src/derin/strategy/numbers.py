"""Measurements, shapes and times as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import catalogue, format_number, translate
from derin.strategy.record import is_number

_SHARES = (
    "accuracy",
    "top5_accuracy",
    "subset_accuracy",
    "hamming_loss",
    "precision",
    "recall",
    "f1",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_micro",
    "token_accuracy",
    "pixel_accuracy",
    "exact_match",
    "eer",
    "rank_1",
    "discriminator_accuracy",
    "accuracy_on_real",
    "accuracy_on_made",
    "error",
    "f_beta",
    "f0.5",
    "f2",
    "weighted_error",
    "nme",
    "nme_median",
    "pck",
    "presence_accuracy",
)
_SCORES = (
    "auc", "auc_macro", "ece", "brier", "r2", "mean_iou", "iou", "dice", "map", "ap", "ap50", "ap75", "map_small",
    "map_medium", "map_large", "recall_1", "recall_10", "recall_100",
)  # fmt: skip
_MANY = 5_000  # examples from which on a hundredth of a percent says something


def metric_name(name: str) -> str:
    """A measurement in the reader's language; one that the catalogue does not know keeps its name.

    ``"kind/accuracy"`` is that of the column ``kind``; settings stand behind a colon.
    """
    column, slash, base = name.rpartition("/")
    base, colon, settings = base.partition(":")
    word = translate(f"metric.{base}") if f"metric.{base}" in catalogue("en") else base
    word += f" ({settings})" if colon else ""
    return f"{column}: {word}" if slash else word


def is_share(name: str) -> bool:
    """Whether a measurement is a share of something, written in percent."""
    return name.rpartition("/")[2].partition(":")[0] in _SHARES


def best_is_one(name: str) -> bool:
    """Whether a measurement lies between 0 and 1, or at most at 1: a share or a score."""
    return name.rpartition("/")[2] in (*_SHARES, *_SCORES)


def metric_text(name: str, value: Any, num_examples: int = 0) -> str:
    """A measurement's value with as many digits as it deserves."""
    if not is_number(value):
        return translate("value.missing")
    if is_share(name):
        return format_number(float(value), ".2%" if num_examples >= _MANY else ".1%")
    if name.rpartition("/")[2] in _SCORES:
        return format_number(float(value), ".3f")
    return number_text(float(value))


def number_text(value: float) -> str:
    """A number of any size with about four digits, and no power of ten where people would not write one.

    Example:
        >>> number_text(55123.4), number_text(0.012345), number_text(3e12)
        ('55,123', '0.01235', '3e+12')
    """
    return format_number(value, ",.0f" if 1_000 <= abs(value) < 1e9 else ".4g")


def tick_text(name: str, value: float) -> str:
    """A round value beside an axis, with no needless digits."""
    if is_share(name):
        return format_number(value, ".0%" if abs(value * 100 - round(value * 100)) < 1e-9 else ".1%")
    return number_text(value)


def shape_text(shape: Any) -> str:
    """``28 × 28 × 1``; a size that varies is a wave."""
    if not isinstance(shape, list | tuple):
        return translate("value.missing")
    return " × ".join("~" if size == -1 else format_number(size, ",") for size in shape) or "1"


def count_text(value: Any) -> str:
    """A whole number with its thousands set apart."""
    return format_number(int(value), ",") if is_number(value) else translate("value.missing")


def time_text(seconds: Any) -> str:
    """A duration."""
    if not is_number(seconds):
        return translate("value.missing")
    if seconds < 60:
        return translate("unit.seconds", seconds=float(seconds))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return translate("unit.minutes", minutes=minutes, seconds=rest)
    hours, minutes = divmod(minutes, 60)
    return translate("unit.hours", hours=hours, minutes=minutes)


def task_name(name: Any) -> str:
    """A task in the reader's language; one that the catalogue does not know keeps its name."""
    if not isinstance(name, str):
        return ""
    return translate(f"task.{name}") if f"task.{name}" in catalogue("en") else name


def split_name(name: str) -> str:
    """A split in the reader's language."""
    return translate(f"split.{name}") if f"split.{name}" in catalogue("en") else name


def plan_text(chosen: Mapping[str, Any]) -> str:
    """``bf16,channels-last,fused``: as the command line spells it."""
    switches = ("channels_last", "fused", "onednn", "compiled")
    return ",".join(
        [str(chosen.get("precision", "?")), *(s.replace("_", "-") for s in switches if chosen.get(s) is True)]
    )
