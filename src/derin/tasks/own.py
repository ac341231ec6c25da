"""The task of a network of one's own on data of one's own: a loss, metrics, and what the network gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.core.own import name_of
from derin.data.batch import Batch
from derin.data.own import TARGET, WEIGHT
from derin.data.table import Rows, Table
from derin.tasks.base import BaseTask
from derin.tasks.card import checked, is_name, is_names, optional
from derin.tasks.own_functions import Functions, Loss, OwnLoss, OwnMetrics, check_metrics
from derin.train.protocol import Losses, Outputs


class OwnTask(BaseTask):
    """A loss of what a network gives and of the targets, as they are; predictions are what the network gives.

    Args:
        columns: the names of the inputs, in the order in which the network takes them.
        loss: by name in a card, which predicting does without.
        functions: further metrics.
    """

    name = "own"
    monitor = "loss"
    maximize = False

    def __init__(
        self, columns: Sequence[str], loss: Loss | str | None = None, functions: Functions | None = None
    ) -> None:
        super().__init__(columns)
        self.input = self.columns[0]
        self.given_loss, self.functions = loss, dict(functions or {})
        check_metrics(self.functions)
        self._criterion = OwnLoss(loss) if callable(loss) else None

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        raise UsageError("The task 'own' is for data of your own form; leave task out.")

    def with_functions(self, loss: Loss | None, metrics: Functions | None) -> OwnTask:
        """The task with functions that no card holds."""
        return type(self)(self.columns, loss, metrics)

    @property
    def num_outputs(self) -> int:
        return 0

    def _outputs(self, model: nn.Module, batch: Batch) -> Any:
        return model(*(batch[name] for name in self.columns))

    def criterion(self, outputs: Any, target: Any, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The mean loss, and its denominator where examples are weighted."""
        if self._criterion is None:
            raise UsageError(
                f"The loss {self.given_loss} is a function of your own and in no file; predicting needs none."
            )
        return self._criterion(outputs, target, weights)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        loss, weight_sum = self.criterion(self._outputs(model, batch), batch[TARGET], batch.columns.get(WEIGHT))
        return {"loss": loss} if weight_sum is None else {"loss": loss, "weight_sum": weight_sum}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """What the network gives, in whatever form, under ``"outputs"``."""
        return {"outputs": self._outputs(model, batch)}

    def metrics(self) -> OwnMetrics:
        return OwnMetrics(_MeanLoss(self), self.functions, TARGET)

    def answers(
        self, network: nn.Module, preparation: Any, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        read = preparation.read_inputs(inputs)
        num, found = len(next(iter(read.values()))), []
        for start in range(0, num, batch_size):
            columns = {name: value[start : start + batch_size].to(device) for name, value in read.items()}
            length = len(next(iter(columns.values())))
            with torch.inference_mode():
                found += _rows(self._outputs(network, Batch(columns, torch.arange(length))), length)
        return found

    def to_json(self) -> dict[str, Any]:
        loss = name_of(self.given_loss) if callable(self.given_loss) else self.given_loss
        return {"name": self.name, "columns": list(self.columns), "loss": loss}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**checked(cls.name, data, {"columns": is_names, "loss": optional(is_name)}))


class _MeanLoss:
    """The mean of the loss over a split, in double precision."""

    def __init__(self, task: OwnTask) -> None:
        self._task, self._sum, self._weight = task, 0.0, 0.0

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        loss, weight_sum = self._task.criterion(outputs["outputs"], batch[TARGET], batch.columns.get(WEIGHT))
        weight = len(batch) if weight_sum is None else float(weight_sum)
        self._sum, self._weight = self._sum + float(loss) * weight, self._weight + weight

    def compute(self) -> dict[str, Any]:
        """The mean."""
        return {"loss": self._sum / self._weight if self._weight else 0.0}

    def intervals(self) -> dict[str, Any]:
        """None are known of a loss of any kind."""
        return {}


def _rows(outputs: Any, num: int) -> list[Any]:
    """What a network gave for a batch, example by example, as NumPy arrays."""
    if isinstance(outputs, Mapping):
        parts = {name: _rows(value, num) for name, value in outputs.items()}
        return [{name: rows[place] for name, rows in parts.items()} for place in range(num)]
    if isinstance(outputs, list | tuple):
        return list(zip(*(_rows(value, num) for value in outputs)))
    return list(outputs.float().cpu().numpy() if outputs.dtype == torch.bfloat16 else outputs.cpu().numpy())
