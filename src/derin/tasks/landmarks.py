"""Landmarks: where the same points of a thing lie in each picture, such as the corners of a face's eyes and mouth.

Sources: of the networks `derin.models.landmark_networks`, of the losses `derin.tasks.point_losses`, of the metrics
`derin.tasks.metrics.landmarks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from derin.core.errors import DataError, ShapeError, UnknownNameError, UsageError
from derin.core.fields import Among
from derin.data.batch import Batch, Source
from derin.data.columns import ColumnsPreparation
from derin.data.preparation import Preparation
from derin.data.schema import Kind
from derin.data.table import Points, Rows, Table
from derin.models.point_output import PointOutput, point_output
from derin.models.registry import MODELS
from derin.tasks.card import NAMES, checked
from derin.tasks.in_pictures import PlacesInPictures
from derin.tasks.landmark_findings import landmark_findings, mean_shape
from derin.tasks.metrics.landmarks import PICTURE, POINTS, LandmarkMetrics, distances_of
from derin.tasks.placed_points import PlacedPoints, Point
from derin.tasks.point_losses import LOSSES, map_losses, number_losses
from derin.tasks.supervised import built_from_card
from derin.train.protocol import Losses, Outputs

# The outer corners of the eyes, by how many points a scheme has: that of 300-W, and that of WFLW.
_EYES = {68: (36, 45), 98: (60, 72)}
_IS_THERE = 0.5


class Landmarks(PlacesInPictures):
    """The places of K points in each picture, and where pictures without the thing were learned, whether it is there.

    Points that are not visible count neither in the loss nor in what is measured.

    Args:
        columns: the column of points.
        points: their names.
        pairs: of a left and a right point each, by number.
        normalize: what errors are divided by: ``"points"`` (the diagonal of the box around the points), ``"picture"``
            (that of the picture), or two points, by names or numbers with a dash between them, whose distance it is.
        loss_name: of `derin.tasks.point_losses.LOSSES`.
        learns_presence: whether there are pictures without the thing, so that the network says if it is there.

    Shapes:
        a network gives ``(B, 1 + 2K + ...)``, see `derin.models.point_output`.

    Example:
        >>> task = Landmarks(columns=["points"], points=["eye_l", "eye_r", "nose"], normalize="eye_l-eye_r")
        >>> task.monitor, task.num_outputs, task.distance
        ('nme', 7, (0, 1))
    """

    name = "landmarks"
    monitor = "nme"
    maximize = False
    options = frozenset({"normalize", "loss_name"})
    trunk_model = "landmark_heatmaps"
    output_note = "whose places are shares of the picture"

    def __init__(
        self,
        *,
        columns: Sequence[str],
        points: Sequence[str],
        pairs: Sequence[Sequence[int]] = (),
        normalize: str = POINTS,
        loss_name: str = LOSSES[0],
        learns_presence: bool = False,
    ) -> None:
        super().__init__(columns)
        self.points = tuple(points)
        self.pairs = tuple((left, right) for left, right in pairs)
        if not self.points or len(set(self.points)) < len(self.points):
            raise UsageError(f"Landmarks need a point at least, each with a name of its own; got {list(self.points)}.")
        if not all(0 <= place < len(self.points) for pair in self.pairs for place in pair):
            raise UsageError(f"Landmarks: pairs must be numbers of the {len(self.points)} points; got {self.pairs}.")
        if loss_name not in LOSSES:
            raise UnknownNameError("loss of landmarks", loss_name, LOSSES)
        self.normalize, self.loss_name, self.learns_presence = normalize, loss_name, learns_presence
        self.distance = _distance(normalize, self.points)
        self._mean_shape: npt.NDArray[np.float64] | None = None  # of training, where it was made of it

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        points = table[column.name]
        if column.kind is not Kind.POINTS or not isinstance(points, Points):
            raise DataError(
                f"Table {table.name!r}: landmarks need the same points in each picture; {column.name!r} holds "
                f"{column.kind.value}. Read pictures with points (a table of x and y, COCO keypoints, .pts files)."
            )
        sizes = points.frames[:, None, ::-1]
        inside = points.visible & ((points.places >= 0) & (points.places <= sizes)).all(axis=2)
        known = replace(points, visible=inside).take(rows)
        if not known.visible.any():
            raise DataError(
                f"Table {table.name!r}: landmarks need training pictures with visible points inside of them; got none."
            )
        count = points.places.shape[1]
        names = column.classes or tuple(str(number) for number in range(count))
        task = cls(
            columns=[column.name],
            points=names,
            pairs=points.pairs,
            normalize=options.get("normalize", _suiting(count, points.pairs)),
            loss_name=options.get("loss_name", LOSSES[0]),
            learns_presence=not known.visible.any(axis=1).all(),
        )
        task._mean_shape = mean_shape(known)
        val = replace(points, visible=inside).take(table.splits.get("val", rows))
        if len(val) and np.isnan(distances_of(val.places, val.visible, val.frames, task.distance)).all():
            raise DataError(
                f"Table {table.name!r}: validation needs a picture in which what errors are divided by is known "
                f"(normalize={task.normalize}); got none among {len(val)}. Choose another, or add pictures."
            )
        return task

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        forms = {
            "columns": NAMES, "points": NAMES, "pairs": [[int]], "normalize": str, "loss_name": Among(LOSSES),
            "learns_presence": bool,
        }  # fmt: skip
        return built_from_card(cls, cls.name, checked(cls.name, data, forms))

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "points": list(self.points),
            "pairs": [list(pair) for pair in self.pairs],
            "normalize": self.normalize,
            "loss_name": self.loss_name,
            "learns_presence": self.learns_presence,
        }

    @property
    def num_outputs(self) -> int:
        return 1 + 2 * len(self.points)

    @classmethod
    def default_model(cls, table: Table) -> str:
        return "landmark_heatmaps"

    def network_options(self, model: str) -> dict[str, Any]:
        """Of a network that begins with a shape the mean one of training."""
        options = {field.name for field in fields(MODELS[model].options)} if model in MODELS else set()
        if "mean_shape" not in options or self._mean_shape is None:
            return {}
        return {"mean_shape": [[round(side, 4) for side in one] for one in self._mean_shape.tolist()]}

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        losses, weights = self._losses(model, self._output(model, batch), batch)
        total = weights.sum()
        return {"loss": (losses * weights).sum() / total.clamp(min=1.0), "weight_sum": total}

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        """``places`` ``(B, K, 2)`` in pixels of the picture where its size is known, else of the network's input, and
        ``presence`` ``(B,)``; where the truth is known, ``true_places`` in the same pixels, ``visible`` ``(B, K)``,
        and ``loss`` and ``loss_weight`` of each picture.
        """
        output = self._output(model, batch)
        found = point_output(output, len(self.points))
        outputs = {
            "places": self._placed(found.places * self._sides(batch), batch),
            "presence": found.presence.sigmoid(),
        }
        if self.target in batch:
            outputs["loss"], outputs["loss_weight"] = self._losses(model, output, batch)
            target = batch[self.target]
            outputs["true_places"] = self._placed(target[..., :2], batch)
            outputs["visible"] = target[..., 2] > 0
        return outputs

    def _sides(self, batch: Batch) -> Tensor:
        height, width = batch[self.input].shape[2:]
        return torch.tensor([width, height], dtype=torch.float32, device=batch[self.input].device)

    def _placed(self, places: Tensor, batch: Batch) -> Tensor:
        """Places of the input in pixels of the pictures, where their sizes are known."""
        places = places.float().cpu()
        if self.size_of_picture not in batch:
            return places
        sizes = batch[self.size_of_picture].cpu().numpy().astype(np.int64)
        return torch.from_numpy(self.in_picture(places.numpy(), sizes).astype(np.float32))

    def _output(self, model: nn.Module, batch: Batch) -> Tensor:
        output = self.call(model, batch)
        if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[1] < self.num_outputs:
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ShapeError(
                f"The network must give {self.num_outputs} numbers for {len(self.points)} points, a tensor of shape "
                f"(batch, numbers); got {came}. Take one of landmarks, such as landmark_heatmaps, or a classifier."
            )
        return output.float()

    def _losses(self, model: nn.Module, output: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of each picture, and whether it has a say: two of ``(B,)``."""
        target = batch[self.target].float()
        found = point_output(output, len(self.points))
        # Losses in bf16 would lose the small differences that training lives on.
        with torch.autocast(output.device.type, enabled=False):
            losses = self._place_losses(model, found, target, tuple(batch[self.input].shape[2:]))  # type: ignore[arg-type]
            is_there = target[..., 2].amax(dim=1)
            if not self.learns_presence:
                return losses, is_there
            presence = F.binary_cross_entropy_with_logits(found.presence, is_there, reduction="none")
            return losses + presence, torch.ones_like(is_there)

    def _place_losses(self, model: nn.Module, found: PointOutput, target: Tensor, size: tuple[int, int]) -> Tensor:
        if getattr(model, "point_loss", None) != "maps":
            return number_losses(found, target, size, self.loss_name)
        network: Any = model
        maps = {"maps": network.map_size(*size), "stride": network.stride}
        return map_losses(found, target, size, self.loss_name, **maps)

    def metrics(self) -> LandmarkMetrics:
        return LandmarkMetrics(self.points, self.distance, learns_presence=self.learns_presence)

    def answers_of(self, outputs: Outputs, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[PlacedPoints]:
        found = []
        for picture, places, sure in zip(pictures, outputs["places"].tolist(), outputs["presence"].tolist()):
            is_there = not self.learns_presence or sure >= _IS_THERE
            points = tuple(Point(name, x, y) for name, (x, y) in zip(self.points, places)) if is_there else ()
            found.append(PlacedPoints(points, picture, sure if self.learns_presence else None, self.pairs))
        return found

    def final_analysis(
        self,
        network: nn.Module,
        preparation: Preparation,
        table: Table,
        source: Callable[[str], Source],
        folder: Path,
    ) -> dict[str, Any]:
        """What mean shapes reach, how errors are distributed, and the worst pictures."""
        assert isinstance(preparation, ColumnsPreparation)
        return landmark_findings(self, network, preparation.input, table, source, folder)


def _suiting(count: int, pairs: Sequence[tuple[int, int]]) -> str:
    """The distance that suits points: the outer corners of the eyes where the scheme is one of faces."""
    if count == 1:
        return PICTURE
    eyes = _EYES.get(count)
    is_face = eyes is not None and any(set(pair) == set(eyes) for pair in pairs)
    return f"{eyes[0]}-{eyes[1]}" if eyes is not None and is_face else POINTS


def _distance(normalize: str, points: Sequence[str]) -> str | tuple[int, int]:
    """What is asked for, with points by their numbers.

    Raises:
        UsageError: it is no distance.
    """
    if normalize in (POINTS, PICTURE):
        return normalize
    # A name may have a dash itself.
    for place, sign in enumerate(str(normalize)):
        if sign == "-":
            ends = [_number(part.strip(), points) for part in (normalize[:place], normalize[place + 1 :])]
            if None not in ends and ends[0] != ends[1]:
                return ends[0], ends[1]  # type: ignore[return-value]
    raise UsageError(
        f"normalize must be {POINTS!r}, {PICTURE!r}, or two of the points with a dash between them, such as "
        f"{points[0]}-{points[-1]}; got {normalize!r}."
    )


def _number(name: str, points: Sequence[str]) -> int | None:
    if name in points:
        return list(points).index(name)
    return int(name) if name.isdecimal() and int(name) < len(points) else None
