"""How PyTorch says its operators in simpler ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def decompositions() -> dict[Any, Callable[..., Any]]:
    """Rules by operator: those of `torch.export`, and that of bicubic interpolation, which torch has beside them.

    That one has no name that is promised to stay; without it a network that interpolates so is refused by name.

    Example:
        >>> torch.ops.aten.silu.default in decompositions()
        True
    """
    from torch.export import default_decompositions

    rules = dict(default_decompositions().items())
    try:
        from torch._decomp import get_decompositions
    except ImportError:
        return rules
    return {**rules, **get_decompositions([torch.ops.aten.upsample_bicubic2d])}
