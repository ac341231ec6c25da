"""`derin course`: the course as pages in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.core.errors import UsageError

if TYPE_CHECKING:
    from derin.explain.live.page import LivePage


def course(
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the pages here, for a web server, and open nothing."),
    ] = None,
    network: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUN",
            help="Add a page on which this small trained network runs, as derin explain live makes it; can be given "
            "several times, together with --out.",
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the first page in the browser.")] = True,
    json_output: JsonFlag = False,
) -> None:
    """Open the course: lessons, a playground and a glossary, in English and Turkish.

    The pages are written once and load nothing from anywhere. A folder of them opens from disk and from any web server.

    Example: [bold]derin course --out pages --network runs/digits-1 --network runs/iris-1[/bold]
    """
    from derin.core.messages import translate
    from derin.lessons.course.site import build_course, cached_course

    if network and out is None:
        raise UsageError("derin course --network needs the folder that the pages go to: --out FOLDER.")
    path = (build_course(out, _live(network or [])) if out is not None else cached_course()).resolve()
    if json_output:
        print_json({"course": str(path), "address": path.as_uri()})
        return
    console().print(translate("course.written", address=path.as_uri()), markup=False, soft_wrap=True)
    if show and out is None:
        import webbrowser

        webbrowser.open(path.as_uri())


def _live(runs: list[Path]) -> dict[str, LivePage]:
    """A page for each run, by the name of its folder."""
    from derin.api.explain_live import explain_live
    from derin.api.model import open

    if doubled := {run.name for run in runs if sum(run.name == other.name for other in runs) > 1}:
        raise UsageError(
            f"The pages of networks are named after the folders of their runs, which must differ; {doubled.pop()} was "
            "given more than once."
        )
    return {run.resolve().name: explain_live(open(run), run=run) for run in runs}
