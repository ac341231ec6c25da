"""`derin train`."""

from __future__ import annotations

import functools
import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.api.arguments import SETTINGS, RunOptions
from derin.cli.console import JsonFlag, column_kinds, console, model_options, print_json, progress_bar
from derin.cli.stopping import exit_code, keeping, resuming
from derin.core.messages import translate
from derin.core.settings import FLAG, NUMBER, PATH, TEXT, WHOLE, Setting, settings_of

# Settings of the inputs that have an option of their own.
_OF_INPUTS = {
    "tokenizer": (str, ("--tokenizer",), "Of text: words, characters, bytes or bpe."),
    "vectors": (str, ("--vectors",), "Word vectors to begin with: a word2vec or GloVe file, or a run."),
    "horizon": (int, ("--horizon",), "Of a forecast: steps that are predicted."),
    "context_length": (int, ("--context-length", "--look-back"), "Of a forecast: steps that are looked at."),
}
_TYPES: dict[str, Any] = {FLAG: bool, WHOLE: int, NUMBER: float, PATH: Path}


def train(**given: Any) -> None:
    """Train a network on data, measure it and write a report.

    What is not given is inferred: the task from the target, the network from the inputs, the settings from both.

    Example: [bold]derin train mnist --epochs 3 --seed 1[/bold]
    """
    from derin.api.announcement import Announcement
    from derin.api.fit import fit
    from derin.train.callback import Callback
    from derin.train.progress import ProgressBar

    data, config, json_output = given.pop("data"), given.pop("config"), given.pop("json_output")
    tensorboard = given.pop("tensorboard") or given["histograms"]
    about_run = {each.name: given.pop(each.name) for each in settings_of(RunOptions) if each.name in given}
    out, resume, extend = (about_run[name] for name in ("out", "resume", "extend"))
    named = {name: given.pop(name) for name in _OF_INPUTS}
    read = {name: _READ[name](value) if name in _READ else value for name, value in given.items()}
    # Options of the inputs that have a flag of their own win.
    read["inputs"] |= {name: value for name, value in named.items() if value is not None}
    # An option that is not there is None, no items, or an unset flag; 0 is a number.
    said = {name: value for name, value in read.items() if value or (value == 0 and value is not False)}
    options = {**_from_config(config), **said}
    terminal = console(json_output=json_output)
    callbacks: list[Callback] = [
        keeping("derin train", out if resume else None),
        Announcement(terminal),
        ProgressBar(terminal),
    ]
    if tensorboard:
        from derin.train.tensorboard import TensorBoardEvents

        callbacks.append(TensorBoardEvents())
    was_finished = _say_what_resuming_does(out, resume, terminal)
    with progress_bar(translate("data.fetching" if about_run["download"] else "data.reading")) as progress:
        run = fit(
            data,
            callbacks=callbacks,
            command=shlex.join(["derin", *sys.argv[1:]]),
            progress=progress,
            quiet=True,
            **about_run,
            **options,
        )
    if was_finished and not extend:
        terminal.print(translate("run.finished_before", run=str(out)), markup=False, soft_wrap=True)
    _print_end(run, terminal)
    if json_output:
        print_json(_document(run))
    if not run.finished:
        raise typer.Exit(exit_code())


def _say_what_resuming_does(out: Path | None, resume: bool, terminal: Any) -> bool:
    """Whether the run is finished already; says where there is nothing to go on from."""
    from derin.core.files import read_json

    if not resume or out is None:
        return False
    record = read_json(out / "run.json") if (out / "run.json").exists() else {}
    if record.get("finished"):
        return True
    if record and not (out / "state").exists():
        terminal.print(translate("run.nothing_saved", run=str(out)), markup=False, soft_wrap=True)
    return False


def _print_end(run: Any, terminal: Any) -> None:
    from derin.strategy.numbers import metric_name, metric_text, split_name

    record = run.record
    if not run.finished:
        command = resuming("derin train", run.path)
        terminal.print(
            translate("run.interrupted", step=record["steps"], command=command), markup=False, soft_wrap=True
        )
        return
    monitor = record["task"]["headline"]
    for split, values in run.metrics.items() if monitor is not None else ():
        value = metric_text(monitor, values.get(monitor), record["num_examples"][split])
        sentence = translate("run.result", metric=metric_name(monitor), split=split_name(split), value=value)
        terminal.print(sentence, markup=False, soft_wrap=True)
    if record["task"]["name"] == "multitask":
        _print_columns(run, terminal)
    for sentence in run.diagnosis:
        terminal.print(sentence, markup=False, soft_wrap=True)
    if record["stopped"] == "time":
        words = {"seconds": record["seconds"], "given": record["config"]["max_seconds"]}
        terminal.print(translate("run.out_of_time", **words), markup=False, soft_wrap=True)
    terminal.print(translate("run.saved", run=str(run.path)), markup=False, soft_wrap=True)
    if run.report.exists():
        terminal.print(translate("run.report", address=run.report.resolve().as_uri()), markup=False, soft_wrap=True)


def _print_columns(run: Any, terminal: Any) -> None:
    """The measurement that counts for each of several target columns."""
    from derin.strategy.numbers import metric_name, metric_text, split_name
    from derin.tasks.registry import TASKS

    for part in run.record["task"]["parts"]:
        (column,) = part["columns"]
        metric = f"{column}/{TASKS[part['name']].monitor}"
        for split, values in run.metrics.items():
            value = metric_text(metric, values.get(metric), run.record["num_examples"][split])
            sentence = translate("run.result", metric=metric_name(metric), split=split_name(split), value=value)
            terminal.print(sentence, markup=False, soft_wrap=True)


def _document(run: Any) -> dict[str, Any]:
    """The promised JSON form."""
    record = run.record
    return {
        "run": str(run.path),
        "model": record["model"]["name"],
        "task": record["task"]["name"],
        "epochs": record.get("epochs"),
        "seconds": record.get("seconds"),
        "plan": record["plan"]["chosen"],
        "stopped": record.get("stopped"),
        "metrics": run.metrics,
    }


def _class_weights(text: str | None) -> str | list[float] | None:
    from derin.core.errors import UsageError

    if text is None or text == "balanced":
        return text
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f'--class-weights must be "balanced" or numbers with commas; got {text!r}.') from None


def _loss_weights(text: str | None) -> dict[str, float] | None:
    from derin.core.errors import UsageError

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
    from derin.api.arguments import check_names
    from derin.core.errors import UsageError
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


def _signature() -> inspect.Signature:
    """The options of the command: everything in the table of settings that has a flag, and what only a command has."""
    found = [_parameter("data", str | None, None, typer.Argument(help=_DATA_HELP))]
    for each in SETTINGS:
        if each.flags:
            found.append(_parameter(each.name, *_typed(each), _option(*each.flags, help=each.help, group=each.group)))
        if each.name == "reader_options":
            found += [
                _parameter(name, kind | None, None, _option(*flags, help=about, group=each.group))
                for name, (kind, flags, about) in _OF_INPUTS.items()
            ]
    config = "A run, or a JSON file, whose settings to use; options given here win."
    events = "Write events for TensorBoard into the run."
    found += [
        _parameter("config", Path | None, None, _option(help=config, group="Run")),
        _parameter("tensorboard", bool, False, _option("--tensorboard", help=events, group="Run")),
        inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonFlag),
    ]
    return inspect.Signature(found)


_DATA_HELP = "A named set (derin data --sets), a folder, an archive or a file; may be left out with --resume."


def _parameter(name: str, kind: Any, default: Any, info: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _option(*flags: str, help: str, group: str) -> Any:
    return typer.Option(*flags, help=help, rich_help_panel=group)


def _typed(setting: Setting) -> tuple[Any, Any]:
    """The type of an option, and what holds where it is not there."""
    if setting.repeats:
        return list[str] | None, None
    if FLAG in setting.kinds:
        return bool, setting.default
    # What may be a text besides is read by `_READ` or by whoever takes it.
    kind = str if TEXT in setting.kinds else _TYPES.get(setting.kinds[0], str)
    return (str if setting.name == "weights" else kind) | None, None


train.__signature__ = _signature()  # type: ignore[attr-defined]
