"""`derin find-lr`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json


def find_lr(
    data: Annotated[str, typer.Argument(help="A named set, a folder, an archive or a file, as for derin train.")],
    target: Annotated[str | None, typer.Option(help="Column to predict.")] = None,
    model: Annotated[str | None, typer.Option(help="Registered network.")] = None,
    task: Annotated[str | None, typer.Option(help="As for derin train: lm, tagging, forecasting, …")] = None,
    weights: Annotated[str | None, typer.Option(help="Weights to go on from, as for derin train.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="The one to train with; a rate suits no other.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="The one to train with.")] = None,
    low: Annotated[float, typer.Option(help="First rate.")] = 1e-7,
    high: Annotated[float, typer.Option(help="Last rate, if the loss does not explode before.")] = 10.0,
    steps: Annotated[int, typer.Option(help="Batches, at most.")] = 200,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, mps.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named set that is not on this machine.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Picture of the curve (.png, .svg or .pdf).")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Find a learning rate: train briefly while the rate rises, until the loss explodes.

    Nothing is kept but the answer, and the picture if asked for. What is not given is what derin train would take.

    Example: [bold]derin find-lr mnist --optimizer adamw --out curve.png[/bold]
    """
    from derin.api.fit import prepare
    from derin.core.threads import using_threads
    from derin.train.finder import find_learning_rate

    given: dict[str, Any] = {
        "target": target,
        "model": model,
        "task": task,
        "weights": weights,
        "optimizer": optimizer,
        "batch_size": batch_size,
        "seed": seed,
        "device": device,
        "threads": threads,
    }
    prepared = prepare(data, download=download, **{name: value for name, value in given.items() if value is not None})
    config = prepared.config
    terminal = console(json_output=json_output)
    with terminal.status("") as status, using_threads(config.threads):
        curve = find_learning_rate(
            prepared.learner(prepared.model),
            prepared.task,
            prepared.train_source,
            optimizer=str(config.optimizer),
            weight_decay=config.weight_decay,
            momentum=config.momentum,
            low=low,
            high=high,
            num_steps=steps,
            seed=config.seed,
            on_step=lambda done, total: status.update(f"step {done} of at most {total}"),
        )
    if out is not None:
        curve.plot(out)
    if json_output:
        found = {
            "model": prepared.model_name,
            "optimizer": config.optimizer,
            "batch_size": config.batch_size,
            "picture": None if out is None else str(out),
        }
        print_json({**found, **curve.to_json()})
        return
    terminal.print(f"Learning rate for {prepared.model_name} with {config.optimizer}, batch {config.batch_size}:")
    terminal.print(f"  suggestion  [bold]{curve.suggestion:.2g}[/bold]   (derin train … --lr {curve.suggestion:.2g})")
    terminal.print(f"  steepest    {curve.steepest:.2g}   where the loss falls fastest")
    edge = "the loss explodes beyond" if curve.diverged else f"no explosion up to {high:g}"
    terminal.print(f"  lowest      {curve.lowest:.2g}   where the loss is least; {edge}")
    if out is not None:
        terminal.print(f"  picture     {out}")
