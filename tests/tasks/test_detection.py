"""Detection from boxes in a table to boxes in a picture: what learns what, training, cards, answers in the original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import derin
from derin.data.codecs.base import Packed
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Boxes, Dense, Table
from derin.export.answers import AnsweringNetwork
from derin.export.onnx import export_onnx
from derin.models import build
from derin.models.box_output import BoxOutput, box_output, boxes_of_distances
from derin.tasks.anchors import find_anchors
from derin.tasks.box_assignment import ALPHA, BETA, TAKEN, assign
from derin.tasks.box_criteria import anchor_loss, distance_loss, one_thing_loss
from derin.tasks.box_losses import localization_loss
from derin.tasks.box_selection import select_boxes, select_in_graph
from derin.tasks.detection import Detection
from derin.tasks.inference import infer_task
from derin.tasks.metrics.average_precision import BoxMatches, Placed
from derin.tasks.metrics.box_errors import box_errors

SIDE = 48


def bright_squares(num: int, side: int = SIDE) -> Table:
    """Dark pictures with up to three squares, red or blue; some have none."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 40, (num, side, side, 3), dtype=np.uint8)
    corners, classes, counts = [], [], []
    for picture in pictures:
        places = random.permutation(9)[: random.integers(0, 4)]
        counts.append(len(places))
        for place in places.tolist():
            size, number = int(random.integers(9, 16)), int(random.random() < 0.3)
            left, top = place % 3 * 16, place // 3 * 16
            picture[top : top + size, left : left + size, 2 * number] = 230
            corners.append([left, top, left + size, top + size])
            classes.append(number)
    boxes = Boxes(
        np.array(corners, np.float32), np.array(classes), np.concatenate([[0], np.cumsum(counts)]),
        np.full((num, 2), side, np.int64),
    )  # fmt: skip
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(side, side, 3)),
            Column(name="boxes", kind=Kind.BOXES, role=Role.TARGET, shape=(-1, 4), classes=("red", "blue")),
        )
    )
    rows = np.arange(num)
    splits = {"train": rows[rows % 4 > 0], "val": rows[rows % 4 == 0]}
    return Table(name="squares", schema=schema, columns={"picture": Dense(pictures), "boxes": boxes}, splits=splits)


class Small(nn.Module):
    """One map of stride 8, for pictures of few pixels."""

    box_loss = "distances"

    def __init__(self) -> None:
        super().__init__()
        layers = []
        for before, after in ((3, 16), (16, 32), (32, 32)):
            layers += [nn.Conv2d(before, after, 3, 2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.boxes, self.classes = nn.Conv2d(32, 4 * 5, 1), nn.Conv2d(32, 2, 1)
        nn.init.constant_(self.classes.bias, -3.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        x = self.trunk(x)
        return boxes_of_distances(self.boxes(x), self.classes(x), 8)


def random_output(num_pictures: int, seed: int = 0) -> BoxOutput:
    """What a network might give for pictures of 40 × 32 pixels and three classes."""
    generator = torch.Generator().manual_seed(seed)
    maps = [torch.randn(num_pictures, num, 5, 4, generator=generator) for num in (4 * 6, 3)]
    return box_output(boxes_of_distances(maps[0], maps[1], 8), 3)


def random_target(counts: list[int], seed: int = 0) -> Packed:
    random = np.random.default_rng(seed)
    num = sum(counts)
    corners = random.uniform(0, 20, (num, 2))
    corners = np.concatenate([corners, corners + random.uniform(3, 20, (num, 2))], axis=1)
    flat = {
        "corners": torch.from_numpy(corners.astype(np.float32)),
        "classes": torch.from_numpy(random.integers(0, 3, num)),
        "crowds": torch.from_numpy(random.random(num) < 0.2),
    }
    return Packed(flat, torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])))


def by_hand(output: BoxOutput, target: Packed, picture: int) -> tuple[np.ndarray, np.ndarray]:
    """Which thing each place of a picture has (−1 for none) and how sure it is to be, place by place."""
    things = list(target)[picture]
    scores = torch.sigmoid(output.logits[picture]).double().numpy()
    boxes, middles = output.corners[picture].double().numpy(), output.middles[picture].double().numpy()
    wanted: dict[int, list[tuple[int, float, float]]] = {}
    for number, corners in enumerate(things["corners"].double().numpy()):
        if things["crowds"][number]:
            continue
        found = []
        for place, (box, (x, y)) in enumerate(zip(boxes, middles)):
            half = [max((corners[2 + axis] - corners[axis]) / 2, 4) for axis in (0, 1)]
            if abs(x - (corners[0] + corners[2]) / 2) >= half[0] or abs(y - (corners[1] + corners[3]) / 2) >= half[1]:
                continue
            sides = [max(0, min(box[2 + i], corners[2 + i]) - max(box[i], corners[i])) for i in (0, 1)]
            areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, corners)]
            iou = sides[0] * sides[1] / (sum(areas) - sides[0] * sides[1])
            found.append((scores[place, things["classes"][number]] ** ALPHA * iou**BETA, iou, place))
        for worth, iou, place in sorted(found, reverse=True)[:TAKEN]:
            wanted.setdefault(place, []).append((number, worth, iou))
    has = {place: max(claims, key=lambda claim: claim[2]) for place, claims in wanted.items()}
    owner, sure = np.full(len(boxes), -1), np.zeros(len(boxes))
    for place, (number, worth, _) in has.items():
        own = [claim for claim in has.values() if claim[0] == number]
        owner[place] = number
        sure[place] = worth / max(claim[1] for claim in own) * max(0.2, *(claim[2] for claim in own))
    return owner, sure


def test_places_learn_the_things_that_they_are_worth_most_for() -> None:
    output, target = random_output(3), random_target([3, 0, 4])
    found = assign(output, target)
    for picture in range(3):
        owner, sure = by_hand(output, target, picture)
        np.testing.assert_allclose(found.scores[picture], sure, rtol=1e-3, atol=1e-4)  # sixth powers in float32
        assert ((found.scores[picture] > 0).numpy() == (owner >= 0)).all()
        things, there = list(target)[picture], owner >= 0
        np.testing.assert_allclose(found.corners[picture][there], things["corners"][owner[there]])
        assert found.classes[picture][there].tolist() == things["classes"][owner[there]].tolist()


def test_a_thing_smaller_than_a_place_is_learned_and_a_crowd_is_not() -> None:
    output = random_output(1)
    corners = torch.tensor([[9.0, 9, 11, 11], [0, 16, 32, 40]])
    flat = {"corners": corners, "classes": torch.tensor([2, 0]), "crowds": torch.tensor([False, True])}
    found = assign(output, Packed(flat, torch.tensor([0, 2])))
    assert found.scores[0].nonzero().flatten().tolist() == [5]  # the place of 8..16 × 8..16
    assert found.classes[0, 5] == 2
    assert found.ignored[0].nonzero().flatten().tolist() == list(range(8, 20))


def test_the_loss_of_pictures_is_that_of_each_alone_and_falls() -> None:
    output, target = random_output(3), random_target([2, 0, 3])
    weights = torch.tensor([1.0, 2.0, 0.5])
    together = distance_loss(output, target, weights)
    for picture in range(3):
        part = BoxOutput(*(values[picture : picture + 1] for values in output))
        alone = distance_loss(part, target[picture : picture + 1], weights)
        for one, all_of_them in zip(alone, together):
            torch.testing.assert_close(one[0], all_of_them[picture])


def test_three_things_in_a_cell_with_two_anchors_are_two() -> None:
    options: dict[str, Any] = {"width": 8, "grid": 3, "trunk_options": [["width", 0.1]]}
    anchors = [[0.1, 0.4], [0.4, 0.1]]
    network = build("yolo_grid", input_shape=(3, 96, 96), num_outputs=3, seed=0, anchors=anchors, **options).eval()
    x = torch.rand(1, 3, 96, 96)
    assert network.cells(x).shape == (1, 16, 3, 3)  # type: ignore[operator]
    output = box_output(network(x), 3)
    corners = torch.tensor([[11.0, 0, 21, 32], [12, 4, 20, 28], [2, 12, 30, 20], [70, 70, 90, 80]])
    flat = {"corners": corners, "classes": torch.tensor([0, 1, 2, 0]), "crowds": torch.zeros(4, dtype=torch.bool)}
    loss, num = anchor_loss(output, Packed(flat, torch.tensor([0, 4])), None)
    assert num.tolist() == [3]
    assert loss.item() > 0
    # The upright one that is more like the upright anchor of 9.6 × 38.4 pixels is learned, and not the other.
    alone = [{name: values[kept] for name, values in flat.items()} for kept in ([0, 2, 3], [1, 2, 3])]
    losses = [anchor_loss(output, Packed(each, torch.tensor([0, 3])), None)[0].item() for each in alone]
    assert losses[0] == pytest.approx(loss.item())
    assert losses[1] != pytest.approx(loss.item())


def test_one_thing_is_the_largest_and_its_box_shares_of_the_picture() -> None:
    network = build("localizer", input_shape=(3, 64, 96), num_outputs=2, seed=0, units=16, width=8).eval()
    output = box_output(network(torch.rand(2, 3, 64, 96)), 2)
    flat = {
        "corners": torch.tensor([[0.0, 0, 8, 8], [24, 16, 72, 48], [0, 0, 96, 64]]),
        "classes": torch.tensor([0, 1, 0]),
        "crowds": torch.tensor([False, False, True]),
    }
    losses, num = one_thing_loss(output, Packed(flat, torch.tensor([0, 3, 3])), None)
    there = torch.tensor([[1, 0.5, 0.5, 0.5, 0.5, 0, 1]])
    wanted = torch.cat([localization_loss(output.raw[:1, 0], there), localization_loss(output.raw[1:, 0], 0 * there)])
    torch.testing.assert_close(losses, wanted)
    assert num.tolist() == [1, 1]
    table = bright_squares(12)
    assert infer_task(table, name="localization").default_model(table) == "localizer"


def test_anchors_are_the_shapes_of_groups_of_boxes() -> None:
    random = np.random.default_rng(0)
    groups = np.array([[0.05, 0.05], [0.1, 0.5], [0.6, 0.2]])
    sizes = groups[random.integers(0, 3, 300)] * random.uniform(0.9, 1.1, (300, 2))
    np.testing.assert_allclose(find_anchors(sizes, 3), groups, rtol=0.02)
    assert len(find_anchors(sizes[:2], 5)) == 2
    assert Detection.from_table(bright_squares(12), np.arange(12), {}).network_options("yolo") == {}
    found = Detection.from_table(bright_squares(12), np.arange(12), {}).network_options("yolo_grid")["anchors"]
    assert all(9 / SIDE - 0.01 < side < 16 / SIDE for anchor in found for side in anchor)


def test_places_become_the_best_boxes_of_each_class() -> None:
    output = torch.zeros(1, 4, 2 + 7)
    output[0, :, :2] = -9.0
    output[0, :, 2:6] = torch.tensor([[0.0, 0, 8, 8], [1, 0, 9, 8], [20, 20, 30, 30], [5, 5, 5, 9]])
    output[0, 0, 0], output[0, 1, 0], output[0, 1, 1], output[0, 2, 1], output[0, 3, 0] = 1.0, 2.0, 0.5, 0.0, 3.0
    corners, scores, classes = select_boxes(output, 2)
    # The first is hidden by the second, the last has no area, and a box may be of two classes.
    assert classes[0].tolist() == [0, 1, 1]
    torch.testing.assert_close(scores[0], torch.tensor([2.0, 0.5, 0.0]).sigmoid())
    assert corners[0].tolist() == [[1, 0, 9, 8], [1, 0, 9, 8], [20, 20, 30, 30]]


def test_a_graph_of_tensors_selects_the_same_boxes() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, num, 7, 9, generator=generator) for num in (4 * 6, 2)]
    output = boxes_of_distances(maps[0], maps[1], 4)
    boxes, scores, classes = select_boxes(output, 2)
    found = select_in_graph(output, 2)
    for picture in range(2):
        num = int((scores[picture] > 0).sum())
        assert 3 < num < 100
        torch.testing.assert_close(found[1][picture, :num], scores[picture, :num])
        torch.testing.assert_close(found[0][picture, :num], boxes[picture, :num])
        assert found[2][picture, :num].tolist() == classes[picture, :num].tolist()
        assert (found[1][picture, num:] == 0).all()


@pytest.mark.usefixtures("onnx_is_read_once")
def test_an_onnx_file_gives_the_boxes(tmp_path: Path) -> None:
    task, network = Detection(columns=["boxes"], classes=["red", "blue"]), Small().eval()
    with torch.no_grad():
        network.classes.bias.zero_()  # type: ignore[union-attr]
    answering = AnsweringNetwork(network, task)
    export_onnx(answering, tmp_path / "boxes.onnx", torch.zeros(3, SIDE, SIDE), output_names=answering.output_names)
    x = torch.rand(2, 3, SIDE, SIDE)
    session = onnxruntime.InferenceSession(tmp_path / "boxes.onnx")
    _, boxes, scores, labels = session.run(None, {"input": x.numpy()})
    with torch.no_grad():
        wanted = select_boxes(network(x), 2)
    for picture in range(2):
        num = int((wanted[1][picture] > 0).sum())
        assert num > 3
        np.testing.assert_allclose(boxes[picture, :num], wanted[0][picture, :num], atol=1e-3)
        np.testing.assert_allclose(scores[picture, :num], wanted[1][picture, :num], atol=1e-4)
        assert labels[picture, :num].tolist() == wanted[2][picture, :num].tolist()


def test_errors_are_of_the_kinds_that_were_made() -> None:
    things = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10], [80, 0, 90, 10]])
    true = Placed(corners=things, classes=np.array([0, 0, 1, 0, 1]), pictures=np.zeros(5, int))
    corners = [
        [0, 0, 10, 10],  # right
        [0, 0, 10, 9],  # twice
        [20, 0, 30, 10],  # wrong class
        [44, 0, 54, 10],  # too far off: IoU 6 / 14
        [64, 0, 74, 10],  # too far off, and wrong class
        [0, 50, 10, 60],  # nothing there
    ]
    found = Placed(
        corners=np.array(corners, float), classes=np.array([0, 0, 1, 1, 1, 0]), pictures=np.zeros(6, int),
        scores=np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.97]),
    )  # fmt: skip
    errors = box_errors(found, true, BoxMatches(found, true, num_classes=2, num_pictures=1))
    assert {kind: numbers["count"] for kind, numbers in errors.items()} == {
        "place": 1, "class": 1, "twice": 1, "background": 1, "both": 1, "missed": 2,
    }  # fmt: skip
    assert all(numbers["ap50"] >= 0 for numbers in errors.values())
    assert errors["class"]["ap50"] > errors["twice"]["ap50"]


@pytest.mark.slow
def test_it_learns_is_saved_and_answers_in_pixels_of_the_original(tmp_path: Path) -> None:
    table = bright_squares(120)
    run = derin.fit(
        table, model=Small(), epochs=14, batch_size=16, learning_rate=0.01, augment="none", out=tmp_path / "run",
        plan="plain", threads=1, quiet=True, seed=0,
    )  # fmt: skip
    metrics = run.metrics["val"]
    assert metrics["ap50"] > 0.8
    assert metrics["map"] <= metrics["ap50"]
    record = json.loads((run.path / "run.json").read_text())
    assert record["details"]["val"]["per_class"]["blue"]["support"] > 0
    assert set(record["findings"]["errors"]) == {"place", "class", "twice", "background", "both", "missed"}
    assert "img" in (run.path / "report.html").read_text()

    model = derin.open(run.path, Small())
    assert model.task == Detection(
        columns=["boxes"], classes=["red", "blue"], class_weights=model.task.class_weights,
        thresholds=model.task.thresholds,
    )  # fmt: skip
    pictures, boxes = table["picture"], table["boxes"]
    assert isinstance(pictures, Dense)
    assert isinstance(boxes, Boxes)
    row = next(row for row in table.splits["val"].tolist() if np.diff(boxes.offsets)[row] == 2)
    small = model.predict(pictures.values[row])
    # Twice as wide and high with a margin on the right: the same places, twice as far away.
    large = np.zeros((2 * SIDE, 4 * SIDE, 3), dtype=np.uint8)
    large[:, : 2 * SIDE] = pictures.values[row].repeat(2, axis=0).repeat(2, axis=1)
    answer = model.predict(pictures.values[row].repeat(2, axis=0).repeat(2, axis=1))
    assert [box.label for box in answer.boxes] == [box.label for box in small.boxes]
    for box, other in zip(answer.boxes, small.boxes):
        np.testing.assert_allclose(box.xyxy, 2 * np.array(other.xyxy), atol=1.5)
    assert set(small.to_json()["boxes"][0]) == {"label", "probability", "xyxy"}
    assert small.drawn().shape == (SIDE, SIDE, 3)


@pytest.mark.filterwarnings("ignore::derin.core.errors.DerinWarning")  # of the time that is over, and of the precision
@pytest.mark.slow
@pytest.mark.parametrize("threshold", [None, "precision=0.99", 0.25])
def test_thresholds_are_chosen_of_what_was_measured_also_when_time_is_over(
    tmp_path: Path, threshold: str | float | None
) -> None:
    run = derin.fit(
        bright_squares(60), model=Small(), max_seconds=0.5, batch_size=16, augment="none", out=tmp_path / "run",
        plan="plain", threads=1, quiet=True, threshold=threshold, report=False,
    )  # fmt: skip
    found = json.loads((run.path / "run.json").read_text())["findings"]
    thresholds = derin.open(run.path, Small()).task.thresholds
    assert tuple(found["at_threshold"][name]["threshold"] for name in ("red", "blue")) == thresholds
    if threshold == 0.25:
        assert "thresholds" not in found
        assert thresholds == (0.25, 0.25)
    else:
        assert found["thresholds"]["criterion"] == (threshold or "f1")


@pytest.mark.parametrize("size", [(96, 64), (70, 90)])
def test_yolo_gives_places_of_three_strides_and_begins_with_rare_things(size: tuple[int, int]) -> None:
    options: dict[str, Any] = {"width": 8, "depth": 1, "trunk_options": [["width", 0.1]]}
    network = build("yolo", input_shape=(3, *size), num_outputs=3, seed=0, **options).eval()
    output = box_output(network(torch.rand(2, 3, *size)), 3)
    height, width = (-(-side // 32) * 32 for side in size)
    assert output.strides[0].unique(return_counts=True)[1].tolist() == [
        height * width // stride**2 for stride in (8, 16, 32)
    ]
    assert output.logits.sigmoid().mean().item() == pytest.approx(0.01, rel=0.3)
    middles = output.middles[0][output.strides[0] == 16]
    assert middles[:2].tolist() == [[8, 8], [24, 8]]
