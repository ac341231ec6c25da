"""`derin errors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, plain, print_json, progress_bar
from derin.cli.explain_embeddings import Target
from derin.cli.explain_heat import Device, Run

if TYPE_CHECKING:
    from derin.api.errors import ErrorAnalysis
    from derin.api.label_errors import LabelAnalysis

_MOST_LABELS = 5
_MOST_TAGS = 20  # in the terminal; the JSON document and the page have all


def errors(
    run: Run,
    data: Annotated[
        str | None, typer.Option(help="What to measure on; the run's own data if left out.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, val, test or all; else val, and of --data test where there is one.", show_default=False
        ),
    ] = None,
    target: Target = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Of numbers: an answer that is further off is a mistake.", show_default=False)
    ] = None,
    eyeball: Annotated[
        int | None,
        typer.Option(metavar="N", help="Show about N mistakes, and leave the others unseen.", show_default=False),
    ] = None,
    tags: Annotated[
        Path | None, typer.Option(help="Tags of your own: the CSV file that the page exports.", show_default=False)
    ] = None,
    near_copies: Annotated[
        bool, typer.Option(help="Look for examples that are nearly the same, in all splits of the run's own data.")
    ] = True,
    labels: Annotated[
        bool,
        typer.Option(
            help="Also find labels that are probably wrong, of all splits: trains the run anew for each fold."
        ),
    ] = False,
    folds: Annotated[int, typer.Option(help="With --labels: parts of the data, each unseen by one network.")] = 5,
    max_seconds: Annotated[
        float, typer.Option(help="With --labels: of all trainings together; 0 has no limit.")
    ] = 600.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of what is written; else errors/ in the run.", show_default=False)
    ] = None,
    parquet: Annotated[bool, typer.Option(help='Write Parquet too (pip install "derin\\[tables]").')] = False,
    pictures: Annotated[bool, typer.Option(help="Put small copies of the pictures into the page.")] = True,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    device: Device = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Show what a network's mistakes have in common, and what mending each thing could bring at most.

    The validation split of the run's own data is measured, the mistakes are sorted by their loss and tagged: blurry,
    dark or small pictures, long texts, rare words, unusual values, the pair of classes, copies of training examples.
    Tags may overlap; they rank by their ceiling, the share of all examples that would become right.

    Example: [bold]derin errors runs/mnist-1 --out errors[/bold]
    """
    from derin.api.errors import find_errors
    from derin.api.model import open

    found = find_errors(
        open(run, device=device),
        data,
        split=split,
        target=target,
        tolerance=tolerance,
        eyeball=eyeball,
        near_copies=near_copies,
        seed=seed,
    )
    if tags is not None:
        found = found.with_tags(tags)
    folder = _folder(Path(run)) if out is None else out
    analysis = None
    if labels:
        from derin.api.label_errors import find_wrong_labels
        from derin.api.run import Run as TrainedRun

        with progress_bar("folds") as tell:
            analysis = find_wrong_labels(
                TrainedRun(run), data, folds=folds, max_seconds=max_seconds, seed=seed, progress=tell
            )
        found = found.with_suspected_labels(analysis.suspected)
    files = found.save(folder, parquet=parquet, pictures=pictures)
    if analysis is not None:
        files["labels"] = str(folder / "labels.csv")
        analysis.save(folder / "labels.csv")
    if json_output:
        told = None if analysis is None else analysis.to_json()
        print_json({**found.to_json(), "labels": told, "files": files})
        return
    _print(found, files, analysis)


def _folder(run: Path) -> Path:
    """``errors/`` in a run, and where it is no run, since a bundle holds nothing but what its card names, here."""
    return run / "errors" if (run / "run.json").exists() else Path("errors")


def _print(found: ErrorAnalysis, files: dict[str, Any], labels: LabelAnalysis | None) -> None:
    from rich.table import Table

    from derin.core.messages import format_number, localize, translate
    from derin.core.printable import printable

    terminal = console()

    def say(text: str) -> None:
        terminal.print(text, markup=False, soft_wrap=True)

    for sentence in found.sentences():
        say(sentence)
    if labels is not None:
        num = len(labels.suspected)
        say(
            translate("errors.labels", num=num, examples=len(labels.rows), folds=labels.folds, accuracy=labels.accuracy)
        )
        for line in labels.listed(min(_MOST_LABELS, num)):
            name = translate("examples.row", number=line["name"]) if line["name"].isdecimal() else line["name"]
            say(f"  {printable(name)}  {printable(line['label'])} → {printable(line['suggested'])}?")
    ranked = found.tags
    if ranked:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column(translate("errors.column_tag"), overflow="fold")
        for key in ("mistakes", "share", "interval", "gain", "after", "within"):
            table.add_column(translate(f"errors.column_{key}"), justify="right", no_wrap=True)
        for tag in ranked[:_MOST_TAGS]:
            within = "" if tag.error_within is None else format_number(tag.error_within, ".1%")
            table.add_row(
                plain(localize(tag.tag)),
                format_number(tag.count, ","),
                format_number(tag.share, ".1%"),
                " – ".join(format_number(bound, ".1%") for bound in tag.interval),
                format_number(tag.gain, ".2%"),
                format_number(tag.error_after, ".2%"),
                within,
            )
        terminal.print(table)
        say(translate("errors.ceiling_note"))
        if len(ranked) > _MOST_TAGS:
            say(translate("errors.more_tags", count=len(ranked) - _MOST_TAGS))
    for path in files.values():
        say(translate("errors.wrote", path=path))
