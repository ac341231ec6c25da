"""Integrated gradients: what each pixel adds to the score on the way from a blank picture to the real one.

Source: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic attribution for deep networks", ICML 2017, arXiv:1703.01365.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.explain.heat_map import Floats, HeatMap, to_numpy
from derin.explain.targets import Score, Target, as_score, require_output
from derin.explain.watching import as_input, unchanged

_MOST_AT_ONCE = 64  # pictures in one pass through the network
_MOST_STEPS = 2048


@dataclass(frozen=True, kw_only=True)
class Attributions(HeatMap):
    """What each number of the input adds to the score.

    Args:
        attributions: for each channel and pixel; `values` is their sum over the channels.
        differences: score of the picture minus score of its baseline.
        num_steps: points between baseline and picture at which gradients were taken.

    Shapes:
        attributions ``(B, C, H, W)``, differences ``(B,)``.
    """

    attributions: Floats
    differences: Floats
    num_steps: int

    @property
    def gaps(self) -> Floats:
        """How far the sum of the attributions is from the difference that it ought to be, as a share of it."""
        sums = self.attributions.reshape(len(self.attributions), -1).sum(axis=1, dtype=np.float64)
        found = np.abs(sums - self.differences) / np.maximum(np.abs(self.differences), 1e-12)
        return found.astype(np.float32)


def integrated_gradients(
    network: nn.Module,
    x: Tensor,
    target: Target = None,
    *,
    baseline: Tensor | None = None,
    num_steps: int = 64,
    tolerance: float | None = 0.01,
) -> Attributions:
    """a = (x − x′) · ∫₀¹ ∂S(x′ + t (x − x′))/∂x dt, by Gauss–Legendre quadrature.

    The attributions of a picture add up to S(x) − S(x′), which is checked: where the sum is further off than the
    tolerance, the number of steps is doubled, to at most 2 048.

    Args:
        network: any network that can be differentiated.
        x: a batch of its inputs.
        target: see `derin.explain.targets.as_score`; None takes the largest output of each picture.
        baseline: x′, the input that says nothing, one for all or one for each; None takes zeros, which after
            normalization is the mean picture.
        num_steps: points on the way, to begin with.
        tolerance: the largest gap, as a share of the difference; None takes `num_steps` as they are.

    Shapes:
        x ``(B, C, H, W)``, baseline ``(1 or B, C, H, W)`` → attributions ``(B, C, H, W)``, values ``(B, H, W)``.

    Raises:
        UsageError: a number of steps that cannot be taken.
        ShapeError: a baseline of another shape than the input.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
        >>> found = integrated_gradients(net, torch.arange(12.0).reshape(2, 1, 2, 3), target=0)
        >>> weights = net[1].weight[0].detach().reshape(1, 2, 3)
        >>> bool(np.allclose(found.attributions[1], weights * torch.arange(6.0, 12.0).reshape(1, 2, 3), atol=1e-5))
        True
    """
    if not 1 <= num_steps <= _MOST_STEPS:
        raise UsageError(f"Integrated gradients take 1 to {_MOST_STEPS} steps; got num_steps={num_steps}.")
    x = as_input(network, x)
    start = torch.zeros_like(x) if baseline is None else as_input(network, baseline)
    if start.shape[1:] != x.shape[1:] or len(start) not in (1, len(x)):
        raise ShapeError(
            f"The baseline must have the input's shape {tuple(x.shape)}, or one row of it; got {tuple(start.shape)}."
        )
    start = start.expand_as(x)
    with unchanged(network):
        with torch.no_grad():
            output = require_output(network(x.clone()), target=target)
            score = as_score(target, output)
            scores = score(output)
            differences = scores - score(require_output(network(start.clone()), target=target))
        while True:
            found = (x - start) * _mean_gradient(network, x, start, score, num_steps)
            gaps = (found.flatten(1).sum(1, dtype=torch.float64) - differences).abs()
            enough = tolerance is None or bool((gaps <= tolerance * differences.abs()).all())
            if enough or num_steps * 2 > _MOST_STEPS:
                break
            num_steps *= 2
    attributions = to_numpy(found)
    return Attributions(
        values=attributions.sum(axis=1) if attributions.ndim == 4 else attributions,
        attributions=attributions,
        scores=to_numpy(scores),
        differences=to_numpy(differences),
        num_steps=num_steps,
        signed=True,
    )


def _mean_gradient(network: nn.Module, x: Tensor, start: Tensor, score: Score, num_steps: int) -> Tensor:
    """∫₀¹ ∂S/∂x dt along the straight way, ``(B, ...)``. Many points go through the network together."""
    points, weights = np.polynomial.legendre.leggauss(num_steps)
    together = max(1, _MOST_AT_ONCE // len(x))
    total = torch.zeros_like(x)
    for first in range(0, num_steps, together):
        # The rule is made for −1..1; half of it is 0..1.
        part = torch.tensor((points[first : first + together] + 1) / 2, dtype=x.dtype, device=x.device)
        weight = torch.tensor(weights[first : first + together] / 2, dtype=x.dtype, device=x.device)
        axes = (-1, *(1,) * x.ndim)
        way = (start + part.reshape(axes) * (x - start)).flatten(0, 1).requires_grad_()  # (steps · B, ...)
        # A copy goes in: a first layer that works in place must not write on what is differentiated by.
        (gradient,) = torch.autograd.grad(score(require_output(network(way.clone()), target=score)).sum(), way)
        total += (weight.reshape(axes) * gradient.reshape(len(part), *x.shape)).sum(dim=0)
    return total
