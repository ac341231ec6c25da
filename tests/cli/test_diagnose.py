"""`derin diagnose` of a run, and the page about it: whatever it tells to type runs as it stands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from tests.test_readme import blocks, commands
from typer.testing import CliRunner

import derin
from derin.cli.main import app

RUNNER = CliRunner()


@pytest.mark.slow
def test_the_page_about_it_runs_and_so_does_what_it_suggests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERIN_LANG", "en")
    for arguments in commands("docs/diagnose.md"):
        result = RUNNER.invoke(app, arguments)
        assert result.exit_code == 0, f"derin {shlex.join(arguments)}: {result.output}{result.exception}"
    for block in blocks("docs/diagnose.md", "python"):
        exec(compile(block, "docs/diagnose.md", "exec"), {})  # our own text
    document = json.loads(RUNNER.invoke(app, ["diagnose", "runs/too-short", "--human", "0.02", "--json"]).stdout)
    assert document["principal"] == "avoidable_bias"
    assert document["parts"][0]["low"] > 0.05
    # As it is printed, from the folder where the user stands.
    command = shlex.split(document["suggestions"][0]["command"])
    assert RUNNER.invoke(app, [*command[1:], "--out", "better"]).exit_code == 0
    before, after = (derin.Run(path).metrics["val"]["accuracy"] for path in ("runs/too-short", "better"))
    assert after > before


def test_what_is_no_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for arguments in ([str(tmp_path)], [str(tmp_path), "second"], ["--human-level", "expert", "x"]):
        result = RUNNER.invoke(app, ["diagnose", *arguments])
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1


def test_a_training_dev_set_is_measured_kept_apart_and_found_again(tmp_path: Path) -> None:
    run = derin.fit(
        "iris", model="linear", epochs=2, training_dev=0.2, train_on_dev=0.5, plan="plain", report=False,
        out=tmp_path / "run",
    )  # fmt: skip
    assert list(run.metrics) == ["train", "traindev", "val", "test"]
    assert run.record["data"]["splits"] == {"train": 84, "traindev": 21, "val": 15, "test": 30}
    assert [part.name for part in derin.diagnose(run).parts][:3] == ["avoidable_bias", "variance", "data_mismatch"]
    # Read again from the name of the data alone, as the card says it.
    found = derin.open(run.path).evaluate("iris", split="traindev")
    assert (found.num_examples, found.trained_on) == (21, 0)
    assert found.metrics["accuracy"] == pytest.approx(run.metrics["traindev"]["accuracy"], abs=1e-6)
    assert derin.fit(out=run.path, resume=True, extend=True, epochs=3, report=False).finished


def test_the_learning_curve_of_a_run_is_that_of_its_own_settings_on_fewer_examples(tmp_path: Path) -> None:
    run = derin.fit("iris", model="linear", epochs=2, plan="plain", report=False, compare=False, out=tmp_path / "run")
    result = RUNNER.invoke(app, ["diagnose", str(run.path), "--learning-curve", "--json"])
    curve = json.loads(result.stdout)["learning_curve"]
    assert [point["size"] for point in curve["points"]] == [12, 23, 45, 90]
    assert curve["points"][-1]["value"] == pytest.approx(1 - run.metrics["val"]["accuracy"], abs=1e-6)
    assert curve["next"]["size"] == 180
    assert curve["next"]["low"] <= curve["next"]["value"] <= curve["next"]["high"]
    # Nothing of it is left in the run.
    assert json.loads((run.path / "run.json").read_text())["data"]["splits"]["train"] == 90


def test_a_learning_curve_of_errors_that_are_known_already() -> None:
    points = ["1000=20%:2000", "2000=0.15:2000", "4000=0.12:2000"]
    found = json.loads(RUNNER.invoke(app, ["diagnose", "--learning-curve", *points, "--json"]).stdout)
    assert 0.08 < found["learning_curve"]["next"]["value"] < 0.12
    for refused in (points[:2], ["1000=20%", "2000=x", "4000=0.1"], ["few=0.1", "2000=0.1", "3000=0.1"], ["a", "b"]):
        result = RUNNER.invoke(app, ["diagnose", "--learning-curve", *refused])
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
