"""`derin explain`: one command for each way of looking into a network."""

from __future__ import annotations

import importlib

import typer

from derin.cli.console import cli_errors

# Command → module with a function of the same name; the order is that of --help.
COMMANDS = {
    "grad_cam": "derin.cli.explain_heat",
    "integrated_gradients": "derin.cli.explain_heat",
    "occlusion": "derin.cli.explain_heat",
    "activations": "derin.cli.explain_layers",
    "filters": "derin.cli.explain_layers",
    "deconvnet": "derin.cli.explain_layers",
    "embeddings": "derin.cli.explain_embeddings",
    "live": "derin.cli.explain_live",
    "importance": "derin.cli.explain_importance",
    "adversarial": "derin.cli.explain_adversarial",
}

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Show what a network looks at and what it has learned.\n\n"
    "Example: [bold]derin explain grad-cam runs/digits-1 seven.png[/bold]",
)

for _name, _module in COMMANDS.items():
    _command = getattr(importlib.import_module(_module), _name)
    app.command(_name.replace("_", "-"))(cli_errors(_command, group="explain"))
