"""`derin eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.core.messages import format_number, translate


def eval_(
    run: Annotated[Path, typer.Argument(help="A run, or a bundle.")],
    data: Annotated[str | None, typer.Argument(help="What to measure on; the run's own data if left out.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val, test, all, or new: what was not trained on.")] = None,
    target: Annotated[str | None, typer.Option(help="Column with the answers.")] = None,
    one_shot: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of embeddings: tell examples among N classes, one example of each known."),
    ] = None,
    judge: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Of made pictures: the run of a classifier that judges them beside true ones."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Measure a trained network on data with known answers.

    Of the data that the network was trained on, and of data that comes with a test split, the test split is measured;
    of other data every row, and it is said how many of them the network was trained on. Data is read as in training.

    Example: [bold]derin eval runs/mnist-1 ./my_digits[/bold]

    Example: [bold]derin eval runs/gan --judge runs/mnist-1[/bold]
    """
    from derin.api.model import open
    from derin.core.errors import UsageError
    from derin.core.printable import printable

    model = open(run, device=device)
    source = data or model.card.get("data", {}).get("source")
    if source is None:
        raise UsageError(f"{run} does not say on which data it was trained; name the data to measure on.")
    found = model.evaluate(source, split=split, target=target, one_shot=one_shot, judge=judge)
    if json_output:
        print_json(found.to_json())
        return
    terminal = console()
    part = translate(f"split.{found.split}")
    terminal.print(translate("eval.measured", count=found.num_examples, split=part), markup=False)
    for name, value in found.metrics.items():
        if isinstance(value, float):
            terminal.print(f"{printable(name):>20}  {value:.4f}", markup=False, soft_wrap=True)
    if told := found.metrics.get("one_shot"):
        terminal.print(translate("eval.one_shot", **told), markup=False, soft_wrap=True)
    if covered := found.metrics.get("class_coverage"):
        shares = ", ".join(f"{printable(name)} {format_number(share, '.1%')}" for name, share in covered.items())
        terminal.print(translate("eval.coverage", shares=shares), markup=False, soft_wrap=True)
        terminal.print(translate("eval.judged", **found.metrics["judge"]), markup=False, soft_wrap=True)
    each = found.metrics.get("per_series")
    for name, values in (each or {}).items():
        terminal.print(
            f"{translate('forecast.mase'):>20}  {values['mase']:.4f}  {printable(name)}", markup=False, soft_wrap=True
        )
