"""Which boxes of one frame of a video are those of the frame before.

Sources: A. Bewley et al., "Simple online and realtime tracking", ICIP 2016, arXiv:1602.00763 (pairs of the largest
    overlap in sum, tracks that are lost for some frames); H. W. Kuhn, "The Hungarian method for the assignment
    problem", 1955.
Differs: a track is where it was seen last; nothing is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.data.box_overlap import overlap


class BoxTracker:
    """Gives the boxes of each frame numbers that stay with the things that they are around.

    Boxes are paired with the tracks so that the sum of their overlaps (IoU) is the largest, where only pairs of one
    class that overlap enough count. A box without a track begins one; a track without a box waits for some frames.

    Args:
        least_overlap: IoU from which on a box may go on with a track.
        most_lost: frames for which a track waits for a box.

    Example:
        >>> tracker = BoxTracker()
        >>> tracker.update(np.array([[0.0, 0, 10, 10], [50, 0, 60, 10]]), [0, 0]).tolist()
        [1, 2]
        >>> tracker.update(np.array([[51.0, 0, 61, 10], [20, 0, 30, 10]]), [0, 0]).tolist()
        [2, 3]
    """

    def __init__(self, *, least_overlap: float = 0.3, most_lost: int = 25) -> None:
        self.least_overlap, self.most_lost = least_overlap, most_lost
        self._corners = np.zeros((0, 4))
        self._classes, self._numbers, self._lost = (np.zeros(0, dtype=np.int64) for _ in range(3))
        self._next = 1

    def update(self, corners: npt.NDArray[Any], classes: Sequence[int]) -> npt.NDArray[np.int64]:
        """The track of each box of the next frame, numbered from 1 on.

        Args:
            corners: left, top, right and bottom of the boxes.
            classes: their classes.

        Shapes:
            corners ``(N, 4)``, classes ``(N,)`` → ``(N,)``.
        """
        from scipy.optimize import linear_sum_assignment

        corners, kinds = np.asarray(corners, dtype=np.float64).reshape(-1, 4), np.asarray(classes, dtype=np.int64)
        with np.errstate(invalid="ignore"):  # boxes without an area overlap nothing
            shared = np.nan_to_num(overlap(self._corners, corners))
        shared[(shared < self.least_overlap) | (self._classes[:, None] != kinds)] = 0.0
        tracks, boxes = linear_sum_assignment(shared, maximize=True)
        paired = shared[tracks, boxes] > 0
        tracks, boxes = tracks[paired], boxes[paired]
        numbers = np.zeros(len(corners), dtype=np.int64)
        numbers[boxes] = self._numbers[tracks]
        new = numbers == 0
        numbers[new] = self._next + np.arange(new.sum())
        self._next += int(new.sum())
        waits = self._lost < self.most_lost
        waits[tracks] = False
        self._corners = np.concatenate([self._corners[waits], corners])
        self._classes = np.concatenate([self._classes[waits], kinds])
        self._numbers = np.concatenate([self._numbers[waits], numbers])
        self._lost = np.concatenate([self._lost[waits] + 1, np.zeros(len(corners), dtype=np.int64)])
        return numbers
