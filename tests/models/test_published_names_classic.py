"""The names that torchvision and timm give to the tensors of the classic networks reach every tensor of ours.

Published files keep the order of the forward pass, and so do ours: the two lists of names must agree in order too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from derin.models import MODELS, build
from derin.models.building import describe, from_spec
from derin.models.key_map import KeyMap

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
WEIGHTED = ("weight", "bias")


def our_names(name: str) -> list[str]:
    info = MODELS[name]
    spec = describe(name, input_shape=info.native_input, num_outputs=info.native_outputs)
    return [key for key in from_spec(spec, device="meta").state_dict() if not key.endswith("num_batches_tracked")]


def scheme(name: str, which: str) -> KeyMap:
    return next(names for names in MODELS[name].key_maps if which in names.scheme)


def translated(names: KeyMap, published: list[str]) -> list[str | None]:
    return [ours for foreign in published if (ours := names.translate(foreign)) != ""]


def of_layers(*layers: str, parts: tuple[str, ...] = WEIGHTED) -> list[str]:
    return [f"{layer}.{part}" for layer in layers for part in parts]


# Where torchvision's trunks have their convolutions.
CONVOLUTIONS = {
    "alexnet": (0, 3, 6, 8, 10),
    "vgg11": (0, 3, 6, 8, 11, 13, 16, 18),
    "vgg13": (0, 2, 5, 7, 10, 12, 15, 17, 20, 22),
    "vgg16": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
    "vgg19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
    "vgg11_bn": (0, 4, 8, 11, 15, 18, 22, 25),
    "vgg13_bn": (0, 3, 7, 10, 14, 17, 21, 24, 28, 31),
    "vgg16_bn": (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40),
    "vgg19_bn": (0, 3, 7, 10, 14, 17, 20, 23, 27, 30, 33, 36, 40, 43, 46, 49),
}


def trunk(name: str) -> list[str]:
    names = []
    for place in CONVOLUTIONS[name]:
        names += of_layers(f"features.{place}")
        if name.endswith("_bn"):
            names += of_layers(f"features.{place + 1}", parts=NORM)
    return names


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_alexnet_and_vgg_of_torchvision(name: str) -> None:
    dense = (1, 4, 6) if name == "alexnet" else (0, 3, 6)
    published = trunk(name) + of_layers(*(f"classifier.{place}" for place in dense))
    assert translated(scheme(name, "torchvision"), published) == our_names(name)


@pytest.mark.parametrize("name", [name for name in CONVOLUTIONS if name != "alexnet"])
def test_vgg_of_timm(name: str) -> None:
    published = trunk(name) + of_layers("pre_logits.fc1", "pre_logits.fc2", "head.fc")
    assert translated(scheme(name, "timm"), published) == our_names(name)


@pytest.mark.parametrize("dot", ["", "."])
def test_densenet_of_torchvision_and_timm(dot: str) -> None:
    published = ["features.conv0.weight", *of_layers("features.norm0", parts=NORM)]
    for block, depth in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, depth + 1):
            for half in (1, 2):
                of_layer = f"features.denseblock{block}.denselayer{layer}"
                published += of_layers(f"{of_layer}.norm{dot}{half}", parts=NORM)
                published.append(f"{of_layer}.conv{dot}{half}.weight")
        if block < 4:
            published += of_layers(f"features.transition{block}.norm", parts=NORM)
            published.append(f"features.transition{block}.conv.weight")
    published += of_layers("features.norm5", parts=NORM) + of_layers("classifier")
    for which in ("torchvision", "timm"):
        assert translated(scheme("densenet121", which), published) == our_names("densenet121")


@pytest.mark.parametrize(
    ("name", "fires"), [("squeezenet1_0", (3, 4, 5, 7, 8, 9, 10, 12)), ("squeezenet1_1", (3, 4, 6, 7, 9, 10, 11, 12))]
)
def test_squeezenet_of_torchvision(name: str, fires: tuple[int, ...]) -> None:
    parts = ("squeeze", "expand1x1", "expand3x3")
    inner = [f"features.{place}.{part}" for place in fires for part in parts]
    published = of_layers("features.0", *inner, "classifier.1")
    assert translated(scheme(name, "torchvision"), published) == our_names(name)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "vgg16_bn", "densenet121", "squeezenet1_0", "squeezenet1_1"])
def test_names_of_other_networks_are_unknown(name: str) -> None:
    for names in MODELS[name].key_maps:
        for foreign in (
            "layer1.0.conv1.weight",
            "features.1.weights",
            "features.99.weight",
            "head.bias",
            "output.weight",
        ):
            assert names.translate(foreign) is None


@pytest.mark.data
def test_published_squeezenet_fills_every_tensor(data_folder: Path) -> None:
    net = build("squeezenet1_0", input_shape=(3, 227, 227), num_outputs=1000, output_padding=1)
    names = scheme("squeezenet1_0", "torchvision")
    with np.load(data_folder / "pretrained" / "squeezenet1_0_imagenet.npz") as file:
        net.load_state_dict({names.translate(key): torch.from_numpy(file[key]) for key in file.files})
