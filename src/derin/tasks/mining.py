"""Which triplets of a batch are learned from: numbers of rows for anchor, positive (of its class) and negative.

Every function looks at all B × B distances at once; a row is never its own positive. What is chosen has no gradient.
Agreement with pytorch-metric-learning 2.9 is tested.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Triplets = tuple[Tensor, Tensor, Tensor]

# Distance weighting: below this distance all negatives count alike, for the weight of very near ones knows no bound;
# near √2, where random vectors of length 1 lie, none is drawn, since nothing is left to learn from them.
_NEAREST, _FARTHEST = 0.5, 1.4


def same_and_different(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs of rows are of one class, without the pairs of a row with itself, and which are of two.

    Shapes:
        ``(B,)`` → two of ``(B, B)``.
    """
    equal = labels[:, None] == labels[None, :]
    return equal & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~equal


def all_triplets(distances: Tensor, labels: Tensor, margin: float = 0.0) -> Triplets:
    """Every triplet of the batch (batch-all).

    Args:
        distances: between all rows; only its place (device) matters here.
        labels: the class of each row.
        margin: is not asked.

    Shapes:
        ``(B, B)`` and ``(B,)`` → three of ``(T,)`` int64.
    """
    same, different = same_and_different(labels)
    return _rows(same[:, :, None] & different[:, None, :])


def batch_hard(distances: Tensor, labels: Tensor, margin: float = 0.0) -> Triplets:
    """For each anchor the farthest positive and the nearest negative.

    Args:
        distances: between all rows.
        labels: the class of each row.
        margin: is not asked.

    Shapes:
        ``(B, B)`` and ``(B,)`` → three of ``(A,)`` int64, A being how many rows have a positive and a negative.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
        >>> [rows.tolist() for rows in batch_hard(torch.cdist(points, points), torch.tensor([0, 0, 1, 1]))]
        [[0, 1, 2, 3], [1, 0, 3, 2], [2, 2, 1, 1]]

    Source: A. Hermans, L. Beyer, B. Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        arXiv:1703.07737, equation 5.
    """
    same, different = same_and_different(labels)
    anchors = torch.nonzero(same.any(1) & different.any(1))[:, 0]
    positives = distances.masked_fill(~same, -torch.inf).argmax(1)
    negatives = distances.masked_fill(~different, torch.inf).argmin(1)
    return anchors, positives[anchors], negatives[anchors]


def semi_hard(distances: Tensor, labels: Tensor, margin: float) -> Triplets:
    """All triplets whose negative is farther than the positive, but by no more than the margin.

    Negatives nearer than the positive may teach a network to collapse early in training; these do not.

    Args:
        distances: between all rows.
        labels: the class of each row.
        margin: of the loss, in the unit of the distances.

    Shapes:
        ``(B, B)`` and ``(B,)`` → three of ``(T,)`` int64.

    Source: F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet", CVPR 2015, section 3.2, equation 4.
    """
    same, different = same_and_different(labels)
    farther = distances[:, None, :] - distances[:, :, None]  # (anchor, positive, negative)
    return _rows(same[:, :, None] & different[:, None, :] & (farther > 0) & (farther <= margin))


def distance_weights(distances: Tensor, labels: Tensor, dim: int) -> Tensor:
    """The probability with which each row is drawn as the negative of an anchor: as if all distances were as common.

    On the sphere of n dimensions, distances have the density q(d) ∝ dⁿ⁻² (1 − d²/4)^((n − 3)/2), so that nearly all
    are near √2; negatives are drawn with 1 / q(max(d, 0.5)), and none from 1.4 on.

    Args:
        distances: between all rows, of vectors of length 1.
        labels: the class of each row.
        dim: n, the numbers of a vector.

    Shapes:
        ``(B, B)`` and ``(B,)`` → ``(B, B)``; rows sum to 1, or to 0 where an anchor has no such negative.

    Source: C.-Y. Wu, R. Manmatha, A. J. Smola, P. Krähenbühl, "Sampling Matters in Deep Embedding Learning", ICCV 2017,
        arXiv:1706.07567, section 4.
    """
    _, different = same_and_different(labels)
    d = distances.clamp(_NEAREST, _FARTHEST)
    log_weights = (2 - dim) * d.log() - (dim - 3) / 2 * torch.log1p(-d.square() / 4)
    log_weights = log_weights.masked_fill(~(different & (distances < _FARTHEST)), -torch.inf)
    # An anchor without such a negative has −∞ everywhere, whose softmax is NaN.
    return torch.softmax(log_weights, dim=1).nan_to_num(0.0)


def distance_weighted(distances: Tensor, labels: Tensor, margin: float = 0.0, *, dim: int = 128) -> Triplets:
    """For each anchor and each of its positives a negative that is drawn by `distance_weights`.

    Drawn from torch's generator, which training seeds before each step.

    Args:
        distances: between all rows, of vectors of length 1.
        labels: the class of each row.
        margin: is not asked.
        dim: the numbers of a vector.

    Shapes:
        ``(B, B)`` and ``(B,)`` → three of ``(T,)`` int64.
    """
    same, _ = same_and_different(labels)
    weights = distance_weights(distances, labels, dim)
    anchors, positives = torch.nonzero(same & (weights.sum(1) > 0)[:, None], as_tuple=True)
    if not len(anchors):
        return anchors, positives, anchors
    return anchors, positives, torch.multinomial(weights[anchors], 1)[:, 0]


MINERS: dict[str, Callable[..., Triplets]] = {
    "batch-hard": batch_hard,
    "semi-hard": semi_hard,
    "distance-weighted": distance_weighted,
    "batch-all": all_triplets,
}


def _rows(chosen: Tensor) -> Triplets:
    anchors, positives, negatives = torch.nonzero(chosen, as_tuple=True)
    return anchors, positives, negatives
