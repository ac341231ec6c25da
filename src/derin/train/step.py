"""One training step: precision, accumulation, clipping, L1, optimizers and the average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import torch

from derin.train.averages import WeightAverage
from derin.train.config import TrainConfig
from derin.train.guard import check_loss
from derin.train.optimizers import exempt_from_decay, set_rate
from derin.train.plan import Plan

if TYPE_CHECKING:
    from torch import Tensor, nn


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
        self.rate = 0.0
        self.closes_group = True  # whether the batch at hand is the last one before an update
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

    def autocast(self) -> AbstractContextManager[Any]:
        return self._plan.autocast(self._device_type)

    def set_rate(self, rate: float) -> None:
        """Gives every parameter group its learning rate for the next update."""
        self.rate = rate
        for optimizer in self.optimizers.values():
            set_rate(optimizer, rate)

    def minimize(self, name: str, loss: Tensor, weight: Tensor | float) -> None:
        check_loss(loss)
        if self._accumulates:
            # Gradients of sums add up; the group's mean comes from one division at its end, whatever the batches'
            # sizes.
            (loss * weight).backward()
            self._weights[name] = self._weights[name] + weight
            if not self.closes_group:
                return
            gradients = [p.grad for p in self._parameters[name] if p.grad is not None]
            torch._foreach_div_(gradients, float(self._weights[name]))
            self._weights[name] = 0.0
        else:
            loss.backward()
        self._update(name)

    def _update(self, name: str) -> None:
        optimizer = self.optimizers[name]
        if self._l1:
            touched = [p for p in self._sparse[name] if p.grad is not None]
            with torch.no_grad():
                torch._foreach_add_([p.grad for p in touched], torch._foreach_sign(touched), alpha=self._l1)
        if self._clip_norm:
            torch.nn.utils.clip_grad_norm_(self._parameters[name], self._clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update()
