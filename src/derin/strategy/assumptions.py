"""What a run takes for granted, in sentences: what was found out about the data, left out, or set by default.

The same sentences stand in the terminal before the first epoch, in a notebook, and in the report.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from derin.core.messages import Message, localize, translate
from derin.data.preparation import input_kind
from derin.data.schema import Kind
from derin.strategy.numbers import count_text, plan_text, split_name, task_name
from derin.strategy.record import SPLITS
from derin.strategy.tuning import tuning_text

_MOST_NAMES = 8
# With these values a setting does nothing.
_NEUTRAL: dict[str, Any] = {
    "weight_decay": 0.0,
    "momentum": 0.0,
    "schedule": "constant",
    "warmup": 0.0,
    "l1": 0.0,
    "clip_norm": 0.0,
    "accumulate": 1,
    "ema_decay": 0.0,
    "patience": 0,
    "networks": "",
    "sampler": "uniform",
    "label_smoothing": 0.0,
    "max_seconds": 0.0,
}
_ALWAYS = ("epochs", "batch_size", "optimizer", "learning_rate")
_WITH_MOMENTUM = ("momentum", "nesterov", "rmsprop", "muon")
# What cuts a series into examples.
_WINDOW = {"look_back": "context_length", "horizon": "horizon"}  # as a card and as a setting names it
_OF_LANDMARKS = ("normalize", "loss_name")
# What has an effect where embeddings are learned, by the loss.
_COMPARING = {
    "triplet": ("loss", "margin", "mining", "embedding_size"),
    "contrastive": ("loss", "margin", "embedding_size"),
    "arcface": ("loss", "margin", "embedding_size"),
    "ntxent": ("loss", "temperature", "embedding_size"),
    "pair": ("loss", "embedding_size"),
}
_FLAGS = {"learning_rate": "--lr", "augmentation": "--augment", "networks": "--set"}


def assumptions(record: Mapping[str, Any]) -> list[str]:
    """What a run takes for granted, a sentence each.

    Args:
        record: ``run.json``, as it is before the first epoch or later.
    """
    return [
        *_about_data(record),
        *_about_reading(record),
        *_about_network(record),
        *_about_settings(record),
    ]


def localized(record: Mapping[str, Any], text: Any) -> str:
    """What was noticed while data was read, in the reader's language where the record tells how it was made."""
    try:
        return localize(Message.from_json(record["data"]["sentences"][str(text)]))
    except (KeyError, TypeError, ValueError):
        return str(text)


def _about_data(record: Mapping[str, Any]) -> Iterator[str]:
    data = _part(record, "data")
    sizes = _part(data, "splits")
    parts = ", ".join(f"{split_name(s)} {count_text(sizes[s])}" for s in SPLITS if s in sizes)
    total = sum(n for n in sizes.values() if isinstance(n, int))
    yield translate("assumed.data", count=total, data=str(data.get("name")), parts=parts)
    columns = [c for c in data.get("schema") or () if isinstance(c, Mapping)]
    learned = _part(record, "task").get("columns")
    # A task may leave the targets alone, as making pictures does.
    targets = [c for c in columns if c.get("role") == "target" and c.get("name") in (learned or [c.get("name")])]
    if targets:
        task = task_name(str(_part(record, "task").get("name")))
        yield translate("assumed.target", target=_names(targets), task=task, what=_classes(targets[0]))
    if inputs := [c for c in columns if c.get("role") == "input"]:
        yield translate("assumed.inputs", count=len(inputs), inputs=_names(inputs))
    for column in columns:
        if column.get("role") in ("id", "ignored") and column.get("note"):
            note = localized(record, column["note"])
            yield translate("assumed.no_input", column=str(column.get("name")), why=note)


def _about_reading(record: Mapping[str, Any]) -> Iterator[str]:
    """Rows and files that were left out or changed, copies, and everything that was noted of the set as a whole."""
    reading = _part(record, "data", "reading")
    often: Counter[tuple[str, str]] = Counter()
    for finding in reading.get("findings") or ():
        number = finding.get("count", 1)
        often[str(finding.get("outcome")), str(finding.get("reason"))] += number if isinstance(number, int) else 1
    for (outcome, reason), number in often.most_common():
        what = translate(f"data.{outcome}") if outcome in ("skipped", "converted", "noted") else outcome
        yield translate("assumed.finding", number=count_text(number), what=what, why=localized(record, reason))
    groups = reading.get("duplicates") or ()
    if groups:
        # The record lists some of them; older ones list all and have no number.
        yield translate("data.duplicates", count=reading.get("num_duplicates", len(groups)))
    if leaks := reading.get("leaks"):
        yield translate("data.leaks", count=leaks)
    for note in reading.get("notes") or ():
        yield localized(record, note)


def _about_network(record: Mapping[str, Any]) -> Iterator[str]:
    model = _part(record, "model")
    yield translate(
        "assumed.network",
        model=str(model.get("name")),
        parameters=model.get("parameters", 0),
        device=str(_part(record, "environment").get("device") or _part(record, "config").get("device")),
    )
    if (sentence := tuning_text(_part(record, "finetune"))) is not None:
        yield sentence
    chosen = _part(record, "plan", "chosen")
    if chosen:
        yield translate("run.plan", plan=plan_text(chosen))
    if _part(record, "plan").get("prefetch") is True:
        yield translate("assumed.prefetch")


def _about_settings(record: Mapping[str, Any]) -> Iterator[str]:
    """What nobody asked for and is not without effect, as the flags that would change it."""
    asked = _part(record, "request", "options")
    config, task = _part(record, "config"), _part(record, "task")
    in_force = {**config, "label_smoothing": task.get("label_smoothing") or 0.0}
    names = [*_ALWAYS, *(n for n, neutral in _NEUTRAL.items() if in_force.get(n, neutral) not in (neutral, None))]
    if str(config.get("optimizer")).partition(":")[0] not in _WITH_MOMENTUM:
        names = [n for n in names if n != "momentum"]
    flags = [
        f"{_FLAGS.get(n, '--' + n.replace('_', '-'))} {_value(in_force[n])}"
        for n in names
        if n in in_force and asked.get(n) is None and "config" not in asked
    ]
    if (augmentation := record.get("augmentation")) and asked.get("augment") is None:
        flags.append(f"--augment {_value(augmentation)}")
    weights = task.get("class_weights")
    if isinstance(weights, list) and len({*weights}) > 1 and asked.get("class_weights") is None:
        flags.append(f"--class-weights {','.join(f'{weight:.3g}' for weight in weights)}")
    given = _part(asked, "task_options")
    compares = task.get("name") == "embedding"
    of_task = _COMPARING.get(str(task.get("loss")), ()) if compares else ()
    shown = _OF_LANDMARKS if task.get("name") == "landmarks" else of_task
    flags += [f"--task-option {name}={_value(task[name])}" for name in shown if name in task and name not in given]
    size = _part(record, "data", "recipe").get("size")
    if of_task and size is not None and asked.get("size") is None and _has_pictures(record):
        flags.append(f"--size {_value(size)}")
    options = _part(record, "model", "spec", "options")
    given = _part(asked, "model_options")
    flags += [
        f"--option {name}={_value(value)}"
        for name, value in options.items()
        if "drop" in name and value and name not in given
    ]
    preparation, asked_inputs = _part(record, "preparation"), _part(asked, "inputs")
    if preparation.get("kind") == "series":
        window = ((n, flag) for n, flag in _WINDOW.items() if n in preparation and not {n, flag} & set(asked_inputs))
        flags += [f"--{flag.replace('_', '-')} {_value(preparation[n])}" for n, flag in window]
    if flags:
        yield translate("assumed.settings", flags="  ".join(flags))
    if not record.get("augmentation") and asked.get("augment") is None and _has_pictures(record):
        yield translate("assumed.no_augmentation")


def _has_pictures(record: Mapping[str, Any]) -> bool:
    return input_kind(_part(record, "preparation")) == "picture"


def _classes(column: Mapping[str, Any]) -> str:
    classes = column.get("classes")
    what = "points" if column.get("kind") == Kind.POINTS.value else "classes"
    return "" if not classes else translate(f"assumed.{what}", count=len(classes))


def _names(columns: list[Mapping[str, Any]]) -> str:
    names = [str(c.get("name")) for c in columns[:_MOST_NAMES]]
    more = [translate("list.more", count=len(columns) - _MOST_NAMES)] if len(columns) > _MOST_NAMES else []
    return ", ".join(names + more)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def _part(whole: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = whole
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
