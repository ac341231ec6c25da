"""A generator from data to pictures: the run, its bundle, going on after a kill, and beginning with its parts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import derin
from derin.api.run import Run
from derin.cli.main import app
from derin.core.errors import DerinError, UsageError
from derin.models.system import System

SMALL: dict[str, Any] = {
    "task": "gan",
    "epochs": 2,
    "batch_size": 128,
    "model_options": {"width": 4, "latent": 6},
    "threads": 1,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return derin.fit("digits", out=tmp_path_factory.mktemp("gan") / "run", **SMALL)


def test_the_run_keeps_losses_samples_and_no_best_epoch(run: Run) -> None:
    assert run.record["task"]["headline"] is None
    assert "best_epoch" not in run.record
    for line in run.history:
        assert set(line["running"]) == {"loss", "discriminator_loss", "generator_loss", "discriminator_accuracy"}
        assert not {"best", "val", "train"} & set(line)
    assert {"discriminator_accuracy", "generator_loss"} <= set(run.metrics["test"])
    assert run.record["findings"]["samples"] == {"file": "samples.png", "epochs": [1, 2], "num": 12}
    assert sorted(path.name for path in (run.path / "samples").iterdir()) == ["epoch-0001.png", "epoch-0002.png"]
    page = run.report.read_text()
    assert "data:image/png;base64," in page
    assert "What the generator makes of the same noise" in page


def test_the_bundle_holds_both_networks_and_makes_the_pictures_of_the_last_epoch_again(run: Run) -> None:
    model = derin.open(run.path)
    assert isinstance(model.network, System)
    assert list(model.network.networks) == ["discriminator", "generator"]
    with Image.open(run.path / "samples/epoch-0002.png") as strip:
        last = np.asarray(strip)
    made = model.make_pictures(12)
    assert np.array_equal(np.concatenate(list(made.pixels[..., 0]), axis=1), last)


def test_commands_make_pictures_and_say_what_cannot_be_done(run: Run, tmp_path: Path) -> None:
    runner, out = CliRunner(), tmp_path / "made.png"
    result = runner.invoke(app, ["generate", str(run.path), "--num", "5", "--seed", "2", "--out", str(out), "--json"])
    document = json.loads(result.stdout)
    assert document == {"path": str(out), "num": 5, "height": 8, "width": 8, "channels": 1, "seed": 2}
    with Image.open(out) as sheet:
        assert sheet.size[0] > 3 * 8
    assert result.exit_code == 0
    model = derin.open(run.path)
    with pytest.raises(UsageError, match="derin generate RUN --num 16 --out"):
        model.predict("docs/pictures/seven.png")
    with pytest.raises(UsageError, match="Name it such as samples"):
        model.make_pictures(2).save(tmp_path / "made.jpg")
    with pytest.raises(UsageError, match="From 1 to"):
        model.make_pictures(0)
    measured = model.evaluate("digits", split="val")
    assert measured.metrics == pytest.approx(run.metrics["val"], rel=1e-4)


def test_parts_of_a_bundle_begin_other_systems_and_a_classifier(run: Run, tmp_path: Path) -> None:
    from derin.api.prepare import prepare

    given = derin.open(run.path).network.state_dict()
    begun = prepare("digits", weights=f"{run.path}:generator", seed=3, **SMALL)
    found = begun.model.state_dict()
    assert all(torch.equal(found[name], given[name]) for name in given if name.startswith("generator."))
    assert not torch.equal(found["discriminator.output.weight"], given["discriminator.output.weight"])
    assert begun.tuning.weights["source"] == f"{run.path}:generator"
    whole = prepare("digits", weights=run.path, seed=3, **SMALL).model.state_dict()
    assert all(torch.equal(whole[name], given[name]) for name in given)
    classifier = prepare("digits", weights=f"{run.path}:discriminator", finetune="full")
    assert classifier.task.name == "classification"
    assert classifier.model.output.out_features == 10
    assert torch.equal(classifier.model.stages[1][0].weight, given["discriminator.stages.1.0.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "{run}:critic"}, "holds the networks discriminator, generator"),
        ({"weights": "{run}:generator", "model_options": {"width": 5, "latent": 6}}, "do not fit the network"),
        ({"weights": "{run}", "finetune": "head"}, "All networks of a system learn"),
        ({"weights": "nowhere"}, "a run or a bundle"),
        ({"patience": 2}, "nothing stops early"),
        ({"model": "convnet", "model_options": None}, "normalize"),
        ({"adversarial": "4/255"}, "no answers to attack"),
        ({"task_options": {"lable_noise": 0.1}}, "label_noise"),
        ({"class_weights": "balanced"}, "class_weights"),
        ({"plan": "compiled"}, "compiled"),
        ({"networks": "critic.lr=2x"}, "critic"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    run: Run, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    said = {name: v.format(run=run.path) if isinstance(v, str) else v for name, v in settings.items()}
    with pytest.raises(DerinError, match=message):
        derin.fit("digits", out=tmp_path / "run", **{**SMALL, **said})


def test_data_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DerinError, match="a column of pictures; there is none"):
        derin.fit("iris", task="gan", out=tmp_path / "run")


TRAIN = """
import sys, derin
derin.fit(
    "digits", out=sys.argv[1], resume=True, epochs=12, batch_size=32, accumulate=2, threads=1,
    save_every_seconds=0.0, report=False, plan="plain", {own}
)
"""
OWN = {
    "gan": """task="gan", model_options={"width": 8, "latent": 6},
    networks="generator.every=2;discriminator.ema_decay=0.9;generator.lr=2x" """,
    "flow": """task="flow", model_options={"width": 8, "patch": 2}""",
}


@pytest.mark.slow
@pytest.mark.parametrize("task", OWN)
def test_a_killed_run_ends_with_the_bits_of_one_that_was_not(task: str, tmp_path: Path) -> None:
    program = TRAIN.replace("{own}", OWN[task])
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    environment = {k: v for k, v in os.environ.items() if k != "DERIN_FAULT"}

    def start(path: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", program, str(path)], env=environment, stderr=subprocess.PIPE)

    process = start(alone)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    kills = 0
    for wait in (0.05, 0.3, 0.6):
        process, state = start(killed), killed / "state"
        before = state.stat().st_mtime_ns if state.exists() else 0
        while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.01)
        time.sleep(wait)
        process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills
    process = start(killed)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    for name in ("model/model.safetensors", "samples/epoch-0012.png", "samples.png"):
        assert (killed / name).read_bytes() == (alone / name).read_bytes()
    logs = [[json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()] for path in (alone, killed)]
    assert [line["running"] for line in logs[0]] == [line["running"] for line in logs[1]]
