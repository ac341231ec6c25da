"""Stochastic depth: in training, whole blocks are left out at random, example by example."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """y = m·x / (1 − p), with m = 0 for a share p of the examples and 1 for the others; in evaluation y = x.

    It stands at the end of a residual block's branch, before the sum: an example with m = 0 passes by the block.

    Args:
        drop_prob: p, of the examples.

    Shapes:
        ``(B, …)`` → the same.

    Example:
        >>> branch = StochasticDepth(0.5).eval()
        >>> branch(torch.ones(2, 3)).sum()
        tensor(6.)

    Source: G. Huang, Y. Sun, Z. Liu, D. Sedra, K. Weinberger, ECCV 2016, arXiv:1603.09382, section 3. The paper draws
    once for a whole batch and scales in evaluation by 1 − p.
    """

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_prob == 0:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.ndim - 1), device=x.device) >= self.drop_prob
        return x * (kept / (1 - self.drop_prob)).to(x.dtype)

    def extra_repr(self) -> str:
        return f"share={self.drop_prob:.3g}"


def rising_drop_probs(last: float, num_blocks: int) -> list[float]:
    """Shares that grow linearly from nothing in the first block to `last` in the last: early maps serve all others.

    Example:
        >>> rising_drop_probs(0.2, 3)
        [0.0, 0.1, 0.2]
    """
    return [last * place / max(num_blocks - 1, 1) for place in range(num_blocks)]
