"""What the networks that read tokens share: rows of whole numbers of any length, padded at the right with 0."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from derin.core.errors import ShapeError
from derin.models.network import Network


class TokenNetwork(Network):
    """Base of the networks that read tokens.

    Args:
        input_shape: ``(length,)``, typical and not required.
        options: with the size of the `vocabulary` among them.
    """

    def __init__(self, input_shape: tuple[int, ...], *, options: Any) -> None:
        super().__init__(input_shape, options=options)

    def require(self, x: Tensor) -> Tensor:
        """Hands tokens on if they are whole numbers in rows; their values are checked by the embedding."""
        if x.ndim != 2 or x.dtype not in (torch.int64, torch.int32):
            raise ShapeError(
                f"{type(self).__name__} reads tokens, whole numbers of shape (batch, length); "
                f"got {tuple(x.shape)} of {x.dtype}."
            )
        return x
