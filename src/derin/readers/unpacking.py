"""Archives unpacked to the disk, where a data set is kept that way; nothing in them can lie elsewhere."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from derin.core.errors import DataError, StorageError
from derin.core.printable import shown_reason
from derin.readers.archives import ARCHIVE_ERRORS, check_bounds, is_too_long, members_of, open_tar

_CHUNK_BYTES = 1 << 18


def unpack(archive: Path, folder: Path, *, largest_bytes: int = 20 << 30) -> Path:
    """Unpacks a zip, tar or tar.gz file into ``folder``; nothing in it can lie elsewhere.

    Links, devices and names that lead out of the folder are refused. The folder appears whole or not at all; one
    that is there already is taken as it is.

    Args:
        archive: the file.
        folder: the new folder.
        largest_bytes: more than this is refused, so that a small file cannot fill the disk.

    Raises:
        DataError: the archive is damaged, too large, or leads out of its folder.
        StorageError: the folder cannot be written.
    """
    if folder.is_dir():
        return folder
    growing = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    left = largest_bytes
    try:
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(parents=True)
        for name, source in _members(archive):
            target = growing.joinpath(*_inside(name, archive))
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                while chunk := source.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise DataError(f"{archive} unpacks to more than {largest_bytes:,} bytes, which is refused.")
                    file.write(chunk)
        growing.rename(folder)
    except ARCHIVE_ERRORS as error:
        raise DataError(
            f"{archive} is damaged or cannot be unpacked ({shown_reason(error)}). Fetch it again."
        ) from None
    except OSError as error:
        if error.errno is None or error.errno == errno.ENAMETOOLONG:  # of a decompressor, or of a member's name
            reason = error.strerror or error
            raise DataError(f"{archive} is damaged or cannot be unpacked ({reason}). Fetch it again.") from None
        if folder.is_dir() and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return folder  # another process was faster
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}); free some space or set DERIN_CACHE."
        ) from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return folder


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and open content of each file in an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            infos = packed.infolist()
            check_bounds(archive, len(infos), sum(info.file_size for info in infos))
            for info in infos:
                if not info.filename.endswith("/"):
                    with packed.open(info) as source:
                        yield info.filename, source
        return
    with open_tar(archive) as tar:
        for member in members_of(tar, archive):
            if member.isdir():
                continue
            source_file = tar.extractfile(member) if member.isreg() else None
            if source_file is None:
                raise DataError(f"{archive}: it holds {member.name!r}, a link or device, which is refused.")
            yield member.name, source_file


def _inside(name: str, archive: Path) -> tuple[str, ...]:
    """The parts of a member's name, which may not lead out of the folder on any system."""
    if is_too_long(name):
        raise DataError(f"{archive}: it holds {name[:40]!r}…, a name that is too long; such an archive is refused.")
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or any(part in ("..", "/") or ":" in part or "\0" in part for part in parts):
        raise DataError(
            f"{archive}: it holds {name!r}, which would lie outside its folder; such an archive is refused."
        )
    return parts
