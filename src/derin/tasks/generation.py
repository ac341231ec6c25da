"""New text from a language model, token by token: which tokens may come next, and one of them drawn.

Sources: temperature: D. H. Ackley, G. E. Hinton, T. J. Sejnowski, "A learning algorithm for Boltzmann machines",
    Cognitive Science 9, 1985. top-k: A. Fan, M. Lewis, Y. Dauphin, "Hierarchical neural story generation", ACL 2018,
    arXiv:1805.04833. top-p: A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi, "The curious case of neural text
    degeneration", ICLR 2020, arXiv:1904.09751.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.core.seeds import uniforms
from derin.data.text.vocabulary import PAD
from derin.models.language_model import LanguageModel


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn from its probabilities.

    Args:
        temperature: logits are divided by it; below 1 the likely becomes likelier; 0 takes the likeliest token always.
        top_k: only so many of the likeliest tokens may come; None allows all.
        top_p: only the likeliest tokens that together reach this probability may come.
        seed: the same seed draws the same text.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise UsageError(f"Sampling.temperature must be a number from 0 up; got {self.temperature}.")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"Sampling.top_k must be at least 1, or None for all tokens; got {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"Sampling.top_p must be above 0 and at most 1; got {self.top_p}.")


def next_probabilities(logits: Tensor, sampling: Sampling, banned: Sequence[int] = ()) -> Tensor:
    """The probabilities from which the next token is drawn.

    p = softmax(z / temperature), set to zero outside the `top_k` likeliest tokens and outside the fewest likeliest
    tokens whose p reach `top_p`, and divided by what is left. Of equally likely tokens the lower number comes first.

    Args:
        logits: z of the next token.
        sampling: temperature and bounds.
        banned: tokens that never come.

    Shapes:
        ``(B, V)`` → ``(B, V)`` float64.

    Example:
        >>> logits = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
        >>> next_probabilities(logits, Sampling(top_k=2)).round(decimals=3).tolist()[0]
        [0.0, 0.571, 0.0, 0.429]
    """
    scores = logits.double()
    if len(banned):
        scores = scores.index_fill(1, torch.tensor(list(banned), device=scores.device), -math.inf)
    if sampling.temperature == 0:
        return torch.zeros_like(scores).scatter_(1, scores.argmax(dim=1, keepdim=True), 1.0)
    probabilities = torch.softmax(scores / sampling.temperature, dim=1)
    if sampling.top_k is None and sampling.top_p == 1:
        return probabilities
    ordered, order = probabilities.sort(dim=1, descending=True, stable=True)
    if sampling.top_k is not None:
        ordered[:, sampling.top_k :] = 0
    if sampling.top_p < 1:
        ordered = ordered / ordered.sum(dim=1, keepdim=True)
        # A token stays where those before it have not reached the bound yet; the first always stays.
        ordered = ordered * (ordered.cumsum(dim=1) - ordered < sampling.top_p)
    kept = torch.zeros_like(probabilities).scatter_(1, order, ordered)
    return kept / kept.sum(dim=1, keepdim=True)


@torch.inference_mode()
def generate(
    model: LanguageModel,
    prompt: Sequence[int],
    *,
    num_texts: int = 1,
    num_tokens: int = 200,
    sampling: Sampling | None = None,
    banned: Sequence[int] = (),
    stop: int | None = None,
) -> Tensor:
    """Texts that go on from a prompt.

    What is drawn for text i at step t is a function of (seed, i, t): more texts, or longer ones, change none of those
    drawn before, and all texts grow in one batch.

    Args:
        model: any language model, in evaluation mode.
        prompt: at least one token.
        num_texts: how many texts.
        num_tokens: the most new tokens of each.
        sampling: how tokens are drawn; None draws from the model's own probabilities.
        banned: tokens that never come.
        stop: the token that ends a text; what follows it is padding.

    Shapes:
        ``(num_texts, T)`` new tokens, T at most `num_tokens`; less where every text has ended.

    Raises:
        UsageError: an empty prompt, or a number of texts or tokens below 1.

    Example:
        >>> from derin.models.neural_lm import NeuralLM, NeuralLMOptions
        >>> net = NeuralLM((9,), 50, NeuralLMOptions(vocabulary=50)).eval()
        >>> generate(net, [4, 7], num_texts=2, num_tokens=5).shape
        torch.Size([2, 5])
    """
    for name, number in (("len(prompt)", len(prompt)), ("num_texts", num_texts), ("num_tokens", num_tokens)):
        if number < 1:
            raise UsageError(f"generate: {name} must be at least 1; got {number}.")
    sampling = sampling or Sampling()
    device = next(model.parameters()).device
    drawn = uniforms(sampling.seed, "generate", 0, range(num_texts), num_tokens)
    numbers = torch.from_numpy(drawn).double().to(device)
    # The prompt is read once, for all texts.
    logits, state = model.step(torch.tensor([list(prompt)], device=device), model.init_state(1))
    state = model.select(state, torch.zeros(num_texts, dtype=torch.int64, device=device))
    last = logits[:, -1].expand(num_texts, -1)
    ended = torch.zeros(num_texts, dtype=torch.bool, device=device)
    found: list[Tensor] = []
    for index in range(num_tokens):
        token = _draw(next_probabilities(last, sampling, banned), numbers[:, index])
        if stop is not None:
            token = token.masked_fill(ended, PAD)
            ended |= token == stop
        found.append(token)
        if stop is not None and bool(ended.all()):
            break
        if index + 1 < num_tokens:
            logits, state = model.step(token[:, None], state)
            last = logits[:, -1]
    return torch.stack(found, dim=1)


def _draw(probabilities: Tensor, numbers: Tensor) -> Tensor:
    """The token in whose part of [0, 1) each number lies, ``(B, V)``, ``(B,)`` → ``(B,)``."""
    ends = probabilities.cumsum(dim=1)
    # Rounding may leave the whole a little off 1; the numbers are measured against the whole that there is.
    found = torch.searchsorted(ends, (numbers * ends[:, -1])[:, None], right=True).squeeze(1)
    return found.clamp_(max=probabilities.shape[1] - 1)
