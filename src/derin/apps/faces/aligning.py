"""Aligning faces: turned, scaled and moved so that eyes, nose and mouth come to lie where networks expect them.

The similarity that brings five points nearest to the template, by least squares (S. Umeyama, "Least-squares estimation
of transformation parameters between two point patterns", IEEE PAMI 13 (4), 1991). The template is that of the networks
that were trained on 112×96 pixels (W. Liu et al., "SphereFace", CVPR 2017, whose released code states it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derin.data.augment.geometry import Geometry, move

if TYPE_CHECKING:
    from torch import Tensor

    from derin.apps.faces.area_sums import AreaSums

Array = npt.NDArray[Any]

TEMPLATE_SIZE = (112, 96)
# Left eye, right eye, nose, left and right corner of the mouth, in pixels whose middles are whole numbers there.
TEMPLATE = (
    np.array([[30.2946, 51.6963], [65.5318, 51.5014], [48.0252, 71.7366], [33.5493, 92.3655], [62.7299, 92.2041]]) + 0.5
)


def template_for(size: tuple[int, int]) -> Array:
    """Where the five points lie in a picture of another size: the template, as large as fits, in its middle.

    Shapes:
        → ``(5, 2)``.

    Example:
        >>> template_for((56, 48))[0].round(2).tolist()
        [15.4, 26.1]
    """
    height, width = TEMPLATE_SIZE
    scale = min(size[0] / height, size[1] / width)
    return (TEMPLATE - np.array([width, height]) / 2) * scale + np.array([size[1], size[0]]) / 2


def similarities(points: Array, template: Array) -> Array:
    r"""The similarity that brings points nearest to a template: rotation, one scale, translation, and no mirroring.

    With places as complex numbers p and template t, both from their mean, the least Σ |a p + b − t|² is at
    :math:`a = \sum \bar p t / \sum |p|^2`.

    Shapes:
        points ``(N, P, 2)``, template ``(P, 2)`` → ``(N, 2, 3)``: a linear part and, in the last column, the
        translation.

    Example:
        >>> square = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2]])
        >>> (similarities(square[None] * 3 + 1, square).round(3) + 0.0).tolist()
        [[[0.333, 0.0, -0.333], [0.0, 0.333, -0.333]]]
    """
    p, t = points[..., 0] + 1j * points[..., 1], template[:, 0] + 1j * template[:, 1]
    mean = p.mean(1, keepdims=True)
    p = p - mean
    factor = (p.conj() * (t - t.mean())).sum(1) / np.maximum((p * p.conj()).real.sum(1), 1e-12)
    shift = t.mean() - factor * mean[:, 0]
    rows = [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    return np.array(rows).transpose(2, 0, 1)


def aligned(sums: AreaSums, pictures: npt.NDArray[np.int64], points: Array, size: tuple[int, int]) -> Tensor:
    """Faces as a network for aligned ones reads them, all in one go.

    What is larger than it is wanted is first made smaller by a whole number, as the mean of squares of pixels, so that
    no pixel goes unread; then the turned window is read between pixels. Outside of a picture is black.

    Args:
        sums: of the pictures.
        pictures: which picture each face is in.
        points: of each face, see `derin.apps.faces.finding.Face`.
        size: height and width of the result.

    Shapes:
        pictures ``(N,)``, points ``(N, 5, 2)`` → ``(N, C, *size)`` float32, in 0 to 255.
    """
    maps = similarities(points, template_for(size))
    inverse = np.linalg.inv(maps[:, :, :2])
    middles = np.einsum("nij,nj->ni", inverse, np.array([size[1], size[0]]) / 2 - maps[:, :, 2])
    scale = np.sqrt(np.abs(np.linalg.det(inverse)))  # pixels of the picture for one of the result
    step = np.maximum(1, np.floor(scale))
    # The window's corners lie within half its diagonal, and one pixel more is read between pixels.
    side = 2 * int(np.ceil((np.hypot(*size) / 2 * scale / step).max(initial=1) + 1))
    corner = np.floor(middles - step[:, None] * side / 2)
    boxes = np.concatenate([corner, corner + step[:, None] * side], 1)
    frames = sums.boxes(boxes, pictures, side, side)
    linear = inverse / step[:, None, None]
    shift = (middles - corner) / step[:, None] - side / 2
    num = len(points)
    geometry = Geometry(
        maps=np.concatenate([linear, shift[:, :, None]], 2),
        source=np.full((num, 2), side),
        target=np.broadcast_to(np.array(size), (num, 2)),
    )
    return move(frames, geometry, "zero")
