"""Every registered model in a small form, for tests that go over the whole registry."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pytest
from torch import nn

from derin.models import MODELS, build
from derin.models.blueprint import without_memory

CLASSES = 7
NAMES = list(MODELS)
# Options that leave the code of a network as it is and its largest dense layers out.
_NARROW = {"dense_width": 24, "grid": 2}
SMALL_OPTIONS: dict[str, dict[str, Any]] = {name: _NARROW for name in NAMES if name.startswith(("alexnet", "vgg"))}
SMALL_OPTIONS |= {
    "facenet_nn1": {"dense_units": 24},
    "unet": {"width": 6},
    "edsr": {"width": 6, "blocks": 2},
    "unet_trunk": {"width": 2},
}
SMALL_OPTIONS |= {name: {"width": 16, "depth": 1} for name in ("yolo", "yolo_large")}
SMALL_OPTIONS |= {"yolo_grid": {"width": 16}, "localizer": {"width": 8, "units": 16}}
SMALL_OPTIONS |= {"landmark_regressor": {"width": 8, "units": 16}, "landmark_heatmaps": {"width": 16}}
VOCABULARY = 23
SMALL_OPTIONS |= {
    name: {"vocabulary": VOCABULARY}
    for name in NAMES
    if "vocabulary" in {field.name for field in dataclasses.fields(MODELS[name].options)}
}
# Networks that run the code of a smaller one with more layers. Their numbers are tested once, forward and backward;
# whatever does not depend on counts is tested on the smaller one.
DEEPER_SIBLINGS = {
    *("vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("plain34", "resnet34", "resnet101", "resnet152", "resnet32", "resnet44", "resnet56", "resnet110"),
    *("plain32", "plain44", "plain56", "plain110"),
    "yolo_large",
}
EACH = [pytest.param(name, marks=pytest.mark.slow) if name in DEEPER_SIBLINGS else name for name in NAMES]
REPRESENTATIVES = [name for name in NAMES if name not in DEEPER_SIBLINGS]


def small_shape(name: str) -> tuple[int, ...]:
    """A small input that the model takes, odd and unequal along its axes where it may be."""
    info = MODELS[name]
    if info.input_kind != "picture":
        return (5,) if info.input_kind in ("features", "any") else info.native_input
    if info.smallest_input is None:
        return info.native_input
    height, width = (max(side, 9) for side in info.smallest_input[1:])
    return (3, height, width + 2)


def build_small(name: str, num_outputs: int = CLASSES, seed: int | None = 1, **options: Any) -> nn.Module:
    options = {**SMALL_OPTIONS.get(name, {}), **options}
    return build(name, input_shape=small_shape(name), num_outputs=num_outputs, seed=seed, **options)


@functools.cache
def build_small_blank(name: str) -> nn.Module:
    """A small network without memory, for what its modules alone say; all who ask get the same and change nothing."""
    with without_memory():
        return build_small(name)


@functools.cache
def build_native_blank(name: str) -> nn.Module:
    """A network of the size of its paper without memory; all who ask get the same and change nothing."""
    info = MODELS[name]
    with without_memory():
        return build(name, input_shape=info.native_input, num_outputs=info.native_outputs)
