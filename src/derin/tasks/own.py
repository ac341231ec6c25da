"""The task of a network of one's own on data of one's own: a loss, metrics, and what the network gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import nn

from derin.core.errors import UsageError
from derin.core.fields import MapOf, Maybe, OneOf
from derin.core.own import names_of
from derin.data.batch import Batch
from derin.data.own import TARGET, WEIGHT
from derin.data.table import Rows, Table
from derin.models.signature import Arguments, bind_inputs
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.own_functions import Functions, OutputLosses, OwnLoss, OwnMetrics, check_metrics, read_loss
from derin.train.protocol import Losses, Outputs


class OwnTask(BaseTask):
    """A loss of what a network gives and of the targets, as they are; predictions are what the network gives.

    Args:
        columns: the names of the inputs, in the order in which the network takes them.
        loss: of the outputs, or one for each output by its name; by names in a card, which predicting does without.
        functions: further metrics, or those of each output.
        loss_weights: how much the loss of an output counts; 1 where nothing is said.
        by_name: whether the inputs are called as the network calls them. Where not, their order is all that tells.
    """

    name = "own"
    is_own = True
    monitor = "loss"
    maximize = False

    def __init__(
        self,
        columns: Sequence[str],
        loss: Any = None,
        functions: Functions | None = None,
        loss_weights: Mapping[str, float] | None = None,
        *,
        by_name: bool = False,
    ) -> None:
        super().__init__(columns)
        self.input, self.arguments = self.columns[0], Arguments(self.columns)
        self.given_loss, self.functions, self.by_name = loss, dict(functions or {}), by_name
        self.loss_weights = dict(loss_weights or {})
        check_metrics(self.functions)
        self._criterion = read_loss(loss, self.loss_weights)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        raise UsageError("The task 'own' is for data of your own form; leave task out.")

    def with_functions(self, loss: Any, metrics: Functions | None) -> OwnTask:
        """The task with functions that no card holds."""
        found = type(self)(self.columns, loss, metrics, self.loss_weights, by_name=self.by_name)
        found.arguments = self.arguments
        return found

    def arrange(self, network: nn.Module, names: Sequence[str]) -> None:
        if self.by_name:
            self.arguments = bind_inputs(network, names)

    @property
    def num_outputs(self) -> int:
        return 0

    @property
    def criterion(self) -> OwnLoss | OutputLosses:
        """The loss that was given.

        Raises:
            UsageError: the network was opened, and no file holds a function.
        """
        if self._criterion is None:
            names = self.given_loss.values() if isinstance(self.given_loss, Mapping) else [self.given_loss]
            told = ", ".join(str(name).removeprefix("own:") for name in names)
            raise UsageError(
                f"The loss {told} is of your own and in no file; give it again (loss=…). Predicting needs none."
            )
        return self._criterion

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        loss, weight_sum = self.criterion(self.call(model, batch), batch[TARGET], batch.columns.get(WEIGHT))
        return {"loss": loss} if weight_sum is None else {"loss": loss, "weight_sum": weight_sum}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """What the network gives, in whatever form, under ``"outputs"``."""
        return {"outputs": self.call(model, batch)}

    def metrics(self) -> OwnMetrics:
        return OwnMetrics(_MeanLoss(self.criterion), self.functions, TARGET)

    def decode(self, outputs: Outputs) -> list[Any]:
        """What the network gave, example by example, as NumPy arrays."""
        return _rows(outputs["outputs"])

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "loss": names_of(self.given_loss),
            "loss_weights": self.loss_weights,
            "by_name": self.by_name,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"loss": Maybe(OneOf((str, MapOf(str)))), "loss_weights": MapOf(float), "by_name": bool}
        # Earlier cards know one loss, and inputs whose order alone counts.
        return cls(**checked(cls.name, {"loss_weights": {}, "by_name": False, **data}, {"columns": NAMES, **forms}))


class _MeanLoss:
    """The means of the loss and of its parts over a split, in double precision."""

    def __init__(self, criterion: OwnLoss | OutputLosses) -> None:
        self._criterion, self._weight = criterion, 0.0
        self._sums: dict[str, float] = {"loss": 0.0}

    @torch.no_grad()
    def update(self, outputs: Outputs, batch: Batch) -> None:
        weights = batch.columns.get(WEIGHT)
        given = (outputs["outputs"], batch[TARGET], weights)
        if isinstance(self._criterion, OutputLosses):
            parts = self._criterion.parts(*given)
            losses = {"loss": self._criterion.joined(parts), **{f"{name}/loss": one for name, one in parts.items()}}
        else:
            losses = {"loss": self._criterion(*given)[0]}
        weight = len(batch) if weights is None else float(weights.sum())
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * weight
        self._weight += weight

    def compute(self) -> dict[str, Any]:
        """The means."""
        return {name: value / self._weight if self._weight else 0.0 for name, value in self._sums.items()}

    def intervals(self) -> dict[str, Any]:
        """None are known of a loss of any kind."""
        return {}


def _rows(outputs: Any) -> list[Any]:
    if isinstance(outputs, Mapping):
        return [dict(zip(outputs, row)) for row in zip(*(_rows(value) for value in outputs.values()))]
    if isinstance(outputs, list | tuple):
        return list(zip(*(_rows(value) for value in outputs)))
    return list(outputs.float().cpu().numpy() if outputs.dtype == torch.bfloat16 else outputs.cpu().numpy())
