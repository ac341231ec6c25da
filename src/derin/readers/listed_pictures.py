"""Pictures in one archive, with a csv file beside it that gives the class of each as a place in a list of names."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.core.strict_json import parse_json
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Table
from derin.readers.listing import shown
from derin.readers.pictures.store import stored_pictures

_MOST_TOLD = 3


def read_listed_pictures(
    archive: Path,
    labels: Path,
    class_names: Path,
    *,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """The pictures of an archive with the classes that a csv file lists for them.

    Args:
        archive: zip or tar with all pictures in one folder.
        labels: csv with the columns ``file`` (name within that folder) and ``class_index``.
        class_names: JSON list, by class index; the table has those that occur.
        name: of the table.
        size: height and width of the network's input; see `read_picture_folder`.
        channels: 1 stores gray, 3 colour.
        progress: called with (files done, files in all).

    Raises:
        DataError: a file is missing or of another form, or a picture is not listed.
    """
    indices, names = _class_indices(labels), _names(class_names)
    found = stored_pictures(archive, size=size, channels=channels, progress=progress)
    files = [PurePosixPath(entry.member.path).name for entry in found.entries]
    unlisted = [file for file in files if file not in indices]
    if unlisted:
        raise DataError(
            f"{labels}: every picture of {archive.name} must be listed; {len(unlisted):,} are not "
            f"({', '.join(map(shown, unlisted[:_MOST_TOLD]))}). Fetch both again."
        )
    of_rows = [indices[file] for file in files]
    if max(of_rows) >= len(names):
        raise DataError(f"{labels}: class_index must be below {len(names):,}, the number of names; got {max(of_rows)}.")
    present = sorted(set(of_rows))
    place = {index: number for number, index in enumerate(present)}
    report = DataReport(source=str(archive.parent))
    report.extend(found.findings)
    missing = indices.keys() - set(files)
    report.extend([Finding(file, Outcome.SKIPPED, Message("reading.not_there")) for file in sorted(missing)])
    report.notes += found.notes
    counts = np.bincount([place[index] for index in of_rows])
    report.counts = {"all": {names[index]: int(n) for index, n in zip(present, counts, strict=True)}}
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=found.shape),
            Column(
                name="label",
                kind=Kind.CATEGORY,
                role=Role.TARGET,
                classes=tuple(names[index] for index in present),
                note=Message("reading.classes_occur", present=len(present), known=len(names)),
            ),
        )
    )
    numbers = np.array([place[index] for index in of_rows], dtype=np.int64)
    columns: dict[str, ColumnData] = {"picture": found.data, "label": Dense(numbers)}
    return Table(name=name, schema=schema, columns=columns, splits={}, report=report, row_names=files)


def _class_indices(path: Path) -> dict[str, int]:
    """The class index by the name of the picture."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        found = {row["file"]: int(row["class_index"]) for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: a csv file with the columns file and class_index is required; {type(error).__name__}: {error}."
        ) from None
    if not found or min(found.values()) < 0:
        raise DataError(f"{path}: at least one picture with a class_index from 0 is required.")
    return found


def _names(path: Path) -> tuple[str, ...]:
    try:
        names = parse_json(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise DataError(f"{path}: a JSON list of class names, each once, is required.")
    return tuple(names)
