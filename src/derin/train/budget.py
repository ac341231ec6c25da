"""The time that a whole command may take: reading, training, and what is measured between and afterwards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class TimeBudget:
    """Counts the seconds of a command from its start; what earlier processes of the same run took counts too.

    Args:
        seconds: of the whole command; 0 has no limit.
        started: the reading of `clock` when the command began; None is now.
        clock: in seconds.

    Attributes:
        seconds: of the whole; infinite where there is no limit.
        spent: by processes before this one.

    Example:
        >>> now = [100.0]
        >>> budget = TimeBudget(60, clock=lambda: now[0])
        >>> budget.spent = 20.0  # a resumed run
        >>> now[0] = 110.0
        >>> budget.used, budget.left
        (30.0, 30.0)
        >>> TimeBudget(0).left
        inf
    """

    def __init__(
        self, seconds: float, *, started: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds = seconds if seconds > 0 else math.inf
        self.spent = 0.0
        self._clock = clock
        self._started = clock() if started is None else started

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return math.isfinite(self.seconds)

    @property
    def used(self) -> float:
        """Seconds so far."""
        return self.spent + self._clock() - self._started

    @property
    def left(self) -> float:
        """Seconds to go; below 0 where the limit is passed."""
        return self.seconds - self.used

    def part(self, share: float) -> TimeBudget:
        """A budget that ends when this share of what is left has gone by."""
        own = TimeBudget(0, started=self._started, clock=self._clock)
        own.spent = self.spent
        if self.is_limited:
            own.seconds = self.used + share * self.left
        return own
