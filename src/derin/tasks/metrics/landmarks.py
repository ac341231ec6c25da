"""Measurements of points: how far they are from where they belong, in parts of a distance that suits the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from derin.data.batch import Batch
from derin.tasks.metrics.counts import Floats
from derin.tasks.metrics.intervals import Interval, bootstrap, median_interval, wilson
from derin.tasks.metrics.sums import LossSum
from derin.train.protocol import Outputs

Places = npt.NDArray[Any]
Visible = npt.NDArray[np.bool_]

POINTS, PICTURE = "points", "picture"
NEAR = 0.1  # of the distance: as near counts as found


def distances_of(places: Places, visible: Visible, sizes: Places, by: str | tuple[int, int]) -> Floats:
    """What errors in each picture are divided by; NaN where it has none.

    Args:
        places: x and y of the points.
        visible: which are known.
        sizes: height and width of each picture.
        by: ``"points"`` is the diagonal of the box around the visible points, ``"picture"`` that of the picture, two
            numbers are of points whose distance it is, such as the outer corners of the eyes.

    Shapes:
        places ``(N, K, 2)``, visible ``(N, K)``, sizes ``(N, 2)`` → ``(N,)``.

    Example:
        >>> places, seen = np.array([[[0.0, 0], [3, 4], [9, 9]]]), np.array([[True, True, False]])
        >>> [distances_of(places, seen, np.array([[6.0, 8]]), by).tolist() for by in ("points", "picture", (0, 1))]
        [[5.0], [10.0], [5.0]]
    """
    if isinstance(by, tuple):
        first, second = by
        found = np.linalg.norm(places[:, first] - places[:, second], axis=1)
        found[~(visible[:, first] & visible[:, second])] = np.nan
    elif by == PICTURE:
        found = np.hypot(sizes[:, 0], sizes[:, 1]).astype(np.float64)
        found[~visible.any(axis=1)] = np.nan
    else:
        low, high = box_of_points(places, visible)
        found = np.linalg.norm(high - low, axis=1)
    return np.where(found > 0, found, np.nan)


def box_of_points(places: Places, visible: Visible) -> tuple[Places, Places]:
    """The corners of the box around the visible points of each picture; those of nothing are at infinity.

    Shapes:
        ``(N, K, 2)``, ``(N, K)`` → two of ``(N, 2)``.
    """
    seen = visible[..., None]
    return np.where(seen, places, np.inf).min(axis=1), np.where(seen, places, -np.inf).max(axis=1)


def normalized_errors(found: Places, places: Places, visible: Visible, distances: Floats) -> Floats:
    """How far each point is from where it belongs, in parts of its picture's distance; NaN where that is not known.

    Shapes:
        found and places ``(N, K, 2)``, visible ``(N, K)``, distances ``(N,)`` → ``(N, K)``.
    """
    away = np.linalg.norm(found.astype(np.float64) - places, axis=2) / distances[:, None]
    return np.where(visible, away, np.nan)


def mean_of_known(values: Floats, axis: int) -> Floats:
    """The mean of what is not NaN; NaN where nothing is.

    Shapes:
        ``(N, K)`` → ``(N,)`` or ``(K,)``.
    """
    known = ~np.isnan(values)
    num = known.sum(axis=axis)
    return np.divide(np.where(known, values, 0.0).sum(axis=axis), num, out=np.full(len(num), np.nan), where=num > 0)


class LandmarkMetrics:
    """Keeps the errors of all points of a pass over a split.

    Args:
        points: their names.
        by: what errors are divided by; see `distances_of`.
        learns_presence: whether the network says if the thing is there.

    The normalized mean error of a picture is the mean over its visible points of their distance from where they belong,
    divided by the picture's distance. `compute` gives ``loss``, ``nme`` (its mean over pictures), ``nme_median``,
    ``pck`` (the share of visible points within a tenth of the distance), where it is learned ``presence_accuracy``, and
    ``per_point``: ``nme``, ``nme_median``, ``pck`` and ``support`` by name. Pictures without points, or whose distance
    is not known, have a say in ``presence_accuracy`` alone.

    Sources: D. Cristinacce, T. F. Cootes, "Feature detection and tracking with constrained local models", BMVC 2006
        (the normalized error); Y. Yang, D. Ramanan, "Articulated human detection with flexible mixtures of parts",
        TPAMI 35, 2013 (the share of points that are found).
    """

    def __init__(self, points: Sequence[str], by: str | tuple[int, int], *, learns_presence: bool) -> None:
        self.points, self.by, self.learns_presence = tuple(points), by, learns_presence
        self._loss = LossSum()
        self._errors: list[Floats] = []  # (B, K) each
        self._is_right: list[npt.NDArray[np.bool_]] = []

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            outputs ``places`` and ``true_places`` ``(B, K, 2)`` in pixels of the picture, ``visible`` ``(B, K)``,
            ``presence`` ``(B,)``, ``loss`` and ``loss_weight`` ``(B,)``.
        """
        weight = outputs["loss_weight"].sum()
        self._loss.add((outputs["loss"] * outputs["loss_weight"]).sum() / weight.clamp(min=1e-12), weight, batch)
        visible = outputs["visible"].cpu().numpy()
        true = outputs["true_places"].cpu().double().numpy()
        distances = distances_of(true, visible, batch["picture_size"].cpu().double().numpy(), self.by)
        self._errors.append(normalized_errors(outputs["places"].cpu().numpy(), true, visible, distances))
        self._is_right.append((outputs["presence"].cpu().numpy() >= 0.5) == visible.any(axis=1))

    @property
    def errors(self) -> Floats:
        """Of every picture and point, NaN where it is not known: ``(N, K)``."""
        return np.concatenate(self._errors) if self._errors else np.zeros((0, len(self.points)))

    def compute(self) -> dict[str, Any]:
        errors = self.errors
        of_pictures, of_points = mean_of_known(errors, 1), mean_of_known(errors, 0)
        known = ~np.isnan(errors)
        near, support = (errors <= NEAR).sum(axis=0), known.sum(axis=0)
        found: dict[str, Any] = {
            "loss": self._loss.mean(),
            "nme": _mean(of_pictures),
            "nme_median": _median(of_pictures),
        }
        found["pck"] = float(near.sum() / support.sum()) if support.sum() else float("nan")
        if self.learns_presence:
            found["presence_accuracy"] = _mean(
                np.array([right for some in self._is_right for right in some], np.float64)
            )
        found["per_point"] = {
            name: {
                "nme": float(of_points[place]),
                "nme_median": _median(errors[:, place]),
                "pck": float(near[place] / support[place]) if support[place] else float("nan"),
                "support": int(support[place]),
            }
            for place, name in enumerate(self.points)
        }
        return found

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals; whole pictures are drawn, since the points of one err together."""
        errors = self.errors
        means = mean_of_known(errors, 1)
        kept = ~np.isnan(means)
        found: dict[str, Interval] = {}
        if kept.any():
            counts = np.stack([(errors[kept] <= NEAR).sum(axis=1), (~np.isnan(errors[kept])).sum(axis=1)], axis=1)
            values = np.concatenate([means[kept, None], counts], axis=1).astype(np.float64)
            found = bootstrap(values, lambda drawn: {"nme": drawn[:, 0], "pck": drawn[:, 1] / drawn[:, 2]})
            found["nme_median"] = median_interval(means[kept])
        if self.learns_presence and self._is_right:
            is_right = np.concatenate(self._is_right)
            found["presence_accuracy"] = wilson(float(is_right.sum()), len(is_right))
        return found


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
