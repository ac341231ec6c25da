"""Nearest neighbors among embeddings in memory, exactly, by blocks of inner products in float32.

For embeddings of length one ``‖a − b‖² = 2 − 2 a·b``: the nearest has the largest inner product. Products of float32
are off by some 10⁻⁷, so that they only choose candidates, some more than were asked for; of these the distance is
computed anew from the differences in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

# So many products are made at a time: they stay in the second-level cache until they are compared.
_BLOCK_PRODUCTS = 1 << 20
_MIN_BLOCK_ROWS, _MAX_BLOCK_ROWS = 1 << 12, 1 << 16
# Candidates beyond those asked for: as many may trade places by the rounding of float32.
SLACK = 8


class Search(Protocol):
    """Who searches a gallery: this process over what it keeps in memory, or the server that holds the embeddings."""

    def nearest(self, queries: np.ndarray, k: int, *, mean: bool, exact: bool) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the k nearest people of each query, and how far they are; fewer where fewer are enrolled.

        Args:
            queries: float32 (B, D), of length one.
            k: how many.
            mean: whether a person is the mean of their embeddings and not each of them.
            exact: whether all are compared; otherwise those that the index leads to.

        Shapes:
            int64 and float64 (B, at most k).
        """

    def near(self, embeddings: np.ndarray, distance: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All that is at most so far from the embeddings: their rows, the people found, the distances, by blocks."""

    def build_index(self, built: str, recall: float, num_queries: int) -> dict[str, Any]:
        """Makes what approximate search goes by, and measures it; in a transaction of its own.

        Args:
            built: the name of this index, by which other processes see that it is another one.
            recall: how often the nearest other embedding of one that is enrolled shall be found.
            num_queries: of how many that is measured.

        Returns:
            ``kind``, ``recall`` as measured, ``num_queries``, seconds of one query ``exact_seconds`` and
            ``approximate_seconds``, ``build_seconds``, ``num_embeddings``, ``num_bytes`` that it takes, and what is
            its own.

        Raises:
            MissingExtraError: what builds it is not installed.
        """

    def save_index(self) -> None:
        """Stores what was built where that is not done yet."""

    def drop_index(self) -> None:
        """Takes the index away."""


def nearest_people(
    embeddings: np.ndarray, people: np.ndarray, queries: np.ndarray, k: int, *, max_per_person: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each query the k people one of whose embeddings is nearest, nearest first.

    Args:
        embeddings: of length one.
        people: whose they are.
        queries: of length one.
        k: at most the number of different people.
        max_per_person: at least as many embeddings as any one person has.

    Shapes:
        embeddings float32 (N, D); people int64 (N,); queries float32 (B, D); the answer int64 (B, k), their ids, and
        float64 (B, k), the distances. Of equal distances the embedding of the smaller row comes first.

    Example:
        >>> a, b = np.eye(2, dtype=np.float32)
        >>> nearest_people(np.stack([a, b, a]), np.array([7, 8, 9]), b[None], 2, max_per_person=1)
        (array([[8, 7]]), array([[0.        , 1.41421356]]))
    """
    # The k - 1 people before the last have at most this many embeddings that are nearer than its nearest.
    num = min(len(embeddings), (k - 1) * max_per_person + 1 + SLACK)
    rows = top_rows(embeddings, queries, num)
    found = np.empty((len(queries), k), np.int64)
    distances = np.empty((len(queries), k), np.float64)
    for at, candidates in enumerate(rows):
        found[at], distances[at] = first_of_each(embeddings, people, queries[at], candidates, k)
    return found, distances


def first_of_each(
    embeddings: np.ndarray, people: np.ndarray, query: np.ndarray, candidates: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of candidate rows the nearest of each person, and of these the k nearest, with distances in float64."""
    exact = np.linalg.norm(embeddings[candidates].astype(np.float64) - query.astype(np.float64), axis=1)
    order = np.lexsort((candidates, exact))
    owners = people[candidates[order]]
    first = np.sort(np.unique(owners, return_index=True)[1])[:k]
    return owners[first], exact[order[first]]


def top_rows(embeddings: np.ndarray, queries: np.ndarray, num: int) -> np.ndarray:
    """The rows of the ``num`` largest inner products with each query, in no order.

    Shapes:
        embeddings float32 (N, D) with N ≥ num; queries float32 (B, D); the answer int64 (B, num).

    Example:
        >>> top_rows(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:2], 1)
        array([[0],
               [1]])
    """
    num_queries = len(queries)
    size = min(max(_BLOCK_PRODUCTS // max(num_queries, 1), _MIN_BLOCK_ROWS), _MAX_BLOCK_ROWS)
    # The best so far, and what a product must exceed to be among them.
    best = np.empty((num_queries, 0), np.float32)
    rows = np.empty((num_queries, 0), np.int64)
    bound = np.full(num_queries, -np.inf, np.float32)
    for start in range(0, len(embeddings), size):
        products = embeddings[start : start + size] @ queries.T
        row, query = np.divmod(np.flatnonzero(products > bound), num_queries)
        if not len(row):
            continue
        counts = np.bincount(query, minlength=num_queries)
        width = int(counts.max())
        if width > len(products) // 4:  # so many that whole columns are no more work
            candidates = products.T
            places = np.broadcast_to(np.arange(start, start + len(products)), candidates.shape)
        else:
            order = np.argsort(query, kind="stable")
            row, query = row[order], query[order]
            offset = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
            candidates = np.full((num_queries, width), -np.inf, np.float32)
            places = np.zeros((num_queries, width), np.int64)
            candidates[query, offset] = products[row, query]
            places[query, offset] = start + row
        best, rows = _largest(np.hstack([best, candidates]), np.hstack([rows, places]), num)
        if best.shape[1] == num:
            bound = best.min(axis=1)
    return rows


def _largest(values: np.ndarray, rows: np.ndarray, num: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``num`` largest of each line, with what stands beside them."""
    if values.shape[1] <= num:
        return values, rows
    chosen = np.argpartition(values, -num, axis=1)[:, -num:]
    return np.take_along_axis(values, chosen, 1), np.take_along_axis(rows, chosen, 1)


def near_pairs(
    embeddings: np.ndarray, others: np.ndarray, distance: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """All pairs of a row of each that are at most ``distance`` apart, by blocks: rows, rows of the others, distances.

    Shapes:
        embeddings float32 (N, D); others float32 (M, D); each answer int64 (P,), int64 (P,), float64 (P,).
    """
    least = np.float32(1 - distance**2 / 2 - 1e-6)
    for start in range(0, len(embeddings), _MIN_BLOCK_ROWS):
        block = embeddings[start : start + _MIN_BLOCK_ROWS]
        for other in range(0, len(others), _MIN_BLOCK_ROWS):
            row, column = np.nonzero(block @ others[other : other + _MIN_BLOCK_ROWS].T >= least)
            if len(row):
                row, column = row + start, column + other
                difference = embeddings[row].astype(np.float64) - others[column].astype(np.float64)
                exact = np.linalg.norm(difference, axis=1)
                near = exact <= distance
                yield row[near], column[near], exact[near]
