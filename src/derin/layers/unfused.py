"""Torch's layers of attention step by step, in one thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class Unfused(TorchFunctionMode):
    """Within it, `nn.MultiheadAttention` and `nn.TransformerEncoder` compute by single operations, in this thread only.

    Without gradients torch computes each of them as one operation that cannot be looked into. Its switch for that,
    ``torch.backends.mha``, is the whole process's; a mode is one thread's, and where one is active torch steps back.

    Example:
        >>> import torch
        >>> layer, x = torch.nn.MultiheadAttention(4, 2, batch_first=True).eval(), torch.ones(1, 3, 4)
        >>> with torch.no_grad():
        ...     fused = layer(x, x, x)[0]
        ...     with Unfused():
        ...         torch.allclose(layer(x, x, x)[0], fused, atol=1e-6)
        True
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))
