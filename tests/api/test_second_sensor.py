"""Pictures with a row of a second sensor beside each: read from a folder, learned in every way, measured, answered."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import derin
from derin.api.explain_embeddings import explain_embeddings
from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.datasets.generated.camera_scan import camera_scan
from derin.models import build

NUM = 24


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Black and white pictures; the class is right where picture and the first number of the sensor say the same."""
    random = np.random.default_rng(0)
    rows = []
    for place in range(NUM):
        bright, near = place % 2, place // 2 % 2
        Image.fromarray(np.full((8, 12), 255 * bright, np.uint8)).save(tmp_path / f"{place:02}.png")
        rows.append([f"{place:02}.png", near, random.normal(), "same" if bright == near else "other"])
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "echo_0", "echo_1", "label"], *rows])
    return tmp_path


def test_the_columns_of_a_sensor_are_read_beside_the_pictures(folder: Path) -> None:
    table = derin.load(folder, target="label", reader_options={"sensor": "echo_*"})
    assert [(column.name, column.role.value) for column in table.schema] == [
        ("picture", "input"), ("label", "target"), ("echo_0", "input"), ("echo_1", "input")
    ]  # fmt: skip
    assert table.columns["echo_0"].values[:4].tolist() == [0, 0, 1, 1]
    again = derin.load(folder, recipe=table.recipe)
    assert again.fingerprint() == table.fingerprint()
    with pytest.raises(UnknownNameError, match="radar"):
        derin.load(folder, target="label", reader_options={"sensor": "radar"})


@pytest.mark.parametrize("fusion", ["late", "early"])
def test_both_sensors_are_learned_measured_again_and_answered(fusion: str, folder: Path, tmp_path: Path) -> None:
    options = {"fusion": fusion, "widths": (4,), "units": 16}
    run = derin.fit(
        folder, target="label", reader_options={"sensor": "echo_*"}, model="sensor_fusion", model_options=options,
        epochs=60, learning_rate=0.02, batch_size=8, out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert run.metrics["train"]["accuracy"] == 1  # neither picture nor sensor alone says anything of the class
    model = derin.open(run.path)
    assert model.evaluate(folder, split="train").metrics["accuracy"] == 1
    bright, near = np.full((8, 12, 1), 255, np.uint8), np.array([[1.0, 0.0], [0.0, 0.0]], np.float32)
    answers = model.predict({"picture": np.stack([bright, bright]), "features": near})
    assert [answer.label for answer in answers] == ["same", "other"]
    with pytest.raises(UsageError, match=r"one input; .* reads several inputs: picture, features"):
        explain_embeddings(model, folder)


def test_a_table_without_a_second_sensor_is_refused_with_the_remedy(folder: Path) -> None:
    with pytest.raises(DataError, match="--reader-option"):
        derin.fit(folder, target="label", model="sensor_fusion", epochs=1, progress=False)


def test_an_early_row_begins_as_interpolation_over_the_columns_of_the_picture() -> None:
    net = build("sensor_fusion", input_shape=(1, 8, 20), num_outputs=2, fusion="early", num_features=5, seed=0)
    row, places = torch.tensor([[3.0, -1.0, 4.0, 1.0, 5.0]]), (np.arange(20) + 0.5) / 4 - 0.5
    with torch.no_grad():
        found = net.across(row)[0].numpy()
    np.testing.assert_allclose(found, np.interp(places, np.arange(5), row[0].numpy()), atol=1e-6)


def test_scenes_follow_their_rule() -> None:
    """The scan at the middle of a third against the distance that a person's height and place in the picture tell."""
    table = camera_scan(name="scenes", num=(600, 3, 3))
    again = camera_scan(name="scenes", num=(600, 3, 3))
    assert table.fingerprint() == again.fingerprint()
    pictures = table.columns["picture"].values[..., 0].astype(float)
    person, light = table.columns["person"].values, table.columns["light"].values
    scans = np.stack([table.columns[f"range_{place:02}"].values for place in range(32)], axis=1)
    seen = 0
    for row in np.flatnonzero((light == 0) & (person > 0)):
        third = slice(round((person[row] - 1) * 64 / 3), round(person[row] * 64 / 3))
        # By day what is not road below the horizon is the one thing that stands in that third.
        feet = pictures[row, 14:, third]
        standing = np.flatnonzero((abs(feet - 0.45 * 255) > 40).any(axis=1))
        distance = 1.2 * 32 / (standing[-1] + 1)
        nearest = scans[row, third.start // 2 : -(-third.stop // 2)].min()
        if distance < 8 and nearest < 40:
            seen += 1
            assert nearest == pytest.approx(distance, rel=0.25)  # a row of the picture is as much at 8 m
    assert seen > 20
