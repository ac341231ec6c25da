"""A network with its task, data and settings: what stands before the first training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from derin.api.finetuning import FineTuning
from derin.core.errors import UsageError
from derin.data.batch import Batch, Source
from derin.data.block_source import BlockSource, Place
from derin.data.columns import INPUT, ColumnsPreparation
from derin.data.extracted import ExtractedFeatures
from derin.data.preparation import Batching, Preparation
from derin.data.samplers.by_class import BalancedSampler
from derin.data.samplers.sampler import Sampler
from derin.data.samplers.uniform import UniformSampler
from derin.data.samplers.weighted import WeightedSampler
from derin.data.table import Rows, Table
from derin.models.signature import signature_of
from derin.models.summary import Summary, summarize
from derin.tasks.class_task import ClassTask
from derin.tasks.supervised import SupervisedTask
from derin.train.config import TrainConfig

if TYPE_CHECKING:
    import torch
    from torch import nn

    from derin.data.augment import Augmentation
    from derin.readers.stream import Stream

# So many training examples are measured beside the validation split: enough for a curve, few enough to cost nothing.
_TRAIN_SAMPLE = 2_000
_EVALUATION_BATCH_FACTOR = 4
# … as long as what a network gives for a batch of examples stays below so many numbers.
_MOST_OUTPUTS_AT_ONCE, _FEWEST_AT_ONCE = 4_000_000, 16


@dataclass(frozen=True)
class Prepared:
    """A network, its task, its data and the settings, ready for the loop.

    Attributes:
        table: the data.
        task: what is learned.
        model: the network, on its device.
        model_name: its registered name, ``"sequential"``, ``"graph"``, or the class name of a network of one's own.
        preparation: the way from raw columns to the network's input.
        augmentation: of the training pictures.
        config: every setting.
        given: the settings that the caller chose; all others came from the recipe or are defaults.
        encoded: the inputs of the whole table.
        targets: labels and weights by column name, one per row of the table.
        tuning: how it goes on from published weights.
        head: the name of the layer that learns from `features`; None where the whole network is trained.
        features: what the layers before the head make of every row.
        warm_up: the head alone on features, to be trained before the rest; None where nothing comes first.
        functions: loss and metrics of the caller's own, which no card holds.
        stream: where the training batches come from, of which the table holds only the first rows; None where it holds
            all.
        threshold: what the task's threshold is chosen for on validation, once the network is trained; None keeps it.
        center_only: whether training too takes the middle of larger pictures, as without any augmentation.
    """

    table: Table
    task: Any
    model: nn.Module
    model_name: str
    preparation: Preparation
    augmentation: Augmentation | None
    config: TrainConfig
    given: Mapping[str, Any]
    encoded: Any
    targets: Mapping[str, Any]
    device: torch.device
    tuning: FineTuning = field(default_factory=FineTuning)
    head: str | None = None
    features: ExtractedFeatures | None = None
    warm_up: Prepared | None = None
    functions: Mapping[str, Any] = field(default_factory=dict)
    threshold: str | None = None
    center_only: bool = False
    stream: Stream | None = None

    def learner(self, network: nn.Module) -> nn.Module:
        """The part of a network that is trained, and that the sources of this object feed."""
        return network if self.head is None else network.get_submodule(self.head)

    def summary(self) -> Summary:
        """The layers of the network, and what they cost for one example."""
        if signature_of(self.model) is not None:
            return summarize(self.model)
        if self.preparation.medium != "arrays":
            return summarize(self.model, self.preparation.input_shape)
        batch = next(iter(self.split_source("train", 1).batches(0)))
        one = Batch({name: batch[name][:1] for name in self.task.arguments.names}, batch.rows[:1])
        return summarize(self.model, call=lambda model: self.task.call(model, one))

    @property
    def train_source(self) -> Source:
        """The training batches: shuffled and augmented."""
        if self.stream is not None:
            return self._blocks(self.stream)
        return self._source(
            self.table.splits["train"],
            self.config.batch_size,
            shuffle=True,
            sampler=self.sampler(),
            # Features are of augmented pictures already.
            augmentation=None if self.features is not None else self.augmentation,
            mixed_target=self._mixed_target,
        )

    def _blocks(self, stream: Stream) -> BlockSource:
        """The batches of a stream: each block of its rows is a table, batched as any other."""
        size, seed = self.config.batch_size, self.config.seed
        num_batches = max(1, stream.buffer // size)
        num = num_batches * size
        blocks = stream.blocks(self.table, seed)

        def read(place: Place) -> tuple[Source, Place]:
            table, behind = blocks.read(place, num)
            # Rows that reading left out, which it does with cells that cannot be, are made up for by the first ones.
            rows = np.resize(np.arange(len(table)), num)
            source = self.preparation.source(
                self.preparation.encode_table(table),
                self.task.batch_columns(table),
                rows,
                input_name=self.task.input,
                batching=Batching(
                    batch_size=size,
                    seed=seed,
                    shuffle=True,
                    device=self.device,
                    augmentation=self.augmentation,
                    mixed_target=self._mixed_target,
                    sampler=UniformSampler(rows, batch_size=size, seed=seed, shuffle=True),
                ),
            )
            return source, behind

        return BlockSource(
            read, batch_size=size, num_batches=self.config.steps_per_epoch, batches_per_block=num_batches
        )

    @property
    def _mixed_target(self) -> tuple[str, int] | None:
        return (self.task.target, len(self.task.classes)) if self.task.mixes_classes else None

    def sampler(self) -> Sampler | None:
        """Says which training examples come how often and together; None where each comes once in an epoch.

        Raises:
            UsageError: the task or the data has nothing by which examples could be chosen.
        """
        name, rows = self.config.sampler, self.table.splits["train"]
        if name == "uniform":
            seed, size = self.config.seed, self.config.batch_size
            wanted: Sampler | None = self.task.sampler(self.targets, rows, batch_size=size, seed=seed)
            return wanted
        how: Any = {"batch_size": self.config.batch_size, "seed": self.config.seed}
        if name == "weighted":
            if getattr(self.task, "weight_column", None) is None:
                raise UsageError(
                    "sampler=weighted draws examples by a column that says how much each counts, and the data "
                    f"{self.table.name!r} has none; name it: weight_column (--weight-column)."
                )
            return WeightedSampler(rows, self.targets[self.task.weight][rows], **how)
        targets = self.targets[self.task.target] if isinstance(self.task, ClassTask) else None
        if targets is None or targets.ndim != 1:
            raise UsageError(
                f"sampler=balanced needs one class for each example; the task {self.task.name!r} has another kind of "
                "answer. Leave `sampler` out."
            )
        if self.task.class_weights is not None:
            raise UsageError("sampler=balanced and class_weights balance the same thing twice; leave one of them out.")
        return BalancedSampler(rows, targets[rows], **how)

    @property
    def val_source(self) -> Source | None:
        """The validation batches, or None where there is no such split."""
        return self.split_source("val") if "val" in self.table.splits else None

    @property
    def train_sample(self) -> Source:
        """Some training examples, neither shuffled nor augmented, to be measured as the validation split is."""
        return self.split_source("train", _TRAIN_SAMPLE)

    def split_source(self, split: str, limit: int | None = None) -> Source:
        """The examples of a split in their order, for measuring; at most `limit` of them, drawn by the seed."""
        return self._source(self.table.splits[split], self._evaluation_batch_size, limit=limit)

    @property
    def _evaluation_batch_size(self) -> int:
        size = min(self.config.batch_size * _EVALUATION_BATCH_FACTOR, self.task.most_at_once or _MOST_OUTPUTS_AT_ONCE)
        if not isinstance(self.task, SupervisedTask):
            return size
        return min(size, max(_FEWEST_AT_ONCE, _MOST_OUTPUTS_AT_ONCE // self.task.num_outputs))

    def _source(self, rows: Rows, batch_size: int, **how: Any) -> Source:
        batching = Batching(
            batch_size=batch_size, seed=self.config.seed, device=self.device, center_only=self.center_only, **how
        )
        preparation, encoded = self.preparation, self.encoded
        if self.features is not None:
            preparation, encoded = ColumnsPreparation({INPUT: self.features}), {INPUT: self.features}
        targets = self.targets
        if isinstance(batching.sampler, WeightedSampler):
            # What comes more often for its weight would count twice if its loss were weighted too.
            targets = {name: values for name, values in targets.items() if name != self.task.weight}
        return preparation.source(encoded, targets, rows, input_name=self.task.input, batching=batching)
