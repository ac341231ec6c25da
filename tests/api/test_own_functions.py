"""A loss, a metric, an optimizer and a schedule of the caller's own."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import derin
from derin.core.errors import UsageError
from derin.core.files import read_json
from derin.tasks.own_functions import OwnLoss

QUICK: dict[str, Any] = {"epochs": 3, "plan": "plain", "threads": 1, "report": False, "model": "mlp"}


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets)


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(dim=1) == targets).float().mean()


class Hits:
    def __init__(self) -> None:
        self.right = 0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.right += int((outputs.argmax(dim=1) == targets).sum())

    def compute(self) -> int:
        return self.right


def adam(parameters: list[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Adamax(parameters, lr=0.02)


def falling(progress: float) -> float:
    return 1 - 0.5 * progress


OWN: dict[str, Any] = {
    "loss": cross_entropy,
    "metrics": {"right": accuracy, "hits": Hits},
    "optimizer": adam,
    "schedule": falling,
}


class Halt(derin.Callback):
    def __init__(self, after: int) -> None:
        self.after = after

    def on_step(self, loop: Any) -> None:
        if loop.step == self.after:
            raise RuntimeError("broken off")


def test_an_own_loss_that_is_the_task_s_gives_the_same_bits_and_own_metrics_stand_beside(tmp_path: Path) -> None:
    usual = derin.fit("iris", out=tmp_path / "a", label_smoothing=0.0, **QUICK)
    metrics = {"right": accuracy, "hits": Hits}
    own = derin.fit("iris", out=tmp_path / "b", label_smoothing=0.0, loss=cross_entropy, metrics=metrics, **QUICK)
    for split, values in usual.metrics.items():
        assert {name: own.metrics[split][name] for name in values} == values
        assert own.metrics[split]["right"] == pytest.approx(values["accuracy"])
        assert own.metrics[split]["hits"] == round(values["accuracy"] * own.record["num_examples"][split])
    assert own.history[0]["val"]["right"] == pytest.approx(own.history[0]["val"]["accuracy"])
    # Who predicts needs neither.
    assert (
        derin.open(own.path).predict([5.1, 3.5, 1.4, 0.2]).label
        == derin.open(usual.path).predict([5.1, 3.5, 1.4, 0.2]).label
    )


def test_a_run_broken_off_and_resumed_with_own_functions_equals_one_that_was_not(tmp_path: Path) -> None:
    whole = derin.fit("iris", out=tmp_path / "whole", **OWN, **QUICK)
    record = read_json(whole.path / "run.json")
    assert record["config"]["optimizer"] == f"own:{__name__}.adam"
    assert record["config"]["learning_rate"] == 0.02
    assert record["request"]["options"]["metrics"]["hits"] == f"own:{__name__}.Hits"
    with pytest.raises(RuntimeError, match="broken off"):
        derin.fit("iris", out=tmp_path / "part", callbacks=[Halt(3)], **OWN, **QUICK)
    with pytest.raises(UsageError, match=r"was started with \w+=.*of your own; give it again"):
        derin.fit(out=tmp_path / "part", resume=True, report=False)
    with pytest.raises(UsageError, match="was started with loss="):
        derin.fit(out=tmp_path / "part", resume=True, **{**OWN, "loss": accuracy})
    part = derin.fit(out=tmp_path / "part", resume=True, report=False, **OWN)
    assert part.metrics == whole.metrics
    weights = [derin.open(run.path).network.state_dict() for run in (whole, part)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_own_optimizer_and_schedule_make_the_steps_that_torch_makes() -> None:
    from derin.train.optimizers import build_optimizer, set_lr
    from derin.train.schedules import build_schedule

    torch.manual_seed(0)
    ours, plain = nn.Linear(3, 2), nn.Linear(3, 2)
    plain.load_state_dict(ours.state_dict())

    def two_rates(parameters: list[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD([{"params": parameters[:1], "lr": 0.25}, {"params": parameters[1:], "lr": 0.125}])

    optimizer, reference = build_optimizer(two_rates, ours, learning_rate=0.25), two_rates(list(plain.parameters()))
    rate = build_schedule(falling, learning_rate=0.25, total_examples=4, examples_per_epoch=4)
    for step in range(4):
        x = torch.randn(5, 3)
        set_lr(optimizer, rate(step))
        for group, first in zip(reference.param_groups, (0.25, 0.125)):
            group["lr"] = first * falling(step / 4)
        for network, moving in ((ours, optimizer), (plain, reference)):
            moving.zero_grad()
            network(x).square().mean().backward()
            moving.step()
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters()))


def test_weights_of_examples_reach_a_loss_that_takes_them_and_no_other() -> None:
    weights, outputs, targets = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])

    def weighted(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        return (weights * (outputs - targets) ** 2).sum() / weights.sum()

    loss, total = OwnLoss(weighted)(outputs, targets, weights)
    assert (float(loss), float(total or 0)) == (0.25, 4.0)
    with pytest.raises(UsageError, match="weights"):
        OwnLoss(nn.MSELoss())(outputs, targets, weights)
    with pytest.raises(UsageError, match=r"must give one number.*shape \(2,\)"):
        OwnLoss(nn.MSELoss(reduction="none"))(outputs, targets)
    with pytest.raises(UsageError, match="1 arguments"):
        OwnLoss(lambda outputs: outputs)


def test_what_cannot_be_a_loss_a_metric_an_optimizer_or_a_schedule_is_told(tmp_path: Path) -> None:
    wrongs: tuple[tuple[dict[str, Any], str], ...] = (
        ({"metrics": {"m": 3}}, "metric 'm'"),
        ({"optimizer": lambda parameters: 3}, "must make a torch.optim.Optimizer"),
        ({"optimizer": adam, "learning_rate": 0.1}, "leave learning_rate out"),
        ({"schedule": lambda progress: math.nan}, "a factor of at least 0"),
        ({"loss": lambda outputs, targets: 3.0}, "as a tensor; got float"),
    )
    for place, (wrong, message) in enumerate(wrongs):
        with pytest.raises(UsageError, match=message):
            derin.fit("iris", out=tmp_path / str(place), **{**QUICK, **wrong})
