"""Regression: one number or several, learned in units of the training set's spread and told in their own unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.fields import Maybe
from derin.data.batch import Batch
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.tasks.card import NAMES, NUMBERS, checked
from derin.tasks.losses import REGRESSION_LOSSES, regression_loss
from derin.tasks.metrics.regression import RegressionMetrics
from derin.tasks.prediction import Answer, Value, shown_number
from derin.tasks.supervised import SupervisedTask, built_from_card
from derin.tasks.targets import Floats, find_target, require_values, values_of
from derin.train.protocol import Outputs


class Regression(SupervisedTask):
    """Numbers. The network learns (t − mean) / std, so that targets of any unit train alike; answers are in the unit.

    Args:
        columns: the target columns; one column may hold several numbers.
        mean: of each number over the training rows.
        std: of each number over the training rows, above 0.
        weight_column: the column that says how much each example counts, or None.
        loss_name: ``"mse"``, ``"mae"`` or ``"huber"``, on the standardised numbers.
        unit: of the numbers, for people.

    Example:
        >>> task = Regression(columns=["noon"], mean=[20.0], std=[5.0], unit="°C")
        >>> batch = Batch({"input": torch.tensor([[0.5]])}, torch.tensor([0]))
        >>> task.decode(task.predict(torch.nn.Identity(), batch))
        [Value(22.5 °C)]
    """

    name = "regression"
    monitor = "rmse"
    maximize = False
    output_note = "whose targets may be any number"
    options = frozenset({"loss_name"})
    forbids = frozenset({"bf16"})  # three digits of precision in the answer are too few for a number

    def __init__(
        self,
        *,
        columns: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        weight_column: str | None = None,
        loss_name: str = "mse",
        unit: str | None = None,
    ) -> None:
        super().__init__(columns, weight_column)
        self.mean, self.std = tuple(float(m) for m in mean), tuple(float(s) for s in std)
        finite = all(math.isfinite(v) for v in self.mean + self.std)
        if not self.mean or len(self.mean) != len(self.std) or not finite or min(self.std) <= 0:
            raise UsageError(
                "Regression needs a finite mean and a std above 0 for each number; "
                f"got mean={list(self.mean)[:8]}, std={list(self.std)[:8]}."
            )
        if loss_name not in REGRESSION_LOSSES:
            raise UnknownNameError("regression loss", loss_name, REGRESSION_LOSSES)
        self.loss_name, self.unit = loss_name, unit

    @property
    def num_outputs(self) -> int:
        return len(self.mean)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        columns = table.targets or (table.target(),)
        for column in columns:
            if column.kind is not Kind.NUMBER:
                raise UsageError(
                    f"The task 'regression' needs targets that are numbers; {column.name!r} in {table.name!r} is of "
                    f"kind {column.kind.value}. Whole numbers are read as numbers with --target-kind number "
                    "(target_kind='number'); for classes use task='classification'."
                )
        values = _numbers(table, [column.name for column in columns])[rows]
        values = values[~np.isnan(values).any(axis=1)]
        if not len(values):
            raise DataError(f"Table {table.name!r}: regression needs training examples with a target; got none.")
        std = values.std(axis=0)
        units = {column.unit for column in columns}
        return cls(
            columns=[column.name for column in columns],
            mean=values.mean(axis=0).tolist(),
            # A target that never varies, but for rounding, leaves nothing to scale by.
            std=np.where(std > 1e-12 * np.abs(values).max(axis=0), std, 1.0).tolist(),
            unit=units.pop() if len(units) == 1 else None,
            **options,
        )

    def targets(self, table: Table) -> npt.NDArray[np.float32]:
        """The standardised numbers of every row; NaN in a row outside all splits that lacks its target.

        Shapes:
            ``(N,)`` for one number, else ``(N, D)``; float32.
        """
        names = [find_target(table, self.columns[0]).name] if len(self.columns) == 1 else list(self.columns)
        values = _numbers(table, names)
        if values.shape[1] != self.num_outputs:
            raise DataError(
                f"Table {table.name!r}: the task predicts {self.num_outputs} numbers; the target has {values.shape[1]}."
            )
        require_values(table, ", ".join(names), np.asarray(np.isnan(values).any(axis=1)))
        scaled = ((values - np.array(self.mean)) / np.array(self.std)).astype(np.float32)
        return scaled[:, 0] if self.num_outputs == 1 else scaled

    @property
    def has_single_answer(self) -> bool:
        return self.num_outputs == 1

    def encode_targets(self, values: Tensor) -> Tensor:
        values = values.double().reshape(len(values), -1)
        if values.shape[1] != self.num_outputs:
            raise UsageError(f"{self.num_outputs} numbers are required for each input; got {values.shape[1]}.")
        standardized = (values - torch.tensor(self.mean).double()) / torch.tensor(self.std).double()
        return standardized[:, 0] if self.num_outputs == 1 else standardized

    def target_scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.mean, self.std

    def single_answers(self, outputs: Outputs) -> Tensor:
        return outputs["value"]

    def single_truths(self, table: Table) -> npt.NDArray[np.float64]:
        return self.in_units(self.targets(table))

    @property
    def target_width(self) -> int:
        return self.num_outputs

    def criterion(self, outputs: Tensor, target: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return regression_loss(self.loss_name, outputs, target, weights)

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """The numbers in their own unit, and as the network gives them.

        Shapes:
            value (float64 where the device has it) and standardized (float32) ``(B,)`` or ``(B, D)``.
        """
        standardized = self.logits_of(model, batch)
        # A large mean with a small spread would drown the spread in float32.
        wide = standardized if standardized.device.type == "mps" else standardized.double()
        mean, std = (torch.tensor(v, dtype=wide.dtype, device=wide.device) for v in (self.mean, self.std))
        if self.num_outputs == 1:
            mean, std = mean[0], std[0]
        return {"value": wide * std + mean, "standardized": standardized}

    def metrics(self) -> RegressionMetrics:
        return RegressionMetrics(self.std, self.criterion)

    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        return (outputs["standardized"] - targets).square().reshape(len(targets), -1).mean(dim=1)

    def in_units(self, targets: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Targets as the network learns them, back in their own unit.

        Shapes:
            ``(N,)`` or ``(N, D)``, as `targets` gives them → the same.
        """
        mean, std = (np.array(v if len(v) > 1 else v[0]) for v in (self.mean, self.std))
        units: npt.NDArray[np.float64] = targets.astype(np.float64) * std + mean
        return units

    def truths(self, targets: Tensor) -> list[str]:
        rows = targets.double().cpu().reshape(len(targets), -1).numpy() * np.array(self.std) + np.array(self.mean)
        return [", ".join(map(shown_number, row)) for row in rows]

    def decode(self, outputs: Outputs) -> list[Answer]:
        values = outputs["value"].tolist()
        return [Value(tuple(v) if isinstance(v, list) else v, self.unit) for v in values]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "weight_column": self.weight_column,
            "mean": list(self.mean),
            "std": list(self.std),
            "loss_name": self.loss_name,
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"weight_column": Maybe(str), "mean": NUMBERS, "std": NUMBERS, "loss_name": str, "unit": Maybe(str)}
        return built_from_card(cls, cls.name, checked(cls.name, data, {"columns": NAMES, **forms}))


def _numbers(table: Table, names: Sequence[str]) -> Floats:
    """The target columns side by side, ``(N, D)`` float64."""
    parts = []
    for name in names:
        column = table.schema[name]
        values = values_of(table, column)
        if column.kind is not Kind.NUMBER and not np.issubdtype(values.dtype, np.floating):
            values = _named_numbers(table, name)
        parts.append(values.astype(np.float64).reshape(len(values), -1))
    return np.concatenate(parts, axis=1)


def _named_numbers(table: Table, name: str) -> Floats:
    """The numbers that class names spell: a short table may hold as classes what was numbers in a longer one."""
    column = table.schema[name]
    try:
        spelled = np.array([float(c) for c in column.classes or ()] + [np.nan])
    except ValueError:
        raise DataError(
            f"Table {table.name!r}: the target {name!r} must hold numbers; it holds {column.kind.value}."
        ) from None
    return spelled[values_of(table, column).astype(np.int64)]
