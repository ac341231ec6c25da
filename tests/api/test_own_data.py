"""Data of one's own form trains as a plain loop of torch does, and goes on where it was broken off."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import derin
from derin.core.errors import DerinError, RefusedFileError
from derin.data.own import OwnPreparation
from derin.layers import Concat, Dense

PLAIN: dict[str, Any] = {"plan": "plain", "threads": 1, "device": "cpu", "report": False}


class Waves(Dataset[tuple[Tensor, Tensor]]):
    """Waves and their frequency; every example draws noise from torch's generator."""

    def __init__(self, num: int, noise: float = 0.0) -> None:
        self.num, self.noise = num, noise

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        wave = torch.sin(torch.arange(8.0) * (1 + row) / self.num)
        return wave + self.noise * torch.randn(8), torch.tensor([(1 + row) / self.num])


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.names = nn.Linear(3, 4), nn.Embedding(5, 4), nn.Linear(4, 2)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        hidden = self.left(left).relu() + self.right(right)
        return {"size": self.names(hidden)[:, 0], "kind": self.names(hidden)}


class Again:
    """Batches that can be iterated again, without a length."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


class Halt(derin.Callback):
    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, loop: Any) -> None:
        if loop.step == self.after:
            raise RuntimeError("broken off")


def sgd(parameters: list[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.5)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 1))


def absolute(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).abs().mean()


def both(outputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    return (outputs["size"] - targets["size"]).square().mean() + nn.functional.cross_entropy(
        outputs["kind"], targets["kind"]
    )


def two_inputs(num: int) -> tuple[dict[str, Any], dict[str, Any]]:
    draw = np.random.default_rng(0)
    x = {"left": draw.normal(size=(num, 3)).astype(np.float32), "right": draw.integers(5, size=num)}
    return x, {"size": x["left"][:, 0], "kind": (x["right"] > 2).astype(np.int64)}


def test_own_loader_loss_and_optimizer_give_the_losses_of_a_plain_loop_to_the_bit(tmp_path: Path) -> None:
    ours, plain = network(), network()
    loader = DataLoader(Waves(20), batch_size=6)
    run = derin.fit(loader, model=ours, loss=absolute, optimizer=sgd, epochs=3, out=tmp_path / "run", **PLAIN)
    optimizer, means = sgd(list(plain.parameters())), []
    for _ in range(3):
        total = 0.0
        for x, y in loader:
            loss = absolute(plain(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        means.append(total / 20)
    assert [record["running"]["loss"] for record in run.history] == means
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters()))
    x = torch.stack([Waves(20)[i][0] for i in range(4)])
    opened = derin.open(run.path, model=network(1))
    with torch.no_grad():
        np.testing.assert_allclose(np.stack(opened.predict(x)), plain(x).numpy(), rtol=1e-6)
    assert opened.predict(x[0]).shape == (1,)


def noisy_forms() -> dict[str, Any]:
    pairs = [(torch.ones(4, 8) * k, torch.ones(4, 1)) for k in range(5)]
    return {
        "dataset": Waves(24, noise=0.1),
        "shuffled loader": DataLoader(Waves(24, noise=0.1), batch_size=5, shuffle=True),
        "splits": {"train": Waves(20, noise=0.1), "val": DataLoader(Waves(7), batch_size=4)},
        "batches": Again(pairs),
        "list of batches": pairs,
        "arrays": (np.ones((24, 8), np.float32), np.ones((24, 1), np.float32)),
    }


@pytest.mark.parametrize("form", list(noisy_forms()))
def test_a_run_broken_off_and_resumed_equals_one_that_was_not(form: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"loss": absolute, "optimizer": "adam", "epochs": 3, **PLAIN}
    if form in ("dataset", "splits", "arrays"):
        settings["batch_size"] = 5
    whole = derin.fit(noisy_forms()[form], model=network(), out=tmp_path / "whole", **settings)
    with pytest.raises(RuntimeError, match="broken off"):
        derin.fit(noisy_forms()[form], model=network(), out=tmp_path / "part", callbacks=[Halt(4)], **settings)
    part = derin.fit(
        noisy_forms()[form], model=network(), out=tmp_path / "part", resume=True, loss=absolute, report=False
    )
    assert part.metrics == whole.metrics
    weights = [derin.open(run.path, model=network(1)).network.state_dict() for run in (whole, part)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_several_inputs_and_several_outputs_train_predict_and_are_reported(tmp_path: Path) -> None:
    x, y = two_inputs(60)
    settings = {**PLAIN, "report": True}
    run = derin.fit((x, y), model=TwoInputs(), loss=both, epochs=2, batch_size=8, out=tmp_path / "run", **settings)
    assert set(run.metrics) == {"train", "val", "test"}
    assert run.record["preparation"]["names"] == ["left", "right"]
    assert run.report.is_file()
    answers = derin.open(run.path, model=TwoInputs()).predict({"left": x["left"][:3], "right": x["right"][:3]})
    assert [set(answer) for answer in answers] == [{"size", "kind"}] * 3
    with pytest.raises(DerinError, match="left, right"):
        derin.open(run.path, model=TwoInputs()).predict(x["left"])


class Difference(nn.Module):
    """Two inputs of one shape that are not to be confused."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.left, self.right = nn.Linear(3, 4), nn.Linear(3, 4)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return (self.left(left).tanh() - 2 * self.right(right).tanh()).sum(dim=1)


def pairs(num: int = 20) -> tuple[dict[str, np.ndarray], np.ndarray]:
    draw = np.random.default_rng(0)
    x = {name: draw.normal(size=(num, 3)).astype(np.float32) for name in ("left", "right")}
    return x, x["left"].sum(axis=1)


def shaken(form: str) -> Any:
    """The same examples in several forms; of dicts the order is the wrong one."""
    x, y = pairs()
    right, left = torch.from_numpy(x["right"]), torch.from_numpy(x["left"])
    rows = [({"right": one, "left": other}, t) for one, other, t in zip(right, left, torch.from_numpy(y))]
    forms = {
        "dict": ({"right": right, "left": left}, y),
        "one dict": {"right": right, "y": y, "left": left},
        "tuple": ((left, right), y),
        "loader": DataLoader(rows, batch_size=6),  # type: ignore[arg-type]
    }
    return {"train": forms[form], "val": forms[form]}


@pytest.mark.parametrize("form", ["dict", "one dict", "tuple", "loader"])
def test_two_inputs_are_told_by_name_and_train_as_a_plain_loop_does_to_the_bit(form: str, tmp_path: Path) -> None:
    ours, plain = Difference(), Difference()
    settings: dict[str, Any] = {"loss": nn.functional.mse_loss, "optimizer": sgd, "epochs": 2, **PLAIN}
    # One batch of all, in any order, would hide a mistake in the order; a loader keeps its own batches.
    settings |= {} if form == "loader" else {"batch_size": 20}
    run = derin.fit(shaken(form), model=ours, out=tmp_path / "run", **settings)
    x, y = pairs()
    left, right, target = torch.from_numpy(x["left"]), torch.from_numpy(x["right"]), torch.from_numpy(y)
    if form == "loader":
        optimizer = sgd(list(plain.parameters()))
        for _ in range(2):
            for start in range(0, 20, 6):
                some = slice(start, start + 6)
                loss = nn.functional.mse_loss(plain(left[some], right[some]), target[some])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters()))
    again = derin.fit(shaken("tuple" if form != "loader" else form), model=Difference(), out=tmp_path / "b", **settings)
    assert again.metrics == run.metrics
    opened = derin.open(run.path, model=Difference())
    with torch.no_grad():
        wanted = opened.network(left[:3], right[:3]).numpy()
    for given in ({"right": x["right"][:3], "left": x["left"][:3]}, (x["left"][:3], x["right"][:3])):
        np.testing.assert_array_equal(np.stack(opened.predict(given)), wanted)
    assert run.record["preparation"]["names"] == ["left", "right"]


def test_a_bundle_of_before_takes_its_inputs_in_the_order_that_it_was_trained_with(tmp_path: Path) -> None:
    """An earlier card says no names of the network: ``right`` stood first, and went to ``left``."""
    x, y = pairs()
    run = derin.fit((x, y), model=Difference(), loss=nn.MSELoss(), epochs=1, out=tmp_path / "run", **PLAIN)
    card = run.path / "model" / "card.json"
    content = json.loads(card.read_text(encoding="utf-8"))
    content["preparation"]["names"] = content["task"]["columns"] = ["right", "left"]
    del content["task"]["by_name"], content["task"]["loss_weights"]
    card.write_text(json.dumps(content), encoding="utf-8")
    opened = derin.open(run.path, model=Difference())
    with torch.no_grad():
        wanted = opened.network(torch.from_numpy(x["right"]), torch.from_numpy(x["left"])).numpy()
    np.testing.assert_array_equal(np.stack(opened.predict(x)), wanted)


def two_sided() -> nn.Module:
    left, right = derin.Input((3,)), derin.Input((3,))
    hidden = Concat()(Dense(4, activation="tanh")(left), Dense(4, activation="relu")(right))
    return derin.Graph({"left": left, "right": right}, {"kind": Dense(2)(hidden), "size": Dense(1)(hidden)}, seed=0)


def size_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs[:, 0] - targets).square().mean()


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(dim=1) == targets).float().mean()


def test_a_graph_of_two_inputs_and_two_outputs_trains_as_a_plain_loop_and_opens_without_code(tmp_path: Path) -> None:
    x, size = pairs(20)
    y = {"size": size, "kind": (size > 0).astype(np.int64)}
    ours, plain = two_sided(), two_sided()
    settings: dict[str, Any] = {
        "loss": {"kind": nn.functional.cross_entropy, "size": size_loss},
        "loss_weights": {"size": 0.5},
        "metrics": {"kind": {"accuracy": accuracy}},
        "optimizer": sgd,
        **PLAIN,
    }
    batches = [
        ({n: v[i : i + 5] for n, v in reversed(x.items())}, {n: v[i : i + 5] for n, v in y.items()})
        for i in range(0, 20, 5)
    ]
    data = {"train": batches, "val": batches}
    run = derin.fit(data, model=ours, epochs=2, out=tmp_path / "run", **settings)
    optimizer = sgd(list(plain.parameters()))
    for _ in range(2):
        for inputs, targets in batches:
            found = plain(torch.from_numpy(inputs["left"]), torch.from_numpy(inputs["right"]))
            loss = nn.functional.cross_entropy(found["kind"], torch.from_numpy(targets["kind"]))
            loss = loss + size_loss(found["size"], torch.from_numpy(targets["size"])) * 0.5
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters()))
    measured = run.metrics["val"]
    assert set(measured) == {"loss", "kind/loss", "size/loss", "kind/accuracy"}
    assert measured["loss"] == pytest.approx(measured["kind/loss"] + 0.5 * measured["size/loss"], rel=1e-6)  # float32
    answer = derin.open(run.path).predict({"right": x["right"][0], "left": x["left"][0]})
    with torch.no_grad():
        wanted = plain(torch.from_numpy(x["left"][:1]), torch.from_numpy(x["right"][:1]))
    assert {name: value.tolist() for name, value in answer.items()} == {n: v[0].tolist() for n, v in wanted.items()}
    with pytest.raises(RuntimeError, match="broken off"):
        derin.fit(data, model=two_sided(), epochs=2, out=tmp_path / "part", callbacks=[Halt(5)], **settings)
    functions = {name: settings[name] for name in ("loss", "metrics", "optimizer")}
    part = derin.fit(data, model=two_sided(), out=tmp_path / "part", resume=True, report=False, **functions)
    assert part.metrics == run.metrics
    resumed = derin.open(part.path).network.state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in derin.open(run.path).network.state_dict().items())


def test_arrays_keep_their_shape_type_and_values(tmp_path: Path) -> None:
    seen: list[Tensor] = []

    class Seeing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return self.scale * x.float().mean(dim=(1, 2))

    values = np.random.default_rng(0).integers(0, 256, size=(30, 5, 7)).astype(np.uint8)
    run = derin.fit(
        (values, np.ones(30, np.float32)), model=Seeing(), loss=nn.MSELoss(), epochs=1, out=tmp_path / "run", **PLAIN
    )
    assert run.record["preparation"]["dtypes"] == ["uint8"]
    assert all(x.dtype == torch.uint8 and x.shape[1:] == (5, 7) for x in seen)
    known = {row.tobytes() for row in values}
    assert all(row.numpy().tobytes() in known for x in seen[2:] for row in x)


def test_what_cannot_be_trained_on_is_told_in_a_sentence(tmp_path: Path) -> None:
    x, y = two_inputs(12)
    good: dict[str, Any] = {"model": TwoInputs(), "loss": both}
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ((x, y), {"model": TwoInputs()}, "need a loss for each output"),
        ((x, y), {"model": "mlp", "loss": both}, "a network of your own"),
        ((x, y), {**good, "size": 3}, "leave size out"),
        ((x, {"size": y["size"][:3], "kind": y["kind"]}), good, "as many examples"),
        (({"left": x["left"], "top": x["right"]}, y), good, "reads left, right; the data has left, top"),
        (((x["left"],), y), good, "reads left, right; the data has input"),
        (({**x, "target": x["left"]}, y), good, "No input may be called 'target'"),
        ((x, y), {**good, "loss": {"kind": both, "age": both}}, "by its name: kind, age. The network gives size, kind"),
        ((x, y), {**good, "loss": {"kind": both}, "loss_weights": {"size": 1.0}}, "that have a loss: kind; got 'size'"),
        ((x, y), {**good, "loss_weights": {"size": 1.0}}, "belong to a loss for each output"),
        ({**x}, good, "needs its target"),
        ({"train": (x, y), "vall": (x, y)}, good, "'vall'"),
        (iter([(x, y)]), good, "iterated once for every epoch"),
        ([(1, 2, 3, 4)], good, "A batch must be"),
        (
            DataLoader(Waves(4), batch_size=2),
            {"model": network(), "loss": absolute, "batch_size": 3},
            "leave batch_size",
        ),
        ({"train": []}, good, "no examples|no batches"),
    ]
    for place, (data, settings, message) in enumerate(cases):
        with pytest.raises(DerinError, match=message):
            derin.fit(data, out=tmp_path / str(place), **PLAIN, **copy.copy(settings))


def test_weights_and_targets_of_a_dict_are_found_by_their_names(tmp_path: Path) -> None:
    def weighted(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        return (weights * (outputs[:, 0] - targets) ** 2).sum() / weights.sum()

    data = {"wave": np.ones((12, 8), np.float32), "high": np.zeros(12, np.float32), "weight": np.ones(12, np.float32)}
    run = derin.fit(data, target="high", model=network(), loss=weighted, epochs=1, out=tmp_path / "run", **PLAIN)
    assert run.record["preparation"]["names"] == ["wave"]


@pytest.mark.parametrize(
    "changed", [{"dtypes": ["load"]}, {"shapes": [[-1]]}, {"names": []}, {"shapes": "x"}, {"names": ["a", "b"]}]
)
def test_a_card_that_was_tampered_with_is_refused(changed: dict[str, Any]) -> None:
    good = {"kind": "own", "names": ["input"], "shapes": [[8]], "dtypes": ["float32"]}
    assert OwnPreparation.from_json(good).to_json() == good
    with pytest.raises(RefusedFileError):
        OwnPreparation.from_json({**good, **changed})
