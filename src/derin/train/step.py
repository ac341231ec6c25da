"""One training step: precision, accumulation, clipping, L1, optimizers and the average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from derin.train.averages import WeightAverage
from derin.train.config import TrainConfig
from derin.train.foreach import foreach
from derin.train.networks import read_network_settings
from derin.train.nonfinite import check_loss
from derin.train.optimizers import exempt_from_decay, set_lr
from derin.train.plan import Plan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from derin.data.batch import Batch


class PlannedStep:
    """What `Task.update` gets; see `train.protocol.Step`.

    Args:
        model: the network as it is called (compiled where the plan says so).
        optimizers: by name.
        plan: how the step is executed.
        config: for accumulation, clipping and L1.
        device_type: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        average: the exponential average of the weights, or None.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Mapping[str, torch.optim.Optimizer],
        *,
        plan: Plan,
        config: TrainConfig,
        device_type: str,
        average: WeightAverage | None,
    ) -> None:
        self.model = model
        self.optimizers = optimizers
        self.average = average
        self.index = 0
        self.lr = 0.0
        self.is_update_step = True  # whether the batch at hand is the last one before an update
        self._plan, self._device_type = plan, device_type
        self._accumulates = config.accumulate > 1
        self._clip_norm, self._l1 = config.clip_norm, config.l1
        self._parameters = {
            name: [p for group in optimizer.param_groups for p in group["params"]]
            for name, optimizer in optimizers.items()
        }
        # L1 spares what weight decay spares: biases, norms, embeddings.
        exempt = exempt_from_decay(model) if config.l1 else set()
        self._sparse = {name: [p for p in values if id(p) not in exempt] for name, values in self._parameters.items()}
        self._weights: dict[str, Any] = dict.fromkeys(optimizers, 0.0)
        self._whole = model
        self._owns_all: bool | None = None  # found out at the first step, when what is frozen is frozen
        settings = read_network_settings(config.networks, optimizers, learning_rate=config.learning_rate)
        self._every = {name: own.every for name, own in settings.items() if own.every > 1}

    def autocast(self) -> AbstractContextManager[Any]:
        return self._plan.autocast(self._device_type)

    def is_due(self, name: str) -> bool:
        """Whether the named network learns at this update: the last of each of its `every`."""
        return not self._every or (self.index + 1) % self._every.get(name, 1) == 0

    def set_lr(self, lr: float) -> None:
        """Gives every parameter group its learning rate for the next update."""
        self.lr = lr
        for optimizer in self.optimizers.values():
            set_lr(optimizer, lr)

    def minimize(self, name: str, loss: Tensor, weight: Tensor | float = 1.0) -> None:
        check_loss(loss)
        if not self.is_due(name):
            return
        if self._accumulates:
            # Gradients of sums add up; the group's mean comes from one division at its end, whatever the batches'
            # sizes.
            self._backward(name, loss * weight)
            self._weights[name] = self._weights[name] + weight
            if not self.is_update_step:
                return
            gradients = [p.grad for p in self._parameters[name] if p.grad is not None]
            # A group whose weights are all 0 has gradients of 0, and stays so.
            foreach("div_", gradients, float(self._weights[name]) or 1.0)
            self._weights[name] = 0.0
        else:
            self._backward(name, loss)
        self._update(name)

    def finish_update(self) -> None:
        """After the last batch of a group, when all of its networks are updated: the average takes in the weights."""
        if self.average is not None:
            self.average.update()

    def _backward(self, name: str, loss: Tensor) -> None:
        """Gradients of the named optimizer's parameters, and of no others."""
        if self._owns_all is None:
            own = {id(p) for values in self._parameters.values() for p in values}
            others = any(p.requires_grad and id(p) not in own for p in self._whole.parameters())
            self._owns_all = len(self.optimizers) == 1 and not others
        if self._owns_all:
            loss.backward()
        else:
            loss.backward(inputs=[p for p in self._parameters[name] if p.requires_grad])

    def _update(self, name: str) -> None:
        optimizer = self.optimizers[name]
        if self._l1:
            touched = [p for p in self._sparse[name] if p.grad is not None]
            with torch.no_grad():
                foreach(
                    "add_", [p.grad for p in touched if p.grad is not None], foreach("sign", touched), alpha=self._l1
                )
        if self._clip_norm:
            torch.nn.utils.clip_grad_norm_(self._parameters[name], self._clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


class DryStep:
    """A step that moves nothing: what `Task.update` would minimize is noted.

    Args:
        model: the network as it is called.

    Attributes:
        losses: by the name of the optimizer.
    """

    index, lr = 0, 0.0

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.losses: dict[str, Tensor] = {}

    def autocast(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def is_due(self, name: str) -> bool:
        return True

    def minimize(self, name: str, loss: Tensor, weight: Tensor | float = 1.0) -> None:
        self.losses[name] = loss


def loss_of(task: Any, model: nn.Module, batch: Batch) -> Tensor:
    """The loss of a batch, without a step; of several networks the sum of all that an update minimizes."""
    if not hasattr(task, "networks"):
        loss: Tensor = task.loss(model, batch)["loss"]
        return loss
    step = DryStep(model)
    task.update(step, batch)
    return torch.stack(list(step.losses.values())).sum()
