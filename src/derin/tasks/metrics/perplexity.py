"""Measurements of a language model: how surprised it is by each next token."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from derin.data.batch import Batch
from derin.tasks.metrics.sums import ratio, wide_dtype
from derin.train.protocol import Outputs


class PerplexityMetrics:
    """Adds up −ln P(token | what stands before it), on the device.

    `compute` gives ``loss``, the mean in nats per token; ``perplexity`` = e^loss; ``bits_per_character`` = loss / (ln 2
    · characters per token), which compares models whatever their tokens are; and ``accuracy``, the share of tokens that
    were the likeliest.

    Args:
        characters_per_token: of the training text; 1 where tokens are characters.
    """

    def __init__(self, characters_per_token: float) -> None:
        self._characters_per_token = characters_per_token
        self._sums: Tensor | None = None  # nats, tokens, tokens that were the likeliest

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `predict` gave.

        Shapes:
            surprise ``(B, T)`` nats, zero where nothing counts; counted and hit ``(B, T)`` bool.
        """
        wide = wide_dtype(outputs["surprise"].device)
        parts = [outputs[name].to(wide).sum() for name in ("surprise", "counted", "hit")]
        sums = torch.stack(parts)
        self._sums = sums if self._sums is None else self._sums + sums

    def compute(self) -> dict[str, Any]:
        nats, tokens, hits = (0.0, 0.0, 0.0) if self._sums is None else self._sums.tolist()
        loss = ratio(nats, tokens)
        return {"loss": loss, **of_loss(loss, self._characters_per_token), "accuracy": ratio(hits, tokens)}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """None: neighbouring tokens are no independent examples, from which an interval could be drawn."""
        return {}


def of_loss(loss: float, characters_per_token: float) -> dict[str, float]:
    """Perplexity and bits per character of a loss in nats per token.

    Example:
        >>> of_loss(math.log(8), 1.5)
        {'perplexity': 7.999999999999998, 'bits_per_character': 2.0}
    """
    # A network before its training may be wrong beyond what a number holds.
    perplexity = math.exp(loss) if not loss > _LARGEST_EXPONENT else math.inf
    return {"perplexity": perplexity, "bits_per_character": loss / (math.log(2) * characters_per_token)}


_LARGEST_EXPONENT = 700.0
