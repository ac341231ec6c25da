"""The options of commands that train: everything in the table of settings that has a flag, read from words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.api.arguments import SETTINGS, check_names
from derin.cli.console import column_kinds, model_options
from derin.core.errors import UsageError
from derin.core.settings import FLAG, NUMBER, PATH, TEXT, WHOLE, Setting

# Settings of the inputs that have an option of their own.
_OF_INPUTS = {
    "tokenizer": (str, ("--tokenizer",), "Of text: words, characters, bytes or bpe."),
    "vectors": (str, ("--vectors",), "Word vectors to begin with: a word2vec or GloVe file, or a run."),
    "horizon": (int, ("--horizon",), "Of a forecast: steps that are predicted."),
    "context_length": (int, ("--context-length", "--look-back"), "Of a forecast: steps that are looked at."),
}
_TYPES: dict[str, Any] = {FLAG: bool, WHOLE: int, NUMBER: float, PATH: Path}


def training_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said, as `derin.fit` takes it; an option that is not there is left out.

    Args:
        given: the values of the parameters of `training_parameters`, and of ``config``.

    Raises:
        UsageError: words that an option cannot be made of.
    """
    config = given.get("config")
    read = {name: _READ[name](value) if name in _READ else value for name, value in given.items() if name != "config"}
    named = {name: read.pop(name) for name in _OF_INPUTS}
    # Options of the inputs that have a flag of their own win.
    read["inputs"] |= {name: value for name, value in named.items() if value is not None}
    # An option that is not there is None, no items, or an unset flag; 0 is a number.
    said = {name: value for name, value in read.items() if value or (value == 0 and value is not False)}
    return {**_from_config(config), **said}


def training_parameters(without: Collection[str] = ()) -> list[inspect.Parameter]:
    """A parameter for each setting with a flag, and for a file of settings.

    Args:
        without: names of settings that the command says otherwise, or not at all.
    """
    found = []
    for each in SETTINGS:
        if each.flags and each.name not in without:
            found.append(parameter(each.name, *_typed(each), option(*each.flags, help=each.help, group=each.group)))
        if each.name == "reader_options":
            found += [
                parameter(name, kind | None, None, option(*flags, help=about, group=each.group))
                for name, (kind, flags, about) in _OF_INPUTS.items()
            ]
    config = "A run, or a JSON file, whose settings to use; options given here win."
    return [*found, parameter("config", Path | None, None, option(help=config, group="Run"))]


def parameter(name: str, kind: Any, default: Any, info: Any) -> inspect.Parameter:
    """A parameter that typer reads."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def option(*flags: str, help: str, group: str) -> Any:
    """An option under a heading."""
    return typer.Option(*flags, help=help, rich_help_panel=group)


def _class_weights(text: str | None) -> str | list[float] | None:
    if text is None or text == "balanced":
        return text
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f'--class-weights must be "balanced" or numbers with commas; got {text!r}.') from None


def _loss_weights(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise UsageError(f"--loss-weights must be COLUMN=NUMBER with commas between; got {text!r}.") from None
    return found


def _from_config(path: Path | None) -> dict[str, Any]:
    """The settings of another run or of a JSON file."""
    from derin.core.files import read_json
    from derin.core.run import RunFolder

    if path is None:
        return {}
    if (path / "run.json").exists():
        record = RunFolder.open(path).record()
        request, config = record.get("request", {}), record.get("config", {})
        options = {name: value for name, value in request.get("options", {}).items() if name != "config"}
        return {**options, **config}
    if not path.is_file():
        raise UsageError(f"--config must be a run or a JSON file; there is neither at {path}.")
    settings = read_json(path)
    if not isinstance(settings, dict):
        raise UsageError(f"--config {path} must hold one JSON object of settings; got {type(settings).__name__}.")
    check_names(settings, f"--config {path}")
    return settings


# What the words of an option become, where that is not what they are.
_READ: dict[str, Callable[[Any], Any]] = {
    "kinds": column_kinds,
    "class_weights": _class_weights,
    "loss_weights": _loss_weights,
    "model_options": model_options,
    "reader_options": functools.partial(model_options, flag="--reader-option"),
    "inputs": functools.partial(model_options, flag="--input"),
    "task_options": functools.partial(model_options, flag="--task-option"),
    "networks": lambda several: ";".join(several or ()) or None,
}


def _typed(setting: Setting) -> tuple[Any, Any]:
    """The type of an option, and what holds where it is not there."""
    if setting.repeats:
        return list[str] | None, None
    if FLAG in setting.kinds:
        return bool, setting.default
    # What may be a text besides is read by `_READ` or by whoever takes it.
    kind = str if TEXT in setting.kinds else _TYPES.get(setting.kinds[0], str)
    return (str if setting.name == "weights" else kind) | None, None
