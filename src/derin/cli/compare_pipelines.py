"""`derin compare-pipelines`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, plain, print_json, progress_bar, save_figure
from derin.core.messages import format_number, translate

if TYPE_CHECKING:
    from derin.strategy.pipelines import PipelineComparison


def compare_pipelines(
    data: Annotated[str, typer.Argument(help="Sounds by class: a named set, a folder with a folder for each class.")],
    sizes: Annotated[
        str | None, typer.Option(help="Numbers of training examples: 50,100,200; else these and all.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Of the noise that each sound is put into; else three times its length.")
    ] = None,
    snr_db: Annotated[float, typer.Option(help="How much louder than the noise a sound is, in dB.")] = 10.0,
    model: Annotated[str | None, typer.Option(help="Registered network, end to end.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of each network.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Of each network.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, mps.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named set that is not on this machine.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Picture of the curves (.png, .svg or .pdf).")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Learn spoken words end to end and by stages, against the number of examples, and say what each stage could bring.

    Each sound is put somewhere in noise, so that its true place is known. End to end a network reads the spectrogram
    of all of it; by stages the voice is found, becomes mean and deviation of its MFCC, and is classified.

    Example: [bold]derin compare-pipelines free_spoken_digits --sizes 50,200,800 --out pipelines.png[/bold]
    """
    from derin.api.compare_pipelines import compare_pipelines as compare
    from derin.api.compare_pipelines import draw

    given: dict[str, Any] = {
        "model": model,
        "epochs": epochs,
        "max_seconds": max_seconds,
        "device": device,
        "threads": threads,
    }
    with progress_bar(translate("pipelines.training")) as progress:
        found = compare(
            data,
            sizes=None if sizes is None else _numbers(sizes),
            seconds=seconds,
            snr_db=snr_db,
            seed=seed,
            download=download,
            told=progress,
            **{name: value for name, value in given.items() if value is not None},
        )
    if out is not None:
        save_figure(draw(found), out)
    if json_output:
        print_json(found.to_json())
    else:
        _show(found)
    if out is not None:
        console(json_output=json_output).print(translate("compare.picture", path=plain(str(out))), soft_wrap=True)


def _numbers(text: str) -> list[int]:
    from derin.core.errors import UsageError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise UsageError(f"--sizes takes numbers of training examples with commas, such as 50,100,200; got {text!r}.")
    return [int(word) for word in words]


def _show(found: PipelineComparison) -> None:
    from rich.table import Table as Grid

    terminal = console()
    words = {"seconds": found.seconds, "snr": found.snr_db, "count": found.num_test}
    terminal.print(translate("pipelines.about", **words), markup=False, soft_wrap=True)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name in ("size", "end_to_end", "staged", "oracle", "difference", "classifier"):
        grid.add_column(translate(f"pipelines.{name}"), justify="left" if name == "classifier" else "right")
    for point in found.points:
        cells = [
            f"{format_number(value, '.1%')} ({format_number(low, '.1%')} – {format_number(high, '.1%')})"
            for value, (low, high) in point.shares().values()
        ]
        gain = point.difference
        low, high = (format_number(bound, "+.1%") for bound in gain.interval)
        cells.append(f"{format_number(gain.value, '+.1%')} ({low} – {high})")
        grid.add_row(format_number(point.size, ","), *cells, plain(point.classifier))
    terminal.print()
    terminal.print(grid)
    terminal.print()
    for sentence in found.sentences():
        terminal.print(sentence, markup=False, soft_wrap=True)
