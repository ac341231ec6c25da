"""Intermediate activations are what the layers give, whatever comes after works on in place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explain.networks import pictures, residual
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.explain.activations import Activations, activations


def test_maps_are_those_of_the_network_cut_off_at_the_layer() -> None:
    network, plain, x = residual(), residual(in_place=False), pictures(3)
    found = {layer.layer: layer.maps for layer in activations(network, x, ["norm", "first", "pool", "stem"])}
    with torch.no_grad():
        stem = plain.stem(x)
        norm = plain.norm(stem)
        first = plain.first(norm.relu())
        pool = plain.pool((norm.relu() + plain.second(first.relu())).relu())
    for name, known in {"stem": stem, "norm": norm, "first": first, "pool": pool}.items():
        np.testing.assert_allclose(found[name], known, atol=1e-5)
    assert found["norm"].min() < 0  # the activation behind it has not overwritten it


def test_of_a_layer_that_is_called_twice_the_last_call_is_kept() -> None:
    (found,) = activations(residual(), pictures(2), ["relu"])
    (pooled,) = activations(residual(), pictures(2), ["pool"])
    np.testing.assert_array_equal(nn.functional.max_pool2d(torch.from_numpy(found.maps), 2), pooled.maps)


def test_units_that_vary_most_come_first_and_silent_ones_are_counted() -> None:
    maps = np.zeros((2, 4, 3, 3), np.float32)
    maps[0, 1, 0, 0], maps[0, 3, 1, 1], maps[1, 2, 2, 2] = 2, 7, 9
    found = Activations("conv", maps)
    assert found.strongest(2) == [3, 1]
    assert found.strongest(1, example=1) == [2]
    assert found.silent == 1


def test_layers_without_maps_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"'output' gave shape \(2, 5\)"):
        activations(residual(), pictures(2), ["output"])
    with pytest.raises(UsageError, match="did you mean 'stem'"):
        activations(residual(), pictures(2), ["stam"])
