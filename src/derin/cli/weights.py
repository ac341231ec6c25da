"""`derin weights`: published weights that are known, fetched or made into a bundle."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from derin.cli.console import JsonFlag, cli_errors, console, model_options, print_json, progress_bar

app = typer.Typer(
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="List published weights that are known, fetch them, or make a bundle of a file.\n\n"
    "Example: [bold]derin weights import resnet18_imagenet --download --out resnet18[/bold]",
)


@app.callback(invoke_without_command=True)
@cli_errors
def weights(context: typer.Context, json_output: JsonFlag = False) -> None:
    """List published weights that are known, fetch them, or make a bundle of a file.

    Example: [bold]derin weights import resnet18_imagenet --download --out resnet18[/bold]
    """
    if context.invoked_subcommand is None:
        _list(json_output)


def _list(json_output: bool) -> None:
    from derin.core.library_settings import data_folder
    from derin.models.weights.known import KNOWN

    found = {known.name: known.find() for known in KNOWN}
    if json_output:
        document: list[dict[str, Any]] = [
            {
                "name": known.name,
                "model": known.model,
                "options": known.options,
                "license": known.licence,
                "bytes": known.num_bytes,
                "published": known.published or None,
                "origin": known.origin,
                "address": known.address,
                "sha256": known.sha256 if known.has_whole_sha256 else None,
                "sha256_prefix": known.sha256[:8],
                "path": None if (path := found[known.name]) is None else str(path),
            }
            for known in KNOWN
        ]
        print_json({"weights": document})
        return
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Name", no_wrap=True)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("License", overflow="fold")
    table.add_column("Published", overflow="fold")
    table.add_column("Where", overflow="fold")
    root = data_folder()
    for known in KNOWN:
        path = found[known.name]
        if path is None:
            where = "fetch" if known.address else "not here"
        else:
            where = "DERIN_DATA" if root is not None and path.is_relative_to(root) else "downloads"
        table.add_row(known.name, f"{known.num_bytes / 1e6:.1f} MB", known.licence, known.published or "–", where)
    out.print(table)
    out.print("\nA file of other weights is taken too, once its network and preprocessing are named: --help of import.")


@app.command("import")
@partial(cli_errors, group="weights")
def import_(
    source: Annotated[
        str, typer.Argument(help="A known name, a file (.safetensors, .npz, .pth, .pt, .th, .ckpt) or hub:OWNER/NAME.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    model: Annotated[str | None, typer.Option(help="Registered network, for weights that are not known.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Setting of that network, such as padding=same; repeatable."),
    ] = None,
    preprocess: Annotated[
        str | None,
        typer.Option(
            help="What its pictures went through: imagenet, torchvision, tensorflow, or "
            "size=224,mean=0.5/0.5/0.5,std=0.5/0.5/0.5,rule=crop."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Names of the classes: imagenet, cifar10, or a file with one name to a line."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch known weights that are not on this machine.")
    ] = False,
    json_output: JsonFlag = False,
) -> None:
    """Make a bundle of published weights, for predict, eval, explain and train --weights.

    A file that is known by its SHA-256 needs nothing else; of any other, the network and the preprocessing must be
    said. Pickled files are read in a process of their own and run no code.

    Example: [bold]derin weights import r18.pth --model resnet18 --preprocess imagenet --classes imagenet --out r[/bold]
    """
    from derin.api.published import import_weights
    from derin.core.printable import printable

    with progress_bar("Fetching") as progress:
        found = import_weights(
            source,
            out,
            model=model,
            options=model_options(option),
            preprocess=preprocess,
            classes=None if classes is None else _class_names(classes),
            download=download,
            progress=progress,
        )
    if json_output:
        print_json(found)
        return
    licence = f"licence {found['license']}" if found["license"] else "licence not stated"
    console().print(
        printable(f"{found['path']}: {found['model']}, {found['classes']:,} classes, {licence}"),
        markup=False,
        soft_wrap=True,
    )


@app.command("fetch")
@partial(cli_errors, group="weights")
def fetch(
    name: Annotated[str, typer.Argument(help="A name that `derin weights` lists.")],
    json_output: JsonFlag = False,
) -> None:
    """Fetch known weights from their public address and check their SHA-256.

    Example: [bold]derin weights fetch resnet20_cifar10[/bold]
    """
    from derin.api.published import fetch_known
    from derin.core.printable import printable

    with progress_bar("Fetching") as progress:
        path = fetch_known(name, progress)
    if json_output:
        print_json({"name": name, "path": str(path)})
    else:
        console().print(printable(path), markup=False, soft_wrap=True)


def _class_names(text: str) -> tuple[str, ...]:
    """The names behind a word, or in a file: one to a line, or a JSON list."""
    import json

    from derin.core.errors import UsageError
    from derin.models.weights.known import class_names
    from derin.readers.decoding import lines_of

    if text in ("imagenet", "cifar10"):
        return class_names(text)
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"--classes must be imagenet, cifar10 or a file with one name to a line; got {text!r}.")
    try:
        content = path.read_text(encoding="utf-8-sig")
        names = json.loads(content) if path.suffix.lower() == ".json" else lines_of(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"--classes: {path} must be a text in UTF-8 or a list in JSON; {error}.") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"--classes: {path} must be a list of names.")
    return tuple(stripped for name in names if (stripped := name.strip()))
