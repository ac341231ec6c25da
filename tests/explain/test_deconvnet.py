"""The deconvnet agrees with its definition in NumPy: unpooling by switches, rectifying, transposed filters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.explain.networks import pictures, residual
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.explain.deconvnet import deconvnet


def transposed(maps: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Each value paints its filter onto the maps below, ``(O, h, w)`` → ``(I, h + f − 1, w + f − 1)``."""
    _, inputs, side, _ = filters.shape
    below = np.zeros((inputs, maps.shape[1] + side - 1, maps.shape[2] + side - 1))
    for unit, row, column in np.argwhere(maps):
        below[:, row : row + side, column : column + side] += maps[unit, row, column] * filters[unit]
    return below


def unpooled(maps: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Each value goes to the place that was the largest of its 2 × 2 window in the forward pass."""
    out = np.zeros_like(below)
    for unit, row, column in np.argwhere(maps):
        window = below[unit, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        down, right = divmod(int(window.argmax()), 2)
        out[unit, 2 * row + down, 2 * column + right] = maps[unit, row, column]
    return out


class Functional(nn.Module):
    """The same layers with functions in place of modules."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.a, self.b, self.c = layers[0], layers[3], layers[5]

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu_(self.a(x)), 2)
        return self.c(self.b(x).relu())


@pytest.fixture(scope="module")
def layers() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(inplace=True),
            nn.Conv2d(5, 3, 2),
        )  # fmt: skip


@pytest.mark.parametrize("functional", [False, True])
def test_projections_are_those_of_the_definition(layers: nn.Sequential, functional: bool) -> None:
    network, name = (Functional(layers), "c") if functional else (layers, "5")
    x = torch.randn(3, 2, 14, 16, generator=torch.Generator().manual_seed(2))
    found_name, found = deconvnet(network, x, units=[2, 0, 1], num_examples=2)
    assert found_name == name
    a, b, c = (layers[place].weight.detach().double().numpy() for place in (0, 3, 5))
    with torch.no_grad():
        answers, first = layers(x).numpy(), layers[:2](x).double().numpy()
    expected = [
        (unit, int(example))
        for unit in (2, 0, 1)
        for example in np.argsort(-answers[:, unit].reshape(3, -1).max(axis=1))[:2]
        if answers[example, unit].max() > 0
    ]
    assert [(one.unit, one.example) for one in found] == expected
    assert len(found) >= 3
    for one in found:
        alone = np.zeros(answers.shape[1:])
        place = np.unravel_index(answers[one.example, one.unit].argmax(), answers.shape[2:])
        assert one.place == place
        alone[(one.unit, *place)] = one.activation
        back = np.maximum(transposed(alone, c), 0)
        back = np.maximum(unpooled(transposed(back, b), first[one.example]), 0)
        back = transposed(back, a)
        np.testing.assert_allclose(one.values, back, rtol=1e-4, atol=1e-5)
        top, left, bottom, right = one.box
        outside = np.abs(back)
        outside[:, top:bottom, left:right] = 0
        assert outside.max() <= 0.0101 * np.abs(back).max()


def test_the_rule_differs_from_the_gradient_where_a_rectifier_was_closed(layers: nn.Sequential) -> None:
    x = torch.randn(1, 2, 14, 16, generator=torch.Generator().manual_seed(2)).requires_grad_()
    _, (found, *_) = deconvnet(layers, x, num_units=1)
    row, column = found.place
    (gradient,) = torch.autograd.grad(layers(x)[0, found.unit, row, column] * found.activation, x)
    assert np.abs(gradient[0].numpy() - found.values).max() > 1e-3
    _, (linear, *_) = deconvnet(layers, x.detach(), "0", num_units=1)
    row, column = linear.place
    (gradient,) = torch.autograd.grad(layers[0](x)[0, linear.unit, row, column] * linear.activation, x)
    np.testing.assert_allclose(linear.values, gradient[0], atol=1e-5)


def test_branches_norms_and_in_place_activations_are_passed() -> None:
    name, found = deconvnet(residual(), pictures(4), num_units=3)
    assert name == "second"
    assert len({one.unit for one in found}) == 3
    assert [one.activation for one in found] == sorted((one.activation for one in found), reverse=True)
    assert all(np.isfinite(one.values).all() and one.values.any() for one in found)


def test_units_that_are_not_there_are_refused_and_silent_ones_left_out(layers: nn.Sequential) -> None:
    x = torch.zeros(1, 2, 14, 16)
    with pytest.raises(UsageError, match="from 0 to 2; got 3"):
        deconvnet(layers, x, units=[3])
    silent = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False))
    assert deconvnet(silent, torch.zeros(1, 1, 5, 6))[1] == []
