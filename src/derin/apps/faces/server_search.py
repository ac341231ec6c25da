"""Searching in the server: pgvector orders the rows, and their distances are computed anew in float64."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.apps.faces.search import SLACK, first_of_each, near_pairs

if TYPE_CHECKING:
    from derin.apps.faces.store import Store

_INDEX = "embeddings_by_distance"
# What PostgreSQL may use for building an index; a million embeddings of 128 fit.
_BUILD_MEMORY = "1GB"
# How many candidates HNSW keeps while it searches: the fewest that reach the recall that is asked for, 1000 at most.
_SEARCH_WIDTHS = (40, 80, 160, 320, 640, 1000)


class ServerSearch:
    """Search over the embeddings of a store whose database knows pgvector.

    Args:
        store: where the embeddings are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes: tuple[int, int, int] | None = None
        self._num_people = self._max_per_person = 0

    def nearest(self, queries: np.ndarray, k: int, *, mean: bool, exact: bool) -> tuple[np.ndarray, np.ndarray]:
        """See `Search.nearest`."""
        self._refresh()
        k = min(k, self._num_people)
        people, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
        for at, query in enumerate(queries if k else queries[:0]):
            self._scan(None if exact else self._store.value("index")["ef_search"])
            owners, apart = self._nearest_means(query, k) if mean else self._nearest_rows(query, k)
            if len(owners) < k:  # the index led to fewer people than were asked for
                self._scan(None)
                owners, apart = self._nearest_rows(query, k)
            people[at], distances[at] = owners, apart
        return people, distances

    def near(self, embeddings: np.ndarray, distance: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """See `Search.near`."""
        for _, people, others in self._store.blocks():
            for row, other, distances in near_pairs(embeddings, others, distance):
                yield row, people[other], distances

    def build_index(self, built: str, recall: float, num_queries: int) -> dict[str, Any]:
        """See `Search.build_index`."""
        started = time.perf_counter()
        with self._store.writing():
            self.drop_index()
            self._set("maintenance_work_mem", _BUILD_MEMORY)
            self._store.run(f"CREATE INDEX {_INDEX} ON embeddings USING hnsw (value vector_l2_ops)")
        seconds = time.perf_counter() - started
        with self._store.reading():
            num_embeddings = self._store.num_embeddings()
            num_bytes = int(self._store.run(f"SELECT pg_relation_size('{_INDEX}')")[0][0])
            drawn = self._store.run("SELECT id, value FROM embeddings ORDER BY random() LIMIT ?", num_queries)
            self._scan(None)
            started = time.perf_counter()
            best = self._nearest_others(drawn)
            exact_seconds = (time.perf_counter() - started) / len(drawn)
            for width in _SEARCH_WIDTHS:
                self._scan(width)
                started = time.perf_counter()
                found = float(np.mean(self._nearest_others(drawn) <= best + 1e-6))
                approximate_seconds = (time.perf_counter() - started) / len(drawn)
                if found >= recall:
                    break
        return {
            "kind": "HNSW",
            "ef_search": width,
            "recall": found,
            "num_queries": len(drawn),
            "exact_seconds": exact_seconds,
            "approximate_seconds": approximate_seconds,
            "build_seconds": seconds,
            "num_embeddings": num_embeddings,
            "num_bytes": num_bytes,
        }

    def save_index(self) -> None:
        """Nothing: the server has it."""

    def drop_index(self) -> None:
        """See `Search.drop_index`."""
        self._store.run(f"DROP INDEX IF EXISTS {_INDEX}")

    def _nearest_others(self, drawn: list[tuple[Any, ...]]) -> np.ndarray:
        """How far the nearest is of each embedding that is not itself."""
        found = []
        for (own, _), query in zip(drawn, _vectors([value for _, value in drawn]), strict=True):
            rows = self._store.run(
                "SELECT id, value <-> ?::text::vector AS d FROM embeddings ORDER BY d LIMIT 2", _text(query)
            )
            found.append(min((apart for number, apart in rows if number != own), default=np.inf))
        return np.array(found)

    def _scan(self, width: int | None) -> None:
        """Has the server compare all, or go by the index with so many candidates, whatever it holds for cheaper."""
        self._set("enable_seqscan", "on" if width is None else "off")
        self._set("enable_indexscan", "off" if width is None else "on")
        if width is not None:
            self._set("hnsw.ef_search", str(width))

    def _set(self, setting: str, value: str) -> None:
        """Until the end of the transaction."""
        self._store.run("SELECT set_config(?, ?, true)", setting, value)

    def _nearest_rows(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        num = (k - 1) * self._max_per_person + 1 + SLACK
        found = self._store.run(
            "SELECT value, person FROM embeddings ORDER BY value <-> ?::text::vector LIMIT ?", _text(query), num
        )
        rows = _vectors([value for value, _ in found])
        return first_of_each(rows, np.array([owner for _, owner in found], np.int64), query, np.arange(len(rows)), k)

    def _nearest_means(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        # The mean is of no length one; the cosine does not ask for it.
        found = self._store.run(
            "SELECT person FROM embeddings GROUP BY person ORDER BY avg(value) <=> ?::text::vector LIMIT ?",
            _text(query),
            k + SLACK,
        )
        people = np.array([person for (person,) in found], np.int64)
        sums = []
        for person in people:
            sums.append(np.concatenate([rows for _, _, rows in self._store.blocks(person=int(person))]).sum(0))
        means = np.stack(sums)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return first_of_each(means, people, query, np.arange(len(means)), k)

    def _refresh(self) -> None:
        changes = self._store.changes()
        if changes != self._changes:
            counts = "SELECT person, count(*) AS num FROM embeddings GROUP BY person"
            rows = self._store.run(f"SELECT count(*), coalesce(max(num), 0) FROM ({counts}) AS counts")
            self._num_people, self._max_per_person = rows[0]
            self._changes = changes


def _text(embedding: np.ndarray) -> str:
    """As pgvector reads it; so many digits that each float32 is met."""
    return f"[{','.join(map(repr, embedding.tolist()))}]"


def _vectors(values: list[bytes]) -> np.ndarray:
    """Of pgvector's binary form: two numbers of two bytes, then the floats."""
    return np.stack([np.frombuffer(value, ">f4", offset=4) for value in values]).astype(np.float32)
