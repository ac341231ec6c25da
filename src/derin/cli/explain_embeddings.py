"""`derin explain embeddings`: the examples of some data as a layer sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from derin.cli.console import JsonFlag, console, print_json
from derin.cli.explain_heat import Device, Run

Data = Annotated[str, typer.Argument(help="A named set (derin data --sets), a folder, an archive or a file.")]
Split = Annotated[
    str | None, typer.Option(help="train, val, test or all; else test where there is one.", show_default=False)
]
Target = Annotated[
    str | None, typer.Option(help="Column with the answers, where it cannot be found out.", show_default=False)
]


def embeddings(
    run: Run,
    data: Data,
    layer: Annotated[
        str | None,
        typer.Option(
            help="By name; else what goes into the last dense layer or convolution. derin summary lists them.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[str, typer.Option(help='pca, tsne, or umap (pip install "derin\\[umap]").')] = "pca",
    dim: Annotated[int, typer.Option(help="2 or 3.")] = 2,
    num: Annotated[int, typer.Option(help="At most so many examples, drawn by the seed.")] = 2_000,
    split: Split = None,
    target: Target = None,
    seed: Annotated[int, typer.Option(help="Of the draw, and of t-SNE and UMAP.")] = 0,
    pictures: Annotated[bool, typer.Option(help="Put small copies of the pictures into the page.")] = True,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("embeddings.html"),
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Lay the examples of some data out as a layer sees them, on a page to turn, zoom and search.

    Example: [bold]derin explain embeddings runs/mnist-1 mnist --method tsne --dim 3 --out mnist.html[/bold]
    """
    from derin.api.explain_embeddings import explain_embeddings
    from derin.api.model import open
    from derin.core.messages import translate

    found = explain_embeddings(
        open(run, device=device),
        data,
        layer=layer,
        method=method,
        dim=dim,
        num=num,
        split=split,
        target=target,
        seed=seed,
        pictures=pictures,
    )
    found.save(out)
    if json_output:
        print_json({"page": str(out), **found.to_json()})
        return
    terminal = console()
    terminal.print(found.page.subtitle, markup=False, soft_wrap=True)
    terminal.print(translate("embedding.wrote", address=out.resolve().as_uri()), markup=False, soft_wrap=True)
