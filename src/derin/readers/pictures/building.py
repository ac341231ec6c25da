"""Builds a cache entry: files are read and decoded once; what an older entry holds already is copied.

What depends on all pictures together (whether small ones are kept as they are, whether all are gray) is decided when
all are in the spool, which then becomes ``pixels.bin``.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from derin.core.cache import hold
from derin.data.pictures.decode import Pixels, pixels_of
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import ResizePolicy, Rule, choose_fitting, is_strip
from derin.data.pictures.values import USUAL_VALUES, PixelValues
from derin.data.report import Outcome
from derin.readers.archives import Files
from derin.readers.listing import Entry
from derin.readers.pictures.index import PIXELS, PictureIndex
from derin.readers.pictures.spool import (
    STRIP,
    OldEntry,
    OldRows,
    Progress,
    Spooled,
    TooLargeError,
    Work,
    spool_pictures,
)

_SPOOL = "spool.bin"


def build_entry(
    folder: Path,
    files: Files,
    entries: Sequence[Entry],
    old: OldEntry | None,
    *,
    size: int | None,
    channels: int | None,
    fitting: ResizePolicy | None = None,
    values: PixelValues | None = None,
    is_encoded: bool = False,
    progress: Progress | None = None,
) -> PictureIndex:
    """Writes ``pixels.bin`` into a new folder.

    Args:
        folder: where it is written; an empty folder.
        files: the source.
        entries: its pictures, in the order of the rows.
        old: an entry of the same source that was built earlier.
        size: height and width of the network's input; None is 128.
        channels: 1 or 3; None keeps gray sets gray.
        fitting: to which every picture is brought; None decides by all pictures together.
        values: by which values beyond 8 bits are read; None decides by all pictures together.
        is_encoded: whether the files' own bytes are kept, which take less room than pixels; also where pixels would
            take more than half of the disk.
        progress: called with (files done, files in all).

    Returns:
        the index that describes it; a file that cannot be read has length 0 there.
    """
    if is_encoded and old is not None and not old.index.is_encoded:
        old = None
    is_encoded = is_encoded or (old is not None and old.index.is_encoded)
    # Most pictures of more than 8 bits use them all, so that one pass decides and reads.
    ranges = values or (USUAL_VALUES if old is None else old.index.values)
    while True:
        rows = None if old is None else OldRows(old)
        known = {} if rows is None else rows.by_hash
        work = Work(files, entries, size, channels, fitting, ranges, is_encoded, known)
        try:
            spooled = spool_pictures(folder / _SPOOL, work, rows, progress)
        except TooLargeError:
            is_encoded, old = True, None
            continue
        decided = values or spooled.decided()
        if not decided.agrees_with(ranges):
            ranges, old = decided, None
            continue
        work = replace(work, values=decided)
        chosen = fitting or _fitting(spooled, size)
        if rows is None or not spooled.from_old.any() or rows.index.fitting == chosen:
            return _assembled(folder, work, spooled, rows, chosen)
        old = None  # what was kept as it is must now be resized, or the other way round


def map_pixels(path: Path) -> Pixels:
    """The bytes of a file as memory that is read when it is touched and never written back.

    It can be written to (PyTorch asks for that); what is written stays in this process.
    """
    length = path.stat().st_size
    if not length:
        return np.zeros(0, dtype=np.uint8)
    with path.open("rb") as file:
        hold(file.fileno())  # the map keeps the file open
        if os.name == "nt":
            mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY)
        else:
            # Without NORESERVE a file larger than the memory is refused, although none of it is ever copied.
            flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0)
            mapped = mmap.mmap(file.fileno(), length, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return np.frombuffer(mapped, dtype=np.uint8)


def _fitting(spooled: Spooled, size: int | None) -> ResizePolicy:
    stored = spooled.lengths > 0
    heights, widths = spooled.natural_heights[stored], spooled.natural_widths[stored]
    if not (heights > 0).all():
        return choose_fitting(None, size)
    return choose_fitting(set(zip(heights.tolist(), widths.tolist(), strict=True)), size)


def _assembled(folder: Path, work: Work, spooled: Spooled, old: OldRows | None, fitting: ResizePolicy) -> PictureIndex:
    """Makes ``pixels.bin`` of the spool and the old pixels."""
    stored = np.flatnonzero(spooled.lengths)
    channels = work.channels or (1 if spooled.is_gray[stored].all() else 3)
    resized = (spooled.natural_heights > 0) & ~spooled.from_old & (fitting.rule is not Rule.KEEP)
    for number in np.flatnonzero(resized & (spooled.lengths > 0)).tolist():
        shape = int(spooled.heights[number]), int(spooled.widths[number])
        if fitting.rule is Rule.SHORTEST_SIDE and is_strip(*shape):
            spooled.findings.setdefault(number, []).append((Outcome.CONVERTED, STRIP))
    pieces = _Pieces(map_pixels(folder / _SPOOL), spooled, old, resized, fitting, channels, work.is_encoded)
    in_order = not spooled.from_old.any() and bool((np.diff(spooled.starts[stored]) > 0).all())
    one_form = work.is_encoded or bool((spooled.is_gray[stored] == (channels == 1)).all())
    if in_order and one_form and (work.is_encoded or not resized.any()):
        del pieces
        (folder / _SPOOL).rename(folder / PIXELS)
        lengths = spooled.lengths.copy()
    else:
        with (folder / PIXELS).open("wb", buffering=1 << 20) as file:
            lengths = pieces.write(file, stored)
        del pieces
        (folder / _SPOOL).unlink()
    with (folder / PIXELS).open("rb+") as file:
        os.fsync(file.fileno())
    heights, widths = spooled.heights.copy(), spooled.widths.copy()
    for number in np.flatnonzero(resized & (spooled.lengths > 0)).tolist():
        heights[number], widths[number] = fitting.shape(int(heights[number]), int(widths[number]))
    return PictureIndex(
        paths=[entry.member.path for entry in work.entries],
        sizes=np.array([entry.member.size for entry in work.entries], dtype=np.int64),
        stamps=np.array([entry.member.stamp for entry in work.entries], dtype=np.int64),
        hashes=spooled.hashes,
        lengths=lengths,
        heights=heights,
        widths=widths,
        natural_heights=spooled.natural_heights,
        natural_widths=spooled.natural_widths,
        original_heights=spooled.original_heights,
        original_widths=spooled.original_widths,
        is_gray=spooled.is_gray,
        is_float=spooled.is_float,
        lows=spooled.lows,
        highs=spooled.highs,
        values=work.values,
        fitting=fitting,
        channels=channels,
        is_encoded=work.is_encoded,
        findings=[(number, *finding) for number in sorted(spooled.findings) for finding in spooled.findings[number]],
    )


@dataclass(frozen=True)
class _Pieces:
    """The stored bytes of each file, from the spool or from the old entry, in their final form."""

    spool: Pixels
    spooled: Spooled
    old: OldRows | None
    resized: npt.NDArray[np.bool_]
    fitting: ResizePolicy
    channels: int
    is_encoded: bool

    def write(self, file: IO[bytes], stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Writes the pieces of these files, and gives the length of each file's piece (0 for all others)."""
        lengths = np.zeros(self.spooled.num, dtype=np.int64)
        with ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-resize") as pool:
            each: Callable[..., Iterator[memoryview]] = pool.map if self.resized.any() and not self.is_encoded else map
            for start in range(0, len(stored), 1024):
                numbers = stored[start : start + 1024].tolist()
                for number, piece in zip(numbers, each(self._piece, numbers), strict=True):
                    lengths[number] = file.write(piece)
        return lengths

    def _piece(self, number: int) -> memoryview:
        import PIL.Image

        spooled = self.spooled
        is_old = self.old is not None and bool(spooled.from_old[number])
        source = self.old.pixels if is_old and self.old is not None else self.spool
        start = int(spooled.starts[number])
        data = source[start : start + int(spooled.lengths[number])]
        if self.is_encoded:
            return data.data
        has = self.old.index.channels if is_old and self.old is not None else 1 if spooled.is_gray[number] else 3
        pixels = data.reshape(int(spooled.heights[number]), int(spooled.widths[number]), has)
        if self.resized[number]:
            image = PIL.Image.fromarray(pixels[..., 0] if has == 1 else pixels)
            pixels = pixels_of(self.fitting.apply(image))
        if has != self.channels:
            # Pictures that hold one channel three times give it back; gray ones repeat it.
            pixels = pixels[..., :1] if self.channels == 1 else np.repeat(pixels, 3, axis=-1)
        return np.ascontiguousarray(pixels).reshape(-1).data
