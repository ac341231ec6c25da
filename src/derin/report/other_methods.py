"""A network on a table beside gradient boosting, a linear model and nearest neighbors: who wins, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import catalogue, format_number, translate
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import metric_name, metric_text, number_text, split_name
from derin.strategy.record import RunRecord, is_number

_SPLITS = ("val", "test")
_ACCURACY = "accuracy"
_ABOUT = {"sounds": "other_methods.about_sounds"}


def section(story: RunRecord) -> Html | None:
    """Each method on val and test, the interval of its difference from the network, and a sentence that concludes."""
    found = story.part("findings", "other_methods")
    methods = found.get("methods")
    network = found.get("network")
    metric = found.get("metric")
    if not isinstance(methods, list) or not isinstance(network, dict) or metric not in (_ACCURACY, "rmse"):
        return None
    shown = [method for method in methods if _is_whole(method)]
    splits = [split for split in _SPLITS if is_number(network.get(split))]
    skipped = found.get("skipped")
    names = ", ".join(map(_name, skipped)) if isinstance(skipped, list) else ""
    left_out = tag("p", translate("other_methods.skipped", names=names), class_="quiet") if names else None
    if not shown or not splits:
        return left_out
    split = str(found.get("split"))
    head = [metric_name(metric), *map(split_name, splits)]
    head += [translate("other_methods.difference", split=split_name(split)), translate("text_baseline.setting")]
    num = int(shown[0]["comparison"]["num_examples"])
    rows = [[translate("text_baseline.network"), *(metric_text(metric, network.get(s), num) for s in splits), "", ""]]
    for method in shown:
        values = [metric_text(metric, method["values"].get(s), num) for s in splits]
        rows.append([_name(method["name"]), *values, _difference(method, metric), str(method.get("setting", ""))])
    return join(
        [
            tag(
                "p",
                translate(_ABOUT.get(str(found.get("inputs")), "other_methods.about"), num=found.get("num_train", 0)),
                class_="quiet",
            ),
            table(head, rows, numeric=tuple(range(1, len(splits) + 2))),
            *(tag("p", _conclusion(method, metric)) for method in shown[:1]),
            left_out,
        ]
    )


def _is_whole(method: Any) -> bool:
    """Whether all that is shown of a method is there; a record may come from anywhere."""
    if not isinstance(method, dict) or not isinstance(method.get("values"), dict):
        return False
    comparison = method.get("comparison")
    if not isinstance(comparison, dict) or not all(
        is_number(comparison.get(n)) for n in ("num_examples", "difference")
    ):
        return False
    interval = comparison.get("interval")
    return isinstance(interval, list) and len(interval) == 2 and all(map(is_number, interval))


def _name(name: Any) -> str:
    key = f"other_methods.{name}"
    return translate(key) if key in catalogue("en") else str(name)


def _difference(method: Mapping[str, Any], metric: str) -> str:
    """The network minus the method, with its interval."""
    comparison = method["comparison"]
    numbers = [comparison["difference"], *comparison["interval"]]
    if metric == _ACCURACY:
        difference, low, high = (format_number(float(number), "+.3f") for number in numbers)
    else:
        difference, low, high = (("+" if number > 0 else "") + number_text(float(number)) for number in numbers)
    return translate("other_methods.interval", difference=difference, low=low, high=high)


def _conclusion(method: Mapping[str, Any], metric: str) -> str:
    """Whether the network is better than the method that is best on val, by the interval of their difference."""
    low, high = method["comparison"]["interval"]
    gains = (low, high) if metric == _ACCURACY else (-high, -low)
    key = "network" if gains[0] > 0 else "method" if gains[1] < 0 else "chance"
    return translate(f"other_methods.{key}_wins", name=_name(method["name"]), num=method["comparison"]["num_examples"])
