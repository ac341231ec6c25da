"""Adversarial training from the first step to the card, and looking at what it is for."""

import json
import signal
import time

import pytest
from typer.testing import CliRunner

import derin
from derin.cli.main import app
from derin.core.errors import UsageError
from derin.train.callback import Callback

SETTINGS = {
    "model": "convnet",
    "adversarial": "8/255",
    "epochs": 1,
    "batch_size": 96,
    "augment": "none",
    "plan": "fp32",
    "threads": 1,
    "report": False,
}


class Interrupt(Callback):
    def on_step(self, loop):
        if loop.step == 7:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.3)  # the handler runs in the main thread


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return derin.fit("digits", out=tmp_path_factory.mktemp("runs") / "whole", **SETTINGS)


def test_an_interrupted_run_resumes_to_the_same_bits(run, tmp_path):
    part = derin.fit("digits", out=tmp_path / "part", callbacks=[Interrupt()], **SETTINGS)
    assert not part.finished
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    weights = [one.path / "model" / "model.safetensors" for one in (run, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_run_and_card_say_how_it_was_trained(run):
    wanted = {"method": "fgsm", "start": "random", "epsilon": 8 / 255, "reach": 1.25}
    assert run.record["adversarial"] == wanted
    assert run.record["request"]["options"]["adversarial"] == "8/255"
    assert json.loads((run.path / "model" / "card.json").read_text())["adversarial"] == wanted


def test_a_table_of_numbers_is_refused(tmp_path):
    with pytest.raises(UsageError, match="reads features"):
        derin.fit("iris", adversarial="8/255", out=tmp_path / "run")


def test_the_command_measures_and_draws_an_attack(run, tmp_path, monkeypatch):
    monkeypatch.setenv("DERIN_LANG", "en")
    out = tmp_path / "attack.png"
    command = ["explain", "adversarial", str(run.path), "digits", "--method", "pgd", "--epsilon", "32/255"]
    result = CliRunner().invoke(app, [*command, "--steps", "3", "--num", "60", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["num_examples"] == 60
    assert [round(point["epsilon"] * 255) for point in found["curve"]] == [0, 8, 16, 32, 64]
    accuracies = [point["metrics"]["accuracy"] for point in found["curve"]]
    assert accuracies[0] > accuracies[-1]
    assert all(picture["largest_change"] <= 32 / 255 + 1e-6 for picture in found["pictures"])
    assert out.exists()
    assert (tmp_path / "attack-curve.png").exists()


def test_the_command_leads_towards_a_class(run, tmp_path):
    command = ["explain", "adversarial", str(run.path), "digits", "--epsilon", "0.4", "--target", "3", "--num", "50"]
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "a.svg"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    reached = [point["reached"] for point in found["curve"]]
    assert found["target"] == "3"
    assert reached[0] < max(reached)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "fgms"], "fgsm"),
        (["--epsilon", "8"], "such as 8/255"),
        (["--target", "eleven"], "class"),
        (["--split", "dev"], "no split"),
        (["--shown", "0"], "pictures are shown"),
    ],
)
def test_the_command_answers_wrong_use(run, tmp_path, options, words):
    command = ["explain", "adversarial", str(run.path), "digits", "--out", str(tmp_path / "a.png")]
    result = CliRunner().invoke(app, [*command, *options])
    assert result.exit_code == 2
    assert words in result.stderr


def test_the_command_makes_a_page_of_embeddings(run, tmp_path):
    out = tmp_path / "page.html"
    command = ["explain", "embeddings", str(run.path), "digits", "--dim", "3", "--num", "50", "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["points"]) == found["num_examples"] == 50
    assert len(found["points"][0]["place"]) == len(found["explained"]) == 3
    assert "data:image/webp" in out.read_text(encoding="utf-8")


def test_a_page_of_numbers_shows_the_rows(tmp_path):
    trained = derin.fit("iris", epochs=2, out=tmp_path / "iris", report=False, threads=1)
    out = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["explain", "embeddings", str(trained.path), "iris", "--out", str(out)])
    assert result.exit_code == 0, result.output
    text = out.read_text(encoding="utf-8")
    assert '"columns": ["sepal' in text
    assert "data:image" not in text
