"""torch's optimizers without torch's compiler.

Around the methods of its optimizers torch has decorators that tell its compiler to keep out, and load the compiler for
it: at the first optimizer of every process, seconds of work and a hundred megabytes. Derin compiles networks and never
optimizers; what lies within the decorators is called here as it is, so that every bit of the result is the same.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch


class EagerOptimizer(torch.optim.Optimizer):
    """What optimizers of one's own are made of."""

    add_param_group: Any = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad: Any = inspect.unwrap(torch.optim.Optimizer.zero_grad)


def _step(kind: type[torch.optim.Optimizer]) -> Any:
    return torch.no_grad()(inspect.unwrap(kind.step))


class SGD(EagerOptimizer, torch.optim.SGD):
    """`torch.optim.SGD`.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
        >>> weight.grad = torch.tensor([0.5, 2.0])
        >>> SGD([weight], lr=0.5).step()
        >>> weight.tolist()
        [0.75, -2.0]
    """

    step: Any = _step(torch.optim.SGD)


class Adagrad(EagerOptimizer, torch.optim.Adagrad):
    """`torch.optim.Adagrad`."""

    step: Any = _step(torch.optim.Adagrad)


class RMSprop(EagerOptimizer, torch.optim.RMSprop):
    """`torch.optim.RMSprop`."""

    step: Any = _step(torch.optim.RMSprop)


class Adam(EagerOptimizer, torch.optim.Adam):
    """`torch.optim.Adam`."""

    step: Any = _step(torch.optim.Adam)


class AdamW(EagerOptimizer, torch.optim.AdamW):
    """`torch.optim.AdamW`."""

    step: Any = _step(torch.optim.AdamW)


class NAdam(EagerOptimizer, torch.optim.NAdam):
    """`torch.optim.NAdam`."""

    step: Any = _step(torch.optim.NAdam)


class LBFGS(EagerOptimizer, torch.optim.LBFGS):
    """`torch.optim.LBFGS`, whose step calls a closure several times."""

    step: Any = _step(torch.optim.LBFGS)
