"""`derin models`."""

from __future__ import annotations

from typing import Any

from derin.cli.console import JsonFlag, console, print_json


def models(json_output: JsonFlag = False) -> None:
    """List the registered networks: what they read, how large they are, and where they come from.

    Example: [bold]derin models[/bold]
    """
    rows = [_row(name) for name in _names()]
    if json_output:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header, justify in (("Name", "left"), ("Year", "right"), ("Input", "left"), ("Parameters", "right")):
        table.add_column(header, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("Multiply-adds", justify="right", no_wrap=True)
    table.add_column("Paper", overflow="fold")
    for row in rows:
        shape = "×".join(map(str, row["input_shape"]))
        numbers = (f"{row['parameters']:,}", f"{row['multiply_adds']:,}")
        table.add_row(row["name"], str(row["year"]), shape, *numbers, row["paper"])
    console().print(table)


def _names() -> list[str]:
    from derin.models.registry import MODELS

    return sorted(MODELS)


def _row(name: str) -> dict[str, Any]:
    """What is known of a network at its paper's input and number of classes."""
    from derin.models.building import describe, from_spec
    from derin.models.registry import MODELS
    from derin.models.summary import summarize

    info = MODELS[name]
    spec = describe(name, input_shape=info.native_input, num_outputs=info.native_outputs)
    counts = summarize(from_spec(spec, device="meta"), info.native_input)
    return {
        "name": name,
        "year": info.year,
        "input_kind": info.input_kind,
        "input_shape": list(info.native_input),
        "outputs": info.native_outputs,
        "parameters": counts.parameters,
        "multiply_adds": counts.multiply_adds,
        "paper": info.paper,
        "note": info.note,
    }
