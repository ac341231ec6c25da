"""Error against the number of training examples: a power law, and what twice the data would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from derin.core.errors import UsageError
from derin.core.seeds import generator
from derin.strategy.diagnosis import Measured
from derin.tasks.metrics.intervals import NUM_RESAMPLES, Interval

_FEWEST_POINTS = 3
_STEEPEST = 2.0  # of the exponent; what was measured falls by less than a square
_STEP = 0.01  # of the exponents that are tried; a smaller one changes no digit that is known


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """error(n) = floor + scale · n^(−exponent), fitted to measured errors.

    Args:
        sizes: numbers of training examples, ascending.
        errors: measured with so many.
        floor: what no number of examples goes below.
        scale, exponent: of what falls.
        next_size: twice the largest number.
        next_error: the error there.
        interval: 95 % of it.
    """

    sizes: tuple[int, ...]
    errors: tuple[Measured, ...]
    floor: float
    scale: float
    exponent: float
    next_size: int
    next_error: float
    interval: Interval

    def error(self, num_examples: float) -> float:
        """The fitted error with so many training examples."""
        return self.floor + self.scale * num_examples**-self.exponent

    def to_json(self) -> dict[str, object]:
        """Plain numbers by name."""
        points = [{"size": n, "value": e.value, "low": e.low, "high": e.high} for n, e in zip(self.sizes, self.errors)]
        low, high = self.interval
        return {
            "points": points,
            "floor": self.floor,
            "scale": self.scale,
            "exponent": self.exponent,
            "next": {"size": self.next_size, "value": self.next_error, "low": low, "high": high},
        }


def fit_learning_curve(sizes: Sequence[int], errors: Sequence[Measured]) -> LearningCurve:
    """The power law through errors at several numbers of training examples.

    For each exponent of a grid floor and scale are a weighted least-squares line with both at least 0; the exponent
    with the smallest residual is taken. The interval is that of the fits to errors drawn anew within their own
    intervals.

    Args:
        sizes: numbers of training examples.
        errors: measured on the same kind of new examples each time.

    Raises:
        UsageError: there are fewer than three different sizes.

    Example:
        >>> curve = fit_learning_curve([1000, 2000, 4000], [Measured.exact(e) for e in (0.2, 0.15, 0.125)])
        >>> round(curve.floor, 2), round(curve.exponent, 2), round(curve.next_error, 3)
        (0.1, 1.0, 0.112)

    Source: C. Cortes, L. D. Jackel, S. A. Solla, V. Vapnik, J. S. Denker, "Learning curves: asymptotic values and rate
        of convergence", NIPS 1993; J. Hestness et al., "Deep learning scaling is predictable, empirically", 2017.
    """
    if len(set(sizes)) < _FEWEST_POINTS or len(sizes) != len(errors) or min(sizes) < 1:
        raise UsageError(
            f"A learning curve needs errors at {_FEWEST_POINTS} or more numbers of training examples; got "
            f"{', '.join(map(str, sizes)) or 'none'}."
        )
    order = np.argsort(sizes)
    num = np.array(sizes, dtype=np.float64)[order]
    known = [errors[place] for place in order]
    values = np.array([error.value for error in known])
    spread = np.array([(error.high - error.low) / 2 for error in known])
    weights = np.ones_like(values) if not spread.all() else 1 / spread**2
    floor, scale, exponent = _fitted(num, values[None], weights)
    drawn = values + spread / 1.96 * generator(0, "learning curve").standard_normal((NUM_RESAMPLES, len(num)))
    twice = 2 * num[-1]
    predicted = _at(twice, *_fitted(num, np.maximum(drawn, 0.0), weights))
    low, high = np.percentile(predicted, [2.5, 97.5])
    return LearningCurve(
        sizes=tuple(int(n) for n in num),
        errors=tuple(known),
        floor=float(floor[0]),
        scale=float(scale[0]),
        exponent=float(exponent[0]),
        next_size=int(twice),
        next_error=float(_at(twice, floor, scale, exponent)[0]),
        interval=(float(low), float(high)),
    )


def _at(
    num: float, floor: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], exponent: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return np.asarray(floor + scale * num**-exponent)


def _fitted(
    num: npt.NDArray[np.float64], values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], ...]:
    """Floor, scale and exponent for each row of values.

    Shapes:
        num ``(P,)``, values ``(R, P)``, weights ``(P,)`` → ``(R,)`` each.
    """
    exponents = np.arange(1, round(_STEEPEST / _STEP) + 1) * _STEP
    # Beside the smallest size, so that no power under- or overflows: (E, P).
    falls = (num / num[0])[None] ** -exponents[:, None]
    share = weights / weights.sum()
    means = falls @ share
    centered = falls - means[:, None]
    level = values @ share
    slope = ((values - level[:, None]) * share) @ centered.T / (centered**2 @ share)
    floor = level[:, None] - slope * means
    # Where the line leaves what is possible: a constant, or no floor.
    slope, floor = np.where(slope < 0, 0.0, slope), np.where(slope < 0, level[:, None], floor)
    through_zero = (values * share) @ falls.T / (falls**2 @ share)
    slope, floor = np.where(floor < 0, through_zero, slope), np.where(floor < 0, 0.0, floor)
    residual = ((values[:, None] - floor[..., None] - slope[..., None] * falls) ** 2) @ share
    best = residual.argmin(1)
    rows = np.arange(len(values))
    return floor[rows, best], slope[rows, best] * num[0] ** exponents[best], exponents[best]
