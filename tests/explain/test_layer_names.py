"""Layers are found by running the network, and an unknown name is answered with what there is."""

from __future__ import annotations

import pytest
import torch
from tests.explain.networks import Backwards, pictures, residual
from tests.models.small_networks import REPRESENTATIVES, build_native_blank
from torch import nn

import derin
from derin.core.errors import UsageError
from derin.explain import layer_names
from derin.explain.layer_names import find_layer, last_convolution, last_maps, map_layers, trace
from derin.layers import Conv, Dense, Flatten, GlobalAvgPool, MaxPool
from derin.models.building import describe, from_spec
from derin.models.registry import MODELS


def test_the_last_convolution_is_the_one_that_runs_last() -> None:
    network = Backwards()
    assert last_convolution(network, pictures(1)) == "late"
    assert [call.name for call in trace(network, pictures(1))] == ["early", "late", ""]


def test_the_last_maps_lie_behind_norm_and_activation_but_not_behind_a_sum() -> None:
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    assert last_maps(chain, pictures(1)) == "2"
    assert last_maps(residual(), pictures(1)) == "second"


def test_networks_of_layers_and_graphs_are_traced() -> None:
    chain = derin.Sequential([Conv(4, 3, activation="relu"), MaxPool(2), Flatten(), Dense(3)], input_shape=(3, 8, 10))
    x = derin.Input((3, 8, 10))
    branch = Conv(4, 3, activation="relu", name="left")(x) + Conv(4, 3, name="right")(x)
    graph = derin.Graph(x, Dense(2)(GlobalAvgPool()(branch)))
    modules = dict(chain.named_modules())
    assert isinstance(modules[last_convolution(chain, pictures(1))], nn.Conv2d)
    assert isinstance(modules[last_maps(chain, pictures(1))], nn.ReLU)
    assert last_convolution(graph, pictures(1)) == "right"


def test_what_the_registry_names_goes_before() -> None:
    network = from_spec(describe("convnet", input_shape=(1, 28, 28), num_outputs=10))
    x = torch.zeros(1, 1, 28, 28)
    assert last_maps(network, x) == "stages"
    assert last_convolution(network, x).endswith("conv1")


def test_map_layers_go_inward_until_there_are_a_few() -> None:
    network = from_spec(describe("convnet", input_shape=(1, 28, 28), num_outputs=10))
    assert map_layers(network, torch.zeros(1, 1, 28, 28)) == [f"stages.{stage}" for stage in range(4)]


def test_an_unknown_name_is_answered_with_near_matches_and_the_list() -> None:
    with pytest.raises(UsageError, match=r"named 'secnod'; did you mean 'second'\? .*: stem, norm, relu, first, secon"):
        find_layer(residual(), pictures(1), "secnod")
    with pytest.raises(UsageError, match=r"named ''; Layers that give maps: stem"):
        find_layer(residual(), pictures(1), "")


def test_a_network_without_convolution_is_refused_in_a_sentence() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(240, 2))
    for find in (last_convolution, last_maps, map_layers):
        with pytest.raises(UsageError, match="Sequential has none"):
            find(network, pictures(1))


@pytest.mark.parametrize(
    "name", [name for name in REPRESENTATIVES if MODELS[name].input_kind == "picture" and not MODELS[name].beside]
)
def test_every_network_of_the_zoo_has_maps_to_look_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    info = MODELS[name]
    times = (
        2 if info.output_kind == "map" and info.smallest_input else 1
    )  # of what is one window for the network there is one place
    channels, height, width = info.native_input
    network, x = build_native_blank(name), torch.zeros(1, channels, times * height, times * width)
    calls = trace(network, x)
    monkeypatch.setattr(layer_names, "trace", lambda *about: calls)  # once for all three questions
    maps = {call.name: call.shape for call in calls if call.gives_maps}
    found = last_maps(network, x)
    assert found in maps
    assert min(maps[found][2:]) > 1, f"{found} gives maps of one pixel, in which no place can be told from another"
    assert last_convolution(network, x) in maps
