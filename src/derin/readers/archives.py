"""The files in a folder, a zip or a tar, by one interface; nothing is ever unpacked to the disk.

Names that lead out of an archive, links and devices are told and never followed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, Protocol

from derin.core.errors import DataError
from derin.core.messages import Message
from derin.core.printable import shown_reason

# A larger file is no picture, and what claims to be one would fill the memory.
MAX_FILE_BYTES = 1 << 30
# A member of an archive costs nothing to whoever packed it: deflate makes a thousand zeros one byte, xz seven thousand.
MAX_MEMBER_BYTES = 256 << 20
MAX_RATIO = 1_000
_SMALL_MEMBER = 16 << 20  # a black picture packs as well as a bomb
_SMALL_ARCHIVE = 1 << 30
MAX_MEMBERS = 5_000_000
# What systems take as a path, and more folders than people make.
_MAX_NAME_BYTES = 4_096
_MAX_PARTS = 100
_LONGEST_SHOWN = 80  # letters of a name that is refused
_HIDDEN_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "__pycache__"})
# What zipfile, tarfile and the decompressors raise on damaged archives, found by cutting and altering some of each.
# They raise OSError too, without an errno; where no disk is written to, every OSError counts.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    MemoryError,
)


# Files that speak about data and are none.
_DOCUMENTS = re.compile(
    r"(read[-_ ]?me|licen[cs]e|copying|copyright|notice|authors?|contributors|change[-_ ]?log|citation|version|terms|"
    r"makefile|dockerfile|requirements)([-_. ].*)?",
    re.IGNORECASE,
)
_DOCUMENT_ENDINGS = frozenset(
    (".md", ".rst", ".pdf", ".html", ".htm", ".docx", ".doc", ".bib", ".cff", ".ipynb", ".py")
)
_CHECKSUM_ENDINGS = frozenset((".md5", ".sha1", ".sha256", ".sha512", ".sums", ".asc", ".sig"))


class Member(NamedTuple):
    """A file.

    Args:
        path: relative to the source, parts joined by ``/``.
        size: bytes.
        stamp: a number that changes with the content: of a file's times, its place on the disk and its archive; in a
            zip the CRC-32.
    """

    path: str
    size: int
    stamp: int


@dataclass
class Contents:
    """What a source holds.

    Args:
        members: plain files.
        folders: relative paths of all folders, also of empty ones.
        refused: what is not read, with the reason.
    """

    members: list[Member] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


class UnreadableFileError(DataError):
    """One file that cannot be read; the message is the reason alone."""


class Files(Protocol):
    """A folder or an archive.

    Attributes:
        path: of the source itself.
        stamp: size and mark of an archive (see `Member`), None for a folder.
        is_sequential: whether the files can only be read one after the other.
    """

    path: Path
    stamp: tuple[int, int] | None
    is_sequential: bool

    def contents(self) -> Contents:
        """Everything that is there, without reading it."""
        ...

    def names(self, most: int) -> list[str]:
        """The paths of the first members: enough to tell what the source holds."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one member; may be called from several threads. Only where files can be read in any order.

        Raises:
            UnreadableFileError: it cannot be read.
        """
        ...

    def read_all(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of these members in the order in which they are stored; those that cannot be read are empty."""
        ...

    def close(self) -> None: ...


def open_files(path: Path) -> Files:
    """The files in a folder or an archive, which is recognized by its content.

    Raises:
        DataError: it does not exist, or is neither a folder nor a readable archive.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.txt").write_text("seven")
        >>> files = open_files(folder)
        >>> [(m.path, m.size) for m in files.contents().members], files.read("a.txt")
        ([('a.txt', 5)], b'seven')
    """
    path = Path(path)
    if path.is_dir():
        return FolderFiles(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; a folder, a zip or a tar file is required.")
    with _naming_damage(path):
        return ZipFiles(path) if zipfile.is_zipfile(path) else TarFiles(path)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name belongs to the system or a program and not to the data.

    Example:
        >>> [is_hidden(n) for n in (".DS_Store", "__MACOSX", "Thumbs.db", "cat.jpg")]
        [True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _HIDDEN_NAMES


def is_document(name: str) -> bool:
    """Whether a file of this name speaks about data (a readme, a licence, checksums) and is none.

    Example:
        >>> [is_document(n) for n in ("README", "LICENSE.txt", "sums.sha256", "reads.csv", "0001")]
        [True, True, True, False, False]
    """
    ending = PurePosixPath(name.lower()).suffix
    return bool(_DOCUMENTS.fullmatch(name)) or ending in _DOCUMENT_ENDINGS or ending in _CHECKSUM_ENDINGS


class _InAnyOrder(ABC):
    """What a folder and a zip share: one member can be read as well as the next."""

    is_sequential = False

    @abstractmethod
    def contents(self) -> Contents: ...

    def names(self, most: int) -> list[str]:
        return [member.path for member in self.contents().members[:most]]

    @abstractmethod
    def read(self, path: str) -> bytes: ...

    def read_all(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            try:
                yield path, self.read(path)
            except UnreadableFileError:
                yield path, b""


class FolderFiles(_InAnyOrder):
    """The files below a folder; links are followed, each real folder is visited once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: tuple[int, int] | None = None

    def contents(self) -> Contents:
        found = Contents()
        seen: set[tuple[int, int]] = set()
        waiting = [("", os.fspath(self.path))]
        while waiting:
            prefix, place = waiting.pop()
            try:
                self._list(prefix, place, found, seen, waiting)
            except OSError as error:
                found.refused.append((prefix, Message("reading.folder_closed", error=str(error.strerror or error))))
        return found

    def _list(
        self, prefix: str, place: str, found: Contents, seen: set[tuple[int, int]], waiting: list[tuple[str, str]]
    ) -> None:
        own = os.stat(place)  # noqa: PTH116 - half the time of Path.stat, once for each folder
        if (own.st_dev, own.st_ino) in seen:
            found.refused.append((prefix, Message("reading.linked_again")))
            return
        seen.add((own.st_dev, own.st_ino))
        with os.scandir(place) as entries:
            for entry in entries:
                path = f"{prefix}/{entry.name}" if prefix else entry.name
                try:
                    status = entry.stat()
                except OSError as error:
                    reason = Message("reading.cannot_be_read", error=str(error.strerror or error))
                    found.refused.append((path, Message("reading.broken_link") if entry.is_symlink() else reason))
                    continue
                if stat.S_ISDIR(status.st_mode):
                    found.folders.append(path)
                    if not is_hidden(entry.name):
                        waiting.append((path, entry.path))
                elif stat.S_ISREG(status.st_mode):
                    found.members.append(Member(path, status.st_size, _mark(status)))
                else:
                    found.refused.append((path, Message("reading.no_plain_file")))

    def read(self, path: str) -> bytes:
        place = f"{os.fspath(self.path)}/{path}"
        try:
            with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - a Path for each file costs as much as opening it
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise UnreadableFileError(
                Message("reading.file_cannot_be_read", error=str(error.strerror or error))
            ) from None
        if len(data) > MAX_FILE_BYTES:
            raise UnreadableFileError(Message("reading.file_too_large", size=MAX_FILE_BYTES >> 30))
        return data

    def close(self) -> None:
        """A folder holds nothing open."""


class ZipFiles(_InAnyOrder):
    """The files in a zip, in any order and from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: tuple[int, int] | None = _stamp(path)
        self._zip = zipfile.ZipFile(path)
        self._infos: dict[str, zipfile.ZipInfo] = {}

    def contents(self) -> Contents:
        found = Contents()
        members: dict[str, Member] = {}
        folders: set[str] = set()
        infos = self._zip.infolist()
        check_bounds(self.path, len(infos), sum(info.file_size for info in infos))
        for info in infos:
            # Some programs on Windows write their own separator.
            path, reason = path_inside(info.filename.replace("\\", "/"))
            if reason is None and stat.S_ISLNK(info.external_attr >> 16):
                reason = Message("reading.link")
            if reason is None and info.flag_bits & 1:
                reason = Message("reading.encrypted")
            if reason is None and not info.filename:
                reason = Message("reading.no_name")
            if reason is not None:
                found.refused.append((path, reason))
            elif info.is_dir():
                folders.add(path)
            else:
                if path in members:
                    found.refused.append((path, Message("reading.same_name")))
                members[path] = Member(path, info.file_size, info.CRC)
                self._infos[path] = info
        found.members = list(members.values())
        found.folders = sorted(folders | _parents(members))
        return found

    def read(self, path: str) -> bytes:
        if not self._infos:
            self.contents()
        info = self._infos[path]
        if info.file_size > MAX_MEMBER_BYTES or (
            info.file_size > _SMALL_MEMBER and info.file_size > MAX_RATIO * info.compress_size
        ):
            raise UnreadableFileError(Message("reading.member_too_large", size=MAX_MEMBER_BYTES >> 20, ratio=MAX_RATIO))
        try:
            with self._zip.open(info) as file:
                return file.read(info.file_size)
        except (*ARCHIVE_ERRORS, OSError) as error:
            raise UnreadableFileError(Message("reading.damaged_in_archive", error=shown_reason(error))) from None

    def close(self) -> None:
        self._zip.close()


class TarFiles:
    """The files in a tar, compressed or not: read from the beginning to the end, once for each call."""

    is_sequential = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: tuple[int, int] | None = _stamp(path)
        self._last: dict[str, int] = {}  # the number of the last member of each name
        try:
            with open_tar(path):
                pass
        except tarfile.ReadError as error:
            raise DataError(
                f"{path} is damaged or no archive ({shown_reason(error)}). A folder, a zip or a tar is required."
            ) from None

    def contents(self) -> Contents:
        found = Contents()
        members: dict[str, Member] = {}
        folders: set[str] = set()
        self._last = {}
        # A tar knows no sum of its members: where it was written anew, all may have changed.
        mark = _stamp(self.path)[1]
        for number, info, _ in self._members():
            path, reason = path_inside(info.name)
            if reason is None and (info.issym() or info.islnk()):
                reason = Message("reading.link")
            elif reason is None and not (info.isreg() or info.isdir()):
                reason = Message("reading.no_plain_file")
            if reason is not None:
                found.refused.append((path, reason))
            elif info.isdir():
                folders.add(path)
            else:
                if path in members:
                    found.refused.append((path, Message("reading.same_name")))
                members[path] = Member(path, info.size, mark)
                self._last[path] = number
        found.members = list(members.values())
        found.folders = sorted((folders | _parents(members)) - {""})
        return found

    def names(self, most: int) -> list[str]:
        """Without a pass through the whole archive."""
        found = ((path_inside(info.name), info.isreg()) for _, info, _ in self._members())
        return [path for (path, reason), is_file in islice(found, most) if is_file and reason is None]

    def read(self, path: str) -> bytes:
        """Reads the archive up to this member: for one file only."""
        return next((data for _, data in self.read_all({path})), b"")

    def read_all(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        if not self._last:
            self.contents()
        wanted = {self._last[path]: path for path in paths}
        for number, info, tar in self._members():
            if number in wanted:
                file = tar.extractfile(info) if info.size <= MAX_MEMBER_BYTES else None
                yield wanted[number], b"" if file is None else file.read()

    def _members(self) -> Iterator[tuple[int, tarfile.TarInfo, tarfile.TarFile]]:
        with _naming_damage(self.path), open_tar(self.path) as tar:
            for number, info in enumerate(members_of(tar, self.path)):
                yield number, info, tar

    def close(self) -> None:
        """The archive is opened anew for each pass."""


def read_gzip(data: bytes, where: object) -> bytes:
    """What gzipped bytes hold, in memory that grows with it; bytes that are not gzipped as they are.

    Args:
        data: of a whole file.
        where: its name, for messages.

    Raises:
        DataError: it is damaged or cut off, or unpacks to far more than files of data do.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    most = max(MAX_MEMBER_BYTES, MAX_RATIO * len(data) // 4)
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while piece := file.read(1 << 20):
                unpacked += piece
                if len(unpacked) > most:
                    raise DataError(f"{where} is refused: its {len(data):,} bytes unpack to more than {most:,}.")
        return bytes(unpacked)
    except (*ARCHIVE_ERRORS, OSError) as error:
        raise DataError(
            f"{where}: a whole gzip file is required; it is damaged or cut off ({shown_reason(error)}). Fetch it again."
        ) from None


def check_bounds(path: Path, num_members: int, num_bytes: int) -> None:
    """Refuses an archive that is small on disk and without bounds when it is unpacked.

    Raises:
        DataError: it claims more members or bytes than archives of data have.
    """
    most = max(_SMALL_ARCHIVE, MAX_RATIO * path.stat().st_size)
    if num_members > MAX_MEMBERS or num_bytes > most:
        raise DataError(
            f"{path} is refused: it claims {num_members:,} members of {num_bytes:,} bytes; at most {MAX_MEMBERS:,} of "
            f"{most:,} are read from an archive of its size. Unpack it yourself if you trust it."
        )


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file that may be compressed as tars are: by gzip, bzip2 or xz."""
    with path.open("rb") as raw:
        head = raw.read(6)
        raw.seek(0)
        opened: IO[bytes] = raw
        if head[:2] == b"\x1f\x8b":
            opened = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
        elif head[:3] == b"BZh":
            opened = bz2.BZ2File(raw)
        elif head == b"\xfd7zXZ\0" or head[:3] == b"]\0\0":
            opened = lzma.LZMAFile(raw)  # noqa: SIM115 - closed below
        with opened:
            yield opened


@contextmanager
def open_tar(path: Path, place: int = 0) -> Iterator[tarfile.TarFile]:
    """A tar file, compressed or not, of which no header is larger than a member may be.

    Args:
        path: of the file.
        place: of the header to begin with, in the unpacked bytes.
    """
    with unpacked(path) as opened:
        opened.seek(place)
        bounded: Any = _Bounded(opened)
        with tarfile.open(fileobj=bounded, mode="r:") as tar:
            yield tar


def members_of(tar: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    """The members of a tar file, one after the other, as long as they stay within bounds.

    Raises:
        DataError: there are more, or larger ones, than archives of data have.
        tarfile.ReadError: a header is damaged, at which `tarfile` would end without a word.
    """
    for number, info in enumerate(tar, start=1):
        if info.size < 0:
            raise tarfile.ReadError(f"a member of {info.size} bytes")
        if number % 1_000 == 1 or info.size > _SMALL_MEMBER:
            check_bounds(path, number, info.offset_data + info.size)
        yield info
        # The list of all members is never asked for, and would grow with the archive.
        tar.members = []  # type: ignore[attr-defined]
    if next_header(tar).strip(b"\0"):
        raise tarfile.ReadError(f"no header at byte {tar.offset:,}")


def next_header(tar: tarfile.TarFile) -> bytes:
    """The block behind the members that were read: zeros at the end of an archive, nothing where it was cut off."""
    file: Any = tar.fileobj
    file.seek(tar.offset)
    block: bytes = file.read(tarfile.BLOCKSIZE)
    return block


class _Bounded:
    """A file that gives no more at once than a member may hold: extended headers claim any size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        if size > MAX_MEMBER_BYTES:
            raise tarfile.ReadError(f"a part of {size:,} bytes")
        return self._file.read(size)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, _mark(status)


def _mark(status: os.stat_result) -> int:
    """A number that changes when a file is written, or another one takes its name.

    The time of modification alone says little: archives unpack with fixed times, and folders that change their names
    change no file's. The time of the last change of the entry itself cannot be chosen, and the number on the disk is
    another where files have changed places.
    """
    mixed = status.st_mtime_ns * 0x9E3779B97F4A7C15 + status.st_ctime_ns * 0xC2B2AE3D27D4EB4F
    return (mixed + status.st_ino * 0x165667B19E3779F9) & 0x7FFF_FFFF_FFFF_FFFF


def path_inside(name: str) -> tuple[str, str | None]:
    """The name of a member with plain separators, and why it is refused, if it is."""
    if "\0" in name:
        return name, Message("reading.zero_byte")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return name, Message("reading.absolute_name")
    if is_too_long(name):
        return name[:_LONGEST_SHOWN] + "…", Message("reading.name_too_long")
    if ".." in re.split(r"[/\\]", name):
        return name, Message("reading.leaves_archive")
    return "/".join(part for part in name.split("/") if part not in ("", ".")), None


def is_too_long(name: str) -> bool:
    """Whether a member's name is longer, or of more folders, than systems and people make them."""
    return len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES or name.count("/") >= _MAX_PARTS


def _parents(paths: Collection[str]) -> set[str]:
    """Every folder that lies above one of these paths."""
    found: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


@contextmanager
def _naming_damage(path: Path) -> Iterator[None]:
    """Turns what the archive modules raise on damage into one sentence."""
    try:
        yield
    except (*ARCHIVE_ERRORS, OSError) as error:
        raise DataError(
            f"{path} is damaged or cannot be read as an archive ({shown_reason(error)}). Fetch or pack it again."
        ) from None
