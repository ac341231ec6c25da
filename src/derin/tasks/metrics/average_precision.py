"""Average precision of boxes by the rules of COCO: who finds what, and how precise one is at every recall.

Source: T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, arXiv:1405.0312, and the evaluation
    code of its authors, whose numbers these are: thresholds of IoU .50 to .95, 101 points of recall, at most 100 boxes
    of a class in a picture, and crowds that are neither right nor wrong. Areas are those of the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derin.tasks.metrics.intervals import Interval, percentiles, resampled_counts

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = (1, 10, 100)  # of a class in a picture
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
_MOST_CELLS = 1 << 22  # pairs of boxes that are compared at once: 32 MB
_TINY = np.spacing(1.0)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Boxes of many pictures, one below the other.

    Args:
        corners: left, top, right and bottom in pixels of the picture.
        classes: class numbers.
        pictures: the number of each box's picture.
        scores: of what was found; None of what is true.
        crowds: of what is true: which are no single thing; None where all are, and of what was found.

    Shapes:
        corners ``(N, 4)``, all others ``(N,)``.
    """

    corners: Array
    classes: Array
    pictures: Array
    scores: Array | None = None
    crowds: Array | None = None

    def __len__(self) -> int:
        return len(self.corners)

    def where(self, chosen: Array) -> Placed:
        """Some of the boxes."""
        others = (None if part is None else part[chosen] for part in (self.scores, self.crowds))
        scores, crowds = others
        return Placed(
            corners=self.corners[chosen],
            classes=self.classes[chosen],
            pictures=self.pictures[chosen],
            scores=scores,
            crowds=crowds,
        )


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What became of everything that was found of one class, best first.

    Args:
        scores: falling.
        pictures: where each was found.
        ranks: the place of each among those of its picture, from 0.
        right: whether it found a thing, by area and threshold.
        ignored: whether it is neither right nor wrong, by area and threshold.
        num_true: things that are to be found in each picture, by area.
        places: where each stands among those that were given.
        is_found: which of the true ones were found, by threshold.

    Shapes:
        scores, pictures, ranks, places ``(D,)``; right, ignored ``(areas, thresholds, D)``; num_true
        ``(areas, pictures)``; is_found ``(thresholds, true)``.
    """

    scores: Floats
    pictures: Array
    ranks: Array
    right: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    num_true: Array
    places: Array
    is_found: npt.NDArray[np.bool_]


def match_class(found: Placed, true: Placed, num_pictures: int) -> Matches:
    """Gives the boxes that were found of one class, best first, to the true ones of their picture that they cover most.

    A true box is given once at each threshold, a crowd to as many as lie in it; boxes outside the range of areas are
    given to only where no other is left, and count nowhere. What is found twice is wrong the second time.

    Args:
        found: of one class, with scores; of equal ones the first is the better.
        true: of that class.
        num_pictures: in all.
    """
    assert found.scores is not None
    order = np.lexsort((np.arange(len(found)), -found.scores, found.pictures))
    found = found.where(order)
    ranks = _ranks(found.pictures)
    few = ranks < MAX_DETECTIONS[-1]
    found, ranks, order = found.where(few), ranks[few], order[few]
    true_order = np.argsort(true.pictures, kind="stable")
    true = true.where(true_order)
    crowds = np.zeros(len(true), dtype=bool) if true.crowds is None else true.crowds

    shape = (len(AREAS), len(THRESHOLDS), len(found))
    right, ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    bounds = np.array(list(AREAS.values()))
    outside = [
        (area < bounds[:, :1]) | (area > bounds[:, 1:]) for area in (_area(found.corners), _area(true.corners))
    ]  # (areas, boxes)
    is_found = np.zeros((len(THRESHOLDS), len(true)), dtype=bool)
    for boxes, things in common_pictures(found.pictures, true.pictures):
        taken = _match(found, true, crowds, outside[1] | crowds, boxes, things, right, ignored)
        there = things >= 0
        is_found[:, true_order[things[there]]] = taken[:, 0].transpose(1, 0, 2)[:, there]
    assert found.scores is not None
    ignored |= ~right & ~ignored & outside[0][:, None]
    num_true = np.stack([np.bincount(true.pictures[~out], minlength=num_pictures) for out in outside[1] | crowds])
    best_first = np.lexsort((found.pictures, -found.scores))
    return Matches(
        scores=found.scores[best_first].astype(np.float64),
        pictures=found.pictures[best_first],
        ranks=ranks[best_first],
        right=right[:, :, best_first],
        ignored=ignored[:, :, best_first],
        num_true=num_true,
        places=order[best_first],
        is_found=is_found,
    )


def _match(
    found: Placed, true: Placed, crowds: Array, beside: Array, boxes: Array, things: Array, right: Array, ignored: Array
) -> npt.NDArray[np.bool_]:
    """Fills in what became of the boxes of some pictures: the best of every picture first, then the second, …

    Shapes:
        boxes ``(G, D)``, things ``(G, T)``: places in `found` and `true`, −1 behind the last; beside ``(areas, true)``;
        → which things are taken, ``(G, areas, thresholds, T)``.
    """
    there = things >= 0
    overlaps = overlaps_of_groups(found.corners[boxes], true.corners[things], crowds[things])  # (G, D, T)
    is_crowd, is_beside = crowds[things] & there, beside[:, things].transpose(1, 0, 2) & there[:, None]  # (G, areas, T)
    taken = np.zeros((len(boxes), len(AREAS), len(THRESHOLDS), things.shape[1]), dtype=bool)
    least = np.minimum(THRESHOLDS, 1 - 1e-10)[:, None]
    for rank in range(boxes.shape[1]):
        rows = np.flatnonzero(boxes[:, rank] >= 0)
        overlap = overlaps[rows, rank][:, None, None]  # (R, 1, 1, T)
        free = ~taken[rows] | is_crowd[rows][:, None, None]
        fits = free & (overlap >= least) & there[rows][:, None, None]
        asked = fits & ~is_beside[rows][:, :, None]
        asked = np.where(asked.any(axis=3, keepdims=True), asked, fits)
        # Of equal overlaps the last one, as the authors' loop has it.
        values = np.where(asked, overlap, -1.0)
        place = values.shape[3] - 1 - values[..., ::-1].argmax(axis=3)
        hit = asked.any(axis=3)  # (R, areas, thresholds)
        row, area, threshold = np.nonzero(hit)
        thing = place[hit]
        taken[rows[row], area, threshold, thing] = True
        box = boxes[rows[row], rank]
        is_ignored = is_beside[rows[row], area, thing]
        right[area, threshold, box] = ~is_ignored
        ignored[area, threshold, box] = is_ignored
    return taken


def overlaps_of_groups(first: Array, second: Array, crowds: Array) -> Floats:
    """IoU of each two boxes of a picture; with a crowd, the share of the first that lies in it.

    Shapes:
        ``(G, D, 4)``, ``(G, T, 4)``, ``(G, T)`` → ``(G, D, T)``.
    """
    first, second = first.astype(np.float64)[:, :, None], second.astype(np.float64)[:, None]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    common = sides.clip(0).prod(axis=3)
    own, others = ((box[..., 2:] - box[..., :2]).prod(axis=3) for box in (first, second))
    whole = np.where(crowds[:, None], own, own + others - common)
    return np.divide(common, whole, out=np.zeros_like(common), where=whole > 0)


def common_pictures(of_found: Array, of_true: Array) -> Iterator[tuple[Array, Array]]:
    """The places of the boxes of pictures that have both kinds, as many pictures together as memory bears.

    Args:
        of_found, of_true: the picture of each box, in order.

    Shapes:
        → ``(G, D)`` and ``(G, T)``, −1 where a picture has fewer.
    """
    pictures = np.intersect1d(of_found, of_true)
    most = max(int(of.max(initial=0)) for of in (of_found, of_true)) + 1
    nums = np.stack([np.bincount(of, minlength=most) for of in (of_found, of_true)])
    pictures = pictures[np.argsort(nums[:, pictures].prod(axis=0), kind="stable")]
    start = 0
    while start < len(pictures):
        coming = nums[:, pictures[start:]]
        # The widest so far on either side decide how large a group becomes.
        cells = (
            np.maximum.accumulate(coming, axis=1).prod(axis=0)
            * (np.arange(coming.shape[1]) + 1)
            * len(AREAS)
            * len(THRESHOLDS)
        )
        stop = start + max(1, int(np.searchsorted(cells, _MOST_CELLS, side="right")))
        chosen = pictures[start:stop]
        yield _padded(of_found, chosen), _padded(of_true, chosen)
        start = stop


def _padded(owners: Array, pictures: Array) -> Array:
    """The places of the boxes of each picture in a sorted list of owners: ``(G, most)``, −1 behind the last."""
    first, behind = np.searchsorted(owners, pictures), np.searchsorted(owners, pictures, side="right")
    places = first[:, None] + np.arange((behind - first).max(initial=0))
    return np.where(places < behind[:, None], places, -1)


def _ranks(owners: Array) -> Array:
    """The place of each among those of its owner, in a sorted list of owners."""
    return np.arange(len(owners)) - np.searchsorted(owners, owners)


def _area(corners: Array) -> Floats:
    area: Floats = (corners[:, 2:].astype(np.float64) - corners[:, :2]).prod(axis=1)
    return area


def precision_at_recalls(right: Floats, found: Floats, num_true: Floats) -> tuple[Floats, Floats]:
    """How precise what was found is at each of `RECALLS`, and how much of what is there was found in the end.

    Precision at a recall is the best at that recall or any higher, and 0 where it is never reached.

    Args:
        right: how many of the best so many that were found are right; places that add none may be left out.
        found: how many these are.
        num_true: things that are there; above 0.

    Shapes:
        right, found ``(..., D)``, num_true ``(...)`` → ``(..., 101)``, ``(...)``.

    Example:
        >>> precision, recall = precision_at_recalls(np.array([1.0, 1, 2]), np.array([1.0, 2, 3]), np.array(2.0))
        >>> precision[[0, 50, 51, 100]].round(3).tolist(), float(recall)
        ([1.0, 1.0, 0.667, 0.667], 1.0)
    """
    shape, num = right.shape[:-1], right.shape[-1]
    if not num:
        return np.zeros((*shape, len(RECALLS))), np.zeros(shape)
    recall = right / num_true[..., None]
    precision = np.maximum.accumulate((right / (found + _TINY))[..., ::-1], axis=-1)[..., ::-1]
    places = np.stack([np.searchsorted(row, RECALLS) for row in recall.reshape(-1, num)])
    padded = np.concatenate([precision.reshape(-1, num), np.zeros((len(places), 1))], axis=1)
    return np.take_along_axis(padded, places, axis=1).reshape(*shape, len(RECALLS)), recall[..., -1]


class BoxMatches:
    """What was found in some pictures beside what is there, matched once; all numbers are read of it.

    Args:
        found: with scores.
        true: with crowds, or none of them.
        num_classes: K.
        num_pictures: in all, those without any box included.

    Example:
        >>> corners, zero = np.array([[0.0, 0, 8, 8], [20, 20, 60, 60]]), np.zeros(2, dtype=int)
        >>> true = Placed(corners=corners, classes=zero, pictures=zero)
        >>> found = Placed(corners=corners[:1], classes=zero[:1], pictures=zero[:1], scores=np.array([0.9]))
        >>> numbers = BoxMatches(found, true, num_classes=1, num_pictures=1).numbers()
        >>> round(numbers["map"], 3), round(numbers["map_small"], 3), numbers["map_large"], numbers["recall_100"]
        (0.505, 1.0, nan, 0.5)
    """

    def __init__(self, found: Placed, true: Placed, *, num_classes: int, num_pictures: int) -> None:
        self.num_pictures = num_pictures
        self.of_classes = [
            match_class(found.where(found.classes == number), true.where(true.classes == number), num_pictures)
            for number in range(num_classes)
        ]

    def precision(self, area: str = "all") -> Floats:
        """By class, threshold and recall; NaN for a class that does not occur: ``(K, 10, 101)``."""
        return self._measured(area, MAX_DETECTIONS[-1])[0]

    def recall(self, area: str = "all", most: int = MAX_DETECTIONS[-1]) -> Floats:
        """The share that is found, by class and threshold, where at most so many count in a picture: ``(K, 10)``."""
        return self._measured(area, most)[1]

    def _measured(self, area: str, most: int) -> tuple[Floats, Floats]:
        row = list(AREAS).index(area)
        precision = np.full((len(self.of_classes), len(THRESHOLDS), len(RECALLS)), np.nan)
        recall = np.full(precision.shape[:2], np.nan)
        for number, one in enumerate(self.of_classes):
            num_true = one.num_true[row].sum()
            if num_true:
                few = one.ranks < most
                right, counts = one.right[row][:, few], ~one.ignored[row][:, few]
                precision[number], recall[number] = precision_at_recalls(
                    right.cumsum(1, np.float64), counts.cumsum(1, np.float64), np.full(len(right), float(num_true))
                )
        return precision, recall

    def numbers(self) -> dict[str, float]:
        """``map`` (mean over thresholds and classes), ``ap50``, ``ap75``, ``map_small``, ``map_medium``,
        ``map_large``, and ``recall_1``, ``recall_10``, ``recall_100`` by how many boxes of a class count in a picture.
        NaN where no thing of that kind is there.
        """
        precision = self.precision()
        found = {"map": _mean(precision), "ap50": _mean(precision[:, 0]), "ap75": _mean(precision[:, 5])}
        found |= {f"map_{area}": _mean(self.precision(area)) for area in AREAS if area != "all"}
        return found | {f"recall_{most}": _mean(self.recall(most=most)) for most in MAX_DETECTIONS}

    def intervals(self) -> dict[str, Interval]:
        """95 % bootstrap intervals of ``map``, ``ap50`` and ``ap75``; whole pictures are drawn, and nothing is matched
        again: who found what in a picture does not hang on the others.
        """
        drawn = resampled_counts(np.ones(self.num_pictures, dtype=np.int64))  # (R, pictures)
        sums = np.zeros((len(THRESHOLDS), len(drawn)))
        known = np.zeros(len(drawn))
        for one in self.of_classes:
            num_true = drawn @ one.num_true[0]
            there = num_true > 0
            known += there
            times = drawn[:, one.pictures]
            for threshold, (right, ignored) in enumerate(zip(one.right[0], one.ignored[0])):
                # Where nothing right comes, precision falls: those places are left out.
                counted = (times * ~ignored).cumsum(axis=1)[:, right]
                precision, _ = precision_at_recalls(times[:, right].cumsum(axis=1), counted, np.maximum(num_true, 1))
                sums[threshold] += np.where(there, precision.mean(axis=1), 0.0)
        means = np.divide(sums, known, out=np.full_like(sums, np.nan), where=known > 0)
        return percentiles({"map": means.mean(axis=0), "ap50": means[0], "ap75": means[5]})


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
