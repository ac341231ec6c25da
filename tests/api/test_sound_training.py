"""Sounds from a folder to a network in use: trained, measured, resumed, answered, exported with its preparation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import derin
from derin.core.errors import UsageError

RATE = 4000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones that rise and tones that fall, which no single moment tells apart."""
    found = tmp_path_factory.mktemp("tones")
    draw = np.random.default_rng(0)
    for number in range(48):
        rises = number % 2 == 0
        sweep = np.linspace(300, 1500, RATE // 2)[:: 1 if rises else -1] + draw.uniform(-100, 100)
        tone = draw.uniform(0.1, 0.8) * np.sin(2 * np.pi * np.cumsum(sweep) / RATE) + 0.01 * draw.normal(size=RATE // 2)
        path = found / ("rising" if rises else "falling") / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, tone, RATE)
    return found


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> derin.Run:
    return derin.fit(folder, epochs=6, out=tmp_path_factory.mktemp("runs") / "tones", quiet=True)


def test_sounds_are_learned_measured_beside_simpler_methods_and_shown(run: derin.Run) -> None:
    assert run.metrics["val"]["accuracy"] >= 0.9
    record = run.record
    found = record["findings"]["other_methods"]
    assert [sorted(m["name"] for m in found["methods"]), found["inputs"]] == [["linear", "neighbors"], "sounds"]
    with np.load(run.path / "examples.npz") as examples:
        assert examples["pictures"].dtype == np.uint8
        assert examples["pictures"].shape[3] == 3
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "MFCC" in page
    assert "data:image/png" in page


def test_a_file_a_folder_and_samples_are_answered(run: derin.Run, folder: Path) -> None:
    model = derin.open(run.path)
    path = folder / "rising" / "0.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    one = model.predict(path)
    assert one.label == "rising"
    assert model.predict((samples, rate)).probability == pytest.approx(one.probability, abs=1e-6)
    assert [each.label for each in model.predict([path, (samples[::-1].copy(), rate)])] == ["rising", "falling"]
    assert len(model.predict(folder / "falling")) == 24
    assert model.evaluate(folder).metrics["accuracy"] >= 0.9
    with pytest.raises(UsageError, match="pictures or sounds"):
        derin.fit(folder, epochs=1, augment="flip", quiet=True)


def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(run: derin.Run, folder: Path, tmp_path: Path) -> None:
    whole = derin.fit(folder, epochs=2, out=tmp_path / "whole", quiet=True, report=False, compare=False)

    class Stop(derin.Callback):
        def on_epoch_end(self, loop: Any, record: Any) -> None:
            loop.interrupt()

    derin.fit(folder, epochs=2, out=tmp_path / "cut", quiet=True, report=False, compare=False, callbacks=[Stop()])
    again = derin.fit(folder, epochs=2, out=tmp_path / "cut", resume=True, quiet=True, report=False, compare=False)
    one, other = (derin.open(each.path).network.state_dict() for each in (whole, again))
    assert all(torch.equal(values, other[name]) for name, values in one.items())


@pytest.mark.usefixtures("onnx_is_read_once")
def test_a_file_for_other_programs_holds_the_spectrogram(run: derin.Run, folder: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = derin.open(run.path)
    written = model.export(tmp_path / "tones.onnx", with_preparation=True)
    assert written["inputs"][0]["shape"][1:] == [model.preparation.input.length]
    samples = model.preparation.read([folder / "rising" / "0.wav", folder / "falling" / "1.wav"])
    session = onnxruntime.InferenceSession(tmp_path / "tones.onnx")
    (probabilities,) = session.run(["probabilities"], {written["input"]["name"]: samples})
    expected = [each.probability for each in model.row_predictions(samples)]
    np.testing.assert_allclose(probabilities.max(axis=1), expected, atol=1e-5)
