"""torch's optimizers without its compiler: the same bits, and nothing of the compiler is loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from derin.train.optimizers import eager

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adagrad", {}),
    ("RMSprop", {"centered": True, "foreach": True}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {"fused": True}),
    ("NAdam", {"foreach": True}),
]


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_every_step_equals_torchs(name: str, options: dict[str, Any]) -> None:
    found = []
    for source in (eager, torch.optim):
        torch.manual_seed(3)
        network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
        optimizer = getattr(source, name)(network[0].parameters(), lr=0.01, weight_decay=0.1, **options)
        optimizer.add_param_group({"params": list(network[2].parameters()), "lr": 0.03})
        for _ in range(4):
            optimizer.zero_grad()
            network(torch.randn(4, 5)).square().mean().backward()
            optimizer.step()
        assert all(p.requires_grad for p in network.parameters())
        found.append(
            [*network.parameters(), *(value for state in optimizer.state.values() for value in state.values())]
        )
    assert len(found[0]) == len(found[1]) > 4
    assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in zip(*found))


def test_no_optimizer_loads_the_compiler() -> None:
    script = """
import sys, torch
from derin.train.optimizers import OPTIMIZERS, build_optimizer
for name in OPTIMIZERS:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2))
    optimizer = build_optimizer(name, layer, learning_rate=0.1)
    layer(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
assert len(OPTIMIZERS) > 9 and "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
