"""Anchor boxes: a few shapes that the boxes of a data set resemble, by k-means on 1 − IoU.

Source: J. Redmon, A. Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242, section 2: Euclidean
    distance would make large boxes count more than small ones, IoU does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_MOST_ROUNDS = 100


def shape_overlap(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Floats:
    """IoU of boxes that have one middle: ``(N, 2)``, ``(M, 2)``, width and height → ``(N, M)``."""
    common = np.minimum(first[:, None], second[None]).prod(axis=2)
    found: Floats = common / (first.prod(axis=1)[:, None] + second.prod(axis=1) - common)
    return found


def find_anchors(sizes: npt.NDArray[Any], num: int) -> Floats:
    """The shapes, smallest first: means of groups of boxes, each of which is most like its own mean.

    Begins with boxes spread evenly over all areas, so that the same boxes always give the same anchors.

    Args:
        sizes: width and height of each box, above 0.
        num: of anchors; there are fewer where there are fewer boxes.

    Shapes:
        ``(N, 2)`` → ``(num, 2)``.

    Example:
        >>> find_anchors(np.array([[1.0, 1], [8, 8], [1, 2], [9, 8]]), 2).tolist()
        [[1.0, 1.5], [8.5, 8.0]]
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    order = np.argsort(sizes.prod(axis=1), kind="stable")
    num = min(num, len(sizes))
    anchors = sizes[order[((np.arange(num) + 0.5) * len(sizes) / num).astype(np.int64)]]
    group = np.full(len(sizes), -1)
    for _ in range(_MOST_ROUNDS):
        nearest = shape_overlap(sizes, anchors).argmax(axis=1)
        if np.array_equal(nearest, group):
            break
        group = nearest
        # A shape that no box is like any more stays where it is.
        anchors = np.stack([sizes[group == n].mean(axis=0) if (group == n).any() else anchors[n] for n in range(num)])
    return anchors[np.argsort(anchors.prod(axis=1), kind="stable")]
