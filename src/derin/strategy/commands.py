"""The command that trains a run's data again, with something changed."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from derin.strategy.record import RunRecord

# Options of `derin train` that are not called as the setting is.
_FLAGS = {
    "kinds": "--kind",
    "model_options": "--option",
    "inputs": "--input",
    "task_options": "--task-option",
    "reader_options": "--reader-option",
    "learning_rate": "--lr",
    "networks": "--set",
}
# Lists that are one option, with commas between.
_IN_ONE = ("class_weights", "hold_out", "loss_weights")


def train_command(story: RunRecord, *, without: Collection[str] = (), **changes: Any) -> str:
    """`derin train` as the run was asked for, with something changed; the call in Python for data in memory.

    Args:
        story: the run.
        without: settings that are left to be chosen anew.
        changes: settings by name that are added or replaced; a flag is True.
    """
    asked = {n: v for n, v in story.part("request", "options").items() if n not in without and n != "config"}
    options = {**asked, **changes}
    data = story.part("request").get("data")
    if not isinstance(data, str):
        return f"derin.fit({', '.join(['data', *(f'{n}={v!r}' for n, v in options.items())])})"
    config = story.part("request", "options").get("config")
    words = ["derin", "train", data_from_here(data, story.path)]
    # Settings that were given in one piece, as from another run, are those of this run.
    words += ["--config", str(story.path)] * (config is not None and not without)
    for name, value in options.items():
        words += option_words(name, value)
    return shlex.join(words)


def option_words(name: str, value: Any) -> list[str]:
    """The words of a command that say a setting."""
    flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    if value is True:
        return [flag]
    if name in _IN_ONE and not isinstance(value, str):
        pairs = [f"{n}={v:g}" for n, v in value.items()] if isinstance(value, Mapping) else map(_text, value)
        return [flag, ",".join(pairs)]
    if name == "networks":
        return [word for each in str(value).split(";") for word in (flag, each)]
    if isinstance(value, Mapping):
        return [word for n, v in value.items() for word in (flag, f"{n}={_text(v)}")]
    if isinstance(value, list | tuple):
        return [word for each in value for word in (flag, _text(each))]
    return [flag, _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def data_from_here(data: str, run: Path) -> str:
    """The data's name; a path that was typed elsewhere, as it is found from here."""
    path = Path(data).expanduser()
    # A word without a separator may be the name of a set.
    if len(path.parts) < 2 or path.is_absolute() or path.exists():
        return data
    for folder in run.resolve().parents:
        if (folder / path).exists():
            return os.path.relpath(folder / path)
    return data
