"""`derin dream`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, progress_bar
from derin.cli.painting_options import Device, Network, Seed, Size, Strip, check_places, finish, layer_weights


def dream(
    picture: Annotated[Path, typer.Argument(help="One picture.")],
    out: Annotated[Path, typer.Option(help="The picture: .png, .jpg or .webp.")] = Path("dream.png"),
    network: Network = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="LAYER or LAYER=CONTRIBUTION, repeatable; else the last at stride 16. derin summary lists layers.",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        int | None, typer.Option(help="One map of the layer alone, such as that of a class.", show_default=False)
    ] = None,
    octaves: Annotated[int, typer.Option(help="Sizes from small to large.")] = 4,
    octave_scale: Annotated[float, typer.Option(help="By how much each is larger than the one before.")] = 1.4,
    steps: Annotated[int, typer.Option(help="Of each octave.")] = 20,
    lr: Annotated[float, typer.Option("--lr", help="How far a step goes, of 0 to 1.")] = 0.01,
    jitter: Annotated[int, typer.Option(help="Shifts before each step, in pixels.")] = 32,
    size: Size = 400,
    strip: Strip = None,
    seed: Seed = 0,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Let a trained network dream: strengthen in a picture what a layer sees there, from small sizes to large.

    Example: [bold]derin dream photo.jpg --layer stage2.fire8 --octaves 4 --out dream.png[/bold]
    """
    check_places(out, strip)
    from derin.apps.painting.dream import dream as dream_of
    from derin.core.messages import format_number, translate

    with progress_bar("dreaming") as tell:
        found = dream_of(
            picture,
            network=network,
            layers=layer_weights(layer, "--layer"),
            unit=unit,
            octaves=octaves,
            octave_scale=octave_scale,
            steps=steps,
            lr=lr,
            jitter=jitter,
            size=size or None,
            seed=seed,
            device=device,
            on_step=tell,
        )
    ends = {"before": format_number(found.answers[0], ".3g"), "after": format_number(found.answers[-1], ".3g")}
    line = translate("painting.dreamed", num=len(found.levels), **ends)
    finish(found, out, strip, line, json_output=json_output)
