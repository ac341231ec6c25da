"""Reads and decodes files in parallel into a spool, in the order in which they are read."""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from derin.core.messages import Message
from derin.data.pictures.decode import Pixels, UnreadablePictureError, open_picture
from derin.data.pictures.encoded import num_decoders
from derin.data.pictures.fitting import DEFAULT_SIZE, ResizePolicy, Rule, is_small, is_strip, stored_side
from derin.data.pictures.values import Extent, PixelValues
from derin.data.report import Outcome
from derin.readers.archives import Files, UnreadableFileError
from derin.readers.listing import Entry
from derin.readers.pictures.index import HASH_BYTES, PictureIndex

if TYPE_CHECKING:
    from PIL.Image import Image

Progress = Callable[[int, int], None]

# Files that are handed to a thread at a time: enough that handing over costs nothing.
_CHUNK_FILES, _CHUNK_BYTES = 32, 16 << 20
# So many pictures tell how much room all of them will take.
_ESTIMATE_FROM = 200
STRIP = Message("reading.strip")
SIDES = ("heights", "widths", "natural_heights", "natural_widths", "original_heights", "original_widths")


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
    extent: Extent | None = None
    original: tuple[int, int] = (0, 0)  # height and width in the file, upright


@dataclass(frozen=True)
class Work:
    """What a thread needs to know about every file.

    Args:
        files: the source.
        entries: its pictures.
        size: height and width of the network's input.
        channels: of all pictures, or None.
        fitting: to which every picture is brought; None decides when all are known.
        values: by which values beyond 8 bits are read.
        is_encoded: whether the files' own bytes are kept.
        known: numbers of files of the old entry by the hash of their bytes.
    """

    files: Files
    entries: Sequence[Entry]
    size: int | None
    channels: int | None
    fitting: ResizePolicy | None
    values: PixelValues
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
                    raise UnreadableFileError(Message("reading.file_unreadable"))
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
                found.append(_Result(number, digest, error.args[0]))
        return found

    def _decoded(self, number: int, digest: bytes, data: bytes) -> _Result:
        opened = open_picture(data, values=self.values)
        image, remarks = opened.image, opened.remarks
        if self.channels == 1 and image.mode != "L":
            image = image.convert("L")
        shape = (opened.height, opened.width)
        fitting = self.fitting or ResizePolicy.shorter(stored_side(self.size or DEFAULT_SIZE))
        is_kept = self.fitting is None and (is_small(*shape) or shape == (self.size, self.size))
        if not is_kept:
            if fitting.rule is Rule.SHORTEST_SIDE and is_strip(*shape):
                remarks = (*remarks, STRIP)
            image = fitting.apply(image)
        if image.mode == "RGB" and _is_gray(image):
            image = image.getchannel(0)
        return _Result(
            number,
            digest,
            data=data if self.is_encoded else image.tobytes(),
            height=image.height,
            width=image.width,
            is_kept=is_kept,
            is_gray=image.mode == "L",
            remarks=remarks,
            extent=opened.extent,
            original=shape,
        )


def _is_gray(image: Image) -> bool:
    """Whether red, green and blue are equal everywhere."""
    pixels = np.asarray(image)
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())


class TooLargeError(Exception):
    """The decoded pictures would take more than half of the free disk."""


@dataclass
class Spooled:
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
    is_float: npt.NDArray[np.bool_] = field(init=False)
    lows: npt.NDArray[np.float64] = field(init=False)  # NaN for pictures of bytes
    highs: npt.NDArray[np.float64] = field(init=False)
    original_heights: npt.NDArray[np.int64] = field(init=False)
    original_widths: npt.NDArray[np.int64] = field(init=False)
    findings: dict[int, list[tuple[Outcome, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hashes = np.zeros((self.num, HASH_BYTES), dtype=np.uint8)
        for name in ("starts", "lengths", *SIDES):
            setattr(self, name, np.zeros(self.num, dtype=np.int64))
        for name in ("is_gray", "from_old", "is_float"):
            setattr(self, name, np.zeros(self.num, dtype=np.bool_))
        self.lows, self.highs = np.full(self.num, np.nan), np.full(self.num, np.nan)

    def decided(self) -> PixelValues:
        """One range of values for all pictures of more than 8 bits."""
        wide = np.flatnonzero(~np.isnan(self.lows) & (self.lengths > 0))
        each = zip(self.is_float[wide].tolist(), self.lows[wide].tolist(), self.highs[wide].tolist(), strict=True)
        return PixelValues.decided(Extent(*extent) for extent in each)

    def take_old(self, number: int, old: OldRows, place: int) -> None:
        """Uses what an older entry knows of a file."""
        index = old.index
        self.hashes[number] = index.hashes[place]
        self.starts[number], self.lengths[number] = old.offsets[place], index.lengths[place]
        for name in (*SIDES, "is_gray", "is_float", "lows", "highs"):
            getattr(self, name)[number] = getattr(index, name)[place]
        self.from_old[number] = True
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
        self.original_heights[number], self.original_widths[number] = result.original
        self.is_gray[number] = result.is_gray
        if result.extent is not None:
            self.is_float[number] = result.extent.is_float
            self.lows[number], self.highs[number] = result.extent.low, result.extent.high
        if result.problem:
            self.findings[number] = [(Outcome.SKIPPED, result.problem)]
        elif result.remarks:
            self.findings[number] = [(Outcome.CONVERTED, remark) for remark in result.remarks]


class OldRows:
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


def spool_pictures(path: Path, work: Work, old: OldRows | None, progress: Progress | None) -> Spooled:
    """Reads every file that the old entry does not know, and writes what comes to the spool."""
    spooled, num = Spooled(len(work.entries)), len(work.entries)
    waiting: list[int] = []
    for number, entry in enumerate(work.entries):
        place = None if old is None else old.by_file.get(entry.member)
        if old is None or place is None:
            waiting.append(number)
        else:
            spooled.take_old(number, old, place)
    done = num - len(waiting)
    budget = _DiskBudget(path.parent, num, int(spooled.lengths.sum()), done, work)
    start = 0
    with path.open("wb", buffering=1 << 20) as file:
        for results in _in_parallel(work, waiting):
            for result in results:
                if result.known >= 0 and old is not None:
                    spooled.take_old(result.number, old, result.known)
                    continue
                file.write(result.data)
                spooled.take_new(result, start)
                start += len(result.data)
            done += len(results)
            budget.check(results, done)
            if progress is not None:
                progress(done, num)
    return spooled


class _DiskBudget:
    """Foresees from the pictures read so far how much room all will take."""

    def __init__(self, folder: Path, num: int, num_bytes: int, num_known: int, work: Work) -> None:
        self._free, self._num, self._old_bytes, self._num_known = (
            shutil.disk_usage(folder).free,
            num,
            num_bytes,
            num_known,
        )
        self._work, self._shapes = work, set[tuple[int, int] | None]()
        self._as_they_are = self._resized = 0

    def check(self, results: Sequence[_Result], done: int) -> None:
        """Raises TooLargeError when the decoded pictures will take more than half of the free disk."""
        if self._work.is_encoded:
            return
        larger = self._work.fitting or ResizePolicy.shorter(stored_side(self._work.size or DEFAULT_SIZE))
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
                raise TooLargeError


def _in_parallel(work: Work, numbers: Sequence[int]) -> Iterator[list[_Result]]:
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


def _chunks(work: Work, numbers: Sequence[int]) -> Iterator[tuple[list[int], list[bytes] | None]]:
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
