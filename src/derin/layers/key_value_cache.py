"""Keys and values of the tokens that a causal attention has seen, so that a new token costs one step and not all again.

The memory lies ready before it is needed. Without a window it doubles whenever it is full. With one it is a ring: the
newest token takes the place of the oldest, so that a text may grow for ever in the same memory and time per token, and
what is older than the window is forgotten, as it is in one pass over the whole text.
"""

from __future__ import annotations

import torch
from torch import Tensor

from derin.layers.masks import causal_mask

_FIRST_CAPACITY = 64


class KeyValueCache:
    """What one attention layer remembers of texts that grow side by side.

    Args:
        keys: those of the tokens so far, oldest first; ``(B, heads, S, d)``, S may be 0.
        values: the same of the values.
        window: how many tokens are remembered at most; None sets no limit.
        num_seen: tokens so far, those forgotten included; S where nothing is given.

    Example:
        >>> cache = KeyValueCache(torch.empty(1, 1, 0, 2), torch.empty(1, 1, 0, 2), window=3)
        >>> for number in range(5):
        ...     token = torch.full((1, 1, 1, 2), float(number))
        ...     keys, values, allowed = cache.extend(token, token)
        >>> sorted(keys[0, 0, :, 0].tolist()), cache.num_seen
        ([2.0, 3.0, 4.0], 5)
    """

    def __init__(self, keys: Tensor, values: Tensor, *, window: int | None = None, num_seen: int | None = None) -> None:
        self.window = window
        self.num_seen = keys.shape[2] if num_seen is None else num_seen
        self._keys, self._values = keys, values

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Puts new tokens behind those so far.

        Args:
            keys: of the new tokens, ``(B, heads, t, d)``.
            values: of the new tokens.

        Returns:
            Keys and values to look at, ``(B, heads, S, d)``, and where each of the t new tokens may look, ``(t, S)``;
            None where it is everywhere. Of a single token their order is not that of the text.
        """
        if keys.shape[2] == 1:
            return self._extend_by_one(keys, values)
        num_new = keys.shape[2]
        before = self._in_order()
        keys = torch.cat([before[0], keys.to(before[0].dtype)], dim=2)
        values = torch.cat([before[1], values.to(before[1].dtype)], dim=2)
        allowed = causal_mask(num_new, keys.shape[2], device=keys.device)
        if self.window is not None:
            allowed = allowed.triu(keys.shape[2] - num_new - self.window + 1)
        self.num_seen += num_new
        self._store(keys, values)
        return keys, values, allowed

    def select(self, rows: Tensor) -> KeyValueCache:
        """The cache of some of the texts, in a new order and perhaps several times.

        Args:
            rows: numbers of texts, ``(B_new,)``.
        """
        return KeyValueCache(
            self._keys.index_select(0, rows),
            self._values.index_select(0, rows),
            window=self.window,
            num_seen=self.num_seen,
        )

    def _extend_by_one(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, None]:
        if self.num_seen >= self._keys.shape[2] and not self._is_full_ring():
            self._grow()
        slot = self.num_seen % self._keys.shape[2]
        self._keys[:, :, slot], self._values[:, :, slot] = keys[:, :, 0], values[:, :, 0]
        self.num_seen += 1
        filled = min(self.num_seen, self._keys.shape[2])
        return self._keys[:, :, :filled], self._values[:, :, :filled], None

    def _is_full_ring(self) -> bool:
        return self.window is not None and self._keys.shape[2] == self.window

    def _grow(self) -> None:
        capacity = max(_FIRST_CAPACITY, 2 * self._keys.shape[2])
        if self.window is not None:
            capacity = min(capacity, self.window)
        filled = self._keys.shape[2]
        for name in ("_keys", "_values"):
            old = getattr(self, name)
            new = old.new_empty(*old.shape[:2], capacity, old.shape[3])
            new[:, :, :filled] = old
            setattr(self, name, new)

    def _in_order(self) -> tuple[Tensor, Tensor]:
        """Keys and values so far, oldest first."""
        capacity = self._keys.shape[2]
        if self.num_seen <= capacity:
            return self._keys[:, :, : self.num_seen], self._values[:, :, : self.num_seen]
        shift = -(self.num_seen % capacity)
        return self._keys.roll(shift, 2), self._values.roll(shift, 2)

    def _store(self, keys: Tensor, values: Tensor) -> None:
        """Remembers what the window leaves, each token at the slot of its number."""
        if self.window is not None and self.num_seen > self.window:
            shift = self.num_seen % self.window
            keys, values = keys[:, :, -self.window :].roll(shift, 2), values[:, :, -self.window :].roll(shift, 2)
        self._keys, self._values = keys, values
