"""`derin search`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from derin.api.arguments import RunOptions
from derin.cli.console import JsonFlag, console, print_json, progress_bar
from derin.cli.stopping import exit_code, keeping
from derin.cli.training_options import option, parameter, training_options, training_parameters
from derin.core.messages import translate
from derin.core.settings import settings_of

if TYPE_CHECKING:
    from derin.strategy.search_story import Trial

_SEARCH = "Search"
# Of the options of derin train: what a search says of itself, and what a trial has none of.
_OTHERWISE = frozenset({each.name for each in settings_of(RunOptions)} - {"download"}) | {"max_seconds"}


def search(**given: Any) -> None:
    """Search over settings: try them one after the other, keep the best, and say which mattered.

    Trial 0 has the settings of derin train; methods that take seconds are measured before it. All are compared on
    validation; the test split is measured once, for the best. Every option of derin train holds for all trials.
    Several processes (--out FOLDER --resume) or machines (--storage URL) share a search.

    Example: [bold]derin search digits --search lr=1e-4:1e-1:log batch_size=32,64,128 --trials 20[/bold]
    """
    from derin.api.search import search as search_settings
    from derin.core.errors import UsageError
    from derin.report.search_page import result_sentences
    from derin.strategy.numbers import metric_name, metric_text

    data, further, json_output = given.pop("data"), given.pop("further") or [], given.pop("json_output")
    named = ("space", "trials", "max_seconds", "maximize", "minimize", "subject", "method", "halving", "storage")
    about = {name: given.pop(name) for name in (*named, "study", "out", "resume", "download")}
    for word in further:
        kind = "subject" if "<=" in word or ">=" in word else "space"
        if "=" not in word:
            raise UsageError(f"One set of data is searched on; got {word!r} besides.")
        about[kind] = [*(about[kind] or ()), word]
    terminal = console(json_output=json_output)

    def tell(trial: Trial, metric: str) -> None:
        settings = ", ".join(f"{n}={v:.4g}" if isinstance(v, float) else f"{n}={v}" for n, v in trial.settings.items())
        words = {"number": trial.number, "outcome": translate(f"search.{trial.outcome}"), "settings": settings}
        if trial.reason:
            sentence = translate("search.telling_failed", **words, reason=trial.reason)
        else:
            value = metric_text(metric, trial.metrics.get(metric))
            sentence = translate("search.telling", **words, metric=metric_name(metric), value=value)
        terminal.print(sentence, markup=False, soft_wrap=True)

    options = training_options(given)
    if about.pop("download"):
        options["download"] = True
    with progress_bar(translate("data.reading")) as progress:
        found = search_settings(
            data,
            on_trial=tell,
            listening=lambda folder: [keeping("derin search", whole=folder)],
            progress=progress,
            **{**about, "subject": about["subject"] or ()},
            **options,
        )
    best = None if found.choice is None else next(t for t in found.story.trials if t.run == found.choice.name)
    for sentence in result_sentences(found.story, best):
        terminal.print(sentence, markup=False, soft_wrap=True)
    if not found.finished:
        terminal.print(translate("search.going_on", command=found.story.command), markup=False, soft_wrap=True)
    words = {"address": found.report.resolve().as_uri()}
    if found.best is None and best is not None and not found.interrupted:
        terminal.print(translate("search.elsewhere", run=best.run), markup=False, soft_wrap=True)
    if found.best is None:
        terminal.print(translate("search.page", **words), markup=False, soft_wrap=True)
    else:
        terminal.print(translate("search.saved", **words, run=str(found.best.path)), markup=False, soft_wrap=True)
    if json_output:
        print_json(found.to_json())
    if found.interrupted:
        raise typer.Exit(exit_code())


def _signature() -> inspect.Signature:
    """What a search has of its own, and every option of training that holds for a trial."""
    data = "A named set, a folder, an archive or a file, as for derin train; may be left out with --resume."
    more = "Further settings to search over, and further constraints."
    space = "A setting and its range or values: lr=1e-4:1e-1:log, momentum=0.8:0.99:one-minus-log, dropout=0:0.5."
    own = [
        parameter("data", str | None, None, typer.Argument(help=data)),
        parameter(
            "further", list[str] | None, None, typer.Argument(help=more, metavar="[NAME=VALUES|METRIC<=NUMBER]...")
        ),
        parameter("space", list[str] | None, None, option("--search", help=space + " Repeatable.", group=_SEARCH)),
        parameter("trials", int | None, None, option("--trials", help="How many in all; 20.", group=_SEARCH)),
        parameter(
            "max_seconds", float | None, None, option("--max-seconds", help="Stop after so long.", group=_SEARCH)
        ),
        parameter(
            "maximize",
            str | None,
            None,
            option("--maximize", help="The metric on validation; else that of the task.", group=_SEARCH),
        ),
        parameter(
            "minimize", str | None, None, option("--minimize", help="The same, where less is better.", group=_SEARCH)
        ),
        parameter(
            "subject",
            list[str] | None,
            None,
            option("--subject", help='What has to be good enough: "latency_ms<=5"; repeatable.', group=_SEARCH),
        ),
        parameter("method", str | None, None, option("--method", help="tpe, random or coarse-to-fine.", group=_SEARCH)),
        parameter(
            "halving",
            bool | None,
            None,
            option("--halving/--no-halving", help="Give up trials that others have left behind.", group=_SEARCH),
        ),
        parameter(
            "storage",
            str | None,
            None,
            option("--storage", help="Database for several machines: postgresql://…, mysql://…", group=_SEARCH),
        ),
        parameter(
            "study", str | None, None, option("--study", help="Its name there; else the folder's.", group=_SEARCH)
        ),
        parameter(
            "out", Path | None, None, option("--out", help="Folder; else runs/NAME-search-NUMBER.", group=_SEARCH)
        ),
        parameter(
            "resume",
            bool,
            False,
            option("--resume", help="Go on with the search at --out, or take part in it.", group=_SEARCH),
        ),
    ]
    json_flag = inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonFlag)
    return inspect.Signature([*own, *training_parameters(_OTHERWISE), json_flag])


search.__signature__ = _signature()  # type: ignore[attr-defined]
