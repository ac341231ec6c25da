"""Data of one's own form trains as a plain loop of torch does, and goes on where it was broken off."""

from __future__ import annotations

import copy
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
        ((x, y), {"model": TwoInputs()}, "needs a loss"),
        ((x, y), {"model": "mlp", "loss": both}, "a network of your own"),
        ((x, y), {**good, "size": 3}, "leave size out"),
        ((x, {"size": y["size"][:3], "kind": y["kind"]}), good, "as many examples"),
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
