"""Blocks of a Transformer, each sublayer of which is added to its input: an encoder's, and a decoder's with a memory.

    x ← x + attention(norm(x)),   x ← x + narrow(g(widen(norm(x))))

The norm stands before each sublayer ("pre-norm") and not behind the sum as in the first paper: the sum of all goes
through the network untouched, and training needs no slow beginning. A network of these blocks has one more norm behind
the last of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from derin.layers.activations import activation
from derin.layers.attention import CrossAttention, Rotation, SelfAttention
from derin.layers.key_value_cache import KeyValueCache
from derin.layers.stochastic_depth import StochasticDepth


class FeedForward(nn.Module):
    """y = W_2 g(W_1 x + b_1) + b_2, for every token by itself.

    Args:
        dim: numbers of a token.
        hidden: units between.
        act: g, a name of `layers.activations`.
        dropout: share of the units between set to zero in training.

    Shapes:
        ``(B, T, dim)`` → the same.

    Example:
        >>> FeedForward(12, 31)(torch.zeros(2, 5, 12)).shape
        torch.Size([2, 5, 12])
    """

    def __init__(self, dim: int, hidden: int, *, act: str = "gelu", dropout: float = 0.0) -> None:
        super().__init__()
        self.widen = nn.Linear(dim, hidden)
        self.act = activation(act)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.narrow = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(self.dropout(self.act(self.widen(x))))
        return y


class EncoderBlock(nn.Module):
    """Attention of a sequence to itself, then a dense network for every token; with `causal` a decoder without memory.

    Args:
        dim: numbers of a token.
        num_heads: of the attention.
        hidden: units of the dense network.
        dropout: share of the numbers of each sublayer, and of the weights of the attention, set to zero in training.
        act: activation of the dense network.
        causal: whether a token looks back only.
        window: how many tokens it looks at; see `SelfAttention`.
        epsilon: of the norms.
        attention_dropout: share of the weights of the attention set to zero, where it is not `dropout`.
        dense_dropout: share of the units within the dense network set to zero.
        drop_prob: share of the examples that pass by a sublayer in training, see `StochasticDepth`; None for none.

    Shapes:
        ``(B, T, dim)`` → the same.

    Example:
        >>> EncoderBlock(12, 3, 31)(torch.zeros(2, 5, 12), torch.ones(2, 5, dtype=torch.bool)).shape
        torch.Size([2, 5, 12])

    Source: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762, section 3.1; the place of
    the norms: R. Xiong et al., "On layer normalization in the Transformer architecture", ICML 2020, arXiv:2002.04745.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        hidden: int,
        dropout: float = 0.0,
        *,
        act: str = "gelu",
        causal: bool = False,
        window: int | None = None,
        epsilon: float = 1e-5,
        attention_dropout: float | None = None,
        dense_dropout: float = 0.0,
        drop_prob: float | None = None,
    ) -> None:
        super().__init__()
        of_weights = dropout if attention_dropout is None else attention_dropout
        self.norm1 = nn.LayerNorm(dim, eps=epsilon)
        self.attention = SelfAttention(dim, num_heads, dropout=of_weights, causal=causal, window=window)
        self.norm2 = nn.LayerNorm(dim, eps=epsilon)
        self.dense = FeedForward(dim, hidden, act=act, dropout=dense_dropout)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.drop_path = None if drop_prob is None else StochasticDepth(drop_prob)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        rotation: Rotation | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """The tokens after both sublayers.

        Args:
            x: the tokens.
            mask: ``(B, T)``, True where a token stands.
            rotation: see `SelfAttention`.
            cache: see `SelfAttention`.
        """
        mixed, _ = self.attention(self.norm1(x), mask, rotation=rotation, cache=cache)
        x = x + self._dropped(mixed)
        return x + self._dropped(self.dense(self.norm2(x)))

    def _dropped(self, added: Tensor) -> Tensor:
        added = self.dropout(added)
        return added if self.drop_path is None else self.drop_path(added)

    def cache(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> KeyValueCache:
        """An empty cache for the attention."""
        return self.attention.cache(batch_size, device=device, dtype=dtype)


class DecoderBlock(nn.Module):
    """Causal attention of a sequence to itself, attention to a memory, then a dense network for every token.

    Args:
        dim: numbers of a token.
        num_heads: of both attentions.
        hidden: units of the dense network.
        dropout: share of the numbers of each third, and of the weights of the attentions, set to zero in training.
        memory_size: numbers of a token of the memory; `dim` where none is given.
        act: activation of the dense network.

    Shapes:
        ``(B, T, dim)``, memory ``(B, S, memory_size)`` → ``(B, T, dim)``.

    Example:
        >>> block = DecoderBlock(12, 3, 31)
        >>> y, weights = block(torch.zeros(2, 5, 12), block.project_memory(torch.zeros(2, 7, 12)), with_weights=True)
        >>> y.shape, weights.shape
        (torch.Size([2, 5, 12]), torch.Size([2, 3, 5, 7]))

    Source: as of `EncoderBlock`.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        hidden: int,
        dropout: float = 0.0,
        *,
        memory_size: int | None = None,
        act: str = "gelu",
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, num_heads, dropout=dropout, causal=True)
        self.norm2 = nn.LayerNorm(dim)
        self.cross_attention = CrossAttention(dim, num_heads, memory_size=memory_size, dropout=dropout)
        self.norm3 = nn.LayerNorm(dim)
        self.dense = FeedForward(dim, hidden, act=act)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def project_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a memory, the same at every step; their first axis is the batch."""
        return self.cross_attention.project_memory(memory)

    def forward(
        self,
        x: Tensor,
        memory: tuple[Tensor, Tensor],
        memory_mask: Tensor | None = None,
        *,
        rotation: Rotation | None = None,
        cache: KeyValueCache | None = None,
        with_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The tokens after all thirds, and the weights with which they look at the memory, if asked for.

        Args:
            x: the tokens so far, padded at the right; with a cache the new ones.
            memory: what `project_memory` gave.
            memory_mask: ``(B, S)``, True where a token of the memory stands.
            rotation: see `SelfAttention`.
            cache: see `SelfAttention`.
            with_weights: whether the weights ``(B, num_heads, T, S)`` are given back.
        """
        mixed, _ = self.attention(self.norm1(x), rotation=rotation, cache=cache)
        x = x + self.dropout(mixed)
        looked, weights = self.cross_attention(self.norm2(x), memory, memory_mask, with_weights=with_weights)
        x = x + self.dropout(looked)
        return x + self.dropout(self.dense(self.norm3(x))), weights

    def cache(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> KeyValueCache:
        """An empty cache for the attention of the sequence to itself."""
        return self.attention.cache(batch_size, device=device, dtype=dtype)


@torch.no_grad()
def initialize_blocks(blocks: nn.Module, num_sublayers: int) -> None:
    """Draws all dense layers and embeddings within from N(0, 0.02²), biases zero; what is added to the sum through the
    network is smaller by √(number of sublayers), so that the sum of a deep network is no larger than that of a flat
    one.

    Args:
        blocks: a whole network.
        num_sublayers: how often something is added: two per encoder block, three per decoder block.

    Example:
        >>> block = EncoderBlock(12, 3, 31)
        >>> initialize_blocks(block, 2)
        >>> bool(block.dense.narrow.weight.std() < block.dense.widen.weight.std())
        True

    Source: A. Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.3.
    """
    for name, module in blocks.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding) and not module.weight.is_meta:
            added = name.endswith(("project", "narrow"))
            nn.init.normal_(module.weight, std=0.02 / math.sqrt(num_sublayers) if added else 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
