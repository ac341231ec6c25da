"""`derin explain importance`: which columns of a table a network depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag
from derin.cli.explain_embeddings import Split, Target
from derin.cli.explain_heat import Device, Run, finish


def importance(
    run: Run,
    data: Annotated[
        str | None, typer.Argument(help="A named set or a file; else the data of the training.", show_default=False)
    ] = None,
    repeats: Annotated[int, typer.Option(help="Shuffles of each column.")] = 10,
    curves: Annotated[int, typer.Option(help="So many of the most important columns get a curve.")] = 4,
    points: Annotated[int, typer.Option(help="At most so many values on a curve.")] = 20,
    individual: Annotated[int, typer.Option(help="So many rows with curves of their own beside the mean.")] = 30,
    num: Annotated[int, typer.Option(help="At most so many examples, drawn by the seed.")] = 5_000,
    split: Split = None,
    target: Target = None,
    seed: Annotated[int, typer.Option(help="Random seed of the draw and the shuffles.")] = 0,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("importance.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show which columns of a table, or which of several inputs, the answers depend on.

    Of the most important columns it also shows how the answers follow their values.

    Example: [bold]derin explain importance runs/iris-1 --out importance.png[/bold]
    """
    from derin.api.explain_importance import explain_importance
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    found = explain_importance(
        open(run, device=device),
        data,
        split=split,
        target=target,
        num=num,
        repeats=repeats,
        curves=curves,
        points=points,
        individual=individual,
        seed=seed,
    )
    finish(found, out, json_output=json_output, lines=_columns)


def _columns(document: Any) -> Iterator[str]:
    from derin.api.explain_importance import rows_used
    from derin.core.messages import format_number, translate
    from derin.core.printable import printable

    measured = translate(f"explain.importance_{document['metric']}")
    yield f"{measured}. {rows_used(document)}"
    for column in document["columns"]:
        value, low, high = (format_number(n, "+.4g") for n in (column["importance"], *column["interval"]))
        yield f"{printable(column['name'])}  {value}  ({low} – {high})"
