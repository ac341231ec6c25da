"""`derin generate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.api.model import Model


def generate(
    run: Annotated[Path, typer.Argument(help="A run of --task lm or --task gan, or a bundle.")],
    prompt: Annotated[str, typer.Option(help="Where every text begins; empty begins a new line.")] = "",
    num: Annotated[
        int | None, typer.Option("--num", "--n", help="How many texts (1) or pictures (16).", show_default=False)
    ] = None,
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
    seed: Annotated[int, typer.Option(help="The same seed writes the same texts, or makes the same pictures.")] = 0,
    until: Annotated[str | None, typer.Option(help=r"A text ends before these characters; \n is a line feed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Of pictures: the PNG file to write.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Let a trained language model write, or a trained generator make pictures.

    Example: [bold]derin generate runs/tinyshakespeare-1 --prompt "ROMEO:" --num 2[/bold]

    Example: [bold]derin generate runs/gan --num 16 --out samples.png[/bold]
    """
    from derin.api.generate import generate as write
    from derin.api.model import open
    from derin.core.errors import UsageError

    model = open(run, device=device)
    if model.preparation.reads_pictures:
        if prompt or until is not None or top_k is not None:
            raise UsageError("Pictures are made from noise alone; leave --prompt, --until and --top-k out.")
        _pictures(model, 16 if num is None else num, seed, out, json_output=json_output)
        return
    if out is not None:
        raise UsageError("Texts are printed; leave --out out, or send the output to a file: > texts.txt.")
    texts = write(
        model,
        prompt,
        num_texts=1 if num is None else num,
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


def _pictures(model: Model, num: int, seed: int, out: Path | None, *, json_output: bool) -> None:
    from derin.core.errors import UsageError
    from derin.core.messages import translate

    if out is None:
        raise UsageError("Pictures go into a file; name it: --out samples.png.")
    made = model.make_pictures(num, seed=seed)
    path = made.save(out)
    if json_output:
        print_json({"path": str(path), **made.to_json()})
        return
    console().print(translate("gan.wrote", count=num, path=str(path)), markup=False, soft_wrap=True)
