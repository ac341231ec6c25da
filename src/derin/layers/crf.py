"""Linear-chain conditional random field: scores whole sequences of tags, so that neighbouring tags fit together.

s(x, y) = b[y₁] + Σₜ e[t, yₜ] + Σₜ A[yₜ₋₁, yₜ] + f[y_T],    log p(y | x) = s(x, y) − log Σ_y′ exp s(x, y′)

The sum over all sequences is taken by dynamic programming in O(T K²), and its gradient is known in closed form: the
marginal probabilities of tags and of pairs of tags. Both passes run over the whole batch at once, and as products of
matrices: log Σᵢ exp(αᵢ + Aᵢⱼ) = m + log Σᵢ exp(αᵢ − m) exp(Aᵢⱼ) with m = maxᵢ αᵢ, in double precision, where nothing
that counts is lost below the smallest number.
Source: J. Lafferty, A. McCallum, F. Pereira, "Conditional random fields", ICML 2001; L. R. Rabiner, "A tutorial on
    hidden Markov models", Proceedings of the IEEE 77, 1989, sections III.A and III.B (forward–backward, Viterbi).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from derin.core.errors import ShapeError, UsageError

# Added to the score of a forbidden step. Finite, so that no difference of infinities arises, and far above any score.
_FORBIDDEN = -10_000.0


class CRF(nn.Module):
    """The scores of steps between tags, the probability of a sequence under them, and the best sequence.

    Args:
        num_tags: K.
        allowed: which tag may follow which, ``allowed[i][j]`` for j after i; None allows all. A forbidden step has
            probability 0.
        allowed_first: which tag may be the first; None allows all.

    Shapes:
        emissions ``(B, T, K)``, tags ``(B, T)`` int64, mask ``(B, T)`` bool, True for words; padding is at the right.

    Example:
        >>> crf = CRF(3)
        >>> emissions = torch.tensor([[[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]])
        >>> crf.decode(emissions, torch.ones(1, 2, dtype=torch.bool)).tolist()
        [[1, 0]]
    """

    parameter_roles: ClassVar[dict[str, str]] = {"transitions": "score", "first": "score", "last": "score"}

    allowed: Tensor | None
    allowed_first: Tensor | None

    def __init__(self, num_tags: int, *, allowed: Tensor | None = None, allowed_first: Tensor | None = None) -> None:
        super().__init__()
        if num_tags < 1:
            raise UsageError(f"CRF.num_tags must be at least 1; got {num_tags}.")
        for name, given, shape in (
            ("allowed", allowed, (num_tags, num_tags)),
            ("allowed_first", allowed_first, (num_tags,)),
        ):
            if given is not None and given.shape != shape:
                raise ShapeError(f"CRF.{name} must have the shape {shape}; got {tuple(given.shape)}.")
        self.num_tags = num_tags
        self.transitions = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.first = nn.Parameter(torch.zeros(num_tags))
        self.last = nn.Parameter(torch.zeros(num_tags))
        self.register_buffer("allowed", allowed, persistent=False)
        self.register_buffer("allowed_first", allowed_first, persistent=False)

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of steps ``(K, K)``, of the first tag and of the last ``(K,)``; forbidden ones are far below all."""
        return _limited(self.transitions, self.allowed), _limited(self.first, self.allowed_first), self.last

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """log p(y | x) of each sequence, in nats.

        Shapes:
            → ``(B,)``; an empty sequence has 0.
        """
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        emissions, transitions, first, last = self._widened(emissions, mask)
        path = _path_score(emissions, tags, mask, transitions, first, last)
        partition: Tensor = _LogPartition.apply(emissions, transitions, first, last, mask)
        return torch.where(mask[:, 0], path - partition, torch.zeros_like(partition)).to(dtype)

    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """The most probable sequence of tags (Viterbi).

        Shapes:
            → ``(B, T)`` int64, 0 at padding.
        """
        emissions = self._checked(emissions, mask)
        transitions, first, last = self.scores()
        emissions = emissions.to(transitions.dtype)
        length = emissions.shape[1]
        stay = torch.arange(self.num_tags, device=emissions.device).expand(len(emissions), -1)
        best, back = first + emissions[:, 0], []
        for t in range(1, length):
            reached, previous = (best[:, :, None] + transitions).max(dim=1)
            inside = mask[:, t, None]
            best = torch.where(inside, reached + emissions[:, t], best)
            back.append(torch.where(inside, previous, stay))
        tags = [(best + last).argmax(dim=1)]
        for previous in reversed(back):
            tags.append(previous.gather(1, tags[-1][:, None])[:, 0])
        return torch.stack(tags[::-1], dim=1).masked_fill(~mask, 0)

    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """p(yₜ = k | x), the probability of each tag at each place.

        Shapes:
            → ``(B, T, K)``, 0 at padding.
        """
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        emissions, transitions, first, last = self._widened(emissions, mask)
        alphas, partition = _forward(emissions, transitions.exp(), first, last, mask)
        betas = _backward(emissions, transitions.exp(), last, mask)
        found = (alphas + betas - partition[:, None, None]).exp().masked_fill(~mask[..., None], 0.0)
        return found.to(dtype)

    def segment_probabilities(
        self, emissions: Tensor, tags: Tensor, mask: Tensor, segments: Tensor, continuations: Tensor
    ) -> Tensor:
        """p(yₛ = tₛ, …, yₑ₋₁ = tₑ₋₁, yₑ ≠ c | x): that the tags t stand from s on and their span ends before e.

        The tags inside are given; all that may come before and after is summed by the two passes,
        log p = α[s, tₛ] + Σₛ₊₁ᵉ⁻¹ (A[tᵢ₋₁, tᵢ] + e[i, tᵢ]) + log Σ_{k≠c} exp(A[tₑ₋₁, k] + e[e, k] + β[e, k]) − log Z.

        Args:
            segments: row, first place and the place after the last of each, within the words of the row.
            continuations: c, the tag with which the span of each would go on.

        Shapes:
            segments ``(N, 3)`` int64, continuations ``(N,)`` int64 → ``(N,)``.

        Source: A. Culotta, A. McCallum, "Confidence estimation for information extraction", HLT-NAACL 2004.
        """
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        emissions, transitions, first, last = self._widened(emissions, mask)
        alphas, partition = _forward(emissions, transitions.exp(), first, last, mask)
        betas = _backward(emissions, transitions.exp(), last, mask)
        rows, starts, ends = segments.unbind(dim=1)
        steps = transitions[tags[:, :-1], tags[:, 1:]] + emissions[:, 1:].gather(2, tags[:, 1:, None])[..., 0]
        path = nn.functional.pad(steps.cumsum(dim=1), (1, 0))  # (B, T)
        inside = path[rows, ends - 1] - path[rows, starts]
        end_tags, after = tags[rows, ends - 1], ends.clamp(max=tags.shape[1] - 1)
        following = transitions[end_tags] + emissions[rows, after] + betas[rows, after]  # (N, K)
        following = following.scatter(1, continuations[:, None], -math.inf).logsumexp(dim=1)
        tail = torch.where(ends < mask.sum(dim=1)[rows], following, last[end_tags])
        found = alphas[rows, starts, tags[rows, starts]] + inside + tail - partition[rows]
        return found.exp().to(dtype)

    def _widened(self, emissions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Emissions and scores in the widest type that the device has."""
        emissions = self._checked(emissions, mask)
        wide = torch.float32 if emissions.device.type == "mps" else torch.float64
        transitions, first, last = self.scores()
        return emissions.to(wide), transitions.to(wide), first.to(wide), last.to(wide)

    def _checked(self, emissions: Tensor, mask: Tensor) -> Tensor:
        if emissions.ndim != 3 or emissions.shape[2] != self.num_tags or emissions.shape[:2] != mask.shape:
            raise ShapeError(
                f"CRF needs emissions of shape (batch, length, {self.num_tags}) and a mask of shape (batch, length); "
                f"got {tuple(emissions.shape)} and {tuple(mask.shape)}."
            )
        return emissions


def _limited(scores: Tensor, allowed: Tensor | None) -> Tensor:
    return scores if allowed is None else scores.masked_fill(~allowed, _FORBIDDEN)


def _path_score(
    emissions: Tensor, tags: Tensor, mask: Tensor, transitions: Tensor, first: Tensor, last: Tensor
) -> Tensor:
    """s(x, y) of each sequence, ``(B,)``."""
    words = mask.to(emissions.dtype)
    emitted = emissions.gather(2, tags[..., None])[..., 0] * words
    steps = transitions[tags[:, :-1], tags[:, 1:]] * words[:, 1:]
    ends = (mask.sum(dim=1) - 1).clamp(min=0)
    end_tags = tags.gather(1, ends[:, None])[:, 0]
    return emitted.sum(dim=1) + steps.sum(dim=1) + first[tags[:, 0]] + last[end_tags]


def _log_sum(scores: Tensor, steps: Tensor) -> Tensor:
    """log Σᵢ exp(scoresᵢ) · stepsᵢⱼ, ``(B, K)`` and ``(K, K)`` → ``(B, K)``."""
    top = scores.amax(dim=1, keepdim=True)
    # What is zero lies hundreds of nats below the rest and never counts; its logarithm must be finite all the same.
    return ((scores - top).exp() @ steps).clamp(min=torch.finfo(scores.dtype).tiny).log() + top


def _forward(emissions: Tensor, steps: Tensor, first: Tensor, last: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """α[t, k]: log of the summed exp-scores of all beginnings that end in tag k at t; and their total at the end."""
    alphas = [first + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        reached = _log_sum(alphas[-1], steps) + emissions[:, t]
        alphas.append(torch.where(mask[:, t, None], reached, alphas[-1]))
    return torch.stack(alphas, dim=1), (alphas[-1] + last).logsumexp(dim=1)


def _backward(emissions: Tensor, steps: Tensor, last: Tensor, mask: Tensor) -> Tensor:
    """β[t, k]: log of the summed exp-scores of all ends that follow tag k at t."""
    betas = [last.expand(len(emissions), -1)]
    for t in range(emissions.shape[1] - 1, 0, -1):
        following = _log_sum(emissions[:, t] + betas[-1], steps.T)
        betas.append(torch.where(mask[:, t, None], following, betas[-1]))
    return torch.stack(betas[::-1], dim=1)


class _LogPartition(torch.autograd.Function):
    """log Z with its gradient written out, several times faster than recording every step of the recursion."""

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, transitions: Tensor, first: Tensor, last: Tensor, mask: Tensor) -> Tensor:
        steps = transitions.exp()
        alphas, partition = _forward(emissions, steps, first, last, mask)
        ctx.save_for_backward(emissions, steps, last, mask, alphas, partition)
        return partition

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        emissions, steps, last, mask, alphas, partition = ctx.saved_tensors
        betas = _backward(emissions, steps, last, mask)
        total = partition[:, None, None]
        scale = torch.where(mask, grad[:, None], torch.zeros_like(grad)[:, None])[..., None]
        nodes = (alphas + betas - total).exp() * scale
        # p(yₜ₋₁ = i, yₜ = j) = exp(α[t-1, i]) exp(A[i, j]) exp(e[t, j] + β[t, j] − log Z), summed over all places; the
        # largest α moves from the first factor to the last, so that neither leaves the range of numbers.
        top = alphas[:, :-1].amax(dim=2, keepdim=True)
        leave = (alphas[:, :-1] - top).exp()
        enter = (emissions[:, 1:] + betas[:, 1:] - total + top).clamp(max=_largest_exponent(emissions.dtype)).exp()
        edges = (leave.flatten(0, 1).T @ (enter * scale[:, 1:]).flatten(0, 1)) * steps
        ends = mask.sum(dim=1) - 1
        at_end = nodes.gather(1, ends.clamp(min=0)[:, None, None].expand(-1, 1, nodes.shape[2]))[:, 0]
        return nodes, edges, nodes[:, 0].sum(dim=0), at_end.sum(dim=0), None


def _largest_exponent(dtype: torch.dtype) -> float:
    """An exponent whose exponential can still be summed over a batch."""
    return 0.9 * math.log(torch.finfo(dtype).max)


def bio_steps(num_tags: int) -> tuple[Tensor, Tensor]:
    """Which BIO tag may follow which, and which may be first, for tags in the order ``O, B-X, I-X, B-Y, I-Y, …``.

    I-X follows only B-X and I-X, and is never the first.

    Args:
        num_tags: an odd number: O and two for each type.

    Example:
        >>> allowed, first = bio_steps(3)
        >>> allowed.int().tolist(), first.int().tolist()
        ([[1, 1, 0], [1, 1, 1], [1, 1, 1]], [1, 1, 0])
    """
    if num_tags < 3 or num_tags % 2 == 0:
        raise UsageError(f"bio_steps: num_tags must be odd and at least 3, O and two for each type; got {num_tags}.")
    number = torch.arange(num_tags)
    inside = (number > 0) & (number % 2 == 0)
    kind = (number + 1) // 2  # 0 for O, k + 1 for the type number k
    return ~inside[None, :] | (kind[:, None] == kind[None, :]), ~inside
