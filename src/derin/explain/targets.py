"""What is explained: one number for each example, taken from a network's output."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from derin.core.errors import UsageError

# From a network's output to one number for each example, ``(B, ...)`` → ``(B,)``.
Score = Callable[[Tensor], Tensor]
# An output's place, one place for each example, a score, or None: for each example its own largest output.
Target = int | Sequence[int] | Score | None


def as_score(target: Target, output: Tensor) -> Score:
    """The score that a target means, for a network that gives such an output.

    Args:
        target: an output's place (counted from 0), a place for each example, a function of the output, or None for
            the largest output of each example.
        output: of the network for the batch that is explained.

    Shapes:
        output ``(B,)``, ``(B, K)``, or ``(B, K, H, W)``, whose maps count by their mean.

    Raises:
        UsageError: a place that the output does not have, or another number of places than examples.

    Example:
        >>> output = torch.tensor([[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]])
        >>> as_score(None, output)(output), as_score(2, output)(output)
        (tensor([5., 7.]), tensor([2., 3.]))
    """
    if callable(target):
        return target
    columns = _columns(output)
    num, places = columns.shape
    if target is None:
        chosen = columns.detach().argmax(dim=1)
    else:
        wanted = [target] * num if isinstance(target, int) else list(target)
        if len(wanted) != num:
            raise UsageError(f"A target for each of {num} examples is required; got {len(wanted)}.")
        outside = next((place for place in wanted if not 0 <= place < places), None)
        if outside is not None:
            raise UsageError(f"A target must be an output from 0 to {places - 1}; got {outside}.")
        chosen = torch.tensor(wanted, device=output.device)
    return lambda given: _columns(given).gather(1, chosen.repeat(len(given) // num)[:, None]).squeeze(1)


def require_output(output: object, *, target: Target = None) -> Tensor:
    """A network's output, if it is one tensor with a row for each example.

    Args:
        output: what it gave.
        target: what is explained; a score of one's own may read more axes than those below.

    Raises:
        UsageError: it is another.
    """
    if not isinstance(output, Tensor) or not output.ndim or (not callable(target) and output.ndim not in (1, 2, 4)):
        came = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise UsageError(
            f"A network to be explained must give one tensor (batch, outputs), or (batch, outputs, height, width); "
            f"got {came}."
        )
    return output


def _columns(output: Tensor) -> Tensor:
    """``(B,)``, ``(B, K)`` or ``(B, K, H, W)`` → ``(B, K)``."""
    return output[:, None] if output.ndim == 1 else output.flatten(2).mean(2) if output.ndim == 4 else output
