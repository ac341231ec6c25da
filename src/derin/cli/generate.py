"""`derin generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json


def generate(
    run: Annotated[Path, typer.Argument(help="A run of --task lm, or a bundle.")],
    prompt: Annotated[str, typer.Option(help="Where every text begins; empty begins a new line.")] = "",
    num_texts: Annotated[int, typer.Option("--n", help="How many texts.")] = 1,
    num_tokens: Annotated[
        int, typer.Option("--length", help="The most new tokens of each: characters, words, bytes or byte pairs.")
    ] = 300,
    temperature: Annotated[
        float, typer.Option(help="Below 1 the likely becomes likelier; 0 takes the likeliest token always.")
    ] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Only so many of the likeliest tokens may come.")] = None,
    top_p: Annotated[
        float, typer.Option(help="Only the likeliest tokens that together reach this probability may come.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed writes the same texts.")] = 0,
    until: Annotated[str | None, typer.Option(help=r"A text ends before these characters; \n is a line feed.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Let a trained language model write.

    Example: [bold]derin generate runs/tinyshakespeare-1 --prompt "ROMEO:" --n 2[/bold]
    """
    from derin.api.generate import generate as write
    from derin.api.model import open

    texts = write(
        open(run, device=device),
        prompt,
        num_texts=num_texts,
        num_tokens=num_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        until=None if until is None else until.replace(r"\n", "\n"),
    )
    if json_output:
        print_json([text.to_json() for text in texts])
        return
    terminal = console()
    for number, text in enumerate(texts):
        if number:
            terminal.rule(style="dim")
        terminal.print(text.text, markup=False, soft_wrap=True)
