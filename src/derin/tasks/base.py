"""What all tasks have in common: columns that are learned, a form of input, batches, answers, and what a card keeps."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import DerinWarning, UsageError
from derin.core.messages import localize
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.samplers.sampler import Sampler
from derin.data.table import Rows, Table
from derin.models.signature import Arguments, TensorSpec, bind_inputs
from derin.train.protocol import Losses, Metrics, Outputs, Step, update_single


class BaseTask(ABC):
    """A task; fulfils `derin.train.protocol.Task`.

    Args:
        columns: the columns of the table that are learned.

    Attributes:
        options: settings that the user may choose, by the name of the argument of `from_table`.
        preparation_kind: the form of input in `data.preparation.PREPARATIONS`; by default columns with a codec each.
        output_note: why the network must end without an activation, for the error that refuses one.
        updates_itself: whether a step moves the weights without an optimizer, which has then no say.
        input: the name of the input's column in a batch; of several the first.
        arguments: how the network takes the inputs, by the names of their columns in a batch.
        classes: the names of the classes; empty where there are none.
        trunk_model: the network that stands on a classifier where weights of one are given; None where the weights'
            own network learns the task.
        most_at_once: examples that are measured or answered together at most; None leaves it to the caller.
        answers_in_original: whether an answer has the size of the picture that was handed over, so that the picture
            itself is needed and not the row that the network reads of it.
        mixes_classes: whether its loss takes probabilities of classes, as mixup and cutmix make them.
        keeps_targets_apart: whether several target columns stay what each of them is, and are not read as one.
        analysis_decides: whether `final_analysis` finds what answers go by, such as thresholds, of what was measured.
        threshold_criteria: by which thresholds of its answers can be chosen on validation; empty where it has none.
        threshold_criterion: by which they are chosen; None leaves them as they are.
        measured: where the analysis decides, the metrics of each split at the end of training, and its batches.
        analysis_seconds: how long `final_analysis` may take; infinite where time is not limited.
        keeps_pictures: whether pictures of the data may be kept in the run's folder.
        is_own: whether data, loss and answers are of their owner's form, which no card holds.
    """

    name: str
    monitor: str | None
    maximize: bool = True
    forbids: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    preparation_kind: str = "columns"
    output_note: str = "whose loss takes raw outputs"
    updates_itself: bool = False
    classes: tuple[str, ...] = ()
    trunk_model: str | None = None
    most_at_once: int | None = None
    answers_in_original: bool = False
    mixes_classes: bool = False
    keeps_targets_apart: bool = False
    analysis_decides: bool = False
    threshold_criteria: tuple[str, ...] = ()
    threshold_criterion: str | None = None
    analysis_seconds: float = math.inf
    keeps_pictures: bool = True
    is_own: bool = False

    input = "input"

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.arguments = Arguments((self.input,))
        self.state: dict[str, Tensor] = {}
        self.measured: dict[str, tuple[Any, Source]] = {}
        if not self.columns:
            raise UsageError(f"A {self.name} task needs the name of its target column; got none.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaseTask) and self.to_json() == other.to_json()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.to_json().items() if k != 'name')})"

    @classmethod
    @abstractmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        """The task that fits a table, its statistics fitted on `rows`."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The task that `to_json` described; a field that does not fit is refused."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]: ...

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """How many numbers the network gives for each example, or for each place of it."""

    @property
    def has_single_answer(self) -> bool:
        """Whether each example has one class or one number, as methods beside networks answer."""
        return False

    def encode_targets(self, values: Tensor) -> Tensor:
        """The numbers of classes, or values in their unit, as the loss compares them with what a network gives.

        Shapes:
            ``(B, ...)`` → as `targets` has it.

        Raises:
            UsageError: the targets are neither, or not so many.
        """
        raise UsageError(f"A task that gives one class or numbers is required; got the task {self.name!r}.")

    def target_scale(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Mean and standard deviation that make what a network gives a value in the unit of each target; None where
        it gives no values.
        """
        return None

    def bind(self, preparation: Preparation) -> None:  # noqa: B027 - most tasks need nothing of it
        """Takes from a fitted preparation what the task needs of it (a vocabulary, a horizon).

        Called before the network is built, and when a saved network is opened.
        """

    def arrange(self, network: nn.Module, names: Sequence[str]) -> None:
        """Settles how a network takes the inputs of these names, where there are several.

        Raises:
            UsageError: it reads others.
        """
        if len(names) > 1:
            self.arguments = bind_inputs(network, names)
            self.input = self.arguments.names[0]

    def input_specs(self, preparation: Preparation) -> tuple[TensorSpec, ...]:
        """What the network reads, in its order and by the names in a batch."""
        forms = preparation.input_forms
        if len(forms) == 1:
            forms = {self.input: next(iter(forms.values()))}
        return tuple(TensorSpec(name=n, shape=forms[n][0], dtype=forms[n][1]) for n in self.arguments.names)

    def call(self, model: nn.Module, batch: Batch, *further: Any) -> Any:
        """What the network gives for a batch: the one place where a task calls it, with the inputs by their names.

        Args:
            model: the network.
            batch: with the inputs among its columns.
            further: what the network takes behind them, such as the words of a translation so far.
        """
        by_place, by_name = self.arguments.of(batch)
        return model(*by_place, *further, **by_name)

    @classmethod
    def default_model(cls, table: Table) -> str:
        """The network that is taken where none is named."""
        raise UsageError(f"The task {cls.name!r} has no network of its own; name one: --model.")

    @classmethod
    def model_for(cls, table: Table, options: Mapping[str, Any]) -> str:
        """As `default_model`, where settings of the task decide too."""
        return cls.default_model(table)

    def network_options(self, model: str) -> dict[str, Any]:
        """Options of a registered network that follow from what is learned, such as the anchors of its boxes."""
        return {}

    def with_head(self, network: nn.Module, seed: int) -> nn.Module:
        """The network that is trained, from the one that was named: with what the loss learns beside it, if anything.

        Args:
            network: with `num_outputs` outputs.
            seed: of further weights.
        """
        return network

    def sampler(self, targets: Mapping[str, Any], rows: Rows, *, batch_size: int, seed: int) -> Sampler | None:
        """The order of training examples where the loss wants one, as of pairs; None where each comes once in an epoch.

        Args:
            targets: as `batch_columns` gives them, for every row of the table.
            rows: that are trained on.
            batch_size: examples of a batch, about.
            seed: of the order.
        """
        return None

    def batch_columns(self, table: Table) -> dict[str, Any]:
        """Further columns of a batch by name, one value per row of the table: targets, weights."""
        return {}

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Losses: ...

    @abstractmethod
    def predict(self, model: nn.Module, batch: Batch) -> Outputs: ...

    @abstractmethod
    def metrics(self) -> Metrics: ...

    def update(self, step: Step, batch: Batch) -> Losses:
        return update_single(self, step, batch)

    def decode(self, outputs: Outputs) -> list[Any]:
        """What `predict` gave, in words: one answer for each example."""
        raise UsageError(
            f"The task {self.name!r} has no answer to a single input; see `derin --help` for its commands."
        )

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        """Refuses a network that does not fit, before anything is trained. Mode and buffers stay as they are."""
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                self.loss(model, batch)
        finally:
            model.train(was_training)
            self.state.clear()

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        """What the network says about what a person hands over, one answer for each."""
        # A list is read in parts: texts are padded to the longest of those that are read together.
        several = isinstance(inputs, list) and preparation.reads_in_parts and not preparation.is_single(inputs)
        parts = [inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size)] if several else [inputs]
        found: list[Any] = []
        for part in parts:
            read, notes = preparation.read_noting(part)
            for note in notes:
                warnings.warn(localize(note), DerinWarning, stacklevel=4)
            found += self.row_answers(network, preparation, read, batch_size=batch_size, device=device)
        return found

    def row_answers(
        self, network: nn.Module, preparation: Preparation, read: Any, *, batch_size: int, device: torch.device
    ) -> list[Any]:
        """As `answers`, of rows that the preparation has read already."""
        named = read if isinstance(read, Mapping) else {self.input: read}
        rows = {
            name: values if isinstance(values, Tensor) else torch.from_numpy(np.ascontiguousarray(values))
            for name, values in named.items()
        }
        num = len(next(iter(rows.values())))
        found: list[Any] = []
        for start in range(0, num, batch_size):
            chunk = {name: values[start : start + batch_size].to(device) for name, values in rows.items()}
            batch = Batch(preparation.finished(chunk), torch.arange(min(batch_size, num - start)))
            with torch.inference_mode():
                found += self.decode(self.predict(network, batch))
        return found

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """What is to be known beside the metrics when training has ended: baselines, samples, alignments.

        Args:
            network: in evaluation mode, the best state.
            preparation: of its inputs.
            table: the data, with its splits.
            source: gives the batches of a split in their order.
            folder: of the run; files of the task may be written there, by `core.files`.

        Returns:
            plain JSON, kept under ``"findings"`` in run.json and shown by the report.
        """
        return {}

    def searched_metrics(self, network: nn.Module, table: Table, rows: Rows) -> dict[str, float]:
        """What is measured beside the metrics by letting the network answer in full, as BLEU is.

        Args:
            network: in evaluation mode.
            table: the data.
            rows: that are measured.

        Raises:
            MissingExtraError: what measures it is not installed.
        """
        return {}
