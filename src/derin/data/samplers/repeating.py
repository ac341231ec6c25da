"""Every row several times in an epoch: of large pictures each draw is another window."""

from __future__ import annotations

import numpy as np

from derin.data.samplers.uniform import UniformSampler
from derin.data.table import Rows


class RepeatingSampler(UniformSampler):
    """Rows in the order of a uniform sampler, each so many times in an epoch.

    Args:
        rows: which are given.
        times: how often each comes.
        batch_size: rows per batch; the last one may be smaller.
        seed: of the order.

    Example:
        >>> order = RepeatingSampler(np.array([3, 5]), times=3, batch_size=4).order(0)
        >>> sorted(order.rows.tolist()), order.bounds.tolist(), len(set(order.draws().tolist()))
        ([3, 3, 3, 5, 5, 5], [0, 4, 6], 6)
    """

    repeats = True

    def __init__(self, rows: Rows, *, times: int, batch_size: int, seed: int = 0) -> None:
        super().__init__(np.repeat(rows, times), batch_size=batch_size, seed=seed, shuffle=True, joins_lone=True)
