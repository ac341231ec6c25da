"""Every recipe is valid, and they differ where the data differ."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.tasks.task_tables import TABLES

from derin.data.augment import Augmentation
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Table
from derin.models import MODELS
from derin.tasks.recipes import RECIPES, Facts, facts_of, finetuning_recipe, recipe
from derin.train.config import TrainConfig

NAMES = [*RECIPES, "a network of my own"]


@pytest.mark.parametrize("name", NAMES)
def test_settings_and_augmentation_are_valid_for_every_size_of_data_and_pictures(name: str) -> None:
    sizes: list[tuple[int, int] | None] = [None, (8, 8), (28, 28), (224, 224), (0, 0)]
    for num_train, size in itertools.product([40, 1_400, 12_000, 55_000], sizes):
        chosen = recipe(name, Facts(num_train=num_train, picture_size=size, channels=3, mirrored=True))
        TrainConfig.from_json(dict(chosen.settings))
        assert chosen.reasons
        if chosen.augmentation:
            assert size is not None
            Augmentation.parse(chosen.augmentation)


def test_every_registered_model_has_a_recipe_on_purpose() -> None:
    assert set(MODELS) - set(RECIPES) == set()


@pytest.mark.parametrize("name", sorted(set(RECIPES) & set(MODELS)))
def test_options_of_a_recipe_are_options_of_its_model(name: str) -> None:
    facts = Facts(num_train=2_000, picture_size=(0, 0), channels=3, mirrored=True)
    MODELS[name].options(**recipe(name, facts).model_options)


@pytest.mark.parametrize("name", ["vgg16", "alexnet", "squeezenet1_0", "googlenet", "vit_s_16", "convnext_tiny"])
def test_networks_without_batch_norm_have_low_rates_and_clipped_gradients(name: str) -> None:
    facts = Facts(num_train=2_000, picture_size=(0, 0), channels=3, mirrored=True)
    settings = recipe(name, facts).settings
    assert settings["optimizer"] == "adamw"
    assert settings["learning_rate"] <= 5e-4
    assert settings["clip_norm"] > 0


@pytest.mark.parametrize("mode", ["head", "full", "freeze", "gradual"])
@pytest.mark.parametrize("num_train", [20, 245, 2_000, 60_000])
def test_recipes_of_fine_tuning_are_valid_and_gentler_than_a_fresh_start(mode: str, num_train: int) -> None:
    facts = Facts(num_train=num_train, picture_size=(0, 0), channels=3, mirrored=True)
    chosen = finetuning_recipe(mode, facts)
    config = TrainConfig.from_json(dict(chosen.settings))
    assert config.learning_rate < 4e-3
    Augmentation.parse(chosen.augmentation)
    assert ("flip" in chosen.augmentation) == (mode != "head")


def test_few_photographs_get_dropout_and_stronger_augmentation_than_many() -> None:
    few, many = (
        recipe("convnet", Facts(num_train=num, picture_size=(0, 0), channels=3, mirrored=True))
        for num in (2_000, 50_000)
    )
    assert few.model_options == {"dropout": 0.3}
    assert {"rotate=15", "zoom=0.2"} <= set(few.augmentation.split(","))
    assert many.augmentation == "flip"


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
    data = {"x": Dense(np.arange(945, dtype=np.uint8).reshape(5, 9, 7, 3)), "y": Dense(np.array([0, 1, 0, 1, 0]))}
    table = Table(name="toy", schema=Schema(columns), columns=data, splits={"train": np.array([0, 2, 4])})
    assert facts_of(table) == Facts(num_train=3, picture_size=(9, 7), channels=3, is_classes=True, mirrored=True)
    assert not facts_of(TABLES["regression"]).is_classes


def test_numbers_are_not_smoothed() -> None:
    assert recipe("convnet", Facts(num_train=100, picture_size=(28, 28), is_classes=False)).label_smoothing == 0.0


def test_every_recipe_says_why() -> None:
    facts = Facts(num_train=2_000, picture_size=(0, 0), channels=3, mirrored=True)
    chosen = {name: recipe(name, facts) for name in MODELS}
    chosen |= {mode: finetuning_recipe(mode, facts) for mode in ("head", "full", "freeze", "gradual")}
    for name, found in chosen.items():
        assert found.reasons, name
        assert all(reason.endswith((".", ".)")) for reason in found.reasons), name
    assert len({chosen[mode].reasons for mode in ("head", "full", "gradual")}) == 3
