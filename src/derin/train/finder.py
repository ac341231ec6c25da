"""The learning-rate range test: train for a moment while the rate rises from tiny to huge, and look at the loss.

Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3 (arXiv:1506.01186).
The exponential rise and the smoothed loss follow the test as it is commonly run today.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from derin.core.errors import DivergenceError, StorageError, UsageError
from derin.core.global_generator import generator_of_steps
from derin.core.seeds import step_seeds
from derin.data.batch import Batch
from derin.train.lone_examples import bearing_lone_examples
from derin.train.optimizers import build_optimizer, set_lr
from derin.train.protocol import Source, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMOOTHING = 0.9  # the average remembers about the last 10 losses
_STOP_FACTOR = 4.0  # Smith stops by eye; at four times the best loss it has certainly diverged
_FEWEST_STEPS = 20  # below, the curve has no slope to speak of


@dataclass(frozen=True)
class RateCurve:
    """What a range test saw.

    Args:
        rates: the learning rate of each step.
        losses: the smoothed training loss at each step: Vₜ = βVₜ₋₁ + (1−β)lossₜ, divided by 1−βᵗ, with β = 0.9.
        raw_losses: as they were measured.
        diverged: whether the test ended because the loss exploded, and not because the highest rate was reached.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    raw_losses: tuple[float, ...]
    diverged: bool

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest: just before training breaks."""
        return self.rates[self._index_of_lowest]

    @property
    def steepest(self) -> float:
        """The rate, up to `lowest`, at which the smoothed loss falls fastest per factor of the rate."""
        end = self._index_of_lowest + 1
        if end < 3:
            return self.rates[0]
        logs = [math.log(lr) for lr in self.rates[:end]]
        losses = self.losses[:end]
        slopes = [(losses[i + 1] - losses[i - 1]) / (logs[i + 1] - logs[i - 1]) for i in range(1, end - 1)]
        return self.rates[1 + min(range(len(slopes)), key=slopes.__getitem__)]

    @property
    def suggestion(self) -> float:
        """A tenth of `lowest`, or `steepest` where that is less: high, with room to the edge."""
        return min(self.lowest / 10, self.steepest)

    @property
    def _index_of_lowest(self) -> int:
        return min(range(len(self.losses)), key=self.losses.__getitem__)

    def to_json(self) -> dict[str, Any]:
        """The curve and what follows from it."""
        return {
            "suggestion": self.suggestion,
            "steepest": self.steepest,
            "lowest": self.lowest,
            "diverged": self.diverged,
            "rates": list(self.rates),
            "losses": list(self.losses),
        }

    def figure(self) -> Figure:
        """The picture: loss against rate, with the suggestion marked."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.raw_losses, color="#b9c3d0", linewidth=1, label="loss of each batch")
        axes.plot(self.rates, self.losses, color="#1f5fa8", linewidth=2, label="smoothed")
        axes.axvline(self.suggestion, color="#c4501b", linestyle="--", label=f"suggestion {self.suggestion:.2g}")
        at = min(range(len(self.rates)), key=lambda i: abs(math.log(self.rates[i] / self.suggestion)))
        axes.plot([self.rates[at]], [self.losses[at]], "o", color="#c4501b")
        # One explosive batch must not press the curve flat.
        low, high = min(self.losses), max(self.losses)
        margin = 0.08 * (high - low) or 1.0
        axes.set_ylim(min(low, min(self.raw_losses)) - margin, high + margin)
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss", title="Learning-rate range test")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        return figure

    def plot(self, path: str | Path) -> None:
        """Writes the picture to a file; its ending (.png, .svg, .pdf) says in which form."""
        try:
            self.figure().savefig(path, dpi=150)
        except OSError as error:
            raise StorageError(f"The picture {path} cannot be written: {error.strerror or error}.") from error
        except ValueError as error:  # an ending that matplotlib does not know
            raise UsageError(f"The picture {path} cannot be written: {error}. Use a name that ends in .png.") from error


def find_learning_rate(
    model: nn.Module,
    task: Task,
    source: Source,
    *,
    optimizer: str = "adamw",
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    low: float = 1e-7,
    high: float = 10.0,
    num_steps: int = 200,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> RateCurve:
    """Trains a copy of the network with a rate that grows from step to step, until the loss is four times its best.

    The rate of step i of n is ``low · (high/low)^(i/(n−1))``. The network, the task's state and torch's random numbers
    are left as they were.

    Args:
        model: on its device.
        task: gives the loss.
        source: the training batches; begun anew when they are used up.
        optimizer: a name of `OPTIMIZERS`; a rate suits only the optimizer it was found with.
        weight_decay: as in training.
        momentum: as in training.
        low: the first rate.
        high: the last rate, if the loss does not explode before.
        num_steps: at most so many batches.
        seed: of dropout and the like.
        options: further options of the optimizer.
        on_step: called with (steps done, num_steps).

    Raises:
        UsageError: for a range or a number of steps that makes no curve.
        DivergenceError: when the loss is not finite from the start.
    """
    if not 0 < low < high < math.inf:
        raise UsageError(f"The range must rise, 0 < low < high; got low={low:g}, high={high:g}.")
    if num_steps < _FEWEST_STEPS:
        raise UsageError(f"A range test needs at least {_FEWEST_STEPS} steps; got num_steps={num_steps}.")
    trial = copy.deepcopy(model)
    trial.train()
    updater = build_optimizer(
        optimizer, trial, learning_rate=low, weight_decay=weight_decay, momentum=momentum, **(options or {})
    )
    rates: list[float] = []
    losses: list[float] = []
    raw_losses: list[float] = []
    average, diverged = 0.0, False
    seeds = step_seeds(seed, "range-test", 0, num_steps)
    device = next(model.parameters()).device
    with _left_alone(task), generator_of_steps(device) as drawing:
        for step, batch in zip(range(num_steps), _endless(source), strict=False):
            lr = low * (high / low) ** (step / (num_steps - 1))
            set_lr(updater, lr)
            with drawing, bearing_lone_examples(trial, len(batch), source):
                torch.manual_seed(seeds[step])
                loss = task.loss(trial, batch)["loss"]
            value = loss.item()
            if not math.isfinite(value):
                diverged = True
                break
            average = _SMOOTHING * average + (1 - _SMOOTHING) * value
            smooth = average / (1 - _SMOOTHING ** (step + 1))
            rates.append(lr)
            raw_losses.append(value)
            losses.append(smooth)
            best = min(losses)
            # Written with |best| so that a loss that may be negative (a log-density) is judged too.
            if smooth > best + (_STOP_FACTOR - 1) * abs(best) and smooth > losses[0]:
                diverged = True
                break
            updater.zero_grad(set_to_none=True)
            loss.backward()
            updater.step()
            if on_step is not None:
                on_step(step + 1, num_steps)
    if not rates:
        raise DivergenceError(
            "The loss is not finite at the very first batch; look at the data with `derin data`, and at the weights."
        )
    return RateCurve(tuple(rates), tuple(losses), tuple(raw_losses), diverged)


def _endless(source: Source) -> Iterator[Batch]:
    """Whole batches, epoch after epoch; the loss of a smaller last one has another noise and would blur the curve."""
    epoch = 0
    while True:
        for batch in source.batches(epoch):
            if len(batch) == source.batch_size or source.num_batches == 1:
                yield batch
        epoch += 1


@contextmanager
def _left_alone(task: Task) -> Iterator[None]:
    """Gives the task's state back as it was."""
    kept = {name: tensor.clone() for name, tensor in task.state.items()}
    try:
        yield
    finally:
        task.state.clear()
        task.state.update(kept)
