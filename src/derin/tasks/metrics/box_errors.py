"""Where the errors of boxes come from, and what mending each kind would bring.

Source: D. Bolya, S. Foley, J. Hays, J. Hoffman, "TIDE: a general toolbox for identifying object detection errors", ECCV
    2020, arXiv:2008.08115: a wrong box is of one kind, by what it covers most at IoU ½ and 1/10, and what a kind costs
    is how much AP50 would be higher if it were mended, all others left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from derin.tasks.metrics.average_precision import (
    BoxMatches,
    Placed,
    common_pictures,
    overlaps_of_groups,
    precision_at_recalls,
)

# The order in which a box is asked, as the paper's program does it.
KINDS = ("place", "class", "twice", "background", "both")
MISSED = "missed"
_RIGHT, _NEAR = 0.5, 0.1

Array = npt.NDArray[Any]


def box_errors(found: Placed, true: Placed, matches: BoxMatches) -> dict[str, dict[str, float]]:
    """Of each kind how many wrong boxes there are and what AP50 would gain without them.

    ``place``: of the right class, and too far off. ``class``: at the place of a thing of another class. ``twice``: on a
    thing that a better box has found. ``background``: where nothing is. ``both``: far off, and of another class.
    ``missed``: things that no box was right about and that none of the above would mend.

    Args:
        found, true: all boxes.
        matches: who found what among them.

    Returns:
        ``count`` and ``ap50`` by kind.
    """
    num, num_classes = len(found), len(matches.of_classes)
    right, counts = np.zeros(num, dtype=bool), np.zeros(num, dtype=bool)
    is_found = np.zeros(len(true), dtype=bool)
    for number, one in enumerate(matches.of_classes):
        own = np.flatnonzero(found.classes == number)[one.places]
        right[own], counts[own] = one.right[0, 0], ~one.ignored[0, 0]
        is_found[true.classes == number] = one.is_found[0]
    crowds = np.zeros(len(true), dtype=bool) if true.crowds is None else true.crowds
    same, same_thing, other, other_thing = _nearest(found, true, crowds)
    wrong = counts & ~right
    kinds = np.full(num, "", dtype="<U10")
    conditions = {
        "place": (same >= _NEAR) & (same < _RIGHT),
        "class": other >= _RIGHT,
        "twice": same >= _RIGHT,
        "background": np.maximum(same, other) < _NEAR,
        "both": np.ones(num, dtype=bool),
    }
    for kind, holds in conditions.items():
        kinds[wrong & (kinds == "") & holds] = kind

    assert found.scores is not None
    num_true = np.bincount(true.classes[~crowds], minlength=num_classes).astype(np.float64)
    plain = _ap50(found.classes, found.scores, right, counts, num_true)
    result, mended = {}, np.zeros(len(true), dtype=bool)
    for kind in KINDS:
        chosen = kinds == kind
        classes, now_right, now_counts = found.classes.copy(), right.copy(), counts & ~chosen
        if kind in ("place", "class"):
            # Put right where its thing is still to be had, the best first; else taken away.
            things = same_thing if kind == "place" else other_thing
            order = np.flatnonzero(chosen)[np.argsort(-found.scores[chosen], kind="stable")]
            _, first = np.unique(things[order], return_index=True)
            first = order[first]
            first = first[~is_found[things[first]]]
            now_right[first] = now_counts[first] = True
            classes[first] = true.classes[things[first]]
            mended[things[first]] = True
        gained = _ap50(classes, found.scores, now_right, now_counts, num_true) - plain
        result[kind] = {"count": int(chosen.sum()), "ap50": gained}
    missed = ~is_found & ~mended & ~crowds
    fewer = num_true - np.bincount(true.classes[missed], minlength=num_classes)
    gained = _ap50(found.classes, found.scores, right, counts, fewer) - plain
    result[MISSED] = {"count": int(missed.sum()), "ap50": gained}
    return result


def _nearest(found: Placed, true: Placed, crowds: Array) -> tuple[Array, Array, Array, Array]:
    """IoU with the thing that each box covers most, and its place: among things of its class, and of others."""
    num = len(found)
    best = [np.zeros(num), np.full(num, -1), np.zeros(num), np.full(num, -1)]
    order, true_order = (np.argsort(part.pictures, kind="stable") for part in (found, true))
    for boxes, things in common_pictures(found.pictures[order], true.pictures[true_order]):
        boxes_there, things_there = boxes >= 0, things >= 0
        boxes, things = order[boxes], true_order[things]
        overlaps = overlaps_of_groups(found.corners[boxes], true.corners[things], np.zeros_like(things_there))
        known = (things_there & ~crowds[things])[:, None]
        alike = found.classes[boxes][:, :, None] == true.classes[things][:, None]
        rows = boxes[boxes_there]
        for start, chosen in ((0, known & alike), (2, known & ~alike)):
            values = np.where(chosen, overlaps, 0.0)
            place = values.argmax(axis=2)
            best[start][rows] = values.max(axis=2)[boxes_there]
            best[start + 1][rows] = np.take_along_axis(things, place, axis=1)[boxes_there]
    return best[0], best[1], best[2], best[3]


def _ap50(classes: Array, scores: Array, right: Array, counts: Array, num_true: Array) -> float:
    """The mean over the classes that occur."""
    precisions = []
    for number in np.flatnonzero(num_true):
        own = np.flatnonzero((classes == number) & counts)
        own = own[np.argsort(-scores[own], kind="stable")]
        precision, _ = precision_at_recalls(
            right[own].cumsum().astype(np.float64), np.arange(1.0, len(own) + 1), num_true[number]
        )
        precisions.append(precision.mean())
    return float(np.mean(precisions)) if precisions else 0.0
