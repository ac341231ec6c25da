"""`derin explain live`: a trained network that runs in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.cli.explain_heat import Run


def live(
    run: Run,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("live.html"),
    json_output: JsonFlag = False,
) -> None:
    """Make a page on which a small network runs: draw a picture or set the values of a row, and click any number.

    Example: [bold]derin explain live runs/digits-1 --out digits.html[/bold]
    """
    from derin.api.explain_live import explain_live
    from derin.api.model import open
    from derin.core.messages import translate

    found = explain_live(open(run), run=run)
    found.save(out)
    if json_output:
        print_json({"page": str(out), "nodes": len(found.network.nodes), "answer": found.network.output})
        return
    console().print(translate("embedding.wrote", address=out.resolve().as_uri()), markup=False, soft_wrap=True)
