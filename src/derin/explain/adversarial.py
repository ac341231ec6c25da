"""How a network fares under attack: its metric on adversarial examples of more and more strength."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.tasks.adversarial import PixelScale, attack
from derin.tasks.prediction import Prediction
from derin.train.evaluation import predict_batches
from derin.train.protocol import Source


@dataclass(frozen=True, kw_only=True)
class Attack:
    """How pictures are changed; see `derin.tasks.adversarial`.

    Args:
        method: ``"fgsm"`` or ``"pgd"``.
        scale: of the network's input.
        target: number of the class that the network shall see, or None.
        num_steps: of PGD.
        seed: of PGD's random start.
    """

    method: str
    scale: PixelScale
    target: int | None = None
    num_steps: int = 10
    seed: int = 0

    def apply(self, network: nn.Module, task: Any, batch: Batch, epsilon: float) -> Tensor:
        """The adversarial examples of a batch."""
        return attack(
            network,
            task,
            batch,
            method=self.method,
            epsilon=epsilon,
            scale=self.scale,
            target=self.target,
            num_steps=self.num_steps,
            seed=self.seed,
        )


@dataclass(frozen=True)
class UnderAttack:
    """A network's metrics at one strength.

    Args:
        epsilon: most that a pixel changes, of a range 0..1.
        metrics: of the task, by name.
        reached: share of the examples of other classes that were taken for the target; None without a target.
    """

    epsilon: float
    metrics: dict[str, float | None]
    reached: float | None = None


class AttackedSource:
    """A source whose pictures are changed before they are given.

    Args:
        source: of the pictures.
        network: which is attacked.
        task: of the network.
        how: the attack.
        epsilon: most that a pixel changes, of a range 0..1.
    """

    def __init__(self, source: Source, network: nn.Module, task: Any, how: Attack, epsilon: float) -> None:
        self.batch_size, self.num_examples, self.num_batches = (
            source.batch_size,
            source.num_examples,
            source.num_batches,
        )
        self._source, self._network, self._task, self._how, self._epsilon = source, network, task, how, epsilon

    def batches(self, epoch: int, from_step: int = 0) -> Iterator[Batch]:
        for batch in self._source.batches(epoch, from_step):
            changed = self._how.apply(self._network, self._task, batch, self._epsilon)
            yield Batch({**batch.columns, self._task.input: changed}, batch.rows)


def measure_under_attack(
    network: nn.Module,
    task: Any,
    source: Source,
    epsilons: Sequence[float],
    how: Attack,
    *,
    on_step: Callable[[int, int], None] | None = None,
) -> list[UnderAttack]:
    """The metrics of a task on adversarial examples.

    Args:
        network: which is attacked, knowing its weights.
        task: of the network.
        source: examples with their answers.
        epsilons: the strengths, each of a pixel range 0..1.
        how: the attack.
        on_step: told how many batches of how many are done.

    Raises:
        UsageError: a target where the task has no classes, or none of that number.
    """
    _check_target(task, how.target)
    found = []
    done, total = 0, len(epsilons) * source.num_batches
    for epsilon in epsilons:
        metrics = task.metrics()
        others = taken = 0
        for outputs, batch in predict_batches(network, task, AttackedSource(source, network, task, how, epsilon)):
            metrics.update(outputs, batch)
            if how.target is not None:
                other = batch[task.target].long() != how.target
                answers = [a.label for a in task.decode(outputs) if isinstance(a, Prediction)]
                hit = torch.tensor([label == task.classes[how.target] for label in answers], device=other.device)
                others += int(other.sum())
                taken += int((hit & other).sum())
            done += 1
            if on_step is not None:
                on_step(done, total)
        numbers = {k: v for k, v in metrics.compute().items() if v is None or isinstance(v, int | float)}
        found.append(UnderAttack(epsilon, numbers, taken / others if others else None))
    return found


def _check_target(task: Any, target: int | None) -> None:
    if target is None:
        return
    if not (task.has_single_answer and task.classes):
        raise UsageError(
            f"A target is a class to be taken for; the task {task.name!r} has no single class. Leave it out."
        )
    if not 0 <= target < len(task.classes):
        raise UsageError(f"A target must be a class from 0 to {len(task.classes) - 1}; got {target}.")
