"""Adversarial training: every step learns from the pictures on which the network is about to go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.tasks.adversarial import PixelScale, fgsm, random_start, read_epsilon
from derin.train.evaluation import evaluating
from derin.train.protocol import Losses, Step

if TYPE_CHECKING:
    from derin.data.preparation import Preparation

# From a random start a step of 1.25 ε was best; with more than 2 ε networks learn to fool one such step only.
_REACH = 1.25


class AdversarialTraining:
    """A task whose updates see adversarial pictures in place of the given ones; in all else the task itself.

    Each update takes a random picture within ε of the given one and moves it by one step of `fgsm` before learning
    from it, which costs two thirds of a usual update more. The random start comes from the generator that the loop
    seeds for every step, so that a resumed run repeats it.

    Args:
        task: with a loss whose input is pictures.
        epsilon: most that a pixel changes, of a range 0..1.
        scale: of the network's input.

    Source: E. Wong, L. Rice, J. Z. Kolter, "Fast is better than free: revisiting adversarial training", ICLR 2020,
    arXiv:2001.03994. Differs: the attack sees the network in evaluation mode, so that its batch statistics come from
    the pictures that are learned from, and dropout does not hide from it what will be there.
    """

    def __init__(self, task: Any, *, epsilon: float, scale: PixelScale) -> None:
        if not epsilon > 0:
            raise UsageError(f"Adversarial training needs an ε above 0, such as 4/255; got {epsilon}.")
        self.task, self.epsilon, self.scale = task, epsilon, scale

    def __getattr__(self, name: str) -> Any:
        if name == "task":  # not there yet while a copy is made
            raise AttributeError(name)
        return getattr(self.task, name)

    def update(self, step: Step, batch: Batch) -> Losses:
        perturbed = self.perturbed(step, batch)
        result: Losses = self.task.update(step, _with_input(self.task, batch, perturbed))
        return result

    def perturbed(self, step: Step, batch: Batch) -> Tensor:
        """The batch's pictures after the attack on the network as it is."""
        x = batch[self.task.input]

        def loss(given: Tensor) -> Tensor:
            with step.autocast():
                value: Tensor = self.task.loss(step.model, _with_input(self.task, batch, given))["loss"]
            return value

        start = random_start(x, epsilon=self.epsilon, scale=self.scale)
        with evaluating(step.model), torch.enable_grad():
            return fgsm(loss, x, epsilon=self.epsilon, scale=self.scale, start=start, reach=_REACH)


def adversarially(task: Any, preparation: Preparation, epsilon: str | float) -> AdversarialTraining:
    """The task with adversarial training for networks that read what the preparation gives.

    Raises:
        UsageError: the preparation gives no pictures, or ε is no share of the pixel range.
    """
    return AdversarialTraining(task, epsilon=read_epsilon(epsilon), scale=PixelScale.of(preparation))


def attack_of(task: Any) -> dict[str, Any]:
    """What run and card say of adversarial training, under ``"adversarial"``; nothing of any other task."""
    if not isinstance(task, AdversarialTraining):
        return {}
    return {"adversarial": {"method": "fgsm", "start": "random", "epsilon": task.epsilon, "reach": _REACH}}


def _with_input(task: Any, batch: Batch, x: Tensor) -> Batch:
    return Batch({**batch.columns, task.input: x}, batch.rows)
