"""`derin trace`: every number of one training step, with the formula that made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.explain.trace.trace import Trace

_NETWORK = "A network"
_OTHER = "Something else than a network"


def trace(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL|RUN|NAME=VALUE]...",
            help="A registered network, the folder of a run or bundle, or with --expr the values of its names.",
            show_default=False,
        ),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|VALUES",
            help="A picture, .npy, .csv, numbers such as 0.1,0.2,0.7 or [[1,2],[3,4]], of several inputs a .npz with "
            "their names; random draws some.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="ANSWER",
            help="A class by number or name, or numbers such as [1,0,0]; one for each input.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="By name; else what suits the target.", rich_help_panel=_NETWORK)
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(help="sgd, momentum, nesterov, rmsprop, adam or adamw: trace its step.", rich_help_panel=_NETWORK),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--lr", "--learning-rate", help="Of that step.", rich_help_panel=_NETWORK)
    ] = None,
    training: Annotated[
        bool,
        typer.Option("--training", help="As in training: dropout, statistics of the batch.", rich_help_panel=_NETWORK),
    ] = False,
    classes: Annotated[
        int | None, typer.Option(help="Outputs of a registered network; else the paper's.", rich_help_panel=_NETWORK)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Setting of a registered network, such as hidden=[3,3]; repeatable.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of a registered network's weights and of random inputs.", rich_help_panel=_NETWORK)
    ] = 0,
    expr: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help='Arithmetic, such as "J = 3*(a + b*c)".', rich_help_panel=_OTHER),
    ] = None,
    example: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A worked example of the course: 3-3-3-3.", rich_help_panel=_OTHER),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A page .html, or .md, .tex, .csv, .txt.", show_default=False)
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Write out forward pass, loss, backward pass and update of one step: every number and the formula that made it.

    Example: [bold]derin trace mlp --input 0.1,0.2,0.7 --target 0 --classes 3 --out trace.html[/bold]

    Arithmetic: [bold]derin trace --expr "J = 3*(a + b*c)" a=5 b=3 c=2[/bold]

    The course's worked example with its errata: [bold]derin trace --example 3-3-3-3[/bold]
    """
    from derin.cli.trace_inputs import trace_network
    from derin.core.errors import UsageError

    if out is not None:
        from derin.explain.trace.writing import require_form

        require_form(out)
    if expr is not None or example is not None:
        from derin.cli.trace_course import trace_example, trace_words

        of_a_network = [input_, target, optimizer, learning_rate, classes, option, training or None, seed or None]
        if expr is not None:
            if any(given is not None for given in [*of_a_network, loss, example]):
                raise UsageError("--expr takes values NAME=NUMBER, --out and --json; leave the other options out.")
            trace_words(expr, words or [], out, json_output=json_output)
            return
        assert example is not None
        if words or any(given is not None for given in of_a_network):
            raise UsageError("--example takes --loss, --out and --json; leave everything else out.")
        trace_example(example, loss, out, json_output=json_output)
        return
    if len(words or []) != 1:
        raise UsageError(f"One network is traced: a registered one (derin models) or a run; got {words or 'none'}.")
    assert words is not None
    found = trace_network(
        words[0],
        input_,
        target,
        loss=loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        training=training,
        classes=classes,
        options=option,
        seed=seed,
    )
    finish(found, words[0], out, json_output=json_output)


def finish(found: Trace, title: str, out: Path | None, *, json_output: bool) -> None:
    """Writes the trace as a file, or prints it, or says in JSON what it holds."""
    from derin.core.messages import translate
    from derin.explain.trace.text import render_text
    from derin.explain.trace.writing import save, summary

    if out is not None:
        save(found, out, title=title)
    if json_output:
        document: dict[str, Any] = summary(found)
        print_json(document | {"out": None if out is None else str(out)})
        return
    terminal = console()
    if out is None:
        terminal.print(render_text(found, title=title), markup=False, soft_wrap=True)
    else:
        terminal.print(translate("trace.wrote", path=out), markup=False, soft_wrap=True)
