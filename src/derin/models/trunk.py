"""The convolutional part of a classifier as a trunk that others stand on: its maps at several strides.

A trunk keeps the names of its classifier, so that published weights of the one are weights of the other.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UnknownNameError
from derin.models.building import build
from derin.models.registry import MODELS

# Classifiers whose children, one after the other, are their forward pass up to the global average.
TRUNKS = (
    "mobilenet_v1", "mobilenet_v2", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "efficientnet_b0",
)  # fmt: skip
STRIDES = (8, 16, 32)
_PROBED = 64  # pixels of a side from which all strides can be told
# What stands behind the last map.
_ENDS = (nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear, nn.Dropout)

TrunkOptions = tuple[tuple[str, bool | int | float | str], ...]


class Trunk(nn.Module):
    """The children of a classifier up to its last map; of each stride the last map is given.

    Args:
        name: of `TRUNKS`.
        channels: of the pictures.
        options: of the classifier: pairs of name and value.
        strides: of the maps, some of `STRIDES`.

    Attributes:
        channels: of the map of each stride.

    Shapes:
        ``(B, C, H, W)`` → of each stride ``(B, channels, ⌈H/stride⌉, ⌈W/stride⌉)``.

    Example:
        >>> trunk = Trunk("resnet18", 3)
        >>> [tuple(found.shape) for found in trunk(torch.zeros(2, 3, 64, 96))]
        [(2, 128, 8, 12), (2, 256, 4, 6), (2, 512, 2, 3)]
    """

    def __init__(
        self, name: str, channels: int, options: TrunkOptions = (), *, strides: tuple[int, ...] = STRIDES
    ) -> None:
        super().__init__()
        if name not in TRUNKS:
            raise UnknownNameError("trunk", name, TRUNKS)
        size = MODELS[name].native_input[1:]
        settings: dict[str, Any] = dict(options)
        classifier = build(name, input_shape=(channels, *size), num_outputs=1, **settings)
        parts: dict[str, nn.Module] = {}
        for own, child in classifier.named_children():
            if isinstance(child, _ENDS):
                break
            parts[own] = child
        self.given, self.channels = _last_of_strides(parts, channels, strides)
        for own, child in list(parts.items())[: max(self.given) + 1]:
            self.add_module(own, child)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for place, part in enumerate(self.children()):
            x = part(x)
            if place in self.given:
                maps.append(x)
        return maps


@torch.no_grad()
def _last_of_strides(
    parts: dict[str, nn.Module], channels: int, strides: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The place of the last part at each stride, and how many channels its map has."""
    device = next(parameter.device for part in parts.values() for parameter in part.parameters())
    x = torch.zeros(1, channels, _PROBED, _PROBED, device=device)
    found = {}
    for place, part in enumerate(parts.values()):
        # Fresh layers are in training mode, where a norm would take these zeros into its means.
        x = part.eval()(x)
        part.train()
        found[_PROBED // x.shape[2]] = (place, x.shape[1])
    return tuple(found[stride][0] for stride in strides), tuple(found[stride][1] for stride in strides)
