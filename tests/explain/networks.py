"""Small networks with what makes looking inside hard: branches, shared and in-place activations, norms, dropout."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """A stem, a block with a shortcut whose ReLU is called twice, pooling, dropout, a dense output."""

    def __init__(self, num_outputs: int = 5, *, in_place: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 7, 3, padding=1)
        self.norm = nn.BatchNorm2d(7)
        self.first = nn.Conv2d(7, 7, 3, padding=1)
        self.second = nn.Conv2d(7, 7, 3, padding=1)
        self.relu = nn.ReLU(inplace=in_place)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(7 * 4 * 5, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        x = self.relu(x + self.second(F.relu(self.first(x), inplace=self.relu.inplace)))
        return self.output(self.dropout(self.pool(x).flatten(1)))


class OwnConvolution(nn.Module):
    """A convolution that is no `nn.Conv2d`."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3) / 5)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class Backwards(nn.Module):
    """Layers that are called in another order than they were made in; one is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.late = OwnConvolution()
        self.early = nn.Conv2d(3, 3, 1)
        self.idle = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.late(self.early(x))).mean((2, 3))


def residual(num_outputs: int = 5, *, in_place: bool = True, seed: int = 0) -> Residual:
    """With weights of a seed, a norm that has seen something, and in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Residual(num_outputs, in_place=in_place)
        network.train()
        with torch.no_grad():
            for _ in range(3):
                network(pictures(6, seed=seed + 1) * 2 + 0.3)
        return network.eval()


def pictures(num: int, *, seed: int = 0) -> Tensor:
    """``(num, 3, 8, 10)``."""
    return torch.randn(num, 3, 8, 10, generator=torch.Generator().manual_seed(seed))


def in_double(network: nn.Module) -> nn.Module:
    """A copy in float64."""
    return copy.deepcopy(network).double()
