"""Muon: momentum whose matrices are orthogonalized, and AdamW for all that is no hidden matrix.

Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024
(kellerjordan.github.io/posts/muon); the size of the update from Liu et al., "Muon is Scalable for LLM Training", 2025,
eq. 4 (arXiv:2502.16982), by which one rate serves Muon and AdamW alike. Here convolution filters count as matrices of
(out, in·height·width), matrices of equal shape are orthogonalized in one batched product, and the iteration runs in
bfloat16 on accelerators and in float32 on the CPU. `torch.optim.Muon` takes no filters, and on a CPU ten times as long
(`benchmarks/muon.py`); the steps of both agree on matrices.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.roles import ROLES, parameter_roles
from derin.train.optimizers.eager import AdamW, EagerOptimizer

Groups = list[dict[str, Any]]

# Of the quintic p(s) = as + bs³ + cs⁵ that drives singular values towards 1 (Jordan et al. 2024, "tuning the
# coefficients").
_QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(EagerOptimizer):
    """For a hidden matrix θ of shape (A, B)::

        m ← μm + (1−μ)g,   u = (1−μ)g + μm (nesterov) or m,   θ ← θ − ηλθ − η · 0.2√max(A, B) · orthogonalize(u)

    and AdamW for every other parameter. Both kinds stand in `param_groups`, told apart by ``method``.

    Args:
        hidden: groups of named parameters with at least two axes, for Muon.
        others: groups of named parameters for AdamW.
        lr: η of both.
        momentum: μ.
        nesterov: whether the step looks ahead along the new momentum.
        num_iterations: of Newton-Schulz.
        betas: of AdamW.
        eps: of AdamW.
        fused: whether AdamW runs in its fused kernel.
    """

    def __init__(
        self,
        hidden: Groups,
        others: Groups,
        *,
        lr: float,
        momentum: float = 0.95,
        nesterov: bool = True,
        num_iterations: int = 5,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        fused: bool = False,
    ) -> None:
        if not lr >= 0 or not 0 <= momentum < 1 or num_iterations < 1:
            raise ValueError(
                "Muon needs lr of at least 0, momentum from 0 to below 1 and num_iterations of at least 1; "
                f"got lr={lr}, momentum={momentum}, num_iterations={num_iterations}"
            )
        shared: dict[str, Any] = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        groups = [
            {"weight_decay": 0.0, **group, **shared, "num_iterations": num_iterations, "method": "muon"}
            for group in hidden
        ]
        self._adamw: AdamW | None = None
        if others:
            self._adamw = AdamW(others, lr=lr, betas=betas, eps=eps, fused=fused)
            # AdamW has split names from parameters; put together again they make a group of this optimizer.
            for group in self._adamw.param_groups:
                named = list(zip(group["param_names"], group["params"], strict=True))
                groups.append(
                    {**{k: v for k, v in group.items() if k != "param_names"}, "params": named, "method": "adamw"}
                )
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["method"] == "muon":
                self._step_hidden(group)
        if self._adamw is not None:
            # Handed over at each step, because loading a state dict replaces both objects.
            self._adamw.param_groups = [g for g in self.param_groups if g["method"] == "adamw"]
            self._adamw.state = self.state
            self._adamw.step()
        return loss

    def _step_hidden(self, group: dict[str, Any]) -> None:
        params: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        grads: list[Tensor] = [p.grad for p in params if p.grad is not None]
        buffers: list[Tensor] = []
        for p in params:
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(p)
            buffers.append(state["momentum_buffer"])
        torch._foreach_lerp_(buffers, grads, 1 - group["momentum"])
        updates = list(torch._foreach_lerp(grads, buffers, group["momentum"])) if group["nesterov"] else buffers
        by_shape: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for index, p in enumerate(params):
            by_shape[(p.shape[0], p[0].numel(), p.device, p.dtype)].append(index)
        torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
        for (rows, columns, device, _), indices in by_shape.items():
            stacked = torch.stack([updates[i].reshape(rows, columns) for i in indices])
            precision = torch.float32 if device.type == "cpu" else torch.bfloat16
            orthogonal = orthogonalize(stacked.to(precision), group["num_iterations"])
            size = group["lr"] * 0.2 * math.sqrt(max(rows, columns))
            for i, update in zip(indices, orthogonal, strict=True):
                params[i].add_(update.reshape(params[i].shape).to(params[i].dtype), alpha=-size)


def orthogonalize(matrices: Tensor, num_iterations: int = 5) -> Tensor:
    """Brings the singular values of matrices near 1 (about 0.7 to 1.2), leaving the singular vectors.

    Newton-Schulz: X ← X/‖X‖, then X ← aX + (bXXᵀ + c(XXᵀ)²)X.

    Args:
        matrices: in the precision in which to iterate.
        num_iterations: 5 is enough for singular values down to about 1/1000 of the norm.

    Shapes:
        ``(N, A, B)`` → ``(N, A, B)``.

    Example:
        >>> singular = torch.linalg.svdvals(orthogonalize(torch.diag(torch.tensor([4.0, 1.0]))[None]))
        >>> bool((singular > 0.6).all() and (singular < 1.3).all())
        True
    """
    a, b, c = _QUINTIC
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices  # XXᵀ of the shorter side is the cheaper product
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(num_iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def split_for_muon(model: nn.Module, groups: Groups) -> tuple[Groups, Groups]:
    """Hidden weights for Muon, all else for AdamW, by their roles; see `derin.core.roles`."""
    roles = parameter_roles(model)
    hidden: Groups = []
    others: Groups = []
    for group in groups:
        is_hidden = [ROLES[roles[name]].is_hidden for name, _ in group["params"]]
        for wanted, target in ((True, hidden), (False, others)):
            pairs = [pair for pair, is_one in zip(group["params"], is_hidden, strict=True) if is_one is wanted]
            if pairs:
                target.append({**group, "params": pairs})
    return hidden, others
