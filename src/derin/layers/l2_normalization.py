"""Scales vectors to length one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from derin.layers.layer import Layer, Shape


class UnitLength(nn.Module):
    """y = x / max(‖x‖₂, 10⁻¹²) over axis 1."""

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1)


@dataclass(frozen=True)
class L2Normalize(Layer):
    """y = x / ‖x‖₂: every vector (of a picture, every pixel's channels) gets length one.

    Shapes:
        ``(B, C, ...)`` → the same.

    Example:
        >>> import torch
        >>> L2Normalize().build((2,))(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """

    kind: ClassVar[str] = "l2_normalize"

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def build(self, *inputs: Shape) -> nn.Module:
        return UnitLength()
