"""Attention: what is looked for (queries) is compared with what there is (keys), and the values are mixed accordingly.

    α(t, t′) = exp e(t, t′) / Σ_s exp e(t, s),   context(t) = Σ_t′ α(t, t′) v(t′)

They differ in e: additive (Bahdanau), Luong's three, scaled dot product. Every one costs T·S scores for T queries and S
keys. Weights are given back only where they are asked for.

A mask says which keys there are. Where none is, as in a sequence without tokens, all are looked at: the mix has no
meaning then, and is finite.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.key_value_cache import KeyValueCache
from derin.layers.masks import causal_mask
from derin.layers.positions import apply_rotary

Rotation = tuple[Tensor, Tensor]


class MemoryAttention(nn.Module):
    """Base of the attentions of recurrent networks: a decoder's states look at the states of an encoder.

    Shapes:
        queries ``(B, T, query_size)``, memory ``(B, S, memory_size)`` → context ``(B, T, memory_size)``, weights
        ``(B, T, S)``.
    """

    def keys(self, memory: Tensor) -> Tensor:
        """What queries are compared with, ``(B, S, ·)``; the same for every query, so it may be computed once."""
        return memory

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """e(t, t′), ``(B, T, S)``."""
        raise NotImplementedError

    def forward(
        self,
        queries: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        *,
        keys: Tensor | None = None,
        with_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The contexts of all queries, and the weights if they are asked for.

        Args:
            queries: states that look.
            memory: states that are looked at, and mixed.
            mask: ``(B, S)``, True where a token stands.
            keys: what `keys` gave for this memory; computed where none is given.
            with_weights: whether α is given back.
        """
        scores = self.scores(queries, self.keys(memory) if keys is None else keys)
        if mask is not None:
            scores = scores.masked_fill(~_something(mask)[:, None], -math.inf)
        weights = scores.softmax(dim=2)  # (B, T, S)
        return weights @ memory.to(weights.dtype), weights if with_weights else None


class AdditiveAttention(MemoryAttention):
    """e(t, t′) = vᵀ tanh(W_q s⟨t⟩ + W_m a⟨t′⟩): Bahdanau's, and Luong's "concat" of both with one matrix.

    Args:
        query_size: numbers of a query.
        memory_size: numbers of a state of the memory.
        hidden_size: units between.

    Example:
        >>> attend = AdditiveAttention(12, 10, 7)
        >>> context, weights = attend(torch.zeros(2, 5, 12), torch.zeros(2, 9, 10), with_weights=True)
        >>> context.shape, weights.shape
        (torch.Size([2, 5, 10]), torch.Size([2, 5, 9]))

    Source: D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to align and translate",
    ICLR 2015, arXiv:1409.0473, appendix A.1.2.
    """

    def __init__(self, query_size: int, memory_size: int, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, hidden_size)
        self.memory = nn.Linear(memory_size, hidden_size, bias=False)
        self.score = nn.Linear(hidden_size, 1, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        projected: Tensor = self.memory(memory)
        return projected

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        both = torch.tanh(self.query(queries)[:, :, None] + keys[:, None])  # (B, T, S, hidden_size)
        scores: Tensor = self.score(both).squeeze(3)
        return scores


class LuongAttention(MemoryAttention):
    """e(t, t′) = s⟨t⟩ᵀ a⟨t′⟩ ("dot"), s⟨t⟩ᵀ W a⟨t′⟩ ("general") or vᵀ tanh(W [s⟨t⟩, a⟨t′⟩]) ("concat").

    Args:
        kind: which of the three.
        query_size: numbers of a query.
        memory_size: numbers of a state of the memory; of "dot" as many as of a query.

    Raises:
        UsageError: sizes that "dot" cannot multiply.

    Example:
        >>> LuongAttention("general", 12, 10)(torch.zeros(2, 5, 12), torch.zeros(2, 9, 10))[0].shape
        torch.Size([2, 5, 10])

    Source: M.-T. Luong, H. Pham, C. D. Manning, "Effective approaches to attention-based neural machine translation",
    EMNLP 2015, arXiv:1508.04025, section 3.1.
    """

    def __init__(self, kind: Literal["dot", "general", "concat"], query_size: int, memory_size: int) -> None:
        super().__init__()
        if kind == "dot" and query_size != memory_size:
            raise UsageError(
                'LuongAttention("dot") needs queries and memory of one size; '
                f'got query_size={query_size}, memory_size={memory_size}. Take "general".'
            )
        self.kind = kind
        if kind == "general":
            self.matrix = nn.Linear(memory_size, query_size, bias=False)
        if kind == "concat":
            self.concat = AdditiveAttention(query_size, memory_size, query_size)

    def keys(self, memory: Tensor) -> Tensor:
        if self.kind == "concat":
            return self.concat.keys(memory)
        return self.matrix(memory) if self.kind == "general" else memory

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        if self.kind == "concat":
            return self.concat.scores(queries, keys)
        return queries @ keys.transpose(1, 2).to(queries.dtype)


def scaled_dot_product(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    dropout: float = 0.0,
    with_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """softmax(Q Kᵀ / √d) V over the last two axes, through the fastest kernel that torch has for it here.

    Args:
        queries: what looks.
        keys: what is looked at.
        values: what is mixed.
        mask: True where a query may look, broadcast to ``(B, heads, T, S)``.
        causal: in place of a mask: query t looks at the keys up to t.
        dropout: share of the weights set to zero.
        with_weights: whether the weights are given back.

    Shapes:
        ``(B, heads, T, d)``, twice ``(B, heads, S, d)`` → ``(B, heads, T, d)``, weights ``(B, heads, T, S)``.

    Example:
        >>> q, k = torch.zeros(2, 3, 5, 4), torch.zeros(2, 3, 7, 4)
        >>> scaled_dot_product(q, k, k)[0].shape
        torch.Size([2, 3, 5, 4])

    Source: A. Vaswani et al., NeurIPS 2017, arXiv:1706.03762, equation 1.
    """
    num_queries = queries.shape[2]
    # In bfloat16 on the CPU, torch's fused kernel takes twice the time of its three parts one after the other.
    in_parts = queries.is_cpu and queries.dtype == torch.bfloat16 and num_queries > 1
    if not with_weights and not in_parts:
        return F.scaled_dot_product_attention(queries, keys, values, mask, dropout, causal), None
    if causal:
        mask = causal_mask(num_queries, num_queries, device=queries.device)
    heads, scale = queries.shape[:2], 1 / math.sqrt(queries.shape[3])
    q, k, v = (part.flatten(0, 1) for part in (queries, keys, values))  # (B·heads, T or S, d)
    # Weights in bfloat16 stay so: autocast would take them to float32 and back.
    with torch.autocast(queries.device.type, enabled=False):
        if mask is None:
            scores = torch.bmm(q * scale, k.transpose(1, 2))
        else:
            forbidden = torch.zeros(mask.shape, dtype=q.dtype, device=q.device).masked_fill_(~mask, -math.inf)
            forbidden = forbidden.expand(*heads, *forbidden.shape[-2:]).flatten(0, 1)
            scores = torch.baddbmm(forbidden, q, k.transpose(1, 2), alpha=scale)
        weights = scores.softmax(dim=2)
        mixed = torch.bmm(F.dropout(weights, dropout) if dropout else weights, v)
    return mixed.unflatten(0, heads), weights.unflatten(0, heads) if with_weights else None


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself.

        head_h = softmax(Q_h K_hᵀ / √d) V_h,   y = W_O [head_1, …, head_H]

    with Q, K, V = W_QKV x, cut into heads of d numbers each.

    Args:
        dim: numbers of a token.
        num_heads: H; `dim` is a multiple of it.
        dropout: share of the weights set to zero in training.
        causal: whether a token looks at itself and those before it only.
        window: how many tokens a token looks at, itself included, in a causal attention; None sets no limit.

    Shapes:
        ``(B, T, dim)`` → the same, weights ``(B, H, T, S)`` for S keys.

    Raises:
        UsageError: sizes that do not fit together.

    Example:
        >>> y, weights = SelfAttention(12, 3, causal=True)(torch.zeros(1, 2, 12), with_weights=True)
        >>> weights[0, 0].tolist()
        [[1.0, 0.0], [0.5, 0.5]]

    Source: A. Vaswani et al., NeurIPS 2017, arXiv:1706.03762, section 3.2.2.
    """

    def __init__(
        self, dim: int, num_heads: int, *, dropout: float = 0.0, causal: bool = False, window: int | None = None
    ) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, _head_dim("SelfAttention", dim, num_heads)
        if window is not None and (window < 1 or not causal):
            raise UsageError(f"SelfAttention.window is 1 or more, of a causal attention; got {window=}, {causal=}.")
        self.dropout, self.causal, self.window = dropout, causal, window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        rotation: Rotation | None = None,
        cache: KeyValueCache | None = None,
        with_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The mixed tokens, and the weights if they are asked for.

        Args:
            x: the tokens; with a cache those that follow the ones in it.
            mask: ``(B, T)``, True where a token stands; not with a cache.
            rotation: of `RotaryPositions`, for the places of x.
            cache: keys and values of the tokens before x; those of x are put into it.
            with_weights: whether the weights are given back.
        """
        parts = self.qkv(x).unflatten(2, (3, self.num_heads, self.head_dim))  # (B, T, 3, H, d)
        if rotation is None:
            queries, keys = parts[:, :, 0].transpose(1, 2), parts[:, :, 1].transpose(1, 2)
        else:
            cosines, sines = (part[:, None, None] for part in rotation)  # (T, 1, 1, d)
            turned = apply_rotary(parts[:, :, :2], cosines, sines)
            queries, keys = turned[:, :, 0].transpose(1, 2), turned[:, :, 1].transpose(1, 2)
        values = parts[:, :, 2].transpose(1, 2)  # (B, H, T, d)
        if cache is None:
            allowed, causal = self._allowed(x.shape[1], mask, x.device)
        else:
            keys, values, allowed = cache.extend(keys, values)
            causal = False
        mixed, weights = scaled_dot_product(
            queries,
            keys,
            values,
            allowed,
            causal=causal,
            dropout=self.dropout if self.training else 0.0,
            with_weights=with_weights,
        )
        return self.project(mixed.transpose(1, 2).flatten(2)), weights

    def cache(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> KeyValueCache:
        """An empty cache for texts that grow side by side, on the device and of the kind of the weights where no other
        is given."""
        empty = self.project.weight.new_empty(
            (2, batch_size, self.num_heads, 0, self.head_dim), device=device, dtype=dtype
        )
        return KeyValueCache(empty[0], empty[1], window=self.window)

    def _allowed(self, num_steps: int, mask: Tensor | None, device: torch.device) -> tuple[Tensor | None, bool]:
        """Where queries may look, or that they may look back, which kernels know by themselves."""
        banded = self.window is not None and num_steps > self.window
        if not banded and mask is None:
            return None, self.causal
        allowed = None
        if self.causal:
            allowed = causal_mask(num_steps, num_steps, device=device)
            if banded:
                assert self.window is not None
                allowed = allowed.triu(1 - self.window)
        if mask is not None:
            present = _something(mask)[:, None, None]  # (B, 1, 1, S)
            # The first token of a sequence is seen by all that follow, so that no row of the two together is empty.
            allowed = present if allowed is None else present & allowed
        return allowed, False


class CrossAttention(nn.Module):
    """Multi-head attention of a sequence to another one, the memory: queries of the one, keys and values of the other.

    Args:
        dim: numbers of a token that looks.
        num_heads: `dim` is a multiple of it.
        memory_size: numbers of a token of the memory; `dim` where none is given.
        dropout: share of the weights set to zero in training.

    Shapes:
        ``(B, T, dim)`` and the memory's keys and values → ``(B, T, dim)``, weights ``(B, num_heads, T, S)``.

    Raises:
        UsageError: sizes that do not fit together.

    Example:
        >>> attention = CrossAttention(12, 3, memory_size=10)
        >>> y, _ = attention(torch.zeros(2, 5, 12), attention.project_memory(torch.zeros(2, 7, 10)))
        >>> y.shape
        torch.Size([2, 5, 12])

    Source: A. Vaswani et al., NeurIPS 2017, arXiv:1706.03762, section 3.2.3.
    """

    def __init__(self, dim: int, num_heads: int, *, memory_size: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, _head_dim("CrossAttention", dim, num_heads)
        self.dropout = dropout
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim if memory_size is None else memory_size, 2 * dim)
        self.project = nn.Linear(dim, dim)

    def project_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a memory, each ``(B, num_heads, S, d)``: computed once, looked at at every step."""
        both = self.key_value(memory).unflatten(2, (2, self.num_heads, self.head_dim))  # (B, S, 2, H, d)
        return both[:, :, 0].transpose(1, 2), both[:, :, 1].transpose(1, 2)

    def forward(
        self, x: Tensor, memory: tuple[Tensor, Tensor], mask: Tensor | None = None, *, with_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """The mixed memory, and the weights if they are asked for.

        Args:
            x: the tokens that look.
            memory: what `project_memory` gave.
            mask: ``(B, S)``, True where a token of the memory stands.
            with_weights: whether the weights are given back.
        """
        queries = self.query(x).unflatten(2, (self.num_heads, self.head_dim)).transpose(1, 2)  # (B, H, T, d)
        mixed, weights = scaled_dot_product(
            queries,
            *memory,
            None if mask is None else _something(mask)[:, None, None],
            dropout=self.dropout if self.training else 0.0,
            with_weights=with_weights,
        )
        return self.project(mixed.transpose(1, 2).flatten(2)), weights


def _something(mask: Tensor) -> Tensor:
    """The mask, but all True where it is all False: a mix of nothing would be no number."""
    return mask | ~mask.any(dim=1, keepdim=True)


def _head_dim(where: str, dim: int, num_heads: int) -> int:
    if num_heads < 1 or dim % num_heads:
        fitting = ", ".join(str(n) for n in range(1, min(dim, 64) + 1) if dim % n == 0)
        raise UsageError(
            f"{where}.dim must be a multiple of num_heads; got {dim=}, {num_heads=}. Take one of {fitting}."
        )
    return dim // num_heads
