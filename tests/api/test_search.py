"""A search: trial 0 is the default, proposals by seed, killed and resumed, shared by two processes, given up early."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derin
from derin.api.search_study import open_study, proposals
from derin.core.errors import StorageError, UnknownNameError, UsageError
from derin.strategy.choosing import Goal
from derin.strategy.search_space import Dimension
from derin.strategy.search_story import Trial

QUICK: dict[str, Any] = {"plan": "plain", "threads": 1, "model": "mlp"}
SPACE = ["lr=1e-4:0.3:log", "batch_size=8,16,32", "dropout=0:0.5"]


def settings_of(found: Any) -> list[dict[str, Any]]:
    return [dict(trial.settings) for trial in found.story.trials]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("search") / "first"
    return derin.search("iris", space=SPACE, trials=6, epochs=3, out=folder, **QUICK)


def test_trial_0_has_the_settings_of_fit_and_the_best_is_a_normal_run(searched: Any, tmp_path: Path) -> None:
    plainly = derin.fit("iris", epochs=3, out=tmp_path / "fit", report=False, compare=False, **QUICK)
    first = derin.open(searched.path / "trials" / "0000")
    for name, tensor in plainly.model().network.state_dict().items():
        assert (first.network.state_dict()[name] == tensor).all()
    best = max(searched.story.finished, key=lambda t: (t.metrics["accuracy"], -t.metrics["loss"], -t.number))
    assert searched.choice.name == best.run
    assert searched.best.finished
    assert searched.best.report.exists()
    assert searched.best.metrics["test"] == pytest.approx(
        {n: v for n, v in derin.open(searched.best.path).evaluate("iris").metrics.items() if isinstance(v, float)},
        rel=1e-5,
        nan_ok=True,
    )
    assert searched.story.baselines.keys() == {"majority", "linear", "neighbors"}


def test_the_test_split_is_measured_for_the_best_alone(searched: Any) -> None:
    measured = [t.run for t in searched.story.trials if derin.Run(searched.path / t.run).metrics]
    assert measured == [searched.choice.name]


def test_alone_the_same_seed_proposes_the_same_and_another_one_something_else(searched: Any, tmp_path: Path) -> None:
    again = derin.search("iris", space=SPACE, trials=6, epochs=3, out=tmp_path / "again", **QUICK)
    assert settings_of(again) == settings_of(searched)
    assert [t.metrics for t in again.story.trials] == [t.metrics for t in searched.story.trials]
    other = derin.search("iris", space=SPACE, trials=2, epochs=3, seed=1, out=tmp_path / "other", **QUICK)
    assert settings_of(other)[0] == settings_of(searched)[0]
    assert settings_of(other)[1] != settings_of(searched)[1]


def test_a_search_that_goes_on_is_that_which_was_never_stopped(searched: Any, tmp_path: Path) -> None:
    derin.search("iris", space=SPACE, trials=3, epochs=3, out=tmp_path / "s", **QUICK)
    # The draws of TPE after some at random go by the trials that were planned.
    found = derin.search(space=SPACE, trials=6, out=tmp_path / "s", resume=True)
    assert settings_of(found)[:3] == settings_of(searched)[:3]
    assert len(found.story.trials) == 6
    assert len({json.dumps(settings) for settings in settings_of(found)}) == 6
    with pytest.raises(UsageError, match=r"goes on as it was begun, with space=.*Leave it out, or start a new search"):
        derin.search(space=["lr=0.1:1"], out=tmp_path / "s", resume=True)
    with pytest.raises(UsageError, match="There is a search at"):
        derin.search("iris", out=tmp_path / "s")


@pytest.mark.slow
def test_a_trial_that_is_left_behind_is_given_up_and_can_go_on(tmp_path: Path) -> None:
    # Rates at which nothing is learned, beside some at which everything is.
    space = ["lr=0.00000001,0.00000002,0.00000003,0.01,0.02"]
    found = derin.search("iris", space=space, trials=9, epochs=9, halving=True, out=tmp_path / "s", **QUICK)
    given_up = [t for t in found.story.trials if t.outcome == "halved"]
    assert given_up
    assert all(len(t.curve) < 9 for t in given_up)
    for trial in given_up:
        epoch, value = trial.curve[-1]
        at_the_same_epoch = [dict(t.curve).get(epoch, 0.0) for t in found.story.finished]
        assert max(at_the_same_epoch) >= value
    assert dict(next(t for t in found.story.trials if t.run == found.choice.name).settings)["learning_rate"] >= 0.01
    run = derin.fit(out=tmp_path / "s" / given_up[0].run, resume=True, report=False)
    assert run.finished
    assert len(run.history) == 9


@pytest.mark.slow
def test_coarse_to_fine_ends_near_the_best(tmp_path: Path) -> None:
    space = ["lr=1e-6:1:log"]
    found = derin.search("iris", space=space, trials=12, epochs=2, method="coarse-to-fine", out=tmp_path / "s", **QUICK)
    coarse, fine = found.story.trials[:6], found.story.trials[6:]
    best = sorted((t for t in coarse if t.metrics), key=lambda t: -t.metrics["accuracy"])[:2]
    places = np.log10([t.settings["learning_rate"] for t in best])
    near = np.log10([fine[0].settings["learning_rate"]])
    room = 0.1 * (places.max() - places.min()) + 1e-9
    assert places.min() - room <= near[0] <= places.max() + room


@pytest.mark.slow
def test_constraints_decide_and_where_nothing_meets_them_the_nearest_is_named(tmp_path: Path) -> None:
    about = {"space": ["hidden=4,64"], "trials": 4, "epochs": 2, "method": "random", **QUICK}
    del about["space"]
    about["space"] = {"hidden": [[4], [64]]}
    found = derin.search("iris", out=tmp_path / "s", maximize="accuracy", subject=["parameters<=100"], **about)
    assert derin.Run(tmp_path / "s" / found.choice.name).record["model"]["spec"]["options"]["hidden"] == [4]
    with pytest.raises(UsageError, match=r"None of the \d candidates meets parameters<=3; the nearest is trials/"):
        derin.search("iris", out=tmp_path / "none", maximize="accuracy", subject=["parameters<=3"], **about)
    assert (tmp_path / "none" / "search.html").exists()


def test_a_metric_that_answers_give_can_be_optimized(tmp_path: Path) -> None:
    goal = "weighted_error:virginica=10"
    found = derin.search("iris", space=SPACE, trials=2, epochs=2, minimize=goal, out=tmp_path / "s", **QUICK)
    best = min(found.story.finished, key=lambda t: t.metrics[goal])
    assert found.choice.name == best.run
    with pytest.raises(UnknownNameError, match="There is no metric named 'acuracy'"):
        derin.search("iris", space=SPACE, trials=1, epochs=1, maximize="acuracy", out=tmp_path / "t", **QUICK)


def test_what_cannot_be_searched_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is searched over and given besides"):
        derin.search("iris", space=["lr=0.1:1"], learning_rate=0.1, out=tmp_path / "a", **QUICK)
    with pytest.raises(UnknownNameError, match="There is no method of a search named 'grid'"):
        derin.search("iris", method="grid", out=tmp_path / "b", **QUICK)
    with pytest.raises(UnknownNameError, match="epoch"):
        derin.search("iris", epoch=3, out=tmp_path / "c", **QUICK)
    with pytest.raises(UsageError, match="At least one trial"):
        derin.search("iris", trials=0, out=tmp_path / "d", **QUICK)


CODE = """
import derin, os, sys, time
from derin.train.callback import Callback
class Slowly(Callback):
    def on_epoch_end(self, loop, record):
        time.sleep(float(sys.argv[2]))
        while sys.argv[4:] and not os.path.exists(sys.argv[4]):
            time.sleep(0.05)
derin.search("iris", space={space!r}, trials=6, epochs=3, out=sys.argv[1], resume=True,
    **dict([("storage", sys.argv[3]), ("study", "shared")] if sys.argv[3:] else []),
    listening=lambda folder: [Slowly()], plan="plain", threads=1, model="mlp")
"""


def worker(folder: Path, seconds: float, *storage_and_waiting: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE.format(space=SPACE), str(folder), str(seconds), *storage_and_waiting]
    )


def wait_for(what: Any, seconds: float = 120.0) -> None:
    ended = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ended
        time.sleep(0.05)


@pytest.mark.parametrize(("epochs", "looked_at"), [(9, {1, 3, 9}), (10, {2, 6})])
def test_trials_are_compared_after_a_ninth_and_a_third_and_never_shortly_before_the_end(
    epochs: int, looked_at: set[int], tmp_path: Path
) -> None:
    given_up = set()
    for rung in looked_at:
        study = open_study(
            f"sqlite:///{tmp_path}/{rung}.db",
            name="s",
            maximize=True,
            sampler=None,
            epochs=epochs,
            same_direction=True,
            about="",
        )
        # Better ones have passed; the last fares well until the epoch before the rung and then falls behind.
        for level in (0.9, 0.9, 0.9, 0.95):
            trial, worse = study.ask([], {}, place=""), level == 0.95
            for epoch in range(1, epochs + 1):
                study.report(trial, 0.1 if worse and epoch >= rung else level, epoch)
                if study.is_left_behind(trial):
                    given_up.add(epoch)
                    break
    assert given_up == looked_at


@pytest.mark.slow
def test_where_most_are_given_up_settings_are_weighed_at_the_epoch_that_most_reached(tmp_path: Path) -> None:
    space = [Dimension(name=name, low=0.0, high=1.0, scale="linear") for name in ("matters", "idle")]
    study = open_study(
        f"sqlite:///{tmp_path}/s.db",
        name="s",
        maximize=True,
        sampler=proposals("random", space, dict.fromkeys(("matters", "idle"), 0.5), seed=0, trials=16),
        epochs=9,
        same_direction=True,
        about="",
    )
    # What came of a trial by epoch 3 is one of its settings; later, of the few that are left, it is the other one.
    # Of all, more than half fail before their first epoch, and say nothing.
    for number in range(33):
        trial = study.ask(space, {"matters": 0.5, "idle": 0.5}, place="")
        last = 0 if number % 2 or number == 32 else 9 if number in (0, 10, 20) else 3
        for epoch in range(3, last + 1, 6):
            study.report(trial, trial.params["matters" if epoch <= 3 else "idle"], epoch)
        ended: dict[str, Any] = {
            "outcome": {0: "failed", 3: "halved", 9: "finished"}[last],
            "metrics": {},
            "curve": (),
            "run": "",
        }
        if last == 9:
            ended["metrics"] = {"accuracy": trial.params["idle"]}
        study.tell(trial, Trial(number=number, settings={}, seconds=1.0, **ended), Goal("accuracy", True, ()))
    shares, epoch = study.importance(space)
    assert epoch == 3
    assert shares["matters"] > 0.9
    study.close()


@pytest.mark.slow
def test_killed_and_resumed_it_loses_no_finished_trial(searched: Any, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    process = worker(folder, 0.3)
    # In the midst of a trial: its first epoch is on record, and it is not done.
    wait_for(lambda: (folder / "trials" / "0002" / "log.jsonl").exists())
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {
        path: path.read_bytes() for number in (0, 1) for path in (folder / "trials" / f"000{number}").glob("*.jsonl")
    }
    assert len(kept) == 2
    found = derin.search(out=folder, resume=True)
    assert settings_of(found) == settings_of(searched)
    assert [t.metrics for t in found.story.trials] == [t.metrics for t in searched.story.trials]
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert found.choice == searched.choice


@pytest.mark.slow
def test_two_processes_share_one_study(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    first = worker(folder, 0.2)
    wait_for((folder / "search.json").exists)
    second = worker(folder, 0.2)
    assert first.wait(300) == 0
    assert second.wait(300) == 0
    found = derin.search(out=folder, resume=True)
    assert [t.number for t in found.story.trials] == list(range(6))
    assert {t.outcome for t in found.story.trials} == {"finished"}
    assert len({json.dumps(settings) for settings in settings_of(found)}) == 6


@pytest.mark.slow
def test_two_machines_share_one_study_in_a_server(postgres: str, tmp_path: Path) -> None:
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    folders = [tmp_path / "one", tmp_path / "two"]
    # The first one ends no trial before the second one has begun one.
    first = worker(folders[0], 0.2, url, str(folders[1] / "trials" / "0001"))
    wait_for((folders[0] / "trials").exists)
    second = worker(folders[1], 0.2, url)
    assert first.wait(300) == 0
    assert second.wait(300) == 0
    assert not [path for folder in folders for path in folder.glob("study.db")]
    trained = [sorted(path.name for path in (folder / "trials").iterdir()) for folder in folders]
    assert all(trained)
    assert sorted(trained[0] + trained[1]) == [f"{number:04d}" for number in range(6)]
    found = derin.search(out=folders[0], storage=url, resume=True)
    assert [(t.number, t.outcome) for t in found.story.trials] == [(number, "finished") for number in range(6)]
    with pytest.raises(UsageError, match="keeps its study in a database of its own; name it: --storage URL"):
        derin.search(out=folders[0], resume=True)


@pytest.mark.slow
def test_a_server_that_cannot_be_reached_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://somebody:secret@127.0.0.1:1/study"
    with pytest.raises(StorageError, match="The database of the search cannot be used: ") as caught:
        derin.search("iris", space=SPACE, trials=1, epochs=1, out=tmp_path / "s", storage=url, **QUICK)
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_on_digits_it_beats_the_default_settings(tmp_path: Path) -> None:
    found = derin.search("digits", model="mlp", trials=20, max_seconds=300, out=tmp_path / "s")
    trials = {trial.run: trial.metrics for trial in found.story.finished}
    best, default = trials[found.choice.name], trials["trials/0000"]
    assert best["accuracy"] > default["accuracy"]
