"""`derin lesson`: the course's fundamentals, each a short program on Derin's own parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, model_options, print_json

if TYPE_CHECKING:
    from derin.lessons.lesson import Lesson, Outcome


def lesson(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which one; none lists them all.", show_default=False)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help="A setting of this lesson; all are listed after it has run. May be given several times.",
            show_default=False,
        ),
    ] = None,
    points: Annotated[
        str | None,
        typer.Option(help='Points of your own: "1,3; 2,5" or a file with one per line.', show_default=False),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(help='A kernel of your own: "0 1 0; 1 -4 1; 0 1 0" or a file.', show_default=False),
    ] = None,
    image: Annotated[Path | None, typer.Option(help="A picture of your own.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where pictures go.  [default: lessons/NAME]")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Run one of the course's fundamentals: it prints its numbers and draws its picture.

    A lesson that has become a page of the course is opened there; all pages: derin course.

    Example: [bold]derin lesson linear-regression --points "1,3; 2,5; 4,6" -o optimizer=adam[/bold]
    """
    from derin.core.errors import UsageError
    from derin.core.files import write_bytes
    from derin.core.storage import storage_errors
    from derin.layers.options import options_to_json, read_options
    from derin.lessons.course.registry import page_of
    from derin.lessons.registry import LESSONS

    own = {"points": points, "kernel": kernel, "image": image}
    if name is None:
        if option or out or any(value is not None for value in own.values()):
            raise UsageError("derin lesson needs a name to run with options; got none. See the list: derin lesson.")
        _print_list([LESSONS[known] for known in LESSONS], json_output)
        return
    page = None if name in LESSONS else page_of(name)
    if page is not None:
        if option or out or any(value is not None for value in own.values()):
            raise UsageError(
                f"The lesson {name} is a page of the course, which has no options. Run derin lesson {name}."
            )
        _open_page(page, json_output)
        return
    chosen = LESSONS[name]
    options: Any = read_options(chosen.options, {**model_options(option), **_given(own)}, where=f"the lesson {name}")
    found = chosen.run(options)
    paths = [(out or Path("lessons") / name) / picture for picture in found.pictures]
    for path, data in zip(paths, found.pictures.values()):
        with storage_errors(f"The folder {path.parent}"):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    if json_output:
        files = [str(path) for path in paths]
        print_json({**_row(chosen), "options": options_to_json(options), "numbers": found.numbers, "pictures": files})
    else:
        _print_outcome(chosen, found, options, paths)


def _open_page(name: str, json_output: bool) -> None:
    """The page of the course that a lesson has become; in a terminal the browser opens it."""
    from derin.core.messages import translate
    from derin.lessons.course.site import cached_course

    address = cached_course().with_name(f"{name}.html").resolve().as_uri()
    if json_output:
        print_json({"name": name, "address": address})
        return
    terminal = console()
    terminal.print(translate("course.written", address=address), markup=False, soft_wrap=True)
    if terminal.is_terminal:
        import webbrowser

        webbrowser.open(address)


def _given(own: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as options."""
    from derin.lessons.numbers import read_rows

    options: dict[str, Any] = {}
    for flag in ("points", "kernel"):
        if own[flag] is not None:
            options[flag] = read_rows(own[flag], where=f"--{flag}")
    if own["image"] is not None:
        options["image"] = str(own["image"])
    return options


def _print_list(lessons: list[Lesson], json_output: bool) -> None:
    """All lessons in course order."""
    from derin.lessons.lesson import Text

    if json_output:
        print_json([_row(chosen) for chosen in lessons])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(str(Text("Row", "Satır")), no_wrap=True)
    table.add_column(str(Text("Lesson", "Ders")), no_wrap=True)
    table.add_column(str(Text("What it shows", "Ne gösterir")), overflow="fold")
    for chosen in lessons:
        table.add_row(", ".join(chosen.rows), chosen.name, str(chosen.title))
    terminal = console()
    terminal.print(table)
    terminal.print()
    terminal.print(str(Text("Run one: derin lesson NAME", "Birini çalıştırın: derin lesson AD")), markup=False)
    terminal.print(str(Text("More, as pages: derin course", "Daha çoğu, sayfa olarak: derin course")), markup=False)


def _print_outcome(chosen: Lesson, found: Outcome, options: Any, paths: list[Path]) -> None:
    """What a lesson says, where its pictures are, and what could be asked of it."""
    from derin.layers.options import options_to_json
    from derin.lessons.lesson import Text

    terminal = console()
    terminal.print(str(chosen.title), style="bold", markup=False)
    for line in (str(chosen.about), "", *found.lines, ""):
        terminal.print(line, markup=False, soft_wrap=line != str(chosen.about))
    if paths:
        wrote = Text("Drawn in {paths}.", "Çizim: {paths}.")
        terminal.print(wrote.fill(paths=", ".join(map(str, paths))), markup=False, soft_wrap=True)
    in_force = options_to_json(options)
    if in_force:
        has = Text(
            "Options in force (change with -o NAME=VALUE): {all}", "Geçerli seçenekler (değiştirin: -o AD=DEĞER): {all}"
        )
        words = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in in_force.items())
        terminal.print(has.fill(all=words), markup=False, soft_wrap=True)


def _row(chosen: Lesson) -> dict[str, Any]:
    """A lesson as a document for programs."""
    return {
        "name": chosen.name,
        "rows": list(chosen.rows),
        "title": str(chosen.title),
        "about": str(chosen.about),
        "formula": chosen.formula,
    }
