"""Approximate search by faiss: embeddings lie in lists by their nearest centroid, and a query looks into few lists.

In the lists an embedding has 8 bits a number, which chooses candidates; how far these are is computed of the embeddings
themselves. Chosen over a graph (HNSW), which was no faster at equal recall, took four times as long to build, and
cannot forget anybody: out of a list what is removed is gone at once.

Source: Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011, section IV; Douze et al.,
"The Faiss library", 2024, https://arxiv.org/abs/2401.08281.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from derin.core.errors import MissingExtraError

_LISTS = 8  # times √N: of few lists many are looked into, of many the centroids alone take long
_ROWS_PER_CENTROID = 20  # of the sample that centroids are fitted on
_ITERATIONS = 6
# A centroid is the mean of at least so many, so that none is anybody's embedding.
_MIN_MEMBERS = 8
_BITS_SAMPLE = 100_000  # embeddings by which the 8 bits are laid


class InvertedLists:
    """Lists of embeddings, empty at first.

    They take ``D + 8`` bytes for each embedding.

    Args:
        centroids: of the lists, see `fit_lists`.
        embeddings: of the kind that will be added, by which the 8 bits are laid.

    Shapes:
        centroids float32 (L, D), embeddings float32 (N, D), of length one.

    Raises:
        MissingExtraError: faiss is not installed.

    Example:
        >>> rows = np.eye(3, dtype=np.float32)
        >>> lists = InvertedLists(rows[:2], rows)
        >>> lists.assign(rows[:2])
        array([0, 1])
        >>> lists.add(np.array([10, 11]), rows[:2], np.array([0, 1]))
        >>> lists.candidates(rows[:1], 2, num_probes=2)
        array([[10, 11]])
    """

    def __init__(self, centroids: np.ndarray, embeddings: np.ndarray) -> None:
        self._faiss = _faiss()
        self.centroids = np.ascontiguousarray(centroids, np.float32)
        num, dim = self.centroids.shape
        self._quantizer = self._faiss.IndexFlatIP(dim)
        self._quantizer.add(self.centroids)
        self._index = self._faiss.IndexIVFScalarQuantizer(
            self._quantizer,
            dim,
            num,
            self._faiss.ScalarQuantizer.QT_8bit,
            self._faiss.METRIC_INNER_PRODUCT,
            False,  # of the embeddings, and not of how they differ from their centroid
        )
        self._index.train(np.ascontiguousarray(embeddings[:: len(embeddings) // _BITS_SAMPLE + 1]))

    @property
    def num_bytes(self) -> int:
        """Memory that they take."""
        return int(self._index.ntotal) * (self.centroids.shape[1] + 8) + self.centroids.nbytes

    def assign(self, embeddings: np.ndarray) -> np.ndarray:
        """The number of the list of each, int64 (N,)."""
        found: np.ndarray = self._quantizer.search(np.ascontiguousarray(embeddings), 1)[1][:, 0]
        return found

    def add(self, ids: np.ndarray, embeddings: np.ndarray, lists: np.ndarray) -> None:
        """Puts embeddings into lists under their ids, int64 (N,) as the numbers of the lists."""
        rows, ids, lists = (np.ascontiguousarray(part) for part in (embeddings, ids, lists))
        pointer = self._faiss.swig_ptr
        self._index.add_core(len(ids), pointer(rows), pointer(ids), pointer(lists))

    def remove(self, ids: np.ndarray) -> None:
        """Takes embeddings out."""
        self._index.remove_ids(np.ascontiguousarray(ids))

    def candidates(self, queries: np.ndarray, num: int, *, num_probes: int) -> np.ndarray:
        """The ids of the likely nearest in the lists that are nearest to each query; −1 behind the last one.

        Shapes:
            queries float32 (B, D); the answer int64 (B, num).
        """
        settings = self._faiss.SearchParametersIVF(nprobe=min(num_probes, len(self.centroids)))
        found: np.ndarray = self._index.search(np.ascontiguousarray(queries), num, params=settings)[1]
        return found


def fit_lists(embeddings: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lists by spherical k-means on a sample, each of at least eight embeddings: their means, and the list of each.

    Shapes:
        embeddings float32 (N, D) of length one, N at least 16; the answer float32 (L, D), of length one, int64 (N,).

    Raises:
        MissingExtraError: faiss is not installed.
    """
    faiss = _faiss()
    dim = embeddings.shape[1]
    num = max(1, min(_LISTS * int(len(embeddings) ** 0.5), len(embeddings) // (2 * _MIN_MEMBERS)))
    size = min(len(embeddings), num * _ROWS_PER_CENTROID)
    sample = embeddings[np.sort(np.random.default_rng(seed).choice(len(embeddings), size, replace=False))]
    # The sample has the size that is wanted: faiss is neither to draw from it nor to warn of it.
    means = faiss.Kmeans(
        dim,
        num,
        niter=_ITERATIONS,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=size,
    )
    means.train(sample)
    nearest = faiss.IndexFlatIP(dim)
    nearest.add(means.centroids)
    lists = nearest.search(embeddings, 1)[1][:, 0]
    large = np.bincount(lists, minlength=num) >= _MIN_MEMBERS
    lonely = np.flatnonzero(~large[lists])
    lists = (np.cumsum(large) - 1)[lists]
    nearest.reset()
    nearest.add(means.centroids[large])
    if len(lonely):
        lists[lonely] = nearest.search(embeddings[lonely], 1)[1][:, 0]
    return _means(embeddings, lists), lists


def _means(embeddings: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """The mean of each list, of length one."""
    order = np.argsort(lists, kind="stable")
    _, first = np.unique(lists[order], return_index=True)
    bounds = [*first.tolist(), len(order)]
    sums = np.stack([embeddings[order[a:b]].sum(0) for a, b in itertools.pairwise(bounds)])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise MissingExtraError(
            "faiss-cpu", "faces-index", "An index of a gallery that this process searches"
        ) from None
    return faiss
