"""Tracks against all ways of pairing, tried one by one, and against things whose paths are known."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pytest

from derin.data.box_tracking import BoxTracker

Array = npt.NDArray[np.float64]


def iou(a: Array, b: Array) -> float:
    wide, high = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    common = max(0.0, wide) * max(0.0, high)
    whole = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - common
    return float(common / whole) if whole else 0.0


class EveryPairing:
    """The same by definition: of all ways to give boxes tracks or none, the one of the largest sum of overlaps."""

    def __init__(self, least: float, most_lost: int) -> None:
        self.least, self.most_lost, self.next = least, most_lost, 1
        self.tracks: list[tuple[int, Array, int, int]] = []  # number, corners, class, lost

    def update(self, corners: Array, classes: list[int]) -> list[int]:
        places: list[int | None] = [*range(len(self.tracks)), *[None] * len(corners)]

        def worth(way: tuple[int | None, ...]) -> float:
            total = 0.0
            for box, place in enumerate(way):
                if place is not None:
                    _, other, kind, _ = self.tracks[place]
                    shared = iou(other, corners[box]) if kind == classes[box] else 0.0
                    total += shared if shared >= self.least else -9.0
            return total

        best = max(set(permutations(places, len(corners))), key=worth)
        numbers = []
        for place in best:
            numbers.append(self.next if place is None else self.tracks[place][0])
            self.next += place is None
        waiting = [
            (number, box, kind, lost + 1)
            for place, (number, box, kind, lost) in enumerate(self.tracks)
            if place not in best and lost < self.most_lost
        ]
        self.tracks = [*waiting, *((n, box, kind, 0) for n, box, kind in zip(numbers, corners, classes))]
        return numbers


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    tracker, oracle = BoxTracker(least_overlap=0.2, most_lost=1), EveryPairing(0.2, 1)
    for _ in range(12):
        num = int(random.integers(0, 4))
        corner = random.uniform(0, 12, (num, 2))
        corners = np.concatenate([corner, corner + random.uniform(4, 9, (num, 2))], axis=1)
        classes = random.integers(0, 2, num).tolist()
        assert tracker.update(corners, classes).tolist() == oracle.update(corners, classes)


def test_things_keep_their_numbers_where_they_cross_and_vanish_for_a_while() -> None:
    tracker, seen = BoxTracker(least_overlap=0.3, most_lost=3), []
    for time in range(40):
        # One to the right, one to the left above it, and a third of another class that hides in frames 10 to 12.
        boxes = [[2 * time, 0, 2 * time + 20, 20], [80 - 2 * time, 14, 100 - 2 * time, 34], [50, 2, 70, 22]]
        shown = [0, 1] if 10 <= time < 13 else [0, 1, 2]
        numbers = tracker.update(np.array(boxes, dtype=float)[shown], [[0, 0, 1][place] for place in shown])
        seen.append(dict(zip(shown, numbers.tolist())))
    assert all(each == {place: place + 1 for place in each} for each in seen)
    assert tracker.update(np.zeros((0, 4)), []).tolist() == []
    for _ in range(3):
        tracker.update(np.zeros((0, 4)), [])
    assert tracker.update(np.array([[50.0, 2, 70, 22]]), [1]).tolist() == [4]
