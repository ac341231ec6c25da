"""Confidence intervals of errors and of differences between errors, and the test of two systems on the same examples.

A share of mistakes is counted; its interval is Wilson's. A difference of two shares has Newcombe's interval where the
examples are different ones, and Bonett and Price's where they are the same: there most of the chance falls out, since
both make the same mistakes. Of metrics that are no shares, `derin.tasks.metrics.intervals.bootstrap` gives intervals
from the values of each example, and `combined_interval` those of differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from derin.core.errors import UsageError
from derin.tasks.metrics.intervals import Z_95, Interval, wilson
from derin.tasks.metrics.mcnemar import PairedComparison


def share_interval(errors: float, n: int, z: float = Z_95) -> Interval:
    """The interval of a share of mistakes, Wilson's.

    Args:
        errors: mistakes; a share that was rounded may make no whole number of them.
        n: examples.
        z: of the normal distribution; 1.96 is 95 %.

    Raises:
        UsageError: the counts contradict each other.

    Example:
        >>> low, high = share_interval(15, 148)
        >>> round(low, 4), round(high, 4)
        (0.0624, 0.1605)

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if not 0 <= errors <= n or n < 1:
        raise UsageError(f"share_interval: 0 ≤ errors ≤ n and n ≥ 1 are required; got errors={errors}, n={n}.")
    return wilson(errors, n, z)


def difference_interval(errors: int, n: int, other_errors: int, other_n: int, z: float = Z_95) -> Interval:
    """The interval of errors / n − other_errors / other_n, counted on different examples; Newcombe's method 10.

    Args:
        errors: mistakes on the first examples.
        n: the first examples.
        other_errors: mistakes on the others.
        other_n: the other examples.
        z: of the normal distribution; 1.96 is 95 %.

    Example:
        >>> low, high = difference_interval(56, 70, 48, 80)
        >>> round(low, 4), round(high, 4)
        (0.0524, 0.3339)

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
        eleven methods", Statistics in Medicine 17, 1998.
    """
    first, second = share_interval(errors, n, z), share_interval(other_errors, other_n, z)
    return combined_difference(errors / n, first, other_errors / other_n, second)


def combined_difference(value: float, interval: Interval, other: float, other_interval: Interval) -> Interval:
    """The interval of a difference of two independent estimates, from the interval of each; see `combined_interval`.

    Args:
        value: x.
        interval: of x.
        other: y.
        other_interval: of y.

    Example:
        >>> low, high = combined_difference(0.10, (0.08, 0.12), 0.01, (0.01, 0.01))
        >>> round(low, 3), round(high, 3)
        (0.07, 0.11)
    """
    return combined_interval([(1.0, value, interval), (-1.0, other, other_interval)])


def combined_interval(terms: Sequence[tuple[float, float, Interval]]) -> Interval:
    """The interval of a sum of independent estimates with factors, from the interval of each.

    low = Σ cᵢxᵢ − √Σ (cᵢxᵢ − lᵢ)², high = Σ cᵢxᵢ + √Σ (uᵢ − cᵢxᵢ)², lᵢ and uᵢ the smaller and the larger of cᵢ times
    the bounds of xᵢ. Of Wilson's intervals of two shares it makes Newcombe's. What is known exactly has both bounds at
    its value.

    Args:
        terms: (c, x, interval of x) each.

    Example:
        >>> low, high = combined_interval([(2.0, 0.08, (0.07, 0.09)), (-1.0, 0.1, (0.08, 0.13))])
        >>> round(low, 3), round(high, 3)
        (0.024, 0.088)

    Source: G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a general approach",
        Statistics in Medicine 27, 2008.
    """
    value = sum(factor * x for factor, x, _ in terms)
    ends = [(factor * x, sorted((factor * low, factor * high))) for factor, x, (low, high) in terms]
    return (
        value - math.hypot(*(place - bounds[0] for place, bounds in ends)),
        value + math.hypot(*(bounds[1] - place for place, bounds in ends)),
    )


def paired_difference_interval(only_first: int, only_second: int, n: int, z: float = Z_95) -> Interval:
    """The interval of a difference of two shares of mistakes on the same examples, Bonett and Price's.

    Args:
        only_first: examples on which the first alone is wrong.
        only_second: examples on which the second alone is wrong.
        n: all examples, also those on which both are right or both are wrong.
        z: of the normal distribution; 1.96 is 95 %.

    Returns:
        The bounds of (only_first − only_second) / n.

    Raises:
        UsageError: the counts contradict each other.

    Example:
        >>> low, high = paired_difference_interval(1, 7, 21)
        >>> round(low, 3), round(high, 3)
        (-0.508, -0.013)

    Source: `derin.tasks.metrics.mcnemar.PairedComparison.interval`.
    """
    _require_pairs("paired_difference_interval", only_first, only_second)
    if n < max(1, only_first + only_second):
        raise UsageError(
            "paired_difference_interval: n counts all examples, those on which both agree too; got "
            f"only_first={only_first}, only_second={only_second}, n={n}."
        )
    return PairedComparison(n, only_first, only_second).interval(z)


def mcnemar(only_first: int, only_second: int, *, exact: bool = False) -> float:
    """The probability of so uneven counts or more uneven ones, if both systems were equally good: McNemar's test.

    Args:
        only_first: examples on which the first alone is wrong.
        only_second: examples on which the second alone is wrong.
        exact: the exact test, which is cautious, in place of mid-p, which keeps 5 % closely.

    Returns:
        The two-sided p; 1 where the systems never differ.

    Raises:
        UsageError: a count is negative.

    Example:
        >>> round(mcnemar(1, 7), 4), round(mcnemar(1, 7, exact=True), 4)
        (0.0391, 0.0703)

    Source: `derin.tasks.metrics.mcnemar.PairedComparison.p_value` and ``exact_p_value``.
    """
    _require_pairs("mcnemar", only_first, only_second)
    comparison = PairedComparison(only_first + only_second, only_first, only_second)
    return comparison.exact_p_value if exact else comparison.p_value


def _require_pairs(name: str, only_first: int, only_second: int) -> None:
    if only_first < 0 or only_second < 0:
        raise UsageError(
            f"{name}: counts of examples are required; got only_first={only_first}, only_second={only_second}."
        )
