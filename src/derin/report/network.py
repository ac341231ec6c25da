"""The layers of the network, and how a training step was executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, format_number, translate
from derin.report.html import Html, folded, join, table, tag
from derin.strategy.numbers import count_text, plan_text, shape_text
from derin.strategy.record import RunRecord, is_number

_OPEN_UP_TO = 25  # layers


def network(story: RunRecord) -> Html | None:
    """The layer table with its totals."""
    layers = [row for row in _list(story.part("model").get("layers")) if isinstance(row, Mapping)]
    if not layers:
        return None
    keys = ("layer", "kind", "output", "parameters", "multiply_adds")
    rows = [
        [
            tag("code", row.get("name")),
            row.get("kind"),
            shape_text(row.get("output_shape")),
            count_text(row.get("parameters")),
            count_text(row.get("multiply_adds")),
        ]
        for row in layers
    ]
    model = story.part("model")
    foot = [
        capital(translate("network.total")),
        "",
        "",
        count_text(model.get("parameters")),
        count_text(model.get("multiply_adds")),
    ]
    body = table([translate(f"network.{key}") for key in keys], rows, numeric=(2, 3, 4), foot=foot)
    return folded(_title(story), body) if len(rows) > _OPEN_UP_TO else body


def _title(story: RunRecord) -> str:
    return f"{story.part('model').get('name')} · {capital(translate('network.layer'))}"


def plan(story: RunRecord) -> Html | None:
    """The plan that was taken, and the timings that led to it."""
    chosen = story.part("plan", "chosen")
    if not chosen:
        return None
    name = plan_text(chosen)
    sentence = tag("p", translate("plan.chosen", plan=name))
    trials = [t for t in _list(story.part("plan").get("table")) if isinstance(t, Mapping)]
    if not trials:
        return sentence
    reference = next((t["seconds"] for t in trials if is_number(t.get("seconds"))), None)
    rows = [_trial(trial, reference, taken=str(trial.get("plan")) == name) for trial in trials]
    head = [translate(f"plan.{key}") for key in ("plan", "step", "speed", "loss", "remark")]
    return join([sentence, tag("p", translate("plan.table"), class_="quiet"), table(head, rows, numeric=(1, 2, 3))])


def _trial(trial: Mapping[str, Any], reference: float | None, *, taken: bool) -> list[Any]:
    seconds, loss, dropped = trial.get("seconds"), trial.get("loss"), trial.get("dropped")
    missing = translate("value.missing")
    name = tag("b" if taken else "span", trial.get("plan"))
    remark = translate("plan.dropped", reason=dropped) if dropped else translate("plan.taken") if taken else ""
    return [
        name,
        _duration(float(seconds)) if is_number(seconds) else missing,
        format_number(reference / seconds, ".2f") + "×" if is_number(seconds) and seconds and reference else missing,
        format_number(float(loss), ".4g") if is_number(loss) else missing,
        remark,
    ]


def _duration(seconds: float) -> str:
    """Three digits, in milliseconds or, from one second on, in seconds."""
    return format_number(seconds, ".3g") + " s" if seconds >= 1 else format_number(seconds * 1000, ".3g") + " ms"


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
