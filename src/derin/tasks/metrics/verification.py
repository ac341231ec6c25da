"""How well distances tell same from different: ROC, equal error rate, thresholds and what a sample can say of them.

Everywhere in this file distances are of pairs, smaller is more alike, and a pair is accepted as the same where its
distance lies **at or below** the threshold. Distances are compared as float32, the type of embeddings, and every
threshold that is returned is a float32 number: whoever compares in float32 or in float64 decides alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UsageError
from derin.tasks.metrics.intervals import Interval, clopper_pearson
from derin.tasks.metrics.ranks import roc_auc

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Roc:
    """The two error rates at every threshold that makes a difference.

    Attributes:
        thresholds: ascending; the first is −∞, which accepts nothing, the others are the distances that occur.
        fmr: false-match rate, the share of different pairs at or below each threshold.
        fnmr: false-non-match rate, the share of same pairs above it.
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats


@dataclass(frozen=True, kw_only=True)
class ThresholdFit:
    """A threshold for a wanted false-match rate, and what the pairs can say about it.

    Attributes:
        threshold: at or below it a pair is accepted.
        fmr: the share of the given different pairs that it accepts; at most the wanted one.
        low, high: between which the false-match rate of the threshold lies, at the confidence that was asked.
        num_impostors: how many different pairs it rests on.
        smallest_fmr: the smallest rate that so many pairs can show: the upper bound where they accept none at all.
        supported: whether the wanted rate is at least that. Where not, the threshold is below every distance that was
            seen or nearly so, and how rarely it errs is not known.
    """

    threshold: float
    fmr: float
    low: float
    high: float
    num_impostors: int
    smallest_fmr: float
    supported: bool


@dataclass(frozen=True, kw_only=True)
class FoldedAccuracy:
    """Accuracy on pairs that did not choose the threshold.

    Attributes:
        accuracy: the mean over folds.
        standard_error: of that mean, from the spread of the folds.
        accuracies, thresholds: of each fold, in order.
    """

    accuracy: float
    standard_error: float
    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class OpenSetRates:
    """How an identification errs that may also answer "nobody".

    Attributes:
        fpir: false-positive identification rate, the share of unknown people who are taken for somebody.
        fnir: false-negative identification rate, the share of known people who are not given their own name: refused,
            or taken for somebody else.
        misidentified: the part of `fnir` that is taken for somebody else.
        fpir_interval, fnir_interval: exact ones at 95 %; they take searches for independent.
    """

    fpir: float
    fnir: float
    misidentified: float
    fpir_interval: Interval
    fnir_interval: Interval


def pair_distances(embeddings: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], npt.NDArray]:
    """The Euclidean distance of every pair of embeddings, and whether the pair is of one class.

    Args:
        embeddings: one for each example.
        labels: its class.

    Shapes:
        ``(N, D)`` and ``(N,)`` → two of ``(N (N − 1) / 2,)``: pairs (0, 1), (0, 2) … (N − 2, N − 1).

    Example:
        >>> distances, same = pair_distances([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["a", "a", "b"])
        >>> np.square(distances).round().tolist(), same.tolist()
        ([0.0, 2.0, 2.0], [True, False, False])
    """
    # In float64, because |a|² + |b|² − 2ab loses half of the digits where a is near b.
    points, classes = np.asarray(embeddings, dtype=np.float64), np.asarray(labels)
    first, second = np.triu_indices(len(points), 1)
    lengths = np.square(points).sum(1)
    squares = (lengths[:, None] + lengths[None, :] - 2 * points @ points.T)[first, second]
    return np.sqrt(np.maximum(squares, 0)).astype(np.float32), classes[first] == classes[second]


def roc(distances: npt.ArrayLike, same: npt.ArrayLike) -> Roc:
    """Both error rates at every threshold. Equal distances are accepted together, whatever they are of.

    Args:
        distances: of pairs.
        same: whether each pair is of one class.

    Shapes:
        both ``(N,)``.

    Raises:
        DataError: one kind of pair is missing, or a distance is not finite.

    Example:
        >>> curve = roc([0.2, 0.4, 0.4, 0.9], [True, True, False, False])
        >>> curve.thresholds.round(1).tolist(), curve.fmr.tolist(), curve.fnmr.tolist()
        ([-inf, 0.2, 0.4, 0.9], [0.0, 0.0, 0.5, 1.0], [1.0, 0.5, 0.0, 0.0])

    Source: ISO/IEC 19795-1, "Biometric performance testing and reporting".
    """
    values, num_same, num_different = _counts(distances, same)
    accepted_same, accepted_different = np.cumsum(num_same), np.cumsum(num_different)
    return Roc(
        thresholds=np.append(-np.inf, values),
        fmr=np.append(0.0, accepted_different / accepted_different[-1]),
        fnmr=np.append(1.0, 1 - accepted_same / accepted_same[-1]),
    )


def equal_error_rate(distances: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """The rate at which as many different pairs are accepted as same ones are refused (EER).

    Where the curve has no such point, it lies on the straight line between the two thresholds around it; that is what
    a random choice between these gives.

    Args:
        distances: of pairs.
        same: whether each pair is of one class.

    Shapes:
        both ``(N,)``.

    Raises:
        DataError: one kind of pair is missing, or a distance is not finite.

    Example:
        >>> equal_error_rate([0.2, 0.3, 0.7, 0.5, 0.8, 0.9], [True, True, True, False, False, False]).__round__(4)
        0.3333
    """
    curve = roc(distances, same)
    return crossing(curve.fmr, curve.fnmr)


def crossing(fmr: Floats, fnmr: Floats) -> float:
    """Where the two rates of a curve, from (0, 1) to (1, 0), are equal.

    Shapes:
        both ``(T,)``, in the order of thresholds.

    Example:
        >>> crossing(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, 0.0])).__round__(4)
        0.3333
    """
    gap = fmr - fnmr  # never falls, from −1 to 1
    after = int(np.argmax(gap >= 0))
    part = -gap[after - 1] / (gap[after] - gap[after - 1])
    return float(fmr[after - 1] + part * (fmr[after] - fmr[after - 1]))


def auc(distances: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """The probability that a same pair is nearer than a different one, ties counting half: the area under the ROC.

    Shapes:
        both ``(N,)``. NaN where a kind of pair is missing.

    Example:
        >>> auc([0.1, 0.4, 0.35, 0.8], [True, True, False, False])
        0.75
    """
    return roc_auc(-np.asarray(distances, dtype=np.float32), same)


def threshold_at_fmr(impostor_distances: npt.ArrayLike, fmr: float, confidence: float = 0.95) -> ThresholdFit:
    """The largest threshold whose false-match rate on these different pairs is at most the wanted one.

    With n pairs it accepts m ≤ k = ⌊fmr · n⌋ of them. Because it is a place between two order statistics of the pairs
    that chose it, its true rate has the exact bounds

        low = Beta⁻¹(α/2; m, n − m + 1),  high = Beta⁻¹(1 − α/2; k + 1, n − k),  α = 1 − confidence

    (Clopper–Pearson's), whatever the distribution of distances, with ties too. They take the pairs for independent
    draws; all pairs of few people are not, and their true uncertainty is larger.

    Args:
        impostor_distances: of pairs of different people.
        fmr: the wanted false-match rate, between 0 and 1.
        confidence: of the interval, between 0 and 1.

    Shapes:
        ``(n,)``.

    Raises:
        UsageError: a rate is not between 0 and 1.
        DataError: there are no distances, or one is not finite.

    Example:
        >>> fit = threshold_at_fmr([0.9, 1.0, 1.1, 1.2, 1.3] * 40, fmr=0.2)
        >>> round(fit.threshold, 3), fit.fmr, fit.supported
        (0.9, 0.2, True)
        >>> threshold_at_fmr([0.9, 1.0, 1.1, 1.2, 1.3] * 40, fmr=0.0001).supported
        False

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934;
        S. S. Wilks, "Determination of sample sizes for setting tolerance limits", Ann. Math. Statist. 12, 1941.
    """
    for name, value in (("fmr", fmr), ("confidence", confidence)):
        if not 0 < value < 1:
            raise UsageError(f"{name} must lie between 0 and 1; got {value}. Give 0.001 for one in a thousand.")
    ordered = np.sort(_finite(impostor_distances))
    num = len(ordered)
    if not num:
        raise DataError("A threshold for a false-match rate needs pairs of different people; got none. Give some.")
    # The product's rounding must not lose a pair: 0.29 · 100 is 28.999….
    allowed = math.floor(fmr * num * (1 + 1e-12))
    # The (k + 1)-th smallest distance is refused, and with it all that are equal.
    num_accepted = int(np.searchsorted(ordered, ordered[allowed]))
    lowest_refused = ordered[allowed]
    threshold = ordered[num_accepted - 1] if num_accepted else np.nextafter(lowest_refused, np.float32(-np.inf))
    smallest = clopper_pearson(0, num, confidence)[1]
    return ThresholdFit(
        threshold=float(threshold),
        fmr=num_accepted / num,
        low=clopper_pearson(num_accepted, num, confidence)[0],
        high=clopper_pearson(allowed, num, confidence)[1],
        num_impostors=num,
        smallest_fmr=smallest,
        supported=fmr >= smallest,
    )


def best_accuracy_threshold(distances: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """The threshold that decides most pairs rightly, in the middle between two distances that occur.

    Of several that are equally good, the one in the widest gap.

    Args:
        distances: of pairs.
        same: whether each pair is of one class.

    Shapes:
        both ``(N,)``.

    Raises:
        DataError: there are no pairs, or a distance is not finite.

    Example:
        >>> round(best_accuracy_threshold([0.2, 0.4, 0.8, 0.9], [True, True, False, False]), 3)
        0.6
    """
    values, num_same, num_different = _counts(distances, same, both=False)
    right = np.append(0, np.cumsum(num_same)) + num_different.sum() - np.append(0, np.cumsum(num_different))
    # Candidate i accepts the i smallest values: the first none of them, the last all.
    middle = ((values[:-1].astype(np.float64) + values[1:]) / 2).astype(np.float32)
    middle = np.where(middle < values[1:], middle, values[:-1])  # between neighbors of float32 nothing lies
    candidates = np.concatenate([np.nextafter(values[:1], np.float32(-np.inf)), middle, values[-1:]])
    gaps = np.concatenate([[0], np.diff(values), [0]])
    best = np.flatnonzero(right == right.max())
    return float(candidates[best[np.argmax(gaps[best])]])


def accuracy_at(distances: npt.ArrayLike, same: npt.ArrayLike, threshold: float) -> float:
    """The share of pairs that a threshold decides rightly.

    Example:
        >>> accuracy_at([0.2, 0.9, 0.4], [True, True, False], 0.5).__round__(3)
        0.333
    """
    values, truth = _pairs(distances, same)
    return float(((values <= np.float32(threshold)) == truth).mean())


def k_fold_accuracy(distances: npt.ArrayLike, same: npt.ArrayLike, folds: int = 10) -> FoldedAccuracy:
    """Accuracy by a threshold that is chosen on the other folds, as the protocol of LFW has it.

    Folds are stretches of the given order, equal up to one pair, so that everybody who reads the same file measures
    the same.

    Args:
        distances: of pairs.
        same: whether each pair is of one class.
        folds: into how many parts the pairs are cut.

    Shapes:
        both ``(N,)``.

    Raises:
        UsageError: there are fewer than 2 folds, or more than pairs.
        DataError: a distance is not finite.

    Example:
        >>> k_fold_accuracy([0.2, 0.9, 0.4, 0.8], [True, False, True, False], folds=2).accuracy
        1.0

    Source: G. B. Huang et al., "Labeled Faces in the Wild", 2007, section 3.
    """
    values, truth = _pairs(distances, same)
    if not 2 <= folds <= len(values):
        raise UsageError(f"k_fold_accuracy.folds must be from 2 to the number of pairs, {len(values)}; got {folds}.")
    accuracies, thresholds = [], []
    for held_out in np.array_split(np.arange(len(values)), folds):
        threshold = best_accuracy_threshold(np.delete(values, held_out), np.delete(truth, held_out))
        thresholds.append(threshold)
        accuracies.append(accuracy_at(values[held_out], truth[held_out], threshold))
    return FoldedAccuracy(
        accuracy=float(np.mean(accuracies)),
        standard_error=float(np.std(accuracies, ddof=1) / math.sqrt(folds)),
        accuracies=tuple(accuracies),
        thresholds=tuple(thresholds),
    )


def open_set_rates(
    known_distances: npt.ArrayLike,
    known_right: npt.ArrayLike,
    unknown_distances: npt.ArrayLike,
    threshold: float,
) -> OpenSetRates:
    """The error rates of an identification among enrolled people, to which unknown ones come too.

    Args:
        known_distances: of each search for an enrolled person, the distance to the nearest enrolled one.
        known_right: whether that nearest one is the person.
        unknown_distances: of each search for somebody who is not enrolled, the same distance.
        threshold: above it the answer is nobody.

    Shapes:
        ``(M,)``, ``(M,)`` and ``(U,)``. A rate without searches is NaN.

    Raises:
        DataError: a distance is not finite, or the lengths differ.

    Example:
        >>> rates = open_set_rates([0.3, 0.5, 1.2], [True, False, True], [0.4, 1.1], threshold=0.8)
        >>> rates.fpir, round(rates.fnir, 3), round(rates.misidentified, 3)
        (0.5, 0.667, 0.333)

    Source: P. Grother, M. Ngan, K. Hanaoka, "Face Recognition Vendor Test, part 2: identification", NISTIR 8271, 2019.
    """
    known, right = _pairs(known_distances, known_right)
    unknown = _finite(unknown_distances)
    limit = np.float32(threshold)
    num_wrong, num_refused = int((~right & (known <= limit)).sum()), int((known > limit).sum())
    num_taken = int((unknown <= limit).sum())
    return OpenSetRates(
        fpir=_share(num_taken, len(unknown)),
        fnir=_share(num_wrong + num_refused, len(known)),
        misidentified=_share(num_wrong, len(known)),
        fpir_interval=clopper_pearson(num_taken, len(unknown)),
        fnir_interval=clopper_pearson(num_wrong + num_refused, len(known)),
    )


def _share(num: int, num_all: int) -> float:
    return num / num_all if num_all else math.nan


def _finite(distances: npt.ArrayLike) -> npt.NDArray[np.float32]:
    values = np.asarray(distances, dtype=np.float32).reshape(-1)
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"Distances must be finite numbers; got {values[place]} at place {place}. Leave such pairs out."
        )
    return values


def _pairs(distances: npt.ArrayLike, same: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    values, truth = _finite(distances), np.asarray(same, dtype=bool).reshape(-1)
    if len(values) != len(truth):
        raise DataError(f"Each distance needs its truth; got {len(values)} distances and {len(truth)} truths.")
    return values, truth


def _counts(
    distances: npt.ArrayLike, same: npt.ArrayLike, both: bool = True
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distances that occur, ascending, and how many same and different pairs have each."""
    values, truth = _pairs(distances, same)
    num_same = int(truth.sum())
    if not len(values) or (both and num_same in (0, len(values))):
        raise DataError(
            f"Same and different are told apart on pairs of both kinds; got {num_same} same and "
            f"{len(values) - num_same} different pairs. Give some of each."
        )
    occurring, places = np.unique(values, return_inverse=True)
    of_same = np.bincount(places[truth], minlength=len(occurring))
    return occurring, of_same, np.bincount(places, minlength=len(occurring)) - of_same
