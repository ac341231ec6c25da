"""`derin explain`: each way of looking prints its document, draws its picture and answers mistakes in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

import derin
from derin.cli.explain import COMMANDS
from derin.cli.explain import app as explain_app
from derin.cli.main import app


def run_derin(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    trained = derin.fit(derin.load("digits"), epochs=2, plan="plain", threads=1, out=folder / "digits")
    table = derin.load("digits")
    for place, row in enumerate(table.splits["test"][:3]):
        Image.fromarray(table[table.inputs[0].name].take([row])[0, ..., 0]).save(folder / f"{place}.png")
    return Path(trained.path)


@pytest.fixture
def pictures(run: Path) -> list[Path]:
    return [run.parent / f"{place}.png" for place in range(3)]


@pytest.mark.parametrize(
    ("command", "options", "keys"),
    [
        ("grad-cam", (), {"layer", "map", "probability", "peak"}),
        ("grad-cam", ("--plus-plus", "--class", "3"), {"layer", "map"}),
        ("integrated-gradients", ("--baseline", "black"), {"sum", "difference", "gap", "steps"}),
        ("integrated-gradients", ("--baseline", "blur"), {"sum", "difference", "gap", "steps"}),
        ("occlusion", ("--patch", "3", "--stride", "2"), {"falls", "tops", "lefts"}),
    ],
)
def test_heat_maps_are_drawn_and_documented(
    command: str, options: tuple[str, ...], keys: set[str], run: Path, pictures: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "drawing.png"
    result = run_derin("explain", command, run, *pictures[:2], *options, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["picture"] == str(out)
    assert [row["input"] for row in document["found"]] == ["0.png", "1.png"]
    model = derin.open(run)
    for row, answer in zip(document["found"], model.predictions(pictures[:2])):
        assert keys <= set(row)
        if "--class" in options:
            assert row["target"] == "3"
        else:
            assert (row["target"], row["probability"]) == (answer.label, pytest.approx(answer.probability, abs=1e-5))
        if "gap" in row:
            assert row["sum"] == pytest.approx(row["difference"], rel=0.011)
    with Image.open(out) as drawing:
        assert np.asarray(drawing).std() > 10


def test_occlusion_measures_the_fall_of_the_probability(run: Path, pictures: list[Path]) -> None:
    model = derin.open(run)
    found = model.explain(pictures[0], "occlusion", patch=8)
    (row,) = found.to_json()
    with torch.no_grad():
        hidden = (
            model.network(torch.zeros(1, 1, 8, 8))
            .div(model.task.temperature)
            .softmax(1)[0, model.classes.index(row["target"])]
        )
    assert row["falls"] == [[pytest.approx(row["probability"] - float(hidden), abs=1e-5)]]


def test_layers_are_drawn_and_documented(run: Path, pictures: list[Path], tmp_path: Path) -> None:
    def document(*arguments: object) -> dict:
        result = run_derin("explain", *arguments, "--out", tmp_path / "drawing.svg", "--json")
        assert result.exit_code == 0, result.output
        assert (tmp_path / "drawing.svg").stat().st_size > 1000
        return json.loads(result.stdout)["found"]

    layers = document("activations", run, pictures[0], "--units", 5)["layers"]
    assert layers
    assert all(len(layer["strongest"]) == min(5, layer["shape"][0]) for layer in layers)
    units = document("filters", run, "--unit", 4, "--unit", 2, "--steps", 12)["units"]
    assert [row["unit"] for row in units] == [4, 2]
    assert all(row["after"] > row["before"] for row in units)
    found = document("deconvnet", run, run.parent, "--num", 2, "--top", 2)["projections"]
    assert len({row["unit"] for row in found}) == 2
    assert all(row["activation"] > 0 for row in found)


def test_in_python_an_explanation_has_numbers_and_a_drawing(run: Path, pictures: list[Path], tmp_path: Path) -> None:
    model = derin.open(run)
    found = model.explain(pictures, target="7")
    assert found.found.values.shape == (3, 8, 8)
    assert found._repr_png_().startswith(b"\x89PNG")
    found.save(tmp_path / "heat.png")
    arrays = np.stack([np.asarray(Image.open(path)) for path in pictures])
    same = model.explain(arrays, target=7)
    np.testing.assert_array_equal(found.found.values, same.found.values)
    assert [row["input"] for row in same.to_json()] == ["1", "2", "3"]
    patterns = model.explain(method="filters", layer="output", steps=3)
    assert len(patterns.found.units) == 10
    with pytest.raises(derin.DerinError, match="did you mean 'grad_cam'"):
        model.explain(pictures, "gradcam")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("grad-cam", "RUN", "PICTURE", "--layer", "stagess"), 2, "did you mean 'stages'"),
        (("grad-cam", "RUN", "PICTURE", "--class", "eleven"), 2, "'eleven'"),
        (("integrated-gradients", "RUN", "PICTURE", "--baseline", "blak"), 2, "did you mean 'black'"),
        (("integrated-gradients", "RUN", "PICTURE", "--steps", "0"), 2, "1 to 2048"),
        (("occlusion", "RUN", "PICTURE", "--patch", "99"), 2, "1 to 8"),
        (("activations", "RUN", "PICTURE", "--units", "0"), 2, "num_units=0"),
        (("filters", "RUN", "--unit", "9999"), 2, "got 9999"),
        (("filters", "RUN", "--size", "3"), 1, "reads batches of shape"),
        (("filters", "RUN", "--size", "-3"), 2, "size"),
        (("deconvnet", "RUN", "PICTURE", "--num", "0"), 2, "num_units=0"),
        (("grad-cam", "RUN", "nowhere.png"), 1, "nowhere.png"),
        (("grad-cam", "nowhere", "PICTURE"), 2, "nowhere"),
        (("grad-cam", "RUN", "PICTURE", "--out", "x.wav"), 2, ".png"),
    ],
)
def test_mistakes_get_one_sentence_and_leave_stdout_empty(
    arguments: tuple[str, ...], code: int, words: str, run: Path, pictures: list[Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    given = {"RUN": str(run), "PICTURE": str(pictures[0])}
    result = run_derin("explain", *(given.get(a, a) for a in arguments), "--json")
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "\n" not in result.stderr.strip()
    assert words in result.stderr
    assert not list(tmp_path.iterdir())


def test_networks_that_read_no_pictures_are_refused(tmp_path: Path) -> None:
    trained = derin.fit(derin.load("iris"), epochs=1, plan="plain", threads=1, out=tmp_path / "iris")
    result = run_derin("explain", "grad-cam", trained.path, tmp_path / "x.png")
    assert result.exit_code == 2
    assert "reads features" in result.stderr


def test_networks_without_convolution_are_refused_by_grad_cam_alone(tmp_path: Path, pictures: list[Path]) -> None:
    table = derin.load("digits")
    trained = derin.fit(table, model="mlp", epochs=1, plan="plain", threads=1, out=tmp_path / "mlp")
    result = run_derin("explain", "grad-cam", trained.path, pictures[0])
    assert result.exit_code == 2
    assert "has none" in result.stderr
    out = tmp_path / "gradients.png"
    assert run_derin("explain", "integrated-gradients", trained.path, pictures[0], "--out", out).exit_code == 0


def test_help_of_every_way_has_an_example() -> None:
    for name in COMMANDS:
        shown = CliRunner().invoke(explain_app, [name.replace("_", "-"), "--help"]).stdout
        assert "Example:" in shown, name
