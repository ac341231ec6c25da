"""Pictures of a source, decoded once and mapped from the cache: the second time nothing is read but names and times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from derin.core.errors import DataError, RefusedFileError
from derin.core.files import recover_folder, remove_leftovers, replace_folder, storage_errors, temporary_folder
from derin.core.lock import FolderLock
from derin.core.messages import Sentence
from derin.data.archives import Contents, Files, open_files
from derin.data.cache import (
    cache_folder,
    describe,
    keep_within_limit,
    mark_used,
    remove_unfinished,
    work_folder,
)
from derin.data.pictures.building import build_entry, map_pixels
from derin.data.pictures.encoded import EncodedPictures
from derin.data.pictures.fitting import Rule
from derin.data.pictures.index import PIXELS, PictureIndex, read_index, write_index
from derin.data.pictures.listing import Entry, Listing, list_classes, shown
from derin.data.pictures.spool import OldEntry, Progress
from derin.data.reading import Finding
from derin.data.table import Dense, Pictures

__all__ = ["EncodedPictures", "StoredPictures", "stored_pictures"]

ROOM = "pictures"
# A large set takes minutes to read; another process that wants the same set waits for it.
_WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class StoredPictures:
    """Pictures in the cache.

    Args:
        data: the pictures, one row for each file that could be read.
        channels: of all pictures.
        shape: height, width and channels; -1 where they differ.
        entries: the file of each row.
        listing: what was found in the source.
        findings: what was noticed in the files.
        notes: sentences about the whole.
    """

    data: Dense | Pictures
    channels: int
    shape: tuple[int, int, int]
    entries: Sequence[Entry]
    listing: Listing
    findings: Sequence[Finding]
    notes: Sequence[str]


def stored_pictures(
    source: Path, *, size: int | None = None, channels: int | None = None, progress: Progress | None = None
) -> StoredPictures:
    """The pictures of a folder or archive of class folders, decoded into the cache where they are not there yet.

    Args:
        source: the folder, zip or tar.
        size: height and width of the network's input; None is 128, or the pictures' own where all have one small size.
        channels: 1 or 3; None is 1 where all pictures are gray, else 3.
        progress: called with (files done, files in all) while files are read.

    Raises:
        DataError: there are no pictures in class folders, or none can be read.
        StorageError: the cache folder is full or cannot be written.
    """
    source = Path(source)
    place = cache_folder() / ROOM / _key(source, size, channels)
    work = work_folder(place)
    told = f"The cache folder {cache_folder()} (DERIN_CACHE chooses another)"
    files = open_files(source)
    try:
        old, problem = _read(place)
        contents = _contents(files, old)
        listing = list_classes(contents, str(source))
        if old is None or not _is_current(old, listing):
            with FolderLock(work, wait_seconds=_WAIT_SECONDS):
                remove_leftovers(work)
                old, again = _read(place)  # another process may have built it meanwhile
                if old is None or not _is_current(old, listing):
                    with storage_errors(told), temporary_folder(work) as temporary:
                        _build(temporary, place, files, contents, listing, old, size, channels, progress)
                    keep_within_limit(place)
                    old, again = _read(place)
                    if old is None:
                        raise DataError(f"{place} was changed while it was built ({again}); try again.")
        else:
            remove_unfinished(place)
        mark_used(place)
        return _opened(place, old, listing, problem)
    finally:
        files.close()


def _build(
    temporary: Path,
    place: Path,
    files: Files,
    contents: Contents,
    listing: Listing,
    old: PictureIndex | None,
    size: int | None,
    channels: int | None,
    progress: Progress | None,
) -> None:
    """Makes the entry in a temporary folder and gives it its name."""
    entries = listing.in_order()
    before = None if old is None else OldEntry(old, map_pixels(place / PIXELS))
    index = build_entry(temporary, files, entries, before, size=size, channels=channels, progress=progress)
    del before  # on Windows a mapped file cannot be replaced
    if not len(index.stored):
        reasons = "; ".join(f"{shown(index.paths[number])}: {reason}" for number, _, reason in index.findings[:3])
        raise DataError(
            f"{files.path}: none of its {len(entries):,} pictures can be read ({reasons}). Check what these files are."
        )
    if files.stamp is not None:
        index = replace(index, source_stamp=files.stamp, contents=contents)
    write_index(temporary, index, str(files.path))
    describe(temporary, f"{len(index.stored):,} pictures of {files.path}")
    replace_folder(temporary, place)


def _opened(place: Path, index: PictureIndex, listing: Listing, problem: str) -> StoredPictures:
    """The entry as columns."""
    by_path = {entry.member.path: entry for entry in listing.entries}
    stored = index.stored
    bounds = np.append(index.offsets[stored], index.offsets[-1])
    pixels = map_pixels(place / PIXELS)
    heights, widths, channels = index.heights[stored], index.widths[stored], index.channels
    data: Dense | Pictures
    shape = (-1, -1, channels)
    if index.is_encoded:
        data = EncodedPictures(pixels, bounds, heights, widths, channels, index.fitting)
        if index.fitting.rule is not Rule.SHORTER:
            shape = (int(heights[0]), int(widths[0]), channels)
    elif index.fitting.rule is Rule.SHORTER:
        data = Pictures(pixels, bounds, heights, widths, channels)
    else:
        shape = (int(heights[0]), int(widths[0]), channels)
        data = Dense(pixels.reshape(len(stored), *shape))
    findings = [Finding(shown(index.paths[number]), outcome, reason) for number, outcome, reason in index.findings]
    notes = _notes(index)
    if problem:
        notes.append(Sentence("reading.cache_rebuilt", problem=problem))
    entries = [by_path[index.paths[number]] for number in stored.tolist()]
    return StoredPictures(data, channels, shape, entries, listing, findings, notes)


def _notes(index: PictureIndex) -> list[str]:
    """How the pictures were brought to their sizes."""
    notes: list[str] = []
    fitting = index.fitting
    stored = index.lengths > 0
    if fitting.rule is Rule.RESIZE:
        notes.append(Sentence("reading.resized", height=fitting.height, width=fitting.width))
    elif fitting.rule is Rule.SHORTER:
        kept = index.natural_heights[stored] > 0
        smaller = np.minimum(index.natural_heights[stored], index.natural_widths[stored])[kept] < fitting.height
        notes.append(Sentence("reading.shorter_side", height=fitting.height))
        if smaller.any():
            notes.append(Sentence("reading.enlarged", count=int(smaller.sum())))
    if index.is_encoded:
        notes.append(Sentence("reading.kept_encoded"))
    return notes


def _read(place: Path) -> tuple[PictureIndex | None, str]:
    """The index of an entry, or None and what is wrong with it."""
    recover_folder(place)
    try:
        return read_index(place), ""
    except RefusedFileError as error:
        return None, str(error).removeprefix(f"{place} is refused: ").rstrip(".")


def _contents(files: Files, old: PictureIndex | None) -> Contents:
    """What the source holds; of an archive that has not changed the index knows it."""
    if old is not None and old.contents is not None and files.stamp is not None and old.source_stamp == files.stamp:
        return old.contents
    return files.contents()


def _is_current(index: PictureIndex, listing: Listing) -> bool:
    """Whether the entry holds exactly these files as they are now."""
    if len(index.paths) != len(listing.entries):
        return False
    known = set(zip(index.paths, index.sizes.tolist(), index.stamps.tolist(), strict=True))
    return all(entry.member in known for entry in listing.entries)


def _key(source: Path, size: int | None, channels: int | None) -> str:
    """The entry's name: the source's, made plain, and a hash of everything that decides what is stored."""
    whole = source.resolve()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", whole.name).strip(".-")[:40] or "pictures"
    decides = f"{whole}\0{size}\0{channels}".encode("utf-8", "surrogateescape")
    return f"{name}-{hashlib.blake2b(decides, digest_size=6).hexdigest()}"
