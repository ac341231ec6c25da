"""`derin diagnose`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, model_options, print_json, progress_bar
from derin.core.messages import translate


def diagnose(
    what: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="A run; with --numbers errors: NAME=ERROR or NAME=ERROR:EXAMPLES."),
    ],
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Diagnose errors of any system: human, train, traindev, dev, test.")
    ] = False,
    human: Annotated[
        str | None,
        typer.Option(
            help="The error that people make, such as 0.01 or 1%:200; else what derin label measured.",
            metavar="ERROR",
        ),
    ] = None,
    human_level: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ERROR", help="Another reference error, such as expert=0.007; repeatable."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Of several reference errors, the one to measure against; else the smallest.")
    ] = None,
    material: Annotated[float | None, typer.Option(help="Smallest part that matters, such as 0.01.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Of a run: in place of the metric by which its states were compared.")
    ] = None,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="What twice the training data would bring: trains on 1/2, 1/4 and 1/8 of it, or takes SIZE=ERROR.",
        ),
    ] = False,
    json_output: JsonFlag = False,
) -> None:
    """Say what is wrong with a run, or with any system of which the errors are known, and what to do next.

    The error is taken apart: avoidable bias (training above a reference, such as people), variance (training-dev or
    dev above training), data mismatch (dev above training-dev), an over-fitted dev set (test above dev). An error is a
    share or a percentage; with its number of examples, every part has an interval.

    Example: [bold]derin diagnose runs/digits-1 --human 0.002[/bold]
    """
    from derin.api.diagnose import diagnose as diagnose_run
    from derin.api.diagnose import diagnose_numbers
    from derin.core.errors import UsageError

    if learning_curve:
        _learning_curve(what, json_output)
        return
    levels = {} if human is None else {"human": human}
    levels |= model_options(human_level, flag="--human-level")
    if numbers:
        if metric is not None:
            raise UsageError("--metric chooses among those of a run; errors of --numbers are of one already.")
        given = [f"{name}={value}" for name, value in levels.items()]
        found = diagnose_numbers(*given, *what, material=material, reference=reference)
    elif len(what) > 1:
        raise UsageError(f"derin diagnose takes one run, or errors with --numbers; got {' '.join(what)}.")
    else:
        found = diagnose_run(what[0], levels=levels, reference=reference, material=material, metric=metric)
    if json_output:
        print_json(found.to_json())
        return
    _print(found)


def _learning_curve(what: list[str], json_output: bool) -> None:
    """A run's learning curve, or that of errors by size."""
    from derin.api.learning_curve import curve_of_numbers, learning_curve
    from derin.core.errors import UsageError
    from derin.strategy.numbers import count_text, number_text

    if all("=" in text for text in what):
        curve = curve_of_numbers(what)
    elif len(what) > 1:
        raise UsageError(f"A learning curve is of one run, or of SIZE=ERROR for each size; got {' '.join(what)}.")
    else:
        with progress_bar(translate("diagnosis.learning_curve")) as progress:
            curve = learning_curve(what[0], told=progress)
    if json_output:
        print_json({"learning_curve": curve.to_json()})
        return
    terminal = console()
    for size, error in zip(curve.sizes, curve.errors):
        bounds = "" if error.low == error.high else f"  {number_text(error.low)} – {number_text(error.high)}"
        terminal.print(f"{count_text(size):>12}  {number_text(error.value)}{bounds}", markup=False)
    low, high = curve.interval
    words = {"now": number_text(curve.errors[-1].value), "then": number_text(curve.next_error)}
    words |= {"size": count_text(curve.next_size), "low": number_text(low), "high": number_text(high)}
    terminal.print(translate("diagnosis.twice", floor=number_text(curve.floor), **words), markup=False, soft_wrap=True)


def _print(found: Any) -> None:
    from derin.strategy.diagnosis_text import error_text, part_text, remarks, verdict
    from derin.strategy.numbers import count_text

    terminal = console()
    rows = []
    for name, error in found.errors.items():
        known = translate("diagnosis.exactly") if error.num_examples is None else count_text(error.num_examples)
        rows.append((translate(f"diagnosis.set_{name}"), f"{error_text(found, error.value)}  {known}"))
    for part in found.parts:
        rows.append((translate(f"diagnosis.part_{part.name}"), part_text(found, part)))
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        terminal.print(f"{label:>{width}}  {value}", markup=False)
    for sentence in (verdict(found), *remarks(found)):
        terminal.print(sentence, markup=False, soft_wrap=True)
    for suggestion in found.suggestions:
        terminal.print(f"– {suggestion.why}\n  {suggestion.command}", markup=False, soft_wrap=True)
