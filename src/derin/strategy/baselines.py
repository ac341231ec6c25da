"""What a run's network is worth beside a simpler method that was measured on the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import say
from derin.strategy.numbers import metric_text
from derin.strategy.story import is_number


def baseline_sentences(record: Mapping[str, Any]) -> list[str]:
    """A sentence for each baseline that stands in a run's findings; none where nothing was compared.

    Args:
        record: the contents of ``run.json``.

    Example:
        >>> found = {"kind": "forecasting", "best_baseline": "linear", "winner": "linear", "ratio_to_best": 1.25}
        >>> baseline_sentences({"name": "prices-1", "findings": found})[0].startswith("A baseline wins here")
        True
    """
    found = record.get("findings")
    if not isinstance(found, Mapping):
        return []
    return [
        *_forecasts(found, str(record.get("name", "RUN"))),
        *_texts(found),
        *_language(found, record.get("metrics", {})),
    ]


def _forecasts(found: Mapping[str, Any], run: str) -> list[str]:
    best, ratio = found.get("best_baseline"), found.get("ratio_to_best")
    if found.get("kind") != "forecasting" or not is_number(ratio):
        return []
    baseline = say(f"forecast.{best}")
    if found.get("winner") == "network":
        return [say("forecast.network_wins", baseline=baseline, share=max(0.0, 1 - float(ratio)))]
    lost = say("forecast.baseline_wins", baseline=baseline, ratio=float(ratio))
    return [f"{lost} {say('forecast.use_it')} derin forecast {run} --baseline {best}"]


def _texts(found: Mapping[str, Any]) -> list[str]:
    linear = found.get("linear_text")
    if not isinstance(linear, Mapping):
        return []
    ours, theirs = linear.get("network_accuracy"), linear.get("accuracy")
    if not (is_number(ours) and is_number(theirs)):
        return []
    return [say("baseline.text", ours=metric_text("accuracy", ours), theirs=metric_text("accuracy", theirs))]


def _language(found: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    ngram = found.get("baseline")
    if not isinstance(ngram, Mapping) or not isinstance(ngram.get("bits_per_character"), Mapping):
        return []
    split = "test" if "test" in metrics else "val"
    ours = metrics.get(split, {}).get("bits_per_character")
    theirs = ngram["bits_per_character"].get(split)
    if not (is_number(ours) and is_number(theirs)):
        return []
    return [say("baseline.language", order=ngram.get("order"), ours=float(ours), theirs=float(theirs))]
