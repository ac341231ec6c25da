"""`derin generate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.api.model import Model


def generate(
    run: Annotated[Path, typer.Argument(help="A run of --task lm, gan, vae or flow, or a bundle.")],
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
    label: Annotated[
        str | None, typer.Option("--class", help="Of a flow: the class that pictures show; all in turn without it.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Of a flow: what pictures show, in words of its training.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Of a flow: steps from noise to picture (10).", show_default=False)
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(help="Of a flow: 1 follows class or text as learned, more exaggerates them.", show_default=False),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Of a flow: heun (two looks a step) or euler (one).", show_default=False)
    ] = None,
    way: Annotated[Path | None, typer.Option(help="Of a flow: a GIF of the way from noise to write.")] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", help="Of a VAE: a picture to make again from its code; twice for the way between two pictures."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Let a trained language model write, or a trained generator make pictures.

    Example: [bold]derin generate runs/tinyshakespeare-1 --prompt "ROMEO:" --num 2[/bold]

    Example: [bold]derin generate runs/gan --num 16 --out samples.png[/bold]

    Example: [bold]derin generate runs/flow --class 7 --num 16 --steps 20 --out sevens.png[/bold]

    Example: [bold]derin generate runs/scenes --text "a red circle left of a blue square" --out scene.png[/bold]
    """
    from derin.api.generate import generate as write
    from derin.api.model import open
    from derin.core.errors import UsageError

    model = open(run, device=device)
    wishes = {
        "label": label,
        "text": text,
        "steps": steps,
        "guidance": guidance,
        "method": method,
        "sources": sources or None,
    }
    if model.preparation.reads_pictures:
        if prompt or until is not None or top_k is not None:
            raise UsageError("Pictures do not go on from a text; leave --prompt, --until and --top-k out.")
        _pictures(model, 16 if num is None else num, seed, out, way, wishes, json_output=json_output)
        return
    if way is not None or any(value is not None for value in wishes.values()):
        raise UsageError(
            "--class, --text, --steps, --guidance, --method and --way are for a run of --task flow, --from is for one "
            "of --task vae."
        )
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
    for number, written in enumerate(texts):
        if number:
            terminal.rule(style="dim")
        terminal.print(written.text, markup=False, soft_wrap=True)


def _pictures(
    model: Model, num: int, seed: int, out: Path | None, way: Path | None, wishes: dict[str, Any], *, json_output: bool
) -> None:
    from derin.core.errors import UsageError
    from derin.core.messages import translate

    if out is None:
        raise UsageError("Pictures go into a file; name it: --out samples.png.")
    made = model.make_pictures(num, seed=seed, **wishes)
    path = made.save(out)
    written = {} if way is None else {"way": str(model.save_way(way, num, seed=seed, **wishes))}
    if json_output:
        print_json({"path": str(path), **made.to_json(), **written})
        return
    console().print(translate("gan.wrote", count=num, path=str(path)), markup=False, soft_wrap=True)
    if way is not None:
        console().print(translate("flow.wrote_way", path=str(way)), markup=False, soft_wrap=True)
