"""`derin explain activations`, `filters` and `deconvnet`: what the layers of a network do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, progress_bar
from derin.cli.explain_heat import Device, Pictures, Run, finish, listed

Layer = Annotated[
    str | None,
    typer.Option(help="By name; else the last convolution. derin summary lists them.", show_default=False),
]
Units = Annotated[list[int] | None, typer.Option("--unit", help="Of the layer; repeatable.", show_default=False)]


def activations(
    run: Run,
    picture: Annotated[Path, typer.Argument(help="One picture.")],
    layer: Annotated[
        list[str] | None,
        typer.Option(help="By name; repeatable. Else a few from first to last.", show_default=False),
    ] = None,
    units: Annotated[int, typer.Option(help="Maps drawn of each layer, those that vary most.")] = 32,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("activations.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show the maps that the layers make of a picture.

    Example: [bold]derin explain activations runs/fashion_mnist-1 boot.png[/bold]
    """
    from derin.api.explain_layers import explain_activations
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    found = explain_activations(open(run, device=device), picture, layers=layer, num_units=units)
    finish(found, out, json_output=json_output)


def filters(
    run: Run,
    layer: Layer = None,
    unit: Units = None,
    num: Annotated[int, typer.Option(help="How many units, from the first, where none is named.")] = 12,
    steps: Annotated[int, typer.Option(help="Of gradient ascent.")] = 256,
    size: Annotated[int | None, typer.Option(help="Side of the pictures in pixels.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of the pictures at the start.")] = 0,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("filters.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Paint the pictures that excite the units of a layer most, by gradient ascent.

    Example: [bold]derin explain filters runs/fashion_mnist-1 --unit 3 --unit 17[/bold]
    """
    from derin.api.explain_layers import explain_filters
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    model = open(run, device=device)
    with progress_bar("painting") as tell:
        found = explain_filters(
            model, layer=layer, units=unit or None, num_units=num, steps=steps, size=size, seed=seed, on_step=tell
        )
    finish(found, out, json_output=json_output)


def deconvnet(
    run: Run,
    pictures: Pictures,
    layer: Layer = None,
    unit: Units = None,
    num: Annotated[int, typer.Option(help="How many units, the strongest, where none is named.")] = 9,
    top: Annotated[int, typer.Option(help="Pictures for each unit, those on which it answers most.")] = 1,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("deconvnet.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show what the strongest answers of a layer are about, projected back onto the pictures.

    Example: [bold]derin explain deconvnet runs/fashion_mnist-1 pictures --top 3[/bold]
    """
    from derin.api.explain_layers import explain_by_deconvnet
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    model = open(run, device=device)
    found = explain_by_deconvnet(
        model, listed(pictures), layer=layer, units=unit or None, num_units=num, num_examples=top
    )
    finish(found, out, json_output=json_output)
