"""Transformer: an encoder that looks at the whole source, a decoder that looks back and at the encoder's memory.

Paper: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762.
Differs: the norms stand before each part (Xiong et al. 2020), which needs no slow beginning; GELU for ReLU. The weights
    of the output are those of the target's embedding, and of the source's where both sides share their vocabulary
    (section 3.4 of the paper).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from derin.layers.key_value_cache import KeyValueCache
from derin.layers.masks import padding_mask
from derin.layers.options import require_range
from derin.layers.positions import SinusoidalPositions
from derin.layers.transformer import DecoderBlock, EncoderBlock, initialize_blocks
from derin.models.info import ModelInfo
from derin.models.translator import DecoderState, Translator, shared_embeddings, tied_output


@dataclass(frozen=True, kw_only=True)
class TransformerOptions:
    """Options of `transformer`.

    Args:
        vocabulary: number of source tokens.
        shared: whether sources and targets have one vocabulary and one embedding.
        dim: numbers of a token's vector, an even multiple of `num_heads`.
        num_heads: of each attention.
        hidden: units of the dense network in each block.
        num_encoder_layers: blocks that read.
        num_decoder_layers: blocks that say.
        dropout: share of numbers set to zero in training.
    """

    vocabulary: int = 1000
    shared: bool = False
    dim: int = 256
    num_heads: int = 4
    hidden: int = 512
    num_encoder_layers: int = 3
    num_decoder_layers: int = 3
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_range("transformer", "vocabulary", self.vocabulary, 4, 10_000_000)
        for name in ("dim", "num_heads", "hidden"):
            require_range("transformer", name, getattr(self, name), 1)
        for name in ("num_encoder_layers", "num_decoder_layers"):
            require_range("transformer", name, getattr(self, name), 1, 100)
        require_range("transformer", "dropout", self.dropout, 0.0, 0.99)


class Transformer(Translator):
    """Encoder and decoder blocks between one embedding and its transpose.

    Shapes:
        ``(B, S)``, ``(B, T)`` → ``(B, T, num_outputs)``.

    Example:
        >>> import torch
        >>> network = Transformer((7,), 30, TransformerOptions(vocabulary=20, dim=12, num_heads=3, hidden=24))
        >>> source, target = torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 5, dtype=torch.int64)
        >>> network(source, target).shape, network.alignment(source, target).shape
        (torch.Size([2, 5, 30]), torch.Size([2, 5, 7]))
    """

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TransformerOptions) -> None:
        super().__init__(input_shape, options.vocabulary, num_outputs, options)
        sizes = (options.dim, options.num_heads, options.hidden, options.dropout)
        self.source_embedding, self.target_embedding = shared_embeddings(
            "transformer", options.vocabulary, num_outputs, options.dim, shared=options.shared
        )
        self.positions = SinusoidalPositions(options.dim)
        self.dropout = nn.Dropout(options.dropout)
        self.encoder = nn.ModuleList(EncoderBlock(*sizes) for _ in range(options.num_encoder_layers))
        self.encoder_norm = nn.LayerNorm(options.dim)
        self.decoder = nn.ModuleList(DecoderBlock(*sizes) for _ in range(options.num_decoder_layers))
        self.decoder_norm = nn.LayerNorm(options.dim)
        self.output = tied_output(self.target_embedding)
        self.scale = math.sqrt(options.dim)
        initialize_blocks(self.encoder, 2 * options.num_encoder_layers)
        initialize_blocks(self.decoder, 3 * options.num_decoder_layers)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        source, target = self.require_pair(source, target)
        hidden, _ = self._decode(target, self.encode(source), None)
        logits: Tensor = self.output(hidden)
        return logits

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """Where tokens stand, and keys and values of every decoder block.

        Shapes:
            ``(B, S)`` → ``(B, S)`` bool, then two ``(B, num_heads, S, d)`` for each block.
        """
        mask = padding_mask(self.require(source))
        x = self._embed(self.source_embedding, source, 0)
        for block in self.encoder:
            x = block(x, mask)
        x = self.encoder_norm(x)
        remembered: list[Tensor] = [mask]
        for block in self.decoder:
            assert isinstance(block, DecoderBlock)
            remembered += block.project_memory(x)
        return tuple(remembered)

    def start(self, memory: tuple[Tensor, ...]) -> DecoderState:
        keys = memory[1]
        caches = [
            block.cache(len(keys), device=keys.device, dtype=keys.dtype)
            for block in self.decoder
            if isinstance(block, DecoderBlock)
        ]
        return DecoderState(memory, tuple(caches))

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        hidden, _ = self._decode(tokens[:, None], state.memory, state.steps)
        return self.output(hidden)[:, 0], state

    def alignment(self, source: Tensor, target: Tensor) -> Tensor:
        """The mean of the heads of the last block but one, which is nearest to a person's (Garg et al., EMNLP 2019)."""
        source, target = self.require_pair(source, target)
        _, weights = self._decode(target, self.encode(source), None, looked_at=max(0, len(self.decoder) - 2))
        assert weights is not None
        return weights.mean(1)

    def _embed(self, embedding: nn.Embedding, tokens: Tensor, first: int) -> Tensor:
        x: Tensor = self.dropout(self.positions(embedding(tokens) * self.scale, first))
        return x

    def _decode(
        self,
        target: Tensor,
        memory: tuple[Tensor, ...],
        caches: tuple[Tensor | KeyValueCache, ...] | None,
        *,
        looked_at: int | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """The decoder's last vectors, and the weights ``(B, num_heads, T, S)`` of one block if they are asked for."""
        mask, *remembered = memory
        own = [None] * len(self.decoder) if caches is None else [c for c in caches if isinstance(c, KeyValueCache)]
        x = self._embed(self.target_embedding, target, 0 if own[0] is None else own[0].num_seen)
        found = None
        for number, (block, cache) in enumerate(zip(self.decoder, own, strict=True)):
            keys_and_values = (remembered[2 * number], remembered[2 * number + 1])
            x, weights = block(x, keys_and_values, mask, cache=cache, with_weights=number == looked_at)
            found = weights if number == looked_at else found
        return self.decoder_norm(x), found


TRANSFORMER = ModelInfo(
    name="transformer",
    inputs=("source", "target"),
    build=Transformer,
    options=TransformerOptions,
    input_kind="tokens",
    native_input=(16,),
    native_outputs=1000,
    output_kind="sequence",
    output_layers=("target_embedding", "output"),
    paper="Vaswani et al.: Attention is all you need. NeurIPS 2017",
    year=2017,
    note="Small sizes for small data; norms before each part, GELU, output tied to the embedding.",
)
