"""Whose fault a wrong translation is: the search's, which did not find it, or the model's, which does not want it.

A person's y* is better than the ŷ that the search found. Then

    score(y*) > score(ŷ): the model prefers y*, and the search missed it  → search: widen the beam
    score(y*) ≤ score(ŷ): the model prefers what is worse                 → model: more data, another network, …

The score is what the search maximizes, log P(y | x) / T_y^α; without length normalization (α = 0) it is log P itself.
Source: A. Ng, Sequence Models, week 3, error analysis in beam search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

from derin.models.translator import Translator
from derin.tasks.beam_search import Hypotheses, length_normalized, log_probabilities


class Fault(StrEnum):
    """Whose fault a translation is."""

    NONE = "none"  # it is the person's own
    SEARCH = "search"
    MODEL = "model"


@dataclass(frozen=True)
class Blame:
    """The verdicts on some translations.

    Args:
        faults: one for each.
        reference_scores: of what a person wrote.
        hypothesis_scores: of what the search found.
    """

    faults: tuple[Fault, ...]
    reference_scores: tuple[float, ...]
    hypothesis_scores: tuple[float, ...]

    def counts(self) -> dict[str, int]:
        """How many have each fault."""
        return {fault.value: self.faults.count(fault) for fault in Fault}

    def to_json(self) -> dict[str, Any]:
        wrong = [fault for fault in self.faults if fault is not Fault.NONE]
        shares = {f.value: wrong.count(f) / len(wrong) if wrong else 0.0 for f in (Fault.SEARCH, Fault.MODEL)}
        return {"counts": self.counts(), "shares": shares}


@torch.inference_mode()
def blame(
    model: Translator, source: Tensor, target: Tensor, found: Hypotheses, *, begin: int, length_power: float
) -> Blame:
    """Whose fault each of a batch of translations is.

    Args:
        model: in evaluation mode.
        source: tokens, padded at the right with 0.
        target: what a person wrote, without the beginning, with the end, padded at the right with 0.
        found: what the search found; its best is judged.
        begin: the token that every target begins with.
        length_power: α of that search.

    Shapes:
        source ``(B, S)``, target ``(B, T)``.
    """
    said = found.tokens[:, 0]
    reference = log_probabilities(model, source, target, begin=begin)
    # Both are scored in one pass over all places: the search's own sum differs from it in the last digits.
    hypothesis = log_probabilities(model, source, said, begin=begin)
    by_reference = length_normalized(reference, (target != 0).sum(1), length_power)
    by_hypothesis = length_normalized(hypothesis, (said != 0).sum(1).clamp_min(1), length_power)
    width = max(target.shape[1], said.shape[1])
    padded = [torch.nn.functional.pad(tokens, (0, width - tokens.shape[1])) for tokens in (target, said)]
    equal = (padded[0] == padded[1]).all(1)
    faults = _verdicts(equal.tolist(), (by_reference > by_hypothesis).tolist())
    return Blame(faults, tuple(by_reference.tolist()), tuple(by_hypothesis.tolist()))


def _verdicts(equal: Sequence[bool], reference_wins: Sequence[bool]) -> tuple[Fault, ...]:
    return tuple(
        Fault.NONE if same else Fault.SEARCH if wins else Fault.MODEL for same, wins in zip(equal, reference_wins)
    )


def joined(parts: Sequence[Blame]) -> Blame:
    """The verdicts of several batches as one."""
    return Blame(
        tuple(fault for part in parts for fault in part.faults),
        tuple(score for part in parts for score in part.reference_scores),
        tuple(score for part in parts for score in part.hypothesis_scores),
    )
