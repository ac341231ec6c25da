"""Folders that are whole or not there: built beside their place, then exchanged with what stands there."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from derin.core.faults import fault_point
from derin.core.storage import LEFTOVER, UNSUPPORTED, leftover_name, storage_errors, sync_folder

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new folder beside a future one, for `replace_folder`; what is left of it at the end is removed."""
    path = Path(parent) / leftover_name()
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
        sync_folder(temporary)
        fault_point("replace.started")
        if not final.is_dir():
            temporary.rename(final)
        elif not _exchange(temporary, final):
            _swap_by_two_renames(temporary, final)
        fault_point("replace.swapped")
        sync_folder(final.parent)
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
    for path in Path(folder).glob(LEFTOVER):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _aside(final: Path) -> Path:
    return final.with_name(f".{final.name}.old")


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
    if code in UNSUPPORTED:
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
