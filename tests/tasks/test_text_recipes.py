"""The recipes of networks that classify texts: settings that exist, and more passes for fewer texts."""

from __future__ import annotations

import pytest

from derin.data.text.tokenizers import TOKENIZERS
from derin.layers.options import read_options
from derin.models import MODELS
from derin.tasks.recipes import recipe
from derin.tasks.recipes.facts import Facts
from derin.train.config import TrainConfig

NAMES = ("text_bag", "text_average", "text_cnn", "text_lstm", "text_gru")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num", [8, 750, 6_398, 25_000, 600_000])
def test_settings_options_and_inputs_exist(name: str, num: int) -> None:
    found = recipe(name, Facts(num_train=num, num_bytes=100 * num))
    TrainConfig.from_json(dict(found.settings))
    read_options(MODELS[name].options, found.model_options, where=name)
    assert found.inputs["tokenizer"] in TOKENIZERS
    assert all(sentence.endswith(".") for sentence in found.reasons)


@pytest.mark.parametrize("name", NAMES)
def test_fewer_texts_get_more_passes(name: str) -> None:
    epochs = [recipe(name, Facts(num_train=num)).settings["epochs"] for num in (500, 6_000, 50_000, 500_000)]
    assert epochs == sorted(epochs, reverse=True)
    assert epochs[0] > epochs[-1]
