"""Pictures of a source, decoded once and mapped from the cache: the second time nothing is read but names and times."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.cache import (
    bytes_in_words,
    cache_folder,
    describe,
    keep_within_limit,
    mark_used,
    remove_unfinished,
    total_bytes,
    work_folder,
)
from derin.core.errors import DataError, RefusedFileError, StorageError
from derin.core.files import recover_folder, remove_leftovers, replace_folder, storage_errors, temporary_folder
from derin.core.lock import FolderLock
from derin.core.messages import Message
from derin.data.pictures.decode import Pixels, open_picture, pixels_of
from derin.data.pictures.encoded import EncodedPictures
from derin.data.pictures.fitting import ResizePolicy, Rule, input_size
from derin.data.pictures.values import PixelValues
from derin.data.report import Finding
from derin.data.schema import Column, Kind, Role
from derin.data.table import Dense, Pictures, Rows
from derin.readers.archives import Contents, Files, open_files
from derin.readers.file_kinds import PICTURE_FILES
from derin.readers.listing import Entry, Listing, list_classes, shown
from derin.readers.pictures.building import build_entry, map_pixels
from derin.readers.pictures.index import PIXELS, PictureIndex, read_index, write_index
from derin.readers.pictures.spool import OldEntry, Progress

__all__ = ["EncodedPictures", "StoredPictures", "stored_pictures"]

ROOM = "pictures"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORTH_TELLING = 100 << 20  # bytes by which the cache grew
# A large set takes minutes to read; another process that wants the same set waits for it.
_WAIT_SECONDS = 3600.0


@dataclass(frozen=True)
class StoredPictures:
    """Pictures in the cache.

    Args:
        data: the pictures, one row for each file that could be read.
        channels: of all pictures.
        shape: height, width and channels; -1 where they differ.
        common_size: height and width of every picture in the cache; None where they differ, as the files then do too.
        entries: the file of each row.
        listing: what was found in the source.
        findings: what was noticed in the files.
        notes: sentences about the whole.
    """

    data: Dense | Pictures
    channels: int
    shape: tuple[int, int, int]
    common_size: tuple[int, int] | None
    entries: Sequence[Entry]
    listing: Listing
    findings: Sequence[Finding]
    notes: Sequence[str]
    decisions: Mapping[str, Any]

    @property
    def column(self) -> Column:
        """What the rows are."""
        note = Message("reading.gray" if self.channels == 1 else "reading.color")
        if self.common_size is None:
            note = Message("reading.of_sizes", color=note)
        else:
            height, width = self.common_size
            note = Message("reading.all_of_size", color=note, height=height, width=width)
        return Column(name=PICTURE_FILES.name, kind=Kind.PICTURE, role=Role.INPUT, shape=self.shape, note=note)

    @property
    def found(self) -> dict[str, Any]:
        """What other pictures follow."""
        return {PICTURE_FILES.plural: dict(self.decisions)}


ListFiles = Callable[[Contents, str], Listing]


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a set of pictures decided, and other pictures follow; None is not decided yet.

    Args:
        fitting: how pictures are brought to their sizes in the cache.
        channels: of all pictures.
        values: by which values beyond 8 bits are read.
    """

    fitting: ResizePolicy | None = None
    channels: int | None = None
    values: PixelValues | None = None

    @classmethod
    def from_recipe(cls, part: Mapping[str, Any], *, size: int | None, channels: int | None) -> Decisions:
        """What a recipe says under ``"pictures"``; a size or channels that were asked for since then win.

        Raises:
            RefusedFileError: the recipe says what cannot be.
        """
        if not part:
            return cls(channels=channels)
        try:
            fitting = ResizePolicy.from_json(part["fitting"]) if "fitting" in part else None
        except ValueError as error:
            raise RefusedFileError(f"The reading recipe of pictures is damaged: {error}.") from None
        if part.get("channels") not in (1, 3):
            raise RefusedFileError(f"The reading recipe of pictures is damaged: channels={part.get('channels')!r}.")
        return cls(
            fitting=fitting if size == part.get("size") else None,
            channels=channels or int(part["channels"]),
            values=PixelValues.from_json(part.get("values", {})),
        )


def stored_pictures(
    source: Path,
    *,
    size: int | None = None,
    channels: int | None = None,
    decisions: Decisions | None = None,
    list_files: ListFiles = list_classes,
    progress: Progress | None = None,
) -> StoredPictures:
    """The pictures of a folder or archive of class folders, decoded into the cache where they are not there yet.

    Args:
        source: the folder, zip or tar.
        size: height and width of the network's input; None is 128, or the pictures' own where all have one small size.
        channels: 1 or 3; None is 1 where all pictures are gray (or hold one channel three times), else 3.
        decisions: of other pictures, which these follow; None decides by these.
        list_files: which files are pictures, and of which classes.
        progress: called with (files done, files in all) while files are read.

    Raises:
        DataError: there are no pictures in class folders, or none can be read.
        StorageError: the cache folder is full or cannot be written.
    """
    source = Path(source)
    decisions = Decisions(channels=channels) if decisions is None else decisions
    place = cache_folder() / ROOM / _key(source, size, decisions, list_files)
    work = work_folder(place)
    told = f"The cache folder {cache_folder()} (DERIN_CACHE chooses another)"
    files = open_files(source)
    try:
        old, problem = _read(place)
        grown = ""
        contents = _contents(files, old)
        listing = list_files(contents, str(source))
        if old is None or not _is_current(old, listing):
            with FolderLock(work, wait_seconds=_WAIT_SECONDS):
                remove_leftovers(work)
                old, again = _read(place)  # another process may have built it meanwhile
                if old is None or not _is_current(old, listing):
                    for is_encoded in (False, True):  # a full disk may still hold the files' own bytes
                        try:
                            with storage_errors(told), temporary_folder(work) as made:
                                _build(
                                    made, place, files, contents, listing, old, size, decisions, is_encoded, progress
                                )
                            break
                        except StorageError as error:
                            if is_encoded or error.errno not in _FULL:
                                raise
                    grown = _grown(place)
                    keep_within_limit(place)
                    old, again = _read(place)
                    if old is None:
                        raise DataError(f"{place} was changed while it was built ({again}); try again.")
        else:
            remove_unfinished(place)
        mark_used(place)
        found = _opened(place, old, listing, problem, Origin(source, size, decisions, list_files, old))
        return replace(found, notes=[*found.notes, grown]) if grown else found
    finally:
        files.close()


@dataclass(frozen=True)
class Origin:
    """Where pictures of the cache come from, so that they can be read again in another form.

    What was resized once and is resized again is not what a file is that is resized once: a network that wants another
    size than the cache holds gets its pictures from their files.
    """

    source: Path
    size: int | None
    decisions: Decisions
    list_files: ListFiles
    index: PictureIndex

    def holds(self, fitting: ResizePolicy, channels: int, values: PixelValues | None) -> bool:
        """Whether the cache holds what a file would become."""
        index = self.index
        whole = index.fitting.rule is Rule.KEEP
        # Pixels of one size that were kept can change their channels as a file's do; gray that was asked for cannot.
        turned = whole and not index.is_encoded and (index.channels == 3 or self.decisions.channels is None)
        colour = channels == index.channels or turned
        wide = not np.isnan(index.lows[index.stored]).all()
        return (whole or index.fitting == fitting) and colour and not (wide and values != index.values)

    def read_again(self, fitting: ResizePolicy, channels: int, values: PixelValues | None) -> Dense | Pictures:
        """The same pictures in another form.

        Raises:
            DataError: the files are no longer those that were read.
        """
        decisions = Decisions(fitting=fitting, channels=channels, values=values or self.index.values)
        found = stored_pictures(self.source, decisions=decisions, list_files=self.list_files)
        data = found.data
        assert isinstance(data, CachedDense | CachedPictures | EncodedPictures)
        assert data.origin is not None
        old, new = self.index, data.origin.index
        same = [old.paths[n] for n in old.stored.tolist()] == [new.paths[n] for n in new.stored.tolist()]
        if not same or not np.array_equal(old.hashes[old.stored], new.hashes[new.stored]):
            raise DataError(f"{self.source} has changed since it was loaded; load it again.")
        return data

    def read_whole(self, rows: Rows) -> list[Pixels]:
        """Pictures of the cache in the size that their files have, upright.

        Args:
            rows: of the cache.

        Raises:
            DataError: a file is not there any more, or cannot be read now.
        """
        found = {row: open_picture(data, values=self.index.values) for row, data in self.read_files(rows)}
        return [pixels_of(found[row].image) for row in rows.tolist()]

    def read_files(self, rows: Rows) -> Iterator[tuple[int, bytes]]:
        """The bytes of the file of each row, in the order in which they are stored."""
        row_of = {self.index.paths[int(self.index.stored[row])]: row for row in rows.tolist()}
        with closing(open_files(self.source)) as files:
            for path, data in files.read_all(row_of):
                yield row_of[path], data

    def path_of(self, row: int) -> str:
        """Where the file of a row lies in the source."""
        return self.index.paths[int(self.index.stored[row])]


@dataclass(frozen=True)
class CachedDense(Dense):
    """Pictures of one size in the cache."""

    origin: Origin


@dataclass(frozen=True)
class CachedPictures(Pictures):
    """Pictures of unequal size in the cache."""

    origin: Origin


def _build(
    temporary: Path,
    place: Path,
    files: Files,
    contents: Contents,
    listing: Listing,
    old: PictureIndex | None,
    size: int | None,
    decisions: Decisions,
    is_encoded: bool,
    progress: Progress | None,
) -> None:
    """Makes the entry in a temporary folder and gives it its name."""
    entries = listing.in_order()
    before = None if old is None else OldEntry(old, map_pixels(place / PIXELS))
    index = build_entry(
        temporary,
        files,
        entries,
        before,
        size=size,
        channels=decisions.channels,
        fitting=decisions.fitting,
        values=decisions.values,
        is_encoded=is_encoded,
        progress=progress,
    )
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


def _opened(place: Path, index: PictureIndex, listing: Listing, problem: str, origin: Origin) -> StoredPictures:
    """The entry as columns."""
    by_path = {entry.member.path: entry for entry in listing.entries}
    stored = index.stored
    bounds = np.append(index.offsets[stored], index.offsets[-1])
    pixels = map_pixels(place / PIXELS)
    heights, widths, channels = index.heights[stored], index.widths[stored], index.channels
    data: Dense | Pictures
    shape = (-1, -1, channels)
    has_one_size = heights.min() == heights.max() and widths.min() == widths.max()
    if index.fitting.is_exact or (index.fitting.rule is Rule.KEEP and has_one_size):
        shape = (int(heights[0]), int(widths[0]), channels)
    if index.is_encoded:
        data = EncodedPictures(pixels, bounds, heights, widths, channels, index.fitting, index.values, origin=origin)
    elif shape[0] < 0:
        data = CachedPictures(pixels, bounds, heights, widths, channels, origin=origin)
    else:
        data = CachedDense(pixels.reshape(len(stored), *shape), origin=origin)
    findings = [Finding(shown(index.paths[number]), outcome, reason) for number, outcome, reason in index.findings]
    notes = _notes(index)
    if problem:
        notes.append(Message("reading.cache_rebuilt", problem=problem))
    entries = [by_path[index.paths[number]] for number in stored.tolist()]
    decided: dict[str, Any] = {"fitting": index.fitting.to_json(), "channels": channels, "size": origin.size}
    decided |= {"values": index.values.to_json(), "background": "white"}
    common_size = (int(heights[0]), int(widths[0])) if has_one_size else None
    return StoredPictures(data, channels, shape, common_size, entries, listing, findings, notes, decided)


def _grown(place: Path) -> str:
    """A sentence where the cache grew by so much that people want to know; empty where not."""
    size, total = (place / PIXELS).stat().st_size, total_bytes()
    told = {"size": bytes_in_words(size), "folder": str(cache_folder()), "total": bytes_in_words(total)}
    return Message("reading.cache_grew", **told) if size >= _WORTH_TELLING else ""


def _notes(index: PictureIndex) -> list[str]:
    """How the pictures were brought to their sizes."""
    notes: list[str] = []
    fitting = index.fitting
    stored = index.lengths > 0
    heights, widths = index.original_heights[stored], index.original_widths[stored]
    if fitting.is_exact and (heights == fitting.height).all() and (widths == fitting.width).all():
        pass  # they had that size
    elif fitting.rule is Rule.RESIZE:
        notes.append(Message("reading.resized", height=fitting.height, width=fitting.width))
    elif fitting.rule is Rule.PAD:
        notes.append(Message("reading.padded", height=fitting.height, width=fitting.width))
    elif fitting.rule is Rule.SHORTEST_SIDE:
        shorter, longer = np.minimum(heights, widths), np.maximum(heights, widths)
        smaller = shorter < fitting.height
        notes.append(Message("reading.shorter_side", height=fitting.height))
        if smaller.any():
            notes.append(Message("reading.enlarged", count=int(smaller.sum())))
        notes.append(_seen(shorter, longer, fitting.height))
    if index.values != PixelValues():
        keys = {"whole": "reading.values_whole", "floats": "reading.values_floats"}
        ranges = index.values.to_json().items()
        notes += [Message(keys[name], low=f"{low:g}", high=f"{high:g}") for name, (low, high) in ranges]
    if index.is_encoded:
        notes.append(Message("reading.kept_encoded"))
    return notes


def _seen(shorter: Rows, longer: Rows, side: int) -> str:
    """Which part of the pictures a square window in their middle shows."""
    window = input_size(side) / side
    least, most = (float(window * ratio) for ratio in ((shorter / longer).min(), (shorter / longer).max()))
    same = f"{least:.0%}" == f"{most:.0%}"
    across = "reading.seen_alike" if same else "reading.seen_between"
    return Message(across, shorter=round(window, 4), least=round(least, 4), most=round(most, 4))


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


def _key(source: Path, size: int | None, decisions: Decisions, list_files: ListFiles) -> str:
    """The entry's name: the source's, made plain, and a hash of everything that decides what is stored."""
    whole = source.resolve()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", whole.name).strip(".-")[:40] or "pictures"
    fitting = None if decisions.fitting is None else decisions.fitting.to_json()
    values = None if decisions.values is None else decisions.values.to_json()
    asked = f"{whole}\0{size}\0{decisions.channels}\0{fitting}\0{values}\0{list_files.__name__}"
    decides = asked.encode("utf-8", "surrogateescape")
    return f"{name}-{hashlib.blake2b(decides, digest_size=6).hexdigest()}"
