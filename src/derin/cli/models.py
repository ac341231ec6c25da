"""`derin models`."""

from __future__ import annotations

from typing import Any

from derin.cli.console import JsonFlag, console, print_json


def models(json_output: JsonFlag = False) -> None:
    """List the registered networks: what they read, how large they are, where they come from, whose weights are known.

    Example: [bold]derin models[/bold]
    """
    rows = [_row(name) for name in _names()]
    if json_output:
        print_json(rows)
        return
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for header, justify in (("Name", "left"), ("Year", "right"), ("Input", "left"), ("Parameters", "right")):
        table.add_column(header, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("Multiply-adds", justify="right", no_wrap=True)
    table.add_column("Weights")
    for row in rows:
        shape = "×".join(map(str, row["input_shape"]))
        numbers = (f"{row['parameters']:,}", f"{row['multiply_adds']:,}")
        licences = ", ".join(weights["license"] for weights in row["weights"])
        table.add_row(row["name"], str(row["year"]), shape, *numbers, licences)
    out.print(table)
    out.print("\nWeights: license of those that `derin weights` knows.\n\n[bold]Papers[/bold]")
    for paper, names in _by_paper(rows).items():
        out.print(f"{', '.join(names)}: {paper}", markup=False)


def _names() -> list[str]:
    from derin.models.registry import MODELS

    return sorted(MODELS)


def _row(name: str) -> dict[str, Any]:
    """What is known of a network at its paper's input and number of classes."""
    from derin.models.blueprint import without_memory
    from derin.models.building import build
    from derin.models.registry import MODELS
    from derin.models.summary import summarize
    from derin.models.weights.known import KNOWN

    info = MODELS[name]
    with without_memory():
        network = build(name, input_shape=info.native_input, num_outputs=info.native_outputs)
    counts = summarize(network)
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
        "weights": [{"name": known.name, "license": known.licence} for known in KNOWN if known.model == name],
    }


def _by_paper(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The networks of each paper, in the order of their names."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["paper"], []).append(row["name"])
    return found
