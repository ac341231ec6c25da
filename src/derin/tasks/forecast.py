"""The answer of a network that forecasts: the coming steps of a series, with an interval where one was learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False, eq=False)
class Forecast:
    """The coming steps of one series, in its own units.

    Args:
        names: of the variables that are forecast.
        times: of the steps, in words; empty strings where the series has no times.
        values: the forecasts.
        low, high: bounds between which a value lies with probability `level`; NaN where none was learned.
        level: such as 0.9; None where no interval was learned.
        method: ``"direct"`` (all steps at once), ``"recursive"`` (the horizon again and again, each on the one before)
            or the name of a baseline.
        series: the name of the series among several, or None.

    Shapes:
        values, low, high ``(steps, variables)``.

    Example:
        >>> answer = Forecast(("load",), ("2024-01", "2024-02"), np.array([[2.0], [3.0]]), None, None, None, "direct")
        >>> answer
        Forecast(2 steps from 2024-01: load 2, 3)
        >>> answer.to_json()["variables"]
        {'load': {'value': [2.0, 3.0], 'low': None, 'high': None}}
    """

    names: tuple[str, ...]
    times: tuple[str, ...]
    values: Floats
    low: Floats | None
    high: Floats | None
    level: float | None
    method: str
    series: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        start = f" from {self.times[0]}" if self.times and self.times[0] else ""
        which = f" of {self.series}" if self.series is not None else ""
        parts = []
        for name, column in zip(self.names[:3], self.values.T):
            shown = ", ".join(f"{v:.4g}" for v in column[:4].tolist())
            parts.append(f"{name} {shown}{', …' if len(column) > 4 else ''}")
        more = "; …" if len(self.names) > 3 else ""
        return f"Forecast({len(self)} step{'s' if len(self) > 1 else ''}{which}{start}: {'; '.join(parts)}{more})"

    def __str__(self) -> str:
        """For people: the first steps of each variable."""
        return repr(self).removeprefix("Forecast(").removesuffix(")")

    def to_json(self) -> dict[str, Any]:
        return {
            "series": self.series,
            "method": self.method,
            "level": self.level,
            "times": list(self.times),
            "variables": {
                name: {
                    "value": _numbers(self.values[:, place]),
                    "low": None if self.low is None else _numbers(self.low[:, place]),
                    "high": None if self.high is None else _numbers(self.high[:, place]),
                }
                for place, name in enumerate(self.names)
            },
        }


def _numbers(values: Floats) -> list[float | None]:
    return [v if math.isfinite(v) else None for v in values.tolist()]
