"""Builds a cache entry: files are read and decoded once, in parallel; what an older entry holds already is copied.

Decoded pictures first go to a spool in the order in which they are read. What depends on all of them together (whether
small ones are kept as they are, whether all are gray) is decided at the end, and the spool becomes ``pixels.bin``.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from derin.data.archives import Files, UnreadableFileError
from derin.data.pictures.decode import (
    Pixels,
    UnreadablePictureError,
    open_picture,
    pixels_of,
    quiet_pillow,
)
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import (
    DEFAULT_SIZE,
    Fitting,
    Rule,
    choose_fitting,
    is_small,
    is_strip,
    stored_side,
)
from derin.data.pictures.index import HASH_BYTES, PIXELS, PictureIndex
from derin.data.pictures.listing import Entry
from derin.data.reading import Outcome

Progress = Callable[[int, int], None]

_SPOOL = "spool.bin"
# Files that are handed to a thread at a time: enough that handing over costs nothing.
_CHUNK_FILES, _CHUNK_BYTES = 32, 16 << 20
# So many pictures tell how much room all of them will take.
_ESTIMATE_FROM = 200
_STRIP = "very long picture: only its middle was kept"


@dataclass(frozen=True)
class OldEntry:
    """An entry that was built earlier: its index and its pixels."""

    index: PictureIndex
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class _Result:
    """What became of one file; ``height`` is 0 where it could not be read."""

    number: int
    hash: bytes
    problem: str = ""
    known: int = -1  # number of the file with the same content in the old entry
    data: bytes = b""
    height: int = 0
    width: int = 0
    is_kept: bool = False  # not resized: whether it has to be is known at the end
    is_gray: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Work:
    """What a thread needs to know about every file."""

    files: Files
    entries: Sequence[Entry]
    size: int | None
    channels: int | None
    is_encoded: bool
    known: Mapping[bytes, int] = field(default_factory=dict)

    def read(self, numbers: Sequence[int], contents: Sequence[bytes] | None) -> list[_Result]:
        """Reads and decodes some files."""
        found = []
        for place, number in enumerate(numbers):
            member = self.entries[number].member
            try:
                data = self.files.read(member.path) if contents is None else contents[place]
                if not data and member.size:
                    raise UnreadableFileError("the file cannot be read")
            except UnreadableFileError as error:
                found.append(_Result(number, bytes(HASH_BYTES), str(error)))
                continue
            digest = hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
            if digest in self.known:
                found.append(_Result(number, digest, known=self.known[digest]))
                continue
            try:
                found.append(self._decoded(number, digest, data))
            except UnreadablePictureError as error:
                found.append(_Result(number, digest, str(error)))
        return found

    def _decoded(self, number: int, digest: bytes, data: bytes) -> _Result:
        side = stored_side(self.size or DEFAULT_SIZE)
        opened = open_picture(data, side=side)
        image, remarks = opened.image, opened.remarks
        if self.channels == 1 and image.mode != "L":
            image = image.convert("L")
        shape = (opened.height, opened.width)
        is_kept = is_small(*shape) or shape == (self.size, self.size)
        if not is_kept:
            fitting = Fitting.shorter(side)
            if is_strip(*shape):
                remarks = (*remarks, _STRIP)
            image = fitting.apply(image)
        return _Result(
            number,
            digest,
            data=data if self.is_encoded else image.tobytes(),
            height=image.height,
            width=image.width,
            is_kept=is_kept,
            is_gray=image.mode == "L",
            remarks=remarks,
        )


class _TooLargeError(Exception):
    """The decoded pictures would take more than half of the free disk."""


@dataclass
class _Spooled:
    """What is known of every file while an entry is built; one place for each."""

    num: int
    hashes: npt.NDArray[np.uint8] = field(init=False)
    starts: npt.NDArray[np.int64] = field(init=False)  # in the spool, or in the old entry
    lengths: npt.NDArray[np.int64] = field(init=False)
    heights: npt.NDArray[np.int64] = field(init=False)
    widths: npt.NDArray[np.int64] = field(init=False)
    natural_heights: npt.NDArray[np.int64] = field(init=False)
    natural_widths: npt.NDArray[np.int64] = field(init=False)
    is_gray: npt.NDArray[np.bool_] = field(init=False)
    from_old: npt.NDArray[np.bool_] = field(init=False)
    findings: dict[int, list[tuple[Outcome, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hashes = np.zeros((self.num, HASH_BYTES), dtype=np.uint8)
        for name in ("starts", "lengths", "heights", "widths", "natural_heights", "natural_widths"):
            setattr(self, name, np.zeros(self.num, dtype=np.int64))
        self.is_gray = np.zeros(self.num, dtype=np.bool_)
        self.from_old = np.zeros(self.num, dtype=np.bool_)

    def take_old(self, number: int, old: _OldRows, place: int) -> None:
        """Uses what an older entry knows of a file."""
        index = old.index
        self.hashes[number] = index.hashes[place]
        self.starts[number], self.lengths[number] = old.offsets[place], index.lengths[place]
        self.heights[number], self.widths[number] = index.heights[place], index.widths[place]
        self.natural_heights[number] = index.natural_heights[place]
        self.natural_widths[number] = index.natural_widths[place]
        self.is_gray[number], self.from_old[number] = index.is_gray[place], True
        if place in old.findings:
            self.findings[number] = old.findings[place]

    def take_new(self, result: _Result, start: int) -> None:
        """Notes a file whose data went to the spool."""
        number = result.number
        self.hashes[number] = np.frombuffer(result.hash, dtype=np.uint8)
        self.starts[number], self.lengths[number] = start, len(result.data)
        self.heights[number], self.widths[number] = result.height, result.width
        if result.is_kept:
            self.natural_heights[number], self.natural_widths[number] = result.height, result.width
        self.is_gray[number] = result.is_gray
        if result.problem:
            self.findings[number] = [(Outcome.SKIPPED, result.problem)]
        elif result.remarks:
            self.findings[number] = [(Outcome.CONVERTED, remark) for remark in result.remarks]


class _OldRows:
    """An old entry, ready to be looked up by file."""

    def __init__(self, entry: OldEntry) -> None:
        self.index, self.pixels = entry.index, entry.pixels
        self.offsets = entry.index.offsets
        index = entry.index
        self.by_file = {
            (path, size, stamp): place
            for place, (path, size, stamp) in enumerate(
                zip(index.paths, index.sizes.tolist(), index.stamps.tolist(), strict=True)
            )
        }
        self.by_hash = {index.hashes[place].tobytes(): place for place in index.stored.tolist()}
        self.findings: dict[int, list[tuple[Outcome, str]]] = {}
        for place, outcome, reason in index.findings:
            self.findings.setdefault(place, []).append((outcome, reason))


def build_entry(
    folder: Path,
    files: Files,
    entries: Sequence[Entry],
    old: OldEntry | None,
    *,
    size: int | None,
    channels: int | None,
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
        progress: called with (files done, files in all).

    Returns:
        the index that describes it; a file that cannot be read has length 0 there.
    """
    is_encoded = old is not None and old.index.is_encoded
    for attempt_encoded, attempt_old in ((is_encoded, old), (is_encoded, None), (True, None)):
        rows = None if attempt_old is None else _OldRows(attempt_old)
        work = _Work(files, entries, size, channels, attempt_encoded, {} if rows is None else rows.by_hash)
        try:
            spooled = _spool(folder / _SPOOL, work, rows, progress)
        except _TooLargeError:
            continue
        fitting = _fitting(spooled, size)
        if rows is not None and spooled.from_old.any() and rows.index.fitting != fitting:
            continue  # what was kept as it is must now be resized, or the other way round
        return _assembled(folder, work, spooled, rows, fitting)
    raise AssertionError("pictures that stay encoded are never too large")


def map_pixels(path: Path) -> Pixels:
    """The bytes of a file as memory that is read when it is touched and never written back.

    It can be written to (PyTorch asks for that); what is written stays in this process.
    """
    length = path.stat().st_size
    if not length:
        return np.zeros(0, dtype=np.uint8)
    with path.open("rb") as file:
        if os.name == "nt":
            mapped = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_COPY)
        else:
            # Without NORESERVE a file larger than the memory is refused, although none of it is ever copied.
            flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0)
            mapped = mmap.mmap(file.fileno(), length, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return np.frombuffer(mapped, dtype=np.uint8)


def _spool(path: Path, work: _Work, old: _OldRows | None, progress: Progress | None) -> _Spooled:
    """Reads every file that the old entry does not know, and writes what comes to the spool."""
    spooled, num = _Spooled(len(work.entries)), len(work.entries)
    waiting: list[int] = []
    for number, entry in enumerate(work.entries):
        place = None if old is None else old.by_file.get(entry.member)
        if old is None or place is None:
            waiting.append(number)
        else:
            spooled.take_old(number, old, place)
    done = num - len(waiting)
    room = _Room(path.parent, num, int(spooled.lengths.sum()), done, work)
    start = 0
    with path.open("wb", buffering=1 << 20) as file, quiet_pillow():
        for results in _in_parallel(work, waiting):
            for result in results:
                if result.known >= 0 and old is not None:
                    spooled.take_old(result.number, old, result.known)
                    continue
                file.write(result.data)
                spooled.take_new(result, start)
                start += len(result.data)
            done += len(results)
            room.check(results, done)
            if progress is not None:
                progress(done, num)
    return spooled


class _Room:
    """Foresees from the pictures read so far how much room all will take."""

    def __init__(self, folder: Path, num: int, num_bytes: int, num_known: int, work: _Work) -> None:
        self._free, self._num, self._old_bytes, self._num_known = (
            shutil.disk_usage(folder).free,
            num,
            num_bytes,
            num_known,
        )
        self._work, self._shapes = work, set[tuple[int, int] | None]()
        self._as_they_are = self._resized = 0

    def check(self, results: Sequence[_Result], done: int) -> None:
        """Raises _TooLargeError when the decoded pictures will take more than half of the free disk."""
        if self._work.is_encoded:
            return
        larger = Fitting.shorter(stored_side(self._work.size or DEFAULT_SIZE))
        for result in results:
            if result.height:
                channels = 1 if result.is_gray else 3
                height, width = larger.shape(result.height, result.width)
                self._as_they_are += len(result.data)
                self._resized += height * width * channels
                self._shapes.add((result.height, result.width) if result.is_kept else None)
        new = done - self._num_known
        if new >= min(_ESTIMATE_FROM, self._num - self._num_known) and new > 0:
            so_far = self._as_they_are if len(self._shapes) <= 1 and None not in self._shapes else self._resized
            if self._old_bytes + so_far / new * (self._num - self._num_known) > self._free / 2:
                raise _TooLargeError


def _in_parallel(work: _Work, numbers: Sequence[int]) -> Iterator[list[_Result]]:
    """Results in the order in which files are read, with no more than a few chunks on the way at a time."""
    num_threads = num_decoders()
    flying: deque[Future[list[_Result]]] = deque()
    with ThreadPoolExecutor(num_threads, thread_name_prefix="derin-decode") as pool:
        try:
            for chunk, contents in _chunks(work, numbers):
                flying.append(pool.submit(work.read, chunk, contents))
                if len(flying) > 2 * num_threads:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _chunks(work: _Work, numbers: Sequence[int]) -> Iterator[tuple[list[int], list[bytes] | None]]:
    """File numbers, with the files' bytes where they can only be read one after the other."""
    chunk: list[int] = []
    contents: list[bytes] = []
    num_bytes = 0
    if work.files.is_sequential and numbers:
        place = {work.entries[number].member.path: number for number in numbers}
        for path, data in work.files.read_all(place):
            chunk.append(place.pop(path))
            contents.append(data)
            num_bytes += len(data)
            if len(chunk) == _CHUNK_FILES or num_bytes > _CHUNK_BYTES:
                yield chunk, contents
                chunk, contents, num_bytes = [], [], 0
        if chunk:
            yield chunk, contents
        return
    for number in numbers:
        chunk.append(number)
        num_bytes += work.entries[number].member.size
        if len(chunk) == _CHUNK_FILES or num_bytes > _CHUNK_BYTES:
            yield chunk, None
            chunk, num_bytes = [], 0
    if chunk:
        yield chunk, None


def _fitting(spooled: _Spooled, size: int | None) -> Fitting:
    stored = spooled.lengths > 0
    heights, widths = spooled.natural_heights[stored], spooled.natural_widths[stored]
    if not (heights > 0).all():
        return choose_fitting(None, size)
    return choose_fitting(set(zip(heights.tolist(), widths.tolist(), strict=True)), size)


def _assembled(folder: Path, work: _Work, spooled: _Spooled, old: _OldRows | None, fitting: Fitting) -> PictureIndex:
    """Makes ``pixels.bin`` of the spool and the old pixels."""
    stored = np.flatnonzero(spooled.lengths)
    channels = work.channels or (1 if spooled.is_gray[stored].all() else 3)
    resized = (spooled.natural_heights > 0) & ~spooled.from_old & (fitting.rule is not Rule.KEEP)
    for number in np.flatnonzero(resized & (spooled.lengths > 0)).tolist():
        shape = int(spooled.heights[number]), int(spooled.widths[number])
        if fitting.rule is Rule.SHORTER and is_strip(*shape):
            spooled.findings.setdefault(number, []).append((Outcome.CONVERTED, _STRIP))
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
        is_gray=spooled.is_gray,
        fitting=fitting,
        channels=channels,
        is_encoded=work.is_encoded,
        findings=[(number, *finding) for number in sorted(spooled.findings) for finding in spooled.findings[number]],
    )


@dataclass(frozen=True)
class _Pieces:
    """The stored bytes of each file, from the spool or from the old entry, in their final form."""

    spool: Pixels
    spooled: _Spooled
    old: _OldRows | None
    resized: npt.NDArray[np.bool_]
    fitting: Fitting
    channels: int
    is_encoded: bool

    def write(self, file: IO[bytes], stored: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Writes the pieces of these files, and gives the length of each file's piece (0 for all others)."""
        lengths = np.zeros(self.spooled.num, dtype=np.int64)
        with ThreadPoolExecutor(num_decoders(), thread_name_prefix="derin-resize") as pool:
            each: Callable[..., Iterator[memoryview]] = pool.map if self.resized.any() and not self.is_encoded else map
            for start in range(0, len(stored), 1024):
                numbers = stored[start : start + 1024].tolist()
                for number, piece in zip(numbers, each(partial(self._piece), numbers), strict=True):
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
