"""Dense layers in float32 through oneDNN, where torch would take its BLAS.

torch multiplies float32 matrices with the BLAS that it was built with, for CPUs mostly MKL, which keeps its fastest
kernels for some makers' processors. oneDNN, which torch carries for convolutions, picks its kernels by what the
processor can do. Both add in single precision, in another order. Which is faster is measured: it is a part of a plan.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from derin.core.onednn import linear


def use_onednn(model: nn.Module) -> None:
    """Lets every plain dense layer of a network on the CPU compute through oneDNN, until `use_blas`.

    Args:
        model: changed in place; its tensors and their names stay.

    Example:
        >>> layer = nn.Linear(3, 2)
        >>> before = layer(torch.ones(1, 3))
        >>> use_onednn(layer)
        >>> torch.allclose(layer(torch.ones(1, 3)), before)
        True
    """
    for module in model.modules():
        # A class derived from Linear may compute otherwise and keeps its own way.
        if type(module) is nn.Linear and module.weight.dtype == torch.float32 and module.weight.device.type == "cpu":
            module.forward = partial(_forward, module)  # type: ignore[method-assign]


def use_blas(model: nn.Module) -> None:
    """Takes back what `use_onednn` did."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__dict__.pop("forward", None)


def _forward(layer: nn.Linear, x: Tensor) -> Tensor:
    result: Tensor = _Linear.apply(x, layer.weight, layer.bias)
    return result


class _Linear(torch.autograd.Function):
    """y = x Wᵀ + b; dx = g W, dW = gᵀ x, db = Σ g.

    Shapes:
        x ``(..., in)``, W ``(out, in)``, b ``(out,)`` → ``(..., out)``.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        rows = gradient.reshape(-1, weight.shape[0])
        return (
            linear(rows, weight.t()).view(x.shape) if needs_x else None,
            linear(rows.t(), x.reshape(-1, weight.shape[1]).t()) if needs_weight else None,
            rows.sum(0) if needs_bias else None,
        )
