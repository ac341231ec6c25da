"""Where the network errs: a confusion matrix, or predicted against true numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from derin.core.messages import capital, format_number, translate
from derin.report.charts import heat_map, histogram, scatter
from derin.report.html import Html, join, table, tag
from derin.strategy.numbers import number_text, split_name
from derin.strategy.record import RunRecord, is_number

_MATRIX_UP_TO = 30  # classes
_TOP_CONFUSIONS = 10
_MAX_DOTS = 1_500


def heading_key(story: RunRecord) -> str:
    """The message that heads the section."""
    return "scatter.heading" if story.is_regression else "confusion.heading"


def mistakes(story: RunRecord) -> Html | None:
    """The section that fits the task; None where nothing was kept."""
    return _numbers(story) if story.is_regression else _confusion(story)


def _confusion(story: RunRecord) -> Html | None:
    counts = _matrix(story.part("details", story.shown_split or "").get("confusion"))
    if counts is None:
        return None
    names = _class_names(story, len(counts))
    parts: list[Any] = []
    if len(counts) <= _MATRIX_UP_TO:
        parts.append(tag("p", translate("confusion.note"), class_="quiet"))
        parts.append(
            heat_map(
                counts,
                names,
                true=translate("confusion.true"),
                predicted=translate("confusion.predicted"),
                hover=lambda true, predicted, count, share: translate(
                    "confusion.cell", true=true, predicted=predicted, count=count, share=share
                ),
            )
        )
    parts.append(_top_confusions(counts, names))
    return tag("div", *parts, class_="confusion")


def _top_confusions(counts: list[list[int]], names: list[str]) -> Html:
    wrong = sorted(
        ((count, i, j) for i, row in enumerate(counts) for j, count in enumerate(row) if i != j and count),
        key=lambda item: (-item[0], item[1], item[2]),
    )[:_TOP_CONFUSIONS]
    if not wrong:
        return tag("p", translate("confusion.perfect"))
    head = [
        translate("confusion.true"),
        translate("confusion.predicted"),
        translate("confusion.count"),
        translate("confusion.share"),
    ]
    rows = [
        [names[i], names[j], format_number(count, ","), format_number(count / sum(counts[i]), ".1%")]
        for count, i, j in wrong
    ]
    return tag("div", tag("h3", translate("confusion.top")), table(head, rows, numeric=(2, 3)))


def _matrix(found: Any) -> list[list[int]] | None:
    """A square matrix of counts, or None."""
    if not isinstance(found, list) or not found:
        return None
    square = all(isinstance(row, list) and len(row) == len(found) and all(map(is_number, row)) for row in found)
    return [[int(count) for count in row] for row in found] if square else None


def _class_names(story: RunRecord, num: int) -> list[str]:
    """The names of the classes, as the task or the measurement has them."""
    for names in (story.part("task").get("classes"), list(story.part("details", story.shown_split or "", "per_class"))):
        if isinstance(names, list) and len(names) == num:
            return [str(name) for name in names]
    return [str(i) for i in range(num)]


def _numbers(story: RunRecord) -> Html | None:
    """Predicted against true numbers, and how large the errors are."""
    arrays = [story.examples.get(name) for name in ("scatter_true", "scatter_predicted")]
    if arrays[0] is None or arrays[1] is None or arrays[0].shape != arrays[1].shape:
        return None
    true, predicted = (np.asarray(a, dtype=np.float64).reshape(len(a), -1) for a in arrays if a is not None)
    names, unit = story.part("task").get("columns"), story.part("task").get("unit")
    split = split_name(str(story.record.get("examples_split") or story.shown_split or "test"))
    parts: list[Any] = []
    for k in range(true.shape[1]):
        kept = np.isfinite(true[:, k]) & np.isfinite(predicted[:, k])
        pairs = np.stack([true[kept, k], predicted[kept, k]], axis=1)
        if len(pairs) < 2:
            continue
        shown = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), _MAX_DOTS)).astype(int)].tolist()
        name = str(names[k]) if isinstance(names, list) and k < len(names) else ""
        with_unit = f" ({unit})" if unit else ""
        dots = scatter(
            [(x, y) for x, y in shown],
            x_label=translate("confusion.true") + with_unit,
            y_label=" · ".join(part for part in (name, translate("scatter.heading")) if part),
            format_number=_number,
            hover=lambda x, y: (
                f"{translate('confusion.true')} {_number(x)} · {translate('confusion.predicted')} {_number(y)}"
            ),
        )
        bars = histogram(
            (pairs[:, 1] - pairs[:, 0]).tolist(),
            title=translate("scatter.residual") + with_unit,
            format_number=_number,
            hover=lambda low, high, count: translate("residuals.bin", low=low, high=high, count=count),
        )
        note = tag(
            "p",
            translate("scatter.note", split=split, num=len(shown)),
            " ",
            translate("residuals.note"),
            class_="quiet",
        )
        parts += [
            tag("h3", capital(name)) if true.shape[1] > 1 else None,
            note,
            tag("div", dots, bars, class_="charts"),
        ]
    return join(parts) if parts else None


def _number(value: float) -> str:
    return number_text(float(value))
