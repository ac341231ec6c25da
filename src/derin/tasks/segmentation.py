"""Semantic segmentation: a class for every pixel.

Sources of the losses: J. Long, E. Shelhamer, T. Darrell, "Fully convolutional networks for semantic segmentation", CVPR
2015, arXiv:1411.4038 (cross-entropy over pixels); F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net", 3DV 2016,
arXiv:1606.04797 (Dice).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from derin.core.errors import DataError, ShapeError, UnknownNameError, UsageError
from derin.core.fields import Among, Maybe
from derin.data.batch import Batch, Source
from derin.data.codecs.mask import VOID
from derin.data.columns import ColumnsPreparation
from derin.data.pictures.reading_inputs import images_of
from derin.data.preparation import Preparation
from derin.data.schema import Column, Kind
from derin.data.table import Dense, Pictures, Rows, Table
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, NUMBERS, checked
from derin.tasks.classes import checked_class_weights, checked_classes, frequency_weights
from derin.tasks.losses import dice_loss
from derin.tasks.metrics.segmentation import SegmentationMetrics
from derin.tasks.segmentation_findings import segmentation_findings
from derin.tasks.segmented import Segmented
from derin.tasks.supervised import built_from_card
from derin.train.protocol import Losses, Outputs

LOSSES = ("cross-entropy", "dice", "cross-entropy+dice")
USUAL_LOSS = "cross-entropy+dice"  # regions of rare classes count beside the many pixels of the common ones


class Segmentation(BaseTask):
    """Cross-entropy over the pixels that have a class: −Σ w_t ln p_t / Σ w_t; or how little predicted and true regions
    overlap, or both.

    Args:
        columns: the column of masks.
        classes: the names of the classes.
        class_weights: how much each class counts in the loss, or None for all alike; `from_table` makes rare classes
            count more, by 1 / √n of their n pixels, unless others are given.
        loss_name: of `LOSSES`: ``"cross-entropy"``, ``"dice"`` (see `derin.tasks.losses.dice_loss`; a picture counts by
            the weight of its pixels), or their sum, ``"cross-entropy+dice"``.

    Shapes:
        a network gives ``(B, K, H, W)`` for pictures of H × W pixels.

    Example:
        >>> task = Segmentation(columns=["mask"], classes=["road", "car"])
        >>> task.monitor, task.num_outputs
        ('mean_iou', 2)
    """

    name = "segmentation"
    monitor = "mean_iou"
    trunk_model = "unet_trunk"
    options = frozenset({"class_weights", "loss_name"})
    target = "target"
    most_at_once = 32
    answers_in_original = True

    def __init__(
        self,
        *,
        columns: Sequence[str],
        classes: Sequence[str],
        class_weights: Sequence[float] | None = None,
        loss_name: str = USUAL_LOSS,
    ) -> None:
        super().__init__(columns)
        if loss_name not in LOSSES:
            raise UnknownNameError("segmentation loss", loss_name, LOSSES)
        self.loss_name = loss_name
        self.classes = checked_classes(self.name, classes, 2)
        if len(classes) > VOID:
            raise UsageError(f"A segmentation tells at most {VOID} classes apart; got {len(classes)}.")
        self.class_weights = checked_class_weights(class_weights, self.classes)

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        if column.kind is not Kind.MASK or not column.classes:
            raise DataError(
                f"Table {table.name!r}: segmentation needs a mask for each picture; {column.name!r} holds "
                f"{column.kind.value}. Read pictures with masks beside them (folders images and masks)."
            )
        weights = options.get("class_weights")
        if weights is None or isinstance(weights, str):
            counts = _counts(table, column, rows)
            weights = frequency_weights(weights, counts, "Segmentation needs training pixels with a class; got none.")
        loss_name = options.get("loss_name", USUAL_LOSS)
        return cls(columns=[column.name], classes=column.classes, class_weights=weights, loss_name=loss_name)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {"columns": NAMES, "classes": NAMES, "class_weights": Maybe(NUMBERS), "loss_name": Among(LOSSES)}
        # Cards of before there was a choice do not name it.
        return built_from_card(cls, cls.name, checked(cls.name, {"loss_name": LOSSES[0], **data}, forms))

    def to_json(self) -> dict[str, Any]:
        weights = None if self.class_weights is None else list(self.class_weights)
        return {
            "name": self.name,
            "columns": list(self.columns),
            "classes": list(self.classes),
            "class_weights": weights,
            "loss_name": self.loss_name,
        }

    @property
    def num_outputs(self) -> int:
        return len(self.classes)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "unet"

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        losses, weights = self._losses(self._logits(model, batch), batch[self.target])
        # A batch may be void altogether.
        total = weights.sum()
        return {"loss": losses.sum() / total.clamp(min=1e-12), "weight_sum": total}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``logits`` ``(B, K, H, W)`` and ``classes`` ``(B, H, W)``; where the truth is known, the plain ``loss`` of
        each picture and its ``loss_weight``, both summed over pixels.
        """
        logits = self._logits(model, batch)
        outputs = {"logits": logits, "classes": logits.argmax(dim=1)}
        if self.target in batch:
            outputs["loss"], outputs["loss_weight"] = self._losses(logits, batch[self.target])
        return outputs

    def _logits(self, model: nn.Module, batch: Batch) -> Tensor:
        inputs = batch[self.input]
        logits = self.call(model, batch)
        wanted = (len(inputs), self.num_outputs, *inputs.shape[2:])
        if not isinstance(logits, Tensor) or logits.shape != wanted:
            came = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ShapeError(
                f"The network must give {self.num_outputs} numbers for each pixel, a tensor of shape {wanted}; got "
                f"{came}. Take a network whose outputs are maps, such as unet."
            )
        return logits.float()

    def _losses(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The sums over the pixels of each picture: of losses and of their weights, two of ``(B,)``."""
        weights = None
        if self.class_weights is not None:
            weights = torch.tensor(self.class_weights, dtype=logits.dtype, device=logits.device)
        known = (target != VOID).to(logits.dtype)
        if weights is not None:
            known = known * weights[target.clamp(max=self.num_outputs - 1)]
        total = known.flatten(1).sum(dim=1)
        losses = torch.zeros_like(total)
        if self.loss_name != "dice":
            each = nn.functional.cross_entropy(logits, target, weight=weights, ignore_index=VOID, reduction="none")
            losses = each.flatten(1).sum(dim=1)
        if self.loss_name != "cross-entropy":
            losses = losses + total * dice_loss(logits, target, weights)
        return losses, total

    def metrics(self) -> SegmentationMetrics:
        return SegmentationMetrics(self.classes)

    def answers(
        self, network: nn.Module, preparation: Preparation, inputs: Any, *, batch_size: int, device: torch.device
    ) -> list[Segmented]:
        assert isinstance(preparation, ColumnsPreparation)
        codec = preparation.input
        pictures = images_of(inputs, channels=codec.channels, values=codec.values)
        found: list[Segmented] = []
        size = min(batch_size, self.most_at_once)
        for start in range(0, len(pictures), size):
            some = pictures[start : start + size]
            rows = torch.from_numpy(np.ascontiguousarray(codec.read(some)))
            batch = Batch({self.input: codec.to_model_input(rows.to(device))}, torch.arange(len(some)))
            with torch.inference_mode():
                logits = self.predict(network, batch)["logits"]
            for picture, maps in zip(some, logits):
                pixels = np.asarray(picture)
                pixels = pixels[..., None] if pixels.ndim == 2 else pixels
                mask = in_original_size(maps, codec.frame, (pixels.shape[0], pixels.shape[1]))
                found.append(Segmented(mask, self.classes, pixels))
        return found

    def row_answers(
        self, network: nn.Module, preparation: Preparation, read: np.ndarray, *, batch_size: int, device: torch.device
    ) -> list[Segmented]:
        rows = torch.from_numpy(np.ascontiguousarray(read))
        found = []
        for some in rows.split(min(batch_size, self.most_at_once)):
            batch = Batch({self.input: preparation.to_model_input(some.to(device))}, torch.arange(len(some)))
            with torch.inference_mode():
                classes = self.predict(network, batch)["classes"].to(torch.uint8).cpu().numpy()
            found += [Segmented(mask, self.classes, picture) for mask, picture in zip(classes, some.numpy())]
        return found

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """What always naming the commonest class reaches, and pictures with true and predicted masks."""
        split = next((name for name in ("test", "val") if name in table.splits), None)
        if split is None:
            return {}
        assert isinstance(preparation, ColumnsPreparation)
        column = table.target()
        return segmentation_findings(
            self,
            network,
            preparation.input,
            source(split),
            split,
            train=_counts(table, column, table.splits["train"]),
            names=table.row_names,
            folder=folder if self.keeps_pictures else None,
        )


def in_original_size(logits: Tensor, frame: Any, size: tuple[int, int]) -> np.ndarray:
    """The class of each pixel of a picture from the maps of a network that saw it in its frame.

    Maps are brought back bilinearly, and then the largest decides; what the network did not see is 255.

    Args:
        logits: of one picture.
        frame: how it came to the network's input.
        size: height and width of the picture.

    Shapes:
        logits ``(K, height, width)`` → ``(H, W)`` uint8.
    """
    fitting = frame.fitting
    (top, left, height, width), (y, x, landed_height, landed_width), whole = fitting.placed(*size)
    # The window that was looked at is the middle of the whole.
    down, along = (whole[0] - frame.size[0]) // 2, (whole[1] - frame.size[1]) // 2
    first_row, last_row = max(y, down), min(y + landed_height, down + frame.size[0])
    first_column, last_column = max(x, along), min(x + landed_width, along + frame.size[1])
    seen = logits[:, first_row - down : last_row - down, first_column - along : last_column - along]
    rows = [round((line - y) * height / landed_height) for line in (first_row, last_row)]
    columns = [round((line - x) * width / landed_width) for line in (first_column, last_column)]
    shape = (max(1, rows[1] - rows[0]), max(1, columns[1] - columns[0]))
    if tuple(seen.shape[1:]) == shape:
        classes = seen.argmax(dim=0)
    else:
        # One class at a time: the maps of a photograph in its full size would fill the memory.
        best = torch.full(shape, -float("inf"), device=seen.device)
        classes = torch.zeros(shape, dtype=torch.int64, device=seen.device)
        for number, one in enumerate(seen):
            large = nn.functional.interpolate(one[None, None], size=shape, mode="bilinear", align_corners=False)[0, 0]
            classes = torch.where(large > best, number, classes)
            best = torch.maximum(best, large)
    mask = np.full(size, VOID, dtype=np.uint8)
    y0, x0 = top + rows[0], left + columns[0]
    mask[y0 : y0 + shape[0], x0 : x0 + shape[1]] = classes.to(torch.uint8).cpu().numpy()
    return mask


def _counts(table: Table, column: Column, rows: Rows) -> np.ndarray:
    """How many pixels of some rows have each class."""
    data = table[column.name]
    assert isinstance(data, Dense | Pictures)
    assert column.classes is not None
    masks = (data.values[row] if isinstance(data, Dense) else data.picture(row) for row in rows.tolist())
    counts = sum((np.bincount(mask.reshape(-1), minlength=VOID + 1) for mask in masks), np.zeros(VOID + 1, np.int64))
    return np.asarray(counts[: len(column.classes)])
