"""Intermediate activations: the maps that the layers of a network make of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.explain.heat_map import Floats, to_numpy
from derin.explain.layer_names import find_layer, map_layers
from derin.explain.watching import as_input, unchanged, watch


@dataclass(frozen=True)
class Activations:
    """The maps of one layer.

    Args:
        layer: its name.
        maps: for each picture and unit.

    Shapes:
        maps ``(B, C, h, w)``.
    """

    layer: str
    maps: Floats

    @property
    def silent(self) -> int:
        """Units that give the same number everywhere on every picture: they tell nothing of these."""
        units = self.maps.transpose(1, 0, 2, 3).reshape(self.maps.shape[1], -1)
        return int((units.max(axis=1) == units.min(axis=1)).sum())

    def strongest(self, num: int, example: int = 0) -> list[int]:
        """The units whose maps vary most on one picture, the most varied first.

        Example:
            >>> maps = np.zeros((1, 3, 2, 2), np.float32)
            >>> maps[0, 1, 0, 0], maps[0, 2, 1, 1] = 3, 5
            >>> Activations("conv", maps).strongest(2)
            [2, 1]
        """
        spread = self.maps[example].std(axis=(1, 2))
        order = np.argsort(-spread, kind="stable")[:num]
        return [int(unit) for unit in order]


def activations(network: nn.Module, x: Tensor, layers: Sequence[str] | None = None) -> list[Activations]:
    """The maps of some layers, in one forward pass.

    Args:
        network: any network whose layers give maps.
        x: a batch of its inputs.
        layers: their names; None takes a few from first to last, see `derin.explain.layer_names.map_layers`.

    Shapes:
        x ``(B, C, H, W)`` → for each layer ``(B, channels, h, w)``.

    Raises:
        UsageError: there is no such layer.
        ShapeError: a layer's output is not ``(B, channels, h, w)``.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3))
        >>> [(found.layer, found.maps.shape) for found in activations(net, torch.zeros(5, 1, 8, 7), ["0", "2"])]
        [('0', (5, 3, 6, 5)), ('2', (5, 2, 4, 3))]
    """
    names = map_layers(network, x) if layers is None else list(layers)
    with unchanged(network), torch.no_grad(), ExitStack() as stack:
        watched = [stack.enter_context(watch(find_layer(network, x, name))) for name in names]
        network(as_input(network, x))
    found = []
    for name, seen in zip(names, watched):
        if seen.output is None or seen.value.ndim != 4:
            came = "no tensor" if seen.output is None else f"shape {tuple(seen.value.shape)}"
            raise ShapeError(f"A layer that gives (batch, channels, height, width) is required; {name!r} gave {came}.")
        found.append(Activations(name, to_numpy(seen.value)))
    return found
