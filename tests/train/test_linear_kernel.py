"""Dense layers through oneDNN against NumPy in float64, and their place in plans."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from derin.core.onednn import has_onednn
from derin.train.linear_kernel import use_blas, use_onednn
from derin.train.plan import Plan, candidates

pytestmark = pytest.mark.skipif(not has_onednn(torch.float32), reason="this torch has no oneDNN")
# Single precision adds a few dozen products with a relative error of some 1e-7 each.
TOLERANCE = 1e-5


@pytest.mark.parametrize("leading", [(5,), (3, 2), ()])
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_and_gradients_are_those_of_the_equations(leading: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(1)
    layer = nn.Linear(7, 4, bias=bias)
    x = torch.randn(*leading, 7, requires_grad=True)
    upstream = torch.randn(*leading, 4)
    use_onednn(layer)
    outputs = layer(x)
    outputs.backward(upstream)
    rows, weight = x.detach().double().numpy().reshape(-1, 7), layer.weight.detach().double().numpy()
    gradient = upstream.double().numpy().reshape(-1, 4)
    expected = rows @ weight.T + (layer.bias.detach().double().numpy() if bias else 0.0)
    assert np.allclose(outputs.detach().numpy().reshape(-1, 4), expected, atol=TOLERANCE)
    assert np.allclose(x.grad.numpy().reshape(-1, 7), gradient @ weight, atol=TOLERANCE)
    assert np.allclose(layer.weight.grad.numpy(), gradient.T @ rows, atol=TOLERANCE)
    if bias:
        assert np.allclose(layer.bias.grad.numpy(), gradient.sum(0), atol=TOLERANCE)


def test_names_and_copies_stay_and_the_blas_comes_back() -> None:
    model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2))
    names = list(model.state_dict())
    Plan.parse("fp32,onednn").place(model)
    again = copy.deepcopy(model)
    with torch.no_grad():
        again[0].weight.zero_()  # the copy computes with its own weights
        again[0].bias.zero_()
    assert list(model.state_dict()) == names
    x = torch.randn(3, 5)
    assert torch.equal(again(x)[0], again(x)[1])
    assert not torch.equal(model(x)[0], model(x)[1])
    use_blas(model)
    assert all("forward" not in module.__dict__ for module in model.modules())


def test_a_class_of_ones_own_keeps_its_way() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    layer = Doubled(3, 2)
    before = layer(torch.ones(1, 3))
    use_onednn(layer)
    assert torch.equal(layer(torch.ones(1, 3)), before)


def test_it_is_tried_where_only_fp32_is_allowed_and_something_is_dense() -> None:
    options = {"device_type": "cpu", "fused": True, "forbids": frozenset()}
    assert any(plan.onednn for plan in candidates(nn.Linear(3, 2), text="auto:fp32", **options))
    assert not any(plan.onednn for plan in candidates(nn.Linear(3, 2), text="auto", **options))
    assert not any(plan.onednn for plan in candidates(nn.Conv2d(3, 2, 1), text="auto:fp32", **options))
