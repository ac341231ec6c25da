"""`derin course`: the course as pages in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json


def course(
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the pages here, for a web server, and open nothing."),
    ] = None,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the first page in the browser.")] = True,
    json_output: JsonFlag = False,
) -> None:
    """Open the course: lessons, a playground and a glossary, in English and Turkish.

    The pages are written once and load nothing from anywhere. A folder of them opens from disk and from any web server.

    Example: [bold]derin course --out pages[/bold]
    """
    from derin.core.messages import translate
    from derin.lessons.course.site import build_course, cached_course

    path = (build_course(out) if out is not None else cached_course()).resolve()
    if json_output:
        print_json({"course": str(path), "address": path.as_uri()})
        return
    console().print(translate("course.written", address=path.as_uri()), markup=False, soft_wrap=True)
    if show and out is None:
        import webbrowser

        webbrowser.open(path.as_uri())
