"""What learns in which epoch, and that a frozen layer is left alone to the bit."""

from __future__ import annotations

import copy
import itertools
import json

import pytest
import torch
from torch import nn

from derin.core.errors import RefusedFileError, UsageError
from derin.train.freezing import GroupSchedule, Unfreezing, frozen, gradual
from derin.train.optimizers import build_optimizer
from derin.train.optimizers.build import set_lr

GROUPS = [["stem", "norm"], ["middle"], ["output"]]


def network() -> nn.Module:
    model = nn.Sequential()
    model.add_module("stem", nn.Linear(3, 5))
    model.add_module("norm", nn.BatchNorm1d(5))
    model.add_module("middle", nn.Linear(5, 4))
    model.add_module("drop", nn.Dropout(0.5))
    model.add_module("output", nn.Linear(4, 2))
    return model


def step(model: nn.Module, schedule: Unfreezing, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    schedule.set_epoch(model.train(), epoch)
    optimizer.zero_grad()
    model(torch.randn(7, 3)).square().sum().backward()
    optimizer.step()


def moved(model: nn.Module, before: nn.Module) -> set[str]:
    old = before.state_dict()
    return {n.split(".")[0] for n, v in model.state_dict().items() if not torch.equal(v, old[n])}


@pytest.mark.parametrize("optimizer_name", ["adamw", "nesterov", "muon", "lion"])
def test_each_epoch_moves_the_groups_of_its_schedule_and_no_other(optimizer_name: str) -> None:
    model, schedule = network(), gradual(GROUPS, 4)
    optimizer = build_optimizer(optimizer_name, model, learning_rate=0.1, weight_decay=0.1, rates=schedule.rates(model))
    for epoch, expected in enumerate([{"output"}, {"middle", "output"}, {"stem", "norm", "middle", "output"}]):
        before = copy.deepcopy(model)
        step(model, schedule, optimizer, epoch)
        assert moved(model, before) == expected


def test_gradual_starts_with_the_output_and_ends_with_everything() -> None:
    for num_groups in (1, 2, 7, 40):
        for num_epochs in (1, 2, 5, 30):
            groups = gradual([[str(i)] for i in range(num_groups)], num_epochs).groups
            starts = [group.from_epoch for group in groups]
            assert starts[-1] == 0
            assert starts == sorted(starts, key=lambda start: -(start or 0))
            assert all(start is not None and start < num_epochs for start in starts)
            assert groups[0].lr_multiplier == pytest.approx(1 / 2.6**4 if num_groups > 1 else 1.0)


def test_five_groups_fall_by_the_papers_factor() -> None:
    rates = [group.lr_multiplier for group in gradual([[str(i)] for i in range(5)], 8).groups]
    assert [later / earlier for earlier, later in itertools.pairwise(rates)] == pytest.approx([2.6] * 4)


def test_rates_are_those_of_the_optimizer() -> None:
    model = network()
    schedule = Unfreezing(
        (
            GroupSchedule(parts=("stem", "norm"), from_epoch=None),
            GroupSchedule(parts=("middle",), from_epoch=1, lr_multiplier=0.25),
        )
    )
    optimizer = build_optimizer("adamw", model, learning_rate=0.1, weight_decay=0.1, rates=schedule.rates(model))
    set_lr(optimizer, 0.4)
    found = {name: group["lr"] for group in optimizer.param_groups for name in group["param_names"]}
    assert found == pytest.approx({"middle.weight": 0.1, "middle.bias": 0.1, "output.weight": 0.4, "output.bias": 0.4})


def test_the_schedule_survives_json() -> None:
    schedule = frozen(GROUPS, 1)
    assert Unfreezing.from_json(json.loads(json.dumps(schedule.to_json()))) == schedule
    with pytest.raises(RefusedFileError, match="unfreezing"):
        Unfreezing.from_json([{"parts": ["a"]}])


def test_freezing_everything_is_refused() -> None:
    with pytest.raises(UsageError, match="3 layer groups"):
        frozen(GROUPS, 3)
