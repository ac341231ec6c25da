"""Grad-CAM agrees with Captum, Grad-CAM++ with its formula written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from tests.explain.networks import pictures, residual
from torch import nn

from derin.core.errors import ShapeError, UsageError
from derin.explain.grad_cam import grad_cam


@pytest.mark.parametrize("layer", ["stem", "norm", "first", "second", "pool"])
def test_grad_cam_agrees_with_captum(layer: str) -> None:
    x, targets = pictures(3), [4, 0, 2]
    # Captum sees the network without in-place activations, ours the one with them: the weights are the same.
    plain = residual(in_place=False)
    known = LayerGradCam(plain, plain.get_submodule(layer)).attribute(
        x, target=torch.tensor(targets), relu_attributions=True
    )
    found = grad_cam(residual(), x, targets, layer=layer)
    scale = float(known.detach().max())
    assert scale > 0
    np.testing.assert_allclose(found.maps, known[:, 0].detach(), atol=1e-5 * scale)
    large = LayerAttribution.interpolate(known, (8, 10), interpolate_mode="bilinear")
    np.testing.assert_allclose(found.values, large[:, 0].detach(), atol=1e-5 * scale)


def test_without_a_layer_the_last_maps_are_taken_and_without_a_target_the_largest_output() -> None:
    network, x = residual(), pictures(4)
    found = grad_cam(network, x)
    with torch.no_grad():
        largest = network(x).max(dim=1)
    assert found.layer == "second"
    np.testing.assert_allclose(found.scores, largest.values, rtol=1e-5)
    np.testing.assert_array_equal(found.maps, grad_cam(network, x, largest.indices.tolist(), layer="second").maps)


@pytest.mark.parametrize("flat", [False, True])
def test_grad_cam_plus_plus_is_the_formula_of_the_paper(flat: bool) -> None:
    torch.manual_seed(3)
    head = [nn.Flatten(), nn.Linear(4 * 5 * 6, 3)] if flat else [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), *head)
    x = torch.randn(2, 2, 7, 8)
    found = grad_cam(network, x, target=1, layer="1", plus_plus=True)

    weight = network[-1].weight[1].detach().double().numpy()
    with torch.no_grad():
        maps, scores = network[:2](x).double().numpy(), network(x)[:, 1].double().numpy()
    for example in range(2):
        # The score is linear in the maps: ∂S/∂A is known without any differentiation.
        slope = weight.reshape(4, 5, 6) if flat else np.broadcast_to(weight[:, None, None] / 30, (4, 5, 6))
        total = np.zeros((5, 6))
        for unit in range(4):
            y = np.exp(scores[example])
            first, second, third = y * slope[unit], y * slope[unit] ** 2, y * slope[unit] ** 3
            below = 2 * second + maps[example, unit].sum() * third
            alpha = np.where(below != 0, second / np.where(below != 0, below, 1), 0)
            total += (alpha * np.maximum(first, 0)).sum() * maps[example, unit]
        known = np.maximum(total, 0) / np.exp(scores[example])
        np.testing.assert_allclose(found.maps[example], known, rtol=1e-4, atol=1e-6)


def test_a_score_of_ones_own_is_explained() -> None:
    network, x = residual(), pictures(2)
    both = grad_cam(network, x, lambda output: output[:, 1] + output[:, 3], layer="pool")
    assert both.scores.shape == (2,)
    np.testing.assert_allclose(both.scores, network(x)[:, [1, 3]].sum(1).detach(), rtol=1e-4)


@pytest.mark.parametrize("target", [5, -1, [0, 1, 5], [0, 1]])
def test_a_target_that_is_not_there_is_refused(target: int | list[int]) -> None:
    with pytest.raises(UsageError, match="target"):
        grad_cam(residual(), pictures(3), target)


def test_a_layer_without_maps_is_refused() -> None:
    with pytest.raises(ShapeError, match="'output' gave shape"):
        grad_cam(residual(), pictures(2), layer="output")
