"""Examples or tokens per second of a peer's epochs, printed as JSON. NumPy only, like the work itself."""

from __future__ import annotations

import json
import time

import numpy as np


class Clock:
    """The rate of every epoch but the first, which warms up and compiles.

    An epoch lasts from one call of `epoch_ends` to the next, unless the call says how many seconds went into steps.

    Args:
        amount: examples or tokens of one epoch.
    """

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.started = time.perf_counter()
        self.ends: list[float] = []
        self.in_steps: list[float] = []
        self.losses: list[float] = []

    def epoch_ends(self, loss: float, in_steps: float | None = None) -> None:
        now = time.perf_counter()
        self.in_steps.append(now - (self.ends or [self.started])[-1] if in_steps is None else in_steps)
        self.ends.append(now)
        self.losses.append(float(loss))

    def print_result(self, peer: str, precision: str) -> None:
        result = {
            "peer": peer,
            "precision": precision,
            "per_second": (self.amount / np.array(self.in_steps[1:])).tolist(),
            "per_second_with_all": (self.amount / np.diff(self.ends)).tolist(),
            "losses": self.losses,
            "first_epoch_seconds": self.ends[0] - self.started,
        }
        print(json.dumps(result))
