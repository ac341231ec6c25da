"""Networks side by side: the same examples by content, McNemar's counts, costs, and what is said where data differ."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import binom
from torch import nn

import derin
from derin.api.compare import Difference, verdict
from derin.api.costs import peak_bytes
from derin.core.errors import UsageError
from derin.data.batch import Batch

QUICK = {"plan": "plain", "threads": 1, "report": False, "compare": False, "quiet": True}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks on one cut of iris, one on another, one on a quarter of the rows, one on other data."""
    folder = tmp_path_factory.mktemp("runs")
    derin.fit("iris", model="linear", epochs=4, out=folder / "linear", **QUICK)
    derin.fit("iris", model="mlp", epochs=8, out=folder / "mlp", **QUICK)
    derin.fit("iris", model="linear", epochs=4, seed=1, out=folder / "other_cut", **QUICK)
    derin.fit("wine", epochs=1, out=folder / "wine", **QUICK)
    derin.fit("diabetes", model="linear", epochs=1, out=folder / "diabetes", **QUICK)
    derin.fit("diabetes", model="mlp", epochs=3, out=folder / "diabetes-mlp", **QUICK)
    return folder


def test_accuracy_is_that_of_each_run_and_differences_are_tested_by_mcnemar(runs: Path) -> None:
    found = derin.compare([runs / "linear", runs / "mlp"])
    data = derin.load("iris")
    rows, target = data.splits["test"], data.target()
    truth = np.array(target.classes)[data[target.name].values[rows]]
    features = np.stack([data[c.name].values[rows] for c in data.inputs], axis=1)
    right = []
    for name, measured in zip(("linear", "mlp"), found.runs):
        answers = derin.open(runs / name).predict(list(features))
        right.append(np.array([answer.label for answer in answers]) == truth)
        assert measured.metrics["accuracy"] == pytest.approx(right[-1].mean(), abs=1e-9)
        assert measured.intervals["accuracy"][0] < measured.metrics["accuracy"] <= measured.intervals["accuracy"][1]
    (difference,) = found.differences
    first, second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert first != second  # networks that differ, so that the test below can fail
    num, smaller = first + second, min(first, second)
    mid_p = 2 * binom.cdf(smaller - 1, num, 0.5) + binom.pmf(smaller, num, 0.5)
    assert difference.p_value == pytest.approx(min(1.0, mid_p), abs=1e-9)
    assert difference.value == pytest.approx((first - second) / 30, abs=1e-9)


def test_where_test_and_interval_disagree_neither_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERIN_LANG", "en")
    about = {"first": "a", "second": "b", "metric": "accuracy", "test": "mcnemar", "maximize": True}
    found = [
        verdict(Difference(**about, value=5 / 359, interval=interval, p_value=p))
        for interval, p in (((-0.0003, 0.028), 0.031), ((0.001, 0.028), 0.031), ((-0.01, 0.03), 0.4))
    ]
    assert ["close" in found[0], "better" in found[1], "cannot be told apart" in found[2]] == [True, True, True]


def test_only_examples_that_are_new_to_all_count(runs: Path) -> None:
    found = derin.compare([runs / "linear", runs / "other_cut"])
    tables = [derin.load("iris", seed=seed) for seed in (0, 1)]

    def rows_of(table: derin.Table, split: str) -> set[tuple[float, ...]]:
        return {tuple(float(table[c.name].values[r]) for c in table.inputs) for r in table.splits[split]}

    trained = rows_of(tables[0], "train") | rows_of(tables[1], "train")
    wanted = (rows_of(tables[0], "test") & rows_of(tables[1], "test")) - trained
    assert found.same_examples
    assert [run.num_examples for run in found.runs] == [len(wanted)] * 2
    assert 0 < len(wanted) < 30
    assert any("known to all runs" in note for note in found.notes)


def test_runs_on_different_data_are_said_to_be_and_nothing_is_tested(runs: Path) -> None:
    found = derin.compare([runs / "linear", runs / "wine"])
    assert not found.same_examples
    assert found.differences == ()
    assert "measured on different data" in found.notes[0]


def test_pictures_that_were_read_at_different_sizes_are_known_by_their_place(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for name, shade in (("dark", 60), ("light", 190)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(30):
            pixels = random.integers(shade - 50, shade + 50, (17 + i % 3, 19), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    for size in (8, 12):
        derin.fit(str(tmp_path / "pictures"), model="linear", size=size, epochs=1, out=tmp_path / str(size), **QUICK)
    found = derin.compare([tmp_path / "8", tmp_path / "12"])
    assert found.same_examples
    assert [run.num_examples for run in found.runs] == [12, 12]
    assert any("by their place" in note for note in found.notes)


def test_a_choice_is_made_among_runs_and_their_costs(runs: Path) -> None:
    chosen = derin.compare([runs / "linear", runs / "mlp"], maximize="accuracy", subject=["parameters<=20"])
    assert chosen.choice is not None
    assert chosen.choice.name == "linear"  # 4 × 3 + 3
    document = chosen.to_json()
    assert document["chosen"] == "linear"
    assert document["runs"][0]["metrics"]["parameters"] == 15
    assert {"latency_ms", "memory_mb", "size_mb"} <= set(document["runs"][0]["metrics"])
    with pytest.raises(UsageError, match="None of the 2 candidates meets parameters<=2; the nearest is linear"):
        derin.compare([runs / "linear", runs / "mlp"], maximize="accuracy", subject=["parameters<=2"])


def test_numbers_are_compared_by_drawing_examples(runs: Path) -> None:
    found = derin.compare([runs / "diabetes", runs / "diabetes-mlp"])
    (difference,) = found.differences
    assert (difference.metric, difference.test, difference.p_value) == ("rmse", "bootstrap", None)
    rmse = [run.metrics["rmse"] for run in found.runs]
    assert difference.value == pytest.approx(rmse[0] - rmse[1], rel=1e-5)  # float32 answers
    assert difference.interval[0] < difference.value < difference.interval[1]


def test_what_cannot_be_compared_is_refused(runs: Path) -> None:
    with pytest.raises(UsageError, match="At least two runs are compared"):
        derin.compare([runs / "linear"])
    with pytest.raises(UsageError, match="linear is a classification and diabetes a regression"):
        derin.compare([runs / "linear", runs / "diabetes"])
    with pytest.raises(UsageError, match="named twice"):
        derin.compare([runs / "linear", runs / "linear"])
    with pytest.raises(UsageError, match="computed from classes"):
        derin.compare([runs / "diabetes", runs / "diabetes-mlp"], metrics=["f2"])


def test_memory_is_that_of_weights_and_of_what_lives_at_once() -> None:
    network = nn.Sequential(nn.Linear(1000, 2000), nn.ReLU(), nn.Linear(2000, 10)).eval()
    model = types.SimpleNamespace(network=network, task=types.SimpleNamespace(predict=lambda n, b: n(b["x"])))
    batch = Batch({"x": torch.zeros(1, 1000)}, torch.zeros(1, dtype=torch.int64))
    weights = 4 * (1000 * 2000 + 2000 + 2000 * 10 + 10)
    # While the ReLU works, what it reads and what it writes are there, 2000 numbers each.
    assert peak_bytes(model, batch) == weights + 4 * 1000 + 2 * 4 * 2000
