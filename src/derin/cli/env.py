"""`derin env`."""

from __future__ import annotations

from typing import Any

from derin.cli.console import JsonFlag, console, print_json


def env(json_output: JsonFlag = False) -> None:
    """Show versions, processor, devices and extras, as every run records them.

    Example: [bold]derin env[/bold]
    """
    from derin.core.environment import environment

    found = environment()
    if json_output:
        print_json(found)
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in found.items():
        if name not in ("device", "device_name"):
            table.add_row(name, _in_words(value))
    console().print(table)


def _in_words(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {'installed' if there else 'not installed'}" for name, there in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)
