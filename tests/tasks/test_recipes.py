"""Every recipe is valid, and they differ where the data differ."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.task_tables import TABLES

from derin.data.augment import Augmentation
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.tasks.recipes import Facts, facts_of, recipe
from derin.train.config import TrainConfig

NAMES = ["convnet", "resnet20", "resnet18", "lenet5", "mlp", "linear", "logistic", "perceptron", "a network of my own"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_train", [40, 1_400, 12_000, 55_000])
@pytest.mark.parametrize("size", [None, (8, 8), (28, 28), (224, 224), (0, 0)])
def test_settings_and_augmentation_are_valid(name: str, num_train: int, size: tuple[int, int] | None) -> None:
    facts = Facts(num_train=num_train, picture_size=size, channels=3, mirrored=True)
    chosen = recipe(name, facts)
    TrainConfig.from_json(dict(chosen.settings))
    assert chosen.reasons
    if chosen.augmentation:
        assert size is not None
        Augmentation.parse(chosen.augmentation)


def test_small_sets_get_more_passes_and_smaller_batches() -> None:
    small, large = (recipe("convnet", Facts(num_train=num)).settings for num in (1_400, 55_000))
    assert small["epochs"] > large["epochs"]
    assert small["batch_size"] < large["batch_size"]


def test_digits_are_not_mirrored_and_photographs_are() -> None:
    assert "flip" not in recipe("convnet", Facts(num_train=1_400, picture_size=(28, 28), channels=1)).augmentation
    photographs = Facts(num_train=1_400, picture_size=(32, 32), channels=3, mirrored=True)
    assert "flip" in recipe("convnet", photographs).augmentation


def test_facts_come_from_the_table() -> None:
    columns = (
        Column(name="x", kind=Kind.PICTURE, role=Role.INPUT, shape=(9, 7, 3)),
        Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b")),
    )
    data = {"x": Dense(np.zeros((5, 9, 7, 3), np.uint8)), "y": Dense(np.array([0, 1, 0, 1, 0]))}
    table = Table(name="toy", schema=Schema(columns), columns=data, splits={"train": np.array([0, 2, 4])})
    assert facts_of(table) == Facts(num_train=3, picture_size=(9, 7), channels=3, is_classes=True, mirrored=True)
    assert not facts_of(TABLES["regression"]).is_classes


def test_numbers_are_not_smoothed() -> None:
    assert recipe("convnet", Facts(num_train=100, picture_size=(28, 28), is_classes=False)).label_smoothing == 0.0
