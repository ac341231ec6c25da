"""The gallery: people by name, with the embeddings of their faces, searched for whoever is nearest.

It knows no networks: embeddings are arrays of float32 of length one, and all are of the one model whose fingerprint the
gallery is bound to. Two that are at most the threshold apart are said to show the same person; distances are Euclidean
and lie between 0 and 2.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

import numpy as np

from derin.apps.faces.encryption import KEY_VARIABLE
from derin.apps.faces.postgres_store import PostgresStore
from derin.apps.faces.search import near_pairs
from derin.apps.faces.sqlite_store import SQLiteStore
from derin.apps.faces.store import Store, StoredPerson
from derin.core.errors import DataError, RefusedFileError, ShapeError, UsageError
from derin.core.printable import printable

# Two embeddings of one picture, computed twice or stored in another form, are closer than this.
COPY_DISTANCE = 1e-3
# Where a bulk enrolment is compared with who is there already unless it is said: some seconds of products.
_MAX_COMPARISONS = 10**9
# What one transaction of a bulk enrolment holds; a person is never divided.
_EMBEDDINGS_OF_A_COMMIT = 16_384
_PEOPLE_OF_A_RENEWAL = 64
_MAX_NAME = 200
_MAX_NEAR = 1000
_MIN_INDEXED = 100
# Of a float32 vector normalized in float32; rows that are off by more are normalized anew, by much more refused.
_EXACT_LENGTH, _MAX_LENGTH_ERROR = 1e-6, 1e-3

Known = Literal["refuse", "add", "skip"]


@dataclass(frozen=True)
class Person:
    """Somebody who is enrolled.

    Args:
        name: unique in the gallery.
        num_embeddings: how many there are.
        note: what was written beside the name.
        enrolled: when, in UTC, as ISO 8601.
    """

    name: str
    num_embeddings: int
    note: str | None
    enrolled: str


class Matches(NamedTuple):
    """What a search found.

    Args:
        names: of each query, nearest first.
        distances: float64 (B, k), beside the names.
    """

    names: list[list[str]]
    distances: np.ndarray


@dataclass(frozen=True)
class Near:
    """Two people who may be one: their nearest embeddings are this far apart."""

    name: str
    other: str
    distance: float


@dataclass(frozen=True)
class Enrolment:
    """What an enrolment stored and noticed.

    Args:
        num_people: who are new.
        num_embeddings: that were added.
        num_skipped: people left out because they are enrolled already.
        num_compared: embeddings that were compared with those of all others.
        near: pairs of people suspiciously near, nearest first, 1000 at most.
    """

    num_people: int
    num_embeddings: int
    num_skipped: int
    num_compared: int
    near: tuple[Near, ...]


@dataclass(frozen=True)
class IndexReport:
    """An index and how it did when it was built.

    Args:
        kind: ``"inverted lists"`` or ``"HNSW"``.
        recall: how often the nearest other embedding was found.
        num_queries: of so many.
        exact_seconds: of exact search, for each query of a batch.
        approximate_seconds: of search by the index.
        build_seconds: of building.
        num_embeddings: that there were; None of an index of earlier times.
        num_bytes: that it takes: in the memory of a process that searches a file, or in the server.
    """

    kind: str
    recall: float
    num_queries: int
    exact_seconds: float
    approximate_seconds: float
    build_seconds: float
    num_embeddings: int | None = None
    num_bytes: int | None = None


@dataclass(frozen=True)
class LogEntry:
    """A line of the log.

    Args:
        time: in UTC, as ISO 8601.
        action: what was done.
        person: the random id of whom it was done to; None where it was to nobody in particular.
        name: who that is; None when they were removed, with the link from the id to them.
    """

    time: str
    action: str
    person: str | None
    name: str | None


class Gallery:
    """People and their embeddings. Made by `Gallery.open`.

    Every change is there as a whole or not at all, also when the process is killed, and is seen by the next search of
    every other process. A gallery may be used by several threads.

    Example:
        >>> import tempfile
        >>> ada, alan = np.eye(2, 128, dtype=np.float32)
        >>> gallery = Gallery.open(Path(tempfile.mkdtemp()) / "faces.db", model="a fingerprint")
        >>> gallery.enrol("Ada", ada).num_embeddings
        1
        >>> gallery.enrol_many([("Alan", alan)]).num_people
        1
        >>> names, distances = gallery.search(ada, k=2)
        >>> names, distances.round(3).tolist()
        ([['Ada', 'Alan']], [[0.0, 1.414]])
        >>> gallery.remove("Ada")
        1
        >>> [person.name for person in gallery.people()]
        ['Alan']
        >>> gallery.close()
    """

    def __init__(self, store: Store, model: str | None) -> None:
        self._store, self._bound = store, model
        self._search = store.searcher()
        self._lock = threading.RLock()

    @classmethod
    def open(cls, place: str | Path, *, model: str | None = None, dim: int = 128, key: str | None = None) -> Gallery:
        """Opens a gallery; one that is not there is made where a model is named.

        Args:
            place: the path of a file, or ``postgresql://user:password@host/database``.
            model: fingerprint of the model that makes the embeddings. Without it only a gallery that is there is
                opened, and only for what needs no embeddings: people, export, removal, log, settings.
            dim: numbers of an embedding.
            key: with which names, notes and embeddings are encrypted; by default what ``DERIN_GALLERY_KEY`` holds.

        Raises:
            UsageError: there is no such gallery and no model is named; or a key is missing, or of no use.
            RefusedFileError: another model's gallery, another key's, a newer Derin's, or no gallery.
            StorageError: the file cannot be written.
            BusyError: another process is writing for too long.
            MissingExtraError: encryption needs cryptography.
        """
        key = os.environ.get(KEY_VARIABLE) if key is None else key
        store: Store
        if str(place).startswith(("postgresql://", "postgres://")):
            store = PostgresStore(str(place), model=model, dim=dim, key=key or None)
        else:
            store = SQLiteStore(Path(place), model=model, dim=dim, key=key or None)
        try:
            gallery = cls(store, model)
            if model is not None:
                gallery._require_model()
            if model is not None and dim != store.dim:
                raise ShapeError(f"The gallery {store.place} holds embeddings of {store.dim} numbers; got dim={dim}.")
        except BaseException:
            store.close()
            raise
        return gallery

    def close(self) -> None:
        """Lets the file go."""
        with self._lock:
            self._store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- what is there

    @property
    def place(self) -> str:
        """The path or address, without any password."""
        return self._store.place

    @property
    def dim(self) -> int:
        """Numbers of an embedding."""
        return self._store.dim

    @property
    def model(self) -> str:
        """Fingerprint of the model whose embeddings these are."""
        with self._reading():
            return str(self._store.value("model"))

    @property
    def encrypted(self) -> bool:
        """Whether names, notes and embeddings are encrypted."""
        return self._store.cipher is not None

    @property
    def num_people(self) -> int:
        """How many are enrolled."""
        with self._reading():
            return self._store.num_people()

    @property
    def num_embeddings(self) -> int:
        """How many embeddings there are of all people."""
        with self._reading():
            return self._store.num_embeddings()

    def people(self) -> list[Person]:
        """Everybody, in the order of their enrolment."""
        with self._reading():
            return [Person(p.name, p.num_embeddings, p.note, p.enrolled) for p in self._store.people()]

    def person(self, name: str) -> Person:
        """Somebody by name.

        Raises:
            UsageError: nobody of that name is enrolled.
        """
        with self._reading():
            found = self._find(name)
        return Person(found.name, found.num_embeddings, found.note, found.enrolled)

    def export(self, name: str) -> dict[str, Any]:
        """Everything that is stored about a person, as plain data.

        Returns:
            ``{"name", "note", "enrolled", "model", "embeddings": [[…], …], "log": [{"time", "action", "person"}, …]}``

        Raises:
            UsageError: nobody of that name is enrolled.
        """
        with self._writing():
            person = self._find(name)
            self._log("export", person.log_id)
            embeddings = [row for _, _, block in self._store.blocks(person=person.id) for row in block.tolist()]
            return {
                "name": person.name,
                "note": person.note,
                "enrolled": person.enrolled,
                "model": self._store.value("model"),
                "embeddings": embeddings,
                "log": [
                    {"time": time, "action": action, "person": log_id}
                    for time, action, log_id in self._store.run(
                        "SELECT time, action, person FROM log WHERE person = ? ORDER BY id", person.log_id
                    )
                ],
            }

    # ---- settings and log

    @property
    def settings(self) -> dict[str, Any]:
        """What is kept for this gallery and its model: ``threshold``, and what it rests on."""
        with self._reading():
            return dict(self._store.value("settings") or {})

    def set_settings(self, settings: dict[str, Any]) -> None:
        """Keeps plain data in place of the settings of before.

        Args:
            settings: ``threshold`` among them is the distance up to which two embeddings show one person.

        Raises:
            UsageError: the threshold is no distance.
        """
        threshold = settings.get("threshold")
        if threshold is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 2):
            raise UsageError(f"A threshold is a distance between 0 and 2; got {threshold!r}.")
        with self._writing():
            self._store.set_value("settings", settings)
            self._log("settings")

    @property
    def threshold(self) -> float | None:
        """The distance up to which two embeddings show one person; None while none was fitted."""
        found = self.settings.get("threshold")
        return None if found is None else float(found)

    def log(self) -> list[LogEntry]:
        """What was done to this gallery, oldest first."""
        with self._reading():
            names = {person.log_id: person.name for person in self._store.people()}
            rows = self._store.run("SELECT time, action, person FROM log ORDER BY id")
            return [LogEntry(time, action, who, names.get(who)) for time, action, who in rows]

    def record(self, action: str, name: str | None = None) -> None:
        """Writes a line into the log for what the gallery itself does not see, such as ``"verify"``.

        Raises:
            UsageError: nobody of that name is enrolled.
        """
        with self._writing():
            self._log(action, None if name is None else self._find(name).log_id)

    # ---- enrolling and removing

    def enrol(
        self,
        name: str,
        embeddings: np.ndarray,
        *,
        note: str | None = None,
        known: Known = "refuse",
        near: float | None = None,
    ) -> Enrolment:
        """Stores a person.

        Args:
            name: unique in the gallery, of 200 letters at most.
            embeddings: float32 (n, D) or (D,), each of length one.
            note: kept beside the name, in place of one that is there.
            known: what to do if the name is enrolled: ``"refuse"``, ``"add"`` the embeddings, or ``"skip"``.
            near: people up to this distance are reported; by default up to the threshold, or only copies of the same
                picture while there is none.

        Raises:
            UsageError: the name is enrolled already or cannot be a name, or the gallery was opened without its model.
            ShapeError: embeddings of another size.
            DataError: embeddings that are not finite or not of length one.
            StorageError: the disk is full; nothing is stored.
        """
        return self._enrol([(name, embeddings, note)], known, near, compare=True)

    def enrol_many(
        self,
        people: Iterable[tuple[str, np.ndarray]],
        *,
        known: Known = "refuse",
        near: float | None = None,
        compare: bool | None = None,
    ) -> Enrolment:
        """Stores many people, some thousand embeddings at a time: each person whole or not at all.

        After an error or a crash, a name that is refused among them, the people before it are stored; with
        ``known="skip"`` the same call goes on from there. `require_new` tells beforehand whether a name is refused.

        Args:
            people: names and embeddings, see `enrol`.
            known: what to do if a name is enrolled.
            near: people up to this distance are reported.
            compare: whether new people are compared with all others. By default while that takes some seconds: 10⁹
                pairs of embeddings; `Enrolment.num_compared` says how many were, and `duplicates` compares them all.

        Raises:
            UsageError, ShapeError, DataError, StorageError: as of `enrol`.
        """
        return self._enrol(((name, embeddings, None) for name, embeddings in people), known, near, compare=compare)

    def require_new(self, names: Sequence[str]) -> None:
        """Refuses names of which one is enrolled already.

        Raises:
            UsageError: as `enrol` has it; or a name cannot be one.
        """
        wanted = [_checked_name(name) for name in names]
        with self._reading():
            ids = self._store.ids(wanted)
        for name in wanted:
            if name in ids:
                raise self._known_already(name)

    def remove(self, *names: str) -> int:
        """Takes people out of the gallery and out of the bytes of its file.

        The lines of the log about them stay, and nothing says any more whom they were about.

        Returns:
            how many embeddings went with them.

        Raises:
            UsageError: somebody of that name is not enrolled; nobody is removed then.
            BusyError, StorageError: they are removed, and the file could not be written anew; that is done when the
                gallery is opened the next time.
        """
        with self._lock:
            with self._writing():
                people = [self._find(name) for name in dict.fromkeys(names)]
                self._store.remove_people([person.id for person in people])
                for person in people:
                    self._log("remove", person.log_id)
            self._store.finish_removal()
        return sum(person.num_embeddings for person in people)

    def reembed(self, embed: Callable[[list[str]], Sequence[np.ndarray]], *, model: str, dim: int = 128) -> int:
        """Puts embeddings of another model in the place of those that are there, and binds the gallery to that model.

        Until everybody has new ones the gallery stays as it is and may be searched. What was done is kept: after an
        error or a crash the same call goes on from there. Settings and index are the old model's and go with it.

        Args:
            embed: called with some names, 64 at most; gives of each person float32 (n, D) of length one.
            model: fingerprint of the new model.
            dim: numbers of its embeddings.

        Returns:
            how many embeddings there are now.

        Raises:
            UsageError: the gallery has embeddings of that model already.
            ShapeError, DataError: as of `enrol`, or embeddings are missing.
            BusyError, StorageError: as of `remove`; what is to be removed are the old embeddings.
        """
        with self._writing():
            if self._store.value("model") == model:
                raise UsageError(f"The gallery {self.place} has embeddings of the model {_short(model)} already.")
            self._store.start_renewal(model, dim)
        while True:
            with self._reading():
                people = self._store.to_renew(_PEOPLE_OF_A_RENEWAL)
            if not people and self._finish_renewal(model, dim):
                return self.num_embeddings
            names = list(people.values())
            found = embed(names) if names else []
            if len(found) != len(names):
                raise DataError(f"Embeddings of {len(names)} people were asked for; got those of {len(found)}.")
            if names:
                parts = [np.atleast_2d(rows) for rows in found]
                embeddings = self._checked([(repr(name), rows) for name, rows in zip(names, parts, strict=True)], dim)
                owners = np.repeat(np.array(list(people), np.int64), [len(rows) for rows in parts])
                with self._writing():
                    there = np.isin(owners, list(self._store.names(people)))
                    self._store.add_embeddings(owners[there], embeddings[there], table="renewed")

    def _finish_renewal(self, model: str, dim: int) -> bool:
        """Exchanges the embeddings unless somebody was enrolled meanwhile."""
        with self._lock:
            with self._writing():
                if self._store.to_renew(1):
                    return False
                self._search.drop_index()
                self._store.set_value("index", None)
                self._store.finish_renewal(model, dim)
                self._log("reembed")
            self._bound, self._search = model, self._store.searcher()
            self._store.finish_removal()
        return True

    # ---- searching

    def search(
        self, queries: np.ndarray, k: int = 1, *, by: Literal["nearest", "mean"] = "nearest", exact: bool = True
    ) -> Matches:
        """Who is nearest to each query.

        Args:
            queries: float32 (B, D) or (D,), each of length one.
            k: how many people; there are fewer where fewer are enrolled.
            by: whether a person is as near as the nearest of their embeddings, or as the mean of them.
            exact: whether the query is compared with all embeddings; otherwise with those that the index of
                `build_index` leads to, which finds the nearest as often as `index` says.

        Raises:
            UsageError: k is not positive, the gallery was opened without its model, or there is no index, or none for
                means.
            MissingExtraError: the index of a gallery that this process searches needs faiss.
            ShapeError, DataError: as of `enrol`.
        """
        if k < 1:
            raise UsageError(f"Gallery.search needs k of at least 1; got k={k}.")
        if by not in ("nearest", "mean") or (by == "mean" and not exact):
            raise UsageError(f"Gallery.search goes by 'nearest', or exactly by 'mean'; got by={by!r}, exact={exact}.")
        queries = self._checked([("the query", np.asarray(queries))])
        with self._reading():
            self._require_model()
            if not exact and self._store.value("index") is None:
                raise UsageError(
                    f"The gallery {self.place} has no index to search by; build one with `derin faces index` or "
                    "Gallery.build_index, or search exactly."
                )
            people, distances = self._search.nearest(queries, k, mean=by == "mean", exact=exact)
            names = self._store.names(people.flat)
        return Matches([[names[person] for person in row] for row in people.tolist()], distances)

    def distances(self, queries: np.ndarray, name: str, *, by: Literal["nearest", "mean"] = "nearest") -> np.ndarray:
        """How far each query is from a person, as when a claimed identity is verified.

        Args:
            queries: float32 (B, D) or (D,), each of length one.
            name: of whom.
            by: see `search`.

        Returns:
            float64 (B,); at most the threshold where the query shows that person.

        Raises:
            UsageError: nobody of that name is enrolled, or the gallery was opened without its model.
            ShapeError, DataError: as of `enrol`.
        """
        queries = self._checked([("the query", np.asarray(queries))]).astype(np.float64)
        with self._reading():
            self._require_model()
            person = self._find(name).id
            rows = np.concatenate([rows for _, _, rows in self._store.blocks(person=person)]).astype(np.float64)
        if by == "mean":
            rows = rows.sum(0, keepdims=True)
            rows /= np.linalg.norm(rows)
        return np.linalg.norm(queries[:, None] - rows, axis=2).min(1)

    @property
    def index(self) -> IndexReport | None:
        """What approximate search goes by, as it was measured when it was built; None while there is none."""
        with self._reading():
            found = self._store.value("index")
        if found is None:
            return None
        return IndexReport(**{field.name: found[field.name] for field in fields(IndexReport) if field.name in found})

    def build_index(self, *, recall: float = 0.99, num_queries: int = 1000) -> IndexReport:
        """Builds what approximate search goes by: inverted lists of faiss for a file, HNSW of pgvector in PostgreSQL.

        It is of use from some 100 000 embeddings on: exact search of fewer takes 10 ms. Who is enrolled later is found
        by it too, and who is removed goes out of it at once; build it again when there are several times as many.

        Args:
            recall: how often the nearest embedding shall be found. Measured on embeddings that are enrolled, each
                against all others, and a quarter as many may be missed, since new pictures are missed more often.
            num_queries: of how many it is measured.

        Raises:
            UsageError: the recall is no share, or there are too few embeddings.
            MissingExtraError: an index that this process searches needs faiss.
        """
        self._require_model()
        if not 0 < recall <= 1:
            raise UsageError(f"The recall of an index lies above 0 and is at most 1; got {recall!r}.")
        if (num := self.num_embeddings) < _MIN_INDEXED:
            raise UsageError(
                f"An index needs at least {_MIN_INDEXED} embeddings; the gallery {self.place} has {num}. Do without."
            )
        built = os.urandom(8).hex()
        with self._lock:
            # The rest is left for the chance of the sample, and for new pictures, which drew no list towards them as
            # those did that are enrolled.
            found = self._search.build_index(built, (3 + recall) / 4, num_queries)
            with self._writing():
                self._require_model()  # embeddings of another one may have taken over meanwhile
                self._search.save_index()
                self._store.set_value("index", {**found, "built": built})
                self._log("index")
        report = self.index
        assert report is not None
        return report

    def drop_index(self) -> None:
        """Takes the index away; searches are exact again."""
        with self._writing():
            self._search.drop_index()
            self._store.set_value("index", None)

    def duplicates(self, distance: float | None = None) -> tuple[Near, ...]:
        """Pairs of people whose nearest embeddings are suspiciously near, nearest first, 1000 at most.

        Compares every embedding with every other: 10⁶ of them take half an hour.

        Args:
            distance: up to which a pair is reported; by default the threshold, or copies alone while there is none.
        """
        with self._reading():
            distance = self._near_distance(distance)
            found: dict[tuple[int, int], float] = {}
            for _, people, embeddings in self._store.blocks():
                for row, other, distances in self._search.near(embeddings, distance):
                    _keep_nearest(found, people[row], other, distances)
            return self._named(found)

    # ---- helpers

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, self._store.reading():
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, self._store.writing():
            yield
            self._store.count("changes")

    def _require_model(self) -> None:
        """Refuses what needs embeddings where the model is not known, or is the gallery's no more."""
        if self._bound is None:
            raise UsageError(
                f"The gallery {self.place} was opened without naming the model of the embeddings; "
                "pass its fingerprint as model to Gallery.open."
            )
        with self._reading():
            self._check_model(self._bound)

    def _check_model(self, model: str) -> None:
        found = self._store.value("model")
        if model != found:
            raise RefusedFileError(
                f"The gallery {self.place} holds embeddings of the model {_short(found)}, which no other's can be "
                f"compared with; got {_short(model)}. Open it with that model, or embed its people again."
            )

    def _find(self, name: str) -> StoredPerson:
        found = self._store.people(unicodedata.normalize("NFC", name.strip()))
        if not found:
            raise UsageError(
                f"The gallery {self.place} knows nobody named {name!r}; list its people to see who is enrolled."
            )
        return found[0]

    def _known_already(self, name: str) -> UsageError:
        return UsageError(
            f"The gallery {self.place} knows a person named {name!r} already; choose another name, remove "
            "that person first, or say that the embeddings are to be added."
        )

    def _log(self, action: str, person: str | None = None) -> None:
        self._store.insert("log", "time, action, person", [(_now(), action, person)])

    def _checked(self, named: Sequence[tuple[str, np.ndarray]], dim: int | None = None) -> np.ndarray:
        """The embeddings of several one below the other, of length one."""
        dim = self.dim if dim is None else dim
        for name, rows in named:
            if rows.ndim not in (1, 2) or rows.shape[-1] != dim or not rows.size:
                raise ShapeError(
                    f"An embedding of this gallery has {dim} numbers, and of a person there is at least one; "
                    f"got {rows.shape} for {name}."
                )
        embeddings = np.concatenate([rows if rows.ndim == 2 else rows[None] for _, rows in named]).astype(
            np.float32, copy=False
        )
        lengths = np.linalg.norm(embeddings.astype(np.float64), axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _MAX_LENGTH_ERROR))
        if len(wrong):
            owners = [name for name, rows in named for _ in range(len(np.atleast_2d(rows)))]
            raise DataError(
                f"An embedding must be finite and of length 1; got length {lengths[wrong[0]]:.4g} for "
                f"{owners[wrong[0]]}. Divide it by its norm."
            )
        off = np.abs(lengths - 1) > _EXACT_LENGTH
        if off.any():
            embeddings = np.where(off[:, None], embeddings / lengths[:, None], embeddings).astype(np.float32)
        return np.ascontiguousarray(embeddings)

    def _enrol(
        self,
        people: Iterable[tuple[str, np.ndarray, str | None]],
        known: Known,
        near: float | None,
        *,
        compare: bool | None,
    ) -> Enrolment:
        self._require_model()
        if known not in ("refuse", "add", "skip"):
            raise UsageError(f"The argument known must be 'refuse', 'add' or 'skip'; got {known!r}.")
        totals = _Totals(comparing=compare)
        part: list[tuple[str, np.ndarray, str | None]] = []
        num = 0
        for name, embeddings, note in people:
            rows = np.asarray(embeddings)
            part.append((_checked_name(name), rows, note))
            num += len(rows) if rows.ndim == 2 else 1
            if num >= _EMBEDDINGS_OF_A_COMMIT:
                self._enrol_part(part, known, near, totals)
                part, num = [], 0
        if part:
            self._enrol_part(part, known, near, totals)
        with self._reading():
            found = self._named(totals.near)
        return Enrolment(totals.people, totals.embeddings, totals.skipped, totals.compared, found)

    def _enrol_part(
        self, part: list[tuple[str, np.ndarray, str | None]], known: Known, near: float | None, totals: _Totals
    ) -> None:
        """Stores some people in one transaction."""
        embeddings = self._checked([(repr(name), rows) for name, rows, _ in part])
        counts = [len(rows) if rows.ndim == 2 else 1 for _, rows, _ in part]
        with self._writing():
            self._require_model()
            ids = self._store.ids([name for name, _, _ in part])
            seen = set(ids)
            new: list[tuple[str, str | None]] = []
            taken = np.ones(len(part), bool)
            for at, (name, _, note) in enumerate(part):
                if name not in seen:
                    new.append((name, note))
                    seen.add(name)
                elif known == "refuse":
                    raise self._known_already(name)
                elif known == "skip":
                    taken[at] = False
            added = {name: note for name, _, note in part if name in ids} if known == "add" else {}
            time = _now()
            ids |= self._store.add_people(new, time, "enrol")
            for name, note in added.items():
                person = self._find(name)
                self._log("add", person.log_id)
                self._store.run("DELETE FROM renewed WHERE person = ?", person.id)
                if note is not None:
                    self._store.set_note(person.id, note)
            chosen = np.repeat(taken, counts)
            owners = np.repeat(np.array([ids[name] for name, _, _ in part], np.int64), counts)[chosen]
            embeddings = embeddings[chosen]
            found, num_compared = self._compare(owners, embeddings, near, totals)
            self._store.add_embeddings(owners, embeddings)
        totals.add(len(new), len(embeddings), int((~taken).sum()), num_compared, found)

    def _compare(
        self, owners: np.ndarray, embeddings: np.ndarray, near: float | None, totals: _Totals
    ) -> tuple[dict[tuple[int, int], float], int]:
        """Pairs of new embeddings with those of others, and how many were compared."""
        found: dict[tuple[int, int], float] = {}
        if totals.comparing is None:
            totals.pairs += len(embeddings) * (self._store.num_embeddings() + len(embeddings))
        if totals.comparing is False or totals.pairs > _MAX_COMPARISONS:
            totals.comparing = False
            return found, 0
        distance = self._near_distance(near)
        for row, other, distances in self._search.near(embeddings, distance):
            _keep_nearest(found, *_ordered(owners[row], other), distances)
        for row, other, distances in near_pairs(embeddings, embeddings, distance):
            _keep_nearest(found, owners[row], owners[other], distances)
        return found, len(embeddings)

    def _near_distance(self, distance: float | None) -> float:
        if distance is None:
            distance = (self._store.value("settings") or {}).get("threshold")
        return COPY_DISTANCE if distance is None else float(distance)

    def _named(self, found: dict[tuple[int, int], float]) -> tuple[Near, ...]:
        pairs = sorted(found.items(), key=lambda pair: (pair[1], pair[0]))[:_MAX_NEAR]
        names = self._store.names(person for pair, _ in pairs for person in pair)
        # The later of the two is the one that was just enrolled.
        return tuple(Near(names[b], names[a], distance) for (a, b), distance in pairs if a in names and b in names)


class _Totals:
    """What a bulk enrolment has done so far."""

    def __init__(self, *, comparing: bool | None) -> None:
        self.comparing = comparing
        self.people = self.embeddings = self.skipped = self.compared = self.pairs = 0
        self.near: dict[tuple[int, int], float] = {}

    def add(
        self, people: int, embeddings: int, skipped: int, compared: int, near: dict[tuple[int, int], float]
    ) -> None:
        """Counts what was committed."""
        self.people, self.embeddings = self.people + people, self.embeddings + embeddings
        self.skipped, self.compared = self.skipped + skipped, self.compared + compared
        for pair, distance in near.items():
            self.near[pair] = min(distance, self.near.get(pair, distance))


def _ordered(people: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(people, others), np.maximum(people, others)


def _keep_nearest(
    found: dict[tuple[int, int], float], people: np.ndarray, others: np.ndarray, distances: np.ndarray
) -> None:
    """Enters pairs of different people, each once and the smaller id first, with their smallest distance."""
    kept = people < others
    for a, b, distance in zip(people[kept].tolist(), others[kept].tolist(), distances[kept].tolist(), strict=True):
        if distance < found.get((a, b), np.inf):
            found[a, b] = distance


def _checked_name(name: str) -> str:
    """The name as it is stored: composed letters, nothing around it."""
    name = unicodedata.normalize("NFC", name.strip()) if isinstance(name, str) else name
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or printable(name) != name:
        raise UsageError(f"A person's name is text of 1 to {_MAX_NAME} printable letters; got {str(name)[:40]!r}.")
    return name


def _short(fingerprint: object) -> str:
    return f"{str(fingerprint)[:16]}…" if len(str(fingerprint)) > 16 else str(fingerprint)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
