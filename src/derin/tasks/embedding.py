"""Learning to compare: a network puts like things near each other, also such of classes that it has never seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import ShapeError, UnknownNameError, UsageError
from derin.core.fields import Among
from derin.data.batch import Batch, Source
from derin.data.preparation import Preparation
from derin.data.samplers.by_class import LEAST_BATCHES, ClassBatchSampler
from derin.data.samplers.sampler import Sampler
from derin.data.schema import Column, Kind
from derin.data.table import Rows, Table
from derin.layers.options import require_range
from derin.models.system import require_networks
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.class_augmentation import augment_classes, read_class_augmentation
from derin.tasks.classes import classes_of
from derin.tasks.comparing import arcface, contrastive, nt_xent, pair_classifier, triplet
from derin.tasks.embedded import Embedded
from derin.tasks.embedding_findings import embedding_findings
from derin.tasks.metrics.comparing import EmbeddingMetrics
from derin.tasks.mining import MINERS
from derin.tasks.supervised import SupervisedTask, built_from_card
from derin.tasks.targets import class_numbers
from derin.train.protocol import Losses, Outputs, Step

EMBEDDER, HEAD = "embedder", "head"
# The margin of each loss that has one: of distances between vectors of length 1, and of an angle in radians.
MARGINS = {"triplet": 0.2, "contrastive": 1.0, "arcface": 0.5}
LOSSES = ("triplet", "contrastive", "pair", "arcface", "ntxent")
# Of pictures. Mirrored, turned and slanted faces and letters are other faces and letters.
CLASS_AUGMENTATION = "flip,rotate=20,zoom=0.1,shear=0.3"
_PICTURE_AXES = 4
_WITH_HEAD = ("pair", "arcface")
_SCALE = 32.0  # of ArcFace's cosines: 64 is for a hundred thousand classes, and turns few of them into certainty
# A pair classifier begins with a sum of differences that weighs all numbers alike: of random vectors of length 1 in D
# dimensions the sum of |a − b| is about 1.13 √D, so that equal ones begin at σ(3) and random ones at σ(−1.5).
_FIRST_WEIGHT, _FIRST_BIAS = -4.0, 3.0


class Embedding(BaseTask):
    """f(x), of length 1, so that ‖f(a) − f(b)‖ is small where a and b are of one class and large where they are not.

    Batches hold P classes with K examples each. Val and test are of classes that are not trained on, unless the data
    is cut otherwise: what counts is how well new classes are told apart.

    Args:
        columns: the column of classes.
        trained_classes: the names of the classes that are trained on.
        loss: of `LOSSES`; see `derin.tasks.comparing`. ``"pair"`` and ``"arcface"`` have weights of their own, which
            are the network `HEAD` of a `derin.System`.
        margin: of the loss; None takes that of `MARGINS`.
        mining: of `derin.tasks.mining.MINERS`, for triplets.
        temperature: of ``"ntxent"``.
        embedding_size: D.
        examples_per_class: K, unless a batch would need more classes than there are; P is the batch size over K.
        class_augmentation: how the pictures of each class of a batch are moved, all alike, in the words of
            ``--augment``; see `derin.tasks.class_augmentation`. ArcFace, whose classes are those of the data, has none.

    Shapes:
        a network gives ``(B, D)``.

    Example:
        >>> task = Embedding(columns=["person"], trained_classes=["ada", "can"], embedding_size=2)
        >>> batch = Batch({"input": torch.tensor([[3.0, 4.0]])}, torch.arange(1))
        >>> task.predict(nn.Identity(), batch)["embedding"]
        tensor([[0.6000, 0.8000]])
    """

    name = "embedding"
    monitor = "eer"
    maximize = False
    options = frozenset(
        {"loss", "margin", "mining", "temperature", "embedding_size", "examples_per_class", "class_augmentation"}
    )
    target = "target"

    def __init__(
        self,
        *,
        columns: Sequence[str],
        trained_classes: Sequence[str],
        loss: str = "triplet",
        margin: float | None = None,
        mining: str = "distance-weighted",
        temperature: float = 0.1,
        embedding_size: int = 128,
        examples_per_class: int = 4,
        class_augmentation: str = "none",
    ) -> None:
        super().__init__(columns)
        for kind, value, known in (("loss of embeddings", loss, LOSSES), ("mining", mining, tuple(MINERS))):
            if value not in known:
                raise UnknownNameError(kind, str(value), known)
        if margin is not None and loss not in MARGINS:
            raise UsageError(f"The loss {loss!r} has no margin; leave it out, or take {', '.join(MARGINS)}.")
        self.kind_of_loss, self.mining = loss, mining
        self.margin = float(MARGINS.get(loss, 0.0) if margin is None else margin)
        self.temperature = float(temperature)
        self.embedding_size, self.examples_per_class = embedding_size, examples_per_class
        self.class_augmentation = read_class_augmentation(class_augmentation)
        if loss == "arcface" and not self.class_augmentation.is_identity:
            raise UsageError("The loss 'arcface' knows the classes of the data alone; leave class_augmentation out.")
        self.trained_classes = tuple(trained_classes)
        require_range("embedding", "margin", self.margin, 0.0, 4.0)
        require_range("embedding", "temperature", self.temperature, 1e-3, 100.0)
        require_range("embedding", "embedding_size", embedding_size, 1, 65_536)
        require_range("embedding", "examples_per_class", examples_per_class, 2, 1024)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = _class_column(table)
        classes = classes_of(table, column, cls.name)
        seen = np.unique(class_numbers(table, column, classes)[rows])
        trained = [classes[place] for place in seen.tolist() if place >= 0]
        of_pictures = any(each.kind is Kind.PICTURE for each in table.inputs)
        if of_pictures and options.get("loss") != "arcface":
            options = {"class_augmentation": CLASS_AUGMENTATION, **options}
        return cls(columns=[column.name], trained_classes=trained, **options)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {
            "columns": NAMES,
            "trained_classes": NAMES,
            "loss": Among(LOSSES),
            "margin": float,
            "mining": Among(tuple(MINERS)),
            "temperature": float,
            "embedding_size": int,
            "examples_per_class": int,
            "class_augmentation": str,
        }
        fields = checked(cls.name, {"class_augmentation": "none", **data}, forms)  # cards of before have none
        if fields["loss"] not in MARGINS:
            fields.pop("margin")
        return built_from_card(cls, cls.name, fields)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "trained_classes": list(self.trained_classes),
            "loss": self.kind_of_loss,
            "margin": self.margin,
            "mining": self.mining,
            "temperature": self.temperature,
            "embedding_size": self.embedding_size,
            "examples_per_class": self.examples_per_class,
            "class_augmentation": str(self.class_augmentation),
        }

    @property
    def num_outputs(self) -> int:
        return self.embedding_size

    @classmethod
    def default_model(cls, table: Table) -> str:
        return SupervisedTask.default_model(table)

    def with_head(self, network: nn.Module, seed: int) -> nn.Module:
        """The network, beside it the weights of the loss where that has some."""
        from derin.layers import Dense
        from derin.models.sequential import Sequential
        from derin.models.system import System

        if self.kind_of_loss not in _WITH_HEAD:
            return network
        if getattr(network, "spec", None) is None or not hasattr(network, "input_shape"):
            raise UsageError(
                f"The loss {self.kind_of_loss!r} has weights beside the network, which is saved with them; give a "
                "registered network, a Sequential or a Graph, or another loss."
            )
        width = 1 if self.kind_of_loss == "pair" else len(self.trained_classes)
        layer = Dense(width, bias=self.kind_of_loss == "pair")
        head = Sequential([layer], input_shape=(self.embedding_size,), seed=seed)
        if self.kind_of_loss == "pair":
            with torch.no_grad():
                weight, bias = head.parameters()
                weight.fill_(_FIRST_WEIGHT / self.embedding_size**0.5)
                bias.fill_(_FIRST_BIAS)
        return System({EMBEDDER: network, HEAD: head})

    def sampler(self, targets: Mapping[str, Any], rows: Rows, *, batch_size: int, seed: int) -> Sampler:
        """P classes with K examples each; where there are fewer classes, more examples of each."""
        labels = targets[self.target][rows]
        num_classes = max(1, min(batch_size // self.examples_per_class, len(np.unique(labels))))
        num_each = max(2, batch_size // num_classes)
        return ClassBatchSampler(
            rows, labels, num_classes=num_classes, num_each=num_each, least_batches=LEAST_BATCHES, seed=seed
        )

    def batch_columns(self, table: Table) -> dict[str, Any]:
        return {self.target: self.targets(table)}

    def targets(self, table: Table) -> npt.NDArray[np.int64]:
        """The class of every row: its place among those that were trained on, and behind these that of any other.

        Shapes:
            ``(N,)``; −1 where it is missing.
        """
        named = [column for column in table.targets if column.name == self.columns[0]]
        column = named[0] if named else _class_column(table)
        own = classes_of(table, column, self.name)
        new = [name for name in own if name not in set(self.trained_classes)]
        return class_numbers(table, column, [*self.trained_classes, *new])

    def check_batch(self, model: nn.Module, batch: Batch) -> None:
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                self.predict(model, batch)
        finally:
            model.train(was_training)

    def call(self, model: nn.Module, batch: Batch, *further: Any) -> Any:
        embedder = require_networks(model, EMBEDDER, HEAD)[EMBEDDER] if self.kind_of_loss in _WITH_HEAD else model
        return super().call(embedder, batch, *further)

    def _embedding(self, model: nn.Module, batch: Batch) -> Tensor:
        """Of length 1, in float32: in bfloat16 near ones would be alike."""
        output = self.call(model, batch)
        if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] != self.embedding_size:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ShapeError(
                f"The network must give {self.embedding_size} numbers for each example, a tensor of shape (batch, "
                f"{self.embedding_size}); got {came}. Give it as many outputs, or set embedding_size."
            )
        return F.normalize(output.float(), dim=1)

    def update(self, step: Step, batch: Batch) -> Losses:
        pictures = batch[self.input]
        # A head that is trained alone reads features in place of pictures.
        if pictures.ndim == _PICTURE_AXES and not self.class_augmentation.is_identity:
            moved = augment_classes(pictures, batch[self.target], self.class_augmentation)
            batch = Batch({**batch.columns, self.input: moved}, batch.rows)
        return super().update(step, batch)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        embeddings, labels = self._embedding(model, batch), batch[self.target]
        with torch.autocast(embeddings.device.type, enabled=False):
            return {"loss": self._loss(model, embeddings, labels)}

    def _loss(self, model: nn.Module, embeddings: Tensor, labels: Tensor) -> Tensor:
        if self.kind_of_loss == "triplet":
            return triplet(embeddings, labels, self.margin, self.mining)
        if self.kind_of_loss == "contrastive":
            return contrastive(embeddings, labels, self.margin)
        if self.kind_of_loss == "ntxent":
            return nt_xent(embeddings, labels, self.temperature)
        weight, *bias = require_networks(model, EMBEDDER, HEAD)[HEAD].parameters()
        if self.kind_of_loss == "pair":
            return pair_classifier(embeddings, labels, weight[0].float(), bias[0].float())
        return arcface(embeddings, labels, weight.float(), self.margin, _SCALE)

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``embedding`` ``(B, D)``, float32, of length 1."""
        return {"embedding": self._embedding(model, batch)}

    def decode(self, outputs: Outputs) -> list[Embedded]:
        return [Embedded(row) for row in outputs["embedding"].cpu().numpy()]

    def metrics(self) -> EmbeddingMetrics:
        return EmbeddingMetrics(self.target)

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """The ROC, the distances of same and different pairs, the worst pairs, and how well the raw inputs do."""
        split = next((name for name in ("test", "val") if name in table.splits), None)
        if split is None:
            return {}
        shown = folder if self.keeps_pictures else None
        return embedding_findings(self, network, preparation, source(split), split, table=table, folder=shown)


def _class_column(table: Table) -> Column:
    """The target of classes, of which each example has one."""
    column = table.target()
    if column.shape != ():
        raise UsageError(
            f"The task {Embedding.name!r} needs one class for each example; the target {column.name!r} has shape "
            f"{column.shape}. Name another target."
        )
    return column
