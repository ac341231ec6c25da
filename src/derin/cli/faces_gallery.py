"""`derin faces enrol`, `list`, `export`, `delete`, `reembed` and `index`: who is in the gallery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json, progress_bar
from derin.cli.faces_options import (
    DEFAULT_DATABASE,
    GALLERY,
    Cropped,
    Database,
    Device,
    Finder,
    Largest,
    MinFace,
    Weights,
    check_gallery,
    gallery_of,
    recognizer_of,
    say,
    say_left_out,
)

if TYPE_CHECKING:
    from derin.apps.faces.gallery import Enrolment, Gallery
    from derin.apps.faces.people import PersonPictures


def enrol(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FOLDER", help="Who it is; or a folder or zip with a folder for each person.")
    ],
    pictures: Annotated[list[Path] | None, typer.Argument(metavar="[PICTURE]...", help="Of that person.")] = None,
    db: Database = DEFAULT_DATABASE,
    note: Annotated[
        str | None, typer.Option(help="Kept beside the name.", show_default=False, rich_help_panel=GALLERY)
    ] = None,
    known: Annotated[
        str,
        typer.Option(help="A name that is there already: refuse, add pictures, or skip.", rich_help_panel=GALLERY),
    ] = "refuse",
    cropped: Cropped = False,
    largest: Largest = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Store people: their name and embeddings of their faces, no pictures.

    One picture each is enough. Of several pictures the nearest counts. A picture without a face or with several stores
    nothing; in a folder such pictures are left out and told. A folder is stored some thousand pictures at a time, each
    person whole: stopped and begun again with --known skip, it goes on.

    Example: [bold]derin faces enrol Ada ada.jpg[/bold]
    """
    from derin.core.errors import UsageError
    from derin.core.messages import translate

    if known not in ("refuse", "add", "skip"):
        raise UsageError(f"--known must be refuse, add or skip; got {known!r}.")
    if not pictures and not Path(name).exists():
        raise UsageError(f"Whoever is enrolled needs a picture; got none of {name}. Name one behind the name.")
    recognizer = recognizer_of(weights, finder, min_face, device)
    check_gallery(db, recognizer)
    left_out: list[str] = []
    if pictures:
        embeddings = recognizer.embed(list(map(str, pictures)), cropped=cropped, largest=largest)
        with gallery_of(db, recognizer, new=True) as gallery:
            stored = gallery.enrol(name, embeddings, note=note, known=known)  # type: ignore[arg-type]
            _finish(gallery, stored, left_out, json_output=json_output)
    else:
        from derin.apps.faces.people import PeopleSource

        if note is not None:
            raise UsageError("--note is of one person; of a folder leave it out.")
        with progress_bar(translate("faces.reading")) as tell:
            source = PeopleSource(name, recognizer, cropped=cropped, largest=largest)
            with gallery_of(db, recognizer, new=True) as gallery:
                if known == "refuse":  # before anybody is stored, and before minutes of reading
                    gallery.require_new(source.names)
                people = _with_embeddings(source.people(progress=tell), left_out)
                stored = gallery.enrol_many(people, known=known)  # type: ignore[arg-type]
                _finish(gallery, stored, left_out, json_output=json_output)


def list_(
    db: Database = DEFAULT_DATABASE,
    log: Annotated[bool, typer.Option("--log", help="What was done, in place of who is there.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """List who is enrolled, or what was done to the gallery.

    Example: [bold]derin faces list --db faces.db[/bold]
    """
    from rich.table import Table

    from derin.apps.faces.gallery import Gallery
    from derin.cli.console import plain
    from derin.core.messages import format_number, translate

    with Gallery.open(db) as gallery:
        people = [] if log else gallery.people()
        entries = gallery.log() if log else []
        facts = {"gallery": gallery.place, "model": gallery.model, "threshold": gallery.threshold}
    if json_output:
        listed = {"log": [vars(entry) for entry in entries]} if log else {"people": [vars(person) for person in people]}
        print_json(facts | listed)
        return
    terminal, table = console(), Table(box=None)
    if log:
        for key in ("faces.time", "faces.action", "faces.who"):
            table.add_column(translate(key))
        for entry in entries:
            table.add_row(entry.time, plain(entry.action), plain(entry.name or entry.person or ""))
    else:
        table.add_column(translate("faces.name"))
        table.add_column(translate("faces.embeddings"), justify="right")
        table.add_column(translate("faces.since"))
        table.add_column(translate("faces.note"))
        for person in people:
            num = format_number(person.num_embeddings, ",")
            table.add_row(plain(person.name), num, person.enrolled, plain(person.note or ""))
    terminal.print(table)
    if not log:
        say(terminal, "faces.people", count=len(people), place=facts["gallery"])


def export(
    name: Annotated[str, typer.Argument(help="Who.")],
    db: Database = DEFAULT_DATABASE,
    out: Annotated[Path | None, typer.Option(help="A file in place of the terminal.", show_default=False)] = None,
    json_output: JsonFlag = False,
) -> None:
    """Write everything that is stored about a person, as JSON.

    Example: [bold]derin faces export Ada --out ada.json[/bold]
    """
    from derin.apps.faces.gallery import Gallery
    from derin.core.files import open_atomically
    from derin.core.strict_json import dump_json

    with Gallery.open(db) as gallery:
        found = gallery.export(name)
    if out is None:
        print_json(found)
        return
    with open_atomically(out) as file:
        file.write(dump_json(found, indent=2) + b"\n")
    if json_output:
        print_json({"name": found["name"], "path": str(out)})
    else:
        say(console(), "faces.exported", name=found["name"], path=str(out))


def delete(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Who.")],
    db: Database = DEFAULT_DATABASE,
    json_output: JsonFlag = False,
) -> None:
    """Take people out of the gallery, and out of the bytes of its file; it cannot be undone.

    Example: [bold]derin faces delete Ada[/bold]
    """
    from derin.apps.faces.gallery import Gallery

    with Gallery.open(db) as gallery:
        num = gallery.remove(*names)
    if json_output:
        print_json({"deleted": list(dict.fromkeys(names)), "num_embeddings": num})
    else:
        say(console(), "faces.deleted", names=", ".join(dict.fromkeys(names)), count=num)


def reembed(
    pictures: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Pictures of the people, a folder with the name of each.")
    ],
    db: Database = DEFAULT_DATABASE,
    cropped: Cropped = False,
    largest: Largest = False,
    weights: Weights = None,
    finder: Finder = None,
    min_face: MinFace = 20,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Go over to another model: embed everybody anew, from their pictures, which no gallery keeps.

    The gallery answers as before until all are there; stopped and begun again, it goes on. The threshold was that of
    the old model and is to be calibrated again.

    Example: [bold]derin faces reembed people/ --weights runs/faces-1[/bold]
    """
    from derin.apps.faces.gallery import Gallery
    from derin.apps.faces.people import PeopleSource
    from derin.core.errors import DataError
    from derin.core.messages import translate

    with Gallery.open(db) as gallery:
        enrolled = [person.name for person in gallery.people()]
        recognizer = recognizer_of(weights, finder, min_face, device)
        source = PeopleSource(pictures, recognizer, cropped=cropped, largest=largest)
        lacking = sorted(set(enrolled) - set(source.names))
        if lacking:
            raise DataError(
                f"{pictures}: a folder of pictures for everybody in the gallery is required; there is none of "
                f"{', '.join(lacking[:3])}{', …' if len(lacking) > 3 else ''}. Add one, or delete them first."
            )
        left_out: list[str] = []
        with progress_bar(translate("faces.reading")) as tell:
            done = 0

            def embed(names: list[str]) -> list[Any]:
                nonlocal done
                people = list(source.people(names))
                for person in people:
                    left_out.extend(person.left_out)
                    if not len(person.embeddings):
                        raise DataError(f"{person.name} needs a picture with a face. {person.left_out[0]}")
                done += len(names)
                tell(done, len(enrolled))
                return [person.embeddings for person in people]

            num = gallery.reembed(embed, model=recognizer.fingerprint, dim=recognizer.dim)
        place = gallery.place
    if json_output:
        print_json({"gallery": place, "model": recognizer.fingerprint, "embeddings": num, "left_out": left_out})
        return
    terminal = console()
    say(terminal, "faces.reembedded", people=len(enrolled), embeddings=num, place=place)
    say_left_out(terminal, left_out)


def index(
    db: Database = DEFAULT_DATABASE,
    recall: Annotated[
        float, typer.Option(help="How often the nearest shall be found.", rich_help_panel=GALLERY)
    ] = 0.99,
    drop: Annotated[bool, typer.Option("--drop", help="Take the index away instead.", rich_help_panel=GALLERY)] = False,
    json_output: JsonFlag = False,
) -> None:
    """Build an index, by which identify --approximate searches a large gallery faster than by comparing with everybody.

    How often it finds the nearest is measured and told. Who is enrolled later is found by it too; who is deleted goes
    out of it. It needs [bold]pip install "derin\\[faces-index]"[/bold], in PostgreSQL nothing but pgvector.

    Example: [bold]derin faces index --db faces.db[/bold]
    """
    from derin.apps.faces.gallery import Gallery
    from derin.core.cache import bytes_in_words

    with Gallery.open(db) as gallery:
        place, model, dim = gallery.place, gallery.model, gallery.dim
        if drop:
            gallery.drop_index()
    if drop:
        if json_output:
            print_json({"gallery": place, "index": None})
        else:
            say(console(), "faces.index_dropped", place=place)
        return
    with Gallery.open(db, model=model, dim=dim) as gallery:
        built = gallery.build_index(recall=recall)
    if json_output:
        print_json({"gallery": place, "index": vars(built)})
        return
    terminal = console()
    say(
        terminal,
        "faces.indexed",
        embeddings=built.num_embeddings,
        place=place,
        seconds=built.build_seconds,
        recall=built.recall,
        queries=built.num_queries,
        approximate=built.approximate_seconds * 1000,
        exact=built.exact_seconds * 1000,
    )
    say(terminal, "faces.index_size", size=bytes_in_words(built.num_bytes or 0))
    if built.recall < recall:
        say(terminal, "faces.index_short", asked=recall)


def _with_embeddings(people: Iterable[PersonPictures], left_out: list[str]) -> Iterator[tuple[str, Any]]:
    """Those of whom there is one, and of the rest why not."""
    for person in people:
        left_out += person.left_out
        if len(person.embeddings):
            yield person.name, person.embeddings


def _finish(
    gallery: Gallery,
    stored: Enrolment,
    left_out: list[str],
    *,
    json_output: bool,
) -> None:
    """Says in lines or prints as JSON what was stored."""
    if json_output:
        print_json(
            {
                "gallery": gallery.place,
                "num_people": gallery.num_people,
                "enrolled": stored.num_people,
                "embeddings": stored.num_embeddings,
                "skipped": stored.num_skipped,
                "compared": stored.num_compared,
                "near": [vars(pair) for pair in stored.near],
                "left_out": left_out,
            }
        )
        return
    terminal = console()
    say(terminal, "faces.enrolled", people=stored.num_people, embeddings=stored.num_embeddings, place=gallery.place)
    if stored.num_skipped:
        say(terminal, "faces.skipped", count=stored.num_skipped)
    say_left_out(terminal, left_out)
    for pair in stored.near[:10]:
        say(terminal, "faces.near", name=pair.name, other=pair.other, distance=pair.distance)
    if len(stored.near) > 10:
        say(terminal, "list.more", count=len(stored.near) - 10)
