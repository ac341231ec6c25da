"""What the tasks of this house have in common: one input, one network, one known answer for each example."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from derin.core.errors import RefusedFileError, UsageError
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Table
from derin.models.auxiliary import WithAuxiliary
from derin.models.signature import bind_inputs
from derin.tasks.base import BaseTask
from derin.tasks.output import check_output, reshape_output
from derin.tasks.prediction import Answer
from derin.tasks.targets import example_weights
from derin.train.protocol import Losses, Metrics, Outputs

T = TypeVar("T")


class SupervisedTask(BaseTask):
    """A task with known answers; fulfils `derin.train.protocol.Task`.

    Args:
        columns: the target columns of the table.
        weight_column: the column that says how much each example counts, or None.

    Attributes:
        input, target, weight: the names of the columns of a batch; `weight` is there only where examples are weighted.
        classes: the names of the classes; empty where the target is a number.
        num_outputs: how many numbers the network gives for each example.
    """

    target = "target"
    weight = "weight"

    def __init__(self, columns: Sequence[str], weight_column: str | None) -> None:
        super().__init__(columns)
        self.weight_column = weight_column

    @classmethod
    def default_model(cls, table: Table) -> str:
        kinds = {column.kind for column in table.inputs}
        if kinds & {Kind.PICTURE, Kind.SOUND}:
            return "convnet"
        return "text_bag" if kinds == {Kind.TEXT} else "mlp"

    def batch_columns(self, table: Table) -> dict[str, Any]:
        weights = self.weights(table)
        return {self.target: self.targets(table)} | ({} if weights is None else {self.weight: weights})

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        bind_inputs(model, self.arguments.names)
        check_output(self, model, {name: batch[name] for name in self.arguments.names})

    @abstractmethod
    def targets(self, table: Table) -> npt.NDArray[Any]:
        """The targets of every row of a table, ready for batching."""

    def single_answers(self, outputs: Outputs) -> Tensor:
        """The class number, or the number in its unit, that `predict` gave each example, ``(B,)``."""
        raise UsageError(f"The task {self.name!r} has no single answer to an example.")

    def single_truths(self, table: Table) -> npt.NDArray[Any]:
        """The same of the truth, for every row; rows outside all splits may lack one.

        Shapes:
            ``(N,)`` int64 or float64.
        """
        return np.nan_to_num(self.targets(table), nan=-1).astype(np.int64)

    @property
    def target_width(self) -> int:
        """How many numbers the target of an example is."""
        return 1

    def targets_of_columns(self, columns: Tensor) -> Tensor:
        """Targets that stand side by side with others, in the type and shape that `targets` gives.

        Shapes:
            ``(B, target_width)`` float32 → ``(B,)`` for one number, else the same.
        """
        return columns[:, 0] if self.target_width == 1 else columns

    @abstractmethod
    def criterion(self, outputs: Tensor, target: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The mean loss of outputs, and its denominator where anything is weighted."""

    def plain_criterion(
        self, outputs: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """As `criterion`, without what makes training better and says nothing of the answers: what is reported."""
        return self.criterion(outputs, target, weights)

    @abstractmethod
    def predict(self, model: nn.Module, batch: Batch) -> Outputs: ...

    @abstractmethod
    def metrics(self) -> Metrics: ...

    @abstractmethod
    def example_losses(self, outputs: Outputs, targets: Tensor) -> Tensor:
        """The plain loss of each example, without weights and smoothing, ``(B,)``."""

    @abstractmethod
    def truths(self, targets: Tensor) -> list[str]:
        """The true answers in words, one for each example."""

    @abstractmethod
    def decode(self, outputs: Outputs) -> list[Answer]:
        """What `predict` gave, in words: one answer for each example."""

    def weights(self, table: Table) -> npt.NDArray[np.float32] | None:
        """How much each row of a table counts, or None where all count alike."""
        return example_weights(table, self.weight_column)

    def logits_of(self, model: nn.Module, batch: Batch) -> Tensor:
        """What the network gives, as float32 and in the shape that the loss wants.

        Float32 because a loss in bf16 would lose the small differences that training lives on.

        Shapes:
            ``(B,)`` for one output, else ``(B, num_outputs)``.
        """
        return self.checked_output(_main(self.call(model, batch)), len(batch))

    def checked_output(self, output: object, num_examples: int) -> Tensor:
        """A network's output in the form that `logits_of` promises; refuses what is no tensor or has another shape."""
        if not isinstance(output, Tensor):
            raise UsageError(
                f"The network must give one tensor; got {type(output).__name__}. Return its outputs alone."
            )
        return reshape_output(output, num_examples, self.num_outputs)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        weights = batch.columns.get(self.weight)
        target, num_examples = batch[self.target], len(batch)
        output = self.call(model, batch)
        loss, weight_sum = self.criterion(self.checked_output(_main(output), num_examples), target, weights)
        if isinstance(output, WithAuxiliary):
            for other in output.auxiliary:
                loss = (
                    loss + output.weight * self.criterion(self.checked_output(other, num_examples), target, weights)[0]
                )
        return {"loss": loss} if weight_sum is None else {"loss": loss, "weight_sum": weight_sum}

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """Texts are classified beside the best linear model of n-grams, tables and sounds beside methods of
        scikit-learn.
        """
        from derin.tasks.baselines.table_methods import compare_with_table_methods
        from derin.tasks.baselines.text_comparison import compare_with_linear_text

        return {
            **compare_with_linear_text(self, network, table, source),
            **compare_with_table_methods(self, network, preparation, table, source),
        }


def _main(output: object) -> object:
    """What a network gives beside its auxiliary classifiers, which only its training needs."""
    return output.output if isinstance(output, WithAuxiliary) else output


def built_from_card(build: Callable[..., T], task: str, fields: Mapping[str, Any]) -> T:
    """A task from the checked fields of a card; what its own checks refuse is the card's fault."""
    try:
        return build(**fields)
    except UsageError as error:
        raise RefusedFileError(f"The card's {task} task does not hold together: {error}") from error
