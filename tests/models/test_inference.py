"""The fast form of a network says what the network says, and follows it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from derin.models import MODELS, build, inference
from derin.models.inference import WarmNetwork

CALLS = 7

# One network for each way of joining steps; `benchmarks/inference.py` compares every one of the registry.
SMALL = [
    ("mlp", (5,)),
    ("lenet5", (1, 28, 29)),
    ("lenet5_1998", (1, 28, 29)),
    ("convnet", (3, 17, 19)),
    ("resnet20", (3, 17, 19)),
    ("squeezenet1_1", (3, 33, 35)),
]
LARGE = ["resnet18", "mobilenet_v2", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "vit_s_16"]


@pytest.fixture(autouse=True)
def programs_are_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is faster on a busy machine is left to chance nowhere but in the benchmark."""
    monkeypatch.setattr(inference, "_seconds", lambda call, x: 1.0 if isinstance(call, inference._Program) else 2.0)


def network_for(name: str, shape: tuple[int, ...]) -> nn.Module:
    """With norms that do something: fresh ones fold into nothing."""
    network = build(name, input_shape=shape, num_outputs=7, seed=0).eval()
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in ((module.running_mean, -0.2, 0.2), (module.running_var, 0.7, 1.4)):
                values.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)
    return network


def inputs(batch: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))


def require_same(found: Tensor, expected: Tensor) -> None:
    assert float((found - expected).abs().max()) <= 1e-4 * float(expected.abs().max())


def called(warm: WarmNetwork, x: Tensor, calls: int = CALLS) -> Tensor:
    with torch.inference_mode():
        for _ in range(calls):
            output = warm(x)
    return output


@pytest.mark.parametrize(("name", "shape"), SMALL)
def test_outputs_are_those_of_the_network_at_several_batch_sizes(name: str, shape: tuple[int, ...]) -> None:
    network = network_for(name, shape)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    warm = WarmNetwork(network)
    for batch in (1, 5):
        x = inputs(batch, shape)
        with torch.no_grad():
            expected = network(x)
        require_same(called(warm, x), expected)
    assert warm.num_programs == 2
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_larger_networks_are_recorded_at_their_papers_size(name: str) -> None:
    shape = MODELS[name].native_input
    network, x = network_for(name, shape), inputs(1, shape)
    warm = WarmNetwork(network)
    with torch.no_grad():
        expected = network(x)
    require_same(called(warm, x, 4), expected)
    assert warm.num_programs == 1


@pytest.fixture
def warm() -> WarmNetwork:
    return WarmNetwork(network_for("convnet", (3, 9, 11)))


X = inputs(3, (3, 9, 11))


def test_a_single_prediction_is_not_kept_waiting_by_a_recording(warm: WarmNetwork) -> None:
    called(warm, X, 2)
    assert warm.num_programs == 0
    called(warm, X, 1)
    assert warm.num_programs == 1


def test_changed_weights_are_seen_at_the_next_call(warm: WarmNetwork) -> None:
    before = called(warm, X)
    with torch.no_grad():
        next(warm.network.parameters()).mul_(1.7)
        expected = warm.network(X)
    assert not torch.allclose(before, expected)
    require_same(called(warm, X, 1), expected)
    require_same(called(warm, X), expected)


def test_replaced_values_of_a_parameter_are_seen_at_the_next_call(warm: WarmNetwork) -> None:
    called(warm, X)
    first = next(warm.network.parameters())
    first.data = first.data * 1.7
    with torch.no_grad():
        require_same(called(warm, X, 1), warm.network(X))


def test_hooks_are_called(warm: WarmNetwork) -> None:
    called(warm, X)
    seen: list[Tensor] = []
    handle = next(m for m in warm.network.modules() if isinstance(m, nn.Conv2d)).register_forward_hook(
        lambda module, given, output: seen.append(output)
    )
    called(warm, X, 2)
    handle.remove()
    called(warm, X, 1)
    assert len(seen) == 2


def test_training_mode_and_gradients_take_the_plain_network(warm: WarmNetwork) -> None:
    called(warm, X)
    warm.network.train()
    assert called(warm, X, 1).grad_fn is None
    warm.network.eval()
    warm(X).sum().backward()
    assert all(p.grad is not None for p in warm.network.parameters())


def test_a_network_of_ones_own_that_branches_on_its_data_is_never_recorded() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.mean() > 0 else -x

    warm = WarmNetwork(Branching().eval())
    called(warm, torch.ones(2, 3))
    assert torch.equal(called(warm, -torch.ones(2, 3)), torch.ones(2, 3))
    assert warm.num_programs == 0


def test_a_registered_network_that_draws_numbers_is_given_up(warm: WarmNetwork) -> None:
    noise = nn.Dropout(0.5)
    noise.train()
    drawing = nn.Sequential(warm.network, noise)
    drawing.spec = warm.network.spec  # type: ignore[assignment]
    drawing.training = False
    drawn = WarmNetwork(drawing)
    outputs = [called(drawn, X, 1) for _ in range(CALLS)]
    assert drawn.num_programs == 0
    assert not torch.equal(outputs[-1], outputs[-2])


def test_users_own_programs_keep_their_setting_of_fusion(warm: WarmNetwork) -> None:
    before = torch.jit.onednn_fusion_enabled()
    called(warm, X)
    assert torch.jit.onednn_fusion_enabled() == before


def test_no_more_programs_are_kept_than_two(warm: WarmNetwork) -> None:
    for batch in (1, 2, 4):
        called(warm, inputs(batch, (3, 9, 11)), 3)
    assert warm.num_programs == 2


def test_a_program_that_is_slower_than_the_network_is_not_used(
    warm: WarmNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "_seconds", lambda call, x: 2.0 if isinstance(call, inference._Program) else 1.0)
    x = inputs(2, (3, 9, 11))
    with torch.inference_mode():
        expected = warm.network(x)
    assert torch.equal(called(warm, x), expected)  # to the bit: nothing was joined
    assert warm.num_programs == 0
