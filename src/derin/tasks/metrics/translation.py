"""Measurements of translation: of the probabilities that a network gives, and of the sentences that a search found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from derin.core.errors import DataError, MissingExtraError
from derin.data.batch import Batch
from derin.tasks.metrics.intervals import Interval, wilson
from derin.tasks.metrics.sums import ratio, wide_dtype
from derin.train.protocol import Outputs


class TranslationMetrics:
    """Adds up what a network says of the true targets, each token given the true ones before it.

    `compute` gives ``loss`` (mean of −log P per token), ``perplexity`` = exp(loss), ``token_accuracy`` (share of tokens
    that are the most probable ones) and ``exact_match`` (share of sentences all of whose tokens are). The last is what
    greedy search gets wholly right: it strays from the truth at the first token that is not the most probable.
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None  # Σ −log P, tokens, right tokens, right sentences, sentences

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        """One batch of what `Translation.predict` gave, each ``(B,)``."""
        wide = wide_dtype(outputs["nll"].device)
        exact = outputs["num_right"] == outputs["num_tokens"]
        parts = (outputs["nll"], outputs["num_tokens"], outputs["num_right"], exact, torch.ones_like(exact))
        sums = torch.stack([part.to(wide).sum() for part in parts])
        self._sums = sums if self._sums is None else self._sums + sums

    def compute(self) -> dict[str, Any]:
        nll, tokens, right, exact, sentences = self._counts()
        loss = ratio(nll, tokens)
        return {
            "loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            "token_accuracy": ratio(right, tokens),
            "exact_match": ratio(exact, sentences),
        }

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of the shares; that of tokens counts them as if each were drawn by itself."""
        _, tokens, right, exact, sentences = self._counts()
        return {
            "token_accuracy": wilson(round(right), round(tokens)),
            "exact_match": wilson(round(exact), round(sentences)),
        }

    def _counts(self) -> list[float]:
        found: list[float] = [0.0] * 5 if self._sums is None else self._sums.tolist()
        return found


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """How near sentences come to their references.

    Args:
        bleu: shares of equal runs of 1 to 4 words, 0 to 100, and a penalty for brevity.
        chrf: F-score of equal runs of 1 to 6 characters, 0 to 100.
        exact_match: share of sentences that equal their reference.
        bleu_signature: sacrebleu's words for how its number was computed.
        chrf_signature: likewise.
    """

    bleu: float
    chrf: float
    exact_match: float
    bleu_signature: str
    chrf_signature: str

    def to_json(self) -> dict[str, Any]:
        return {
            "bleu": self.bleu,
            "chrf": self.chrf,
            "exact_match": self.exact_match,
            "bleu_signature": self.bleu_signature,
            "chrf_signature": self.chrf_signature,
        }


def text_scores(hypotheses: Sequence[str], references: Sequence[str]) -> TextScores:
    """BLEU, chrF and exact matches of sentences, by sacrebleu with its own settings.

    Args:
        hypotheses: what was said.
        references: one for each.

    Raises:
        MissingExtraError: sacrebleu is not installed.
        DataError: there are none, or not equally many.

    Example:
        >>> scores = text_scores(["a red ball lies here"], ["a red ball lies there"])
        >>> round(scores.bleu, 1), round(scores.chrf, 1), scores.exact_match
        (66.9, 76.5, 0.0)

    Source: K. Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002; M. Popović,
        "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; M. Post, "A call for clarity in
        reporting BLEU scores", WMT 2018.
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise DataError(
            "text_scores: one reference for each of one sentence or more is required; "
            f"got {len(hypotheses)} sentences and {len(references)} references."
        )
    metrics = _sacrebleu()
    bleu, chrf = metrics.BLEU(), metrics.CHRF()
    equal = sum(said.strip() == meant.strip() for said, meant in zip(hypotheses, references))
    return TextScores(
        bleu=float(bleu.corpus_score(list(hypotheses), [list(references)]).score),
        chrf=float(chrf.corpus_score(list(hypotheses), [list(references)]).score),
        exact_match=equal / len(references),
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
    )


def sentence_scores(hypotheses: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF of each sentence alone; BLEU says little of a single one.

    Raises:
        MissingExtraError: sacrebleu is not installed.
    """
    chrf = _sacrebleu().CHRF()
    return [float(chrf.sentence_score(said, [meant]).score) for said, meant in zip(hypotheses, references, strict=True)]


def _sacrebleu() -> Any:
    try:
        from sacrebleu import metrics
    except ImportError:
        raise MissingExtraError("sacrebleu", "text", "BLEU and chrF") from None
    return metrics
