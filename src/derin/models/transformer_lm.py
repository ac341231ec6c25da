"""Language model of Transformer blocks that look back: a decoder without a memory, as in GPT.

Papers: A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762; A. Radford et al., "Language
    models are unsupervised multitask learners", 2019 (norms before the sublayers, small beginnings); J. Su et al.,
    "RoFormer", 2021, arXiv:2104.09864 (rotary positions); A. Q. Jiang et al., "Mistral 7B", 2023, arXiv:2310.06825
    (sliding window); tied weights: O. Press, L. Wolf, EACL 2017, arXiv:1608.05859.
Differs: each token looks at the last `window` tokens, itself included. As far as a text is no longer than that, this is
    the usual causal attention. Beyond it, generation goes on in the same memory and time per token: what is older than
    the window is forgotten layer by layer, and one pass over the whole text gives the same scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.key_value_cache import KeyValueCache
from derin.layers.options import require_range
from derin.layers.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from derin.layers.transformer import EncoderBlock, initialize_blocks
from derin.models.info import ModelInfo
from derin.models.language_model import CarriedState, LanguageModel


@dataclass(frozen=True, kw_only=True)
class TransformerLMOptions:
    """Options of `transformer_lm`.

    Args:
        vocabulary: how many tokens there are.
        dim: numbers of a token.
        num_layers: blocks.
        num_heads: of each attention; `dim` is a multiple of it.
        hidden: units of the dense network of a block; 0 takes four times `dim`.
        window: how many tokens a token looks at, itself included. Learned positions end with it.
        positions: how the places of tokens are told.
        scale_embedding: with sinusoidal positions, whether embeddings begin with a length of about 1 and are multiplied
            by √dim before the waves are added, which are as large (section 3.4 of Vaswani et al.).
        dropout: share of the numbers of embeddings, sublayers and attention weights set to zero in training.
        tied: whether the output layer's matrix is that of the embedding.
    """

    vocabulary: int = 1000
    dim: int = 256
    num_layers: int = 4
    num_heads: int = 4
    hidden: int = 0
    window: int = 256
    positions: Literal["rotary", "sinusoidal", "learned"] = "rotary"
    scale_embedding: bool = True
    dropout: float = 0.0
    tied: bool = False

    def __post_init__(self) -> None:
        for name in ("vocabulary", "dim", "num_heads", "window"):
            require_range("transformer_lm", name, getattr(self, name), 1)
        require_range("transformer_lm", "num_layers", self.num_layers, 1, 100)
        require_range("transformer_lm", "hidden", self.hidden, 0)
        require_range("transformer_lm", "dropout", self.dropout, 0.0, 0.99)


@dataclass
class DecoderCache:
    """Texts that grow token by token: one cache per block, and how many tokens there are."""

    caches: list[KeyValueCache]
    num_tokens: int = 0


class TransformerLM(LanguageModel):
    """Embeddings, blocks of causal attention, a norm, and a score for every token that may come next.

    Shapes:
        tokens ``(B, T)`` → logits ``(B, T, num_outputs)`` and None.

    Raises:
        UsageError: options that do not fit together.

    Example:
        >>> net = TransformerLM((9,), 50, TransformerLMOptions(vocabulary=50, dim=12, num_heads=3, num_layers=2))
        >>> logits, state = net(torch.randint(1, 50, (2, 9)))
        >>> logits.shape, state
        (torch.Size([2, 9, 50]), None)
    """

    carries_state: ClassVar[bool] = False

    def __init__(self, input_shape: tuple[int, ...], num_outputs: int, options: TransformerLMOptions) -> None:
        super().__init__(input_shape, options=options)
        self.vocabulary, self.window = options.vocabulary, options.window
        dim, hidden = options.dim, options.hidden or 4 * options.dim
        self.embedding = nn.Embedding(options.vocabulary, dim)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.blocks = nn.ModuleList(
            EncoderBlock(dim, options.num_heads, hidden, options.dropout, causal=True, window=options.window)
            for _ in range(options.num_layers)
        )
        self.positions: nn.Module
        if options.positions == "rotary":
            self.positions = RotaryPositions(dim // options.num_heads)
        elif options.positions == "sinusoidal":
            self.positions = SinusoidalPositions(dim)
        else:
            self.positions = LearnedPositions(options.window, dim)
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, num_outputs)
        initialize_blocks(self, 2 * options.num_layers)
        self.scale = 1.0
        if options.positions == "sinusoidal" and options.scale_embedding:
            self.scale = math.sqrt(dim)
            nn.init.normal_(self.embedding.weight, std=dim**-0.5)
        if options.tied:
            if num_outputs != options.vocabulary:
                raise UsageError(
                    f"transformer_lm with tied=true has one output for each token; got {num_outputs} outputs and "
                    f"vocabulary={options.vocabulary}. Make them equal, or leave tied out."
                )
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: CarriedState | None = None) -> tuple[Tensor, CarriedState | None]:
        if state is not None:
            raise UsageError("transformer_lm carries no state from batch to batch; got one. Use step to go on.")
        return self._scores(self.require(tokens), 0, None), None

    def init_state(
        self, batch_size: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> DecoderCache:
        """Empty caches."""
        return DecoderCache([block.cache(batch_size, device=device, dtype=dtype) for block in self._blocks()])

    def step(self, tokens: Tensor, state: DecoderCache) -> tuple[Tensor, DecoderCache]:
        logits = self._scores(self.require(tokens), state.num_tokens, state.caches)
        state.num_tokens += tokens.shape[1]
        return logits, state

    def select(self, state: DecoderCache, rows: Tensor) -> DecoderCache:
        return DecoderCache([cache.select(rows) for cache in state.caches], state.num_tokens)

    def _scores(self, tokens: Tensor, first: int, caches: list[KeyValueCache] | None) -> Tensor:
        x = self.embedding(tokens)  # (B, T, dim)
        rotation = None
        if isinstance(self.positions, RotaryPositions):
            rotation = self.positions(first, x.shape[1], device=x.device, dtype=x.dtype)
        else:
            x = self.positions(x if self.scale == 1.0 else x * self.scale, first)
        x = self.dropout(x)
        for number, block in enumerate(self._blocks()):
            x = block(x, rotation=rotation, cache=None if caches is None else caches[number])
        logits: Tensor = self.output(self.norm(x))
        return logits

    def _blocks(self) -> list[EncoderBlock]:
        return [block for block in self.blocks if isinstance(block, EncoderBlock)]


TRANSFORMER_LM = ModelInfo(
    name="transformer_lm",
    build=TransformerLM,
    options=TransformerLMOptions,
    input_kind="tokens",
    native_input=(128,),
    native_outputs=1000,
    output_kind="sequence",
    paper="Radford et al.: Language models are unsupervised multitask learners. OpenAI, 2019",
    year=2019,
    note="Rotary positions; each token looks at the last `window` tokens, so that generation never ends.",
    older_options={"scale_embedding": False},
)
