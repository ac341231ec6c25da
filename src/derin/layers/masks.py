"""Which places of a batch of sequences hold a token: batches are padded at the right with `PADDING`.

A network of sequences finds lengths and masks here, from the tokens themselves, and so stays a plain function of
tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from derin.core.errors import ShapeError

# The number that stands where a sequence of the batch has ended; no vocabulary gives it to a token.
PADDING = 0


def padding_mask(tokens: Tensor) -> Tensor:
    """True where a token stands, False where the sequence has ended.

    Args:
        tokens: whole numbers, padded at the right with `PADDING`.

    Shapes:
        ``(B, T)`` → ``(B, T)`` bool.

    Example:
        >>> padding_mask(torch.tensor([[5, 7, 4], [9, 0, 0]])).tolist()
        [[True, True, True], [True, False, False]]
    """
    return tokens != PADDING


def lengths_of(tokens: Tensor) -> Tensor:
    """The number of places up to the last token of each row; 0 for a row of padding alone.

    Shapes:
        ``(B, T)`` → ``(B,)`` int64, on the device of the tokens.

    Example:
        >>> lengths_of(torch.tensor([[5, 7, 4], [9, 0, 0], [0, 0, 0]])).tolist()
        [3, 1, 0]
    """
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    return (places * padding_mask(tokens)).amax(1) if tokens.shape[1] else tokens.new_zeros(tokens.shape[0])


def mask_of_lengths(lengths: Tensor, num_steps: int) -> Tensor:
    """The same mask from lengths, for sequences that are not tokens.

    Shapes:
        ``(B,)`` → ``(B, num_steps)`` bool.

    Example:
        >>> mask_of_lengths(torch.tensor([3, 1]), 3).tolist()
        [[True, True, True], [True, False, False]]
    """
    return torch.arange(num_steps, device=lengths.device) < lengths[:, None]


def causal_mask(num_queries: int, num_keys: int, *, device: torch.device | str | None = None) -> Tensor:
    """True where a query may look: the last query sees the last key, each one before it one key less.

    Shapes:
        → ``(num_queries, num_keys)`` bool.

    Example:
        >>> causal_mask(2, 3).int().tolist()
        [[1, 1, 0], [1, 1, 1]]
    """
    queries = torch.arange(num_keys - num_queries, num_keys, device=device)[:, None]
    return torch.arange(num_keys, device=device) <= queries


def require_tokens(where: str, tokens: Tensor) -> Tensor:
    """Hands the tokens on if they are a batch of sequences of whole numbers.

    Args:
        where: who asks, for the message.
        tokens: to check.

    Raises:
        ShapeError: other than two axes, or no whole numbers.

    Example:
        >>> require_tokens("lstm_lm", torch.zeros(2, 5))
        Traceback (most recent call last):
        derin.core.errors.ShapeError: lstm_lm reads whole numbers of shape (batch, steps); got float32 of shape (2, 5).
    """
    if tokens.dim() != 2 or tokens.is_floating_point() or tokens.is_complex():
        kind = str(tokens.dtype).removeprefix("torch.")
        raise ShapeError(
            f"{where} reads whole numbers of shape (batch, steps); got {kind} of shape {tuple(tokens.shape)}."
        )
    return tokens
