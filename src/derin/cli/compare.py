"""`derin compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, plain, print_json, save_figure
from derin.core.messages import capital, format_number, localize, translate

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from derin.api.compare import Comparison

# What a table shows of the metrics of a task, in this order; --json has all.
_SHOWN = (
    "accuracy", "f1", "f1_macro", "auc", "auc_macro", "rmse", "mae", "r2", "map", "ap50", "ap75", "mean_iou", "dice",
    "pixel_accuracy", "nme", "nme_median", "pck", "loss",
)  # fmt: skip
_MOST_SHOWN = 3


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN [RUN|METRIC<=NUMBER]...", help="Runs or bundles, and further constraints."),
    ],
    data: Annotated[str | None, typer.Option(help="What to measure all on; else the data of each.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val, test, all, or new: what was not trained on.")] = None,
    target: Annotated[str | None, typer.Option(help="Column with the answers.")] = None,
    maximize: Annotated[str | None, typer.Option(help="The metric by which one is chosen, such as accuracy.")] = None,
    minimize: Annotated[str | None, typer.Option(help="The same, where less is better: weighted_error:dog=10.")] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(help='What has to be good enough beside it: "latency_ms<=100" "size_mb<=20"; repeatable.'),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Further metric: f2, weighted_error:dog=10, accuracy:by=country; repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="With --maximize or --minimize: picture of the choice (.png, .svg or .pdf).")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Compare networks on the same examples, with what they cost, and say whether differences may be chance.

    Only examples that all of them can be measured on and none was trained on count; they are known by their content.
    One metric may be optimized, any number of others has to be good enough: of those that are, the best is chosen.

    Example: [bold]derin compare runs/digits-1 runs/digits-2 --maximize accuracy --subject "latency_ms<=100"[/bold]
    """
    from derin.api.compare import compare as compare_runs

    is_limit = [any(sign in word for sign in ("<=", ">=")) for word in runs]
    found = compare_runs(
        [word for word, limit in zip(runs, is_limit) if not limit],
        data=data,
        split=split,
        target=target,
        maximize=maximize,
        minimize=minimize,
        subject=[*(subject or ()), *(word for word, limit in zip(runs, is_limit) if limit)],
        metrics=metric or (),
        device=device,
    )
    if out is not None:
        save_figure(found.figure(), out)
    if json_output:
        print_json(found.to_json())
    else:
        _show(found)
    if out is not None:
        console(json_output=json_output).print(translate("compare.picture", path=plain(str(out))), soft_wrap=True)


def _show(found: Comparison) -> None:
    from derin.api.compare import verdict
    from derin.strategy.numbers import metric_name, metric_text, split_name

    terminal = console()
    for note in found.notes:
        terminal.print(localize(note), markup=False, soft_wrap=True)
    split = split_name(found.split)
    if found.same_examples:
        terminal.print(translate("compare.measured", count=found.runs[0].num_examples, split=split), markup=False)
    else:
        for run in found.runs:
            words = {"count": run.num_examples, "split": split, "run": run.name}
            terminal.print(translate("compare.measured_alone", **words), markup=False)
    terminal.print()
    terminal.print(_table(found))
    terminal.print()
    for each in found.differences:
        low, high = each.interval
        numbers = translate(
            "compare.difference",
            metric=metric_name(each.metric),
            one=each.first,
            other=each.second,
            difference=_signed(each.metric, each.value),
            low=_signed(each.metric, low),
            high=_signed(each.metric, high),
        )
        chance = "" if each.p_value is None else translate("compare.p_value", p=format_number(each.p_value, ".2g"))
        terminal.print(f"{capital(numbers)}{chance} {verdict(each)}", markup=False, soft_wrap=True)
    if found.choice is not None and found.goal is not None:
        chosen = next(run for run in found.runs if run.name == found.choice.name)
        told = [f"{metric_name(n)} {metric_text(n, chosen.metrics.get(n))}" for n in found.goal.metrics]
        words = {"run": chosen.name, "goal": str(found.goal), "numbers": ", ".join(told)}
        terminal.print(translate("compare.chosen", **words), markup=False, soft_wrap=True)
        others = [run.name for run in found.runs if run.name not in found.choice.admissible]
        if others:
            terminal.print(translate("compare.refused", runs=", ".join(others)), markup=False, soft_wrap=True)


def _signed(metric: str, value: float) -> str:
    from derin.strategy.numbers import is_share, number_text

    return format_number(value, "+.1%") if is_share(metric) else ("+" if value > 0 else "") + number_text(value)


def _table(found: Comparison) -> Grid:
    from rich.table import Table as Grid

    from derin.api.costs import COSTS
    from derin.strategy.numbers import metric_name, metric_text
    from derin.tasks.metrics.chosen import ChosenMetric

    own = [name for name in found.runs[0].metrics if name not in COSTS]
    asked = [*(found.goal.metrics if found.goal else ()), *(name for name in own if ChosenMetric.parse(name))]
    usual = [name for name in _SHOWN if name in own][:_MOST_SHOWN]
    shown = list(dict.fromkeys([*(name for name in asked if name in own), *usual]))
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column(translate("compare.run"), overflow="fold")
    for name in (*shown, *COSTS):
        grid.add_column(plain(metric_name(name)), justify="right")
    for run in found.runs:
        cells = []
        for name in shown:
            text = metric_text(name, run.metrics.get(name), run.num_examples)
            if name in run.intervals:
                low, high = (metric_text(name, bound, run.num_examples) for bound in run.intervals[name])
                text += f" ({low} – {high})"
            cells.append(plain(text))
        grid.add_row(plain(run.name), *cells, *(plain(metric_text(name, run.metrics.get(name))) for name in COSTS))
    return grid
