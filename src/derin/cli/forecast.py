"""`derin forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.api.forecast import Forecasts

_SHOWN_STEPS, _SHOWN_VARIABLES, _SHOWN_SERIES = 24, 6, 8


def forecast(
    run: Annotated[Path, typer.Argument(help="A run, or a bundle.")],
    data: Annotated[
        str | None,
        typer.Argument(help="A csv file or named set to go on from; else the data of the run.", show_default=False),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Steps; else as many as the network was trained for.", show_default=False)
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="naive, seasonal_naive, yearly_naive or linear in place of the network.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A table (.csv) or a drawing (.png, .svg, .pdf).", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Forecast the coming steps of a series, with an interval.

    Example: [bold]derin forecast runs/airline_passengers-1 --out forecast.png[/bold]
    """
    from derin.api.forecast import forecast as forecast_with
    from derin.api.forecast import level_lowered, offer, short_series
    from derin.api.model import open
    from derin.core.messages import translate
    from derin.explain.pictures import require_place

    if out is not None and out.suffix.lower() != ".csv":
        require_place(out)
    found = forecast_with(open(run, device=device), data, horizon=horizon, baseline=baseline)
    terminal = console(json_output=json_output)
    if baseline is None and (sentence := offer(found)):
        terminal.print(sentence, markup=False, soft_wrap=True)
    for sentence in filter(None, (short_series(found), level_lowered(found))):
        terminal.print(sentence, markup=False, soft_wrap=True)
    if json_output:
        print_json(found.to_json())
    elif out is None:
        _print(found)
    if out is not None:
        found.save(out)
        terminal.print(translate("forecast.written", path=str(out)), markup=False, soft_wrap=True)


def _print(found: Forecasts) -> None:
    """The first steps as lines, with bounds where there are some."""
    from derin.core.messages import translate
    from derin.core.printable import printable
    from derin.strategy.numbers import number_text

    terminal = console()
    for answer in found.answers[:_SHOWN_SERIES]:
        if answer.series is not None:
            terminal.print(printable(answer.series), markup=False)
        for step, time in list(enumerate(answer.times))[:_SHOWN_STEPS]:
            cells = []
            for place, name in list(enumerate(answer.names))[:_SHOWN_VARIABLES]:
                cell = f"{printable(name)} {number_text(answer.values[step, place])}"
                if (
                    answer.low is not None
                    and answer.high is not None
                    and answer.low[step, place] == answer.low[step, place]
                ):
                    low, high = (number_text(b[step, place]) for b in (answer.low, answer.high))
                    cell += f" [{low} – {high}]"
                cells.append(cell)
            terminal.print(f"{printable(time or step + 1)}  {'  '.join(cells)}", markup=False, soft_wrap=True)
    first = found.answers[0]
    num_cut = max(0, len(first) - _SHOWN_STEPS), max(0, len(first.names) - _SHOWN_VARIABLES)
    if any(num_cut) or len(found) > _SHOWN_SERIES:
        terminal.print(translate("forecast.more"), markup=False, soft_wrap=True)
