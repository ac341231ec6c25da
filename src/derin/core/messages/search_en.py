"""What Derin says of choosing and searching in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Metrics that a choice may name
    "metric.error": "error",
    "metric.f_beta": "F-beta",
    "metric.f2": "F2",
    "metric.f0.5": "F0.5",
    "metric.weighted_error": "weighted error",
    "metric.latency_ms": "ms for one example",
    "metric.memory_mb": "MB of memory",
    "metric.size_mb": "MB on disk",
    "metric.parameters": "parameters",
    # Comparing
    "compare.run": "run",
    "compare.measured": (
        "Measured on {count:,} {split} example, the same for all.",
        "Measured on {count:,} {split} examples, the same for all.",
    ),
    "compare.measured_alone": (
        "{run} is measured on {count:,} {split} example of its own.",
        "{run} is measured on {count:,} {split} examples of its own.",
    ),
    "compare.no_common": "The runs were measured on different data: no example that none of them was trained "
    "on is known to all. Their figures stand side by side, and whether they differ cannot be tested; name data for all "
    "with --data.",
    "compare.some_common": "{num:,} of up to {whole:,} examples are known to all runs and were not trained on; the "
    "others are left out.",
    "compare.trained_on": (
        "{count:,} example on which another of the runs was trained is left out.",
        "{count:,} examples on which another of the runs was trained are left out.",
    ),
    "compare.unlike_answers": (
        "{count:,} example has another true answer in one of the sets and is left out.",
        "{count:,} examples have other true answers in one of the sets and are left out.",
    ),
    "compare.by_place": "The runs read the data differently, such as pictures at other sizes; examples are known by "
    "their place in it.",
    "compare.no_test": "The task {task} has no answer to a single example; whether runs differ by chance is not "
    "tested.",
    "compare.many_pairs": "{pairs:,} pairs are tested: of twenty pairs that are equally good, one seems different by "
    "chance.",
    "compare.difference": "{metric}, {one} minus {other}: {difference} (95 % interval {low} to {high}).",
    "compare.p_value": " McNemar’s p = {p}.",
    "compare.better": "{better} is better than {worse}.",
    "compare.chance": "{first} and {second} cannot be told apart: the difference may be chance.",
    "compare.chosen": "Chosen: {run} ({numbers}), by: {goal}.",
    "compare.refused": "Not good enough: {runs}.",
    "compare.front": "none is better in one without being worse in the other",
    "compare.picture": "The picture is at {path}",
}
