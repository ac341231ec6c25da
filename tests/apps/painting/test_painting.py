"""Painting and dreaming: what they climb or descend is what is measured apart from them, and any picture is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

import derin
from derin.api.bundles import save_model
from derin.api.model import Model
from derin.apps.painting.seeing import Seeing, read_picture
from derin.cli.main import app
from derin.core.errors import DataError, DerinError, ShapeError, UsageError
from derin.data.columns import INPUT, ColumnsPreparation
from derin.data.pictures.codec import PictureCodec
from derin.models import build
from derin.models.features import LayerFeatures
from derin.tasks.classification import Classification
from derin.tasks.perceptual_losses import content_cost, gram_matrix, style_cost, total_variation


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SqueezeNet as it begins, which sees edges and colors, if no things."""
    network = build("squeezenet1_1", input_shape=(3, 64, 64), num_outputs=3, seed=0)
    codec = PictureCodec(
        column="picture", size=(64, 64), channels=3, mean=(0.5, 0.4, 0.3), std=(0.2,) * 3, rule="resize"
    )
    path = tmp_path_factory.mktemp("model") / "eyes"
    task = Classification(columns=["label"], classes=("a", "b", "c"))
    save_model(path, network, task, ColumnsPreparation({INPUT: codec}), {})
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:60, 0:80]
    photo = np.stack([rows * 4, columns * 3, np.full_like(rows, 90)], axis=2).astype(np.uint8)
    stripes = np.stack([(rows + columns) % 12 * 20, (rows - columns) % 9 * 25, rows * 2], axis=2).astype(np.uint8)
    Image.fromarray(photo).save(folder / "photo.png")
    Image.fromarray(stripes).save(folder / "stripes.png")
    return folder / "photo.png", folder / "stripes.png"


def as_image(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.copy()


@pytest.fixture(scope="module")
def model(seeing: Path) -> Model:
    return derin.open(seeing)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_style_comes_near_and_the_same_seed_paints_the_same_bits(
    model: Model, pictures: tuple[Path, Path], optimizer: str
) -> None:
    settings: dict[str, Any] = {"network": model, "size": 64, "steps": 24, "optimizer": optimizer}
    painted = derin.style(*pictures, **settings)
    again = derin.style(*pictures, **settings)
    assert np.array_equal(np.asarray(painted.image), np.asarray(again.image))
    assert painted.costs == again.costs
    assert painted.image.size == (64, 48)
    assert len(painted.costs) == 24
    assert [step for step, _ in painted.snapshots] == [0, 1, 4, 9, 15, 24]
    # Each half is on a picture of its own size; within it the cost falls.
    for half in (painted.costs[:12], painted.costs[12:]):
        assert half[-1].total < half[0].total
    assert sum(painted.costs[-1].style.values()) < 0.6 * sum(painted.costs[0].style.values())


def test_the_cost_is_that_of_the_parts_measured_apart(model: Model, pictures: tuple[Path, Path]) -> None:
    painted = derin.style(
        *pictures,
        network=model,
        size=64,
        steps=1,
        content_weight=2.0,
        style_weight=3.0,
        smooth_weight=5.0,
        content_layer="stage2.fire4",
        style_layers={"stem.relu": 0.25, "stage1": 0.75},
        optimizer="lbfgs",
        start="noise",
    )
    eyes = Seeing.open(model)
    # What is painted begins on half the size.
    begin, photo, manner = (
        torch.nn.functional.interpolate(x, size=(24, 32), mode="bicubic", antialias=True).clamp(0, 1)
        for x in (
            torch.from_numpy(np.asarray(painted.snapshots[0][1]).copy()).permute(2, 0, 1)[None] / 255,
            read_picture(pictures[0], size=64, what="C"),
            read_picture(pictures[1], size=64, what="S"),
        )
    )
    features = LayerFeatures(model.network, ["stem.relu", "stage1", "stage2.fire4"])
    own, of_photo, of_manner = (features(eyes.prepare(x)) for x in (begin, photo, manner))
    known = 2 * content_cost(own["stage2.fire4"], of_photo["stage2.fire4"]).item()
    for name, share in (("stem.relu", 0.25), ("stage1", 0.75)):
        known += 3 * share * style_cost(gram_matrix(own[name]), gram_matrix(of_manner[name])).item()
    known += 5 * total_variation(begin).item()
    # The snapshot is rounded to 1/255 and was enlarged to twice its size.
    assert painted.costs[0].total == pytest.approx(known, rel=0.01)


def test_features_are_those_of_the_layers_called_one_by_one() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 3), nn.Flatten())
    x = torch.randn(2, 3, 9, 11)
    found = LayerFeatures(network, ["2", "0"])(x.clone())
    assert list(found) == ["2", "0"]
    assert torch.equal(found["0"], network[0](x))
    assert torch.equal(found["2"], network[2](torch.relu(network[0](x))))
    with pytest.raises(UsageError, match="no layer named"):
        LayerFeatures(network, ["9"])
    with pytest.raises(ShapeError, match="gives something else"):
        LayerFeatures(network, ["3"])(x)


def test_kept_colors_are_those_of_the_photo(model: Model, pictures: tuple[Path, Path]) -> None:
    photo = Image.fromarray(np.asarray(as_image(pictures[0])) // 2 + 64)  # no color so pure that it must be cut
    kept = derin.style(photo, pictures[1], network=model, size=80, steps=8, keep_colors=True).image
    free = derin.style(photo, pictures[1], network=model, size=80, steps=8).image

    def chroma(image: Image.Image) -> np.ndarray:
        return np.asarray(image.convert("YCbCr"), dtype=float)[..., 1:]

    assert np.abs(chroma(kept) - chroma(photo)).mean() < 2 < np.abs(chroma(free) - chroma(photo)).mean()


def test_a_dream_strengthens_what_is_asked_for(model: Model, pictures: tuple[Path, Path]) -> None:
    settings: dict[str, Any] = {"network": model, "size": 80, "octaves": 2, "steps": 6}
    dreamed = derin.dream(pictures[0], layers={"stage1": 1.0, "stem": 0.5}, **settings)
    again = derin.dream(pictures[0], layers={"stage1": 1.0, "stem": 0.5}, **settings)
    assert np.array_equal(np.asarray(dreamed.image), np.asarray(again.image))
    assert [(level.height, level.width) for level in dreamed.levels] == [(43, 57), (60, 80)]
    assert dreamed.image.size == (80, 60)
    eyes = Seeing.open(model)
    features = LayerFeatures(model.network, ["stem", "stage1"])

    def answer(image: Any) -> float:
        maps = features(eyes.prepare(read_picture(image, size=None, what="P")))
        return (maps["stage1"] ** 2).mean().item() + 0.5 * (maps["stem"] ** 2).mean().item()

    assert answer(dreamed.image) > 1.5 * answer(pictures[0])
    assert dreamed.answers[-1] > dreamed.answers[6]
    of_unit = derin.dream(pictures[0], layers="stem", unit=5, **settings)
    assert of_unit.answers[-1] > of_unit.answers[6]


@pytest.mark.parametrize("form", ["rgba", "gray", "deep", "palette"])
def test_any_form_of_picture_is_taken(model: Model, pictures: tuple[Path, Path], tmp_path: Path, form: str) -> None:
    photo = as_image(pictures[0])
    if form == "deep":
        Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257).save(tmp_path / "photo.png")
    else:
        photo.convert({"rgba": "RGBA", "gray": "L", "palette": "P"}[form]).save(tmp_path / "photo.png")
    read = read_picture(tmp_path / "photo.png", size=None, what="The picture")
    gray = torch.from_numpy(np.asarray(photo.convert("L")).copy())[None].float() / 255
    assert read.shape == (1, 3, 60, 80)
    # A palette has 256 colors at most; gray and 16 bits are exact to the rounding of 8 bits.
    assert (read.mean(1) - gray).abs().mean() < 0.1
    assert derin.dream(tmp_path / "photo.png", network=model, size=None, octaves=1, steps=1).image.mode == "RGB"


def test_what_cannot_be_is_said_in_a_sentence(model: Model, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    small = np.zeros((8, 8, 3), dtype=np.uint8)
    wrong: list[tuple[type[DerinError], str, dict[str, Any]]] = [
        (UsageError, "style picture must be at least 32 pixels", {"painting": small}),
        (DataError, "picture file is required", {"content": tmp_path}),
        (UsageError, "no layer named 'stage9'", {"style_layers": {"stage9": 1.0}}),
        (UsageError, "no layer named 'stage9'", {"content_layer": "stage9"}),
        (UsageError, "alone has no weights. Published ones: .*squeezenet1_1_imagenet", {"network": "squeezenet1_1"}),
        (UsageError, "at least one step", {"steps": 0}),
        (UsageError, "finite and from 0", {"style_weight": float("nan")}),
        (UsageError, "size must be from 32", {"size": 9}),
        (DerinError, "optimizer", {"optimizer": "newton"}),
    ]
    for kind, sentence, settings in wrong:
        given = {"content": pictures[0], "painting": pictures[1], "network": model, "size": 64, **settings}
        with pytest.raises(kind, match=sentence):
            derin.style(given.pop("content"), given.pop("painting"), **given)
    with pytest.raises(UsageError, match="unit of 'stem' must be from 0 to 63"):
        derin.dream(pictures[0], network=model, size=64, layers="stem", unit=64)


def test_commands_write_picture_strip_and_json(seeing: Path, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    out, strip = tmp_path / "painted.jpg", tmp_path / "strip.png"
    common = ["--network", str(seeing), "--size", "64", "--steps", "4", "--out", str(out), "--strip", str(strip)]
    answer = CliRunner().invoke(app, ["style", *map(str, pictures), *common, "--style-layer", "stem=2", "--json"])
    found = json.loads(answer.stdout)
    assert found["path"] == str(out)
    assert found["levels"][1] == {"steps": 2, "height": 48, "width": 64}
    assert list(found["last"]["style"]) == ["stem"]
    with Image.open(out) as painted, Image.open(strip) as drawn:
        assert painted.size == (64, 48)
        assert drawn.width > 600
    answer = CliRunner().invoke(app, ["dream", str(pictures[0]), *common, "--layer", "stem", "--octaves", "2"])
    assert answer.exit_code == 0
    assert "64 × 48 pixels" in answer.stdout
    refused = CliRunner().invoke(app, ["dream", str(pictures[0]), "--out", str(tmp_path / "dream.mp4")])
    assert refused.exit_code == 2
    assert "A picture is written as" in refused.stderr
