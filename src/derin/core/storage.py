"""What all writing shares: errors of the system as sentences, names of unfinished work, names brought to the disk."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from derin.core.errors import StorageError

LEFTOVER = ".derin-*.part"
# What a system or a file system answers that does not know a call.
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
_REMEDIES = {
    errno.ENOSPC: "free some space or choose a folder on another disk",
    errno.EDQUOT: "free some of your quota or choose a folder on another disk",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder on a disk that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOTDIR: "choose a path whose folders are not files",
    errno.ENOENT: "choose a folder that exists",
    errno.ENOTSUP: "choose the name of a file",
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
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise StorageError(f"{what} cannot be written (its name holds a zero byte); check the path.") from error
    except OSError as error:
        # Of nested writes the outermost tells, by the name that the user knows, not that of a temporary file.
        cause = error.__cause__ if isinstance(error, StorageError) else error
        if not isinstance(cause, OSError):
            raise
        remedy = _REMEDIES.get(cause.errno or 0, "check the disk and the path")
        told = StorageError(f"{what} cannot be written ({cause.strerror or cause}); {remedy}.")
        told.errno = cause.errno
        raise told from cause


def leftover_name() -> str:
    """A new name for something unfinished, hidden, and not longer for a longer final name."""
    return LEFTOVER.replace("*", f"{os.getpid()}-{secrets.token_hex(6)}")


def sync_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)
