"""Landmarks from points in a table to points in a picture: losses, measurements, training, cards, ONNX, odd data."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import derin
from derin.core.errors import DataError, UsageError
from derin.data.batch import Batch
from derin.data.codecs.frame import Frame
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Points, Table
from derin.export.answers import AnsweringNetwork
from derin.export.onnx import export_onnx
from derin.models import build
from derin.models.point_output import means_of_maps, point_output
from derin.tasks.inference import infer_task
from derin.tasks.landmark_findings import mean_shape, mean_shape_in_box
from derin.tasks.landmarks import Landmarks
from derin.tasks.metrics.intervals import median_interval
from derin.tasks.metrics.landmarks import LandmarkMetrics
from derin.tasks.point_losses import heat_loss, map_losses, number_losses, wing_loss
from derin.train.callback import Callback

SIDE = 24
NAMES = ("left", "right", "tip")


def kites(num: int, without: int = 0) -> Table:
    """Dark pictures with a bright triangle each, somewhere and of some size: two corners above, left and right of each
    other, and a tip below. Of the last ones nothing is there.
    """
    from PIL import Image, ImageDraw

    random = np.random.default_rng(0)
    middle, half = random.uniform(9, 14, (num, 2)), random.uniform(5, 8, (num, 1))
    places = np.stack([middle + half * away for away in ([-1, -1], [1, -1], [0, 1.2])], axis=1)
    visible = np.ones((num, 3), dtype=bool)
    visible[num - without :] = False
    pictures = random.integers(0, 40, (num, SIDE, SIDE, 3), dtype=np.uint8)
    for row in range(num - without):
        image = Image.fromarray(pictures[row])
        ImageDraw.Draw(image).polygon([tuple(xy) for xy in places[row] - 0.5], fill=(220, 200, 60))
        pictures[row] = np.asarray(image)
    points = Points(places.astype(np.float32), visible, np.full((num, 2), SIDE, np.int64), ((0, 1),))
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(SIDE, SIDE, 3)),
            Column(name="corners", kind=Kind.POINTS, role=Role.TARGET, shape=(3, 2), classes=NAMES),
        )
    )
    rows = random.permutation(num)
    splits = {"train": rows[rows % 4 > 0], "val": rows[rows % 4 == 0]}
    return Table(name="kites", schema=schema, columns={"picture": Dense(pictures), "corners": points}, splits=splits)


class Small(nn.Module):
    """The course's way for pictures of few pixels: 1 + 2K numbers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for before, after in ((3, 16), (16, 24), (24, 32)):
                layers += [nn.Conv2d(before, after, 3, 2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 9, 7))

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers(x)
        return output


def test_wing_loss_and_its_slope_are_the_papers() -> None:
    errors = torch.tensor([-30.0, -4.0001, -3.9999, -0.8, -1e-3, 1e-3, 0.5, 3.9999, 4.0001, 30.0], dtype=torch.float64)
    w, e = 4.0, 0.8
    x = errors.numpy()
    constant = w - w * np.log(1 + w / e)
    wanted = np.where(np.abs(x) < w, w * np.log(1 + np.abs(x) / e), np.abs(x) - constant)
    slope = np.sign(x) * np.where(np.abs(x) < w, w / (e + np.abs(x)), 1.0)
    errors.requires_grad_()
    loss = wing_loss(errors, w, e)
    (gradient,) = torch.autograd.grad(loss.sum(), errors)
    np.testing.assert_allclose(loss.detach(), wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)


def test_heat_is_compared_with_a_normal_distribution_over_the_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    middles = torch.rand(2, 3, 2, generator=generator, dtype=torch.float64) * torch.tensor([7.0, 5.0])
    loss = heat_loss(logits, middles, 0.9)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    for picture in range(2):
        for point in range(3):
            x, y = middles[picture, point].tolist()
            cells = np.array([[(c + 0.5 - x) ** 2 + (r + 0.5 - y) ** 2 for c in range(7)] for r in range(5)])
            wanted = np.exp(-cells / (2 * 0.9**2))
            wanted /= wanted.sum()
            z = logits[picture, point].detach().numpy()
            heat = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            divergence = (wanted * (np.log(wanted) - np.log(heat))).sum()
            assert loss[picture, point].item() == pytest.approx(divergence, rel=1e-10)
            np.testing.assert_allclose(gradient[picture, point], heat - wanted, atol=1e-12)


def test_what_is_not_visible_counts_neither_in_the_loss_nor_in_its_slope() -> None:
    generator = torch.Generator().manual_seed(1)
    target = torch.cat([torch.rand(2, 3, 2, generator=generator) * 32, torch.ones(2, 3, 1)], dim=2)
    target[0, 1] = torch.tensor([1e6, -1e6, 0.0])
    target[1, :, 2] = 0
    vector = torch.randn(2, 7 + 3 * 8 * 8, generator=generator, requires_grad=True)
    for losses in (
        number_losses(point_output(vector, 3), target, (32, 32), "wing"),
        map_losses(point_output(vector, 3), target, (32, 32), "mse", maps=(8, 8), stride=4),
    ):
        (gradient,) = torch.autograd.grad(losses.sum(), vector)
        assert losses.isfinite().all()
        assert losses[1] == 0
        assert not gradient[1].any()
        assert not gradient[0, 3:5].any()
        assert gradient[0, [1, 2, 5, 6]].all()
    errors = (point_output(vector, 3).places[0, [0, 2]] - target[0, [0, 2], :2] / 32).double() * 100
    alone = number_losses(point_output(vector, 3), target, (32, 32), "mse")[0].item()
    assert alone == pytest.approx(errors.square().mean().item(), rel=1e-5)


def test_the_middle_of_the_heat_is_its_mean_over_the_cells() -> None:
    logits = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(2)) * 3
    heat = torch.softmax(logits.double().flatten(2), dim=2).reshape(2, 3, 5, 7).numpy()
    x = (heat * (np.arange(7) + 0.5)).sum(axis=(2, 3))
    y = (heat * (np.arange(5) + 0.5)[:, None]).sum(axis=(2, 3))
    np.testing.assert_allclose(means_of_maps(logits), np.stack([x, y], axis=2), rtol=1e-5)  # sums in float32


@pytest.mark.parametrize(("by", "learns"), [("points", True), ("picture", False), ((0, 2), False)])
def test_measurements_are_those_of_plain_loops_in_batches_of_any_size(by: Any, learns: bool) -> None:
    random = np.random.default_rng(3)
    true, found = random.uniform(0, 50, (9, 3, 2)), random.uniform(0, 50, (9, 3, 2))
    found[:4] = true[:4] + random.normal(0, 3, (4, 3, 2))
    visible = random.random((9, 3)) < 0.8
    visible[7] = False
    visible[8] = [True, False, False]
    presence = random.random(9)
    sizes = random.integers(50, 90, (9, 2))
    errors: list[list[float]] = []
    for n in range(9):
        seen = [k for k in range(3) if visible[n, k]]
        if by == "picture":
            distance = float(np.hypot(*sizes[n])) if seen else np.nan
        elif by == "points":
            sides = [np.ptp([true[n, k, axis] for k in seen]) if seen else 0.0 for axis in (0, 1)]
            distance = float(np.hypot(*sides)) or np.nan
        else:
            distance = float(np.hypot(*(true[n, 0] - true[n, 2]))) if visible[n, 0] and visible[n, 2] else np.nan
        errors.append(
            [float(np.hypot(*(found[n, k] - true[n, k]))) / distance if k in seen else np.nan for k in range(3)]
        )
    table = np.array(errors)
    means = np.array([np.mean(row[~np.isnan(row)]) for row in table if (~np.isnan(row)).any()])
    known = table[~np.isnan(table)]
    measured = []
    for size in (9, 4, 1):
        metrics = LandmarkMetrics(NAMES, by, learns_presence=learns)
        for start in range(0, 9, size):
            part = slice(start, start + size)
            outputs = {
                "places": torch.from_numpy(found[part]), "true_places": torch.from_numpy(true[part]),
                "visible": torch.from_numpy(visible[part]), "presence": torch.from_numpy(presence[part]),
                "loss": torch.ones(9)[part], "loss_weight": torch.ones(9)[part],
            }  # fmt: skip
            metrics.update(outputs, Batch({"picture_size": torch.from_numpy(sizes[part])}, torch.arange(9)[part]))
        measured.append((metrics.compute(), metrics.intervals()))
    for numbers, intervals in measured:
        assert numbers["nme"] == pytest.approx(means.mean())
        assert numbers["nme_median"] == pytest.approx(np.median(means))
        assert numbers["pck"] == pytest.approx((known <= 0.1).mean())
        for place, name in enumerate(NAMES):
            column = table[:, place][~np.isnan(table[:, place])]
            assert numbers["per_point"][name]["nme"] == pytest.approx(column.mean())
            assert numbers["per_point"][name]["support"] == len(column)
        assert ("presence_accuracy" in numbers) == learns
        if learns:
            assert numbers["presence_accuracy"] == np.mean((presence >= 0.5) == visible.any(axis=1))
        assert all(low <= numbers[name] <= high for name, (low, high) in intervals.items())


def test_the_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    inside = [
        low <= np.log(2) <= high for low, high in (median_interval(random.exponential(1, 40)) for _ in range(800))
    ]
    assert 0.94 < np.mean(inside) < 0.985  # exact, and never below 95 %: 0.962 for 40 values


def test_mean_shapes_are_those_of_the_visible_points() -> None:
    places = np.array([[[0.0, 0], [10, 20], [4, 6]], [[20, 10], [40, 20], [30, 12]]])
    visible = np.array([[True, True, True], [True, True, False]])
    points = Points(places, visible, np.array([[40, 20], [20, 40]]))
    np.testing.assert_allclose(mean_shape(points), [[0.25, 0.25], [0.75, 0.75], [0.2, 0.15]])
    np.testing.assert_allclose(mean_shape_in_box(points), [[0, 0], [1, 1], [0.4, 0.3]])


def test_the_distance_suits_the_points() -> None:
    table = kites(12)
    task = infer_task(table)
    assert isinstance(task, Landmarks)
    assert (task.normalize, task.num_outputs, task.learns_presence) == ("points", 7, False)
    assert Landmarks(columns=["p"], points=["a-b", "c"], normalize="a-b-c").distance == (0, 1)
    faces = np.random.default_rng(0).uniform(1, 20, (9, 68, 2)).astype(np.float32)
    pairs = ((36, 45),)
    schema = Schema((table.schema["picture"], Column(name="p", kind=Kind.POINTS, role=Role.TARGET, shape=(68, 2))))
    for known, normalize in ((pairs, "36-45"), ((), "points")):
        points = Points(faces, np.ones((9, 68), bool), np.full((9, 2), SIDE), known)
        columns = {"picture": table["picture"].take(np.arange(9)), "p": points}
        columns["picture"] = Dense(columns["picture"])
        found = infer_task(Table(name="faces", schema=schema, columns=columns, splits={"train": np.arange(9)}))
        assert found.normalize == normalize  # type: ignore[attr-defined]
    for wrong in ("left", "left-left", "left-3", "0-9"):
        with pytest.raises(UsageError, match="two of the points with a dash"):
            infer_task(table, normalize=wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["landmark_regressor", "landmark_heatmaps"])
def test_an_onnx_file_gives_the_points_of_predict(name: str, tmp_path: Path) -> None:
    small: dict[str, Any] = {"width": 8, "trunk_options": [["width", 0.1]]}
    network = build(name, input_shape=(3, 70, 96), num_outputs=7, seed=0, **small).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5))
    task = Landmarks(columns=["corners"], points=NAMES, learns_presence=True)
    task.frame = Frame((70, 96), "pad")
    answering = AnsweringNetwork(network, task)
    export_onnx(answering, tmp_path / "it.onnx", torch.zeros(3, 70, 96), output_names=answering.output_names)
    x = torch.rand(2, 3, 70, 96)
    session = onnxruntime.InferenceSession(tmp_path / "it.onnx")
    _, points, probability = session.run(None, {"input": x.numpy()})
    with torch.no_grad():
        wanted = task.predict(network, Batch({"input": x}, torch.arange(2)))
    assert np.ptp(points, axis=0).max() > 1e-3
    np.testing.assert_allclose(points, wanted["places"], atol=1e-3)  # pixels
    np.testing.assert_allclose(probability, wanted["presence"], atol=1e-5)
    assert point_output(network(x), 3).raw.shape[1] == (0 if name == "landmark_regressor" else 3 * 24 * 24)


def test_it_learns_is_saved_and_answers_in_pixels_of_the_original(tmp_path: Path) -> None:
    table = kites(160, without=24)
    run = derin.fit(
        table, model=Small(), epochs=14, batch_size=16, learning_rate=0.01, augment="flip", out=tmp_path / "run",
        plan="plain", threads=1, quiet=True, seed=0,
    )  # fmt: skip
    metrics = run.metrics["val"]
    record = json.loads((run.path / "run.json").read_text())
    baselines = record["findings"]["baselines"]
    assert metrics["nme"] < 0.6 * baselines["mean_shape"]["nme"]
    assert baselines["mean_shape_in_box"]["nme"] < baselines["mean_shape"]["nme"]
    assert metrics["presence_accuracy"] > 0.85
    assert set(record["details"]["val"]["per_point"]) == set(NAMES)
    assert len(record["findings"]["curve"]) == 101
    page = (run.path / "report.html").read_text()
    assert page.count("<img") >= 8
    assert "diagonal of the box around a picture" in page

    model = derin.open(run.path, Small())
    assert model.task == Landmarks(columns=["corners"], points=NAMES, pairs=((0, 1),), learns_presence=True)
    pictures, points = table["picture"], table["corners"]
    assert isinstance(pictures, Dense)
    assert isinstance(points, Points)
    rows = table.splits["val"]
    answers = model.predict(list(pictures.values[rows]))
    there = points.visible[rows].any(axis=1)
    away = []
    for row, answer in zip(rows, answers):
        assert (answer.probability >= 0.5) == bool(answer.points)
        if points.visible[row].any() and answer.points:
            found = np.array([[point.x, point.y] for point in answer.points])
            size = np.linalg.norm(np.ptp(points.places[row], axis=0))
            away.append(np.linalg.norm(found - points.places[row], axis=1).mean() / size)
    if all(answer.points for answer, is_there in zip(answers, there) if is_there):
        assert np.mean(away) == pytest.approx(metrics["nme"], rel=1e-4)  # float32, in batches of another size
    answer = next(answer for answer in answers if answer.points)
    assert [name for name, _, _ in answer.to_json()["points"]] == list(NAMES)
    assert answer.drawn().shape == (SIDE, SIDE, 3)
    # Twice as wide and high: the same places, twice as far away.
    row = next(int(row) for row, answer in zip(rows, answers) if answer.points)
    large = model.predict(pictures.values[row].repeat(2, axis=0).repeat(2, axis=1))
    for point, other in zip(large.points, answer.points):
        np.testing.assert_allclose(point[1:], 2 * np.array(other[1:]), atol=1.5)  # pixels of a resized picture


@pytest.mark.parametrize("model", ["landmark_regressor", "landmark_heatmaps"])
def test_both_networks_learn_one_batch(model: str) -> None:
    table = kites(8)
    task = infer_task(table)
    options = {"width": 24, "trunk_options": [["width", 0.25]], **task.network_options(model)}
    network = build(model, input_shape=(3, 64, 64), num_outputs=7, seed=0, **options).train()
    pictures, points = table["picture"], table["corners"]
    assert isinstance(pictures, Dense)
    assert isinstance(points, Points)
    x = torch.from_numpy(pictures.values).permute(0, 3, 1, 2).float() / 128 - 1
    x = nn.functional.interpolate(x, size=(64, 64), mode="bilinear")
    places = torch.from_numpy(points.places) * 64 / SIDE
    batch = Batch({"input": x, "target": torch.cat([places, torch.ones(8, 3, 1)], dim=2)}, torch.arange(8))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    first = task.loss(network, batch)["loss"].item()
    for _ in range(20):
        loss = task.loss(network, batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.7 * first


def test_odd_data_trains_or_is_one_sentence(tmp_path: Path) -> None:
    how: dict[str, Any] = {"model": Small(), "epochs": 1, "augment": "none", "plan": "plain", "quiet": True, "seed": 0}
    table = kites(12)
    points = table["corners"]
    assert isinstance(points, Points)

    def with_points(changed: Points) -> Table:
        return Table(
            name="odd", schema=table.schema, columns={**table.columns, "corners": changed}, splits=table.splits
        )

    places = points.places.copy()
    places[:, 2] = [400, -90]  # outside of every picture
    run = derin.fit(
        with_points(Points(places, points.visible, points.frames)), out=tmp_path / "outside", report=False, **how
    )
    assert np.isfinite(run.metrics["val"]["loss"])
    for changed in (
        Points(points.places, np.zeros_like(points.visible), points.frames),
        Points(points.places + 100, points.visible, points.frames),
    ):
        with pytest.raises(DataError, match="visible points inside"):
            derin.fit(with_points(changed), out=tmp_path / "blind", **how)
    visible = points.visible.copy()
    visible[table.splits["val"], 0] = False
    some = Points(points.places, visible, points.frames)
    with pytest.raises(DataError, match="divided by is known"):
        derin.fit(with_points(some), out=tmp_path / "val", task_options={"normalize": "left-tip"}, **how)
    assert np.isfinite(derin.fit(with_points(some), out=tmp_path / "some", report=False, **how).metrics["val"]["nme"])


@pytest.mark.slow
@pytest.mark.parametrize("with_preparation", [False, True])
def test_an_exported_run_gives_the_points_of_predict(with_preparation: bool, tmp_path: Path) -> None:
    table = kites(24, without=4)
    run = derin.fit(
        table, model="landmark_heatmaps", model_options={"width": 8, "trunk_options": [["width", 0.1]]}, size=64,
        epochs=1, out=tmp_path / "run", plan="plain", quiet=True, seed=0, report=False,
    )  # fmt: skip
    document = derin.open(run.path).export(tmp_path / "it.onnx", with_preparation=with_preparation)
    assert {output["name"] for output in document["outputs"]} == {"output", "points", "probability"}
    assert document["largest_difference"] < 1e-3  # pixels


@pytest.mark.slow
def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 5:
                signal.raise_signal(signal.SIGINT)

    how: dict[str, Any] = {
        "model": "landmark_heatmaps", "model_options": {"width": 8, "trunk_options": [["width", 0.1]]}, "size": 64,
        "epochs": 2, "batch_size": 8, "plan": "plain", "quiet": True, "seed": 0, "report": False,
    }  # fmt: skip
    table = kites(36, without=4)
    whole = derin.fit(table, out=tmp_path / "whole", **how)
    part = derin.fit(table, out=tmp_path / "part", callbacks=[Interrupt()], **how)
    assert not part.finished
    resumed = derin.fit(table, out=tmp_path / "part", resume=True, report=False)
    assert resumed.finished
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert resumed.metrics == whole.metrics
