"""Detection: where the things in a picture are, and what each of them is.

Sources: of the networks and losses `derin.models.yolo`, `derin.tasks.box_assignment` and `derin.tasks.box_criteria`, of
the metrics `derin.tasks.metrics.average_precision`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, ShapeError, UsageError
from derin.core.fields import Maybe
from derin.data.batch import Batch, Source
from derin.data.codecs.base import Packed
from derin.data.columns import ColumnsPreparation
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Boxes, Rows, Table
from derin.models.box_output import NUM_COMMON, box_output
from derin.models.registry import MODELS
from derin.tasks.anchors import find_anchors
from derin.tasks.box_criteria import BOX_LOSSES
from derin.tasks.box_selection import LEAST_SCORE, select_boxes
from derin.tasks.card import NAMES, NUMBERS, checked
from derin.tasks.classes import checked_class_weights, checked_classes, frequency_weights
from derin.tasks.detected import Box, Detected
from derin.tasks.detection_findings import detection_findings
from derin.tasks.in_pictures import PlacesInPictures
from derin.tasks.metrics.detection import DetectionMetrics
from derin.tasks.supervised import built_from_card
from derin.train.protocol import Losses, Outputs

_USUAL_THRESHOLD = 0.3
_ANCHORS = 5  # as many as YOLO9000 has


class Detection(PlacesInPictures):
    """Boxes and their classes, by the loss that belongs to the network: see `derin.tasks.box_criteria`.

    Args:
        columns: the column of boxes.
        classes: the names of the classes.
        class_weights: how much each class counts in the loss, or None.
        thresholds: the probability from which on a box of each class is an answer; None is 0.3. Once the network is
            trained, the best F1 or a required precision on validation decides.

    Shapes:
        a network gives ``(B, places, K + 7 + ...)``, see `derin.models.box_output`.

    Example:
        >>> task = Detection(columns=["boxes"], classes=["red cell", "white cell"])
        >>> task.monitor, task.num_outputs
        ('map', 2)
    """

    name = "detection"
    monitor = "map"
    analysis_decides = True
    threshold_criteria = ("f1",)
    threshold_criterion = "f1"
    options = frozenset({"class_weights"})
    trunk_model = "yolo"
    output_note = "whose loss takes logits"

    def __init__(
        self,
        *,
        columns: Sequence[str],
        classes: Sequence[str],
        class_weights: Sequence[float] | None = None,
        thresholds: Sequence[float] | None = None,
    ) -> None:
        super().__init__(columns)
        self.classes = checked_classes(self.name, classes, 1)
        self.class_weights = checked_class_weights(class_weights, self.classes)
        self.thresholds = tuple(thresholds or [_USUAL_THRESHOLD] * len(self.classes))
        if len(self.thresholds) != len(self.classes) or not all(0 <= each <= 1 for each in self.thresholds):
            raise UsageError(
                f"A detection needs a threshold from 0 to 1 for each of its {len(self.classes)} classes; got "
                f"{self.thresholds}."
            )
        self._shapes: npt.NDArray[Any] | None = None  # of the boxes of training, where it was made of them

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        boxes = table[column.name]
        if column.kind is not Kind.BOXES or not column.classes or not isinstance(boxes, Boxes):
            raise DataError(
                f"Table {table.name!r}: detection needs boxes in each picture; {column.name!r} holds "
                f"{column.kind.value}. Read pictures with annotations of boxes (Pascal VOC, COCO, YOLO)."
            )
        found = boxes.take(rows)
        counts = np.bincount(found.classes[~found.is_crowd], minlength=len(column.classes))
        weights = options.get("class_weights")
        if weights is None or isinstance(weights, str):
            lacking = "Detection needs training pictures with boxes that are no crowds; got none."
            weights = frequency_weights(weights, counts, lacking)
        task = cls(columns=[column.name], classes=column.classes, class_weights=weights)
        longest = np.repeat(found.frames.max(axis=1), np.diff(found.offsets))[~found.is_crowd]
        shapes = (found.corners[:, 2:] - found.corners[:, :2])[~found.is_crowd] / longest[:, None]
        task._shapes = shapes[(shapes > 0).all(axis=1)]
        return task

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"columns": NAMES, "classes": NAMES, "class_weights": Maybe(NUMBERS), "thresholds": NUMBERS}
        return built_from_card(cls, cls.name, checked(cls.name, data, forms))

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "classes": list(self.classes),
            "class_weights": None if self.class_weights is None else list(self.class_weights),
            "thresholds": list(self.thresholds),
        }

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "yolo"

    def network_options(self, model: str) -> dict[str, Any]:
        """Of a network with anchors those that the boxes of training resemble."""
        options = {field.name for field in fields(MODELS[model].options)} if model in MODELS else set()
        if "anchors" not in options or self._shapes is None or not len(self._shapes):
            return {}
        return {"anchors": [[round(side, 4) for side in one] for one in find_anchors(self._shapes, _ANCHORS).tolist()]}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        losses, weights = self._losses(model, self._output(model, batch), batch)
        total = weights.sum().clamp(min=1.0)
        return {"loss": losses.sum() / total, "weight_sum": total}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``boxes`` ``(B, M, 4)`` in pixels of the picture where its size is known, else of the network's input,
        ``scores`` and ``classes`` ``(B, M)``; where the truth is known, ``loss`` and ``loss_weight`` of each picture,
        and ``true_boxes`` ``(total, 4)`` in the same pixels.
        """
        output = self._output(model, batch)
        # Where nothing is measured only answers matter. Less probable boxes hide none of them, and are left out before
        # all are compared with all.
        least = LEAST_SCORE if self.target in batch else max(LEAST_SCORE, min(self.thresholds))
        corners, scores, classes = select_boxes(output, self.num_outputs, least)
        outputs = {"boxes": corners, "scores": scores, "classes": classes}
        if self.size_of_picture in batch:
            sizes = batch[self.size_of_picture].cpu().numpy().astype(np.int64)
            owners = np.repeat(np.arange(len(sizes)), corners.shape[1])
            found = self._in_picture(corners.reshape(-1, 4).numpy(), sizes[owners])
            outputs["boxes"] = torch.from_numpy(found).reshape(corners.shape)
        if self.target in batch:
            losses, weights = self._losses(model, output, batch)
            # A picture without things has a loss too, which no score divides.
            outputs["loss"], outputs["loss_weight"] = losses, weights.clamp(min=1.0)
            target: Any = batch[self.target]
            outputs["true_boxes"] = target["corners"].float().cpu()
            if self.size_of_picture in batch:
                true = self._in_picture(outputs["true_boxes"].numpy(), sizes[target.owners.numpy()])
                outputs["true_boxes"] = torch.from_numpy(true)
        return outputs

    def _output(self, model: nn.Module, batch: Batch) -> Tensor:
        output = self.call(model, batch)
        least = self.num_outputs + NUM_COMMON
        if not isinstance(output, Tensor) or output.ndim != 3 or output.shape[2] < least:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ShapeError(
                f"The network must give rows of {least} numbers or more for {self.num_outputs} classes, a tensor "
                f"(batch, places, numbers); got {came}. Take a network of boxes, such as yolo."
            )
        return output

    def _losses(self, model: nn.Module, output: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of each picture, and what they are to be divided by: two of ``(B,)``."""
        weights = None
        if self.class_weights is not None:
            weights = torch.tensor(self.class_weights, dtype=torch.float32, device=output.device)
        target: Any = batch[self.target]
        assert isinstance(target, Packed)
        # Losses in bf16 would lose the small differences that training lives on.
        with torch.autocast(output.device.type, enabled=False):
            criterion = BOX_LOSSES[model.box_loss]  # type: ignore[index]
            return criterion(box_output(output.float(), self.num_outputs), target, weights)

    def _in_picture(self, corners: npt.NDArray[Any], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Corners in pixels of the pictures that have these sizes, clipped to them.

        Shapes:
            corners ``(N, 4)``, sizes ``(N, 2)`` → ``(N, 4)``.
        """
        moved = self.in_picture(corners.reshape(-1, 2, 2), sizes).reshape(-1, 4)
        return np.clip(moved, 0, sizes[:, [1, 0, 1, 0]]).astype(np.float32)

    def metrics(self) -> DetectionMetrics:
        return DetectionMetrics(self.classes)

    def answers_of(self, outputs: Outputs, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Detected]:
        least = np.array(self.thresholds)
        found = []
        for picture, corners, scores, classes in zip(pictures, *(outputs[n].numpy() for n in _FOUND)):
            chosen = (scores > 0) & (scores >= least[classes])
            boxes = tuple(
                Box(self.classes[number], float(score), tuple(map(float, place)))  # type: ignore[arg-type]
                for number, score, place in zip(classes[chosen].tolist(), scores[chosen], corners[chosen])
            )
            found.append(Detected(boxes, self.classes, picture))
        return found

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """The thresholds, which are chosen here; where errors come from; and the worst pictures."""
        assert isinstance(preparation, ColumnsPreparation)
        return detection_findings(self, preparation.input, table.row_names, folder)


_FOUND = ("boxes", "scores", "classes")
