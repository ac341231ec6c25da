"""From data to a run in one call, in its small details."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import derin
from derin.core.errors import DataError, DerinWarning, UnknownNameError, UsageError
from derin.core.faults import faults
from derin.train import loop as timing
from derin.train.callback import Callback

QUICK = {"epochs": 2, "plan": "plain", "threads": 1, "report": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> derin.Run:
    return derin.fit("digits", out=tmp_path_factory.mktemp("runs") / "digits", **QUICK)


def test_run_holds_plain_numbers_for_every_split(run: derin.Run) -> None:
    assert set(run.metrics) == {"train", "val", "test"}
    for values in run.metrics.values():
        assert {"loss", "accuracy"} <= set(values)
        assert all(isinstance(v, float) for v in values.values())
    assert run.metrics == json.loads((run.path / "run.json").read_text())["metrics"]


def test_what_is_known_is_told_before_plans_are_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Listener(Callback):
        def on_prepare(self, record: Any) -> None:
            order.append(f"prepare, plan known: {'plan' in record}, network: {record['model']['name']}")

        def on_start(self, loop: Any) -> None:
            order.append("start")

    def find_plan(*given: Any) -> Any:
        order.append("trials")
        return timing.Plan(), []

    monkeypatch.setattr(timing, "find_plan", find_plan)
    options = {**QUICK, "plan": None, "epochs": 1}
    derin.fit("iris", out=tmp_path / "run", callbacks=[Listener()], **options)
    assert order == ["prepare, plan known: False, network: mlp", "trials", "start"]
    order.clear()
    derin.fit("iris", out=tmp_path / "run", callbacks=[Listener()], resume=True, extend=True, epochs=2)
    assert order == ["start"]


def test_opened_model_measures_what_the_run_says(run: derin.Run) -> None:
    metrics, num_examples = derin.open(run.path).evaluate("digits")
    assert num_examples == run.record["num_examples"]["test"]
    # The batches of measurement have other sizes, and with them sums in fp32 other last bits.
    assert metrics["loss"] == pytest.approx(run.metrics["test"]["loss"], rel=1e-4)
    assert metrics["accuracy"] == run.metrics["test"]["accuracy"]


def test_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    def weights(name: str, seed: int) -> bytes:
        run = derin.fit("iris", out=tmp_path / name, seed=seed, **QUICK)
        return (run.path / "model" / "model.safetensors").read_bytes()

    assert weights("a", 1) == weights("b", 1)
    assert weights("c", 2) != weights("a2", 1)


def test_training_leaves_the_callers_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    derin.fit("iris", out=tmp_path / "run", **QUICK)
    assert torch.equal(torch.rand(3), expected)


def test_accumulated_batches_equal_one_large_batch(tmp_path: Path) -> None:
    def weights(name: str, **settings: Any) -> dict[str, torch.Tensor]:
        settings = {"optimizer": "sgd", "learning_rate": 0.05, "schedule": "constant", "weight_decay": 0.0} | settings
        run = derin.fit("iris", out=tmp_path / name, model="linear", **settings, **QUICK)
        return derin.open(run.path).network.state_dict()

    whole = weights("whole", batch_size=64)
    # 16 does not divide the training rows: the last group is a smaller one in both.
    parts = weights("parts", batch_size=16, accumulate=4)
    for name, value in whole.items():
        # The same sums in another order: a few units in the last place of fp32.
        torch.testing.assert_close(parts[name], value, rtol=1e-5, atol=1e-6)


def test_interrupted_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 45:
                signal.raise_signal(signal.SIGINT)

    settings = {**QUICK, "epochs": 3, "model": "convnet", "augment": "shift=0.1", "ema_decay": 0.9}
    whole = derin.fit("digits", out=tmp_path / "whole", **settings)
    part = derin.fit("digits", out=tmp_path / "part", callbacks=[Interrupt()], **settings)
    assert not part.finished
    assert part.record["stopped"] == "interrupted"
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    assert resumed.finished
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_an_epoch_is_logged_once_where_a_state_was_saved_at_its_last_step(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(point: str) -> None:
        if point == "log.done":
            raise KilledError

    # Every step saves a state, that of the epoch's last step included.
    settings = {**QUICK, "epochs": 2, "save_every_seconds": 0.0}
    with faults(kill), pytest.raises(KilledError):
        derin.fit("iris", out=tmp_path / "run", **settings)
    resumed = derin.fit(out=tmp_path / "run", resume=True, report=False)
    assert [line["epoch"] for line in resumed.history] == [1, 2]


def test_a_run_without_pictures_keeps_the_numbers_of_its_examples_alone(run: derin.Run, tmp_path: Path) -> None:
    without = derin.fit("digits", out=tmp_path / "run", report_pictures=False, **QUICK)
    with np.load(run.path / "examples.npz") as kept, np.load(without.path / "examples.npz") as found:
        assert set(kept) - set(found) == {"pictures"}
        assert all(np.array_equal(found[name], kept[name]) for name in found)


def test_interrupted_sequential_network_resumes_from_its_description(tmp_path: Path) -> None:
    from derin.layers import BatchNorm, Dense, Dropout

    class Interrupt(Callback):
        def on_step(self, loop: Any) -> None:
            if loop.step == 3:
                signal.raise_signal(signal.SIGINT)

    def network() -> derin.Sequential:
        return derin.Sequential([Dense(11, activation="relu"), BatchNorm(), Dropout(0.2), Dense(3)])

    whole = derin.fit("iris", model=network(), out=tmp_path / "whole", **QUICK)
    derin.fit("iris", model=network(), out=tmp_path / "part", callbacks=[Interrupt()], **QUICK)
    resumed = derin.fit(out=tmp_path / "part", resume=True, report=False)
    names = [run.path / "model" / "model.safetensors" for run in (whole, resumed)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert derin.open(resumed.path).predict([5.1, 3.5, 1.4, 0.2]).label in derin.open(resumed.path).classes


def test_finished_run_is_not_trained_again(run: derin.Run) -> None:
    before = (run.path / "run.json").read_bytes()
    again = derin.fit("digits", out=run.path, resume=True)
    assert again.metrics == run.metrics
    assert (run.path / "run.json").read_bytes() == before


def test_existing_run_is_not_overwritten(run: derin.Run) -> None:
    with pytest.raises(UsageError, match="--resume"):
        derin.fit("digits", out=run.path, **QUICK)


def test_resume_refuses_other_settings_by_name(tmp_path: Path) -> None:
    class Stop(Callback):
        def on_step(self, loop: Any) -> None:
            signal.raise_signal(signal.SIGINT)

    derin.fit("iris", out=tmp_path / "run", callbacks=[Stop()], batch_size=8, **QUICK)
    with pytest.raises(UsageError, match="batch_size=8"):
        derin.fit("iris", out=tmp_path / "run", resume=True, batch_size=16)


def test_nan_stops_training_and_names_the_place(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.arange(60) % 3
    with pytest.raises(derin.DerinError, match=r"not finite|NaN|infinite"):
        derin.fit((features, labels), model="mlp", out=tmp_path / "run", learning_rate=1e30, optimizer="sgd", **QUICK)


def test_network_of_ones_own_is_saved_without_code_and_opened_with_it(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self, width: int = 9) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body(x)

    run = derin.fit("digits", model=Own(), out=tmp_path / "run", **QUICK)
    with pytest.raises(UsageError, match="model=Own"):
        derin.open(run.path)
    with pytest.raises(derin.DerinError, match="structure"):
        derin.open(run.path, model=Own(11))
    metrics, _ = derin.open(run.path, model=Own()).evaluate("digits")
    assert metrics["accuracy"] == run.metrics["test"]["accuracy"]


class Halved(torch.nn.Module):
    """A layer of float32 behind a constant that NumPy made float64, as happens to everyone."""

    def __init__(self, *, casts: bool = False) -> None:
        super().__init__()
        self.casts, self.last = casts, torch.nn.Linear(4, 3)
        self.register_buffer("shift", torch.from_numpy(np.zeros(4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x - self.shift
        return self.last(x.float() if self.casts else x)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (torch.nn.Sequential(torch.nn.Linear(4, 3)).double(), r"parameter '0\.weight' is float64; call network\.float"),
        (torch.nn.Sequential(torch.nn.Linear(4, 3)).bfloat16(), r"parameter '0\.weight' is bfloat16"),
        (Halved(), r"buffer 'shift' is float64"),
    ],
)
def test_a_network_of_another_precision_is_refused_in_a_sentence(
    network: torch.nn.Module, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=sentence):
        derin.fit("iris", model=network, out=tmp_path / "run", **QUICK)


def test_a_network_that_changes_precision_itself_is_trained(tmp_path: Path) -> None:
    run = derin.fit("iris", model=Halved(casts=True), out=tmp_path / "run", **QUICK)
    assert derin.open(run.path, model=Halved(casts=True)).predict([5.1, 3.5, 1.4, 0.2]).label


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    run = derin.fit(
        "iris", out=tmp_path / "run", epochs=60, patience=2, learning_rate=0.0, plan="plain", threads=1, report=False
    )
    # A rate of nothing never gets better than its first epoch.
    assert [record["epoch"] for record in run.history] == [1, 2, 3]
    assert run.record["stopped"] == "patience"
    assert run.record["best_epoch"] == 1


@pytest.mark.parametrize("ema_decay", [0.0, 0.8])
def test_the_best_epochs_weights_are_those_that_are_measured_and_saved(ema_decay: float, tmp_path: Path) -> None:
    """At a rate at which epochs differ much, and the last is not the best."""
    settings = {"learning_rate": 0.05, "optimizer": "adam", "schedule": "constant", "ema_decay": ema_decay}
    run = derin.fit("iris", out=tmp_path / "run", **{**QUICK, "epochs": 8}, seed=3, **settings)
    best, last = run.record["best_epoch"], len(run.history)
    losses = [record["val"]["loss"] for record in run.history]
    assert best != last
    assert losses[best - 1] != pytest.approx(losses[-1], rel=1e-2)
    assert run.metrics["val"]["loss"] == pytest.approx(losses[best - 1], rel=1e-5)
    measured, _ = derin.open(run.path).evaluate("iris", split="val")
    assert measured["loss"] == pytest.approx(losses[best - 1], rel=1e-5)


@pytest.mark.filterwarnings("ignore:Time allows")
def test_a_run_that_is_short_of_time_is_measured_in_part_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if every split took far too long: three examples of each are all that time allows.
    monkeypatch.setattr("derin.api.results.affordable", lambda *given, **options: 3)
    with pytest.warns(DerinWarning, match="Time allows 3 of the .* test examples"):
        run = derin.fit("digits", out=tmp_path / "run", max_seconds=30.0, **{**QUICK, "epochs": 1})
    assert set(run.record["num_examples"].values()) == {3}
    assert run.finished


@pytest.mark.filterwarnings("ignore:Time allows")
def test_time_limit_ends_training_with_a_usable_run(tmp_path: Path) -> None:
    run = derin.fit("digits", out=tmp_path / "run", epochs=10_000, max_seconds=1.0, plan="plain", report=False)
    assert run.record["stopped"] == "time"
    assert run.finished
    assert run.record["seconds"] < 60


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"epoch": 3}, UnknownNameError),
        ({"model": "resnet19"}, UnknownNameError),
        ({"optimizer": "adamm"}, UnknownNameError),
        ({"schedule": "one-cicle"}, UnknownNameError),
        ({"task": "regresion"}, UnknownNameError),
        ({"plan": "fp64"}, UnknownNameError),
        ({"epochs": 0}, UsageError),
        ({"learning_rate": float("nan")}, UsageError),
        ({"task": "regression"}, DataError),
        ({"device": "toaster"}, UsageError),
        ({"augment": "flipp"}, UsageError),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(
    options: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises((error, UsageError)) as caught:
        derin.fit("digits", out=tmp_path / "run", **{**QUICK, **options})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "run.json").exists()


def test_the_rows_of_a_table_are_kept_with_their_values_for_the_report(tmp_path: Path) -> None:
    lines = [f"{day:02d}.01.2020,{day * 1.5},{'abc'[day % 3]},{day % 2}" for day in range(1, 31)] * 4
    (tmp_path / "a.csv").write_text("\n".join(["when,size,kind,label", *lines]))
    run = derin.fit(tmp_path / "a.csv", epochs=1, out=tmp_path / "run", plan="plain", report=False)
    with np.load(run.path / "examples.npz", allow_pickle=False) as kept:
        for row, shown in zip(kept["rows"].tolist(), kept["inputs"].tolist(), strict=True):
            day = row % 30 + 1
            assert shown == f"when: 2020-01-{day:02d} · size: {day * 1.5:.6g} · kind: {'abc'[day % 3]}"


def test_where_validation_that_came_with_the_data_is_of_another_kind_a_training_dev_split_is_held_out(
    tmp_path: Path,
) -> None:
    drawn = np.random.default_rng(0)
    for name, shift in (("same", 0.0), ("other", 1.0)):
        parts = {}
        for split, num, by in (("train", 400, 0.0), ("val", 120, shift)):
            inputs = drawn.normal(size=(num, 3)).astype(np.float32)
            # Of the classes nothing is told by what moves.
            parts |= {f"x_{split}": inputs + np.array([0, 0, by], np.float32), f"y_{split}": (inputs[:, 0] > 0) * 1}
        np.savez(tmp_path / f"{name}.npz", **parts)
    how = {"epochs": 1, "threads": 1, "plan": "plain", "report": False, "compare": False, "model": "linear"}
    run = derin.fit(tmp_path / "other.npz", out=tmp_path / "run", **how)
    sizes = run.record["data"]["splits"]
    assert (sizes["train"], sizes["traindev"]) == (360, 40)
    assert "traindev" in run.metrics
    assert any("a classifier tells them apart (AUC" in note for note in run.record["data"]["reading"]["notes"])
    assert run.record["request"]["options"]["training_dev"] == 0.1
    again = derin.fit(tmp_path / "other.npz", out=tmp_path / "run", resume=True, extend=True, **{**how, "epochs": 2})
    assert len(again.history) == 2
    refused = derin.fit(tmp_path / "other.npz", out=tmp_path / "refused", training_dev=0, **how)
    assert "traindev" not in refused.record["data"]["splits"]
    same = derin.fit(tmp_path / "same.npz", out=tmp_path / "same", **how)
    assert "traindev" not in same.record["data"]["splits"]


def test_where_validation_is_of_other_rows_a_training_dev_split_is_held_out(tmp_path: Path) -> None:
    lines = [f"{i % 13},{i % 7},{'app' if i % 3 == 0 else 'web'},{'yes' if i % 13 > 6 else 'no'}" for i in range(300)]
    (tmp_path / "t.csv").write_text("a,b,source,kind\n" + "\n".join(lines) + "\n")
    how = {"target": "kind", "dev_from": "source=app", "epochs": 1, "threads": 1, "plan": "plain", "report": False}
    run = derin.fit(tmp_path / "t.csv", out=tmp_path / "run", compare=False, **how)
    sizes = run.record["data"]["splits"]
    assert sizes["traindev"] == int(0.1 * (sizes["train"] + sizes["traindev"]))
    assert "traindev" in run.metrics
    assert any("--training-dev 0" in note for note in run.record["data"]["reading"]["notes"])
    assert run.record["request"]["options"]["training_dev"] == 0.1
    whole = derin.fit(tmp_path / "t.csv", out=tmp_path / "whole", compare=False, training_dev=0, **how)
    assert "traindev" not in whole.record["data"]["splits"]
    assert whole.record["data"]["splits"]["train"] == sizes["train"] + sizes["traindev"]
