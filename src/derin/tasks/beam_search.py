"""Beam search: the most probable target that a network gives to a source, among the best few at every step.

At each step every hypothesis is continued by every token, and the `beam_size` best continuations of a sentence are
kept; one that ends leaves the beam. The longer a sentence, the smaller its product of probabilities, so those that have
ended are compared by

    score(y) = log P(y | x) / T_y^α,

where T_y counts the tokens, the end included. α = 1 is the mean log probability per token, α = 0 no correction; the
course uses 0.7. Beam size 1 is greedy search: the best token at each step.
Source: A. Ng, Sequence Models, week 3 (beam search, length normalization); Y. Wu et al., "Google's neural machine
    translation system", 2016, eq. 14, for a like correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.models.translator import Translator

BEAM_SIZE = 3  # hypotheses that are kept where nothing else is asked for
LENGTH_POWER = 0.7  # α of the course
_LONGEST_FACTOR, _LONGEST_EXTRA = 2, 10
_NEVER = float("-inf")


@dataclass(frozen=True)
class Hypotheses:
    """What a search found for each source, the best first.

    Args:
        tokens: without the beginning, with the end, padded at the right with 0.
        log_probs: log P(y | x).
        scores: log P(y | x) / T_y^α; −∞ where there are fewer hypotheses than were kept.

    Shapes:
        tokens ``(B, K, T)`` int64; log_probs, scores ``(B, K)`` float32.
    """

    tokens: Tensor
    log_probs: Tensor
    scores: Tensor


def length_normalized(log_probs: Tensor, lengths: Tensor, length_power: float = LENGTH_POWER) -> Tensor:
    """log P / T^α, by which a search compares hypotheses of unequal length.

    Example:
        >>> length_normalized(torch.tensor([-2.0, -3.0]), torch.tensor([2, 4]), 1.0).tolist()
        [-1.0, -0.75]
    """
    return log_probs / lengths.to(log_probs.dtype).pow(length_power)


def longest_targets(source: Tensor) -> Tensor:
    """How many tokens, the end included, a search gives to each source at most: twice its own, and ten more.

    Shapes:
        ``(B, S)`` → ``(B,)``.
    """
    return (source != 0).sum(1) * _LONGEST_FACTOR + _LONGEST_EXTRA


@torch.inference_mode()
def beam_search(
    model: Translator,
    source: Tensor,
    *,
    begin: int,
    end: int,
    beam_size: int = 3,
    length_power: float = LENGTH_POWER,
    longest: Tensor | None = None,
    forbidden: tuple[int, ...] = (),
) -> Hypotheses:
    """The best targets of each source, all sources and hypotheses of a step in one forward pass.

    A sentence is done when `beam_size` of its hypotheses have ended. At its longest length every hypothesis is ended.
    What a sentence gets does not depend on the others of its batch.

    Args:
        model: in evaluation mode.
        source: tokens, padded at the right with 0.
        begin: the token that every target begins with.
        end: the token that ends a target.
        beam_size: hypotheses that are kept of each sentence; 1 is greedy search.
        length_power: α.
        longest: most tokens of each target, the end included; None takes `longest_targets`.
        forbidden: tokens that are never said, beside the padding and the beginning.

    Shapes:
        source ``(B, S)``, longest ``(B,)`` → tokens ``(B, beam_size, T)``.

    Raises:
        UsageError: a beam size below 1, or a negative or infinite α.
    """
    if beam_size < 1 or not 0 <= length_power < float("inf"):
        raise UsageError(
            f"beam_search: beam_size must be at least 1 and length_power at least 0; got beam_size={beam_size}, "
            f"length_power={length_power}."
        )
    batch, device = len(source), source.device
    limits = longest_targets(source) if longest is None else longest.to(device)
    most = int(limits.max())
    state = model.start(model.encode(source)).select(torch.arange(batch, device=device).repeat_interleave(beam_size))
    beam = _Beam.begin(batch, beam_size, most, begin, limits, device)
    banned = torch.tensor([0, begin, *forbidden], device=device)
    result = Hypotheses(
        torch.zeros((batch, beam_size, most), dtype=torch.int64, device=device),
        torch.full((batch, beam_size), _NEVER, device=device),
        torch.full((batch, beam_size), _NEVER, device=device),
    )
    for step in range(most):
        logits, state = model.step(beam.last.flatten(), state)
        log_probs = logits.float().log_softmax(-1).index_fill_(1, banned, _NEVER)
        origin, done = beam.advance(log_probs, step, end, length_power)
        if bool(done.all()):
            beam.write(result, torch.ones_like(done))
            break
        if beam_size > 1:  # a single hypothesis always comes from itself
            state = state.select(origin, same_sources=True)
        if bool(done.any()):
            beam.write(result, done)
            state = state.select(beam.drop(done))
    used = int((result.tokens != 0).any(0).any(0).sum())
    return Hypotheses(result.tokens[:, :, :used], result.log_probs, result.scores)


class _Beam:
    """The hypotheses of the sentences that are still searched, growing and finished ones."""

    def __init__(self, places: Tensor, limits: Tensor, tokens: Tensor, last: Tensor, log_probs: Tensor) -> None:
        self.places, self.limits = places, limits  # number of each sentence in the batch, its longest length
        self.tokens, self.last, self.log_probs = tokens, last, log_probs  # (B, K, T), (B, K), (B, K)
        self.ended_tokens = torch.zeros_like(tokens)
        self.ended_log_probs = torch.full_like(log_probs, _NEVER)
        self.ended_scores = torch.full_like(log_probs, _NEVER)
        self.num_ended = torch.zeros_like(places)

    @classmethod
    def begin(cls, batch: int, beam_size: int, most: int, begin: int, limits: Tensor, device: torch.device) -> _Beam:
        tokens = torch.zeros((batch, beam_size, most), dtype=torch.int64, device=device)
        last = torch.full((batch, beam_size), begin, device=device)
        log_probs = torch.full((batch, beam_size), _NEVER, device=device)
        log_probs[:, 0] = 0.0  # all hypotheses are alike before the first token: one of them counts
        return cls(torch.arange(batch, device=device), limits, tokens, last, log_probs)

    def advance(self, log_probs: Tensor, step: int, end: int, length_power: float) -> tuple[Tensor, Tensor]:
        """Continues every hypothesis by one token.

        Shapes:
            chances ``(B · K, V)`` → the row that each hypothesis came from ``(B · K,)``, which sentences are done
            ``(B,)``.
        """
        batch, beam_size, _ = self.tokens.shape
        num_tokens = log_probs.shape[1]
        total = self.log_probs[:, :, None] + log_probs.view(batch, beam_size, num_tokens)
        at_limit = step + 1 >= self.limits
        goes_on = torch.ones(num_tokens, dtype=torch.bool, device=total.device)
        goes_on[end] = False
        total = total.masked_fill(at_limit[:, None, None] & goes_on, _NEVER)
        # Twice the beam: even if half of them end, as many are left to go on.
        log_probs, best = total.flatten(1).topk(min(2 * beam_size, beam_size * num_tokens), dim=1)
        origin, token = best // num_tokens, best % num_tokens
        ends = (token == end) & (log_probs > _NEVER)
        self._finish(log_probs, origin, ends, step, end, length_power)
        growing = log_probs.masked_fill(token == end, _NEVER)
        self.log_probs, order = growing.topk(beam_size, dim=1)
        origin, token = origin.gather(1, order), token.gather(1, order)
        self.tokens = self.tokens.gather(1, origin[:, :, None].expand_as(self.tokens))
        self.tokens[:, :, step] = token
        self.last = token
        rows = (origin + torch.arange(batch, device=origin.device)[:, None] * beam_size).flatten()
        nothing_grows = (self.log_probs == _NEVER).all(1)
        return rows, (self.num_ended >= beam_size) | at_limit | nothing_grows

    def _finish(
        self, log_probs: Tensor, origin: Tensor, ends: Tensor, step: int, end: int, length_power: float
    ) -> None:
        """Takes up what has ended among the best continuations, if it is better than what ended before."""
        beam_size = self.tokens.shape[1]
        first = slice(0, beam_size)
        new_log_probs = log_probs[:, first].masked_fill(~ends[:, first], _NEVER)
        new_scores = new_log_probs / (step + 1) ** length_power
        new_tokens = self.tokens.gather(1, origin[:, first, None].expand_as(self.tokens))
        new_tokens[:, :, step] = end
        scores, order = torch.cat([self.ended_scores, new_scores], 1).topk(beam_size, dim=1)
        every = torch.cat([self.ended_tokens, new_tokens], 1)
        self.ended_tokens = every.gather(1, order[:, :, None].expand_as(self.tokens))
        self.ended_log_probs = torch.cat([self.ended_log_probs, new_log_probs], 1).gather(1, order)
        self.ended_scores = scores
        self.num_ended = self.num_ended + ends[:, first].sum(1)

    def write(self, result: Hypotheses, done: Tensor) -> None:
        """Hands over what was found for the sentences that are done."""
        places = self.places[done]
        there = self.ended_scores[done] > _NEVER
        result.tokens[places] = self.ended_tokens[done] * there[:, :, None]
        result.log_probs[places] = self.ended_log_probs[done]
        result.scores[places] = self.ended_scores[done]

    def drop(self, done: Tensor) -> Tensor:
        """Leaves out the sentences that are done; gives the rows of the hypotheses that stay."""
        beam_size = self.tokens.shape[1]
        stays = (~done).nonzero().flatten()
        names = ("places", "limits", "tokens", "last", "log_probs", "num_ended")
        for name in (*names, "ended_tokens", "ended_log_probs", "ended_scores"):
            setattr(self, name, getattr(self, name)[stays])
        return (stays[:, None] * beam_size + torch.arange(beam_size, device=stays.device)).flatten()


def log_probabilities(model: Translator, source: Tensor, target: Tensor, *, begin: int) -> Tensor:
    """log P(y | x) of given targets, by one pass over all places.

    Args:
        model: in evaluation mode.
        source: tokens, padded at the right with 0.
        target: tokens without the beginning, with the end, padded at the right with 0.
        begin: the token that every target begins with.

    Shapes:
        ``(B, S)``, ``(B, T)`` → ``(B,)`` float32.
    """
    read = torch.cat([torch.full_like(target[:, :1], begin), target[:, :-1]], 1)
    # After the end the padding is read; what is said there is not counted.
    logits = model(source, read).float()
    said = logits.log_softmax(-1).gather(2, target[:, :, None]).squeeze(2)
    return said.masked_fill(target == 0, 0.0).sum(1)
