"""The embeddings of a store kept in memory for searching, and brought up to date when anybody has committed."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from derin.apps.faces.inverted_lists import assign, candidates, make_lists
from derin.apps.faces.search import SLACK, first_of_each, near_pairs, nearest_people, top_rows
from derin.apps.faces.store import Store

# Room that is left where embeddings are added, so that they are not all copied for each one.
_GROWTH = 1.25
# Embeddings that were added since the lists were made are looked at one by one, until they are this part of all.
_MAX_UNLISTED = 1 / 16
# How an index is stored beside its centroids, sorted by id.
_LISTED = np.dtype([("id", "<i8"), ("list", "<i4")])


class MemorySearch:
    """Search over all embeddings of a store, exact or by inverted lists.

    They take ``4 D + 16`` bytes each, twice that while they are put in the order of lists. What was added since is read
    and appended; what was removed is dropped.

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
        self._index: str | None = None
        self._centroids: np.ndarray | None = None
        self._num_probes = 0
        self._offsets = np.zeros(1, np.int64)

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
        self._centroids, lists = make_lists(self._known()[0])
        self._index = built
        self._order_by(lists)
        seconds = time.perf_counter() - started
        embeddings, _ = self._known()
        rows = np.random.default_rng(1).choice(len(embeddings), min(num_queries, len(embeddings)), replace=False)
        queries, num = embeddings[rows], min(2 + SLACK, len(embeddings))
        started = time.perf_counter()
        best = _nearest_but_self(embeddings, rows, top_rows(embeddings, queries, num))
        exact_seconds = (time.perf_counter() - started) / len(rows)
        self._num_probes = 1
        while True:
            started = time.perf_counter()
            likely = candidates(embeddings, self._offsets, self._centroids, queries, num, self._num_probes)
            found = float(np.mean(_nearest_but_self(embeddings, rows, likely) <= best + 1e-6))
            approximate_seconds = (time.perf_counter() - started) / len(rows)
            if found >= recall or self._num_probes >= len(self._centroids):
                break
            self._num_probes += (self._num_probes + 1) // 2
        return {
            "kind": "inverted lists",
            "num_lists": len(self._centroids),
            "num_probes": self._num_probes,
            "recall": found,
            "num_queries": len(rows),
            "exact_seconds": exact_seconds,
            "approximate_seconds": approximate_seconds,
            "build_seconds": seconds,
        }

    def save_index(self) -> None:
        """See `Search.save_index`."""
        assert self._centroids is not None
        data = base64.b64encode(self._centroids.astype("<f4").tobytes()).decode()
        self._store.set_value("centroids", self._store.seal(data))
        rows = np.empty(self._num, _LISTED)
        rows["id"], rows["list"] = self._ids[: self._num], self._lists()
        self._store.set_value("lists", base64.b64encode(np.sort(rows, order="id").tobytes()).decode())

    def drop_index(self) -> None:
        """See `Search.drop_index`."""
        self._store.set_value("centroids", None)
        self._store.set_value("lists", None)

    def _approximately(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        self._follow_index()
        assert self._centroids is not None
        embeddings, people = self._known()
        num = (k - 1) * self._max_per_person + 1 + SLACK
        found, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
        likely = candidates(embeddings, self._offsets, self._centroids, queries, num, self._num_probes)
        for at, rows in enumerate(likely):
            owners, apart = first_of_each(embeddings, people, queries[at], rows, k)
            if len(owners) < k:  # the lists that were looked into hold fewer people than were asked for
                known = nearest_people(embeddings, people, queries[at : at + 1], k, max_per_person=self._max_per_person)
                owners, apart = known[0][0], known[1][0]
            found[at], distances[at] = owners, apart
        return found, distances

    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        return self._embeddings[: self._num], self._people[: self._num]

    def _refresh(self) -> None:
        changes = self._store.changes()
        if changes == self._changes:
            return
        before = (0, -1, -1) if self._changes is None else self._changes
        if changes[2] != before[2]:
            self._num = self._last = 0
            self._offsets = np.zeros(1, np.int64)
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
        # Of each list as many fewer as were dropped before its end.
        self._offsets = np.concatenate([[0], np.cumsum(kept)])[self._offsets]
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

    def _order_by(self, lists: np.ndarray) -> None:
        """Puts the embeddings in the order of their lists."""
        assert self._centroids is not None
        order = np.argsort(lists, kind="stable")
        embeddings, people = self._known()
        self._embeddings[: self._num], self._people[: self._num] = embeddings[order], people[order]
        self._ids[: self._num] = self._ids[: self._num][order]
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(lists, minlength=len(self._centroids)))])
        self._means = None

    def _lists(self) -> np.ndarray:
        """The list of each embedding, those that were added since among them."""
        assert self._centroids is not None
        counts = np.diff(self._offsets)
        listed = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        return np.concatenate([listed, assign(self._embeddings[len(listed) : self._num], self._centroids)])

    def _follow_index(self) -> None:
        """Takes over the index that the store has, and puts what was added since into its lists."""
        index = self._store.value("index")
        if index["built"] != self._index:
            data = base64.b64decode(self._store.unseal(self._store.value("centroids")))
            self._centroids = np.frombuffer(data, "<f4").reshape(-1, self._store.dim)
            self._num_probes, self._index = index["num_probes"], index["built"]
            stored = np.frombuffer(base64.b64decode(self._store.value("lists")), _LISTED)
            ids = self._ids[: self._num]
            at = np.minimum(np.searchsorted(stored["id"], ids), len(stored) - 1)
            lists = np.where(stored["id"][at] == ids, stored["list"][at], -1).astype(np.int32)
            new = np.flatnonzero(lists < 0)
            lists[new] = assign(self._embeddings[new], self._centroids)
            self._order_by(lists)
        elif self._num - self._offsets[-1] > _MAX_UNLISTED * self._num:
            self._order_by(self._lists())

    def _means_of_people(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the people, and the mean of each one's embeddings, of length one again."""
        if self._means is None:
            embeddings, owners = self._known()
            order = np.argsort(owners, kind="stable")
            people, first = np.unique(owners[order], return_index=True)
            sums = np.add.reduceat(embeddings[order], first)
            self._means = people, sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return self._means


def _nearest_but_self(embeddings: np.ndarray, rows: np.ndarray, found: Iterable[np.ndarray]) -> np.ndarray:
    """How far the nearest of the candidates of each row is that is not the row itself."""
    nearest = np.full(len(rows), np.inf)
    for at, (row, others) in enumerate(zip(rows, found, strict=True)):
        others = others[others != row]
        if len(others):
            apart = embeddings[others].astype(np.float64) - embeddings[row].astype(np.float64)
            nearest[at] = np.linalg.norm(apart, axis=1).min()
    return nearest
