"""A Dataset, a DataLoader or batches get a standard task by their targets, as the same data as arrays does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset

import derin
from derin.core.errors import DerinError, DerinWarning
from derin.core.seeds import permutation
from derin.strategy.assumptions import assumptions

PLAIN: dict[str, Any] = {"plan": "plain", "threads": 1, "device": "cpu", "report": False}
NUM = 45


def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(NUM, 6)).astype(np.float32)


def targets(kind: str) -> np.ndarray:
    x = inputs()
    found = {
        "classes": (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0),
        "number": x[:, 0] - 3 * x[:, 1],
        "numbers": x[:, :3] * 7 + 2,
        "labels": (x[:, :3] > 0).astype(np.float32),
    }
    return found[kind]


def network(num_outputs: int = 3, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, num_outputs))


class Noisy(Dataset[tuple[Tensor, int]]):
    """Every example draws noise from torch's generator."""

    def __len__(self) -> int:
        return NUM

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return torch.from_numpy(inputs()[row]) + 0.1 * torch.randn(6), int(targets("classes")[row])


class AsTables(Sampler[int]):
    """The order in which the rows of a table come, epoch for epoch."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return NUM

    def __iter__(self) -> Iterator[int]:
        return iter(permutation(0, "order", self.epoch, NUM).tolist())


class Halt(derin.Callback):
    def on_step(self, loop: Any) -> None:
        if loop.step == 7:
            raise RuntimeError("broken off")


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["classes", "number", "numbers", "labels"])
def test_a_dataset_trains_as_the_same_arrays_to_the_bit(kind: str, tmp_path: Path) -> None:
    x, y, num = inputs(), targets(kind), 1 if kind == "number" else 3
    weights = np.linspace(1, 2, NUM).astype(np.float32)
    settings: dict[str, Any] = {"batch_size": 8, "epochs": 2, **PLAIN}
    nets = network(num), network(num)
    data = {"x": x, "y": y, "weight": weights}
    from_arrays = derin.fit(data, target="y", model=nets[0], out=tmp_path / "arrays", **settings)
    rows = [{name: torch.tensor(values[row]) for name, values in data.items()} for row in range(NUM)]
    from_rows = derin.fit(Rows(rows), target="y", model=nets[1], out=tmp_path / "rows", **settings)
    assert from_rows.metrics == from_arrays.metrics
    assert from_rows.record["task"] == from_arrays.record["task"]
    assert same(*nets)


class Rows(Dataset[Any]):
    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Any:
        return self.rows[row]


def test_a_loader_in_the_order_of_arrays_gives_their_bits_and_its_network_is_used_as_theirs(tmp_path: Path) -> None:
    x, y = inputs(), targets("classes")
    rows = TensorDataset(
        torch.from_numpy(x.astype(np.float64)), torch.from_numpy(y)
    )  # float32 is what is computed with
    nets = network(), network()
    settings: dict[str, Any] = {"epochs": 3, "label_smoothing": 0.1, **PLAIN}
    arrays = {"train": ({"x": x}, y), "val": ({"x": x}, y)}
    loaders = {"train": DataLoader(rows, batch_size=8, sampler=AsTables()), "val": DataLoader(rows, batch_size=9)}
    one = derin.fit(arrays, model=nets[0], batch_size=8, out=tmp_path / "arrays", **settings)
    two = derin.fit(loaders, model=nets[1], out=tmp_path / "loaders", **settings)
    assert [epoch["running"] for epoch in one.history] == [epoch["running"] for epoch in two.history]
    assert same(*nets)
    assert two.metrics["val"]["accuracy"] == one.metrics["val"]["accuracy"]
    opened = derin.open(two.path, model=network(seed=1))
    with torch.no_grad():
        likeliest = opened.network(torch.from_numpy(x)).argmax(dim=1)
    assert [answer.label for answer in opened.predict(x)] == [str(place) for place in likeliest.tolist()]
    with pytest.warns(DerinWarning, match="trained on cannot be told"):
        from_loader = opened.evaluate(loaders["val"])
    with pytest.warns(DerinWarning, match="trained on cannot be told"):
        from_pair = opened.evaluate((x, y))
    assert from_loader.metrics["confusion"] == from_pair.metrics["confusion"]
    assert from_loader.num_examples == NUM
    with pytest.raises(DerinError, match="give the data as arrays for this"):
        opened.explain(loaders["val"], "importance")


@pytest.mark.parametrize("form", ["dataset", "shuffled loader", "batches"])
def test_a_run_broken_off_and_resumed_equals_one_that_was_not(form: str, tmp_path: Path) -> None:
    def data() -> Any:
        pairs = list(zip(torch.from_numpy(inputs()).split(8), torch.from_numpy(targets("classes")).split(8)))
        loader = DataLoader(Noisy(), batch_size=8, shuffle=True)
        return {"dataset": Noisy(), "shuffled loader": loader, "batches": pairs}[form]

    settings: dict[str, Any] = {"epochs": 3, **PLAIN} | ({"batch_size": 8} if form == "dataset" else {})
    whole, part = network(), network()
    run = derin.fit(data(), model=whole, out=tmp_path / "whole", **settings)
    with pytest.raises(RuntimeError, match="broken off"):
        derin.fit(data(), model=part, out=tmp_path / "part", callbacks=[Halt()], **settings)
    again = derin.fit(data(), model=part, out=tmp_path / "part", resume=True, report=False)
    assert again.metrics == run.metrics
    assert same(whole, part)
    assert derin.fit(data(), model=part, out=tmp_path / "part", resume=True, report=False).metrics == run.metrics


@pytest.mark.parametrize(
    ("values", "num_outputs", "task", "classes"),
    [
        (np.arange(NUM) % 2, 1, "binary", ["0", "1"]),
        (np.arange(NUM) % 2, 2, "classification", ["0", "1"]),  # a number for each class, as cross-entropy wants
        (np.arange(NUM) % 2 * 3, 5, "classification", ["0", "1", "2", "3", "4"]),  # some classes do not occur
        (np.arange(NUM) % 3 + 7, 3, "classification", ["7", "8", "9"]),
        (np.arange(NUM), 1, "regression", None),
        (np.arange(NUM) / 7, 1, "regression", None),
    ],
)
def test_the_task_is_told_by_targets_and_outputs(
    values: np.ndarray, num_outputs: int, task: str, classes: list[str] | None, tmp_path: Path
) -> None:
    loader = DataLoader(TensorDataset(torch.from_numpy(inputs()), torch.from_numpy(values)), batch_size=8)
    run = derin.fit(loader, model=network(num_outputs), epochs=1, out=tmp_path / "run", **PLAIN)
    assert (run.record["task"]["name"], run.record["task"].get("classes")) == (task, classes)
    told = "\n".join(assumptions(run.record))
    assert "The targets of all examples (45) were read once before training" in told
    assert ("some of them do not occur" in told) == (num_outputs == 5)


def test_what_cannot_be_told_or_done_is_refused_in_a_sentence(tmp_path: Path) -> None:
    x = torch.from_numpy(inputs())
    classes = torch.from_numpy(targets("classes"))

    def loader(y: Tensor) -> Any:
        return DataLoader(TensorDataset(x, y), batch_size=8)

    cases: list[tuple[Any, dict[str, Any], str]] = [
        (loader(torch.zeros(NUM, 4, 4)), {}, r"shape \(8, 4, 4\) and the type float32 is neither. Give a loss"),
        ([(x, {"a": classes, "b": classes})], {}, "need a loss for each output"),
        ([(x, ["low"] * NUM)], {}, "Give class numbers in place of names"),
        ([(x[:8], classes[:8]), (x[:8], x[:8, :2])], {}, r"All targets must be of one shape; batches have \(\) and"),
        (loader(classes), {"model": None}, "a network of your own"),
        (loader(classes), {"model": network(2)}, "must give 3 outputs for each example"),
        (loader(classes), {"augment": "flip"}, "leave augment out"),
        (loader(classes), {"sampler": "balanced"}, "leave sampler out"),
        (loader(classes), {"task": "embedding"}, "needs all of its data at once"),
        ({"val": loader(classes)}, {}, "examples to train on"),
    ]
    for place, (data, settings, message) in enumerate(cases):
        with pytest.raises(DerinError, match=message):
            derin.fit(data, **{"model": network(), "out": tmp_path / str(place), **PLAIN, **settings})
