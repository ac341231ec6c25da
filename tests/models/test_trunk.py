"""A trunk gives the maps that its classifier makes on its way, and begins with its classifier's weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from derin.api.pretrained import PretrainedWeights
from derin.core.errors import UnknownNameError, UsageError
from derin.models import build
from derin.models.trunk import TRUNKS, Trunk

SMALL = {"mobilenet_v1": {"width": 0.25}, "mobilenet_v2": {"width": 0.35}}


@pytest.mark.parametrize("name", [name for name in TRUNKS if name not in ("resnet34", "resnet101", "resnet152")])
def test_the_last_map_is_what_the_classifier_averages(name: str) -> None:
    options = SMALL.get(name, {})
    classifier = build(name, input_shape=(3, 224, 224), num_outputs=5, seed=0, **options).eval()
    with torch.random.fork_rng():
        trunk = Trunk(name, 3, tuple(options.items())).eval()
    own = set(trunk.state_dict())
    trunk.load_state_dict({key: value for key, value in classifier.state_dict().items() if key in own})
    averaged: list[Tensor] = []
    pooling = next(child for child in classifier.children() if isinstance(child, nn.AdaptiveAvgPool2d))
    pooling.register_forward_pre_hook(lambda _, inputs: averaged.append(inputs[0]))
    x = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        classifier(x)
        maps = trunk(x)
    torch.testing.assert_close(maps[-1], averaged[0])
    assert [found.shape[1] for found in maps] == list(trunk.channels)
    assert [tuple(found.shape[2:]) for found in maps] == [(8, 12), (4, 6), (2, 3)]
    assert all(layer.training for layer in Trunk(name, 3, tuple(options.items())).modules())


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="trunk"):
        Trunk("googlenet", 3)


def weights_of(model: str, **options: float) -> PretrainedWeights:
    network = build(model, input_shape=(3, 64, 64), num_outputs=5, seed=3, **options)
    return PretrainedWeights(
        source="somewhere", model=model, options=options, tensors=copy.deepcopy(network.state_dict()), sha256="0",
        size=(64, 64), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, rule="crop", about={},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["yolo", "unet_trunk"])
def test_weights_of_a_classifier_are_the_trunk_of_what_stands_on_it_and_all_else_is_fresh(name: str) -> None:
    published = weights_of("mobilenet_v2", width=0.35).under(name)
    network = published.network(2, input_shape=(3, 64, 64), seed=0)
    fresh = build(name, input_shape=(3, 64, 64), num_outputs=2, seed=0, **published.options)
    for key, tensor in network.state_dict().items():
        wanted = published.tensors[key] if key.startswith("trunk.") else fresh.state_dict()[key]
        assert torch.equal(tensor, wanted), key
    assert network.spec["options"]["trunk_options"] == [["width", 0.35]]
    with pytest.raises(UsageError, match="vgg11"):
        weights_of("vgg11", dense_width=8).under("yolo")
