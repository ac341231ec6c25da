"""`derin faces calibrate` and `cluster`: the threshold, and faces that nobody has named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json, progress_bar
from derin.cli.faces_options import (
    DECISION,
    DEFAULT_DATABASE,
    PICTURES,
    Cropped,
    Database,
    Device,
    Finder,
    Largest,
    Limit,
    MinFace,
    Weights,
    check_gallery,
    gallery_of,
    recognizer_of,
    require_ending,
    say,
    say_left_out,
    say_origin,
    threshold_for,
)

if TYPE_CHECKING:
    from rich.console import Console

    from derin.apps.faces.calibration import Calibration
    from derin.apps.faces.deciding import Threshold
    from derin.apps.faces.recognizer import FaceRecognizer


def calibrate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|PAIRS",
            help="A folder or zip with a folder for each person; or a .csv of same,person_a,file_a,person_b,file_b.",
        ),
    ],
    fmr: Annotated[
        float, typer.Option(help="False-match rate of verification that is asked for.", rich_help_panel=DECISION)
    ] = 0.001,
    fpir: Annotated[
        float | None,
        typer.Option(
            help="Share of unknown people whom identify may name; else it goes by the threshold of --fmr.",
            show_default=False,
            rich_help_panel=DECISION,
        ),
    ] = None,
    enrolled: Annotated[
        int | None,
        typer.Option(
            help="People who are enrolled where rates of identification are measured; else half of the folder's.",
            show_default=False,
            rich_help_panel=DECISION,
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip of the pairs; else that of the .csv, or the zip in it.",
            show_default=False,
            rich_help_panel=PICTURES,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Picture of the ROC (.png, .svg or .pdf).", show_default=False)
    ] = None,
    db: Database = DEFAULT_DATABASE,
    cropped: Cropped = False,
    largest: Largest = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Fit the threshold to the share of wrong matches that you accept, and keep it with the gallery.

    People of the kind that will be compared, who need not be enrolled. What so many pairs cannot show is said.

    Example: [bold]derin faces calibrate people/ --fmr 0.001 --out roc.png[/bold]
    """
    from derin.core.errors import UsageError

    if out is not None:
        require_ending(out, "--out", ".png", ".svg", ".pdf")
    recognizer = recognizer_of(weights, finder, min_face, device)
    check_gallery(db, recognizer)
    left_out: list[str] = []
    num_several = 0
    if data.suffix.lower() == ".csv":
        if fpir is not None or enrolled is not None:
            raise UsageError("--fpir and --enrolled need people with all of their pictures: name a folder, not pairs.")
        if largest:
            raise UsageError("--largest is for a folder; of a .csv of pairs the largest face of each picture is taken.")
        found, num_several = _of_pairs(recognizer, data, pictures, fmr, cropped=cropped)
    else:
        if pictures is not None:
            raise UsageError("--pictures is for a .csv of pairs; of a folder leave it out.")
        found, left_out = _of_folder(recognizer, data, fmr, fpir, enrolled, cropped=cropped, largest=largest)
    with gallery_of(db, recognizer, new=True) as gallery:
        gallery.set_settings(found.to_settings())
        place = gallery.place
    if out is not None:
        found.save(out)
    if json_output:
        print_json(
            {
                "gallery": place,
                "model": recognizer.fingerprint,
                "picture": None if out is None else str(out),
                **found.to_json(),
                "left_out": left_out,
                "num_several": num_several,
            }
        )
        return
    terminal = console()
    say_left_out(terminal, left_out)
    if num_several:
        say(terminal, "faces.several", count=num_several)
    _say_calibration(terminal, found)
    say(terminal, "faces.calibrated", threshold=found.threshold, place=place)
    if out is not None:
        say(terminal, "faces.roc_written", path=str(out))


def _of_folder(
    recognizer: FaceRecognizer,
    folder: Path,
    fmr: float,
    fpir: float | None,
    enrolled: int | None,
    *,
    cropped: bool,
    largest: bool,
) -> tuple[Calibration, list[str]]:
    import numpy as np

    from derin.apps.faces.calibration import calibrate as fit
    from derin.apps.faces.people import PeopleSource
    from derin.core.messages import translate

    with progress_bar(translate("faces.reading")) as tell:
        source = PeopleSource(folder, recognizer, cropped=cropped, largest=largest)
        people = list(source.people(progress=tell))
    names = [person.name for person in people for _ in person.pictures]
    embeddings = np.concatenate([person.embeddings for person in people])
    left_out = [sentence for person in people for sentence in person.left_out]
    return fit(embeddings, names, fmr=fmr, fpir=fpir, num_enrolled=enrolled), left_out


def _of_pairs(
    recognizer: FaceRecognizer, table: Path, pictures: Path | None, fmr: float, *, cropped: bool
) -> tuple[Calibration, int]:
    """The calibration, and of how many pictures one of several faces was taken."""
    from derin.apps.faces.calibration import calibrate_pairs
    from derin.apps.faces.evaluation import embedded_pairs

    pairs = embedded_pairs(recognizer, table, pictures, cropped=cropped)
    found = calibrate_pairs(pairs.distances, pairs.same, pairs.first, pairs.second, fmr=fmr)
    return found, int((pairs.num_faces > 1).sum())


def _say_calibration(terminal: Console, found: Calibration) -> None:
    fit = found.fit
    say(terminal, "faces.fmr", fmr=fit.fmr, low=fit.low, high=fit.high, different=fit.num_impostors)
    if found.fmr_over_people is not None:
        low, high = found.fmr_over_people
        say(terminal, "faces.over_people", low=low, high=high)
    low, high = found.fnmr_interval
    say(terminal, "faces.fnmr", fnmr=found.fnmr, low=low, high=high, same=found.num_same)
    if found.fnmr_over_people is not None:
        low, high = found.fnmr_over_people
        say(terminal, "faces.over_people", low=low, high=high)
    say(terminal, "faces.eer", eer=found.eer, auc=found.auc)
    for fmr, fnmr in found.table():
        if fnmr is not None:
            say(terminal, "faces.at_fmr", fmr=fmr, fnmr=fnmr)
    rates = found.identification
    if rates is not None:
        say(terminal, "faces.identifying", enrolled=rates.num_enrolled, threshold=rates.threshold)
        low, high = rates.fpir_interval
        say(terminal, "faces.fpir", fpir=rates.fpir, low=low, high=high)
        low, high = rates.fnir_interval
        say(terminal, "faces.fnir", fnir=rates.fnir, low=low, high=high, misidentified=rates.misidentified)
    for note in found.notes():
        say_note(terminal, note)


def say_note(terminal: Console, note: str) -> None:
    """A sentence that was made elsewhere, in the reader's language."""
    from derin.core.messages import localize

    terminal.print(localize(note), markup=False, soft_wrap=True)


def cluster(
    folder: Annotated[Path, typer.Argument(help="Pictures of anybody, or a folder of folders.")],
    out: Annotated[Path, typer.Option(help="Whose group each face is in: .csv or .json.")] = Path("groups.csv"),
    sheet: Annotated[Path | None, typer.Option(help="The faces by group, as a .png.", show_default=False)] = None,
    threshold: Limit = None,
    method: Annotated[
        str,
        typer.Option(help="agglomerative: all of a group alike; dbscan: chains, for many.", rich_help_panel=DECISION),
    ] = "agglomerative",
    db: Database = DEFAULT_DATABASE,
    cropped: Cropped = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Group the faces of pictures that nobody has labelled, so that each group is likely one person.

    Goes by the threshold of the gallery, and stores nothing in it.

    Example: [bold]derin faces cluster photos/ --sheet groups.png[/bold]
    """
    import numpy as np

    from derin.apps.faces.clustering import cluster as group
    from derin.apps.faces.clustering import faces_in, sheet_of, write_groups
    from derin.cli.explain_heat import listed
    from derin.core.messages import translate

    require_ending(out, "--out", ".csv", ".json")
    if sheet is not None:
        require_ending(sheet, "--sheet", ".png")
    recognizer = recognizer_of(weights, finder, min_face, device)
    limit = _limit_of(db, recognizer, threshold, weights)
    paths = listed([folder])
    with progress_bar(translate("faces.reading")) as tell:
        found = faces_in(paths, recognizer, cropped=cropped, progress=tell)
    groups = group(found.embeddings, limit.value, method=method)  # type: ignore[arg-type]
    write_groups(out, found, groups)
    if sheet is not None:
        sheet_of(sheet, found, groups)
    sizes = np.bincount(groups).tolist()
    if json_output:
        print_json(
            {
                "path": str(out),
                "sheet": None if sheet is None else str(sheet),
                "threshold": limit.value,
                "threshold_origin": limit.origin,
                "num_pictures": len(paths),
                "num_faces": len(groups),
                "sizes": sizes,
                "left_out": list(found.left_out),
            }
        )
        return
    terminal = console()
    say(terminal, "faces.grouped", faces=len(groups), pictures=len(paths), groups=len(sizes), alone=sizes.count(1))
    say_left_out(terminal, found.left_out)
    for path in filter(None, (out, sheet)):
        say(terminal, "faces.wrote", path=str(path))
    say_origin(terminal, limit)


def _limit_of(db: str, recognizer: FaceRecognizer, given: float | None, weights: str | None) -> Threshold:
    """The threshold of the gallery, if there is one."""
    if given is not None or not ("://" in db or Path(db).exists()):
        return threshold_for(None, given, weights)
    with gallery_of(db, recognizer) as gallery:
        return threshold_for(gallery, None, weights)
