"""Optimizers as frozen configs: which class, with which constants. `derin.optimizers` is this module's public name.

g is the gradient, η the learning rate, θ a parameter. Where weight decay λ is no part of the equation given, it is L2:
g ← g + λθ. A config is written as its name with options after a colon: ``"adam:betas=0.9/0.99,eps=1e-7"``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import nn

from derin.core.errors import UnknownNameError, UsageError
from derin.core.settings import read_value, spelled
from derin.train.optimizers import eager
from derin.train.optimizers.fused_adam import FusedAdam, FusedAdamW
from derin.train.optimizers.lion import Lion as LionOptimizer
from derin.train.optimizers.muon import Groups, split_for_muon
from derin.train.optimizers.muon import Muon as MuonOptimizer

# Fields that are settings of the whole run, by the names that these have there.
_OF_THE_RUN = {"lr": "learning_rate", "weight_decay": "weight_decay", "momentum": "momentum"}


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig(ABC):
    """What all configs have in common.

    Args:
        lr: η; None is that of the run.
        weight_decay: λ; None is that of the run.

    Raises:
        UsageError: a value of another type than its default.
    """

    lr: float | None = None
    weight_decay: float | None = None
    name: ClassVar[str]

    def __post_init__(self) -> None:
        for option, usual in self.own_options().items():
            value = getattr(self, option)
            as_usual = read_value(spelled(value), usual) if isinstance(value, int | float | list | tuple) else None
            pairs = isinstance(usual, tuple)
            if as_usual is None or isinstance(value, bool) != isinstance(usual, bool):
                raise UsageError(f"{option} of the optimizer {self.name!r} must be like {usual!r}; got {value!r}.")
            if pairs and (not isinstance(value, list | tuple) or len(value) != len(usual)):
                raise UsageError(f"{option} of the optimizer {self.name!r} must be two numbers; got {value!r}.")
            object.__setattr__(self, option, as_usual)

    @abstractmethod
    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        """The optimizer over groups of named parameters.

        Args:
            model: whose parameters they are.
            groups: of `parameter_groups`.
            learning_rate: η.
            momentum: of the run.
            fused: whether to use torch's fused kernels.
        """

    @classmethod
    def own_options(cls) -> dict[str, Any]:
        """The options of this optimizer alone, and their defaults."""
        return {each.name: each.default for each in fields(cls) if each.name not in _OF_THE_RUN}

    def run_settings(self) -> dict[str, float]:
        """What it says of settings that the whole run has."""
        said = {setting: getattr(self, name, None) for name, setting in _OF_THE_RUN.items()}
        return {setting: value for setting, value in said.items() if value is not None}

    def __str__(self) -> str:
        own = {option: getattr(self, option) for option in self.own_options()}
        told = [f"{option}={spelled(v)}" for option, v in own.items() if v != self.own_options()[option]]
        return self.name + (":" + ",".join(told) if told else "")

    @classmethod
    def checked(cls, options: Mapping[str, Any]) -> OptimizerConfig:
        """A config with these options of its own.

        Raises:
            UnknownNameError: an option that does not exist.
        """
        known = cls.own_options()
        for option in options:
            if option not in known:
                raise UnknownNameError(f"option of the optimizer {cls.name!r}", option, known)
        return cls(**options)

    @classmethod
    def parse(cls, text: str) -> OptimizerConfig:
        """A config from the options after the colon.

        Example:
            >>> Adam.parse("betas=0.8/0.99,eps=1e-7")
            Adam(lr=None, weight_decay=None, betas=(0.8, 0.99), eps=1e-07, amsgrad=False)
        """
        found: dict[str, Any] = {}
        known = cls.own_options()
        for part in filter(None, (p.strip() for p in text.split(","))):
            option, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals:
                raise UsageError(
                    f"An option of the optimizer {cls.name!r} is written NAME=VALUE, such as betas=0.5/0.999; got "
                    f"{part!r}."
                )
            if option in found:
                raise UsageError(f"The option {option!r} of the optimizer {cls.name!r} is given twice; give it once.")
            if option not in known:
                raise UnknownNameError(f"option of the optimizer {cls.name!r}", option, known)
            found[option] = read_value(value, known[option])
            if found[option] is None:
                raise UsageError(
                    f"The option {option!r} of the optimizer {cls.name!r} must be like {spelled(known[option])}; "
                    f"got {value!r}."
                )
        return cls(**found)


@dataclass(frozen=True, kw_only=True)
class SGD(OptimizerConfig):
    """Stochastic gradient descent: θ ← θ − ηg. Source: Robbins and Monro 1951."""

    name: ClassVar[str] = "sgd"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        return eager.SGD(groups, lr=learning_rate, fused=fused)


@dataclass(frozen=True, kw_only=True)
class Momentum(OptimizerConfig):
    """Momentum: v ← μv + (1−d)g (the first v is g), θ ← θ − ηv. ``dampening`` d = μ gives the exponentially weighted
    average of the gradient. Source: Polyak 1964.
    """

    momentum: float | None = None
    dampening: float = 0.0
    name: ClassVar[str] = "momentum"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        return eager.SGD(groups, lr=learning_rate, momentum=momentum, dampening=self.dampening, fused=fused)


@dataclass(frozen=True, kw_only=True)
class Nesterov(OptimizerConfig):
    """Nesterov's momentum: v ← μv + g, θ ← θ − η(g + μv). Source: Nesterov 1983; Sutskever et al. 2013."""

    momentum: float | None = None
    name: ClassVar[str] = "nesterov"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        if momentum == 0:
            raise UsageError("The optimizer 'nesterov' needs a momentum above 0; got momentum=0. Use 'sgd' for none.")
        return eager.SGD(groups, lr=learning_rate, momentum=momentum, nesterov=True, fused=fused)


@dataclass(frozen=True, kw_only=True)
class Adagrad(OptimizerConfig):
    """Adagrad: s ← s + g², θ ← θ − ηg/(√s + ε). Source: Duchi, Hazan, Singer 2011."""

    eps: float = 1e-10
    name: ClassVar[str] = "adagrad"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        return eager.Adagrad(groups, lr=learning_rate, eps=self.eps, fused=fused)


@dataclass(frozen=True, kw_only=True)
class RMSprop(OptimizerConfig):
    """RMSprop: s ← αs + (1−α)g², θ ← θ − ηg/(√s + ε); ``centered`` takes the square of the mean gradient off s.

    Source: Hinton's Coursera lecture 6e, 2012; centered: Graves 2013.
    """

    alpha: float = 0.99
    eps: float = 1e-8
    centered: bool = False
    name: ClassVar[str] = "rmsprop"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        # foreach handles all parameters in a few calls; RMSprop has no fused kernel.
        return eager.RMSprop(
            groups, lr=learning_rate, alpha=self.alpha, eps=self.eps, centered=self.centered, foreach=True
        )


@dataclass(frozen=True, kw_only=True)
class Adam(OptimizerConfig):
    """Adam: m ← β₁m + (1−β₁)g, s ← β₂s + (1−β₂)g², m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ), θ ← θ − ηm̂/(√ŝ + ε).

    Source: Kingma and Ba 2015, algorithm 1; ``amsgrad``: Reddi, Kale, Kumar 2018.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    amsgrad: bool = False
    name: ClassVar[str] = "adam"
    kinds: ClassVar[tuple[type[torch.optim.Optimizer], type[torch.optim.Optimizer]]] = (eager.Adam, FusedAdam)

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        kind: Any = self.kinds[fused]
        made: torch.optim.Optimizer = kind(
            groups, lr=learning_rate, betas=self.betas, eps=self.eps, amsgrad=self.amsgrad, fused=fused
        )
        return made


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − ηλθ before Adam's step. Source: Loshchilov and Hutter 2019."""

    name: ClassVar[str] = "adamw"
    kinds: ClassVar[tuple[type[torch.optim.Optimizer], type[torch.optim.Optimizer]]] = (eager.AdamW, FusedAdamW)


@dataclass(frozen=True, kw_only=True)
class NAdam(OptimizerConfig):
    """Adam with Nesterov's look-ahead. With μₜ = β₁(1 − 0.96^(0.004t)/2) and Mₜ = μ₁…μₜ:
    θ ← θ − η[(1−μₜ)g/(1−Mₜ) + μₜ₊₁m/(1−Mₜ₊₁)]/(√ŝ + ε). Source: Dozat 2016.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    name: ClassVar[str] = "nadam"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        return eager.NAdam(groups, lr=learning_rate, betas=self.betas, eps=self.eps, foreach=True)


@dataclass(frozen=True, kw_only=True)
class Lion(OptimizerConfig):
    """Lion, see `derin.train.optimizers.lion.Lion`; it wants 3 to 10 times less η, and as much more λ, than AdamW."""

    betas: tuple[float, float] = (0.9, 0.99)
    name: ClassVar[str] = "lion"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        return LionOptimizer(groups, lr=learning_rate, betas=self.betas)


@dataclass(frozen=True, kw_only=True)
class Muon(OptimizerConfig):
    """Muon for hidden weights and AdamW (``betas``, ``eps``) for the rest, see `derin.train.optimizers.muon.Muon`."""

    momentum: float | None = None
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    nesterov: bool = True
    num_iterations: int = 5
    name: ClassVar[str] = "muon"

    def build(
        self, model: nn.Module, groups: Groups, *, learning_rate: float, momentum: float, fused: bool
    ) -> torch.optim.Optimizer:
        hidden, others = split_for_muon(model, groups)
        return MuonOptimizer(
            hidden,
            others,
            lr=learning_rate,
            momentum=momentum,
            nesterov=self.nesterov,
            num_iterations=self.num_iterations,
            betas=self.betas,
            eps=self.eps,
            fused=fused,
        )
