"""`derin predict`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from derin.cli.console import JsonFlag, console, print_json

if TYPE_CHECKING:
    from derin.api.model import Model

_CHUNK = 512
_READS_TEXTS = ("text", "stream", "tagged", "pairs", "corpus", "cooccurrences")
_LONGEST_NAME = 255  # bytes that file systems allow; what is longer is a text


def predict(
    run: Annotated[Path, typer.Argument(help="A run, or a bundle.")],
    inputs: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders of pictures, tables, texts, or files with a text in each line."),
    ],
    out: Annotated[Path | None, typer.Option(help="Write a CSV file with one line per input.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    json_output: JsonFlag = False,
) -> None:
    """Say what a trained network sees in pictures, rows or texts.

    Example: [bold]derin predict runs/mnist-1 seven.png[/bold]
    """
    from derin.api.model import open
    from derin.core.printable import printable

    model = open(run, device=device)
    answers = _skipping_unreadable(model, inputs)
    if json_output:
        print_json([{"input": name, **answer.to_json()} for name, answer in answers])
    elif out is None:
        terminal = console()
        for name, answer in answers:
            terminal.print(f"{printable(name)}  {printable(_in_words(answer))}", markup=False, soft_wrap=True)
    if out is not None:
        count = _write_csv(out, answers)
        console(json_output=json_output).print(f"{count} predictions in {printable(out)}", markup=False, soft_wrap=True)


def _skipping_unreadable(model: Model, inputs: list[str]) -> Iterator[tuple[str, Any]]:
    """Names and predictions. A file that was named must be readable; one found in a folder is told and passed over."""
    if model.preparation.kind in _READS_TEXTS:
        texts = [text for given in inputs for text in _texts(given)]
        yield from zip(texts, model.predictions(texts), strict=True)
        return
    for path in map(Path, inputs):
        if model.preparation.kind != "picture":
            yield from _rows_of_table(model, path)
        elif path.is_dir():
            yield from _folder(model, path)
        else:
            yield str(path), model.predictions(path)[0]


def _texts(given: str) -> list[str]:
    """A text as it was given, or the lines of a file of that name."""
    from derin.core.errors import DataError
    from derin.data.readers.decoding import read_text

    if len(given) > _LONGEST_NAME or not Path(given).is_file():
        return [given]
    lines = [line for line in read_text(Path(given)).text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"The file {given} holds no text; a text in each line is required.")
    return lines


def _folder(model: Model, folder: Path) -> Iterator[tuple[str, Any]]:
    import numpy as np

    from derin.core.errors import DataError
    from derin.core.printable import printable
    from derin.data.readers.picture_folder import list_pictures

    paths = list_pictures(folder)
    if not paths:
        raise DataError(f"The folder {folder} holds no pictures; name a folder with pictures or the files themselves.")
    terminal = console(json_output=True)
    for start in range(0, len(paths), _CHUNK):
        readable, rows = [], []
        for path in paths[start : start + _CHUNK]:
            try:
                rows.append(model.preparation.read(path)[0])
                readable.append(path)
            except DataError as error:
                terminal.print(f"skipped: {printable(error)}", markup=False, soft_wrap=True)
        if readable:
            # Rows that were read are brought to their size already: as pictures they would be brought there once more.
            for path, answer in zip(readable, model.row_predictions(np.stack(rows)), strict=True):
                yield str(path), answer


def _rows_of_table(model: Model, path: Path) -> Iterator[tuple[str, Any]]:
    for number, answer in enumerate(model.predictions(path), start=1):
        yield f"{path}:{number}", answer


def _in_words(answer: Any) -> str:
    from derin.strategy.numbers import number_text

    found = answer.to_json()
    if "columns" in found:
        return "  ".join(f"{column}: {_in_words(part)}" for column, part in answer.columns.items())
    if "value" in found:
        values = found["value"] if isinstance(found["value"], list) else [found["value"]]
        return ", ".join(number_text(value) for value in values)
    if found.get("entities"):
        sure = (f"{entity['text']}: {entity['type']} {entity['probability']:.3f}" for entity in found["entities"])
        return f"{answer}  ({', '.join(sure)})"
    if "top" in found:
        return "  ".join(f"{name} {probability:.3f}" for name, probability in found["top"])
    return str(answer)


def _write_csv(path: Path, answers: Iterator[tuple[str, Any]]) -> int:
    """One line per input: its name, the label and probability (or the value), and every listed class."""
    import io

    from derin.core.files import write_bytes
    from derin.core.printable import spreadsheet_cell

    text, count = io.StringIO(newline=""), 0
    writer = csv.writer(text)
    for name, answer in answers:
        found = answer.to_json()
        if "columns" in found:
            cells = {f"{c}/{field}": cell for c, part in found["columns"].items() for field, cell in _cells(part)}
        else:
            cells = dict(_cells(found))
        if count == 0:
            writer.writerow(["input", *map(spreadsheet_cell, cells)])
        writer.writerow([spreadsheet_cell(cell) for cell in (name, *cells.values())])
        count += 1
    write_bytes(path, text.getvalue().encode("utf-8"))
    return count


def _cells(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """The cells of one answer, each under its heading."""
    if "value" in found:
        return [("value", found["value"])]
    if "labels" in found:
        return [("labels", ";".join(found["labels"]))]
    if "label" in found:
        return [("label", found["label"]), ("probability", found["probability"])]
    return [
        (name, cell if isinstance(cell, str | int | float) else json.dumps(cell, ensure_ascii=False))
        for name, cell in found.items()
    ]
