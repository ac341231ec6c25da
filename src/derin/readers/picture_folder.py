"""Class folders of pictures, in a folder, a zip or a tar, with or without train, val and test above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.data.recipe import ReadingRecipe
from derin.data.report import DataReport, Finding, Outcome
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import SPLITS, ColumnData, Dense, Rows, Table
from derin.readers.archives import open_files
from derin.readers.pictures.listing import (
    CLASS_FOLDERS,
    FOLDERS,
    Entry,
    Listing,
    is_picture_name,
    natural_key,
    shown,
)
from derin.readers.pictures.store import Decisions, StoredPictures, stored_pictures

PICTURE, LABEL = "picture", "label"


def read_picture_folder(
    path: Path,
    *,
    name: str,
    size: int | None = None,
    channels: int | None = None,
    classes: str = "outermost",
    found: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """The pictures of class folders, decoded once into the cache.

    Rows stand in the order train, val, test, then by class and path, as people count. Splits are those that the folders
    name; where they name none, the table has none.

    Args:
        path: a folder, a zip or a tar.
        name: of the table.
        size: height and width of the network's input. Pictures are stored with 1.15 times that as their shorter side.
            None keeps pictures that all have one size of at most 128 pixels, and is 128 for all others.
        channels: 1 stores gray, 3 colour; None is 1 where all pictures are gray, also where they hold it three times.
        classes: ``"outermost"``: everything below a class folder belongs to its class; ``"innermost"``: each folder
            that holds pictures is a class, called by its path (``Greek/alpha``).
        found: what other pictures decided (`ReadingRecipe.part("pictures")`), which these follow.
        progress: called with (files done, files in all).

    Raises:
        DataError: no class folders, fewer than two classes, or no picture that can be read.
        StorageError: the cache cannot be written.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> for label, gray in (("dark", 10), ("light", 240)):
        ...     (folder / label).mkdir()
        ...     Image.new("L", (8, 6), gray).save(folder / label / "1.png")
        >>> table = read_picture_folder(folder, name="lamps")
        >>> table.row_names, table.schema["picture"].shape, table.schema["label"].classes
        (['dark/1.png', 'light/1.png'], (6, 8, 1), ('dark', 'light'))
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"read_picture_folder: channels must be 1 (gray) or 3 (colour); got {channels}.")
    if size is not None and size < 1:
        raise UsageError(f"read_picture_folder: size must be at least 1 pixel; got {size}.")
    if classes not in CLASS_FOLDERS:
        raise UnknownNameError("choice of class folders", str(classes), tuple(CLASS_FOLDERS))
    decisions = Decisions.from_recipe(found or {}, size=size, channels=channels)
    stored = stored_pictures(
        Path(path), size=size, decisions=decisions, list_files=CLASS_FOLDERS[classes], progress=progress
    )
    report = DataReport(source=str(path))
    report.extend(stored.listing.findings)
    report.extend(stored.findings)
    report.extend(_class_findings(stored.listing, stored.entries))
    report.notes += [*stored.listing.notes, *stored.notes]
    present = {entry.class_name for entry in stored.entries}
    names = tuple(c for c in stored.listing.class_names if c in present)
    # What follows another set's decisions is measured, and may hold a part of its classes.
    if len(names) < 2 and not (names and found):
        raise DataError(
            f"{path}: at least two classes with pictures are required; got {len(names)} ({', '.join(names)}). "
            "Put the pictures of each class into a folder of their own, or a csv file with their names and labels "
            "beside them."
        )
    number = {c: n for n, c in enumerate(names)}
    labels = np.array([number[entry.class_name] for entry in stored.entries], dtype=np.int64)
    splits = _splits(stored.entries)
    report.counts = _counts(stored.entries)
    schema = Schema(
        (
            Column(name=PICTURE, kind=Kind.PICTURE, role=Role.INPUT, shape=stored.shape, note=_note(stored)),
            Column(
                name=LABEL, kind=Kind.CATEGORY, role=Role.TARGET, classes=names, note=Message("reading.from_folders")
            ),
        )
    )
    columns: dict[str, ColumnData] = {PICTURE: stored.data, LABEL: Dense(labels)}
    row_names = [shown(entry.member.path) for entry in stored.entries]
    recipe = ReadingRecipe(found={"pictures": dict(stored.decisions), FOLDERS: {"classes": classes}})
    return Table(
        name=name, schema=schema, columns=columns, splits=splits, report=report, row_names=row_names, recipe=recipe
    )


def list_pictures(path: Path) -> list[Path]:
    """The picture files in a folder and below it, as people count; hidden files and folders are left out.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b10.png", "b9.png", "notes.txt", ".hidden.png"):
        ...     _ = (folder / name).write_bytes(b"")
        >>> [p.name for p in list_pictures(folder)]
        ['b9.png', 'b10.png']
    """
    from derin.readers.archives import is_hidden

    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: a folder with pictures is required.")
    names = [member.path for member in open_files(path).contents().members]
    wanted = [n for n in names if is_picture_name(n) and not any(map(is_hidden, n.split("/")))]
    return [path / name for name in sorted(wanted, key=natural_key)]


def _splits(entries: Sequence[Entry]) -> dict[str, Rows]:
    """Rows of each split; a table is split altogether or not at all."""
    named = np.array([entry.split or "" for entry in entries])
    return {split: np.flatnonzero(named == split).astype(np.int64) for split in SPLITS if (named == split).any()}


def _counts(entries: Sequence[Entry]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        counts.setdefault(entry.split or "all", Counter())[entry.class_name] += 1
    return {split: dict(counter) for split, counter in counts.items()}


def _class_findings(listing: Listing, entries: Sequence[Entry]) -> list[Finding]:
    """Classes without pictures, and those that one split alone knows."""
    where: dict[str, set[str]] = {name: set() for name in listing.class_names}
    listed = {entry.class_name for entry in listing.entries}
    for entry in entries:
        where[entry.class_name].add(entry.split or "")
    splits = set().union(*where.values())
    found = []
    for name, present in where.items():
        if not present:
            reason = Message("reading.class_unreadable" if name in listed else "reading.class_empty")
            found.append(Finding(name, Outcome.SKIPPED, reason))
        elif len(present) == 1 and len(splits) > 1:
            found.append(Finding(name, Outcome.NOTED, Message("reading.class_in_one_split", split=min(present))))
    return found


def _note(found: StoredPictures) -> str:
    color = Message("reading.gray" if found.channels == 1 else "reading.color")
    if found.common_size is None:
        return Message("reading.of_sizes", color=color)
    height, width = found.common_size
    return Message("reading.all_of_size", color=color, height=height, width=width)
