"""The best linear model of n-grams beside the network, and whether their difference may be chance."""

from __future__ import annotations

from derin.core.messages import translate
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import metric_name, metric_text, split_name
from derin.strategy.record import RunRecord, is_number

_CHANCE = 0.05  # a difference that chance gives more often is not called one


def section(story: RunRecord) -> Html | None:
    """The two accuracies, the interval of their difference, and a sentence that draws the conclusion."""
    found = story.part("findings", "linear_text")
    comparison = story.part("findings", "linear_text", "comparison")
    numbers = {name: comparison.get(name) for name in ("num_examples", "difference", "p_value")}
    numbers |= {name: found.get(name) for name in ("network_accuracy", "accuracy")}
    interval = comparison.get("interval")
    if not all(map(is_number, numbers.values())) or not isinstance(interval, list) or len(interval) != 2:
        return None
    (low, high), num = interval, int(comparison["num_examples"])
    difference, p_value = float(comparison["difference"]), float(comparison["p_value"])
    accuracies = found["network_accuracy"], found["accuracy"]
    rows = [
        [translate("text_baseline.network"), metric_text("accuracy", accuracies[0], num), ""],
        [translate("text_baseline.linear"), metric_text("accuracy", accuracies[1], num), str(found.get("setting", ""))],
    ]
    head = [
        "",
        f"{metric_name('accuracy')} ({split_name(str(found.get('split')))})",
        translate("text_baseline.setting"),
    ]
    better = "chance" if p_value > _CHANCE else "network_better" if difference > 0 else "linear_better"
    return join(
        [
            tag("p", translate("text_baseline.about", num=found.get("num_candidates")), class_="quiet"),
            table(head, rows, numeric=(1,)),
            tag("p", translate("text_baseline.difference", difference=difference, low=low, high=high, num=num)),
            tag(
                "p",
                translate(
                    f"text_baseline.{better}",
                    p_value=p_value,
                    first=comparison.get("num_first_only"),
                    second=comparison.get("num_second_only"),
                ),
            ),
        ]
    )
