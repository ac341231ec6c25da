"""How near made pictures are to true ones, by the features that a network gives both.

Sources: M. Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NeurIPS
    2017, arXiv:1706.08500 (the Fréchet distance; there over Inception's features, here over any); T. Kynkäänniemi et
    al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019, arXiv:1904.06991.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from derin.core.errors import ShapeError, UsageError

Floats = npt.NDArray[np.floating]

_NUM_NEIGHBORS = 3  # the paper's k
_ROWS_AT_ONCE = 1024


def frechet_distance(first: Floats, second: Floats) -> float:
    """The Fréchet distance of two sets of features, each taken for normally distributed.

    ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½), in float64, with the covariances of n − 1.

    Shapes:
        ``(N, F)`` and ``(M, F)``.

    Raises:
        ShapeError: fewer than two rows, or features of other networks.

    Example:
        >>> first = np.random.default_rng(0).normal(size=(50, 3))
        >>> round(frechet_distance(first, first + 2), 6)
        12.0
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ShapeError(
            "The Fréchet distance compares two sets of at least 2 rows with the same features; got "
            f"{first.shape} and {second.shape}."
        )
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    means = one.mean(axis=0) - two.mean(axis=0)
    root = _root(_covariance(one))
    # Eigenvalues below zero are rounding: the product is a square.
    inner = np.sqrt(np.clip(np.linalg.eigvalsh(root @ _covariance(two) @ root), 0, None))
    spread = np.trace(_covariance(one)) + np.trace(_covariance(two)) - 2 * inner.sum()
    return float(means @ means + max(spread, 0.0))


def _covariance(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centered = values - values.mean(axis=0)
    product: npt.NDArray[np.float64] = centered.T @ centered / (len(values) - 1)
    return product


def _root(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: npt.NDArray[np.float64] = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    return root


@dataclass(frozen=True)
class Nearest:
    """For each of some rows the nearest of others.

    Args:
        rows: which one.
        distances: how far it is.
    """

    rows: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]


def nearest_rows(queries: Floats, others: Floats) -> Nearest:
    """The nearest row of `others` to each query, by the Euclidean distance.

    Shapes:
        ``(N, F)`` and ``(M, F)`` → ``(N,)``.

    Example:
        >>> nearest_rows(np.array([[0.0], [9.0]]), np.array([[8.0], [1.0], [3.0]])).rows.tolist()
        [1, 0]
    """
    rows, distances = [], []
    targets = torch.from_numpy(np.ascontiguousarray(others, np.float32))
    for start in range(0, len(queries), _ROWS_AT_ONCE):
        part = torch.from_numpy(np.ascontiguousarray(queries[start : start + _ROWS_AT_ONCE], np.float32))
        found = torch.cdist(part, targets).min(dim=1)
        rows.append(found.indices.numpy())
        distances.append(found.values.double().numpy())
    return Nearest(np.concatenate(rows), np.concatenate(distances))


def precision_recall(true: Floats, made: Floats, num_neighbors: int = _NUM_NEIGHBORS) -> tuple[float, float]:
    """How many made pictures lie where true ones do (precision), and how many true ones where made ones do (recall).

    A set lies within the balls around its rows that reach to the k-th nearest row of the same set.

    Shapes:
        ``(N, F)`` and ``(M, F)``.

    Raises:
        UsageError: a set has no more rows than neighbors are asked for.

    Example:
        >>> line = np.arange(8.0)[:, None]
        >>> precision_recall(line, line[2:4].repeat(3, axis=0), num_neighbors=2)
        (1.0, 0.25)
    """
    if min(len(true), len(made)) <= num_neighbors:
        raise UsageError(
            f"Precision and recall of made pictures need more than {num_neighbors} of each; got {len(true)} true and "
            f"{len(made)} made ones."
        )
    return _share_within(made, true, num_neighbors), _share_within(true, made, num_neighbors)


def _share_within(queries: Floats, others: Floats, num_neighbors: int) -> float:
    """The share of the queries that lie in one of the balls around the others."""
    # Double precision, since a row is at distance zero from itself, and differences of squares are not.
    targets = torch.from_numpy(np.ascontiguousarray(others, np.float64))
    given = torch.from_numpy(np.ascontiguousarray(queries, np.float64))
    exact = "donot_use_mm_for_euclid_dist"
    radii = torch.cat(
        [
            torch.cdist(part, targets, compute_mode=exact).kthvalue(num_neighbors + 1, dim=1).values
            for part in targets.split(_ROWS_AT_ONCE)
        ]
    )
    within = [(torch.cdist(part, targets, compute_mode=exact) <= radii).any(1) for part in given.split(_ROWS_AT_ONCE)]
    return float(torch.cat(within).double().mean())
