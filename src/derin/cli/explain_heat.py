"""`derin explain grad-cam`, `integrated-gradients` and `occlusion`: which parts of a picture decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json, progress_bar

if TYPE_CHECKING:
    from derin.api.explanation import Explanation
    from derin.api.model import Model

Run = Annotated[Path, typer.Argument(help="A run, or a bundle.")]
Pictures = Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Pictures, or folders of pictures.")]
Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT...", help="Pictures, folders of pictures, or a .npz with an array for each input."),
]
Asked = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="By name or number, column=class where several columns are predicted; else what the network answers.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(help="cpu, cuda or mps.")]


def grad_cam(
    run: Run,
    pictures: Pictures,
    class_: Asked = None,
    box: Annotated[
        int | None,
        typer.Option(help="Of a detection: which of its boxes, 1 the most probable.", show_default=False),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="Whose maps; else the last ones, or those a box was read from. derin summary lists them.",
            show_default=False,
        ),
    ] = None,
    plus_plus: Annotated[
        bool, typer.Option("--plus-plus", help="Grad-CAM++: shows several objects of a class more evenly.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("grad-cam.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show where a layer's maps speak for a class, a box, or a class of a mask (Grad-CAM, Grad-CAM++).

    Example: [bold]derin explain grad-cam runs/fashion_mnist-1 boot.png --class Sneaker[/bold]

    Example: [bold]derin explain grad-cam runs/cells-1 blood.jpg --class Platelets --box 2[/bold]
    """
    from derin.api.explain_heat import explain_by_grad_cam
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    model = open(run, device=device)
    found = explain_by_grad_cam(model, listed(pictures), target=class_, box=box, layer=layer, plus_plus=plus_plus)
    finish(found, out, json_output=json_output)


def integrated_gradients(
    run: Run,
    inputs: Inputs,
    class_: Asked = None,
    baseline: Annotated[str, typer.Option(help="The picture that says nothing: mean, black, white or blur.")] = "mean",
    steps: Annotated[int, typer.Option(help="Points on the way to the picture; doubled until the sum is exact.")] = 64,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("integrated-gradients.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show what each pixel, or each number of an array, adds to the score of a class (integrated gradients).

    Example: [bold]derin explain integrated-gradients runs/fashion_mnist-1 boot.png --baseline black[/bold]
    """
    from derin.api.explain_heat import explain_by_integrated_gradients
    from derin.api.model import open
    from derin.core.messages import translate
    from derin.explain.pictures import require_place

    require_place(out)
    model = open(run, device=device)
    found = explain_by_integrated_gradients(
        model, _given(model, inputs), target=class_, baseline=baseline, num_steps=steps
    )
    for row in found.to_json():
        if row["gap"] > 0.01:
            words = translate("explain.gap", name=row["input"], gap=row["gap"], steps=row["steps"])
            console(json_output=True).print(words, markup=False, soft_wrap=True)
    finish(found, out, json_output=json_output)


def occlusion(
    run: Run,
    inputs: Inputs,
    class_: Asked = None,
    patch: Annotated[
        int | None, typer.Option(help="Side of the patch in pixels; else a fifth of the picture.", show_default=False)
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Pixels between two places; else a third of the patch.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="The drawing: .png, .svg or .pdf.")] = Path("occlusion.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show how much the probability of a class falls where a patch of the picture, or a whole array, is hidden.

    Example: [bold]derin explain occlusion runs/fashion_mnist-1 boot.png --patch 7[/bold]
    """
    from derin.api.explain_heat import explain_by_occlusion
    from derin.api.model import open
    from derin.explain.pictures import require_place

    require_place(out)
    model = open(run, device=device)
    with progress_bar("hiding") as tell:
        found = explain_by_occlusion(
            model, _given(model, inputs), target=class_, patch=patch, stride=stride, on_step=tell
        )
    finish(found, out, json_output=json_output)


def _given(model: Model, inputs: list[Path]) -> Any:
    """What was named, as the network reads it: a file of arrays, or pictures."""
    return inputs[0] if model.preparation.medium == "arrays" and len(inputs) == 1 else listed(inputs)


def listed(pictures: list[Path]) -> list[Path]:
    """The pictures that were named, folders opened."""
    from derin.core.errors import DataError
    from derin.readers.listing import list_files

    found: list[Path] = []
    for path in pictures:
        inside = list_files(path) if path.is_dir() else [path]
        if not inside:
            raise DataError(
                f"The folder {path} holds no pictures; name a folder with pictures or the files themselves."
            )
        found += inside
    return found


def _answers(document: Any) -> Iterator[str]:
    """What a network says of each input, where that is what was explained."""
    from derin.core.messages import format_number, translate
    from derin.core.printable import printable

    for row in document if isinstance(document, list) else []:
        value = format_number(row["probability"], ".1%") if "probability" in row else format_number(row["value"], ".4g")
        yield f"{printable(row['input'])}  {translate('explain.speaks_for', name=row['target'], value=value)}"


def finish(
    found: Explanation, out: Path, *, json_output: bool, lines: Callable[[Any], Iterator[str]] = _answers
) -> None:
    """Writes the drawing, then says in lines or prints as JSON what it shows."""
    from derin.core.messages import translate

    found.save(out)
    document = found.to_json()
    if json_output:
        print_json({"method": found.method, "picture": str(out), "found": document})
        return
    terminal = console()
    for line in lines(document):
        terminal.print(line, markup=False, soft_wrap=True)
    terminal.print(translate("explain.wrote", path=out), markup=False, soft_wrap=True)
