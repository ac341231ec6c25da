"""What `derin predict` answers of a picture is what `derin eval` measures, whatever the picture comes as."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.readers.troubled_pictures import picture
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.errors import DataError

# What was trained on is measured here on purpose, which evaluation says.
pytestmark = pytest.mark.filterwarnings("ignore::derin.core.errors.DerinWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[derin.Model, Path]:
    folder = tmp_path_factory.mktemp("set")
    for seed in range(12):
        (folder / "pets" / "ab"[seed % 2]).mkdir(parents=True, exist_ok=True)
        picture(60 + seed, 80, seed).save(folder / "pets" / "ab"[seed % 2] / f"{seed}.png")
    settings = {"model": "lenet5", "epochs": 1, "plan": "plain", "threads": 1, "report": False}
    run = derin.fit(folder / "pets", out=folder / "run", **settings)
    return derin.open(run.path), folder / "pets"


def loss_of(answers: list, names: list[str]) -> float:
    found = [next(c.probability for c in answer if c.name == name) for answer, name in zip(answers, names, strict=True)]
    return float(np.mean([-math.log(probability) for probability in found]))


def test_eval_measures_what_predict_answers_for_files_arrays_and_folders(
    model: tuple[derin.Model, Path], tmp_path: Path
) -> None:
    network, folder = model
    files = sorted(folder.rglob("*.png"))
    names = [file.parent.name for file in files]
    measured, num = network.evaluate(folder, split="all")
    assert num == len(files)
    assert loss_of(network.predict(files), names) == pytest.approx(measured["loss"], abs=1e-6)
    assert loss_of(network.predict(folder), sorted(names)) == pytest.approx(measured["loss"], abs=1e-6)
    # A folder that is predicted as a whole goes through rows that were read: they are not read a second time.
    done = CliRunner().invoke(app, ["predict", str(network.path), str(folder), "--json"])
    by_name = {entry["input"]: dict(entry["top"]) for entry in json.loads(done.stdout)}
    found = np.mean([-math.log(by_name[str(file)][name]) for file, name in zip(files, names, strict=True)])
    assert found == pytest.approx(measured["loss"], abs=1e-6)
    # As arrays of one size, in an npz and by themselves.
    arrays = np.stack([np.asarray(Image.open(file).resize((90, 70))) for file in files])
    np.savez(tmp_path / "all.npz", images=arrays, labels=np.array(names))
    packed, _ = network.evaluate(tmp_path / "all.npz", split="all")
    assert loss_of(network.predict(arrays), names) == pytest.approx(packed["loss"], abs=1e-6)
    assert loss_of([network.predict(one) for one in arrays], names) == pytest.approx(packed["loss"], abs=1e-6)


def test_the_way_to_fit_is_kept_in_the_card_and_followed(tmp_path: Path) -> None:
    for seed in range(8):
        (tmp_path / "wide" / "ab"[seed % 2]).mkdir(parents=True, exist_ok=True)
        picture(40, 150, seed).save(tmp_path / "wide" / "ab"[seed % 2] / f"{seed}.png")
    settings = {"model": "lenet5", "epochs": 1, "plan": "plain", "threads": 1, "report": False, "size": 32}
    run = derin.fit(tmp_path / "wide", out=tmp_path / "run", inputs={"fit": "pad"}, **settings)
    network = derin.open(run.path)
    assert network.preparation.input.rule == "pad"  # type: ignore[attr-defined]
    file = tmp_path / "wide/a/0.png"
    whole = Image.open(file).resize((32, 9), Image.Resampling.BICUBIC)
    read = network.preparation.read(file)[0]
    assert np.array_equal(read[11:20], np.asarray(whole))
    assert not read[:11].any()
    files = sorted((tmp_path / "wide").rglob("*.png"))
    measured, _ = network.evaluate(tmp_path / "wide", split="all")
    assert loss_of(network.predict(files), [f.parent.name for f in files]) == pytest.approx(measured["loss"], abs=1e-6)


def test_a_set_with_other_classes_is_measured_on_those_that_the_network_knows(
    model: tuple[derin.Model, Path], tmp_path: Path
) -> None:
    network, _ = model
    for seed, name in enumerate(("a", "a", "owl", "owl", "owl")):
        (tmp_path / "other" / name).mkdir(parents=True, exist_ok=True)
        picture(60, 80, 50 + seed).save(tmp_path / "other" / name / f"{seed}.png")
    found = network.evaluate(tmp_path / "other")
    assert found.num_examples == 2
    assert any("owl (3)" in note for note in found.notes)
    files = sorted((tmp_path / "other/a").iterdir())
    assert loss_of(network.predict(files), ["a", "a"]) == pytest.approx(found.metrics["loss"], abs=1e-6)
    (tmp_path / "other/owl").rename(tmp_path / "owl")
    assert network.evaluate(tmp_path / "other").num_examples == 2


def test_a_file_of_pictures_or_one_that_lists_them_gets_an_answer_for_each_as_evaluation_reads_them(
    model: tuple[derin.Model, Path], tmp_path: Path
) -> None:
    network, folder = model
    files = sorted(folder.rglob("*.png"), key=lambda file: (file.parent.name, int(file.stem)))
    names = [file.parent.name for file in files]
    wanted = [{c.name: c.probability for c in network.predict(file)} for file in files]
    arrays = np.stack([np.asarray(Image.open(file).resize((80, 60))) for file in files])
    of_arrays = [{c.name: c.probability for c in answer} for answer in network.predict(arrays)]
    np.savez(tmp_path / "all.npz", images=arrays, labels=np.array(names))
    shutil.copytree(folder, tmp_path / "listed")
    lines = [f"{file.relative_to(folder)},{name}" for file, name in zip(files, names, strict=True)]
    (tmp_path / "listed/a.csv").write_text("\n".join(["file,label", *lines, "gone.png,a"]) + "\n")
    (tmp_path / "listed/names.csv").write_text("\n".join(["file", *(f.name for f in files)]) + "\n")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for file in files:
            packed.write(file, str(file.relative_to(folder)))
    for source in ("all.npz", "listed/a.csv", "listed/names.csv", "all.zip"):
        found = network.predict(tmp_path / source)
        done = CliRunner().invoke(app, ["predict", str(network.path), str(tmp_path / source), "--json"])
        shown = json.loads(done.stdout)
        assert len(found) == len(shown) == len(files) + (source == "listed/a.csv")
        for answer, entry, want in zip(found, shown, of_arrays if source == "all.npz" else wanted):
            assert {c.name: c.probability for c in answer} == pytest.approx(want, abs=1e-5)
            assert dict(entry["top"]) == pytest.approx(want, abs=1e-5)
        if source == "listed/a.csv":
            assert shown[-1]["label"] is None
            assert "no such file" in shown[-1]["reason"]
            assert "gone.png" in done.stderr
    (tmp_path / "other.csv").write_text("x,y\n100,200\n300,400\n")
    with pytest.raises(DataError, match="a column that names pictures"):
        network.predict(tmp_path / "other.csv")
