"""`derin compare-pipelines`: on tones that anybody can tell apart, and on spoken digits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from derin.cli.main import app

RATE = 4000


def run(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["compare-pipelines", *words])
    assert found.exit_code == code, found.output
    return found.stdout if code == 0 else found.output


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """High and low tones."""
    folder, drawn = tmp_path_factory.mktemp("tones"), np.random.default_rng(0)
    for number in range(60):
        pitch = (400, 1200)[number % 2] + drawn.uniform(-100, 100)
        tone = 0.4 * np.sin(2 * np.pi * pitch * np.arange(int(drawn.integers(800, 1400))) / RATE)
        path = folder / ("low", "high")[number % 2] / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, tone, RATE)
    return folder


def test_tones_are_told_apart_by_both_ways_and_drawn(tones: Path, tmp_path: Path) -> None:
    picture = tmp_path / "p.svg"
    words = [str(tones), "--sizes", "24", "--epochs", "1", "--threads", "1"]
    document = json.loads(run(*words, "--out", str(picture), "--json"))
    assert [point["size"] for point in document["points"]] == [24]
    last = document["points"][-1]
    assert last["staged"]["value"] == last["oracle"]["value"] == 1.0
    assert last["staged"]["low"] < 1.0
    assert document["ceilings"]["voice"]["value"] == 0.0
    assert document["overlap"] > 0.8
    assert document["num_test"] == 12
    text = picture.read_text(encoding="utf-8")
    assert all(way in text for way in ("end to end", "by stages", "right answers on test"))


def test_what_cannot_be_compared_is_refused(tones: Path) -> None:
    assert "the inputs of 'iris' are number, number, number, number" in run("iris", code=2)
    assert "from 5 to 36, which there are, are required; got 2, 50" in run(str(tones), "--sizes", "2,50", code=2)
    assert "--sizes takes numbers of training examples" in run(str(tones), "--sizes", "many", code=2)


@pytest.mark.slow
@pytest.mark.data
def test_of_spoken_digits_the_recognizer_and_not_the_voice_is_what_to_work_on() -> None:
    words = ["free_spoken_digits", "--sizes", "100", "--epochs", "1", "--threads", "1"]
    document = json.loads(run(*words, "--json"))
    point, ceilings = document["points"][0], document["ceilings"]
    # One of ten by chance; one epoch says nothing of the network, which is measured in benchmarks/RESULTS.md.
    assert point["staged"]["low"] > 0.4
    assert ceilings["recognition"]["low"] > ceilings["voice"]["high"]
    assert document["num_test"] == 300
    shown = run(*words)
    assert f"{point['staged']['value']:.1%}" in shown
    assert "Most is to be gained from features and classifier." in shown
