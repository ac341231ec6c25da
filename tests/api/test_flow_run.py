"""A flow from data to pictures: the run, its bundle, and the command that makes pictures of a class."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import derin
from derin.api.run import Run
from derin.cli.main import app
from derin.core.errors import UsageError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return derin.fit(
        "digits",
        out=tmp_path_factory.mktemp("flow") / "run",
        task="flow",
        epochs=2,
        batch_size=256,
        model_options={"width": 8, "patch": 2},
        threads=1,
        plan="plain",
    )


def test_the_run_keeps_samples_and_the_way_from_noise(run: Run) -> None:
    assert set(run.metrics["test"]) == {"loss"}
    assert run.record["findings"]["way"]["told"] == [*map(str, range(10)), "0", "1"]
    with Image.open(run.path / "way.gif") as way:
        assert way.n_frames == 11  # noise, and a state after each of ten steps
    page = run.report.read_text()
    assert "Twelve pictures on their way from noise" in page
    assert "What was learned?" in page


def test_the_bundle_makes_the_pictures_of_the_last_epoch_again(run: Run) -> None:
    with Image.open(run.path / "samples/epoch-0002.png") as strip:
        last = np.asarray(strip)
    made = derin.open(run.path).make_pictures(12)
    assert np.array_equal(np.concatenate(list(made.pixels[..., 0]), axis=1), last)


def test_the_command_makes_pictures_of_a_class_and_their_way(run: Run, tmp_path: Path) -> None:
    out, way = tmp_path / "sevens.png", tmp_path / "way.gif"
    wishes = ["--class", "7", "--n", "3", "--steps", "2", "--guidance", "2", "--method", "euler"]
    result = CliRunner().invoke(
        app, ["generate", str(run.path), *wishes, "--out", str(out), "--way", str(way), "--json"]
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document == {
        "path": str(out), "num": 3, "height": 8, "width": 8, "channels": 1, "seed": 0, "way": str(way)
    }  # fmt: skip
    with Image.open(way) as frames:
        assert frames.n_frames == 3
    model = derin.open(run.path)
    for wishes_of_none, message in (
        ({"label": "ten"}, "ten"),
        ({"text": "a seven"}, "told classes"),
        ({"steps": 0}, "got 0"),
        ({"strength": 2}, "got strength"),
    ):
        with pytest.raises(UsageError, match=message):
            model.make_pictures(2, **wishes_of_none)
    with pytest.raises(UsageError, match=r"Name it such as way\.gif"):
        model.save_way(tmp_path / "way.png")
