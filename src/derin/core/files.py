"""Files that are whole or not there: written aside, brought to the disk, then renamed; folders in the same way.

A reader, and a process that starts after a kill or a power cut, sees the old content or the new, never a part of
either.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from derin.core.errors import RefusedFileError, UsageError
from derin.core.faults import FAULT_POINTS, fault_point
from derin.core.folders import recover_folder, remove_leftovers, replace_folder, temporary_folder
from derin.core.storage import leftover_name, storage_errors, sync_folder
from derin.core.strict_json import dump_json, parse_json

__all__ = [
    "FAULT_POINTS",
    "fault_point",
    "open_atomically",
    "open_plain",
    "path_atomically",
    "read_json",
    "recover_folder",
    "remove_leftovers",
    "replace_folder",
    "sha256_file",
    "storage_errors",
    "temporary_folder",
    "usable_path",
    "write_bytes",
    "write_json",
]

_CHUNK_BYTES = 1 << 20
_LONGEST_SHOWN = 40  # letters of a path that no system takes
_BINARY = getattr(os, "O_BINARY", 0)  # Windows' own


@contextmanager
def path_atomically(path: Path) -> Iterator[Path]:
    """The name of an empty file that is renamed to ``path`` when all went well; until then, and if not, the old file
    stays.

    Raises:
        StorageError: the disk is full, the folder cannot be written, or the name is that of a device or pipe.
    """
    path = Path(path)
    temporary = path.with_name(leftover_name())
    with storage_errors(f"The file {path}"):
        _refuse_devices(path)
        fault_point("write.started")
        try:
            temporary.touch(exist_ok=False)  # unlike tempfile, this honours the user's umask
            yield temporary
            fault_point("write.written")
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            fault_point("write.synced")
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        fault_point("write.renamed")
        sync_folder(path.parent)
        fault_point("write.done")


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """As `path_atomically`, open for writing.

    Raises:
        StorageError: the disk is full, the folder cannot be written, or the name is that of a device or pipe.
    """
    with path_atomically(path) as temporary, temporary.open("w+b") as file:
        yield file


def _refuse_devices(path: Path) -> None:
    """What a rename would replace must be a file: who may write to /dev would lose /dev/null or /dev/stdout by it."""
    try:
        mode = path.stat().st_mode
        leads_to_a_process = path.is_symlink() and str(path.readlink()).startswith("/proc/")
    except OSError:
        return
    if leads_to_a_process or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.ENOTSUP, "it is a device or a pipe")


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with open_atomically(path) as file:
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK_BYTES):
            if start:
                fault_point("write.part")
            file.write(view[start : start + _CHUNK_BYTES])


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON file whole or not at all; numbers that are not finite become null, names keep their order.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    write_bytes(path, dump_json(document, indent=2) + b"\n")


def read_json(path: Path, *, max_bytes: int = 64 << 20) -> Any:
    """Reads a JSON file strictly; see `strict_json.parse_json` for what is refused.

    Raises:
        RefusedFileError: it is missing, no plain file, too large, or not strict JSON.
    """
    with open_plain(Path(path), max_bytes=max_bytes) as file:
        return parse_json(file.read(max_bytes + 1), f"The file {path}")


def open_plain(
    path: Path, *, max_bytes: int | None = None, folder: int | None = None, follow: bool = True
) -> io.BufferedReader:
    """Opens a plain file for reading; pipes, devices and folders are refused without waiting for them.

    Args:
        path: the file.
        max_bytes: a larger file is refused.
        folder: descriptor of the open folder that the file is taken from, whatever has ``path`` become meanwhile.
        follow: whether the file may be reached by a symbolic link.

    Raises:
        RefusedFileError: the file is missing, no plain file, or too large.
    """
    flags = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)
    place = path if folder is None else path.name
    try:
        if not follow:
            if stat.S_ISLNK(os.lstat(place, dir_fd=folder).st_mode):
                raise RefusedFileError(f"The file {path} is refused: it is a link; put the file itself there.")
            flags |= getattr(os, "O_NOFOLLOW", 0)
        file = open(path, "rb", opener=lambda _, __: os.open(place, flags, dir_fd=folder))  # noqa: SIM115
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RefusedFileError(f"The file {path} cannot be read ({reason}); check the path.") from error
    found = os.fstat(file.fileno())
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = "it is no plain file"
    elif max_bytes is not None and found.st_size > max_bytes:
        problem = f"it has {found.st_size:,} bytes, at most {max_bytes:,} are read"
    if problem is None:
        return file
    file.close()
    raise RefusedFileError(f"The file {path} is refused: {problem}; restore it or choose another.")


def usable_path(path: str | Path, what: str) -> Path:
    """A path that the system can look at, whether or not something is there.

    Args:
        path: as a person gave it.
        what: it is given for, as the beginning of a sentence: ``"The data"``.

    Raises:
        UsageError: it is longer than a system takes, holds a zero byte, or lies in a folder that is closed.

    Example:
        >>> usable_path("x" * 5000, "The run")
        Traceback (most recent call last):
        derin.core.errors.UsageError: The run 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' cannot be looked \
up (File name too long); check the path.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        shown = str(path)
        name = repr(shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "…")
        raise UsageError(f"{what} {name} cannot be looked up ({reason}); check the path.") from None
    return Path(path)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        RefusedFileError: it is missing or no plain file.
    """
    with open_plain(Path(path)) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
