"""`derin faces find` and `evaluate`: where faces are, and how well they are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.cli.faces_options import Cropped, Device, Finder, MinFace, Weights, recognizer_of


def find(
    picture: Annotated[Path, typer.Argument(help="A picture.")],
    out: Annotated[
        Path | None, typer.Option(help="The picture with the faces drawn into it (.png, .jpg).", show_default=False)
    ] = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Find the faces in a picture: box, eyes, nose and mouth.

    Example: [bold]derin faces find group.jpg --out found.png[/bold]
    """
    from derin.apps.faces.drawing import draw_faces
    from derin.apps.faces.recognizer import load_finder, read_picture
    from derin.core.messages import translate
    from derin.explain.pictures import require_place

    if out is not None:
        require_place(out)
    pixels = read_picture(picture)
    faces = load_finder(finder, min_face=min_face, device=device).find(pixels[None]).of(0)
    terminal = console(json_output=json_output)
    if out is not None:
        draw_faces(pixels, faces, out)
        terminal.print(translate("faces.drawn", path=str(out)), markup=False, soft_wrap=True)
    if json_output:
        print_json({"picture": str(picture), "faces": [face.to_json() for face in faces]})
        return
    terminal.print(translate("faces.found", count=len(faces)), markup=False)
    for face in faces:
        left, top, right, bottom = face.box
        sides = {"width": right - left, "height": bottom - top, "left": left, "top": top}
        terminal.print(translate("faces.face", **sides, probability=face.probability), markup=False, soft_wrap=True)


def evaluate(
    pairs: Annotated[
        Path,
        typer.Argument(
            help="A table with the columns same, person_a, file_a, person_b, file_b; or a folder or zip with a folder "
            "of pictures for each person, of which all pairs are taken."
        ),
    ],
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip with the pictures at person/file; else the table's folder, or a zip in it.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = None,
    finder: Finder = None,
    folds: Annotated[int, typer.Option(help="Parts of the table; each is decided by a threshold of the others.")] = 10,
    cropped: Cropped = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Take a picture in which no face is found as it is; how many is told.")
    ] = False,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Measure how well people are told apart: pairs, and the nearest among all.

    Example: [bold]derin faces evaluate pairs.csv --pictures lfw.zip[/bold]
    """
    from derin.apps.faces.evaluation import evaluate_faces
    from derin.core.messages import translate

    found = evaluate_faces(
        recognizer_of(weights, finder, min_face, device),
        pairs,
        pictures,
        folds=folds,
        cropped=cropped,
        whole_if_none=whole,
    )
    if json_output:
        print_json(found.to_json())
        return
    lines = [
        translate(
            "faces.accuracy",
            accuracy=found.accuracy,
            error=found.standard_error,
            folds=folds,
            pairs=found.num_pairs,
        ),
        translate("faces.rates", eer=found.eer, auc=found.auc, threshold=found.threshold),
    ]
    if (rates := found.identification) is not None:
        lines.append(translate("faces.nearest", nearest=rates.nearest, people=rates.num_people))
        lines.append(translate("faces.one_picture", rank1=rates.one_picture, choices=len(rates.choices)))
    if found.num_several:
        lines.append(translate("faces.several", count=found.num_several))
    if found.num_whole:
        lines.append(translate("faces.whole", count=found.num_whole))
    terminal = console()
    for line in lines:
        terminal.print(line, markup=False, soft_wrap=True)
