"""The names that published weights give to residual networks and to those after them reach every tensor of ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from derin.models import MODELS, build
from derin.models.building import describe, from_spec
from derin.models.key_map import KeyMap
from derin.models.weights.matching import _plain

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
WEIGHTED = ("weight", "bias")


def our_names(name: str, **options: str) -> list[str]:
    info = MODELS[name]
    spec = describe(name, input_shape=info.native_input, num_outputs=info.native_outputs, **options)
    return [key for key in from_spec(spec, device="meta").state_dict() if not key.endswith("num_batches_tracked")]


def scheme(name: str, which: str) -> KeyMap:
    return next(names for names in MODELS[name].key_maps if which in names.scheme)


def translated(names: KeyMap, published: Iterable[str]) -> list[str | None]:
    return [ours for foreign in published if (ours := names.translate(foreign)) != ""]


def of_layers(*layers: str, parts: tuple[str, ...] = WEIGHTED) -> list[str]:
    return [f"{layer}.{part}" for layer in layers for part in parts]


def unit(convolution: str, norm: str) -> list[str]:
    return [f"{convolution}.weight", *of_layers(norm, parts=NORM)]


RESNETS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}


@pytest.mark.parametrize("name", RESNETS)
def test_resnets_of_torchvision_and_timm(name: str) -> None:
    is_deep = name not in {"resnet18", "resnet34"}
    published = unit("conv1", "bn1")
    for layer, depth in enumerate(RESNETS[name], start=1):
        for block in range(depth):
            for number in (1, 2, 3) if is_deep else (1, 2):
                published += unit(f"layer{layer}.{block}.conv{number}", f"layer{layer}.{block}.bn{number}")
            if block == 0 and (is_deep or layer > 1):
                published += unit(f"layer{layer}.0.downsample.0", f"layer{layer}.0.downsample.1")
    published += of_layers("fc")
    for which in ("torchvision", "timm"):
        assert translated(scheme(name, which), published) == our_names(name)


@pytest.mark.parametrize(("name", "depth"), [("resnet20", 3), ("resnet56", 9), ("resnet110", 18)])
def test_cifar_resnets_of_akamaster(name: str, depth: int) -> None:
    published = unit("module.conv1", "module.bn1")
    for layer in (1, 2, 3):
        for block in range(depth):
            for number in (1, 2):
                inner = f"module.layer{layer}.{block}"
                published += unit(f"{inner}.conv{number}", f"{inner}.bn{number}")
    published += of_layers("module.linear")
    names = scheme(name, "akamaster")
    assert translated(names, published) == our_names(name)
    assert translated(names, [key.removeprefix("module.") for key in published]) == our_names(name)


# Blocks of each stage, and whether they expand.
INVERTED = ((1, False), (2, True), (3, True), (4, True), (3, True), (3, True), (1, True))
EFFICIENT = ((1, False), (2, True), (2, True), (3, True), (3, True), (4, True), (1, True))


def mobilenet_v2_of_torchvision(*, folded: bool) -> list[str]:
    def convolution(layer: str, norm: str) -> list[str]:
        return of_layers(layer) if folded else unit(layer, norm)

    published = convolution("features.0.0", "features.0.1")
    for place, expands in enumerate((expands for depth, expands in INVERTED for _ in range(depth)), start=1):
        conv = f"features.{place}.conv"
        if expands:
            published += convolution(f"{conv}.0.0", f"{conv}.0.1") + convolution(f"{conv}.1.0", f"{conv}.1.1")
            published += convolution(f"{conv}.2", f"{conv}.3")
        else:
            published += convolution(f"{conv}.0.0", f"{conv}.0.1") + convolution(f"{conv}.1", f"{conv}.2")
    return published + convolution("features.18.0", "features.18.1") + of_layers("classifier.1")


def test_mobilenet_v2_of_torchvision_with_batch_norm_and_with_it_folded() -> None:
    normalized, folded = MODELS["mobilenet_v2"].key_maps[:2]
    with_norm, without = (mobilenet_v2_of_torchvision(folded=folded) for folded in (False, True))
    assert translated(normalized, with_norm) == our_names("mobilenet_v2")
    assert translated(folded, without) == our_names("mobilenet_v2", norm="folded")
    assert not normalized.knows(without)
    assert not folded.knows(with_norm)


def test_mobilenets_of_timm() -> None:
    published = unit("conv_stem", "bn1")
    for stage, depth in enumerate((1, 2, 2, 6, 2)):
        for block in range(depth):
            inner = f"blocks.{stage}.{block}"
            published += unit(f"{inner}.conv_dw", f"{inner}.bn1") + unit(f"{inner}.conv_pw", f"{inner}.bn2")
    assert translated(scheme("mobilenet_v1", "timm"), published + of_layers("classifier")) == our_names("mobilenet_v1")

    published = unit("conv_stem", "bn1")
    for stage, (depth, expands) in enumerate(INVERTED):
        for block in range(depth):
            parts = ("conv_pw", "conv_dw", "conv_pwl") if expands else ("conv_dw", "conv_pw")
            for number, part in enumerate(parts, start=1):
                published += unit(f"blocks.{stage}.{block}.{part}", f"blocks.{stage}.{block}.bn{number}")
    published += unit("conv_head", "bn2") + of_layers("classifier")
    assert translated(scheme("mobilenet_v2", "timm"), published) == our_names("mobilenet_v2")


def test_efficientnet_of_torchvision() -> None:
    published = unit("features.0.0", "features.0.1")
    for stage, (depth, expands) in enumerate(EFFICIENT, start=1):
        for place in range(depth):
            block, first = f"features.{stage}.{place}.block", 1 if expands else 0
            for number in range(first + 1):
                published += unit(f"{block}.{number}.0", f"{block}.{number}.1")
            published += of_layers(f"{block}.{first + 1}.fc1", f"{block}.{first + 1}.fc2")
            published += unit(f"{block}.{first + 2}.0", f"{block}.{first + 2}.1")
    published += unit("features.8.0", "features.8.1") + of_layers("classifier.1")
    assert translated(scheme("efficientnet_b0", "torchvision"), published) == our_names("efficientnet_b0")


def test_efficientnet_of_timm() -> None:
    published = unit("conv_stem", "bn1")
    for stage, (depth, expands) in enumerate(EFFICIENT):
        for place in range(depth):
            block = f"blocks.{stage}.{place}"
            before, last = (("conv_pw", "conv_dw"), "conv_pwl") if expands else (("conv_dw",), "conv_pw")
            for number, part in enumerate(before, start=1):
                published += unit(f"{block}.{part}", f"{block}.bn{number}")
            published += of_layers(f"{block}.se.conv_reduce", f"{block}.se.conv_expand")
            published += unit(f"{block}.{last}", f"{block}.bn{len(before) + 1}")
    published += unit("conv_head", "bn2") + of_layers("classifier")
    assert translated(scheme("efficientnet_b0", "timm"), published) == our_names("efficientnet_b0")


def test_convnext_of_torchvision_timm_and_its_authors() -> None:
    vision, timm, authors = of_layers("features.0.0", "features.0.1"), of_layers("stem.0", "stem.1"), []
    authors = of_layers("downsample_layers.0.0", "downsample_layers.0.1")
    for stage, depth in enumerate((3, 3, 9, 3)):
        if stage:
            vision += of_layers(f"features.{2 * stage}.0", f"features.{2 * stage}.1")
            timm += of_layers(f"stages.{stage}.downsample.0", f"stages.{stage}.downsample.1")
            authors += of_layers(f"downsample_layers.{stage}.0", f"downsample_layers.{stage}.1")
        for block in range(depth):
            inner = f"features.{2 * stage + 1}.{block}"
            vision += [f"{inner}.layer_scale", *of_layers(*(f"{inner}.block.{place}" for place in (0, 2, 3, 5)))]
            inner = f"stages.{stage}.blocks.{block}"
            timm += [f"{inner}.gamma"]
            timm += of_layers(*(f"{inner}.{part}" for part in ("conv_dw", "norm", "mlp.fc1", "mlp.fc2")))
            inner = f"stages.{stage}.{block}"
            authors += [f"{inner}.gamma"]
            authors += of_layers(*(f"{inner}.{part}" for part in ("dwconv", "norm", "pwconv1", "pwconv2")))
    vision += of_layers("classifier.0", "classifier.2")
    timm += of_layers("head.norm", "head.fc")
    authors += of_layers("norm", "head")
    for which, published in (("torchvision", vision), ("timm", timm), ("facebookresearch", authors)):
        assert translated(scheme("convnext_tiny", which), published) == our_names("convnext_tiny")


def test_axes_of_length_one_that_only_a_publisher_has_are_left_out() -> None:
    # torchvision's ConvNeXt has its scale of each channel as (C, 1, 1).
    scale = torch.arange(96.0)
    assert torch.equal(_plain(scale[:, None, None], (96,)), scale)
    for shape in ((1, 3), (3, 1, 2), (4, 1)):
        assert _plain(torch.zeros(shape), (3,)).shape == shape


def test_vit_of_timm_and_torchvision() -> None:
    timm = ["cls_token", "pos_embed", *of_layers("patch_embed.proj")]
    vision = ["class_token", "encoder.pos_embedding", *of_layers("conv_proj")]
    for number in range(12):
        parts = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
        timm += of_layers(*(f"blocks.{number}.{part}" for part in parts))
        layer = f"encoder.layers.encoder_layer_{number}"
        vision += of_layers(f"{layer}.ln_1")
        vision += [f"{layer}.self_attention.in_proj_weight", f"{layer}.self_attention.in_proj_bias"]
        vision += of_layers(*(f"{layer}.{part}" for part in ("self_attention.out_proj", "ln_2", "mlp.0", "mlp.3")))
    timm += of_layers("norm", "head")
    vision += of_layers("encoder.ln", "heads.head")
    for which, published in (("timm", timm), ("torchvision", vision)):
        assert translated(scheme("vit_s_16", which), published) == our_names("vit_s_16")


MODERN = [*RESNETS, "resnet20", "mobilenet_v1", "mobilenet_v2", "efficientnet_b0", "convnext_tiny", "vit_s_16"]


@pytest.mark.parametrize("name", MODERN)
def test_names_of_other_networks_are_unknown(name: str) -> None:
    for names in MODELS[name].key_maps:
        for foreign in (
            "features.19.0.weight",
            "features.1.weights",
            "stages.4.0.gamma",
            "blocks.12.0.x",
            "output.bias",
        ):
            assert names.translate(foreign) is None


@pytest.mark.data
def test_published_mobilenet_v2_fills_every_tensor(data_folder: Path) -> None:
    net = build("mobilenet_v2", input_shape=(3, 224, 224), num_outputs=1000, padding="same", norm="folded")
    names = scheme("mobilenet_v2", "folded")
    with np.load(data_folder / "pretrained" / "mobilenet_v2_imagenet_bnfolded.npz") as file:
        net.load_state_dict({names.translate(key): torch.from_numpy(file[key]) for key in file.files})
