"""`derin explain adversarial`: pictures changed by less than the eye notices, and what a network makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json, progress_bar
from derin.cli.explain_embeddings import Data, Split, Target
from derin.cli.explain_heat import Device, Run


def adversarial(
    run: Run,
    data: Data,
    method: Annotated[str, typer.Option(help="fgsm (one step) or pgd (several).")] = "fgsm",
    epsilon: Annotated[str, typer.Option(help="Most that a pixel changes, of a range 0..1.")] = "8/255",
    target_class: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="CLASS",
            help="The class to be taken for, by name or number; else any wrong one.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(help="Of pgd.")] = 10,
    num: Annotated[int, typer.Option(help="At most so many examples, drawn by the seed.")] = 1_000,
    shown: Annotated[int, typer.Option(help="Pictures on the drawing.")] = 8,
    split: Split = None,
    answers: Target = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    out: Annotated[
        Path, typer.Option(help="The drawing: .png, .svg or .pdf. The curve over ε goes beside it as NAME-curve.")
    ] = Path("adversarial.png"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Change pictures so that the network goes wrong, and measure it under attack.

    Example: [bold]derin explain adversarial runs/fashion_mnist-1 fashion_mnist --method pgd --epsilon 8/255[/bold]
    """
    from derin.api.explain_adversarial import explain_adversarial
    from derin.api.model import open
    from derin.core.messages import translate

    model = open(run, device=device)
    with progress_bar("attacking") as tell:
        found = explain_adversarial(
            model,
            data,
            method=method,
            epsilon=epsilon,
            target=target_class,
            num_steps=steps,
            split=split,
            answers=answers,
            num=num,
            num_shown=shown,
            seed=seed,
            on_step=tell,
        )
    curve = out.with_name(f"{out.stem}-curve{out.suffix}")
    found.save(out, curve)
    if json_output:
        print_json({"picture": str(out), "curve_picture": str(curve), **found.to_json()})
        return
    terminal = console()
    for line in found.lines():
        terminal.print(line, markup=False, soft_wrap=True)
    terminal.print(translate("adversarial.wrote", path=out, curve=curve), markup=False, soft_wrap=True)
