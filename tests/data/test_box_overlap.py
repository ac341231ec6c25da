"""Overlap and suppression of boxes, against one box after the other."""

from __future__ import annotations

import numpy as np
import pytest

from derin.data.box_overlap import overlap, suppress


def random_boxes(num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    corner = generator.uniform(0, 60, (num, 2))
    return np.concatenate([corner, corner + generator.uniform(4, 20, (num, 2))], 1), generator.uniform(0, 1, num)


def share(a: list[float], b: list[float], over: str) -> float:
    wide, high = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    common = max(wide, 0) * max(high, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (min(areas) if over == "smaller" else sum(areas) - common)


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize("over", ["union", "smaller"])
# 1,300 boxes are more than two blocks, so that what stays of one decides in the next.
@pytest.mark.parametrize(("num", "threshold"), [(0, 0.5), (1, 0.5), (90, 0.0), (90, 0.4), (1300, 0.3)])
def test_suppression_keeps_what_one_after_the_other_would(
    num: int, threshold: float, over: str, num_classes: int
) -> None:
    boxes, scores = random_boxes(num, seed=num)
    scores = scores.round(1)  # with ties, of which the first counts
    classes = np.random.default_rng(num).integers(0, num_classes, num)
    kept: list[int] = []
    for place in sorted(range(num), key=lambda place: -scores[place]):
        others = [other for other in kept if classes[other] == classes[place]]
        if all(share(boxes[place].tolist(), boxes[other].tolist(), over) <= threshold for other in others):
            kept.append(place)
    of_classes = None if num_classes == 1 else classes
    assert suppress(boxes, scores, threshold, over, classes=of_classes).tolist() == kept  # type: ignore[arg-type]


def test_overlap_is_a_share_of_the_union_or_of_the_smaller_box() -> None:
    first, second = random_boxes(7, seed=1)[0], random_boxes(5, seed=2)[0]
    for over in ("union", "smaller"):
        expected = [[share(a, b, over) for b in second.tolist()] for a in first.tolist()]
        np.testing.assert_allclose(overlap(first, second, over), expected, atol=1e-12)  # type: ignore[arg-type]
