"""All measurements: by split with intervals, and by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, format_number, translate
from derin.report.html import Html, folded, join, table, tag
from derin.strategy.numbers import count_text, metric_name, metric_text, split_name
from derin.strategy.record import RunRecord, is_number
from derin.tasks.metrics.classification import PER_CLASS_LIMIT
from derin.tasks.thresholds import required_precision, unreached_text

_CLASS_COLUMNS = ("precision", "recall", "f1", "auc", "iou", "dice", "ap", "ap50")
_OPEN_UP_TO = 20  # classes; longer tables are folded


def measurements(story: RunRecord) -> Html | None:
    """A table of splits, then one of classes or of the numbers that are predicted."""
    if not story.metrics:
        return None
    splits = list(story.metrics)
    names = list(dict.fromkeys(name for split in splits for name in story.metrics[split]))
    names = [name for name in names if any(is_number(story.metrics[split].get(name)) for split in splits)]
    rows: list[list[Any]] = [[metric_name(name), *(_cell(story, split, name) for split in splits)] for name in names]
    if any(story.num_measured(split) for split in splits):
        rows.append([translate("metrics.num_examples"), *(count_text(story.num_measured(split)) for split in splits)])
    head = [translate("metrics.metric"), *(split_name(split) for split in splits)]
    has_intervals = any(story.interval(split, name) for split in splits for name in names)
    temperature = story.part("calibration").get("temperature")
    return join(
        [
            table(head, rows, numeric=range(1, len(splits) + 1)),
            tag("p", translate("metrics.note"), class_="quiet") if has_intervals else None,
            tag("p", translate("metrics.calibration", temperature=temperature)) if is_number(temperature) else None,
            _thresholds(story),
            _per_class(story),
            _per_output(story),
        ]
    )


def _thresholds(story: RunRecord) -> Html | None:
    """From which probability on an answer is yes, where that was chosen on validation."""
    chosen = story.part("thresholds")
    criterion, values = chosen.get("criterion"), chosen.get("values")
    if not isinstance(criterion, str) or not isinstance(values, list) or not all(is_number(each) for each in values):
        return None
    texts = "; ".join(format_number(each, ".3g") for each in values[:_OPEN_UP_TO])
    texts += "; …" if len(values) > _OPEN_UP_TO else ""
    wanted, short = required_precision(criterion), chosen.get("unreached")
    if wanted is None:
        return tag("p", translate("metrics.thresholds", metric=metric_name(criterion), values=texts))
    missed = f" {unreached_text(criterion, short)}" if short else ""
    return tag("p", translate("metrics.thresholds_precision", precision=wanted, values=texts), missed)


def _cell(story: RunRecord, split: str, name: str) -> Html:
    """A value, and its interval beneath it."""
    num = story.num_measured(split)
    value = metric_text(name, story.metrics[split].get(name), num)
    bounds = story.interval(split, name)
    if bounds is None:
        return tag("span", value)
    low, high = (metric_text(name, bound, num) for bound in bounds)
    return tag("span", value, tag("small", f"{low} – {high}"))


def _per_class(story: RunRecord) -> Html | None:
    """Precision, recall and the like for each class, the weakest first."""
    split = story.shown_split or ""
    classes = story.part("details", split).get("per_class")
    if not isinstance(classes, Mapping) or not classes:
        return None
    known = {str(name): numbers for name, numbers in classes.items() if isinstance(numbers, Mapping)}
    columns = [c for c in _CLASS_COLUMNS if any(is_number(numbers.get(c)) for numbers in known.values())]

    def strength(name: str) -> float:
        value = known[name].get("f1", known[name].get("iou", known[name].get("ap")))
        return value if is_number(value) else -1.0

    rows = [
        [name, *(_bar(column, known[name]) for column in columns), count_text(known[name].get("support"))]
        for name in sorted(known, key=strength)
    ]
    head = [
        translate("class.name"),
        *(metric_name(column) for column in columns),
        translate("class.pixels" if "iou" in columns else "class.support"),
    ]
    body = table(head, rows, numeric=range(1, len(head)))
    heading = translate("metrics.per_class", split=split_name(split))
    num_classes = len(story.part("task").get("classes") or rows)
    if PER_CLASS_LIMIT <= len(rows) < num_classes:
        note = translate("metrics.weakest_classes", count=len(rows), whole=num_classes)
        body = join([tag("p", note, class_="quiet"), body])
    if len(rows) > _OPEN_UP_TO:
        return folded(capital(heading), body)
    return join([tag("h3", capital(heading)), body])


def _bar(metric: str, numbers: Mapping[str, Any]) -> Html:
    """A number of a class with a bar of its length behind it, and its interval where that is known."""
    value, bounds = numbers.get(metric), numbers.get(f"{metric}_interval")
    if not is_number(value):
        return tag("span", translate("value.missing"))
    bar = tag("span", metric_text(metric, value), class_="bar", style=f"--share:{min(max(value, 0), 1):.3f}")
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(is_number, bounds)):
        return bar
    return tag("span", bar, tag("small", " – ".join(metric_text(metric, bound) for bound in bounds)))


def _per_output(story: RunRecord) -> Html | None:
    """The same measurements for each number of a prediction of several."""
    split = story.shown_split or ""
    outputs = story.part("details", split).get("per_output")
    if not isinstance(outputs, Mapping) or not outputs:
        return None
    columns = {str(name): values for name, values in outputs.items() if isinstance(values, list)}
    names = story.part("task").get("columns")
    num = max((len(values) for values in columns.values()), default=0)
    labels = names if isinstance(names, list) and len(names) == num else [format_number(i + 1) for i in range(num)]
    rows = [
        [labels[i], *(metric_text(n, v[i] if i < len(v) else None) for n, v in columns.items())] for i in range(num)
    ]
    head = ["", *(metric_name(name) for name in columns)]
    heading = tag("h3", capital(translate("metrics.per_output", split=split_name(split))))
    return join([heading, table(head, rows, numeric=range(1, len(head)))])
