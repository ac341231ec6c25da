"""One operation on many tensors in one call, where torch has it; its names for that are not promised to stay."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import torch
from torch import Tensor


def foreach(operation: str, tensors: Sequence[Tensor], *arguments: Any, **options: Any) -> Sequence[Tensor]:
    """What a method of tensors gives for each of them, computed together.

    Args:
        operation: the name of the method; with ``_`` at its end tensors are changed in place.
        tensors: whose method it is.
        arguments: of the method: a list has one for each tensor, anything else is the same for all.
        options: of the method, the same for all.

    Example:
        >>> [one.tolist() for one in foreach("add", [torch.ones(2), torch.zeros(1)], [torch.ones(2)] * 2, alpha=3)]
        [[4.0, 4.0], [3.0, 3.0]]
    """
    together = getattr(torch, f"_foreach_{operation}", None)
    if together is not None:
        found: Sequence[Tensor] | None = together(tensors, *arguments, **options)
        return tensors if found is None else found
    own = zip(*(one if isinstance(one, list) else repeat(one) for one in arguments)) if arguments else repeat(())
    return [getattr(tensor, operation)(*each, **options) for tensor, each in zip(tensors, own)]
