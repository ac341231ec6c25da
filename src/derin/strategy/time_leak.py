"""Whether a network is measured between the moments that it learned from, where neighbors in time answer alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.core.seeds import generator

Floats = npt.NDArray[np.float64]

_LEVEL = 0.01
_PERMUTATIONS = 499
# So large a share of the measured rows lies between training rows where a split was not cut by time.
_BETWEEN = 0.5
_FEWEST = 20  # rows of each split


@dataclass(frozen=True, kw_only=True)
class TimeLeak:
    """How far the answer of a training row that is near in time tells the answer of a measured one.

    Args:
        between: share of the measured rows that have training rows before and after them.
        near: mean difference of the target from that of the training row nearest in time: of classes the share that
            differs.
        far: the same from a training row of any time.
        p_value: of so small a mean difference or a smaller one, if time did not matter.
    """

    between: float
    near: float
    far: float
    p_value: float

    @property
    def is_found(self) -> bool:
        """Whether the measurement looks better than it is for the future."""
        return self.between >= _BETWEEN and self.p_value <= _LEVEL

    def to_json(self) -> dict[str, Any]:
        return {
            "found": self.is_found,
            "between": self.between,
            "near": self.near,
            "far": self.far,
            "p_value": self.p_value,
        }


def time_leak(
    times: Floats,
    targets: npt.NDArray[Any],
    measured_times: Floats,
    measured_targets: npt.NDArray[Any],
    *,
    seed: int = 0,
) -> TimeLeak | None:
    """Compares measured rows with their neighbors in time among the training rows; None where there are too few rows.

    p = (1 + number of permutations of the training targets with at most this mean difference) / (1 + permutations).

    Args:
        times: of the training rows; NaN is left out.
        targets: theirs: whole numbers are classes.
        measured_times: of the measured rows.
        measured_targets: theirs.
        seed: of the permutations.

    Shapes:
        ``(N,)``, ``(N,)``, ``(M,)``, ``(M,)``.

    Example:
        >>> days = np.arange(400.0)
        >>> found = time_leak(days[::2], np.sin(days[::2] / 20), days[1::2], np.sin(days[1::2] / 20))
        >>> found.is_found, found.near < 0.1 < found.far
        (True, True)
    """
    kept, measured = np.isfinite(times), np.isfinite(measured_times)
    times, targets = times[kept], targets[kept]
    measured_times, measured_targets = measured_times[measured], measured_targets[measured]
    if min(len(times), len(measured_times)) < _FEWEST:
        return None
    order = np.argsort(times, kind="stable")
    times, targets = times[order], targets[order]
    behind = np.clip(np.searchsorted(times, measured_times), 1, len(times) - 1)
    is_earlier_nearer = measured_times - times[behind - 1] <= times[behind] - measured_times
    nearest = np.where(is_earlier_nearer, behind - 1, behind)

    def difference(of: npt.NDArray[Any]) -> float:
        if targets.dtype.kind in "iu":
            return float((of[nearest] != measured_targets).mean())
        return float(np.abs(of[nearest] - measured_targets).mean())

    near = difference(targets)
    drawn = generator(seed, "time leak")
    shuffled = np.array([difference(drawn.permutation(targets)) for _ in range(_PERMUTATIONS)])
    return TimeLeak(
        between=float(((measured_times > times[0]) & (measured_times < times[-1])).mean()),
        near=near,
        far=float(shuffled.mean()),
        p_value=float((1 + (shuffled <= near).sum()) / (1 + _PERMUTATIONS)),
    )
