"""`derin export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json


def export(
    run: Annotated[Path, typer.Argument(help="A run, or a bundle.")],
    out: Annotated[Path, typer.Option(help="The file to write, such as model.onnx.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", help="onnx, or safetensors for the weights alone; else by the file's name."),
    ] = None,
    with_preparation: Annotated[
        bool,
        typer.Option("--with-preparation", help="From pixels, or the columns of a table, to answers, in one file."),
    ] = False,
    json_output: JsonFlag = False,
) -> None:
    """Write a trained network for other programs.

    An ONNX file takes batches of any size and gives the network's output and the answers of predict: calibrated
    probabilities, the class decided for, values in their own unit. It is compared with the network before it is kept.
    ONNX needs [bold]pip install "derin\\[onnx]"[/bold].

    Example: [bold]derin export runs/mnist-1 --out mnist.onnx --with-preparation[/bold]
    """
    from derin.api.model import open
    from derin.core.messages import translate

    written = open(run).export(out, format=format_, with_preparation=with_preparation)
    if json_output:
        print_json(written)
        return
    terminal = console()
    terminal.print(
        translate("export.written", path=written["path"], size=written["bytes"] / 1e6), markup=False, soft_wrap=True
    )
    for side in ("input", "output"):
        for named in written.get(f"{side}s", ()):
            shape = " × ".join(map(str, named["shape"]))
            terminal.print(
                translate(f"export.{side}", name=named["name"], type=named["type"], shape=shape), markup=False
            )
    if "largest_difference" in written:
        terminal.print(translate("export.difference", difference=f"{written['largest_difference']:.1e}"), markup=False)
