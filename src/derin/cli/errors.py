"""`derin errors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, plain, print_json
from derin.cli.explain_embeddings import Split, Target
from derin.cli.explain_heat import Device, Run

if TYPE_CHECKING:
    from derin.api.errors import ErrorAnalysis

_MOST_TAGS = 20  # in the terminal; the JSON document and the page have all


def errors(
    run: Run,
    data: Annotated[
        str | None, typer.Option(help="What to measure on; the run's own data if left out.", show_default=False)
    ] = None,
    split: Split = None,
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
    out: Annotated[
        Path | None, typer.Option(help="Folder of what is written; else errors/ in the run.", show_default=False)
    ] = None,
    parquet: Annotated[bool, typer.Option(help='Write Parquet too (pip install "derin\\[tables]").')] = False,
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
        seed=seed,
    )
    if tags is not None:
        found = found.with_tags(tags)
    files = found.save(_folder(Path(run)) if out is None else out, parquet=parquet)
    if json_output:
        print_json({**found.to_json(), "files": files})
        return
    _print(found, files)


def _folder(run: Path) -> Path:
    """``errors/`` in a run, and where it is no run, since a bundle holds nothing but what its card names, here."""
    return run / "errors" if (run / "run.json").exists() else Path("errors")


def _print(found: ErrorAnalysis, files: dict[str, Any]) -> None:
    from rich.table import Table

    from derin.core.messages import format_number, localize, translate
    from derin.strategy.drift import LEVEL

    terminal = console()

    def say(text: str) -> None:
        terminal.print(text, markup=False, soft_wrap=True)

    part = translate(f"split.{found.split}")
    low, high = found.measured.interval
    say(
        translate(
            "errors.measured",
            num=found.measured.num_mistakes,
            examples=found.measured.num_examples,
            split=part,
            error=found.measured.error,
            low=low,
            high=high,
        )
    )
    if found.blackbox is not None:
        numbers = {
            f"{name}_{key}": value
            for name, some in (("eyeball", found.eyeball), ("blackbox", found.blackbox))
            for key, value in (("num", some.num_mistakes), ("examples", some.num_examples), ("error", some.error))
        }
        say(translate("errors.parts", **numbers))
    if found.copies is not None:
        say(translate("errors.copies", count=found.copies.num_examples, mistakes=found.copies.num_mistakes))
    for pair, num in found.shared.items():
        first, second = (translate(f"split.{split}") for split in pair.split("/"))
        say(translate("errors.shared", count=num, first=first, second=second))
    for column, leak in found.time_leaks.items():
        if leak.is_found:
            say(translate("errors.time_leak", column=column, between=leak.between, p=leak.p_value))
    if found.drift is not None and found.drift.is_found:
        differing = [feature for feature in found.drift.features if feature.adjusted <= LEVEL]
        names = ", ".join(localize(feature.name) for feature in differing) or translate("errors.no_single_feature")
        say(translate("errors.drift", auc=found.drift.auc, p=found.drift.p_value, features=names))
    for note in found.notes:
        say(localize(note))
    if found.wrong_labels:
        say(
            translate(
                "errors.corrected", count=found.wrong_labels, error=found.eyeball.error, corrected=found.corrected
            )
        )
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
