"""Multi-class classification: one class out of several, by softmax and cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError
from derin.data.batch import Batch
from derin.data.table import Rows, Table
from derin.tasks.class_task import ClassTask, single_class_settings
from derin.tasks.losses import cross_entropy
from derin.tasks.metrics.classification import ClassificationMetrics
from derin.tasks.prediction import Answer
from derin.tasks.ranking import predictions
from derin.tasks.targets import class_numbers, find_target, require_values
from derin.train.protocol import Outputs


class Classification(ClassTask):
    """One class out of several. The network gives one logit for each class and no softmax: the loss applies it.

    Args:
        columns: the one target column.
        classes: their names, in the order of the logits.
        weight_column: the column that says how much each example counts, or None.
        class_weights: how much each class counts in the loss, or None.
        label_smoothing: share of the target that is spread evenly over all classes (0 to below 1).
        temperature: the logits are divided by it in `predict`; chosen by `calibrate`.

    Example:
        >>> import torch
        >>> task = Classification(columns=["kind"], classes=["cat", "dog", "owl"])
        >>> batch = Batch({"input": torch.tensor([[0.0, 0.0, 3.0]])}, torch.tensor([0]))
        >>> task.decode(task.predict(torch.nn.Identity(), batch))
        [Prediction("owl", 0.909, [Class("owl", 0.909), Class("cat", 0.0453), Class("dog", 0.0453)])]
    """

    name = "classification"
    monitor = "accuracy"
    output_note = "whose loss applies the softmax itself"
    is_softmax = True

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        return cls(**single_class_settings(cls.name, table, rows, options))

    def targets(self, table: Table) -> npt.NDArray[np.int64]:
        """The class number of every row; a row outside all splits may lack one and has -1.

        Shapes:
            ``(N,)`` int64.
        """
        column = find_target(table, self.columns[0])
        numbers = class_numbers(table, column, self.classes)
        require_values(table, column.name, numbers < 0)
        return numbers

    def targets_of_columns(self, columns: Tensor) -> Tensor:
        return super().targets_of_columns(columns).long()

    def smoothed_loss(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> tuple[Tensor, Tensor | None]:
        if target.shape != outputs.shape[:1] and target.shape != outputs.shape:
            raise ShapeError(
                f"The target of a classification batch must be class numbers of shape {tuple(outputs.shape[:1])}, or "
                f"probabilities of shape {tuple(outputs.shape)}; got {tuple(target.shape)}."
            )
        return cross_entropy(
            outputs,
            target,
            class_weights=self.class_weights_on(outputs.device),
            weights=weights,
            label_smoothing=label_smoothing,
        )

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """Logits, divided by the temperature, and their softmax.

        Shapes:
            both ``(B, classes)`` float32.
        """
        logits = self.tempered(self.logits_of(model, batch))
        return {"logits": logits, "probabilities": logits.softmax(dim=1)}

    def metrics(self) -> ClassificationMetrics:
        return ClassificationMetrics(self.classes, self.plain_criterion)

    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs["logits"], targets, reduction="none")

    def truths(self, targets: Tensor) -> list[str]:
        return [self.classes[i] for i in targets.tolist()]

    def decode(self, outputs: Outputs) -> list[Answer]:
        return list(predictions(outputs["probabilities"], self.classes))
