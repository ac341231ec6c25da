"""From noise to pictures along a field of velocities: steps of Euler or Heun, and guidance by a condition.

Sources: Y. Lipman et al., "Flow matching for generative modeling", ICLR 2023, arXiv:2210.02747; guidance without a
    classifier: J. Ho, T. Salimans, arXiv:2207.12598; Heun's steps for pictures: T. Karras et al., "Elucidating the
    design space of diffusion-based generative models", NeurIPS 2022, arXiv:2206.00364, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, get_args

from torch import Tensor

from derin.core.errors import UsageError

Field = Callable[[Tensor, float], Tensor]
Method = Literal["euler", "heun"]

METHODS: tuple[str, ...] = get_args(Method)
MOST_STEPS = 1_000


def follow(field: Field, x: Tensor, steps: int, method: str = "heun") -> Iterator[Tensor]:
    """The states on the way of dx/dt = v(x, t) from t = 0 to 1, the first and the last included.

    Euler: x + h v(x, t). Heun: x + h (v(x, t) + v(x + h v(x, t), t + h)) / 2, with two velocities a step and an error
    that falls with h² and not with h.

    Args:
        field: v, of states and one time for all of them.
        x: where it begins.
        steps: N, of length h = 1/N.
        method: ``"euler"`` or ``"heun"``.

    Raises:
        UsageError: no such method, or no such number of steps.

    Example:
        >>> import torch
        >>> *_, end = follow(lambda x, t: x, torch.ones(1), 1, "heun")
        >>> end.item()  # 1 + 1 + 1/2, the first terms of e
        2.5
    """
    if method not in METHODS:
        raise UsageError(f"The method must be one of {', '.join(METHODS)}; got {method!r}.")
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"The way from noise to a picture takes 1 to {MOST_STEPS:,} steps; got {steps}. Take 20.")
    return _states(field, x, steps, method)


def _states(field: Field, x: Tensor, steps: int, method: str) -> Iterator[Tensor]:
    yield x
    for step in range(steps):
        begin, end = step / steps, (step + 1) / steps
        velocity = field(x, begin)
        if method == "heun":
            velocity = (velocity + field(x + velocity / steps, end)) / 2
        x = x + velocity / steps
        yield x


def guided(without: Tensor, told: Tensor, guidance: float) -> Tensor:
    """v = v(x, t) + g (v(x, t | condition) − v(x, t)): 1 is the condition's own velocity, more exaggerates it.

    Shapes:
        both ``(B, ...)`` → the same.
    """
    return without + guidance * (told - without)
