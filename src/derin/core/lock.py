"""A lock on a folder that no second process can take and that dies with its holder.

The filelock library locks the file; here is what a folder adds: it may be removed or replaced by another while it is
waited for, and who is refused is told by whom.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from derin.core.errors import BusyError, RefusedFileError
from derin.core.files import read_json, storage_errors
from derin.core.strict_json import dump_json

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_NAME = ".lock"
_MOST_ATTEMPTS = 100  # each fails only where the folder was removed at that very moment


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
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> FolderLock:
        from filelock import FileLock, Timeout

        place = self.path / LOCK_NAME
        deadline = time.monotonic() + self.wait_seconds
        # The name stays after the release: who waits for it would have to begin again with another file.
        lock = FileLock(place, thread_local=False, preserve_lock_file=True, on_acquired=self._sign)
        with storage_errors(f"The lock {place}"):
            for _ in range(_MOST_ATTEMPTS):
                self.path.mkdir(parents=True, exist_ok=True)
                try:
                    lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
                except FileNotFoundError:
                    continue
                except Timeout:
                    raise BusyError(
                        f"The folder {self.path} is in use by {_holder(place)}; "
                        "wait until that has ended, or choose another folder."
                    ) from None
                self._lock = lock
                return self
        raise BusyError(f"The folder {self.path} is removed again and again by another process; choose another folder.")

    def _sign(self, descriptor: int) -> None:
        """Writes who holds the file that was just locked.

        Raises:
            FileNotFoundError: it is not, or no longer, the one that others find in the folder; the lock is given back.
        """
        if not os.path.samestat(os.fstat(descriptor), (self.path / LOCK_NAME).lstat()):
            raise FileNotFoundError
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, dump_json({"pid": os.getpid(), "host": socket.gethostname()}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._lock is not None
        self._lock.release()
        self._lock = None


def _holder(place: Path) -> str:
    """Who wrote itself into the lock file."""
    try:
        holder = read_json(place, max_bytes=4096)
        return f"process {int(holder['pid'])} on {str(holder['host'])!r}"
    except (RefusedFileError, KeyError, TypeError, ValueError):
        return "another process"
