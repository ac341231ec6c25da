"""What `derin style` and `derin dream` share: options, and how a finished picture is told of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import console, print_json

if TYPE_CHECKING:
    from derin.apps.painting.drawing import ChangedPicture

Network = Annotated[
    str | None,
    typer.Option(
        help="Published weights by name (derin weights), a run or a bundle; else MobileNetV2 to paint, SqueezeNet "
        "to dream.",
        show_default=False,
    ),
]
Size = Annotated[int, typer.Option(help="Pixels of the longer side; 0 leaves the picture as it is.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same picture.")]
Strip = Annotated[
    Path | None,
    typer.Option(help="Also draw the picture over the steps, and curves: .png, .svg or .pdf.", show_default=False),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.")]


def layer_weights(pairs: list[str] | None, flag: str) -> dict[str, float] | None:
    """``LAYER`` or ``LAYER=WEIGHT``, several times; None where there are none.

    Example:
        >>> layer_weights(["stem", "stage1.fire2=0.5"], "--layer")
        {'stem': 1.0, 'stage1.fire2': 0.5}
    """
    from derin.core.errors import UsageError

    found = {}
    for pair in pairs or []:
        name, sign, text = pair.partition("=")
        try:
            found[name] = float(text) if sign else 1.0
        except ValueError:
            raise UsageError(f"{flag} must be LAYER or LAYER=WEIGHT, such as stem=0.5; got {pair!r}.") from None
    return found or None


def check_places(out: Path, strip: Path | None) -> None:
    """Refuses files that could not be written, before the work."""
    from derin.apps.painting.drawing import require_image_path
    from derin.explain.pictures import require_place

    require_image_path(out)
    if strip is not None:
        require_place(strip)


def finish(found: ChangedPicture, out: Path, strip: Path | None, line: str, *, json_output: bool) -> None:
    """Writes what was asked for, and says so."""
    from derin.core.messages import translate

    found.save(out)
    if strip is not None:
        found.save_strip(strip)
    if json_output:
        print_json({"path": str(out), "strip": None if strip is None else str(strip), **found.to_json()})
        return
    lines = [translate("painting.wrote", width=found.image.width, height=found.image.height, path=out), line]
    if strip is not None:
        lines.append(translate("painting.wrote_strip", path=strip))
    for text in lines:
        console().print(text, markup=False, soft_wrap=True)
