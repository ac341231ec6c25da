"""What a run's network is worth beside a simpler method that was measured on the same examples."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derin.core.messages import catalogue, translate
from derin.strategy.numbers import metric_text
from derin.strategy.record import is_number

# Squared errors that differ by less than this share are called alike: no number of three digits tells them apart.
ALIKE = 0.005


def baseline_sentences(record: Mapping[str, Any], run: Path | None = None) -> list[str]:
    """A sentence for each baseline that stands in a run's findings; none where nothing was compared.

    Args:
        record: the contents of ``run.json``.
        run: the run's folder, as the user named it; None takes the name of the run.

    Example:
        >>> found = {"kind": "forecasting", "best_baseline": "linear", "winner": "linear", "ratio_to_best": 1.25}
        >>> baseline_sentences({"name": "prices-1", "findings": found})[0].startswith("A baseline wins here")
        True
    """
    found = record.get("findings")
    if not isinstance(found, Mapping):
        return []
    return [
        *_forecasts(found, run or Path(str(record.get("name", "RUN")))),
        *_texts(found),
        *_language(found, record.get("metrics", {})),
        *embedding_verdict(found, record.get("metrics", {})),
    ]


def _forecasts(found: Mapping[str, Any], run: Path) -> list[str]:
    verdict = forecast_verdict(found)
    if found.get("kind") != "forecasting" or verdict is None:
        return []
    if found.get("winner") == "network":
        return [verdict]
    return [f"{verdict} {translate('forecast.use_it')} {baseline_command(run, str(found['best_baseline']))}"]


def forecast_verdict(found: Mapping[str, Any]) -> str | None:
    """How a network fares beside the best forecast without training, in a sentence; None where it was not measured.

    Args:
        found: ``findings`` of ``run.json``.
    """
    best, ratio = found.get("best_baseline"), found.get("ratio_to_best")
    if f"forecast.{best}" not in catalogue("en"):
        return None
    baseline = translate(f"forecast.{best}")
    if not is_number(ratio):
        # A forecast without any error leaves nothing to divide by.
        is_exact = found.get("winner") == best
        return translate("forecast.baseline_exact", baseline=baseline) if is_exact else None
    if abs(ratio - 1) < ALIKE:
        return translate("forecast.alike", baseline=baseline)
    if ratio < 1:
        return translate("forecast.network_wins", baseline=baseline, share=1 - float(ratio))
    return translate("forecast.baseline_wins", baseline=baseline, ratio=float(ratio))


def baseline_command(run: Path, name: str) -> str:
    """The command that forecasts by a baseline of a run."""
    return shlex.join(["derin", "forecast", str(run), "--baseline", name])


def _texts(found: Mapping[str, Any]) -> list[str]:
    linear = found.get("linear_text")
    if not isinstance(linear, Mapping):
        return []
    ours, theirs = linear.get("network_accuracy"), linear.get("accuracy")
    if not (is_number(ours) and is_number(theirs)):
        return []
    return [translate("baseline.text", ours=metric_text("accuracy", ours), theirs=metric_text("accuracy", theirs))]


def embedding_verdict(found: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """How an embedding fares beside its own inputs, in a sentence; none where that was not measured.

    Args:
        found: ``findings`` of ``run.json``.
        metrics: by the names of the splits.

    Example:
        >>> found = {"split": "test", "baseline": {"eer": 0.185}}
        >>> embedding_verdict(found, {"test": {"eer": 0.269}})[0].startswith("This network is worse")
        True
    """
    measured = found.get("baseline"), metrics.get(str(found.get("split")))
    theirs, ours = (part.get("eer") if isinstance(part, Mapping) else None for part in measured)
    if not (is_number(ours) and is_number(theirs)):
        return []
    is_worse = float(ours) > float(theirs)
    values = {"ours": metric_text("eer", ours), "theirs": metric_text("eer", theirs)}
    return [translate("baseline.embedding_worse" if is_worse else "baseline.embedding", **values)]


def _language(found: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    ngram = found.get("baseline")
    if not isinstance(ngram, Mapping) or not isinstance(ngram.get("bits_per_character"), Mapping):
        return []
    split = "test" if "test" in metrics else "val"
    ours = metrics.get(split, {}).get("bits_per_character")
    theirs = ngram["bits_per_character"].get(split)
    if not (is_number(ours) and is_number(theirs)):
        return []
    return [translate("baseline.language", order=ngram.get("order"), ours=float(ours), theirs=float(theirs))]
