"""The embeddings of a store kept in memory for searching, and brought up to date when anybody has committed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from derin.apps.faces.inverted_lists import InvertedLists, fit_lists
from derin.apps.faces.search import SLACK, first_of_each, near_pairs, nearest_people, top_rows
from derin.apps.faces.store import Store

# Room that is left where embeddings are added, so that they are not all copied for each one.
_GROWTH = 1.25


class MemorySearch:
    """Search over all embeddings of a store, exact or by inverted lists.

    They take ``4 D + 24`` bytes each, and as much as `InvertedLists` says where these are used. What was added since is
    read and appended, and put into its lists when they are used the next time; what was removed is dropped.

    Args:
        store: where the embeddings are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changes: tuple[int, int, int] | None = None
        self._num = self._last = self._num_people = self._max_per_person = 0
        self._embeddings = np.empty((0, store.dim), np.float32)
        self._people = np.empty(0, np.int64)
        self._ids = np.empty(0, np.int64)
        self._means: tuple[np.ndarray, np.ndarray] | None = None
        self._index: str | None = None  # the name of that which the lists are of
        self._inverted: InvertedLists | None = None
        self._lists = np.empty(0, np.int64)  # of the first so many embeddings, which are in the lists
        self._num_probes = 0

    def nearest(self, queries: np.ndarray, k: int, *, mean: bool, exact: bool) -> tuple[np.ndarray, np.ndarray]:
        """See `Search.nearest`."""
        self._refresh()
        k = min(k, self._num_people)
        if k == 0:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float64)
        if mean:
            people, means = self._means_of_people()
            return nearest_people(means, people, queries, k, max_per_person=1)
        if exact:
            return nearest_people(*self._known(), queries, k, max_per_person=self._max_per_person)
        return self._approximately(queries, k)

    def near(self, embeddings: np.ndarray, distance: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """See `Search.near`."""
        self._refresh()
        for row, other, distances in near_pairs(embeddings, self._known()[0], distance):
            yield row, self._people[other], distances

    def build_index(self, built: str, recall: float, num_queries: int) -> dict[str, Any]:
        """See `Search.build_index`."""
        with self._store.reading():
            self._refresh()
        started = time.perf_counter()
        embeddings, _ = self._known()
        centroids, lists = fit_lists(embeddings)
        self._begin_lists(built, centroids)
        self._add_to_lists(lists)
        seconds = time.perf_counter() - started
        assert self._inverted is not None
        rows = np.random.default_rng(1).choice(len(embeddings), min(num_queries, len(embeddings)), replace=False)
        queries, num = embeddings[rows], min(2 + SLACK, len(embeddings))
        started = time.perf_counter()
        best = _nearest_but_self(embeddings, rows, top_rows(embeddings, queries, num))
        exact_seconds = (time.perf_counter() - started) / len(rows)
        self._num_probes = 1
        while True:
            started = time.perf_counter()
            likely = self._rows_of(self._inverted.candidates(queries, num, num_probes=self._num_probes))
            found = float(np.mean(_nearest_but_self(embeddings, rows, likely) <= best + 1e-6))
            approximate_seconds = (time.perf_counter() - started) / len(rows)
            if found >= recall or self._num_probes >= len(self._inverted.centroids):
                break
            self._num_probes += (self._num_probes + 1) // 2
        return {
            "kind": "inverted lists",
            "num_lists": len(self._inverted.centroids),
            "num_probes": self._num_probes,
            "recall": found,
            "num_queries": len(rows),
            "exact_seconds": exact_seconds,
            "approximate_seconds": approximate_seconds,
            "build_seconds": seconds,
            "num_embeddings": len(embeddings),
            "num_bytes": self._inverted.num_bytes,
        }

    def save_index(self) -> None:
        """See `Search.save_index`."""
        assert self._inverted is not None
        self._refresh()
        self._fill_lists()
        self._store.save_lists(self._inverted.centroids, self._ids[: self._num], self._lists)

    def drop_index(self) -> None:
        """See `Search.drop_index`."""
        self._store.drop_lists()

    def _approximately(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        self._follow_index()
        assert self._inverted is not None
        embeddings, people = self._known()
        num = min(len(embeddings), (k - 1) * self._max_per_person + 1 + SLACK)
        found, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
        likely = self._rows_of(self._inverted.candidates(queries, num, num_probes=self._num_probes))
        for at, rows in enumerate(likely):
            owners, apart = first_of_each(embeddings, people, queries[at], rows, k)
            if len(owners) < k:  # the lists that were looked into hold fewer people than were asked for
                known = nearest_people(embeddings, people, queries[at : at + 1], k, max_per_person=self._max_per_person)
                owners, apart = known[0][0], known[1][0]
            found[at], distances[at] = owners, apart
        return found, distances

    def _rows_of(self, ids: np.ndarray) -> list[np.ndarray]:
        """The rows of embeddings with these ids, which are in order; −1 is none."""
        rows = np.searchsorted(self._ids[: self._num], ids)
        return [row[found >= 0] for row, found in zip(rows, ids, strict=True)]

    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        return self._embeddings[: self._num], self._people[: self._num]

    def _refresh(self) -> None:
        changes = self._store.changes()
        if changes == self._changes:
            return
        before = (0, -1, -1) if self._changes is None else self._changes
        if changes[2] != before[2]:
            self._num = self._last = 0
            self._index = self._inverted = None
            self._lists = np.empty(0, np.int64)
            self._reserve(self._store.num_embeddings(), exactly=True)
        elif changes[1] != before[1]:
            self._drop_removed()
        for ids, people, embeddings in self._store.blocks(after=self._last):
            end = self._num + len(ids)
            self._reserve(end)
            self._embeddings[self._num : end], self._people[self._num : end] = embeddings, people
            self._ids[self._num : end] = ids
            self._num, self._last = end, int(ids[-1])
        counts = np.bincount(self._people[: self._num])
        self._num_people, self._max_per_person = int(np.count_nonzero(counts)), int(counts.max(initial=0))
        self._means = None
        self._changes = changes

    def _drop_removed(self) -> None:
        """Drops rows of people who are there no more; ids of people are never given again."""
        embeddings, people = self._known()
        alive = np.zeros(int(people.max(initial=0)) + 1, bool)
        ids = self._store.people_ids()
        alive[ids[ids < len(alive)]] = True
        kept = alive[people]
        if self._inverted is not None:
            self._inverted.remove(self._ids[: len(kept)][~kept])
            self._lists = self._lists[kept[: len(self._lists)]]
        self._num = int(kept.sum())
        self._embeddings[: self._num], self._people[: self._num] = embeddings[kept], people[kept]
        self._ids[: self._num] = self._ids[: len(kept)][kept]

    def _reserve(self, num: int, *, exactly: bool = False) -> None:
        if num <= len(self._people) and not exactly:
            return
        room = num if exactly else int(num * _GROWTH)
        embeddings, people = np.empty((room, self._store.dim), np.float32), np.empty(room, np.int64)
        embeddings[: self._num], people[: self._num] = self._known()
        ids = np.empty(room, np.int64)
        ids[: self._num] = self._ids[: self._num]
        self._embeddings, self._people, self._ids = embeddings, people, ids

    def _begin_lists(self, built: str, centroids: np.ndarray) -> None:
        """Empty lists about centroids."""
        self._inverted = InvertedLists(centroids, self._known()[0])
        self._index, self._lists = built, np.empty(0, np.int64)

    def _fill_lists(self) -> None:
        """Puts what was added since into its lists."""
        assert self._inverted is not None
        start = len(self._lists)
        if start < self._num:
            added = self._embeddings[start : self._num]
            self._add_to_lists(self._inverted.assign(added))

    def _add_to_lists(self, lists: np.ndarray) -> None:
        """Puts the embeddings behind those that are in lists into these."""
        assert self._inverted is not None
        start = len(self._lists)
        end = start + len(lists)
        self._inverted.add(self._ids[start:end], self._embeddings[start:end], lists)
        self._lists = np.concatenate([self._lists, lists])

    def _follow_index(self) -> None:
        """Takes over the index that the store has, and puts what was added since into its lists."""
        index = self._store.value("index")
        if index["built"] != self._index:
            centroids, ids, lists = self._store.saved_lists()
            self._begin_lists(index["built"], centroids)
            self._num_probes = index["num_probes"]
            # Ids only grow: those that were listed stand before those that were added since.
            if not np.array_equal(ids, self._ids[: len(ids)]):
                raise self._store.damaged("an index of other embeddings")
            self._add_to_lists(lists)
        self._fill_lists()

    def _means_of_people(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the people, and the mean of each one's embeddings, of length one again."""
        if self._means is None:
            embeddings, owners = self._known()
            order = np.argsort(owners, kind="stable")
            people, first = np.unique(owners[order], return_index=True)
            sums = np.add.reduceat(embeddings[order], first)
            self._means = people, sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return self._means


def _nearest_but_self(embeddings: np.ndarray, rows: np.ndarray, found: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """How far the nearest of the candidates of each row is that is not the row itself."""
    nearest = np.full(len(rows), np.inf)
    for at, (row, others) in enumerate(zip(rows, found, strict=True)):
        others = others[others != row]
        if len(others):
            apart = embeddings[others].astype(np.float64) - embeddings[row].astype(np.float64)
            nearest[at] = np.linalg.norm(apart, axis=1).min()
    return nearest
