"""Going downhill with the product's optimizers, one step at a time and in view."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.layers.options import require_range
from derin.train.optimizers.build import build_optimizer, set_lr
from derin.train.schedules import build_schedule


class Place(nn.Module):
    """Numbers that are to be found, as one parameter in float64: a place on a surface.

    Example:
        >>> Place([3.0, -1.0]).tolist()
        [3.0, -1.0]
    """

    def __init__(self, start: Sequence[float]) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def tolist(self) -> list[float]:
        numbers: list[float] = self.numbers.tolist()
        return numbers


def descend(
    model: nn.Module,
    cost: Callable[[], Tensor],
    *,
    optimizer: str,
    learning_rate: float,
    num_steps: int,
    momentum: float = 0.9,
    schedule: str = "constant",
) -> Iterator[float]:
    """Minimizes a cost and yields it before every step and after the last, so that the model can be watched.

    The descent ends early, after at least one cost, where the cost is no longer finite.

    Args:
        model: whose parameters are moved.
        cost: of the model as it is.
        optimizer: a name of `OPTIMIZERS`.
        learning_rate: of the optimizer.
        num_steps: how many.
        momentum: of those optimizers that have one.
        schedule: of the learning rate, a name of `SCHEDULES` with its options; a step counts as an epoch.

    Yields:
        ``num_steps + 1`` costs, or fewer where they explode.

    Raises:
        UsageError: the first cost is not finite, or the rate or the number of steps is out of range.
        UnknownNameError: there is no such optimizer or schedule.

    Example:
        >>> place = Place([4.0])
        >>> costs = descend(place, lambda: (place.numbers**2).sum(), optimizer="sgd", learning_rate=0.25, num_steps=2)
        >>> [(cost, place.tolist()) for cost in costs]
        [(16.0, [4.0]), (4.0, [2.0]), (1.0, [1.0])]
    """
    require_range("lesson", "learning_rate", learning_rate, 0.0)
    require_range("lesson", "steps", num_steps, 0, 100_000)
    moving = build_optimizer(optimizer, model, learning_rate=learning_rate, momentum=momentum, fused=False)
    rate = build_schedule(schedule, learning_rate=learning_rate, total_examples=max(num_steps, 1), examples_per_epoch=1)
    for step in range(num_steps):
        set_lr(moving, rate(step))
        moving.zero_grad()
        loss = cost()
        if not math.isfinite(loss.item()):
            if step == 0:
                raise UsageError(f"The descent needs a finite cost to begin with; got {loss.item()}. Start elsewhere.")
            return
        loss.backward()
        yield loss.item()
        moving.step()
    with torch.no_grad():
        reached = cost().item()
    if math.isfinite(reached):
        yield reached
