"""Boxes that lie over one another: how much, and which of them stay.

Boxes are ``(left, top, right, bottom)`` in pixels; pixel i reaches from i to i + 1.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Measure = Literal["union", "smaller"]
_BLOCK = 512  # boxes that are compared with each other at once: a quarter of a million pairs


def overlap(first: Array, second: Array, over: Measure = "union") -> Array:
    """The common area of each two boxes, as a share.

    Args:
        first, second: boxes with sides above zero.
        over: of what: ``"union"`` is the area that either covers, ``"smaller"`` that of the smaller box.

    Shapes:
        ``(N, 4)``, ``(M, 4)`` → ``(N, M)``.

    Example:
        >>> boxes = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [1, 1, 3, 3]])
        >>> overlap(boxes[:1], boxes).round(3).tolist()
        [[1.0, 0.333, 0.25]]
        >>> overlap(boxes[:1], boxes, "smaller").tolist()
        [[1.0, 0.5, 1.0]]
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    if over == "smaller":
        return common / np.minimum(areas[0][:, None], areas[1])
    return common / (areas[0][:, None] + areas[1] - common)


def suppress(
    boxes: Array, scores: Array, threshold: float, over: Measure = "union", *, classes: Array | None = None
) -> npt.NDArray[np.int64]:
    """Non-maximum suppression: the best box stays, what overlaps it by more than the threshold goes, and so on.

    Blocks of boxes are decided together: first by those that stayed before, then among themselves. There, whether a box
    stays follows from the better ones alone, so that asking all again and again gives what one after the other would.

    Args:
        boxes: with sides above zero.
        scores: of the boxes; of equal ones the first is the better.
        threshold: overlap up to which both stay.
        over: see `overlap`.
        classes: of the boxes; those of different ones do not touch each other. None takes all for one.

    Returns:
        the places of the boxes that stay, best first.

    Shapes:
        ``(N, 4)``, ``(N,)``, ``(N,)`` → ``(K,)``.

    Example:
        >>> boxes = np.array([[0.0, 0, 4, 4], [1, 0, 5, 4], [8, 8, 9, 9]])
        >>> suppress(boxes, np.array([0.8, 0.9, 0.7]), 0.5).tolist()
        [1, 2]
        >>> suppress(boxes, np.array([0.8, 0.9, 0.7]), 0.5, classes=np.array([0, 1, 0])).tolist()
        [1, 0, 2]
    """

    def hides(better: Array, worse: Array) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = overlap(boxes[better], boxes[worse], over) > threshold
        return found if classes is None else found & (classes[better][:, None] == classes[worse])

    order = np.argsort(-scores, kind="stable")
    kept = order[:0]
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        block = block[~hides(kept, block).any(0)]
        better = np.triu(hides(block, block), 1)
        stays, before = np.ones(len(block), dtype=bool), np.zeros(0, dtype=bool)
        while not np.array_equal(stays, before):
            stays, before = np.logical_not(better[stays].any(0)), stays
        kept = np.concatenate([kept, block[stays]])
    return kept
