"""Where a gallery lies: people, their embeddings, settings and the log in a database, behind one small interface.

The statements are SQL that SQLite and PostgreSQL both read. What differs (connections, transactions, bulk loading, how
an embedding is a value of a column) is each store's own. A store checks nothing: that is the gallery's.
"""

from __future__ import annotations

import base64
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from derin.apps.faces.encryption import KEY_VARIABLE, Cipher
from derin.apps.faces.search import Search
from derin.core.errors import RefusedFileError, UsageError

# Rows that are read from the database at a time: 4 MiB of embeddings of 128.
BLOCK_ROWS = 8192
# Parameters of one statement; SQLite takes 32 766, PostgreSQL 65 535.
_MAX_PARAMETERS = 1000


@dataclass(frozen=True)
class StoredPerson:
    """A row of the table of people.

    Args:
        id: given once and never again.
        name: by which people are known, unique.
        note: what was written beside it.
        log_id: the random name that stands for them in the log.
        enrolled: when, in UTC.
        num_embeddings: how many there are of them.
    """

    id: int
    name: str
    note: str | None
    log_id: str
    enrolled: str
    num_embeddings: int


class Store(ABC):
    """The tables of one gallery.

    Reading and writing happen inside of `reading` and `writing`. What is read in one `reading` is of one moment; what
    is written in one `writing` is there as a whole or not at all, and one writes at a time.
    """

    place: str
    dim: int
    cipher: Cipher | None = None

    # ---- each store's own

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """A moment that all of the reading within sees."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """A transaction of the only writer."""

    @abstractmethod
    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement with ``?`` for its parameters answers."""

    @abstractmethod
    def insert(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Adds many rows."""

    @abstractmethod
    def add_embeddings(self, people: np.ndarray, embeddings: np.ndarray, *, table: str = "embeddings") -> None:
        """Adds embeddings, float32 (N, D), of the people with these ids, int64 (N,)."""

    @abstractmethod
    def blocks(self, *, after: int = 0, person: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """Ids, people and embeddings in the order in which they were added, by blocks; those above the id ``after``."""

    @abstractmethod
    def change_dim(self, dim: int) -> None:
        """Readies the table of embeddings, which is empty, for those of another size."""

    @abstractmethod
    def searcher(self) -> Search:
        """What searches the embeddings."""

    @abstractmethod
    def finish_removal(self) -> None:
        """Takes what was removed out of the bytes that lie on the disk; outside of any transaction."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection."""

    # ---- settings and counters

    def value(self, key: str) -> Any:
        """What stands under a key, or None."""
        rows = self.run("SELECT value FROM gallery WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def set_value(self, key: str, value: Any) -> None:
        """Writes plain data under a key; None removes it."""
        self.run("DELETE FROM gallery WHERE key = ?", key)
        if value is not None:
            self.run("INSERT INTO gallery (key, value) VALUES (?, ?)", key, json.dumps(value))

    def changes(self) -> tuple[int, int, int]:
        """How often anything was written, people were removed, all embeddings exchanged: by it old copies are known."""
        counters = "'changes', 'removals', 'exchanges'"
        found = dict(self.run(f"SELECT key, value FROM gallery WHERE key IN ({counters})"))
        return int(found["changes"]), int(found["removals"]), int(found["exchanges"])

    def count(self, counter: str, by: int = 1) -> int:
        """Raises one of the counters of the gallery; what it was before."""
        before = int(self.value(counter))
        self.run("UPDATE gallery SET value = ? WHERE key = ?", str(before + by), counter)
        return before

    def initialize(self, model: str, dim: int, key: str | None) -> None:
        """What stands in a new gallery."""
        for counter, value in (("changes", 0), ("removals", 0), ("exchanges", 0), ("next_person", 1)):
            self.set_value(counter, value)
        self.set_value("model", model)
        self.set_value("dim", dim)
        if key is not None:
            self.cipher, stored = Cipher.create(key)
            self.set_value("encryption", stored)

    def unlock(self, key: str | None) -> None:
        """Reads what the gallery says of itself, and takes the key that it needs.

        Raises:
            UsageError: a key is missing or of no use.
            RefusedFileError: it is another key.
        """
        self.dim = int(self.value("dim"))
        stored = self.value("encryption")
        if stored is not None and key is None:
            raise UsageError(f"The gallery {self.place} is encrypted; set {KEY_VARIABLE} to its key.")
        if stored is None and key is not None:
            raise UsageError(
                f"The gallery {self.place} is not encrypted; unset {KEY_VARIABLE}, or begin a new gallery."
            )
        if stored is not None and key is not None and self.cipher is None:
            self.cipher = Cipher.open(key, stored, self.place)

    # ---- people

    def ids(self, names: Sequence[str]) -> dict[str, int]:
        """Ids of those of the names that are there."""
        sealed = {self.seal(name): name for name in names}
        found = self._in("SELECT name, id FROM people WHERE name IN", list(sealed))
        return {sealed[name]: person for name, person in found}

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """Names of those of the ids that are there."""
        found = self._in("SELECT id, name FROM people WHERE id IN", sorted({int(i) for i in ids}))
        return {person: self.unseal(name) for person, name in found}

    def people(self, name: str | None = None) -> list[StoredPerson]:
        """All of them, or the one of that name, in the order of their enrolment."""
        condition, parameters = ("", ()) if name is None else ("WHERE name = ?", (self.seal(name),))
        rows = self.run(
            "SELECT id, name, note, log_id, enrolled, "
            "(SELECT count(*) FROM embeddings WHERE person = people.id) "
            f"FROM people {condition} ORDER BY id",
            *parameters,
        )
        return [
            StoredPerson(i, self.unseal(name), self._unseal_note(note, i), log_id, enrolled, num)
            for i, name, note, log_id, enrolled, num in rows
        ]

    def people_ids(self) -> np.ndarray:
        """Ids of everybody, int64."""
        return np.array([person for (person,) in self.run("SELECT id FROM people")], np.int64)

    def num_people(self) -> int:
        """How many are enrolled."""
        return int(self.run("SELECT count(*) FROM people")[0][0])

    def num_embeddings(self) -> int:
        """How many embeddings there are of all people."""
        return int(self.run("SELECT count(*) FROM embeddings")[0][0])

    def add_people(self, people: Sequence[tuple[str, str | None]], time: str, action: str) -> dict[str, int]:
        """Adds people by name and note, with a line of the log each; their new ids."""
        first = self.count("next_person", len(people))
        log_ids = os.urandom(8 * len(people)).hex()
        ids = {name: first + at for at, (name, _) in enumerate(people)}
        rows = [
            (first + at, self.seal(name), self._seal_note(note, first + at), log_ids[16 * at :][:16], time)
            for at, (name, note) in enumerate(people)
        ]
        self.insert("people", "id, name, note, log_id, enrolled", rows)
        self.insert("log", "time, action, person", [(time, action, row[3]) for row in rows])
        return ids

    def set_note(self, person: int, note: str) -> None:
        """Writes a note in place of the one of before."""
        self.run("UPDATE people SET note = ? WHERE id = ?", self._seal_note(note, person), person)

    def remove_people(self, ids: Sequence[int]) -> None:
        """Takes people away, their embeddings with them."""
        self._in("DELETE FROM people WHERE id IN", list(ids))
        self.count("removals")

    # ---- the lists of an index, in tables of their own: what is large slows every look into that of settings

    def save_lists(self, centroids: np.ndarray, ids: np.ndarray, lists: np.ndarray) -> None:
        """Writes down centroids and which embedding is in which list, in place of those of before.

        Shapes:
            centroids float32 (L, D); ids of the embeddings and numbers of the lists int64 (N,).
        """
        self.drop_lists()
        for table, columns, numbers, values in (
            ("centroids", "id, value", np.arange(len(centroids)), centroids.astype("<f4")),
            ("listed", "embedding, list", ids, lists.astype("<i4")[:, None]),
        ):
            rows = [row.tobytes() for row in values]
            if self.cipher is not None:
                rows = self.cipher.seal_rows(rows, numbers.tolist())
            self.insert(table, columns, zip(numbers.tolist(), rows, strict=True))

    def saved_lists(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `save_lists` wrote down, but for embeddings that are gone: with them their rows went; ids in order."""
        numbers, values = zip(*self.run("SELECT id, value FROM centroids ORDER BY id"), strict=True)
        ids: list[int] = []
        data = b""
        while rows := self.run(
            "SELECT embedding, list FROM listed WHERE embedding > ? ORDER BY embedding LIMIT ?",
            ids[-1] if ids else 0,
            BLOCK_ROWS,
        ):
            owners, lists = zip(*rows, strict=True)
            data += b"".join(lists if self.cipher is None else self.cipher.open_rows(lists, owners))
            ids += owners
        return self.decode(values, numbers), np.array(ids, np.int64), np.frombuffer(data, "<i4").astype(np.int64)

    def drop_lists(self) -> None:
        """Takes them away."""
        self.run("DELETE FROM listed")
        self.run("DELETE FROM centroids")

    # ---- embeddings of another model, which replace those that are there when everybody has them

    def start_renewal(self, model: str, dim: int) -> None:
        """Goes on with the renewal for a model, or begins it and forgets one for any other."""
        asked = {"model": model, "dim": dim}
        if self.value("renewal") != asked:
            self.run("DELETE FROM renewed")
            self.set_value("renewal", asked)

    def to_renew(self, limit: int) -> dict[int, str]:
        """Ids and names of some who have no new embeddings yet."""
        rows = self.run(
            "SELECT id, name FROM people WHERE NOT EXISTS (SELECT 1 FROM renewed WHERE person = people.id) "
            "ORDER BY id LIMIT ?",
            limit,
        )
        return {person: self.unseal(name) for person, name in rows}

    def finish_renewal(self, model: str, dim: int) -> None:
        """Puts the new embeddings in the place of the old ones."""
        self.run("DELETE FROM embeddings")
        self.change_dim(dim)
        self.run("INSERT INTO embeddings (person, value) SELECT person, value FROM renewed ORDER BY id")
        self.run("DELETE FROM renewed")
        for key, value in (("renewal", None), ("settings", None), ("model", model), ("dim", dim)):
            self.set_value(key, value)
        self.count("exchanges")
        self.dim = dim

    # ---- helpers

    def _in(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _MAX_PARAMETERS):
            part = values[start : start + _MAX_PARAMETERS]
            rows += self.run(f"{statement} ({', '.join('?' * len(part))})", *part)
        return rows

    def seal(self, text: str) -> str:
        """Text as it is stored."""
        return text if self.cipher is None else self.cipher.seal_text(text)

    def unseal(self, text: str) -> str:
        """Text of what is stored."""
        return text if self.cipher is None else self.cipher.open_text(text)

    def _seal_note(self, note: str | None, person: int) -> str | None:
        if note is None or self.cipher is None:
            return note
        return base64.b64encode(self.cipher.seal_rows([note.encode()], [person])[0]).decode()

    def _unseal_note(self, note: str | None, person: int) -> str | None:
        if note is None or self.cipher is None:
            return note
        return self.cipher.open_rows([base64.b64decode(note)], [person])[0].decode()

    def decode(self, values: Sequence[bytes], people: Sequence[int]) -> np.ndarray:
        """Embeddings of the bytes in which they lie in the database."""
        if self.cipher is not None:
            values = self.cipher.open_rows(values, people)
        flat = np.frombuffer(b"".join(values), "<f4")
        if flat.size != len(values) * self.dim:
            raise self.damaged()
        return flat.reshape(-1, self.dim).astype(np.float32, copy=False)

    def damaged(self, what: str = "an embedding of another size") -> RefusedFileError:
        """The error of what does not fit."""
        return RefusedFileError(f"The gallery {self.place} holds {what}; restore a backup.")

    def newer_form(self, version: int, known: int) -> RefusedFileError:
        """The error of a gallery of tomorrow."""
        return RefusedFileError(
            f"The gallery {self.place} was written by a newer Derin (its form is {version}, known is {known}); "
            "update Derin."
        )
