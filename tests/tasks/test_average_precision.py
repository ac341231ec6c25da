"""Average precision of boxes equals what the evaluation code of COCO's authors computes."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from derin.tasks.metrics import average_precision
from derin.tasks.metrics.average_precision import AREAS, BoxMatches, Placed

NUM_CLASSES = 4


def boxes_of(random: np.random.Generator, num: int, pictures: int) -> dict[str, Any]:
    """Whole corners, so that an overlap that lies on a threshold is the same number however it is computed."""
    corners = random.integers(0, 120, (num, 2))
    sides = random.choice([6, 8, 20, 32, 40, 96, 130], (num, 2))
    return {
        "corners": np.concatenate([corners, corners + sides], axis=1).astype(float),
        "classes": random.integers(0, NUM_CLASSES - 1, num),  # one class never occurs
        "pictures": random.integers(0, pictures, num),
    }


def random_boxes(seed: int, pictures: int = 23) -> tuple[Placed, Placed]:
    """True boxes with crowds; found ones near them, elsewhere, twice, with few distinct scores; some pictures empty."""
    random = np.random.default_rng(seed)
    true = boxes_of(random, 110, pictures - 2)
    true["crowds"] = random.random(110) < 0.1
    near, away = random.integers(0, 110, 160), boxes_of(random, 130, pictures)
    moved = true["corners"][near] + random.integers(-3, 4, (160, 4))
    found = {
        "corners": np.concatenate([moved, away["corners"]]),
        "classes": np.concatenate([true["classes"][near], away["classes"]]),
        "pictures": np.concatenate([true["pictures"][near], away["pictures"]]),
        "scores": random.integers(1, 12, 290) / 12,
    }
    # More boxes of one class in a picture than count.
    many = {name: np.repeat(values[:1], 120, axis=0) for name, values in found.items()}
    many["corners"] = many["corners"] + np.arange(120)[:, None] % 7
    joined = {name: np.concatenate([values, many[name]]) for name, values in found.items()}
    return Placed(**joined), Placed(**true)


def by_the_authors(found: Placed, true: Placed, pictures: int) -> Any:
    """What pycocotools says of the same boxes."""

    def annotations(boxes: Placed) -> list[dict[str, Any]]:
        sides = boxes.corners[:, 2:] - boxes.corners[:, :2]
        return [
            {
                "id": place + 1,
                "image_id": int(boxes.pictures[place]),
                "category_id": int(boxes.classes[place]),
                "bbox": [*boxes.corners[place, :2].tolist(), *sides[place].tolist()],
                "area": float(sides[place].prod()),
                "iscrowd": 0 if boxes.crowds is None else int(boxes.crowds[place]),
                **({} if boxes.scores is None else {"score": float(boxes.scores[place])}),
            }
            for place in range(len(boxes))
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": picture} for picture in range(pictures)],
            "categories": [{"id": number} for number in range(NUM_CLASSES)],
            "annotations": annotations(true),
        }
        coco.createIndex()
        answers = COCO()
        answers.dataset = {**coco.dataset, "annotations": annotations(found)}
        answers.createIndex()
        evaluation = COCOeval(coco, answers, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_are_those_of_the_authors_code(seed: int) -> None:
    found, true = random_boxes(seed)
    evaluation = by_the_authors(found, true, 23)
    ours = BoxMatches(found, true, num_classes=NUM_CLASSES, num_pictures=23)
    for place, area in enumerate(AREAS):
        wanted = evaluation.eval["precision"][:, :, :, place, 2].transpose(2, 0, 1)
        np.testing.assert_allclose(np.nan_to_num(ours.precision(area), nan=-1), wanted, rtol=0, atol=1e-12)
        for number, most in enumerate((1, 10, 100)):
            wanted = evaluation.eval["recall"][:, :, place, number].T
            np.testing.assert_allclose(np.nan_to_num(ours.recall(area, most), nan=-1), wanted, rtol=0, atol=1e-12)
    names = ("map", "ap50", "ap75", "map_small", "map_medium", "map_large", "recall_1", "recall_10", "recall_100")
    numbers = ours.numbers()
    np.testing.assert_allclose([numbers[n] for n in names], evaluation.stats[:9], rtol=0, atol=1e-9)


def test_nothing_found_and_nothing_true_are_no_error() -> None:
    found, true = random_boxes(0)
    nothing = np.zeros(0, dtype=int)
    missed = BoxMatches(found.where(nothing), true, num_classes=NUM_CLASSES, num_pictures=23).numbers()
    assert missed["map"] == missed["recall_100"] == 0
    empty = BoxMatches(found, true.where(nothing), num_classes=NUM_CLASSES, num_pictures=23)
    assert np.isnan(empty.numbers()["map"])
    assert np.isnan(empty.intervals()["map"]).all()


def test_a_picture_that_is_drawn_twice_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of one resample the interval is a point: the numbers of the copied pictures, matched anew.
    found, true = random_boxes(4)
    times = np.random.default_rng(0).integers(0, 3, 23)
    monkeypatch.setattr(average_precision, "resampled_counts", lambda counts: times[None].astype(float))
    low, high = BoxMatches(found, true, num_classes=NUM_CLASSES, num_pictures=23).intervals()["ap50"]

    def copied(part: Placed) -> Placed:
        copies = [part.where(part.pictures == picture) for picture in np.repeat(np.arange(23), times)]
        joined = Placed(
            corners=np.concatenate([copy.corners for copy in copies]),
            classes=np.concatenate([copy.classes for copy in copies]),
            pictures=np.repeat(np.arange(len(copies)), [len(copy) for copy in copies]),
            scores=None if part.scores is None else np.concatenate([c.scores for c in copies if c.scores is not None]),
            crowds=None if part.crowds is None else np.concatenate([c.crowds for c in copies if c.crowds is not None]),
        )
        return joined

    again = BoxMatches(copied(found), copied(true), num_classes=NUM_CLASSES, num_pictures=int(times.sum()))
    assert low == high
    # Both copies of a box come at once here, and one after the other there: recalls between them differ.
    assert low == pytest.approx(again.numbers()["ap50"], abs=0.005)
