"""Looking changes nothing: modes, hooks, gradients, buffers and outputs are as before, also after an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.explain.networks import pictures, residual
from torch import nn

from derin.core.errors import DerinError
from derin.explain.activations import activations
from derin.explain.deconvnet import deconvnet
from derin.explain.filters import filter_patterns
from derin.explain.grad_cam import grad_cam
from derin.explain.integrated_gradients import integrated_gradients
from derin.explain.occlusion import occlusion

LOOKS: dict[str, Callable[[nn.Module, torch.Tensor], object]] = {
    "grad_cam": lambda network, x: grad_cam(network, x),
    "grad_cam_plus_plus": lambda network, x: grad_cam(network, x, layer="norm", plus_plus=True),
    "integrated_gradients": lambda network, x: integrated_gradients(network, x, num_steps=4, tolerance=None),
    "occlusion": lambda network, x: occlusion(network, x, patch=4),
    "activations": lambda network, x: activations(network, x),
    "deconvnet": lambda network, x: deconvnet(network, x),
    "filters": lambda network, x: filter_patterns(network, "first", [1, 3], input_shape=(3, 8, 10), steps=2),
    "an error": lambda network, x: grad_cam(network, x, 99),
    "an unknown layer": lambda network, x: activations(network, x, ["stem", "nowhere"]),
}


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("without_gradients", [False, True])
def test_looking_changes_nothing(look: str, without_gradients: bool) -> None:
    network, x = residual(), pictures(2)
    network.train()
    network.pool.eval()
    network.stem.weight.requires_grad_(False)
    marked = torch.full_like(network.output.weight, 3.0)
    network.output.weight.grad = marked
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    x_before, random_before = x.clone(), torch.get_rng_state()

    with torch.inference_mode(without_gradients):
        try:
            LOOKS[look](network, x)
        except DerinError:
            assert look.startswith("an ")
        else:
            assert not look.startswith("an ")

    assert [module.training for module in network.modules()] == modes
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    for module in network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert network.output.weight.grad is marked
    assert torch.equal(marked, torch.full_like(marked, 3.0))
    assert all(p.grad is None for name, p in network.named_parameters() if name != "output.weight")
    assert [name for name, p in network.named_parameters() if not p.requires_grad] == ["stem.weight"]
    assert torch.equal(x, x_before)
    assert torch.equal(torch.get_rng_state(), random_before)
