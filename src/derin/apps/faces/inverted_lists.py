"""Approximate search by inverted lists: embeddings lie by their nearest centroid, and a query looks into few lists.

Source: Sivic and Zisserman, "Video Google", ICCV 2003; Jégou, Douze and Schmid, "Product quantization for nearest
neighbor search", 2011, section IV, here without quantization. Unlike a graph (HNSW) it keeps nothing beside the
embeddings but centroids and numbers of lists, so that what is removed is in no second copy, and is built in a tenth of
the time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

_LISTS = 8  # times √N: of few lists many are looked into, of many the centroids alone take long
_ROWS_PER_CENTROID = 20  # of the sample that centroids are fitted on
_ITERATIONS = 4
# A centroid is the mean of at least so many, so that none is anybody's embedding.
_MIN_MEMBERS = 8
_BLOCK_ROWS = 512


def make_lists(embeddings: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Centroids by spherical k-means on a sample, and the number of the list of each embedding.

    Shapes:
        embeddings float32 (N, D) of length one, N at least 8; the answer float32 (L, D), of length one, and int32 (N,).
    """
    rng = np.random.default_rng(seed)
    num = max(1, min(_LISTS * int(len(embeddings) ** 0.5), len(embeddings) // (2 * _MIN_MEMBERS)))
    size = min(len(embeddings), num * _ROWS_PER_CENTROID)
    sample = embeddings[np.sort(rng.choice(len(embeddings), size, replace=False))]
    centroids = sample[rng.choice(size, num, replace=False)]
    for _ in range(_ITERATIONS):
        centroids = _means(sample, assign(sample, centroids))
    lists = assign(embeddings, centroids)
    large = np.bincount(lists, minlength=len(centroids)) >= _MIN_MEMBERS
    alone = np.flatnonzero(~large[lists])
    lists = (np.cumsum(large, dtype=np.int32) - 1)[lists]
    lists[alone] = assign(embeddings[alone], centroids[large])
    return _means(embeddings, lists), lists


def _means(embeddings: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """The mean of each list that has members, of length one."""
    order = np.argsort(lists, kind="stable")
    _, first = np.unique(lists[order], return_index=True)
    bounds = [*first.tolist(), len(order)]
    sums = np.stack([embeddings[order[a:b]].sum(0) for a, b in itertools.pairwise(bounds)])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def assign(embeddings: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The number of the nearest centroid of each, int32 (N,).

    Example:
        >>> assign(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[::-1])
        array([2, 1, 0], dtype=int32)
    """
    nearest = np.empty(len(embeddings), np.int32)
    for start in range(0, len(embeddings), _BLOCK_ROWS):
        block = embeddings[start : start + _BLOCK_ROWS]
        nearest[start : start + _BLOCK_ROWS] = (block @ centroids.T).argmax(1)
    return nearest


def candidates(
    embeddings: np.ndarray, offsets: np.ndarray, centroids: np.ndarray, queries: np.ndarray, num: int, num_probes: int
) -> Iterator[np.ndarray]:
    """For each query the rows of the largest inner products in the lists that are nearest to it.

    Args:
        embeddings: sorted by list; those behind the last list are looked at for every query.
        offsets: where each list begins, and where the last one ends.
        centroids: of the lists.
        queries: of length one.
        num: how many rows at most.
        num_probes: how many lists.
    """
    num_probes = min(num_probes, len(centroids))
    chosen = np.argpartition(queries @ centroids.T, -num_probes, axis=1)[:, -num_probes:]
    for query, lists in zip(queries, chosen, strict=True):
        spans = [(int(offsets[at]), int(offsets[at + 1])) for at in lists]
        spans.append((int(offsets[-1]), len(embeddings)))
        products = np.concatenate([embeddings[start:end] @ query for start, end in spans])
        rows = np.concatenate([np.arange(start, end) for start, end in spans])
        yield rows if len(rows) <= num else rows[np.argpartition(products, -num)[-num:]]
