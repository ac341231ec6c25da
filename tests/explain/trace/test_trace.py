"""One traced step: what it records, that it agrees with PyTorch, and what it says of networks it cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.models.small_networks import REPRESENTATIVES, build_small
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from derin.core.errors import UsageError
from derin.explain.trace import operations
from derin.explain.trace.capture import is_readable
from derin.explain.trace.engine import backward, contributions, run
from derin.explain.trace.graph import Graph, Node, Ref
from derin.explain.trace.trace import trace
from derin.models.signature import example_inputs


class Small(nn.Module):
    """Convolution, normalization in place, dropout and two dense layers, one of them used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True))
        self.drop = nn.Dropout(0.4)
        self.shared = nn.Linear(3, 3)
        self.output = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.stem(x).mean(dim=(2, 3)))
        return self.output(self.shared(torch.tanh(self.shared(x))))


def small_trace(**options: Any) -> tuple[Small, Any]:
    torch.manual_seed(5)
    network = Small()
    return network, trace(network, torch.randn(5, 2, 6, 7), torch.tensor([3, 0, 1, 1, 2]), **options)


@pytest.mark.parametrize("training", [True, False])
def test_every_node_agrees_with_pytorch(training: bool) -> None:
    _, found = small_trace(training=training)
    assert set(found.differences) >= {node.name for node in found.graph.of_kind("parameter", "input")}
    assert max(found.differences.values()) < 1e-12


def test_nodes_know_their_module() -> None:
    _, found = small_trace()
    places = {node.operation: node.place for node in found.graph.of_kind("operation")}
    assert places["aten.convolution"] == "stem.0"
    assert places["aten.batch_norm"] == "stem.1"
    assert places["aten.relu"] == "stem.2"
    assert places["aten.nll_loss"] == ""
    assert [node.place for node in found.graph.of_kind("operation") if node.operation == "aten.addmm"] == [
        *("shared", "shared", "output")
    ]


def test_drawn_mask_is_a_constant_of_zeros_and_scaled_ones() -> None:
    _, found = small_trace(training=True)
    (mask,) = [node for node in found.graph.of_kind("constant") if node.place == "drop"]
    values = found.values[mask.name]
    assert set(np.unique(values)) <= {0.0, 1 / 0.6}
    assert 0 < (values == 0).sum() < values.size
    # Another seed draws another mask; the same one draws the same.
    assert not np.array_equal(values, small_trace(training=True, seed=1)[1].values[mask.name])
    assert np.array_equal(values, small_trace(training=True)[1].values[mask.name])
    assert not small_trace(training=False)[1].graph.of_kind("constant")


def test_running_statistics_after_the_step_are_those_of_pytorch() -> None:
    torch.manual_seed(5)
    network = Small().double()
    x = torch.randn(5, 2, 6, 7, dtype=torch.float64)
    found = trace(network, x, torch.tensor([3, 0, 1, 1, 2]))
    assert float(network.stem[1].running_mean.abs().max()) == 0.0
    network(x)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        ours = found.values[found.buffers[f"stem.1.{name}"]]
        np.testing.assert_allclose(ours, getattr(network.stem[1], name).numpy(), rtol=1e-12)
    assert trace(network.eval(), x, torch.tensor([3, 0, 1, 1, 2])).buffers == {}


def test_steps_run_forward_loss_backward_update() -> None:
    _, found = small_trace(optimizer="adam")
    phases = [step.phase for step in found.steps]
    assert phases == sorted(phases, key=["forward", "loss", "backward", "update"].index)
    assert [step.index for step in found.steps] == list(range(len(phases)))
    assert {step.node for step in found.steps if step.phase == "update"} == {
        node.name for node in found.graph.of_kind("parameter")
    }
    assert [step.node for step in found.steps if step.phase == "loss"][-1] == found.graph.output
    assert all(step.formula for step in found.steps)
    first_back = next(step for step in found.steps if step.phase == "backward")
    assert first_back.node == found.graph.output


def test_new_weights_are_those_of_pytorchs_optimizer() -> None:
    torch.manual_seed(2)
    layer = nn.Linear(3, 2).double()
    x, target = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    found = trace(layer, x, target, optimizer="adam", learning_rate=0.07)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.07)
    F.mse_loss(layer(x), target).backward()
    optimizer.step()
    for update in found.updates:
        np.testing.assert_allclose(update.new_parameter, layer.get_parameter(update.name).detach().numpy(), rtol=1e-12)


def test_gradients_of_a_node_are_the_sum_of_those_on_its_edges() -> None:
    _, found = small_trace()
    for name in ("shared.weight", "x"):
        total = np.zeros(found.values[name].shape)
        for node in found.graph.of_kind("operation"):
            if node.name in found.gradients:
                parts = contributions(node, found.values, found.gradients[node.name])
                for argument, part in zip(node.arguments, parts, strict=True):
                    if argument == Ref(name):
                        total += part
        np.testing.assert_allclose(total, found.gradients[name], rtol=1e-12)


class Unread(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3), Spectrum())

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.matrix_exp(x.t() @ x)


class Deciding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x


class Shifted(nn.Module):
    """Writes into parts of a tensor, in place, and has no module inside."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        y[:, 1:] = x[:, :-1] ** 2
        y[:, 0] += x[:, 2]
        y *= 2
        left, right = y.chunk(2, dim=1)
        return torch.einsum("bi,bj->bij", left, right).amax(1)


def test_changes_in_place_of_parts_are_followed() -> None:
    found = trace(Shifted(), torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), torch.ones(3, 2))
    assert max(found.differences.values()) < 1e-12
    assert [step.node for step in found.steps if step.phase == "loss"] == [found.graph.output]
    assert sum(step.phase == "forward" for step in found.steps) > 5


def test_missing_operation_is_named_with_its_module() -> None:
    with pytest.raises(UsageError, match=r"none for aten\.linalg_matrix_exp in inner\.1\."):
        trace(Unread(), torch.randn(5, 3), torch.randn(3, 3))


def test_a_path_that_depends_on_values_is_refused() -> None:
    with pytest.raises(UsageError, match="Deciding cannot be traced"):
        trace(Deciding(), torch.ones(5, 3), torch.ones(5, 3))


def test_graph_without_a_given_value_is_refused() -> None:
    graph = Graph((Node(name="a", kind="input"),), "a")
    with pytest.raises(UsageError, match="'a' has none"):
        run(graph, {})


def test_a_node_that_is_read_twice_gathers_both_gradients() -> None:
    # J = a·a + a, so dJ/da = 2a + 1.
    nodes = (
        Node(name="a", kind="input"),
        Node(name="s", kind="operation", operation="aten.mul", arguments=(Ref("a"), Ref("a"))),
        Node(name="J", kind="operation", operation="aten.add", arguments=(Ref("s"), Ref("a"), 1)),
    )
    graph = Graph(nodes, "J")
    values = run(graph, {"a": np.array(3.0)})
    assert float(values["J"]) == 12.0
    assert float(backward(graph, values)["a"]) == 7.0


def test_table_and_engine_import_no_torch() -> None:
    folder = Path(operations.__file__).parent
    files = [
        *folder.glob("*.py"),
        folder.parent / "engine.py",
        folder.parent / "operation.py",
        folder.parent / "graph.py",
    ]
    assert len(files) > 10
    assert not [path.name for path in files if "import torch" in path.read_text() or "from torch" in path.read_text()]


def test_tracing_leaves_the_settings_of_torch_alone() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    before, quick = torch.random.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    assert quick
    trace(network, torch.ones(5, 3), torch.ones(5, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.is_grad_enabled()


class Operators(TorchDispatchMode):
    """The operators below autograd that read a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(isinstance(one, Tensor) for one in torch.utils._pytree.tree_leaves(args)):
            self.found.add(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_table_has_the_operations_of_every_registered_network(name: str) -> None:
    network = build_small(name).double()
    example = [x.double() if x.is_floating_point() else x for x in example_inputs(network, 2)]
    for training in (True, False):
        with torch.no_grad(), torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), Operators() as seen:
            network.train(training)(*example)
        assert not [str(one) for one in seen.found if not is_readable(one)]
