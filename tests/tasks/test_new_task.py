"""A task that does not exist yet, points in pictures, written on the bases alone: it trains, is saved and answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import derin
from derin.data.batch import Batch
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Points, Rows, Table
from derin.tasks.base import BaseTask
from derin.tasks.card import NAMES, checked
from derin.tasks.registry import TASK_OF_KIND, TASKS
from derin.train.protocol import Losses, Outputs

SIDE = 12


class Distance:
    """The mean distance of a point from where it is, in pixels."""

    def __init__(self) -> None:
        self.distances: list[Tensor] = []
        self.losses: list[Tensor] = []

    def update(self, outputs: Outputs, batch: Batch) -> None:
        self.distances.append((outputs["places"] - batch["target"][..., :2]).norm(dim=-1).flatten())
        self.losses.append(outputs["loss"])

    def compute(self) -> dict[str, Any]:
        return {"loss": float(torch.cat(self.losses).mean()), "distance": float(torch.cat(self.distances).mean())}

    def intervals(self) -> dict[str, Any]:
        return {}


class PointsInPictures(BaseTask):
    name = "points"
    monitor = "distance"
    maximize = False

    def __init__(self, columns: Any, num_points: int) -> None:
        super().__init__(columns)
        self.num_points = num_points

    @classmethod
    def from_table(cls, table: Table, rows: Rows, options: Mapping[str, Any]) -> Self:
        column = table.target()
        points = table[column.name]
        assert isinstance(points, Points)
        return cls([column.name], points.places.shape[1])

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**checked(cls.name, data, {"columns": NAMES, "num_points": int}))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "columns": list(self.columns), "num_points": self.num_points}

    @property
    def num_outputs(self) -> int:
        return 2 * self.num_points

    def predict(self, model: nn.Module, batch: Batch) -> Outputs:
        places = SIDE * torch.sigmoid(self.call(model, batch)).reshape(-1, self.num_points, 2)
        outputs = {"places": places}
        if "target" in batch:
            away = (places - batch["target"][..., :2]).square().sum(dim=2) * batch["target"][..., 2]
            outputs["loss"] = away.mean(dim=1) / SIDE**2
        return outputs

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        return {"loss": self.predict(model, batch)["loss"].mean()}

    def metrics(self) -> Distance:
        return Distance()

    def decode(self, outputs: Outputs) -> list[Any]:
        return list(outputs["places"].cpu().numpy())


def bright_dots(num: int) -> Table:
    """Dark pictures with one bright pixel each, and where it is."""
    places = np.random.default_rng(0).integers(0, SIDE, (num, 2))
    pictures = np.zeros((num, SIDE, SIDE, 1), dtype=np.uint8)
    pictures[np.arange(num), places[:, 1], places[:, 0]] = 255
    points = Points(
        (places[:, None] + 0.5).astype(np.float32), np.ones((num, 1), dtype=bool), np.full((num, 2), SIDE, np.int64)
    )
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=(SIDE, SIDE, 1)),
            Column(name="dot", kind=Kind.POINTS, role=Role.TARGET, shape=(1, 3)),
        )
    )
    rows = np.arange(num)
    splits = {"train": rows[rows % 4 > 0], "val": rows[rows % 4 == 0]}
    return Table(name="dots", schema=schema, columns={"picture": Dense(pictures), "dot": points}, splits=splits)


def test_a_class_and_its_name_are_all_that_a_new_task_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS._loaded, "points", PointsInPictures)
    monkeypatch.setitem(TASK_OF_KIND, Kind.POINTS, "points")
    table = bright_dots(160)
    run = derin.fit(
        table, model="mlp", epochs=30, learning_rate=0.01, augment="none", out=tmp_path / "run", plan="plain",
        threads=1, report=False, quiet=True,
    )  # fmt: skip
    # Saying the middle always is off by 4.6 pixels on average.
    assert run.metrics["val"]["distance"] < 2.5
    model = derin.open(run.path)
    assert model.task == PointsInPictures(["dot"], 1)
    pictures = table["picture"]
    assert isinstance(pictures, Dense)
    answers = np.stack(model.predict(list(pictures.values[table.splits["val"]])))
    points = table["dot"]
    assert isinstance(points, Points)
    away = np.linalg.norm(answers - points.places[table.splits["val"]], axis=-1).mean()
    assert away == pytest.approx(run.metrics["val"]["distance"], rel=1e-4)  # float32, in batches of another size
