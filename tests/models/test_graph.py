from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers import Add, Concat, Conv, Dense, Flatten, GlobalAvgPool, MaxPool
from derin.models import from_spec
from derin.models.graph import Graph, Input
from derin.models.sequential import Sequential


def branching(seed: int | None = 0) -> Graph:
    x = Input((3, 8, 10))
    stem = Conv(4, 3, activation="relu", name="stem")(x)
    skip = stem + Conv(4, 3)(stem)
    wide = Concat()(skip, Conv(2, 1, bias=False)(x))
    gate = Conv(6, 1, activation="sigmoid")(wide)
    return Graph(x, Dense(7)(GlobalAvgPool()(MaxPool()(wide * gate))), seed=seed)


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.narrow = nn.Conv2d(3, 2, 1, bias=False)
        self.gate = nn.Conv2d(6, 6, 1)
        self.out = nn.Linear(6, 7)

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x).relu()
        wide = torch.cat([stem + self.second(stem), self.narrow(x)], dim=1)
        return self.out(F.max_pool2d(wide * self.gate(wide).sigmoid(), 2).mean(dim=(2, 3)))


def test_skips_and_concatenations_equal_the_network_written_by_hand() -> None:
    net, hand = branching(), ByHand()
    hand.load_state_dict(dict(zip(hand.state_dict(), net.state_dict().values())))
    x = torch.randn(2, 3, 8, 10)
    # The mean over the maps is taken in another order.
    torch.testing.assert_close(net(x), hand(x), rtol=1e-5, atol=1e-6)


def test_saved_and_read_again_it_has_the_same_keys_and_outputs() -> None:
    net = branching()
    x = torch.randn(2, 3, 8, 10)
    for again in (Graph.from_json(json.loads(json.dumps(net.to_json()))), from_spec(net.spec)):
        assert list(again.state_dict()) == list(net.state_dict())
        assert again.spec == net.spec
        again.load_state_dict(net.state_dict())
        assert torch.equal(again(x), net(x))


def test_the_seed_alone_decides_the_weights() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, second = branching(3), branching(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))


def test_several_inputs_and_outputs() -> None:
    a, b = Input((5,)), Input((3, 4))
    joined = Concat()(a, Flatten()(b))
    net = Graph([a, b], [Dense(2)(joined), joined])
    x, y = torch.randn(2, 5), torch.randn(2, 3, 4)
    outputs = net(x, y)
    assert isinstance(outputs, tuple)
    assert torch.equal(outputs[1], torch.cat([x, y.flatten(1)], dim=1))
    again = from_spec(json.loads(json.dumps(net.spec)))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(x, y)[0], outputs[0])


def test_one_output_in_a_list_stays_a_tuple_after_saving() -> None:
    x = Input((5,))
    net = Graph(x, [Dense(2)(x)])
    assert isinstance(net(torch.zeros(3, 5)), tuple)
    assert isinstance(from_spec(net.spec)(torch.zeros(3, 5)), tuple)


def test_a_layer_called_twice_has_weights_of_its_own_each_time() -> None:
    x, layer = Input((5,)), Dense(5)
    assert sum(p.numel() for p in Graph(x, layer(layer(x))).parameters()) == 2 * 30


def test_deep_graphs_need_no_deep_recursion() -> None:
    x = node = Input((2,))
    for _ in range(1500):
        node = Add()(node, x)
    assert torch.equal(Graph(x, node)(torch.ones(1, 2)), torch.full((1, 2), 1501.0))


def test_wrong_input_is_refused_with_the_wanted_shapes() -> None:
    net = branching()
    with pytest.raises(ShapeError, match=r"\(batch, 3, 8, 10\); got \(2, 3, 10, 8\)"):
        net(torch.zeros(2, 3, 10, 8))
    with pytest.raises(ShapeError):
        net(torch.zeros(2, 3, 8, 10), torch.zeros(2, 3, 8, 10))


def test_an_input_that_is_not_named_or_leads_nowhere_is_refused() -> None:
    a, b = Input((5,)), Input((5,))
    with pytest.raises(UsageError, match="not in its inputs"):
        Graph(a, Dense(2)(a + b))
    with pytest.raises(UsageError, match="leads to no output"):
        Graph([a, b], Dense(2)(a))


def test_misuse_is_refused_in_a_sentence() -> None:
    x = Input((5,))
    with pytest.raises(UsageError, match=r"derin\.Input"):
        Dense(3)(torch.zeros(2, 5))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 2 inputs"):
        Add()(x)
    with pytest.raises(UsageError, match="needs 1 inputs"):
        Dense(3)(x, x)
    with pytest.raises(UsageError, match=r"Graph\.inputs"):
        Graph(Dense(3)(x), x)
    with pytest.raises(UsageError, match=r"Graph\.outputs"):
        Graph(x, [])
    for wrong in ((), (0,), (2.5,)):
        with pytest.raises(ShapeError, match=r"derin\.Input"):
            Input(wrong)  # type: ignore[arg-type]


def test_a_description_of_another_structure_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="'graph'"):
        Sequential.from_json(branching().to_json())


@pytest.mark.parametrize("shape", [(), (3, 0, 8), (0, 8), (3, -1), (3, 2.5), (3, 1_000_001)])
def test_one_impossible_size_of_an_input_is_enough_to_refuse_it(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="whole numbers from 1"):
        Input(shape)
    assert Input((1, 1_000_000)).shape == (1, 1_000_000)


def test_a_graph_grows_no_further_than_any_machine_holds() -> None:
    half = 2**19
    assert Flatten()(Input((half, half, 4))).shape == (2**40,)
    with pytest.raises(ShapeError, match="no machine holds"):
        Flatten()(Input((half, half, 5)))


def test_what_is_no_node_is_named_with_what_was_wanted() -> None:
    x = Input((3, 4, 4))
    y = Flatten()(x)
    with pytest.raises(UsageError, match=r"Graph\.inputs must be nodes of derin\.Input; got Node"):
        Graph(y, y)
    with pytest.raises(UsageError, match=r"Graph\.outputs must be nodes, which layers give"):
        Graph(x, [3])  # type: ignore[list-item]
