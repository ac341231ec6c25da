"""What classification, binary and multi-label tasks have in common: names, weights, smoothing, a temperature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from derin.core.errors import UsageError
from derin.core.fields import Maybe
from derin.data.schema import Column
from derin.data.table import Rows, Table
from derin.tasks.card import NAMES, NUMBERS, checked
from derin.tasks.classes import (
    checked_class_weights,
    checked_classes,
    checked_share,
    checked_temperature,
    class_weights_for,
    classes_of,
)
from derin.tasks.supervised import SupervisedTask, built_from_card
from derin.tasks.targets import class_numbers
from derin.train.protocol import Outputs


class ClassTask(SupervisedTask):
    """A task whose answers are classes with probabilities.

    Args:
        columns: the one target column.
        classes: the names of the classes.
        weight_column: the column that says how much each example counts, or None.
        class_weights: how much each class counts in the loss, or None.
        label_smoothing: share of the target that is spread evenly (0 to below 1).
        temperature: logits are divided by it in `predict`; chosen by `calibrate`.
    """

    options = frozenset({"class_weights", "label_smoothing"})
    output_note = "whose loss applies the sigmoid itself"
    mixes_classes = True
    fewest_classes = 2
    # Whether probabilities are a softmax of the logits.
    is_softmax: ClassVar[bool] = False
    # The fields of the card beside the name, each with its form; a subclass adds its own.
    card_fields: ClassVar[Mapping[str, Any]] = {
        "columns": NAMES,
        "weight_column": Maybe(str),
        "classes": NAMES,
        "class_weights": Maybe(NUMBERS),
        "label_smoothing": float,
        "temperature": float,
    }

    def __init__(
        self,
        *,
        columns: Sequence[str],
        classes: Sequence[str],
        weight_column: str | None = None,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(columns, weight_column)
        self.classes = checked_classes(self.name, classes, self.fewest_classes)
        self.class_weights = checked_class_weights(class_weights, self.classes)
        self.label_smoothing = checked_share("label_smoothing", label_smoothing, below_one=True)
        self.temperature = checked_temperature(temperature)
        self._weights: dict[torch.device, Tensor] = {}

    def class_weights_on(self, device: torch.device) -> Tensor | None:
        """The class weights as a tensor, moved to each device once."""
        if self.class_weights is None:
            return None
        if device not in self._weights:
            self._weights[device] = torch.tensor(self.class_weights, dtype=torch.float32, device=device)
        return self._weights[device]

    @abstractmethod
    def smoothed_loss(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None, label_smoothing: float
    ) -> tuple[Tensor, Tensor | None]:
        """The mean loss with so much smoothing, and its denominator where anything is weighted."""

    def criterion(self, outputs: Tensor, target: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return self.smoothed_loss(outputs, target, weights, self.label_smoothing)

    def plain_criterion(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        return self.smoothed_loss(outputs, target, weights, 0.0)

    def tempered(self, logits: Tensor) -> Tensor:
        """The logits divided by the temperature."""
        return logits if self.temperature == 1.0 else logits / self.temperature

    def chosen_classes(self, probabilities: Tensor) -> Tensor:
        """The number of the class that is the answer, where each example has one: the likeliest.

        Shapes:
            ``(B, classes)`` → ``(B,)`` int64.
        """
        return probabilities.argmax(dim=1)

    @property
    def has_single_answer(self) -> bool:
        return True

    def encode_targets(self, values: Tensor) -> Tensor:
        # One logit for two classes is compared with a share of the second one.
        return values.double() if self.num_outputs == 1 else values

    def single_answers(self, outputs: Outputs) -> Tensor:
        return self.chosen_classes(outputs["probabilities"])

    def certainty(self, outputs: Outputs, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The probability of each answer, its lead over the best other one, and whether it is right.

        Shapes:
            three of ``(B,)``: float64, float64, bool.
        """
        probabilities = outputs["probabilities"].double()
        best = probabilities.topk(2, dim=1).values
        answers = self.chosen_classes(probabilities)
        confidence = probabilities.gather(1, answers[:, None])[:, 0]
        return confidence, best[:, 0] - best[:, 1], answers == targets.long()

    def to_json(self) -> dict[str, Any]:
        values = {field: getattr(self, field) for field in self.card_fields}
        return {"name": self.name} | {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return built_from_card(cls, cls.name, checked(cls.name, data, cls.card_fields))


def single_class_settings(task: str, table: Table, rows: Rows, options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a task with one class for each example, class weights counted on `rows`."""
    column: Column = table.target()
    if column.shape != ():
        raise UsageError(
            f"The task {task!r} needs one class for each example; the target {column.name!r} has shape {column.shape}. "
            "Use task='multilabel' for several labels at once."
        )
    classes = classes_of(table, column, task)
    numbers = class_numbers(table, column, classes)
    weights = class_weights_for(options.get("class_weights"), numbers, rows, len(classes))
    return {**options, "columns": [column.name], "classes": classes, "class_weights": weights}
