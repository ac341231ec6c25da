"""The embeddings of a store kept in memory for searching, and brought up to date when anybody has committed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from derin.apps.faces.search import near_pairs, nearest_people
from derin.apps.faces.store import Store

# Room that is left where embeddings are added, so that they are not all copied for each one.
_GROWTH = 1.25


class MemorySearch:
    """Exact search over all embeddings of a store.

    They take ``4 D + 8`` bytes each. What was added since is read and appended; after a removal all are read again.

    Args:
        store: where the embeddings are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes = (-1, -1)
        self._num = self._last = self._num_people = self._max_per_person = 0
        self._embeddings = np.empty((0, store.dim), np.float32)
        self._people = np.empty(0, np.int64)
        self._means: tuple[np.ndarray, np.ndarray] | None = None

    def nearest(self, queries: np.ndarray, k: int, *, mean: bool) -> tuple[np.ndarray, np.ndarray]:
        """See `Search.nearest`."""
        self._refresh()
        k = min(k, self._num_people)
        if k == 0:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float64)
        if mean:
            people, means = self._means_of_people()
            return nearest_people(means, people, queries, k, max_per_person=1)
        known = self._embeddings[: self._num], self._people[: self._num]
        return nearest_people(*known, queries, k, max_per_person=self._max_per_person)

    def near(self, embeddings: np.ndarray, distance: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """See `Search.near`."""
        self._refresh()
        for row, other, distances in near_pairs(embeddings, self._embeddings[: self._num], distance):
            yield row, self._people[other], distances

    def _refresh(self) -> None:
        changes = self._store.changes()
        if changes == self._changes:
            return
        if changes[1] != self._changes[1]:
            self._num = self._last = 0
            self._reserve(self._store.num_embeddings(), exactly=True)
        for ids, people, embeddings in self._store.blocks(after=self._last):
            end = self._num + len(ids)
            self._reserve(end)
            self._embeddings[self._num : end], self._people[self._num : end] = embeddings, people
            self._num, self._last = end, int(ids[-1])
        counts = np.bincount(self._people[: self._num])
        self._num_people, self._max_per_person = int(np.count_nonzero(counts)), int(counts.max(initial=0))
        self._means = None
        self._changes = changes

    def _reserve(self, num: int, *, exactly: bool = False) -> None:
        if num <= len(self._people) and not exactly:
            return
        room = num if exactly else int(num * _GROWTH)
        embeddings, people = np.empty((room, self._store.dim), np.float32), np.empty(room, np.int64)
        embeddings[: self._num], people[: self._num] = self._embeddings[: self._num], self._people[: self._num]
        self._embeddings, self._people = embeddings, people

    def _means_of_people(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the people, and the mean of each one's embeddings, of length one again."""
        if self._means is None:
            order = np.argsort(self._people[: self._num], kind="stable")
            people, first = np.unique(self._people[: self._num][order], return_index=True)
            sums = np.add.reduceat(self._embeddings[order], first) if len(people) else self._embeddings[:0]
            self._means = people, sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return self._means
