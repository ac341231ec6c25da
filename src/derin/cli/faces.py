"""`derin faces`: people found, enrolled, verified and identified by their faces."""

from __future__ import annotations

import importlib

import typer

from derin.cli.console import cli_errors

# Command → module with a function of the same name (a trailing underscore where the name is taken); the order is that
# of --help.
COMMANDS = {
    "enrol": "derin.cli.faces_gallery",
    "verify": "derin.cli.faces_answers",
    "identify": "derin.cli.faces_answers",
    "calibrate": "derin.cli.faces_calibrate",
    "list": "derin.cli.faces_gallery",
    "export": "derin.cli.faces_gallery",
    "delete": "derin.cli.faces_gallery",
    "reembed": "derin.cli.faces_gallery",
    "index": "derin.cli.faces_gallery",
    "cluster": "derin.cli.faces_calibrate",
    "find": "derin.cli.faces_measure",
    "evaluate": "derin.cli.faces_measure",
}

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Enrol people, verify who somebody is, or name one of many by their face.\n\n"
    "Example: [bold]derin faces enrol Ada ada.jpg[/bold]",
)

for _name, _module in COMMANDS.items():
    _command = getattr(importlib.import_module(_module), _name + ("_" if _name == "list" else ""))
    app.command(_name)(cli_errors(_command, group="faces"))
