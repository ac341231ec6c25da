"""`derin style`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, progress_bar
from derin.cli.painting_options import Device, Network, Seed, Size, Strip, check_places, finish, layer_weights


def style(
    content: Annotated[Path, typer.Argument(help="The photo.")],
    painting: Annotated[Path, typer.Argument(metavar="STYLE", help="The painting whose manner is wanted.")],
    out: Annotated[Path, typer.Option(help="The picture: .png, .jpg or .webp.")] = Path("painted.png"),
    network: Network = None,
    size: Size = 400,
    style_size: Annotated[
        int | None,
        typer.Option(help="Pixels of the painting; smaller gives smaller strokes. Else as --size.", show_default=False),
    ] = None,
    content_weight: Annotated[float, typer.Option("--content", help="α, the weight of the content.")] = 1.0,
    style_weight: Annotated[float, typer.Option("--style", help="β, the weight of the style.")] = 10.0,
    smooth_weight: Annotated[float, typer.Option("--smooth", help="γ, the weight of smoothness.")] = 1.0,
    content_layer: Annotated[
        str | None, typer.Option(help="Where the content is compared; else the last at stride 8.", show_default=False)
    ] = None,
    style_layer: Annotated[
        list[str] | None,
        typer.Option(
            help="LAYER=λ, repeatable; else the last at strides 2, 4, 8 and 16 alike. derin summary lists layers.",
            show_default=False,
        ),
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adam or lbfgs.")] = "adam",
    steps: Annotated[int, typer.Option(help="The first half of them on a picture of half the size.")] = 200,
    lr: Annotated[
        float | None, typer.Option("--lr", help="Step size; else 0.05 for adam, 1 for lbfgs.", show_default=False)
    ] = None,
    start: Annotated[str, typer.Option(help="content or noise.")] = "content",
    keep_colors: Annotated[bool, typer.Option(help="The photo keeps its colors.")] = False,
    strip: Strip = None,
    seed: Seed = 0,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Paint a photo in the manner of a painting, by way of what a trained network sees in both.

    Example: [bold]derin style photo.jpg painting.jpg --out painted.png --strip steps.png[/bold]
    """
    check_places(out, strip)
    from derin.apps.painting.style import style as paint
    from derin.core.messages import format_number, translate

    with progress_bar("painting") as tell:
        found = paint(
            content,
            painting,
            network=network,
            size=size or None,
            style_size=style_size,
            content_weight=content_weight,
            style_weight=style_weight,
            smooth_weight=smooth_weight,
            content_layer=content_layer,
            style_layers=layer_weights(style_layer, "--style-layer"),
            optimizer=optimizer,
            steps=steps,
            lr=lr,
            start=start,
            keep_colors=keep_colors,
            seed=seed,
            device=device,
            on_step=tell,
        )
    last = found.costs[-1]
    line = translate(
        "painting.costs",
        before=format_number(found.costs[0].total, ".3g"),
        after=format_number(last.total, ".3g"),
        content=format_number(last.content, ".2f"),
        style=format_number(sum(last.style.values()) / len(last.style), ".2f"),
    )
    finish(found, out, strip, line, json_output=json_output)
