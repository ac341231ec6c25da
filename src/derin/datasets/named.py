"""Named data sets on this machine: looked for where people keep them, fetched only when that is asked for.

The folder that ``DERIN_DATA`` names comes first, then the downloads in the cache. The small tables of scikit-learn need
no files at all.
"""

from __future__ import annotations

from pathlib import Path

from derin.core.errors import DataError, UnknownNameError
from derin.core.library_settings import data_folder, downloads_folder
from derin.core.lock import FolderLock
from derin.core.messages import Message
from derin.data.recipe import ReadOptions
from derin.data.schema import Kind
from derin.data.table import Table
from derin.datasets.catalog import NAMED_SETS, NamedSet
from derin.datasets.download import fetch, fetch_all
from derin.readers.unpacking import unpack


def find_named(name: str) -> Path | None:
    """Where the files of a named set lie; None where they are not on this machine or none are needed."""
    roots = [root for root in (data_folder(), downloads_folder()) if root is not None]
    places = [root / place for root in roots for place in named_set(name).places]
    return next((place for place in places if _is_filled(place)), None)


def named_set(name: str) -> NamedSet:
    """The entry of a named set.

    Raises:
        UnknownNameError: there is none of this name.
    """
    if name not in NAMED_SETS:
        raise UnknownNameError("data set", name, NAMED_SETS)
    return NAMED_SETS[name]


def read_named(name: str, options: ReadOptions, *, download: bool = False) -> Table:
    """The table of a named set, with splits as it was published.

    Args:
        name: of the set.
        options: target, size and the like.
        download: whether it may be fetched where it is not on this machine.

    Raises:
        DataError: the files are nowhere, or cannot be fetched.
    """
    named = named_set(name)
    place = Path()
    if named.places:
        place = find_named(name) or _fetched(named, download, options)
    table = named.read(named, place, options)
    report = table.report
    if named.places:
        report.source = str(place)
    elif not report.source:
        report.source = f"scikit-learn's {name}"
    if named.remark:
        report.notes.append(named.remark)
    report.notes.extend(_differences(named, table))
    return table


def _is_filled(place: Path) -> bool:
    """Whether a file is there, or a folder with something in it other than a broken-off download."""
    if place.is_dir():
        return any(not p.name.endswith(".part") for p in place.iterdir())
    return place.is_file()


def _fetched(named: NamedSet, download: bool, options: ReadOptions) -> Path:
    if not named.files or not download:
        raise _not_found(named, download)
    with FolderLock(downloads_folder()):
        return _fetch(named, downloads_folder() / named.places[0], options)


def _fetch(named: NamedSet, place: Path, options: ReadOptions) -> Path:
    if not named.unpacks:
        return fetch_all(named.files, place, options.progress)
    (archive,) = named.files
    packed = fetch(archive, place.with_name(f"{place.name}.archive"), options.progress)
    unpack(packed, place)
    packed.unlink()
    packed.parent.rmdir()
    return place


def _not_found(named: NamedSet, download: bool) -> DataError:
    root = data_folder()
    roots = " and ".join(str(r) for r in (root, downloads_folder()) if r is not None)
    where = f"looked for {named.places[0]} in {roots}" + ("" if root else " (DERIN_DATA is not set)")
    if named.files:
        size = sum(f.num_bytes for f in named.files) / 1e6
        remedy = (
            f"Fetch it ({size:,.0f} MB) with --download or download=True, or set DERIN_DATA to a folder that holds it"
        )
    else:
        why = "It has no public address from which it could be fetched: put" if download else "Put"
        folder = named.places[0].split("/")[0]
        remedy = f"{why} its files into a folder {folder} and set DERIN_DATA to the folder above it"
    return DataError(f"The data set {named.name!r} is not on this machine; {where}. {remedy}.")


def _differences(named: NamedSet, table: Table) -> list[str]:
    """Sentences about how this copy differs from the published set."""
    notes: list[str] = []
    for split, published in named.published.items():
        here = len(table.splits.get(split, ())) if split else len(table)
        if here != published:
            what = split or Message("reading.the_set")
            notes.append(Message("reading.copy_differs", what=what, here=here, published=published))
    if named.lossless and any(c.kind is Kind.PICTURE for c in table.inputs) and table.row_names is not None:
        first = [table.row_names[row].lower() for row in range(min(100, len(table)))]
        if any(row_name.endswith((".jpg", ".jpeg")) for row_name in first):
            notes.append(Message("reading.copy_jpeg"))
    return notes
