"""Two classifiers on the same examples: how far their accuracies lie apart, and whether that may be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.errors import ShapeError
from derin.tasks.metrics.intervals import Z_95, Interval


@dataclass(frozen=True)
class PairedComparison:
    """What the examples say that only one of two classifiers answers rightly; the others tell nothing apart.

    Args:
        num_examples: answered by both.
        num_first_only: answered rightly by the first alone.
        num_second_only: answered rightly by the second alone.

    Example:
        >>> comparison = PairedComparison(num_examples=100, num_first_only=12, num_second_only=4)
        >>> comparison.difference, round(comparison.p_value, 4), round(comparison.exact_p_value, 4)
        (0.08, 0.049, 0.0768)
        >>> [round(bound, 3) for bound in comparison.interval()]
        [-0.002, 0.159]
    """

    num_examples: int
    num_first_only: int
    num_second_only: int

    @property
    def difference(self) -> float:
        """Accuracy of the first minus that of the second."""
        return (self.num_first_only - self.num_second_only) / self.num_examples if self.num_examples else math.nan

    @property
    def exact_p_value(self) -> float:
        """The chance of a split at least as uneven, were both equally good: min(1, 2 Σ_{i ≤ k} C(n, i) 2⁻ⁿ).

        n is the number of examples that only one answers rightly, k the smaller part of it.

        Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
            percentages", Psychometrika 12, 1947; exact as a sign test.
        """
        num, smaller = self._disagreeing
        return min(1.0, 2 * sum(_half_binomial(num, i) for i in range(smaller + 1)))

    @property
    def p_value(self) -> float:
        """The mid-p value: the exact one, with half the chance of the split that was seen, 2 Σ_{i < k} + C(n, k) 2⁻ⁿ.

        The exact test errs far to the careful side; this one keeps 5 % closely and is the one to report.

        Source: M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data: mid-p and
            asymptotic are better than exact conditional", BMC Medical Research Methodology 13:91, 2013.
        """
        num, smaller = self._disagreeing
        if 2 * smaller == num:  # the middle of the distribution: both tails meet
            return 1.0 - _half_binomial(num, smaller) if num else 1.0
        below = sum(_half_binomial(num, i) for i in range(smaller))
        return min(1.0, 2 * below + _half_binomial(num, smaller))

    def interval(self, z: float = Z_95) -> Interval:
        """The interval of the difference: Wald's after one more example in each of the two disagreeing cells.

        With p₁ = (b + 1) / (N + 2) and p₂ = (c + 1) / (N + 2) it is p₁ − p₂ ± z √((p₁ + p₂ − (p₁ − p₂)²) / (N + 2)).

        Args:
            z: of the normal distribution; 1.96 is 95 %.

        Source: D. G. Bonett, R. M. Price, "Adjusted Wald confidence interval for a difference of binomial proportions
            based on paired data", Journal of Educational and Behavioral Statistics 37, 2012.
        """
        if not self.num_examples:
            return (math.nan, math.nan)
        num = self.num_examples + 2
        first, second = (self.num_first_only + 1) / num, (self.num_second_only + 1) / num
        half = z * math.sqrt((first + second - (first - second) ** 2) / num)
        return (max(-1.0, first - second - half), min(1.0, first - second + half))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return {
            "num_examples": self.num_examples,
            "num_first_only": self.num_first_only,
            "num_second_only": self.num_second_only,
            "difference": self.difference,
            "interval": list(self.interval()),
            "p_value": self.p_value,
            "exact_p_value": self.exact_p_value,
        }

    @property
    def _disagreeing(self) -> tuple[int, int]:
        return self.num_first_only + self.num_second_only, min(self.num_first_only, self.num_second_only)


def compare_answers(first_right: npt.ArrayLike, second_right: npt.ArrayLike) -> PairedComparison:
    """The comparison of two classifiers from whether each of their answers is right.

    Shapes:
        both ``(N,)`` bool, in the same order.

    Raises:
        ShapeError: the two differ in length.

    Example:
        >>> compare_answers([True, True, False, True], [True, False, True, False])
        PairedComparison(num_examples=4, num_first_only=2, num_second_only=1)
    """
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.ndim != 1 or first.shape != second.shape:
        raise ShapeError(
            f"compare_answers: both classifiers must answer the same examples; got {first.shape} and {second.shape}."
        )
    return PairedComparison(len(first), int((first & ~second).sum()), int((second & ~first).sum()))


def _half_binomial(num: int, successes: int) -> float:
    """C(num, successes) 2⁻ⁿᵘᵐ, by logarithms so that thousands of examples do not overflow."""
    log_choose = math.lgamma(num + 1) - math.lgamma(successes + 1) - math.lgamma(num - successes + 1)
    return math.exp(log_choose - num * math.log(2))
