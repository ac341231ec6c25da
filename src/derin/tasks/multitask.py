"""Several target columns on one trunk: a head for each, their losses added."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, RefusedFileError, UnknownNameError, UsageError
from derin.core.fields import Listed, Maybe
from derin.data.batch import Batch
from derin.data.schema import Role, Schema
from derin.data.table import Rows, Table
from derin.tasks.card import NAMES, NUMBERS, checked
from derin.tasks.metrics.multitask import MultiTaskMetrics
from derin.tasks.prediction import Answer, Answers
from derin.tasks.supervised import SupervisedTask, built_from_card
from derin.train.protocol import Outputs

# Float32, in which all targets stand side by side, holds whole numbers exactly up to here.
_MOST_CLASSES = 1 << 24


class MultiTask(SupervisedTask):
    """Several columns at once: L = Σᵢ wᵢ Lᵢ, each Lᵢ the loss of a task of its own on its slice of the outputs.

    The network's output layer is as wide as all heads together, so that any network serves unchanged.

    Args:
        parts: the task of each target column, in the order of the outputs.
        loss_weights: wᵢ of each column; None is 1 for all.
        weight_column: the column that says how much each example counts, or None.

    Example:
        >>> from derin.tasks.classification import Classification
        >>> from derin.tasks.regression import Regression
        >>> kind = Classification(columns=["kind"], classes=["cat", "dog", "owl"])
        >>> task = MultiTask([kind, Regression(columns=["weight"], mean=[4.0], std=[2.0], unit="kg")])
        >>> batch = Batch({"input": torch.tensor([[0.0, 3.0, 0.0, 0.5]])}, torch.tensor([0]))
        >>> task.decode(task.predict(nn.Identity(), batch))[0]["weight"]
        Value(5 kg)

    Source: R. Caruana, "Multitask learning", Machine Learning 28, 1997.
    """

    name = "multitask"
    monitor = "loss"
    maximize = False
    keeps_targets_apart = True
    options = frozenset({"label_smoothing", "class_weights", "loss_weights"})

    def __init__(
        self,
        parts: Sequence[SupervisedTask],
        *,
        loss_weights: Mapping[str, float] | None = None,
        weight_column: str | None = None,
    ) -> None:
        super().__init__([column for part in parts for column in part.columns], weight_column)
        if len(set(self.columns)) < len(self.columns) or any(len(part.columns) != 1 for part in parts):
            raise UsageError(f"A multitask learns different columns, one by each part; got {', '.join(self.columns)}.")
        if any(isinstance(part, MultiTask) or len(part.classes) > _MOST_CLASSES for part in parts):
            raise UsageError("The parts of a multitask are single tasks with at most 16 million classes each.")
        self.parts = dict(zip(self.columns, parts, strict=True))
        self.loss_weights = _checked_weights(loss_weights or {}, self.columns)
        self.forbids = frozenset().union(*(part.forbids for part in parts))
        # Where each part's outputs begin and end, and where its targets do.
        self.output_places = _slices([part.num_outputs for part in parts])
        self._targets = _slices([part.target_width for part in parts])

    @property
    def num_outputs(self) -> int:
        return self.output_places[-1].stop

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        from derin.tasks.inference import infer_task

        if len(table.targets) < 2:
            raise UsageError(
                f"The task 'multitask' needs several target columns; {table.name!r} has {len(table.targets)}. "
                "Name them with commas: target=a,b."
            )
        given = dict(options)
        weights, weight_column = given.pop("loss_weights", None), given.pop("weight_column", None)
        if not isinstance(given.get("class_weights", "balanced"), str):
            raise UsageError("class_weights of a multitask must be 'balanced': its columns have different classes.")
        parts = []
        for column in table.targets:
            alone = _with_only(table, column.name)
            wanted = {k: v for k, v in given.items() if column.classes is not None}
            part = infer_task(alone, rows=rows, **wanted)
            if not isinstance(part, SupervisedTask):
                raise UsageError(
                    f"A part of a multitask must be classes or numbers; {column.name!r} asks for {part.name}."
                )
            parts.append(part)
        return cls(parts, loss_weights=weights, weight_column=weight_column)

    def targets(self, table: Table) -> npt.NDArray[np.float32]:
        """The targets of all parts side by side; a missing class is NaN.

        Shapes:
            ``(N, K)`` float32, K being 1 for each class and the number of values for each other.
        """
        columns = []
        for part in self.parts.values():
            values = part.targets(table)
            if values.dtype == np.int64:
                values = np.where(values < 0, np.nan, values)
            columns.append(values.astype(np.float32).reshape(len(values), -1))
        return np.concatenate(columns, axis=1)

    def criterion(self, outputs: Tensor, target: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return self._total(outputs, target, weights, [part.criterion for part in self.parts.values()])

    def plain_criterion(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        return self._total(outputs, target, weights, [part.plain_criterion for part in self.parts.values()])

    def _total(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None, criteria: Sequence[Any]
    ) -> tuple[Tensor, Tensor | None]:
        losses = [
            self.loss_weights[column] * criterion(raw_part, target_part, weights)[0]
            for column, criterion, raw_part, target_part in zip(
                self.columns, criteria, self.split_outputs(outputs), self.split_targets(target), strict=True
            )
        ]
        return torch.stack(losses).sum(), None if weights is None else weights.sum()

    def split_outputs(self, outputs: Tensor) -> list[Tensor]:
        """Each part's slice of the network's outputs, in the shape that the part wants."""
        pieces = []
        for part, place in zip(self.parts.values(), self.output_places, strict=True):
            pieces.append(part.checked_output(outputs[:, place], len(outputs)))
        return pieces

    def split_targets(self, target: Tensor) -> list[Tensor]:
        """Each part's targets, in the type and shape that the part gave."""
        pieces = []
        for part, place in zip(self.parts.values(), self._targets, strict=True):
            pieces.append(part.targets_of_columns(target[:, place]))
        return pieces

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """What each part predicts, under ``"<column>/<name>"``, and the raw outputs under ``"raw"``."""
        outputs = self.logits_of(model, batch)
        found: Outputs = {"raw": outputs}
        for (column, part), piece in zip(self.parts.items(), self.split_outputs(outputs), strict=True):
            of_part = part.predict(nn.Identity(), Batch({part.input: piece}, batch.rows))
            found |= {f"{column}/{name}": values for name, values in of_part.items()}
        return found

    def of_part(self, column: str, outputs: Outputs) -> Outputs:
        """What `predict` gave for one column, under the names of its own task."""
        prefix = f"{column}/"
        return {name.removeprefix(prefix): v for name, v in outputs.items() if name.startswith(prefix)}

    def metrics(self) -> MultiTaskMetrics:
        return MultiTaskMetrics(self)

    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        losses = [
            self.loss_weights[column] * part.example_losses(self.of_part(column, outputs), piece)
            for (column, part), piece in zip(self.parts.items(), self.split_targets(targets), strict=True)
        ]
        return torch.stack(losses).sum(dim=0)

    def truths(self, targets: Tensor) -> list[str]:
        pieces = self.split_targets(targets)
        words = [part.truths(piece) for part, piece in zip(self.parts.values(), pieces, strict=True)]
        return [
            "; ".join(f"{column}: {word}" for column, word in zip(self.columns, row, strict=True))
            for row in zip(*words, strict=True)
        ]

    def decode(self, outputs: Outputs) -> list[Answer]:
        found = [part.decode(self.of_part(column, outputs)) for column, part in self.parts.items()]
        return [Answers(dict(zip(self.columns, row, strict=True))) for row in zip(*found, strict=True)]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "weight_column": self.weight_column,
            "parts": [part.to_json() for part in self.parts.values()],
            "loss_weights": [self.loss_weights[column] for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        from derin.tasks.registry import task_from_json

        forms = {"weight_column": Maybe(str), "parts": Listed({}, 2, 1_000), "loss_weights": NUMBERS}
        fields = checked(cls.name, data, {"columns": NAMES, **forms})
        if any(part.get("name") == cls.name for part in fields["parts"]):
            raise RefusedFileError("The card's multitask has a part that is no single task; use another copy.")
        parts = [task_from_json(part) for part in fields["parts"]]
        columns = tuple(column for part in parts for column in part.columns)
        if columns != fields["columns"] or len(fields["loss_weights"]) != len(columns):
            raise RefusedFileError("The card's multitask names other columns than its parts; use another copy.")
        weights = dict(zip(columns, fields["loss_weights"], strict=True))
        settings = {"parts": parts, "loss_weights": weights, "weight_column": fields["weight_column"]}
        return built_from_card(cls, cls.name, settings)


def with_targets(table: Table, names: Sequence[str]) -> Table:
    """The same table with exactly these columns as targets.

    Raises:
        DataError: a column is not there, or named twice.
    """
    for name in names:
        column = table.schema[name]
        if names.count(name) > 1:
            raise DataError(f"Table {table.name!r}: each target may be named once; got {name!r} twice.")
        if column.role in (Role.WEIGHT, Role.ID):
            raise DataError(f"Table {table.name!r}: {name!r} is its {column.role.value} and cannot be learned.")
    columns = []
    for column in table.schema:
        if column.name in names:
            columns.append(replace(column, role=Role.TARGET))
        else:
            columns.append(replace(column, role=Role.IGNORED) if column.role is Role.TARGET else column)
    return replace(table, schema=Schema(tuple(columns)))


def _with_only(table: Table, name: str) -> Table:
    """The table with one of its targets; example weights are the multitask's own."""
    columns = []
    for column in table.schema:
        hidden = column.role in (Role.TARGET, Role.WEIGHT) and column.name != name
        columns.append(replace(column, role=Role.IGNORED) if hidden else column)
    return replace(table, schema=Schema(tuple(columns)))


def _checked_weights(given: Mapping[str, float], columns: Sequence[str]) -> dict[str, float]:
    for name, weight in given.items():
        if name not in columns:
            raise UnknownNameError("target column", name, columns)
        if isinstance(weight, bool) or not (math.isfinite(weight) and weight > 0):
            raise UsageError(f"loss_weights must be above 0; got {name}={weight}.")
    return {column: float(given.get(column, 1.0)) for column in columns}


def _slices(widths: Sequence[int]) -> list[slice]:
    ends = np.cumsum(widths).tolist()
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]
