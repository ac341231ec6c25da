"""Multi-label classification: any number of labels at once, a sigmoid for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import UsageError
from derin.data.batch import Batch
from derin.data.schema import Kind
from derin.data.table import Rows, Table
from derin.tasks.card import NUMBERS
from derin.tasks.class_task import ClassTask
from derin.tasks.classes import checked_share
from derin.tasks.losses import binary_cross_entropy
from derin.tasks.metrics.multilabel import MultiLabelMetrics
from derin.tasks.prediction import Answer, Labels
from derin.tasks.ranking import ranked
from derin.tasks.targets import class_numbers, find_target, require_values
from derin.train.protocol import Outputs


class MultiLabel(ClassTask):
    """Any number of labels at once. The network gives one logit for each label and no sigmoid.

    Args:
        columns: the one target column, whose places are the labels.
        classes: the names of the labels.
        weight_column: the column that says how much each example counts, or None.
        class_weights: how much each label counts in the loss, or None; ``"balanced"`` counts rare labels more.
        label_smoothing: share of the target that is spread over set and not set (0 to below 1).
        temperature: the logits are divided by it in `predict`; chosen by `calibrate`.
        thresholds: the probability of each label from which on it is set, or None for 0.5; chosen by
            `choose_thresholds`.

    Example:
        >>> task = MultiLabel(columns=["seen"], classes=["sun", "sea", "snow"])
        >>> batch = Batch({"input": torch.tensor([[2.0, 1.0, -3.0]])}, torch.tensor([0]))
        >>> task.decode(task.predict(torch.nn.Identity(), batch))
        [Labels(['sun', 'sea'], [Class("sun", 0.881), Class("sea", 0.731), Class("snow", 0.0474)])]
    """

    name = "multilabel"
    threshold_criteria = ("f1", "accuracy", "balanced_accuracy")
    monitor = "f1_macro"

    fewest_classes = 1
    options = ClassTask.options | {"thresholds"}
    card_fields: ClassVar[Mapping[str, Any]] = {**ClassTask.card_fields, "thresholds": NUMBERS}

    def __init__(self, *, thresholds: Sequence[float] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        chosen = [0.5] * len(self.classes) if thresholds is None else thresholds
        if len(chosen) != len(self.classes):
            raise UsageError(f"thresholds must be {len(self.classes)} numbers, one for each label; got {len(chosen)}.")
        self.thresholds = tuple(checked_share("thresholds", value, below_one=False) for value in chosen)

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        if column.kind is not Kind.CATEGORY or len(column.shape) != 1 or column.classes is None:
            raise UsageError(
                f"The task 'multilabel' needs a target with one place for each label; {column.name!r} is of kind "
                f"{column.kind.value} and shape {column.shape}. Use task='classification' for one class each."
            )
        options = dict(options)
        weights = options.pop("class_weights", None)
        if isinstance(weights, str):
            weights = _balanced(weights, class_numbers(table, column, column.classes)[rows])
        return cls(columns=[column.name], classes=column.classes, class_weights=weights, **options)

    def targets(self, table: Table) -> npt.NDArray[np.float32]:
        """1 where a label is set and 0 where not; NaN in a row outside all splits that lacks one.

        Shapes:
            ``(N, labels)`` float32.
        """
        column = find_target(table, self.columns[0])
        values = class_numbers(table, column, self.classes)
        require_values(table, column.name, np.asarray((values < 0).any(axis=1)))
        return np.where(values < 0, np.float32(np.nan), values.astype(np.float32))

    @property
    def has_single_answer(self) -> bool:
        return False

    def encode_targets(self, values: Tensor) -> Tensor:
        return super(ClassTask, self).encode_targets(values)  # several answers, none of which is one class

    @property
    def target_width(self) -> int:
        return self.num_outputs

    def targets_of_columns(self, columns: Tensor) -> Tensor:
        return columns

    def checked_output(self, output: object, num_examples: int) -> Tensor:
        """The logits, ``(B, labels)`` float32, also where there is but one label."""
        logits = super().checked_output(output, num_examples)
        return logits.unsqueeze(1) if logits.ndim == 1 else logits

    def smoothed_loss(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> tuple[Tensor, Tensor | None]:
        return binary_cross_entropy(
            outputs,
            target,
            class_weights=self.class_weights_on(outputs.device),
            weights=weights,
            label_smoothing=label_smoothing,
        )

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """Logits, divided by the temperature, and their sigmoid.

        Shapes:
            both ``(B, labels)`` float32.
        """
        logits = self.tempered(self.logits_of(model, batch))
        return {"logits": logits, "probabilities": logits.sigmoid()}

    def metrics(self) -> MultiLabelMetrics:
        return MultiLabelMetrics(self.classes, self.plain_criterion, self.thresholds)

    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs["logits"], targets, reduction="none").mean(dim=1)

    def truths(self, targets: Tensor) -> list[str]:
        return [", ".join(c for c, is_set in zip(self.classes, row) if is_set) for row in targets.tolist()]

    def certainty(self, outputs: Outputs, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of an example with several labels: the most confident of the wrong ones, and the least certain of all.

        Shapes:
            three of ``(B,)``: float64, float64, bool.
        """
        probabilities = outputs["probabilities"].double()
        is_set = self._is_set(probabilities)
        of_answers = torch.where(is_set, probabilities, 1 - probabilities)
        matches = is_set == (targets >= 0.5)
        confidence = torch.where(matches, torch.zeros_like(of_answers), of_answers).amax(dim=1)
        return confidence, (2 * of_answers - 1).amin(dim=1), matches.all(dim=1)

    def _is_set(self, probabilities: Tensor) -> Tensor:
        return probabilities >= torch.tensor(self.thresholds, device=probabilities.device)

    def decode(self, outputs: Outputs) -> list[Answer]:
        probabilities = outputs["probabilities"]
        chosen = self._is_set(probabilities).tolist()
        names = [tuple(c for c, is_set in zip(self.classes, row) if is_set) for row in chosen]
        return [Labels(labels, *found) for labels, found in zip(names, ranked(probabilities, self.classes))]


def _balanced(weights: str, values: npt.NDArray[np.int64]) -> list[float]:
    """Every label the same say, whatever its share of examples: 1 / frequency, scaled to a mean of 1."""
    if weights != "balanced":
        raise UsageError(f"class_weights must be None, 'balanced' or one number for each label; got {weights!r}.")
    counts = np.maximum((values == 1).sum(axis=0), 1)
    inverse = 1.0 / counts
    return [float(w) for w in inverse / inverse.mean()]
