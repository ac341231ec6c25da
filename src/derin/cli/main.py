"""The `derin` command."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from typing import Annotated

import typer

from derin.cli import embed, explain, faces, weights
from derin.cli.console import cli_errors, silence
from derin.cli.stopping import listen_to_signals
from derin.core.errors import StorageError
from derin.core.process_tuning import tune_process
from derin.version import __version__

# Command → module with a function of the same name (a trailing underscore where the name is taken); the order is
# that of --help.
COMMANDS = (
    "train",
    "eval",
    "errors",
    "label",
    "compare",
    "compare_pipelines",
    "diagnose",
    "search",
    "predict",
    "generate",
    "style",
    "dream",
    "score",
    "translate",
    "forecast",
    "data",
    "models",
    "summary",
    "find_lr",
    "report",
    "export",
    "lesson",
    "course",
    "trace",
    "cache",
    "env",
)

# Commands that have commands of their own.
GROUPS = {"embed": embed.app, "explain": explain.app, "faces": faces.app, "weights": weights.app}

# What a system answers when standard output takes no more.
_UNPRINTED = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="From a folder of data to a trained, diagnosed network.\n\nExample: [bold]derin train digits[/bold]",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"derin {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Root of the command line; its help stands at `app`."""


for _name in COMMANDS:
    _module = importlib.import_module(f"derin.cli.{_name}")
    app.command(_name.replace("_", "-"))(cli_errors(getattr(_module, _name + ("_" if _name == "eval" else ""))))

for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter gets its escape; no command fails over it. What is written to a file can be
            # followed there, line by line.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    listen_to_signals()
    tune_process()
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        # What was printed has no name; a file that could not be written has.
        if error.filename is not None or error.errno not in _UNPRINTED:
            raise
        if error.errno != errno.EPIPE:
            print(
                f"derin: what is printed cannot be written ({error.strerror}); send it to another place.",
                file=sys.stderr,
            )
        silence(sys.stdout)
        sys.exit(StorageError.exit_code)
