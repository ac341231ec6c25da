"""Networks without memory: sizes and names are there, numbers are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class _NoDrawing(TorchFunctionMode):
    """Draws no normal numbers: there is nothing to fill, and torch would load its compiler for it (a second)."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.Tensor.normal_, torch.nn.init.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


@contextmanager
def without_memory() -> Iterator[None]:
    """Within it, new layers hold tensors on torch's meta device, which have shapes and no memory.

    Example:
        >>> with without_memory():
        ...     layer = torch.nn.Linear(1_000_000, 1_000_000)
        >>> layer.weight.shape.numel()
        1000000000000
    """
    with torch.device("meta"), _NoDrawing():
        yield
