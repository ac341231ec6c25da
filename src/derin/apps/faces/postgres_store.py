"""A gallery in PostgreSQL with pgvector: the tables lie in the schema ``derin_faces`` of the database that is named.

Searching is the server's, unless the gallery is encrypted: ciphertext has no distances, so that it is then kept in the
memory of whoever searches, as that of a file. Embeddings travel in PostgreSQL's binary form of COPY, in which each is a
record of known size: blocks of them are arrays of NumPy with big-endian numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from derin.apps.faces.memory_search import MemorySearch
from derin.apps.faces.search import Search
from derin.apps.faces.server_search import ServerSearch
from derin.apps.faces.store import BLOCK_ROWS, Store
from derin.core.errors import BusyError, DataError, MissingExtraError, RefusedFileError, StorageError, UsageError
from derin.core.printable import shown_reason

SCHEMA = "derin_faces"
# pgvector has HNSW since then.
_MIN_PGVECTOR = (0, 5)
_WAIT = "30s"  # for another writer
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END = b"\xff\xff"
# One for each version of the schema; %TYPE is that of an embedding, %ANYTYPE that of one of any size.
_MIGRATIONS = (
    """
    CREATE TABLE gallery (key text PRIMARY KEY, value text NOT NULL);
    CREATE TABLE people (
        id bigint PRIMARY KEY, name text NOT NULL UNIQUE, note text, log_id text NOT NULL, enrolled text NOT NULL
    );
    CREATE TABLE embeddings (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        person bigint NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        value %TYPE NOT NULL
    );
    ALTER TABLE embeddings ALTER COLUMN value SET STORAGE PLAIN;
    CREATE INDEX embeddings_of_person ON embeddings (person);
    CREATE TABLE log (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time text NOT NULL, action text NOT NULL, person text
    );
    """,
    """
    CREATE TABLE renewed (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        person bigint NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        value %ANYTYPE NOT NULL
    );
    CREATE INDEX renewed_of_person ON renewed (person);
    INSERT INTO gallery (key, value) VALUES ('exchanges', '0');
    """,
    """
    CREATE TABLE centroids (id bigint PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE listed (
        embedding bigint PRIMARY KEY REFERENCES embeddings (id) ON DELETE CASCADE, list bytea NOT NULL
    );
    DELETE FROM gallery WHERE key = 'index' AND EXISTS (SELECT 1 FROM gallery WHERE key = 'centroids');
    DELETE FROM gallery WHERE key IN ('centroids', 'lists');
    """,
)


class PostgresStore(Store):
    """The tables in a database of a server.

    Args:
        url: ``postgresql://user:password@host/database``, as libpq reads it.
        model: what a new gallery is bound to; None where only one that is there is to be opened.
        dim: numbers of an embedding of a new gallery.
        key: for a gallery that is or shall be encrypted.

    Raises:
        UsageError: there is no such gallery and no model is named; a key is missing or of no use; pgvector is missing.
        RefusedFileError: it is from a newer Derin, or encrypted with another key.
        StorageError: the server cannot be reached.
        MissingExtraError: psycopg is not installed.
    """

    def __init__(self, url: str, *, model: str | None, dim: int, key: str | None) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtraError("psycopg", "postgres", "A gallery in PostgreSQL") from None
        self._psycopg = psycopg
        self.place = "in PostgreSQL"
        with self._errors():
            self._connection = psycopg.connect(url, autocommit=True)
        info = self._connection.info
        self.place = f"postgresql://{info.host}/{info.dbname}"
        try:
            self._prepare(model, dim, key)
        except BaseException:
            self.close()
            raise

    def _prepare(self, model: str | None, dim: int, key: str | None) -> None:
        # For Derin alone; the type of pgvector lies where its extension was made, commonly in public.
        self.run(f"SELECT set_config('search_path', '{SCHEMA}, ' || current_setting('search_path'), false)")
        self.run(f"SELECT set_config('lock_timeout', '{_WAIT}', false)")
        if self.run(f"SELECT to_regclass('{SCHEMA}.gallery')")[0][0] is None and model is None:
            raise UsageError(f"There is no gallery in {self.place}; enrol somebody first, or name another database.")
        if key is None:
            self._require_pgvector()
        with self.writing(lock=False):
            # Of several that begin a gallery at the same time the others wait here.
            self.run("SELECT pg_advisory_xact_lock(hashtext(?))", SCHEMA)
            self.run(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            is_new = self.run(f"SELECT to_regclass('{SCHEMA}.gallery')")[0][0] is None
            version = 0 if is_new else int(self.value("schema"))
            if version > len(_MIGRATIONS):
                raise self.newer_form(version, len(_MIGRATIONS))
            column = f"vector({int(dim)})" if key is None else "bytea"
            for migration in _MIGRATIONS[version:]:
                tables = migration.replace("%TYPE", column).replace("%ANYTYPE", column.partition("(")[0])
                for statement in tables.split(";\n"):
                    if statement.strip():
                        self.run(statement)
            if version < len(_MIGRATIONS):
                self.set_value("schema", len(_MIGRATIONS))
            if is_new:
                assert model is not None
                self.initialize(model, dim, key)
        self.unlock(key)

    def _require_pgvector(self) -> None:
        installed = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        rows = self.run(installed)
        if not rows:
            try:
                with self.writing(lock=False):
                    self.run("SELECT pg_advisory_xact_lock(hashtext(?))", SCHEMA)
                    self.run("CREATE EXTENSION IF NOT EXISTS vector")
            except StorageError as error:
                raise UsageError(
                    f"A gallery in {self.place} needs the extension pgvector, which cannot be made there "
                    f"({shown_reason(error.__cause__ or error)}); install it on the server and run "
                    "CREATE EXTENSION vector as its administrator."
                ) from None
            rows = self.run(installed)
        if tuple(int(part) for part in rows[0][0].split(".")[:2]) < _MIN_PGVECTOR:
            raise UsageError(
                f"A gallery in {self.place} needs pgvector of at least {'.'.join(map(str, _MIN_PGVECTOR))}; it has "
                f"{rows[0][0]}. Update it and run ALTER EXTENSION vector UPDATE."
            )

    def searcher(self) -> Search:
        """What searches: the server, or this process where the embeddings are encrypted."""
        return ServerSearch(self) if self.cipher is None else MemorySearch(self)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A moment that all of the reading within sees."""
        if self._in_transaction():
            yield
            return
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            self._roll_back()

    @contextmanager
    def writing(self, *, lock: bool = True) -> Iterator[None]:
        """A transaction of the only writer."""
        self.run("BEGIN")
        try:
            if lock:
                self.run("LOCK TABLE gallery IN EXCLUSIVE MODE")
            yield
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _in_transaction(self) -> bool:
        return self._connection.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE

    def _roll_back(self) -> None:
        if self._in_transaction():
            with suppress(self._psycopg.Error):
                self._connection.execute("ROLLBACK")

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement answers; numbers and text as of Python, vectors as bytes."""
        with self._errors():
            cursor = self._connection.execute(statement.replace("?", "%s"), parameters or None, binary=True)
            return cursor.fetchall() if cursor.description else []

    def insert(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Adds many rows."""
        with self._copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def add_embeddings(self, people: np.ndarray, embeddings: np.ndarray, *, table: str = "embeddings") -> None:
        """Adds embeddings of people."""
        if self.cipher is None:
            values = np.zeros(
                len(people), [("dim", ">i2"), ("unused", ">i2"), ("numbers", ">f4", embeddings.shape[1:])]
            )
            values["dim"], values["numbers"] = embeddings.shape[1], embeddings
        else:
            rows = embeddings.astype("<f4", copy=False)
            sealed = self.cipher.seal_rows([row.tobytes() for row in rows], people.tolist())
            values = np.frombuffer(b"".join(sealed), f"V{len(sealed[0])}") if sealed else np.empty(0, "V1")
        fields = [("fields", ">i2"), ("bytes0", ">i4"), ("person", ">i8"), ("bytes1", ">i4"), ("value", values.dtype)]
        records = np.empty(len(people), fields)
        records["fields"], records["bytes0"], records["bytes1"] = 2, 8, values.dtype.itemsize
        records["person"], records["value"] = people, values
        with self._copy(f"COPY {table} (person, value) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_COPY_HEADER + records.tobytes() + _COPY_END)

    def blocks(self, *, after: int = 0, person: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """Ids, people and embeddings, by blocks."""
        condition = "" if person is None else f"AND person = {int(person)}"
        while True:
            statement = (
                f"COPY (SELECT id, person, value FROM embeddings WHERE id > {int(after)} {condition} "
                f"ORDER BY id LIMIT {BLOCK_ROWS}) TO STDOUT (FORMAT BINARY)"
            )
            with self._copy(statement) as copy:
                data = b"".join(bytes(part) for part in copy)
            data = data[len(_COPY_HEADER) : -len(_COPY_END)]
            if not data:
                return
            ids, people, embeddings = self._records(data)
            yield ids, people, embeddings
            after = int(ids[-1])

    def _records(self, data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value: Any = [("dim", ">i2"), ("unused", ">i2"), ("numbers", ">f4", (self.dim,))]
        if self.cipher is not None:
            value = f"V{int.from_bytes(data[26:30], 'big')}"
        fields: Any = [("fields", ">i2"), ("bytes0", ">i4"), ("id", ">i8"), ("bytes1", ">i4"), ("person", ">i8")]
        fields += [("bytes2", ">i4"), ("value", value)]
        if len(data) % np.dtype(fields).itemsize:
            raise self.damaged()
        records = np.frombuffer(data, fields)
        people = records["person"].astype(np.int64)
        if self.cipher is not None:
            embeddings = self.decode([part.tobytes() for part in records["value"]], people.tolist())
        else:
            embeddings = records["value"]["numbers"].astype(np.float32)
        return records["id"].astype(np.int64), people, embeddings

    def change_dim(self, dim: int) -> None:
        """Readies the table, which is empty, for embeddings of another size; its index by distance goes."""
        self.searcher().drop_index()
        if self.cipher is None:
            self.run(f"ALTER TABLE embeddings ALTER COLUMN value TYPE vector({int(dim)})")

    def finish_removal(self) -> None:
        """Nothing: rows that were removed stay in the server's files until it vacuums, which is its administrator's."""

    @contextmanager
    def _copy(self, statement: str) -> Iterator[Any]:
        with self._errors(), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.errors.LockNotAvailable as error:
            raise BusyError(
                f"The gallery {self.place} is being written by another process; try again later."
            ) from error
        except self._psycopg.errors.UndefinedColumn as error:
            raise RefusedFileError(f"The schema {SCHEMA} of {self.place} is no gallery of Derin's.") from error
        except self._psycopg.errors.DataException as error:
            raise DataError(
                f"The gallery {self.place} refused what was to be stored ({shown_reason(error)})."
            ) from error
        except self._psycopg.Error as error:
            raise StorageError(
                f"The gallery {self.place} cannot be read or written ({shown_reason(error)}); "
                "check the server and its address."
            ) from error
