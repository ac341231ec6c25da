"""Files from the network, only when asked for: resumed where a connection broke, checked before they are used."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from derin.core.errors import DataError, StorageError
from derin.version import __version__

Progress = Callable[[int, int], None]

_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30.0
_MOST_FAILURES = 4
_PAUSE_SECONDS = 0.5
_MOST_DIGITS = 15  # of a size that a server tells
_ROUNDING = 0.01  # share by which a size in round numbers may differ


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file with a stable public address.

    Args:
        address: http or https; what comes is trusted only if its hash is right.
        name: of the file on disk.
        num_bytes: its size.
        sha256: its hash, known in advance; where its publisher states the beginning only, that.
        is_rounded: whether the size is what its publisher states in round numbers; the server is asked for all digits.
    """

    address: str
    name: str
    num_bytes: int
    sha256: str
    is_rounded: bool = False


def fetch_all(files: Sequence[RemoteFile], folder: Path, progress: Progress | None = None) -> Path:
    """The folder with all of these files: it appears under its name only when the last of them is right.

    Args:
        files: what to fetch.
        folder: where they shall lie.
        progress: called with (bytes there, bytes in all), over all files together.
    """
    growing = folder.with_name(f"{folder.name}.part")
    total, before = sum(f.num_bytes for f in files), 0
    for remote in files:
        fetch(remote, growing, None if progress is None else _shifted(progress, before, total))
        before += remote.num_bytes
    try:
        growing.rename(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written ({error.strerror or error}).") from error
    return folder


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    """Progress of one file among several."""
    return lambda done, _: progress(before + done, total)


def fetch(remote: RemoteFile, folder: Path, progress: Progress | None = None) -> Path:
    """The file in ``folder``, downloaded if it is not there yet.

    What has come is kept in ``NAME.part`` and continued by the next call. The file gets its name only when size and
    hash are right.

    Args:
        remote: what to fetch.
        folder: where it shall lie; made if needed.
        progress: called with (bytes there, bytes in all).

    Raises:
        DataError: the server cannot be reached, does not have the file, or sends another one.
        StorageError: the folder cannot be written.
    """
    if urllib.parse.urlsplit(remote.address).scheme not in ("http", "https"):
        raise DataError(f"{remote.address}: an address that starts with https:// or http:// is required.")
    path = folder / remote.name
    has_size = path.is_file() and (remote.is_rounded or path.stat().st_size == remote.num_bytes)
    if has_size and _hash_of(path).startswith(remote.sha256):
        return path
    if remote.is_rounded:
        remote = replace(remote, num_bytes=_exact_size(remote), is_rounded=False)
    part = path.with_name(path.name + ".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        resumed = part.exists() and part.stat().st_size > 0
        _complete(remote, part, progress)
        if not _hash_of(part).startswith(remote.sha256) and resumed:
            # What lay there came from another file: once from the start.
            part.unlink()
            _complete(remote, part, progress)
        if not (got := _hash_of(part)).startswith(remote.sha256):
            part.unlink()
            raise DataError(
                f"{remote.address}: the file that came is not the published one (SHA-256 {got[:12]}…, published "
                f"{remote.sha256[:12]}…); it was deleted. Try again later, or set DERIN_DATA to a folder with a copy."
            )
        part.replace(path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}); set DERIN_CACHE to another folder."
        ) from error
    return path


def _exact_size(remote: RemoteFile) -> int:
    """The size that the server tells, which must be what the publisher states in round numbers."""
    headers = {"User-Agent": f"derin/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(remote.address, headers=headers, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            told = str(response.headers.get("Content-Length", ""))
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = error.reason if isinstance(error, urllib.error.URLError) else str(error) or type(error).__name__
        raise DataError(
            f"{remote.address} cannot be fetched ({reason}). Check the network connection and run the same command "
            "again, or set DERIN_DATA to a folder with a copy."
        ) from None
    size = int(told) if told.isascii() and told.isdigit() and len(told) < _MOST_DIGITS else 0
    if abs(size - remote.num_bytes) > remote.num_bytes * _ROUNDING:
        raise DataError(
            f"{remote.address}: the published file has about {remote.num_bytes / 1e6:,.1f} MB; the server has "
            f"{f'{size / 1e6:,.1f} MB' if size else 'none of a size that it tells'}. Try again later, or set "
            "DERIN_DATA to a folder with a copy."
        )
    return size


def _complete(remote: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Fills the part file to its full size, over as many connections as it takes."""
    failures, most = 0, part.stat().st_size if part.exists() else 0
    while (have := part.stat().st_size if part.exists() else 0) < remote.num_bytes:
        reason = _continue(remote, part, have, progress)
        now = part.stat().st_size if part.exists() else 0
        if now >= remote.num_bytes:
            break
        # A connection that came further than any before is no failure: a slow line may break often.
        failures = 0 if now > most else failures + 1
        most = max(most, now)
        if failures >= _MOST_FAILURES:
            raise DataError(
                f"{remote.address} cannot be fetched ({reason}); {now:,} of {remote.num_bytes:,} bytes are kept. "
                "Check the network connection and run the same command again."
            )
        time.sleep(_PAUSE_SECONDS * failures)
    if part.stat().st_size > remote.num_bytes:
        size = part.stat().st_size
        part.unlink()
        raise DataError(
            f"{remote.address}: the published file has {remote.num_bytes:,} bytes; more came, {size:,}, deleted. "
            "Try again later, or set DERIN_DATA to a folder with a copy."
        )


def _continue(remote: RemoteFile, part: Path, have: int, progress: Progress | None) -> str:
    """One connection: appends what comes, and says why it ended."""
    headers = {"User-Agent": f"derin/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(remote.address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            continues = response.status == http.client.PARTIAL_CONTENT and response.headers.get(
                "Content-Range", ""
            ).startswith(f"bytes {have}-")
            with part.open("ab" if continues else "wb") as file:
                done = have if continues else 0
                while done <= remote.num_bytes and (chunk := _read(response)):
                    file.write(chunk)
                    done += len(chunk)
                    if progress is not None:
                        progress(min(done, remote.num_bytes), remote.num_bytes)
        return "the connection ended early"
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
        elif error.code < 500 and error.code not in (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS):
            raise DataError(
                f"{remote.address}: the server answers {error.code} {error.reason}; "
                "set DERIN_DATA to a folder with a copy."
            ) from None
        return f"the server answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except _BrokenConnection as error:
        return str(error)
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        return str(error) or type(error).__name__


class _BrokenConnection(Exception):
    """Reading from the network failed, as opposed to writing to the disk."""


def _read(response: Any) -> bytes:
    try:
        chunk: bytes = response.read1(_CHUNK_BYTES)
        return chunk
    except http.client.IncompleteRead as error:
        return error.partial
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenConnection(str(error) or type(error).__name__) from None


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
