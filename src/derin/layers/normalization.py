"""Normalization: y = γ (x − μ)/√(σ² + ε) + β, with μ and σ² over the batch, an example, or groups of channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from derin.core.errors import ShapeError
from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range

_BATCH_NORMS: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Mean and variance of each channel over the batch and every other axis; in evaluation their running averages.

    Args:
        momentum: share of the newest batch in the running averages, 0 to 1.
        epsilon: ε.

    Shapes:
        ``(B, C)`` to ``(B, C, D, H, W)`` → the same.

    Example:
        >>> BatchNorm().build((6, 14, 14)).num_features
        6

    Source: S. Ioffe and C. Szegedy, ICML 2015, arXiv:1502.03167.
    """

    kind: ClassVar[str] = "batch_norm"

    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        require_range("batch_norm", "momentum", self.momentum, 0.0, 1.0)
        require_range("batch_norm", "epsilon", self.epsilon, 0.0, 1.0)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if len(shape) not in _BATCH_NORMS:
            raise self.refuse(shape, "1 to 4 axes, channels first")
        return shape

    def build(self, *inputs: Shape) -> nn.Module:
        (shape,) = inputs
        return _BATCH_NORMS[len(shape)](shape[0], eps=self.epsilon, momentum=self.momentum)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Mean and variance of one example, over its last axis or over all of them.

    Args:
        axes: "last" or "all".
        epsilon: ε.

    Shapes:
        ``(B, ..., D)`` → the same.

    Example:
        >>> LayerNorm().build((5, 12)).normalized_shape
        (12,)

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, 2016, arXiv:1607.06450.
    """

    kind: ClassVar[str] = "layer_norm"

    axes: Literal["last", "all"] = "last"
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        require_range("layer_norm", "epsilon", self.epsilon, 0.0, 1.0)

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def build(self, *inputs: Shape) -> nn.Module:
        (shape,) = inputs
        return nn.LayerNorm(shape if self.axes == "all" else shape[-1:], eps=self.epsilon)


@dataclass(frozen=True)
class GroupNorm(Layer):
    """Mean and variance of one example over each of several groups of channels.

    Args:
        groups: number of groups; must divide the channels.
        epsilon: ε.

    Shapes:
        ``(B, C, ...)`` → the same.

    Example:
        >>> GroupNorm(4).output_shape((12, 7, 5))
        (12, 7, 5)

    Source: Y. Wu and K. He, ECCV 2018, arXiv:1803.08494.
    """

    kind: ClassVar[str] = "group_norm"

    groups: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        require_range("group_norm", "groups", self.groups, 1)
        require_range("group_norm", "epsilon", self.epsilon, 0.0, 1.0)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if shape[0] % self.groups:
            divisors = [n for n in range(1, min(shape[0], 64) + 1) if shape[0] % n == 0]
            raise ShapeError(
                f"group_norm.groups must divide the {shape[0]} channels; got groups={self.groups}. "
                f"Use groups in {', '.join(map(str, divisors))}."
            )
        return shape

    def build(self, *inputs: Shape) -> nn.Module:
        return nn.GroupNorm(self.groups, inputs[0][0], eps=self.epsilon)
