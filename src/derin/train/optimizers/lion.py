"""Lion: only the sign of an interpolated momentum.

Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023, algorithm 2 (arXiv:2302.06675).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from derin.train.foreach import foreach
from derin.train.optimizers.eager import EagerOptimizer


class Lion(EagerOptimizer):
    """c = β₁m + (1−β₁)g, θ ← θ − η(sign c + λθ), m ← β₂m + (1−β₂)g.

    Args:
        params: parameters or groups of them.
        lr: η; every entry of a weight moves by exactly this much (and decay).
        betas: β₁ of the update and β₂ of the momentum that is kept.
        weight_decay: λ, decoupled.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
        >>> weight.grad = torch.tensor([0.3, -7.0])
        >>> Lion([weight], lr=0.25).step()
        >>> weight.tolist()
        [0.75, -0.75]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        if not lr >= 0 or not weight_decay >= 0 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(
                "Lion needs lr and weight_decay of at least 0 and betas from 0 to below 1; "
                f"got lr={lr}, weight_decay={weight_decay}, betas={betas}"
            )
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params: list[Tensor] = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            grads: list[Tensor] = [p.grad for p in params if p.grad is not None]
            averages = []
            for p in params:
                state = self.state[p]
                if "exp_avg" not in state:
                    state["exp_avg"] = torch.zeros_like(p)  # keeps the parameter's strides
                averages.append(state["exp_avg"])
            beta_update, beta_kept = group["betas"]
            directions = foreach("lerp", averages, grads, 1 - beta_update)
            foreach("sign_", directions)
            foreach("mul_", params, 1 - group["lr"] * group["weight_decay"])
            foreach("add_", params, directions, alpha=-group["lr"])
            foreach("lerp_", averages, grads, 1 - beta_kept)
        return loss
