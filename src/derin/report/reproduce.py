"""How to get the same run again: command, settings, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from derin.core.messages import capital, translate
from derin.report.html import Html, folded, join, table, tag
from derin.strategy.assumptions import assumptions
from derin.strategy.record import RunRecord

_LONGEST_VALUE = 600  # characters; what is longer stands in run.json


def reproduce(story: RunRecord) -> Html:
    """The command, and everything that decides the bits of the result."""
    config = story.part("config")
    settings = {
        **config,
        translate("reproduce.augmentation"): story.record.get("augmentation") or translate("value.none"),
        translate("reproduce.preparation"): story.record.get("preparation"),
    }
    head = [translate("reproduce.setting"), translate("reproduce.value")]
    environment = {name: value for name, value in story.part("environment").items() if value not in (None, [], {})}
    facts = [
        (translate("reproduce.seed"), config.get("seed")),
        (translate("reproduce.threads"), config.get("threads")),
        (translate("data.fingerprint"), story.part("data").get("fingerprint")),
        (translate("reproduce.started"), story.record.get("started")),
        *((name, environment.get(name)) for name in ("derin", "torch", "python")),
        *((translate(f"reproduce.{name}"), environment.get(name)) for name in ("processor", "device")),
    ]
    pairs = (tag("div", tag("dt", name), tag("dd", tag("code", _value(v)))) for name, v in facts if v is not None)
    return join(
        [
            tag("pre", tag("code", _command(story))),
            tag("h3", translate("assumed.heading")),
            tag("ul", *(tag("li", sentence) for sentence in assumptions(story.record))),
            tag("dl", *pairs),
            tag("p", translate("reproduce.note"), class_="quiet"),
            folded(translate("reproduce.settings"), table(head, _rows(settings))),
            folded(translate("reproduce.environment"), table(head, _rows(environment))) if environment else None,
        ]
    )


def _command(story: RunRecord) -> str:
    """The command line, or the call from Python that says the same."""
    command = story.record.get("command")
    if command:
        return str(command)
    request = story.part("request")
    options = request.get("options")
    arguments = [repr(request["data"]) if request.get("data") else "data"]
    if isinstance(options, Mapping):
        arguments += [f"{name}={value!r}" for name, value in options.items() if name != "config"]
    return f"derin.fit({', '.join(arguments)})"


def _rows(values: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [capital(str(name)) if " " in str(name) else str(name), tag("code", _value(value))]
        for name, value in values.items()
    ]


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
