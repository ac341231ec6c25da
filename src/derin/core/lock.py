"""A lock on a folder that no second process can take and that dies with its holder."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from types import TracebackType

from derin.core.errors import BusyError, RefusedFileError
from derin.core.files import storage_errors
from derin.core.strict_json import dump_json, parse_json

LOCK_NAME = ".lock"
_POLL_SECONDS = 0.05
_MOST_ATTEMPTS = 100  # each fails only where the folder was removed at that very moment
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # a link would have the file that it names emptied
_WINDOWS_PLACE = 1 << 30  # beyond the content, which on Windows could not be read where it is locked


class FolderLock:
    """Holds a folder for one process, by an advisory lock on the file ``.lock`` in it.

    The system releases the lock when the process ends, however it ends. A folder that is itself replaced cannot hold
    its own lock: lock the one that it lies in. A folder that is removed while it is waited for is made again, and its
    new lock taken.

    Args:
        path: the folder; made if needed.
        wait_seconds: how long to wait for another holder.

    Raises:
        BusyError: (on entering) another process, or another lock in this one, holds the folder.
        StorageError: (on entering) the folder cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with FolderLock(folder):
        ...     (folder / "result.txt").write_text("mine alone")
        10
    """

    def __init__(self, path: Path, *, wait_seconds: float = 0.0) -> None:
        self.path = Path(path)
        self.wait_seconds = wait_seconds
        self._descriptor: int | None = None

    def __enter__(self) -> FolderLock:
        place = self.path / LOCK_NAME
        deadline = time.monotonic() + self.wait_seconds
        for _ in range(_MOST_ATTEMPTS):
            self._descriptor = self._locked(place, deadline)
            if self._descriptor is not None:
                return self
        raise BusyError(f"The folder {self.path} is removed again and again by another process; choose another folder.")

    def _locked(self, place: Path, deadline: float) -> int | None:
        """The lock's file, open and locked; None where it is not, or no longer, what others find in the folder."""
        with storage_errors(f"The lock {place}"):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(place, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o666)
            except FileNotFoundError:
                return None
        try:
            with storage_errors(f"The lock {place}"):
                while not _try_lock(descriptor):
                    if time.monotonic() >= deadline:
                        raise BusyError(
                            f"The folder {self.path} is in use by {_holder(descriptor)}; "
                            "wait until that has ended, or choose another folder."
                        )
                    time.sleep(_POLL_SECONDS)
                if not _is_at(descriptor, place):
                    os.close(descriptor)
                    return None
                holder = {"pid": os.getpid(), "host": socket.gethostname()}
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, dump_json(holder))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._descriptor is not None
        # The file stays: who waits for it would have to begin again with another one.
        os.close(self._descriptor)
        self._descriptor = None


def _is_at(descriptor: int, place: Path) -> bool:
    """Whether an open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(place))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    """Who wrote itself into the lock file."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        holder = parse_json(os.read(descriptor, 4096), "The lock")
        return f"process {int(holder['pid'])} on {str(holder['host'])!r}"
    except (RefusedFileError, KeyError, TypeError, ValueError):
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _WINDOWS_PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
