"""Optimizers by name, and their state as named tensors that can be saved without pickle.

g is the gradient, η the learning rate, λ the weight decay, θ a parameter; the equations stand in `factories`, `lion`
and `muon`.
"""

from derin.train.optimizers.build import (
    OPTIMIZERS,
    build_optimizer,
    exempt_from_decay,
    parameter_groups,
    set_lr,
    supports_fused,
)
from derin.train.optimizers.saving import load_optimizer_tensors, optimizer_scalars, optimizer_tensors

__all__ = [
    "OPTIMIZERS",
    "build_optimizer",
    "exempt_from_decay",
    "load_optimizer_tensors",
    "optimizer_scalars",
    "optimizer_tensors",
    "parameter_groups",
    "set_lr",
    "supports_fused",
]
