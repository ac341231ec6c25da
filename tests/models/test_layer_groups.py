"""Layer groups of every registered network: in order, without overlap, with every parameter."""

from __future__ import annotations

import pytest
from tests.models.small_networks import EACH, REPRESENTATIVES, build_native_blank
from torch import nn

from derin.models import MODELS, build
from derin.models.blueprint import without_memory
from derin.models.layer_groups import layer_groups


@pytest.mark.parametrize("name", EACH)
def test_every_parameter_is_in_one_group_and_groups_are_in_order(name: str) -> None:
    network = build_native_blank(name)
    groups = layer_groups(network, MODELS[name].output_layers)
    owners = [[i for i, group in enumerate(groups) if group.owns(n)] for n, _ in network.named_parameters()]
    assert all(len(found) == 1 for found in owners)
    places = [found[0] for found in owners]
    heads = {layer.split(".")[0] for layer in MODELS[name].output_layers}
    trunk = [place for place, (n, _) in zip(places, network.named_parameters()) if n.split(".")[0] not in heads]
    assert trunk == sorted(trunk)
    assert sorted(set(places)) == list(range(len(groups)))


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_every_module_with_weights_or_buffers_is_in_one_group(name: str) -> None:
    network = build_native_blank(name)
    groups = layer_groups(network, MODELS[name].output_layers)
    for module_name, module in network.named_children():
        leaves = [f"{module_name}.{n}".rstrip(".") for n, leaf in module.named_modules() if not list(leaf.children())]
        assert all(sum(group.owns(leaf) for group in groups) == 1 for leaf in leaves)


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_the_last_group_is_all_that_follows_the_number_of_classes(name: str) -> None:
    info = MODELS[name]
    with without_memory():
        other = build(name, input_shape=info.native_input, num_outputs=info.native_outputs + 3)
    network = build_native_blank(name)
    theirs = dict(other.named_parameters())
    changed = [n for n, p in network.named_parameters() if p.shape != theirs[n].shape]
    last = layer_groups(network, info.output_layers)[-1]
    assert all(last.owns(n) for n in changed)


def test_deep_networks_have_many_groups_and_shallow_ones_few() -> None:
    counts = {name: len(layer_groups(build_native_blank(name))) for name in ("resnet18", "vgg16", "convnet", "lenet5")}
    assert counts["resnet18"] == 6  # stem, four stages, output
    assert counts["vgg16"] == 8  # five stages, three dense layers
    assert 3 <= counts["lenet5"] <= 6


def test_norms_and_activations_stay_with_the_layer_before_them() -> None:
    layers = nn.Sequential(
        nn.Dropout(), nn.Linear(3, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
    )
    network = nn.Sequential()
    network.add_module("stages", layers)
    network.add_module("output", nn.Linear(2, 5))
    parts = [group.parts for group in layer_groups(network)]
    assert parts == [
        ("stages.0", "stages.1", "stages.2", "stages.3"),
        ("stages.4",),
        ("stages.5",),
        ("stages.6",),
        ("output",),
    ]
