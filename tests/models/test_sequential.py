from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from derin.core.errors import RefusedFileError, ShapeError, UsageError
from derin.layers import BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool
from derin.models import from_spec
from derin.models.graph import Graph
from derin.models.sequential import Sequential

LAYERS = [Conv(4, 3, activation="relu"), BatchNorm(), MaxPool(2), Flatten(), Dropout(0.3), Dense(7)]


def by_hand() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(4 * 4 * 5, 7),
    )


def test_it_is_the_torch_network_written_by_hand() -> None:
    net, hand = Sequential(LAYERS, input_shape=(3, 9, 11), seed=0), by_hand()
    hand.load_state_dict(dict(zip(hand.state_dict(), net.state_dict().values())))
    x = torch.randn(2, 3, 9, 11)
    for mode in (True, False):
        net.train(mode), hand.train(mode)
        torch.manual_seed(0)
        ours = net(x)
        torch.manual_seed(0)
        assert torch.equal(ours, hand(x))


def test_saved_and_read_again_it_has_the_same_keys_and_outputs() -> None:
    net = Sequential(LAYERS, input_shape=(3, 9, 11), seed=0).eval()
    for again in (Sequential.from_json(json.loads(json.dumps(net.to_json()))), from_spec(net.spec)):
        assert list(again.state_dict()) == list(net.state_dict())
        assert again.spec == net.spec
        again.load_state_dict(net.state_dict())
        x = torch.randn(2, 3, 9, 11)
        assert torch.equal(again.eval()(x), net(x))


def test_it_is_bound_later_and_then_only_to_that_shape() -> None:
    net = Sequential(LAYERS)
    assert list(net.parameters()) == []
    with pytest.raises(ShapeError, match=r"bind\(\(3, 9, 11\)\)"):
        net(torch.zeros(2, 3, 9, 11))
    with pytest.raises(UsageError, match="bind"):
        net.to_json()
    assert net.bind((3, 9, 11)) is net
    before = {key: value.clone() for key, value in net.state_dict().items()}
    net.bind((3, 9, 11))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    with pytest.raises(ShapeError, match="Make a new Sequential"):
        net.bind((3, 9, 12))


def test_the_seed_alone_decides_the_weights_and_torchs_generator_stays() -> None:
    torch.manual_seed(1)
    first = Sequential(LAYERS).bind((3, 9, 11), seed=3)
    before = torch.get_rng_state()
    second = Sequential(LAYERS, input_shape=(3, 9, 11), seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))


def test_wrong_input_is_refused_with_the_wanted_shape() -> None:
    net = Sequential(LAYERS, input_shape=(3, 9, 11))
    with pytest.raises(ShapeError, match=r"\(batch, 3, 9, 11\); got \(2, 3, 11, 9\)"):
        net(torch.zeros(2, 3, 11, 9))


def test_a_layer_that_cannot_read_the_one_before_it_is_named() -> None:
    with pytest.raises(ShapeError, match="second needs"):
        Sequential([Flatten(), Conv(3, 3, name="second")], input_shape=(3, 9, 11))


def test_names_are_kinds_and_numbers_or_what_the_user_says() -> None:
    net = Sequential([Dense(5, name="dense_1"), Dense(4, activation="relu"), Dense(3)], input_shape=(12,))
    assert [name for name, _ in net.named_children()] == ["dense_1", "dense_2", "dense_2_relu", "dense_3"]


@pytest.mark.parametrize("name", ["forward", "training", "spec", "input_shape", "descriptions", "a.b", "", "1a", "_x"])
def test_names_that_no_module_can_have_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="Choose another name"):
        Sequential([Dense(5, name=name)])


def test_two_layers_cannot_share_a_name() -> None:
    with pytest.raises(UsageError, match="'a' stands twice"):
        Sequential([Dense(5, name="a"), Dense(5, name="a")])
    with pytest.raises(UsageError, match="'a_relu' stands twice"):
        Sequential([Dense(5, name="a", activation="relu"), Dense(5, name="a_relu")])


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(UsageError, match="got Linear"):
        Sequential([nn.Linear(3, 4)])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="at least one layer"):
        Sequential([])


def test_a_description_of_another_structure_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="'sequential'"):
        Graph.from_json(Sequential([Dense(3)], input_shape=(5,)).to_json())


@pytest.mark.parametrize("shape", [(), (3, 0, 9), (3, -1), (3, 2.5), (3, 1_000_001)])
def test_one_impossible_size_of_an_input_is_enough_to_refuse_it(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="whole numbers from 1"):
        Sequential([Dense(2)], input_shape=shape)
    assert Sequential([Flatten()], input_shape=(1, 1_000_000)).output_shape == (1_000_000,)
