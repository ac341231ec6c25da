"""`derin train`."""

from __future__ import annotations

import inspect
import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from derin.api.arguments import RunOptions
from derin.cli.console import JsonFlag, console, print_json, progress_bar
from derin.cli.stopping import exit_code, keeping, resuming
from derin.cli.training_options import option, parameter, training_options, training_parameters
from derin.core.messages import translate
from derin.core.settings import settings_of


def train(**given: Any) -> None:
    """Train a network on data, measure it and write a report.

    What is not given is inferred: the task from the target, the network from the inputs, the settings from both.

    Example: [bold]derin train mnist --epochs 3 --seed 1[/bold]
    """
    from derin.api.announcement import Announcement
    from derin.api.fit import fit
    from derin.train.callback import Callback
    from derin.train.progress import ProgressBar

    data, json_output = given.pop("data"), given.pop("json_output")
    tensorboard = given.pop("tensorboard") or given["histograms"]
    about_run = {each.name: given.pop(each.name) for each in settings_of(RunOptions) if each.name in given}
    out, resume, extend = (about_run[name] for name in ("out", "resume", "extend"))
    options = training_options(given)
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


def _signature() -> inspect.Signature:
    """The options of the command: everything in the table of settings that has a flag, and what only a command has."""
    events = "Write events for TensorBoard into the run."
    return inspect.Signature(
        [
            parameter("data", str | None, None, typer.Argument(help=_DATA_HELP)),
            *training_parameters(),
            parameter("tensorboard", bool, False, option("--tensorboard", help=events, group="Run")),
            inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonFlag),
        ]
    )


_DATA_HELP = "A named set (derin data --sets), a folder, an archive or a file; may be left out with --resume."


train.__signature__ = _signature()  # type: ignore[attr-defined]
