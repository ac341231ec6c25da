"""Classifying texts from a file to a prediction: training, resuming, opening again, and what the report says."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derin
from derin.core.errors import DataError, UsageError
from derin.train.callback import Callback

SUBJECTS = ["the boat", "this soup", "our train", "that song", "a long film", "the old dog", "their house"]
GOOD = ["is lovely", "works well", "was a joy", "pleases us", "is not bad"]
BAD = ["is dreadful", "breaks down", "was a bore", "annoys us", "is not good"]


def write_sentences(path: Path, num: int = 300) -> Path:
    """Sentences of praise and blame, tab-separated from their label."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, size=num)
    lines = [
        f"{random.choice(SUBJECTS)} and {random.choice(SUBJECTS)} {random.choice(GOOD if label else BAD)} {i}\t"
        f"{('blame', 'praise')[label]}"
        for i, label in enumerate(labels)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_defaults_learn_and_the_bundle_answers_as_the_run(tmp_path: Path) -> None:
    data = write_sentences(tmp_path / "sentences.tsv")
    run = derin.fit(data, out=tmp_path / "run", epochs=3, plan="plain")
    assert run.record["model"]["name"] == "text_bag"
    assert run.record["metrics"]["test"]["accuracy"] > 0.9
    model = derin.open(run.path)
    answers = model.predict(["the soup is not bad", "the soup is not good"])
    assert [answer.label for answer in answers] == ["praise", "blame"]
    assert model.predict("the boat is lovely").label == "praise"
    found = run.record["findings"]["linear_text"]
    assert found["network_accuracy"] == pytest.approx(run.record["metrics"]["test"]["accuracy"])
    assert found["comparison"]["num_examples"] == run.record["num_examples"]["test"]
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "McNemar" in page
    with np.load(run.path / "examples.npz", allow_pickle=False) as kept:
        sentences = {line.split("\t")[0] for line in data.read_text(encoding="utf-8").splitlines()}
        assert set(kept["inputs"].tolist()) <= sentences
        assert kept["inputs"][0] in page


@pytest.mark.parametrize("name", ["text_average", "text_cnn", "text_lstm", "text_gru"])
def test_every_network_of_words_trains(tmp_path: Path, name: str) -> None:
    data = write_sentences(tmp_path / "sentences.tsv", num=60)
    run = derin.fit(data, model=name, out=tmp_path / "run", epochs=1, report=False)
    assert run.record["preparation"]["inputs"]["input"]["encoder"]["tokenizer"] == "words"
    assert 0 <= run.record["metrics"]["test"]["accuracy"] <= 1
    assert derin.open(run.path).predict(["the boat is lovely"])[0].label in ("blame", "praise")


def test_an_interrupted_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 9:
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.3)  # the handler runs in the main thread

    data = write_sentences(tmp_path / "sentences.tsv", num=160)
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 12, "report": False, "plan": "plain", "model": "text_cnn"}
    whole = derin.fit(data, out=tmp_path / "whole", **settings)
    part = derin.fit(data, out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert not part.finished
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_data_and_settings_that_do_not_fit_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("so good\tpraise\nvery good\tpraise\nquite good\tpraise\n", encoding="utf-8")
    with pytest.raises(DataError, match="at least two classes"):
        derin.fit(tmp_path / "one.tsv", out=tmp_path / "run")
    (tmp_path / "none.tsv").write_text("", encoding="utf-8")
    with pytest.raises(DataError):
        derin.fit(tmp_path / "none.tsv", out=tmp_path / "run")
    data = write_sentences(tmp_path / "sentences.tsv", num=30)
    with pytest.raises(UsageError, match="tokenizr"):
        derin.fit(data, out=tmp_path / "run", inputs={"tokenizr": "words"})
    with pytest.raises(UsageError, match="Word vectors belong to words"):
        derin.fit(data, out=tmp_path / "run", inputs={"vectors": "vectors.txt"})


@pytest.mark.slow
def test_wide_filters_find_order_and_distance_where_counting_words_does_not(tmp_path: Path) -> None:
    run = derin.fit(
        "dna_promoters",
        model="text_cnn",
        inputs={"tokenizer": "characters"},
        model_options={"widths": [6, 32], "dim": 16, "dropout": 0.2},
        epochs=6,
        plan="plain",
        out=tmp_path / "run",
        report=False,
    )
    accuracy = run.record["metrics"]["test"]["accuracy"]
    assert accuracy > 0.8
    assert accuracy > run.record["findings"]["linear_text"]["accuracy"] + 0.1
