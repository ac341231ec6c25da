"""Files and folders that are whole or not there: written aside, brought to the disk, then renamed.

A reader, and a process that starts after a kill or a power cut, sees the old content or the new, never a part of
either.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from derin.core.errors import RefusedFileError, StorageError
from derin.core.faults import FAULT_POINTS, fault_point
from derin.core.strict_json import dump_json, parse_json

__all__ = [
    "FAULT_POINTS",
    "fault_point",
    "open_atomically",
    "open_plain",
    "read_json",
    "recover_folder",
    "remove_leftovers",
    "replace_folder",
    "sha256_file",
    "storage_errors",
    "temporary_folder",
    "write_bytes",
    "write_json",
]

_CHUNK_BYTES = 1 << 20
_LEFTOVER = ".derin-*.part"
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_REMEDIES = {
    errno.ENOSPC: "free some space or choose a folder on another disk",
    errno.EDQUOT: "free some of your quota or choose a folder on another disk",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "choose a path whose folders are not files",
    errno.EISDIR: "choose a name that is not that of a folder",
}


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turns an operating system's error while writing into one sentence.

    Args:
        what: what is written, with its path, as the beginning of a sentence: ``"The bundle runs/a/model"``.

    Raises:
        StorageError: whatever the system refused; its ``errno`` is kept.

    Example:
        >>> with storage_errors("The table t.csv"):
        ...     raise OSError(errno.ENAMETOOLONG, "File name too long")
        Traceback (most recent call last):
        derin.core.errors.StorageError: The table t.csv cannot be written (File name too long); choose a shorter name.
    """
    try:
        yield
    except OSError as error:
        # Of nested writes the outermost tells, by the name that the user knows, not that of a temporary file.
        cause = error.__cause__ if isinstance(error, StorageError) else error
        if not isinstance(cause, OSError):
            raise
        remedy = _REMEDIES.get(cause.errno or 0, "check the disk and the path")
        told = StorageError(f"{what} cannot be written ({cause.strerror or cause}); {remedy}.")
        told.errno = cause.errno
        raise told from cause


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that gets its name when all went well; until then, and if not, the old file stays.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(_leftover_name())
    with storage_errors(f"The file {path}"):
        fault_point("write.started")
        try:
            # Unlike tempfile, this honours the user's umask.
            with os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666), "w+b") as file:
                yield file
                fault_point("write.written")
                file.flush()
                os.fsync(file.fileno())
            fault_point("write.synced")
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        fault_point("write.renamed")
        _sync_folder(path.parent)
        fault_point("write.done")


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
        file = os.fdopen(os.open(place, flags, dir_fd=folder), "rb")
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


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        RefusedFileError: it is missing or no plain file.
    """
    with open_plain(Path(path)) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new folder beside a future one, for `replace_folder`; what is left of it at the end is removed."""
    path = Path(parent) / _leftover_name()
    with storage_errors(f"The folder {parent}"):
        path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def replace_folder(temporary: Path, final: Path) -> None:
    """Gives a finished folder its name, in place of the folder that has it, and removes that one.

    Where the system can exchange two names in one step (Linux), there is always a whole folder at ``final``. Elsewhere
    the old folder stands aside for an instant; `recover_folder` brings it back after a kill in that instant.

    Args:
        temporary: the finished folder, in the same folder as ``final``.
        final: its name from now on.

    Raises:
        StorageError: the names cannot be changed; the old folder is then still in its place.
    """
    temporary, final = Path(temporary), Path(final)
    with storage_errors(f"The folder {final}"):
        if final.exists() and not final.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "there is a file of that name", str(final))
        _sync_folder(temporary)
        fault_point("replace.started")
        if not final.is_dir():
            temporary.rename(final)
        elif not _exchange(temporary, final):
            _swap_by_two_renames(temporary, final)
        fault_point("replace.swapped")
        _sync_folder(final.parent)
    # What cannot be removed now (open on Windows) is removed by `remove_leftovers`.
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(_aside(final), ignore_errors=True)
    fault_point("replace.removed")


def recover_folder(final: Path) -> None:
    """Ends what a kill within `replace_folder` left: brings the old folder back where no new one took its place."""
    final = Path(final)
    aside = _aside(final)
    if aside.is_dir() and not final.exists():
        # Another reader may recover, or the writer go on, at this very moment: then there is a folder already.
        with suppress(OSError):
            aside.rename(final)


def remove_leftovers(folder: Path) -> None:
    """Removes what killed writers left in a folder. Only for who holds the lock: it may be another writer's work."""
    for path in Path(folder).glob(_LEFTOVER):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


_BINARY = getattr(os, "O_BINARY", 0)


def _leftover_name() -> str:
    return _LEFTOVER.replace("*", f"{os.getpid()}-{secrets.token_hex(6)}")


def _aside(final: Path) -> Path:
    return final.with_name(f".{final.name}.old")


def _sync_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)


def _swap_by_two_renames(temporary: Path, final: Path) -> None:
    aside = _aside(final)
    for attempt in range(5):
        if final.exists():
            shutil.rmtree(aside, ignore_errors=True)
            final.rename(aside)
            fault_point("replace.aside")
        try:
            temporary.rename(final)
            return
        except OSError:
            # A reader has brought the old folder back in between: once more. Anything else: bring it back ourselves.
            if not final.exists():
                aside.rename(final)
                raise
            if attempt == 4:
                raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two names in one step; False where the system or the file system cannot."""
    rename = _renameat2()
    if rename is None:
        return False
    code = rename(os.fsencode(one), os.fsencode(other))
    if code == 0:
        return True
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))


@functools.cache
def _renameat2() -> Callable[[bytes, bytes], int] | None:
    """The system's call as a function that returns an error number, or None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int

    def rename(one: bytes, other: bytes) -> int:
        return 0 if call(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE) == 0 else ctypes.get_errno()

    return rename
