"""The cache folder: what lies in it, how much room it takes, and how it is kept small.

Below the folder are rooms (``pictures``, ``downloads``), below these the entries. Everything in it can be made again,
so that any entry may be removed at any time. By itself what is made of a person's own files is removed where it takes
more than the limit, what was not used for longest first, and nothing that is in use; what was fetched stays.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derin.core.errors import BusyError, RefusedFileError, StorageError, UsageError
from derin.core.fields import Maybe, Required, checked_form
from derin.core.files import read_json, remove_leftovers, storage_errors, write_json
from derin.core.library_settings import cache_folder
from derin.core.lock import FolderLock

_SETTINGS = "settings.json"
_ABOUT = "about.txt"
_FETCHED = "downloads"
# Without a choice, of the disk that is free or taken by the cache; less only where that is less than two large sets.
_SHARE_OF_DISK, _LEAST_LIMIT = 0.25, 10 << 30
_SETTINGS_FORM = {"limit_bytes": Required(Maybe(int))}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A folder or file in the cache.

    Args:
        name: room and name, such as ``"pictures/pets-1f3a"``.
        path: where it lies.
        num_bytes: how much room it takes.
        last_use: seconds since 1970.
        about: what it holds, for people; may be empty.
    """

    name: str
    path: Path
    num_bytes: int
    last_use: float
    about: str

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "path": str(self.path),
            "bytes": self.num_bytes,
            "last_use": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.last_use)),
            "about": self.about,
        }


def entries() -> list[CacheEntry]:
    """Everything in the cache, the last used first."""
    found = []
    for namespace in _visible(cache_folder()):
        if namespace.is_dir() and not namespace.is_symlink():
            found += [_entry(namespace, path) for path in _visible(namespace)]
    return sorted(found, key=lambda entry: -entry.last_use)


def total_bytes() -> int:
    """How much room all entries take."""
    return sum(entry.num_bytes for entry in entries())


def mark_used(path: Path) -> None:
    """Notes that an entry was used now; on a disk that cannot be written nothing is noted."""
    with suppress(OSError):
        os.utime(path)


def describe(path: Path, text: str) -> None:
    """Writes what an entry (a folder) holds, for people who list the cache."""
    (path / _ABOUT).write_text(text, encoding="utf-8", errors="replace")


def hold(descriptor: int) -> None:
    """Marks a file of an entry as in use, for as long as it is open or mapped anywhere from this descriptor.

    On Windows what is open cannot be removed anyhow, and on file systems without locks nothing is marked.
    """
    if os.name == "posix":
        import fcntl

        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def limit(max_bytes: int, *, keep: Iterable[Path] = (), fetched: bool = True) -> list[CacheEntry]:
    """Removes the entries that were not used for longest until all together take no more than ``max_bytes``.

    Args:
        max_bytes: how much may remain.
        keep: entries that stay whatever they take. What is in use, and downloads that are not complete, stay as well.
        fetched: whether what was fetched counts and may be removed.

    Returns:
        what was removed.
    """
    kept = {Path(path) for path in keep}
    found = [entry for entry in entries() if fetched or not entry.name.startswith(f"{_FETCHED}/")]
    total, removed = sum(entry.num_bytes for entry in found), []
    for entry in reversed(found):
        if total <= max_bytes:
            break
        if entry.path in kept or entry.name.endswith(".part") or _is_in_use(entry.path):
            continue
        if _remove(entry.path):
            total -= entry.num_bytes
            removed.append(entry)
    return removed


def clear(name: str | None = None) -> list[CacheEntry]:
    """Removes one entry, all entries of a room, or everything.

    Args:
        name: of an entry (``"pictures/pets-1f3a"`` or ``"pets-1f3a"``) or of a room (``"pictures"``); None is
            everything.

    Returns:
        what was removed.

    Raises:
        UsageError: nothing in the cache has that name.
        StorageError: an entry cannot be removed.
    """
    found = entries()
    chosen = found if name is None else [e for e in found if name in (e.name, *e.name.split("/", 1))]
    if name is not None and not chosen:
        known = ", ".join(entry.name for entry in found) or "nothing"
        raise UsageError(f"The cache {cache_folder()} holds no entry {name!r}; it holds: {known}.")
    for entry in chosen:
        remove_unfinished(entry.path)
        if not _remove(entry.path):
            raise StorageError(
                f"The cache entry {entry.path} cannot be removed; close what uses it and check its rights."
            )
    return chosen


def byte_limit() -> int | None:
    """The most that the cache may take: ``DERIN_CACHE_LIMIT``, else what `set_byte_limit` chose, else a quarter of the
    disk that is free or taken by the cache, at least 10 GiB; None is no limit.

    Raises:
        UsageError: ``DERIN_CACHE_LIMIT`` is no size.
    """
    given = os.environ.get("DERIN_CACHE_LIMIT", "").strip()
    if given:
        return parse_limit(given, "DERIN_CACHE_LIMIT")
    folder = cache_folder()
    with suppress(RefusedFileError):
        chosen: int | None = checked_form(read_json(folder / _SETTINGS), _SETTINGS_FORM, "The cache")["limit_bytes"]
        if chosen is None or chosen >= 0:
            return chosen
    disk = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path.cwd())
    return max(_LEAST_LIMIT, int(_SHARE_OF_DISK * (shutil.disk_usage(disk).free + total_bytes())))


def set_byte_limit(max_bytes: int | None) -> None:
    """Remembers in the cache folder how much it may take; None is no limit."""
    folder = cache_folder()
    with storage_errors(f"The cache folder {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _SETTINGS, {"limit_bytes": max_bytes})


def work_folder(path: Path) -> Path:
    """Where an entry is made: it holds the lock and unfinished work, and stays when the entry is replaced."""
    return path.with_name(f".{path.name}")


def remove_unfinished(path: Path) -> None:
    """Removes what a killed process left of an entry, unless another one is making it now."""
    work = work_folder(path)
    if any(work.glob(".derin-*")):
        with suppress(BusyError, StorageError), FolderLock(work):
            remove_leftovers(work)


def keep_within_limit(newest: Path) -> list[CacheEntry]:
    """Removes old entries where the limit is passed; the newest one stays, whatever it takes, and what was fetched."""
    most = byte_limit()
    return [] if most is None else limit(most, keep=(newest,), fetched=False)


def parse_limit(text: str, where: str) -> int | None:
    """As `parse_bytes`; "none" is no limit."""
    return None if text.strip().lower() == "none" else parse_bytes(text, where)


def parse_bytes(text: str, where: str = "A size") -> int:
    """A number of bytes as people write it.

    Args:
        text: a number with or without a unit: K, M, G or T, each 1024 times the one before.
        where: what the number is for, for the message.

    Raises:
        UsageError: it is no size.

    Example:
        >>> parse_bytes("1.5G"), parse_bytes("20 MB"), parse_bytes("0")
        (1610612736, 20971520, 0)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?", text.strip().upper())
    if match is None:
        raise UsageError(f"{where} must be a number of bytes with or without K, M, G or T, such as 20G; got {text!r}.")
    return int(float(match[1]) * _UNITS[match[2]])


def bytes_in_words(number: int) -> str:
    """A number of bytes for people.

    Example:
        >>> bytes_in_words(1610612736), bytes_in_words(17)
        ('1.5 GiB', '17 bytes')
    """
    for unit, size in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder but locks and unfinished work, whose names start with a dot."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != _SETTINGS)
    except OSError:
        return []


def _entry(namespace: Path, path: Path) -> CacheEntry:
    num_bytes, last_use, about = 0, 0.0, ""
    # Another process may remove the entry at this very moment.
    with suppress(OSError):
        last_use = path.stat().st_mtime
        if path.is_dir():
            for parent, _, names in os.walk(path):
                for name in names:
                    with suppress(OSError):
                        num_bytes += (Path(parent) / name).lstat().st_size
            with suppress(FileNotFoundError), (path / _ABOUT).open(encoding="utf-8", errors="replace") as file:
                about = " ".join(file.read(400).split())
        else:
            num_bytes = path.stat().st_size
    return CacheEntry(f"{namespace.name}/{path.name}", path, num_bytes, last_use, about)


def _is_in_use(path: Path) -> bool:
    """Whether a process, or this one, holds a file of the entry (see `hold`)."""
    if os.name != "posix":
        return False
    import fcntl

    with suppress(FileNotFoundError):
        for place in path.iterdir() if path.is_dir() else ():
            with suppress(PermissionError, IsADirectoryError), place.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
    return False


def _remove(path: Path) -> bool:
    """Whether the entry is gone; it loses its name first, so that no reader sees a part of it."""
    aside = path.with_name(f".derin-{os.getpid()}-{secrets.token_hex(6)}.part")
    try:
        path.rename(aside)
    except OSError:
        return not path.exists()
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)
    return True
