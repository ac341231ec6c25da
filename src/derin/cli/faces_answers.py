"""`derin faces verify` and `identify`: is this somebody, and who is it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.cli.faces_options import (
    DECISION,
    DEFAULT_DATABASE,
    By,
    Cropped,
    Database,
    Device,
    Finder,
    Largest,
    Limit,
    MinFace,
    Weights,
    gallery_of,
    nearest_or_mean,
    recognizer_of,
    say,
    say_origin,
    threshold_for,
)

if TYPE_CHECKING:
    from rich.console import Console

    from derin.apps.faces.deciding import Threshold

# Times as many embeddings as when an index was built: what was measured then is no longer said without a word.
_GROWN = 2


def verify(
    name: Annotated[str, typer.Argument(help="Who it is said to be.")],
    picture: Annotated[Path, typer.Argument(help="Of one face.")],
    db: Database = DEFAULT_DATABASE,
    threshold: Limit = None,
    by: By = "nearest",
    cropped: Cropped = False,
    largest: Largest = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Answer whether a picture shows somebody who is enrolled.

    Nothing tells a person before the camera from a photograph of that person.

    Example: [bold]derin faces verify Ada somebody.jpg[/bold]
    """
    from derin.apps.faces.deciding import verify as decide

    way = nearest_or_mean(by)
    recognizer = recognizer_of(weights, finder, min_face, device)
    with gallery_of(db, recognizer) as gallery:
        limit = threshold_for(gallery, threshold, weights)
        embedding = recognizer.embed(str(picture), cropped=cropped, largest=largest)
        found = decide(gallery, name, embedding, limit, by=way)
    if json_output:
        print_json({"picture": str(picture), **found.to_json()})
        return
    terminal = console()
    key = "faces.accepted" if found.accepted else "faces.refused"
    say(terminal, key, picture=str(picture), name=name, distance=found.distance, threshold=limit.value)
    if limit.calibration is not None:
        rates = limit.calibration
        low, high = rates["fmr_over_people"] or rates["fmr_interval"]
        say(
            terminal,
            "faces.verification_rates",
            asked=rates["asked_fmr"],
            fmr=rates["fmr"],
            low=low,
            high=high,
            fnmr=rates["fnmr"],
            different=rates["num_different"],
            same=rates["num_same"],
        )
        if not rates["supported"]:
            say(terminal, "faces.not_supported", shown=rates["smallest_fmr"])
        if found.num_enrolled > 1 and way == "nearest":
            say(terminal, "faces.several_enrolled", pictures=found.num_enrolled)
    say_origin(terminal, limit)


def identify(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Of any number of faces.")],
    db: Database = DEFAULT_DATABASE,
    threshold: Limit = None,
    by: By = "nearest",
    num: Annotated[int, typer.Option(help="How many of the nearest people to show.", rich_help_panel=DECISION)] = 1,
    approximate: Annotated[
        bool,
        typer.Option("--approximate", help="Search by the index of `derin faces index`.", rich_help_panel=DECISION),
    ] = False,
    cropped: Cropped = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Name every face in a picture: one of those who are enrolled, or nobody.

    Nothing tells a person before the camera from a photograph of that person.

    Example: [bold]derin faces identify party.jpg --num 3[/bold]
    """
    from derin.apps.faces.deciding import identify as decide
    from derin.core.errors import DataError

    way = nearest_or_mean(by)
    recognizer = recognizer_of(weights, finder, min_face, device)
    documents: list[dict[str, Any]] = []
    with gallery_of(db, recognizer) as gallery:
        limit = threshold_for(gallery, threshold, weights, identifying=True)
        num_people, num_embeddings = gallery.num_people, gallery.num_embeddings
        index = gallery.index if approximate else None
        if not num_people:
            raise DataError(f"Nobody is enrolled in the gallery {gallery.place}; enrol somebody first.")
        for picture in pictures:
            places: list[dict[str, Any]]
            if cropped:
                embeddings, places = recognizer.embed(str(picture), cropped=True), [{}]
            else:
                faces, embeddings = recognizer.embed_each(str(picture))
                places = [face.to_json() for face in faces]
            answers = decide(gallery, embeddings, limit, num_candidates=num, by=way, exact=not approximate)
            found = [{**answer.to_json(), **place} for answer, place in zip(answers, places, strict=True)]
            documents.append({"picture": str(picture), "faces": found})
    bound = _fpir_bound(limit, num_embeddings)
    if json_output:
        print_json(
            {
                "pictures": documents,
                "threshold": limit.value,
                "threshold_origin": limit.origin,
                "num_people": num_people,
                "fpir_bound": bound,
                "index": None if index is None else vars(index),
                "calibration": limit.calibration,
            }
        )
        return
    terminal = console()
    for document in documents:
        _say_faces(terminal, document)
    _say_rates(terminal, limit, num_people, bound)
    say_origin(terminal, limit)
    if index is not None:
        say(terminal, "faces.by_index", recall=index.recall, queries=index.num_queries)
        if index.num_embeddings is not None and num_embeddings > _GROWN * index.num_embeddings:
            say(terminal, "faces.index_grown", before=index.num_embeddings, now=num_embeddings)


def _fpir_bound(limit: Threshold, num_embeddings: int) -> float | None:
    """An unknown face meets every enrolled one: at most their number times the false-match rate."""
    rates = limit.calibration
    if rates is None or limit.value != rates["threshold"]:
        return None
    return min(1.0, num_embeddings * max(rates["asked_fmr"], rates["fmr"]))


def _say_faces(terminal: Console, document: dict[str, Any]) -> None:
    for face in document["faces"]:
        place = ", ".join(f"{side:.0f}" for side in face["box"]) if "box" in face else ""
        shown = {"picture": document["picture"], "place": place, "distance": face["distance"]}
        if face["name"] is None:
            say(terminal, "faces.nobody", **shown)
        else:
            say(terminal, "faces.is", name=face["name"], **shown)
        if len(face["candidates"]) > 1:
            for candidate in face["candidates"]:
                say(terminal, "faces.candidate", **candidate)


def _say_rates(terminal: Console, limit: Threshold, num_people: int, bound: float | None) -> None:
    rates = (limit.calibration or {}).get("identification")
    if rates is not None:
        low, high = rates["fpir_interval"]
        say(
            terminal,
            "faces.identification_rates",
            enrolled=rates["num_enrolled"],
            fpir=rates["fpir"],
            low=low,
            high=high,
            fnir=rates["fnir"],
        )
        if num_people > rates["num_enrolled"]:
            say(terminal, "faces.more_enrolled", people=num_people)
    if bound is not None:
        say(terminal, "faces.fpir_bound", people=num_people, bound=bound)
