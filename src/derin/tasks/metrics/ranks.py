"""The area under the ROC curve, from ranks, and how sure it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def roc_auc(scores: npt.ArrayLike, positives: npt.ArrayLike) -> float:
    """The probability that a random positive example scores above a random negative one; ties count half.

    AUC = (Σ ranks of the positives − P(P + 1)/2) / (P · N), with mean ranks for ties.

    Args:
        scores: larger means more positive.
        positives: whether each example is positive.

    Shapes:
        both ``(N,)``. NaN where either kind is missing or a score is NaN.

    Example:
        >>> roc_auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
        0.75

    Source: J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a ROC curve", Radiology 143, 1982.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positives, dtype=bool)
    num_positive = int(truth.sum())
    num_negative = len(truth) - num_positive
    if not num_positive or not num_negative or np.isnan(values).any():
        return float("nan")
    rank_sum = float(mean_ranks(values)[truth].sum())
    return (rank_sum - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative)


def roc_auc_influence(scores: npt.ArrayLike, positives: npt.ArrayLike) -> Floats:
    """How far each example moves the AUC: the mean of the squares, divided by N, is the AUC's variance.

    With P positives and M negatives of N, a positive example has (share of negatives below it − AUC) · N / P, a
    negative one (share of positives above it − AUC) · N / M.

    Shapes:
        both ``(N,)`` → ``(N,)``; NaN where the AUC is undefined.

    Source: E. R. DeLong et al., "Comparing the areas under two or more correlated ROC curves", Biometrics 44, 1988.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positives, dtype=bool)
    auc = roc_auc(values, truth)
    if np.isnan(auc):
        return np.full(len(values), np.nan)
    num, num_positive = len(values), int(truth.sum())
    num_negative = num - num_positive
    ranks, result = mean_ranks(values), np.empty(num)
    # Rank among all minus rank among one's own kind: how many of the other kind lie below, ties counting half.
    result[truth] = ((ranks[truth] - mean_ranks(values[truth])) / num_negative - auc) * num / num_positive
    below = ranks[~truth] - mean_ranks(values[~truth])
    result[~truth] = (1 - below / num_positive - auc) * num / num_negative
    return result


def expit(odds: Floats) -> Floats:
    """The probability 1 / (1 + exp(−z)) of log odds, with all of its digits also near 0.

    Example:
        >>> expit(np.array([0.0, -40.0])).tolist()
        [0.5, 4.248354255291589e-18]
    """
    small = np.exp(-np.abs(odds))
    return np.where(odds >= 0, 1.0, small) / (1.0 + small)


def mean_ranks(values: Floats) -> Floats:
    """The place of each value in ascending order, from 1; equal values share the mean of their places.

    Example:
        >>> mean_ranks(np.array([3.0, 1.0, 3.0])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last: Floats = np.cumsum(counts) - (counts - 1) / 2
    return last[places]
