"""The fast form of a network says what the network says, and follows it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from derin.models import MODELS, build, inference
from derin.models.inference import TracedInference

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


def called(warm: TracedInference, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return warm(x)


def prepared(warm: TracedInference, x: Tensor) -> dict[str, float]:
    with torch.inference_mode():
        return warm.prepare(x)


@pytest.mark.parametrize(("name", "shape"), SMALL)
def test_outputs_are_those_of_the_network_at_several_batch_sizes(name: str, shape: tuple[int, ...]) -> None:
    network = network_for(name, shape)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    warm = TracedInference(network)
    for batch in (1, 5):
        x = inputs(batch, shape)
        with torch.no_grad():
            expected = network(x)
        assert torch.equal(called(warm, x), expected)  # the network itself, until a program was asked for
        prepared(warm, x)
        require_same(called(warm, x), expected)
    assert warm.num_programs == 2
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_larger_networks_are_recorded_at_their_papers_size(name: str) -> None:
    shape = MODELS[name].native_input
    network, x = network_for(name, shape), inputs(1, shape)
    warm = TracedInference(network)
    with torch.no_grad():
        expected = network(x)
    prepared(warm, x)
    require_same(called(warm, x), expected)
    assert warm.num_programs == 1


@pytest.fixture
def warm() -> TracedInference:
    return TracedInference(network_for("convnet", (3, 9, 11)))


X = inputs(3, (3, 9, 11))


def test_nothing_is_recorded_unless_it_is_asked_for(warm: TracedInference) -> None:
    for _ in range(5):
        called(warm, X)
    assert warm.num_programs == 0


def load(network: nn.Module) -> None:
    network.load_state_dict({name: value * 2 for name, value in network.state_dict().items()})


def train_a_step(network: nn.Module) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    network(X).sum().backward()
    optimizer.step()


def through_numpy(network: nn.Module) -> None:
    values = first(network).detach().numpy()
    values *= 1.7


def first(network: nn.Module) -> nn.Parameter:
    return next(network.parameters())


def norm(network: nn.Module) -> nn.BatchNorm2d:
    return next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))


def convolution(network: nn.Module) -> nn.Conv2d:
    return next(m for m in network.modules() if isinstance(m, nn.Conv2d))


def update_statistics(network: nn.Module) -> None:
    norm(network).train()
    with torch.no_grad():
        network(3 * X)
    norm(network).eval()


def replace_an_activation(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.Tanh())


@torch.no_grad()
def scale_in_place(network: nn.Module) -> None:
    first(network).mul_(1.7)


@torch.inference_mode()
def scale_in_inference_mode(network: nn.Module) -> None:
    first(network).mul_(1.7)


def scale_one_number(network: nn.Module) -> None:
    list(network.parameters())[-1].data[-1] += 1e-3


CHANGES = {
    "in place": scale_in_place,
    "in inference mode": scale_in_inference_mode,
    "through .data": lambda network: first(network).data.mul_(1.7),
    "other .data": lambda network: setattr(first(network), "data", first(network).data * 1.7),
    "one number through .data": scale_one_number,
    "through numpy": through_numpy,
    "another parameter": lambda network: setattr(
        convolution(network), "weight", nn.Parameter(convolution(network).weight.detach() * 1.7)
    ),
    "load_state_dict": load,
    "a step of an optimizer": train_a_step,
    "a buffer through .data": lambda network: norm(network).running_mean.data.add_(0.5),
    "running averages": update_statistics,
    "another activation": replace_an_activation,
    "a setting": lambda network: setattr(norm(network), "eps", 0.5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_network_never_gives_an_old_answer(change: str, warm: TracedInference) -> None:
    prepared(warm, X)
    before = called(warm, X)
    assert warm.is_current
    CHANGES[change](warm.network)
    with torch.no_grad():
        expected = warm.network(X)
    assert not torch.allclose(before, expected, rtol=1e-6, atol=1e-7)
    assert not warm.is_current
    assert torch.equal(called(warm, X), expected)  # the network itself, to the bit
    prepared(warm, X)
    require_same(called(warm, X), expected)
    assert (warm.is_current, warm.num_programs) == (True, 1)


def test_a_change_that_is_taken_back_is_none(warm: TracedInference) -> None:
    prepared(warm, X)
    weight = first(warm.network)
    kept = weight.detach().clone()
    weight.data.zero_()
    assert not warm.is_current
    weight.data.copy_(kept)
    assert warm.is_current


def test_programs_of_other_shapes_fall_with_a_change(warm: TracedInference) -> None:
    prepared(warm, X)
    first(warm.network).data.mul_(1.7)
    prepared(warm, X[:1])
    assert warm.num_programs == 1
    with torch.no_grad():
        assert torch.equal(called(warm, X), warm.network(X))


def test_weights_that_are_no_number_are_compared_by_their_bits(warm: TracedInference) -> None:
    with torch.no_grad():
        first(warm.network)[0] = float("nan")
    warm.frozen()
    assert warm.is_current
    with torch.no_grad():
        first(warm.network)[0] = -0.0
    warm.frozen()
    with torch.no_grad():
        first(warm.network)[0] = 0.0
    assert not warm.is_current


def test_hooks_are_called(warm: TracedInference) -> None:
    prepared(warm, X)
    seen: list[Tensor] = []
    handle = next(m for m in warm.network.modules() if isinstance(m, nn.Conv2d)).register_forward_hook(
        lambda module, given, output: seen.append(output)
    )
    called(warm, X)
    called(warm, X)
    handle.remove()
    called(warm, X)
    assert len(seen) == 2


def test_training_mode_and_gradients_take_the_plain_network(warm: TracedInference) -> None:
    prepared(warm, X)
    warm.network.train()
    assert called(warm, X).grad_fn is None
    warm.network.eval()
    warm(X).sum().backward()
    assert all(p.grad is not None for p in warm.network.parameters())


def test_a_network_of_ones_own_that_branches_on_its_data_is_never_recorded() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.mean() > 0 else -x

    warm = TracedInference(Branching().eval())
    assert set(prepared(warm, torch.ones(2, 3))) == {"torch"}
    assert torch.equal(called(warm, -torch.ones(2, 3)), torch.ones(2, 3))
    assert warm.num_programs == 0


def test_a_registered_network_that_draws_numbers_is_given_up(warm: TracedInference) -> None:
    noise = nn.Dropout(0.5)
    noise.train()
    drawing = nn.Sequential(warm.network, noise)
    drawing.spec = warm.network.spec  # type: ignore[assignment]
    drawing.training = False
    drawn = TracedInference(drawing)
    assert set(prepared(drawn, X)) == {"torch"}
    assert not torch.equal(called(drawn, X), called(drawn, X))


def test_users_own_programs_keep_their_setting_of_fusion(warm: TracedInference) -> None:
    before = torch.jit.onednn_fusion_enabled()
    prepared(warm, X)
    called(warm, X)
    assert torch.jit.onednn_fusion_enabled() == before


def test_a_program_that_is_slower_than_the_network_is_not_used(
    warm: TracedInference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "_seconds", lambda call, x: 2.0 if isinstance(call, inference._Program) else 1.0)
    x = inputs(2, (3, 9, 11))
    with torch.inference_mode():
        expected = warm.network(x)
    prepared(warm, x)
    assert torch.equal(called(warm, x), expected)  # to the bit: nothing was joined
    assert warm.num_programs == 0
