"""`derin report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json


def report(
    run: Annotated[Path, typer.Argument(help="A run.")],
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Embed pictures, texts or rows of the data.")
    ] = True,
    json_output: JsonFlag = False,
) -> None:
    """Write a run's report again and print its address.

    The report is one HTML file that loads nothing from elsewhere. It embeds examples of the data: think of that before
    passing it on, or leave them out.

    Example: [bold]derin report runs/digits-1 --no-pictures[/bold]
    """
    from derin.core.messages import translate
    from derin.report.page import write_report

    path = write_report(run, pictures=pictures).resolve()
    if json_output:
        print_json({"report": str(path), "address": path.as_uri()})
        return
    console().print(translate("run.report", address=path.as_uri()), markup=False, soft_wrap=True)
