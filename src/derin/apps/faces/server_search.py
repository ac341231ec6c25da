"""Searching in the server: pgvector orders the rows, and their distances are computed anew in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from derin.apps.faces.search import SLACK, first_of_each, near_pairs

if TYPE_CHECKING:
    from derin.apps.faces.store import Store


class ServerSearch:
    """Search over the embeddings of a store whose database knows pgvector.

    Args:
        store: where the embeddings are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes = (-1, -1)
        self._num_people = self._max_per_person = 0

    def nearest(self, queries: np.ndarray, k: int, *, mean: bool) -> tuple[np.ndarray, np.ndarray]:
        """See `Search.nearest`."""
        self._refresh()
        k = min(k, self._num_people)
        people, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
        for at, query in enumerate(queries if k else queries[:0]):
            rows, owners = self._nearest_means(query, k) if mean else self._nearest_rows(query, k)
            people[at], distances[at] = first_of_each(rows, owners, query, np.arange(len(rows)), k)
        return people, distances

    def near(self, embeddings: np.ndarray, distance: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """See `Search.near`."""
        for _, people, others in self._store.blocks():
            for row, other, distances in near_pairs(embeddings, others, distance):
                yield row, people[other], distances

    def _nearest_rows(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        num = (k - 1) * self._max_per_person + 1 + SLACK
        found = self._store.run(
            "SELECT value, person FROM embeddings ORDER BY value <-> ?::text::vector, id LIMIT ?", _text(query), num
        )
        return _vectors([value for value, _ in found]), np.array([person for _, person in found], np.int64)

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
        return means / np.linalg.norm(means, axis=1, keepdims=True), people

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
