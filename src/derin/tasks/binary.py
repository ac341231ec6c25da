"""Binary classification: one logit, a sigmoid, and a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UsageError
from derin.data.batch import Batch
from derin.data.table import Rows, Table
from derin.tasks.class_task import ClassTask, single_class_settings
from derin.tasks.classes import checked_share
from derin.tasks.losses import binary_cross_entropy
from derin.tasks.metrics.classification import BinaryMetrics
from derin.tasks.prediction import Answer
from derin.tasks.ranking import predictions
from derin.tasks.targets import class_numbers, find_target, require_values
from derin.train.protocol import Outputs


class Binary(ClassTask):
    """One of two classes. The network gives one logit and no sigmoid; the second class is the "yes".

    Args:
        columns: the one target column.
        classes: the names of "no" and "yes".
        weight_column: the column that says how much each example counts, or None.
        class_weights: how much "no" and "yes" count in the loss, or None.
        label_smoothing: share of the target that is spread over both answers (0 to below 1).
        temperature: the logit is divided by it in `predict`; chosen by `calibrate`.
        threshold: the probability of "yes" from which on the answer is yes; chosen by `choose_thresholds`.

    Example:
        >>> task = Binary(columns=["sick"], classes=["no", "yes"], threshold=0.1)
        >>> batch = Batch({"input": torch.tensor([[-2.0]])}, torch.tensor([0]))
        >>> task.decode(task.predict(torch.nn.Identity(), batch))
        [Prediction("yes", 0.119, [Class("no", 0.881), Class("yes", 0.119)])]
    """

    name = "binary"
    threshold_criteria = ("f1", "accuracy", "balanced_accuracy")
    monitor = "accuracy"

    options = ClassTask.options | {"threshold"}
    card_fields: ClassVar[Mapping[str, Any]] = {**ClassTask.card_fields, "threshold": float}

    def __init__(self, *, threshold: float = 0.5, **settings: Any) -> None:
        super().__init__(**settings)
        if len(self.classes) != 2:
            raise UsageError(
                f"The task 'binary' needs exactly two classes; got {len(self.classes)}. Use task='classification'."
            )
        self.threshold = checked_share("threshold", threshold, below_one=False)

    @property
    def num_outputs(self) -> int:
        return 1

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        return cls(**single_class_settings(cls.name, table, rows, options))

    def targets(self, table: Table) -> npt.NDArray[np.float32]:
        """0 for the first class and 1 for the second; NaN in a row outside all splits that lacks its target.

        Shapes:
            ``(N,)`` float32.
        """
        column = find_target(table, self.columns[0])
        numbers = class_numbers(table, column, self.classes)
        require_values(table, column.name, numbers < 0)
        return np.where(numbers < 0, np.float32(np.nan), numbers.astype(np.float32))

    def smoothed_loss(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> tuple[Tensor, Tensor | None]:
        return binary_cross_entropy(
            outputs,
            probability_of_yes(target, outputs),
            class_weights=self.class_weights_on(outputs.device),
            weights=weights,
            label_smoothing=label_smoothing,
        )

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """The logit, divided by the temperature, and the probabilities of both classes.

        Shapes:
            logits ``(B,)``, probabilities ``(B, 2)``, float32.
        """
        logits = self.tempered(self.logits_of(model, batch))
        # σ(−z) and not 1 − σ(z), which loses every digit of a small probability.
        return {"logits": logits, "probabilities": torch.stack([(-logits).sigmoid(), logits.sigmoid()], dim=1)}

    def chosen_classes(self, probabilities: Tensor) -> Tensor:
        """1 where the probability of "yes" reaches the threshold, else 0.

        Shapes:
            ``(B, 2)`` → ``(B,)`` int64.
        """
        return (probabilities[:, 1] >= self.threshold).long()

    def metrics(self) -> BinaryMetrics:
        return BinaryMetrics(self.classes, self.plain_criterion, self.threshold)

    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs["logits"], targets, reduction="none")

    def truths(self, targets: Tensor) -> list[str]:
        return [self.classes[i] for i in targets.long().tolist()]

    def decode(self, outputs: Outputs) -> list[Answer]:
        probabilities = outputs["probabilities"]
        return list(predictions(probabilities, self.classes, self.chosen_classes(probabilities)))


def probability_of_yes(target: Tensor, outputs: Tensor) -> Tensor:
    """A binary target as one number for each example: 0, 1, a mixture, or the second column of mixed probabilities."""
    if target.shape == (len(outputs), 2):
        return target[:, 1]
    if target.shape != outputs.shape:
        raise ShapeError(
            f"The target of a binary batch must have shape {tuple(outputs.shape)}, or {(len(outputs), 2)} after "
            f"mixing; got {tuple(target.shape)}."
        )
    return target if target.is_floating_point() else target.to(outputs.dtype)
