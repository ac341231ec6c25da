"""A gallery in one file: SQLite with a write-ahead log, one writer beside any number of readers.

A removal is followed by ``VACUUM`` and by emptying the write-ahead log: ``secure_delete`` alone leaves copies of rows
where pages were split.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from derin.apps.faces.memory_search import MemorySearch
from derin.apps.faces.search import Search
from derin.apps.faces.store import BLOCK_ROWS, Store
from derin.core.errors import BusyError, DerinError, RefusedFileError, StorageError, UsageError
from derin.core.storage import storage_errors

_APPLICATION_ID = 0x44464743  # "DFGC", by which the file is known
_WAIT_MS = 30_000  # for another writer; bulk enrolment commits several times a second
_SETTINGS = (
    "page_size = 8192",  # of a new file: fifteen embeddings of 128 and little waste
    "journal_mode = WAL",
    "synchronous = FULL",  # what was committed outlives a power cut
    "foreign_keys = ON",
    "secure_delete = ON",
    "cache_size = -65536",  # KiB
    "wal_autocheckpoint = 8192",  # pages: those that bulk enrolment changes again and again are written back once
)
# One for each version of the schema; a file of an older one is brought up to date when it is opened.
_MIGRATIONS = (
    """
    CREATE TABLE gallery (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE people (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, note TEXT, log_id TEXT NOT NULL, enrolled TEXT NOT NULL
    );
    CREATE TABLE embeddings (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        value BLOB NOT NULL
    );
    CREATE INDEX embeddings_of_person ON embeddings (person);
    CREATE TABLE log (id INTEGER PRIMARY KEY, time TEXT NOT NULL, action TEXT NOT NULL, person TEXT);
    """,
    """
    CREATE TABLE renewed (
        id INTEGER PRIMARY KEY,
        person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        value BLOB NOT NULL
    );
    CREATE INDEX renewed_of_person ON renewed (person);
    INSERT INTO gallery (key, value) VALUES ('exchanges', '0');
    """,
    """
    CREATE TABLE centroids (id INTEGER PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE listed (
        embedding INTEGER PRIMARY KEY REFERENCES embeddings (id) ON DELETE CASCADE, list BLOB NOT NULL
    );
    DELETE FROM gallery WHERE key = 'index' AND EXISTS (SELECT 1 FROM gallery WHERE key = 'centroids');
    DELETE FROM gallery WHERE key IN ('centroids', 'lists');
    """,
)


class SQLiteStore(Store):
    """The tables in a file.

    Args:
        path: of the file; made if there is none.
        model: what a new gallery is bound to; None where only one that is there is to be opened.
        dim: numbers of an embedding of a new gallery.
        key: for a gallery that is or shall be encrypted.

    Raises:
        UsageError: there is no such gallery and no model is named, or a key is missing or of no use.
        RefusedFileError: the file is no gallery, damaged, from a newer Derin, or encrypted with another key.
        StorageError: the file cannot be written.
        BusyError: another process is writing for too long.
    """

    def __init__(self, path: Path, *, model: str | None, dim: int, key: str | None) -> None:
        self.place = str(path)
        is_new = not path.exists() or path.stat().st_size == 0
        if is_new and model is None:
            raise UsageError(f"There is no gallery {self.place}; enrol somebody first, or name another file.")
        with storage_errors(f"The gallery {self.place}"):
            # Readable for its owner alone; what SQLite puts beside it takes after it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._errors():
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        try:
            self._prepare(model, dim, key)
        except BaseException:
            self.close()
            if is_new:
                self._remove_if_empty(path)
            raise

    def _prepare(self, model: str | None, dim: int, key: str | None) -> None:
        if self._pragma("application_id") != _APPLICATION_ID and self._has_tables():
            raise RefusedFileError(f"The file {self.place} is no gallery of Derin's; name another file.")
        for setting in _SETTINGS:
            self._pragma(setting)
        self._migrate(model, dim, key)
        self.unlock(key)
        if self.value("removing"):
            with suppress(BusyError, StorageError):  # whoever opens it next tries again
                self.finish_removal()

    def _migrate(self, model: str | None, dim: int, key: str | None) -> None:
        version = self._pragma("user_version")
        if version > len(_MIGRATIONS):
            raise self.newer_form(version, len(_MIGRATIONS))
        if version == len(_MIGRATIONS):
            return
        with self.writing():
            version = self._pragma("user_version")  # another process may have been first
            for number in range(version, len(_MIGRATIONS)):
                for statement in _MIGRATIONS[number].split(";\n"):
                    self.run(statement)
            self._pragma(f"application_id = {_APPLICATION_ID}")
            self._pragma(f"user_version = {len(_MIGRATIONS)}")
            if version == 0:
                assert model is not None
                self.initialize(model, dim, key)

    def _pragma(self, setting: str) -> Any:
        rows = self.run(f"PRAGMA {setting}")
        return rows[0][0] if rows else None

    def _has_tables(self) -> bool:
        return bool(self.run("SELECT count(*) FROM sqlite_master")[0][0])

    def _remove_if_empty(self, path: Path) -> None:
        """Takes away the file that was made for a gallery that could not be begun."""
        with suppress(OSError):
            if path.stat().st_size == 0:
                path.unlink()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A moment that all of the reading within sees."""
        if self._connection.in_transaction:
            yield
            return
        self.run("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction of the only writer."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, StorageError):
                with suppress(DerinError):  # what the log holds of earlier transactions is room that may be had
                    self.run("PRAGMA wal_checkpoint(TRUNCATE)")
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk ends it by itself
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement answers."""
        with self._errors():
            return self._connection.execute(statement, parameters).fetchall()

    def insert(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Adds many rows."""
        places = ", ".join("?" * (columns.count(",") + 1))
        with self._errors():
            self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)

    def add_embeddings(self, people: np.ndarray, embeddings: np.ndarray, *, table: str = "embeddings") -> None:
        """Adds embeddings of people."""
        data, size, owners = embeddings.astype("<f4", copy=False).tobytes(), 4 * embeddings.shape[1], people.tolist()
        values = [data[at : at + size] for at in range(0, len(data), size)]
        if self.cipher is not None:
            values = self.cipher.seal_rows(values, owners)
        self.insert(table, "person, value", zip(owners, values, strict=True))

    def blocks(self, *, after: int = 0, person: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """Ids, people and embeddings, by blocks."""
        condition, parameters = ("id > ?", (after,)) if person is None else ("person = ?", (person,))
        with self._errors():
            cursor = self._connection.execute(
                f"SELECT id, person, value FROM embeddings WHERE {condition} ORDER BY id", parameters
            )
            while rows := cursor.fetchmany(BLOCK_ROWS):
                ids, people, values = zip(*rows, strict=True)
                yield np.array(ids, np.int64), np.array(people, np.int64), self.decode(values, people)

    def remove_people(self, ids: Sequence[int]) -> None:
        """Takes people away; `finish_removal` is to follow, now or when the file is opened the next time."""
        super().remove_people(ids)
        self.set_value("removing", True)

    def finish_renewal(self, model: str, dim: int) -> None:
        """Exchanges the embeddings; `finish_removal` is to follow."""
        super().finish_renewal(model, dim)
        self.set_value("removing", True)

    def change_dim(self, dim: int) -> None:
        """Nothing: blobs are of any size."""

    def searcher(self) -> Search:
        """What searches: this process, over all embeddings in its memory."""
        return MemorySearch(self)

    def finish_removal(self) -> None:
        """Writes the file anew without what was removed, and empties the write-ahead log.

        Raises:
            BusyError: readers hold the old state for too long.
            StorageError: the disk has no room for the new file.
        """
        self.run("VACUUM")
        blocked, _, _ = self.run("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        if blocked:
            raise BusyError(
                f"The gallery {self.place} is being read; what was removed stays in the bytes of its write-ahead log "
                "until it is opened the next time."
            )
        with self.writing():
            self.set_value("removing", None)

    def close(self) -> None:
        """Ends the connection."""
        with suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> DerinError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        what = f"The gallery {self.place}"
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return BusyError(f"{what} is being written by another process; try again when that has ended.")
        if code == sqlite3.SQLITE_FULL:
            full = StorageError(f"{what} cannot be written (the disk is full); free some space.")
            full.errno = errno.ENOSPC
            return full
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return RefusedFileError(f"{what} is no gallery or is damaged ({error}); name another, or restore a backup.")
        if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return StorageError(f"{what} cannot be read or written ({error}); check the disk and the path.")
        raise error
