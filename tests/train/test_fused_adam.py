"""The lean step of Adam against `torch.optim`'s, bit for bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from derin.train.optimizers.fused_adam import FusedAdam, FusedAdamW

PAIRS = [(FusedAdam, torch.optim.Adam), (FusedAdamW, torch.optim.AdamW)]


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))


def groups(model: nn.Module) -> list[dict[str, object]]:
    return [
        {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0, "lr": 0.003},
    ]


def backward(model: nn.Module, index: int, skip: bool = False) -> None:
    model.zero_grad()
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(index))
    model(x).square().mean().backward()
    if skip:
        model[0].weight.grad = None  # type: ignore[index]


@pytest.mark.parametrize(("own", "theirs"), PAIRS)
def test_every_step_equals_torchs(own: type, theirs: type) -> None:
    first, second = network(), network()
    one = own(groups(first), lr=0.01, fused=True)
    two = theirs(groups(second), lr=0.01, fused=True)
    for index in range(8):
        for optimizer in (one, two):
            optimizer.param_groups[0]["lr"] = 0.01 / (index + 1)
        # A parameter without a gradient, and the steps after it, take the long way and must agree as well.
        backward(first, index, skip=index == 4)
        backward(second, index, skip=index == 4)
        one.step()
        two.step()
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))


def test_state_goes_to_torchs_optimizer_and_back() -> None:
    first, second = network(), network()
    one, two = FusedAdamW(groups(first), fused=True), torch.optim.AdamW(groups(second), fused=True)
    for index in range(3):
        backward(first, index)
        one.step()
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    second.load_state_dict(first.state_dict())
    one.load_state_dict(copy.deepcopy(two.state_dict()))
    for index in range(3, 6):
        for model, optimizer in ((first, one), (second, two)):
            backward(model, index)
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))
    assert int(one.state[first[0].weight]["step"]) == 6  # type: ignore[index]


def test_a_group_added_later_is_trained_too() -> None:
    model, late = network(), nn.Parameter(torch.ones(3))
    optimizer = FusedAdam(model.parameters(), lr=0.1, fused=True)
    backward(model, 0)
    optimizer.step()
    optimizer.add_param_group({"params": [late]})
    for index in range(2):
        backward(model, index)
        late.grad = torch.ones(3)
        optimizer.step()
    # Adam's first steps move each weight by the rate: 0.1 twice, as its gradient does not change.
    assert late.detach().tolist() == pytest.approx([0.8] * 3, rel=1e-5)
