"""One short function per optimizer name: which class, with which constants.

Each takes the model, its parameter groups, the rate η, a momentum, whether to use fused kernels, and its own options.
Where weight decay is no part of the equation given, it is L2: g ← g + λθ.
"""

from __future__ import annotations

import torch
from torch import nn

from derin.core.errors import UsageError
from derin.train.optimizers.build import Groups
from derin.train.optimizers.fused_adam import FusedAdam, FusedAdamW
from derin.train.optimizers.lion import Lion
from derin.train.optimizers.muon import Muon, split_for_muon


def sgd(
    model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
) -> torch.optim.Optimizer:
    """Stochastic gradient descent: θ ← θ − ηg. Source: Robbins and Monro 1951."""
    return torch.optim.SGD(groups, lr=learning_rate, fused=fused)


def momentum_sgd(
    model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool, dampening: float = 0.0
) -> torch.optim.Optimizer:
    """Momentum: v ← μv + (1−d)g (the first v is g), θ ← θ − ηv. ``dampening`` d = μ gives the exponentially weighted
    average of the gradient. Source: Polyak 1964.
    """
    return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum, dampening=dampening, fused=fused)


def nesterov(
    model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
) -> torch.optim.Optimizer:
    """Nesterov's momentum: v ← μv + g, θ ← θ − η(g + μv). Source: Nesterov 1983; Sutskever et al. 2013."""
    if momentum == 0:
        raise UsageError("The optimizer 'nesterov' needs a momentum above 0; got momentum=0. Use 'sgd' for none.")
    return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum, nesterov=True, fused=fused)


def adagrad(
    model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool, eps: float = 1e-10
) -> torch.optim.Optimizer:
    """Adagrad: s ← s + g², θ ← θ − ηg/(√s + ε). Source: Duchi, Hazan, Singer 2011."""
    return torch.optim.Adagrad(groups, lr=learning_rate, eps=eps, fused=fused)


def rmsprop(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    alpha: float = 0.99,
    eps: float = 1e-8,
    centered: bool = False,
) -> torch.optim.Optimizer:
    """RMSprop: s ← αs + (1−α)g², θ ← θ − ηg/(√s + ε); ``centered`` takes the square of the mean gradient off s.

    Source: Hinton's Coursera lecture 6e, 2012; centered: Graves 2013.
    """
    # foreach handles all parameters in a few calls; RMSprop has no fused kernel.
    return torch.optim.RMSprop(groups, lr=learning_rate, alpha=alpha, eps=eps, centered=centered, foreach=True)


def adam(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    amsgrad: bool = False,
) -> torch.optim.Optimizer:
    """Adam: m ← β₁m + (1−β₁)g, s ← β₂s + (1−β₂)g², m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ), θ ← θ − ηm̂/(√ŝ + ε).

    Source: Kingma and Ba 2015, algorithm 1; ``amsgrad``: Reddi, Kale, Kumar 2018.
    """
    kind = FusedAdam if fused else torch.optim.Adam
    return kind(groups, lr=learning_rate, betas=_pair(betas), eps=eps, amsgrad=amsgrad, fused=fused)


def nadam(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> torch.optim.Optimizer:
    """Adam with Nesterov's look-ahead. With μₜ = β₁(1 − 0.96^(0.004t)/2) and Mₜ = μ₁…μₜ:
    θ ← θ − η[(1−μₜ)g/(1−Mₜ) + μₜ₊₁m/(1−Mₜ₊₁)]/(√ŝ + ε). Source: Dozat 2016.
    """
    return torch.optim.NAdam(groups, lr=learning_rate, betas=_pair(betas), eps=eps, foreach=True)


def adamw(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    amsgrad: bool = False,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay: θ ← θ − ηλθ before Adam's step. Source: Loshchilov and Hutter 2019."""
    kind = FusedAdamW if fused else torch.optim.AdamW
    return kind(groups, lr=learning_rate, betas=_pair(betas), eps=eps, amsgrad=amsgrad, fused=fused)


def lion(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.99),
) -> torch.optim.Optimizer:
    """Lion, see `derin.train.optimizers.lion.Lion`; it wants 3 to 10 times less η, and as much more λ, than AdamW."""
    return Lion(groups, lr=learning_rate, betas=_pair(betas))


def muon(
    model: nn.Module,
    groups: Groups,
    *,
    learning_rate: float,
    momentum: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    nesterov: bool = True,
    num_iterations: int = 5,
) -> torch.optim.Optimizer:
    """Muon for hidden weights and AdamW (``betas``, ``eps``) for the rest, see `derin.train.optimizers.muon.Muon`."""
    hidden, others = split_for_muon(model, groups)
    return Muon(
        hidden,
        others,
        lr=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        num_iterations=num_iterations,
        betas=_pair(betas),
        eps=eps,
        fused=fused,
    )


def _pair(betas: tuple[float, float]) -> tuple[float, float]:
    """β₁ and β₂ as a tuple, also where a JSON list came."""
    if len(betas) != 2:
        raise UsageError(f"betas must be two numbers; got {betas!r}.")
    return float(betas[0]), float(betas[1])
