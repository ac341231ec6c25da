"""Confidence intervals: within which bounds a measurement would lie on other examples of the same kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z_95 = 1.959963984540054  # two-sided 95 % of the normal distribution
NUM_RESAMPLES = 1000
_MOST_GROUPS = 2_000  # examples beyond this number are drawn in groups; the interval is the same and the time bounded


def wilson(num_right: float, num: int, z: float = Z_95) -> Interval:
    """The interval of a share, honest for few examples and for shares near 0 and 1.

    Args:
        num_right: examples that count.
        num: all examples.
        z: of the normal distribution; 1.96 is 95 %.

    Example:
        >>> low, high = wilson(98, 100)
        >>> round(low, 3), round(high, 3)
        (0.93, 0.994)

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if not num:
        return (math.nan, math.nan)
    share = num_right / num
    middle = (share + z * z / (2 * num)) / (1 + z * z / num)
    half = z / (1 + z * z / num) * math.sqrt(share * (1 - share) / num + z * z / (4 * num * num))
    # Rounding must not push the bound of a perfect score past it.
    return (0.0 if num_right == 0 else middle - half, 1.0 if num_right == num else middle + half)


def clopper_pearson(num_right: int, num: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share: from no true share outside it would so many or so few come by chance.

    low = Beta⁻¹(α/2; k, n − k + 1), high = Beta⁻¹(1 − α/2; k + 1, n − k), α = 1 − confidence. Unlike Wilson's it covers
    the true share at least as often as it says, however small that is; hence for rare errors.

    Args:
        num_right: examples that count, k.
        num: all examples, n. Without any, both bounds are NaN.
        confidence: two-sided.

    Example:
        >>> low, high = clopper_pearson(0, 200)
        >>> low, round(high, 4)
        (0.0, 0.0183)

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26, 1934.
    """
    from scipy.special import betaincinv

    if not num:
        return (math.nan, math.nan)
    tail = (1 - confidence) / 2
    low = 0.0 if num_right == 0 else float(betaincinv(num_right, num - num_right + 1, tail))
    return (low, 1.0 if num_right == num else float(betaincinv(num_right + 1, num - num_right, 1 - tail)))


def median_interval(values: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """An interval of a median that holds for any distribution: between two of the values, by their order.

    How many of n values lie below the median is binomial with p = ½; the bounds are the values at its quantiles.

    Args:
        values: n of them, one at least.
        confidence: two-sided; reached or exceeded where n is large enough for it.

    Example:
        >>> median_interval(np.arange(1.0, 11.0))
        (2.0, 9.0)

    Source: W. J. Conover, "Practical nonparametric statistics", 3rd edition, 1999, section 3.2.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(values, np.float64))
    place = max(int(binom.ppf((1 - confidence) / 2, len(ordered), 0.5)), 1)
    return (float(ordered[place - 1]), float(ordered[len(ordered) - place]))


def bootstrap(values: Floats, statistics: Callable[[Floats], Mapping[str, Floats]]) -> dict[str, Interval]:
    """95 % percentile intervals of anything that is a function of means over examples.

    Args:
        values: what is averaged, one row for each example.
        statistics: from the means of each resample to named numbers.

    Shapes:
        values ``(N, M)``; `statistics` gets ``(R, M)`` and gives ``(R,)`` for each name.

    Example:
        >>> errors = np.array([[1.0], [2.0], [3.0], [2.0]])
        >>> low, high = bootstrap(errors, lambda means: {"mae": means[:, 0]})["mae"]
        >>> 1.0 <= low < 2.0 < high <= 3.0
        True

    Source: B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
    """
    random = generator(0, "bootstrap")
    num_groups = min(len(values), _MOST_GROUPS)
    if not num_groups:
        return {}
    # Groups are drawn at random, because examples often come sorted.
    places = np.arange(len(values)) if len(values) == num_groups else random.permutation(len(values)) % num_groups
    sums = np.stack([np.bincount(places, column, minlength=num_groups) for column in values.T], axis=1)
    sizes = np.bincount(places, minlength=num_groups).astype(np.float64)
    drawn = random.integers(0, num_groups, size=(NUM_RESAMPLES, num_groups))
    drawn += np.arange(NUM_RESAMPLES)[:, None] * num_groups  # so that one count is a count of each resample
    times = np.bincount(drawn.reshape(-1), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
    return percentiles(statistics(times @ sums / (times @ sizes)[:, None]))


def bootstrap_pairs(errors: npt.ArrayLike, counts: npt.ArrayLike) -> Interval:
    """The 95 % percentile interval of a share of pairs, by drawing those whom the pairs are of, and not the pairs.

    Pairs that share somebody are not independent: of few people there may be many pairs that say little. Whoever is
    drawn twice brings their pairs twice.

    Args:
        errors: of the pairs of one with another, how many count.
        counts: how many there are.

    Shapes:
        both ``(K, K)``, the pairs of i with j at (i, j), at (j, i), or shared between both.

    Example:
        >>> errors = np.zeros((40, 40)); errors[3, 5:15] = 1  # all errors are of one person
        >>> low, high = bootstrap_pairs(errors, np.triu(np.ones((40, 40)), 1))
        >>> low, 0.03 < high < 0.06, clopper_pearson(10, 780)[1] < 0.024
        (0.0, True, True)

    Source: T. A. B. Snijders, S. P. Borgatti, "Non-parametric standard errors and tests for network statistics",
        Connections 22 (2), 1999; R. M. Bolle, N. K. Ratha, S. Pankanti, "Error analysis of pattern recognition systems
        – the subsets bootstrap", Computer Vision and Image Understanding 93, 2004.
    """
    wrong, all_pairs = np.asarray(errors, np.float64), np.asarray(counts, np.float64)
    num = len(wrong)
    times = generator(0, "bootstrap").multinomial(num, np.full(num, 1 / num), size=NUM_RESAMPLES).astype(np.float64)
    sums, sizes = ((times @ cells * times).sum(1) for cells in (wrong, all_pairs))
    shares = np.divide(sums, sizes, out=np.full(NUM_RESAMPLES, np.nan), where=sizes > 0)
    return percentiles({"share": shares})["share"]


def bootstrap_confusion(
    confusion: npt.ArrayLike, statistics: Callable[[Floats], Mapping[str, Floats]]
) -> dict[str, Interval]:
    """95 % percentile intervals of anything that is a function of a confusion matrix.

    Drawing N examples with replacement is drawing N times from the matrix's cells, so no example is needed.

    Shapes:
        confusion ``(classes, classes)``; `statistics` gets ``(R, classes, classes)`` and gives ``(R,)`` for each name.
    """
    counts = np.asarray(confusion, dtype=np.int64)
    if not counts.sum():
        return {}
    return percentiles(statistics(resampled_counts(counts.reshape(-1)).reshape(NUM_RESAMPLES, *counts.shape)))


def resampled_counts(counts: npt.NDArray[np.int64]) -> Floats:
    """How often each kind of example comes where as many as there are get drawn with replacement.

    Shapes:
        ``(cells,)`` → ``(R, cells)``.
    """
    num, used = int(counts.sum()), np.flatnonzero(counts)
    drawn = np.zeros((NUM_RESAMPLES, counts.size))
    drawn[:, used] = generator(0, "bootstrap").multinomial(num, counts[used] / num, size=NUM_RESAMPLES)
    return drawn


def around_auc(auc: float, influence: Floats, z: float = Z_95) -> Interval:
    """The interval of an AUC, normal on the scale of log odds so that it stays between 0 and 1.

    Args:
        auc: the area, or a mean of areas.
        influence: how far each example moves it, from `roc_auc_influence`, averaged as the areas are.
        z: of the normal distribution; 1.96 is 95 %.
    """
    if math.isnan(auc) or not len(influence):
        return (math.nan, math.nan)
    if auc in (0.0, 1.0):
        return (auc, auc)
    error = math.sqrt(float(np.square(influence).mean()) / len(influence))
    odds, half = math.log(auc / (1 - auc)), z * error / (auc * (1 - auc))
    return (_logistic(odds - half), _logistic(odds + half))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def percentiles(resampled: Mapping[str, Floats]) -> dict[str, Interval]:
    """The middle 95 % of each statistic; a resample in which it is undefined is left out."""
    result = {}
    for name, values in resampled.items():
        defined = values[~np.isnan(values)]
        low, high = np.percentile(defined, [2.5, 97.5]) if len(defined) else (math.nan, math.nan)
        result[name] = (float(low), float(high))
    return result
