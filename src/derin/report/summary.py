"""The head of the report: what was trained on what, and the number that counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, translate
from derin.report.charts import interval_strip
from derin.report.html import Html, join, tag
from derin.strategy.numbers import is_share, metric_name, metric_text, split_name, task_name, time_text
from derin.strategy.record import RunRecord, is_number
from derin.strategy.tuning import tuning_text


def model_name(story: RunRecord) -> str:
    """The model's name, or a question mark."""
    return str(story.part("model").get("name") or "?")


def data_name(story: RunRecord) -> str:
    """The data's name, or a question mark."""
    return str(story.part("data").get("name") or "?")


def result(story: RunRecord) -> Html:
    """The sentence of what was done, and the headline number with what is to be known about it."""
    tuning = tuning_text(story.part("finetune"))
    parts = [_what(story), " ", _how_it_ended(story)]
    return join([tag("p", *parts), None if tuning is None else tag("p", tuning), _headline(story)])


def _what(story: RunRecord) -> str:
    record, parameters = story.record, story.part("model").get("parameters")
    train_examples = story.part("data", "splits").get("train")
    words = {"model": model_name(story), "data": data_name(story), "task": task_name(story.part("task").get("name"))}
    epochs = record.get("epochs", len(story.history))
    seconds = record.get("seconds", story.history[-1].get("seconds") if story.history else None)
    if not (is_number(parameters) and is_number(train_examples) and is_number(epochs) and is_number(seconds)):
        return translate("summary.without_count", **words)
    return translate(
        "summary.what",
        **words,
        parameters=translate("parameters.count", count=parameters),
        train_examples=translate("examples.count", count=train_examples),
        epochs=translate("epochs.count", count=epochs),
        seconds=time_text(seconds),
    )


def _how_it_ended(story: RunRecord) -> str:
    """Which state was kept, and why training ended where that was not after the last epoch."""
    record = story.record
    sentences = []
    epochs = translate("epochs.count", count=int(record.get("epochs") or len(story.history)))
    if record.get("stopped") == "patience":
        sentences.append(translate("summary.stopped_patience", patience=story.part("config").get("patience")))
    elif record.get("stopped") == "time":
        in_part = translate("summary.stopped_time_in_part", epoch=len(story.history)) if story.ends_in_part else None
        sentences.append(in_part or translate("summary.stopped_time", epochs=epochs))
    elif record.get("stopped") == "interrupted":
        sentences.append(translate("summary.stopped_interrupted", epochs=epochs))
    if is_number(record.get("best_epoch")) and "val" in story.metrics:
        metric = metric_name(story.monitor)
        sentences.append(translate("summary.best", epoch=record["best_epoch"], metric=metric))
    return " ".join(sentences)


def _headline(story: RunRecord) -> Html | None:
    """The number by which the run is judged."""
    split = story.shown_split
    value = story.metrics.get(split or "", {}).get(story.monitor)
    if split is None or not is_number(value):
        return None
    num = story.num_measured(split)

    def format_number(number: float) -> str:
        return metric_text(story.monitor, number, num)

    name = translate("summary.headline", metric=metric_name(story.monitor), split=split_name(split))
    bounds = story.interval(split, story.monitor)
    aside: list[Any] = [tag("p", capital(name), class_="name")]
    if bounds is not None:
        words = {"low": format_number(bounds[0]), "high": format_number(bounds[1])}
        aside.append(interval_strip(value, *bounds, format_number, translate("summary.interval", **words)))
    sentences = []
    if bounds is not None:
        sentences.append(translate("summary.interval_meaning", **words, num=num))
    if story.finished:
        keys = {"test": "measured_once", "val": "measured_val", "train": "measured_train"}
        sentences.append(translate(f"summary.{keys[split]}"))
    if story.monitor == "accuracy" and num:
        wrong = round((1 - value) * num)
        sentences.append(capital(translate("summary.errors", count=wrong, num=num)) + ".")
    baseline = _baseline(story, split)
    if baseline is not None:
        sentences.append(translate("summary.baseline", name=baseline[0], value=format_number(baseline[1])))
    big = tag("p", format_number(value), class_="big" if is_share(story.monitor) else "big long")
    return tag("div", big, tag("div", *aside), tag("p", " ".join(sentences), class_="quiet wide"), class_="headline")


def _baseline(story: RunRecord, split: str) -> tuple[str, float] | None:
    """The commonest class of a split and its share, which is the accuracy of always answering it."""
    counts = story.part("data", "reading", "counts").get(split)
    if story.monitor != "accuracy" or not isinstance(counts, Mapping) or len(counts) < 2:
        return None
    numbers = {str(name): count for name, count in counts.items() if is_number(count)}
    total = sum(numbers.values())
    if not total:
        return None
    name = max(numbers, key=lambda n: numbers[n])
    return name, numbers[name] / total
