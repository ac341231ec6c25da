"""A table of vectors: each whole number becomes the vector in its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from derin.layers.layer import Layer, Shape
from derin.layers.options import require_range


class EmbeddingTable(nn.Embedding):
    """`torch.nn.Embedding` that also takes whole numbers held as floats, as tables of numbers give them."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.long() if input.is_floating_point() else input)


@dataclass(frozen=True)
class Embedding(Layer):
    """y = W[x].

    Args:
        vocabulary: how many different numbers there are, from 0.
        dim: length of each vector.

    Shapes:
        ``(B, ...)`` whole numbers → ``(B, ..., dim)``.

    Example:
        >>> Embedding(100, 12).output_shape((5,))
        (5, 12)
    """

    kind: ClassVar[str] = "embedding"

    vocabulary: int
    dim: int

    def __post_init__(self) -> None:
        require_range("embedding", "vocabulary", self.vocabulary, 1, 100_000_000)
        require_range("embedding", "dim", self.dim, 1)

    def output_shape(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.dim)

    def build(self, *inputs: Shape) -> nn.Module:
        return EmbeddingTable(self.vocabulary, self.dim)
