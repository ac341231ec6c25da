"""`derin summary`: the layers of a network with output shape, parameters and multiply-adds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, model_options, print_json

if TYPE_CHECKING:
    from derin.models.signature import Signature
    from derin.models.summary import Summary


def summary(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A registered network, or the folder of a run or bundle.", show_default=False
        ),
    ],
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="SHAPE", help="Of one example, such as 1x28x28; else the paper's.", show_default=False
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Classes or values to predict; else the paper's.", show_default=False)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Setting of the network, such as hidden=[512]; repeatable.", show_default=False
        ),
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show the layers of a network: output shape, parameters and multiply-adds.

    Example: [bold]derin summary lenet5 --input 1x28x28[/bold]
    """
    from derin.models.building import from_spec
    from derin.models.registry import MODELS
    from derin.models.signature import signature_of
    from derin.models.summary import summarize

    if model in MODELS:
        spec = _registered_spec(model, input_, classes, option)
    else:
        spec = _saved_spec(model, input_, classes, option)
    # Without memory: a large network on large pictures costs no more than a small one.
    network = from_spec(spec, device="meta")
    counts = summarize(network)
    if json_output:
        print_json(counts.to_json())
        return
    _show(spec, signature_of(network), counts)


def _registered_spec(name: str, shape: str | None, classes: int | None, pairs: list[str] | None) -> dict[str, Any]:
    from derin.models.building import describe
    from derin.models.registry import MODELS

    info = MODELS[name]
    return describe(
        name,
        input_shape=info.native_input if shape is None else _parse_shape(shape),
        num_outputs=info.native_outputs if classes is None else classes,
        **model_options(pairs),
    )


def _saved_spec(name: str, shape: str | None, classes: int | None, pairs: list[str] | None) -> dict[str, Any]:
    from derin.core.bundle import load_bundle
    from derin.core.errors import RefusedFileError, UnknownNameError, UsageError
    from derin.models.registry import MODELS

    path = Path(name)
    if not path.is_dir():
        raise UnknownNameError("model or run", name, MODELS)
    if shape is not None or classes is not None or pairs:
        raise UsageError(
            f"{name} is a saved network, whose sizes are known; leave --input, --classes and --option out."
        )
    inner = path / "model"
    entry = load_bundle(inner if (inner / "card.json").exists() else path).card.get("model")
    if not isinstance(entry, dict):
        raise RefusedFileError(f"The card of {path} does not say which network it holds; train or export it again.")
    if entry.get("name") is None:
        raise UsageError(
            f"{path} holds weights of your own class {entry.get('class')!r}, not its code; in Python, "
            "derin.models.summary.summarize(model, input_shape) counts it."
        )
    return entry


def _parse_shape(text: str) -> tuple[int, ...]:
    from derin.core.errors import UsageError

    if not re.fullmatch(r"\d{1,9}([x×,]\d{1,9})*", text):
        raise UsageError(f"--input must be whole numbers with x between them, such as 1x28x28; got {text!r}.")
    return tuple(int(size) for size in re.split("[x×,]", text))


def _show(spec: dict[str, Any], signature: Signature | None, counts: Summary) -> None:
    from rich.table import Table

    from derin.models.registry import MODELS

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Layer", overflow="fold")
    table.add_column("Kind", overflow="fold", style="dim")
    table.add_column("Output", justify="right", no_wrap=True)
    table.add_column("Parameters", justify="right", no_wrap=True)
    table.add_column("Multiply-adds", justify="right", no_wrap=True)
    for row in counts.layers:
        shape = "×".join(map(str, row.output_shape)) or "–"
        table.add_row(row.name, row.kind, shape, _number(row.parameters), _number(row.multiply_adds))
    table.add_section()
    table.add_row("Total", "", "", f"{counts.parameters:,}", f"{counts.multiply_adds:,}", style="bold")
    out = console()
    if signature is not None and len(signature.inputs) + len(signature.outputs) > 2:
        sides = "; outputs " if signature.outputs else ""
        reads, gives = (", ".join(map(str, side)) for side in (signature.inputs, signature.outputs))
        about = f"inputs {reads}{sides}{gives}"
    else:
        about = f"input {'×'.join(map(str, spec['input_shape']))}, outputs {spec['num_outputs']}"
    out.print(f"[bold]{spec['name']}[/bold], {about}\n")
    out.print(table)
    if spec["name"] in MODELS:
        info = MODELS[spec["name"]]
        settings = ", ".join(f"{name}={value}" for name, value in spec["options"].items())
        out.print(f"\nOptions: {settings}" if settings else "", markup=False)
        out.print(f"Paper: {info.paper}" + (f"\n{info.note}" if info.note else ""), markup=False)


def _number(count: int) -> str:
    return f"{count:,}" if count else "–"
