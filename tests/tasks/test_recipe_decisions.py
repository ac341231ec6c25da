"""What each recipe has decided, from papers and from runs on real data (benchmarks/RESULTS.md): a change of a number
there is a decision of its own, and is taken here too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import Dense, Ragged, Table
from derin.models import MODELS
from derin.models.building import SYSTEMS
from derin.tasks.recipes import RECIPES, Facts, facts_of, finetuning_recipe, recipe

PHOTOGRAPHS = {"picture_size": (32, 32), "channels": 3, "mirrored": True}
TEXT = {"num_bytes": 1_000_000}
CYCLE: dict[str, Any] = {"schedule": "one-cycle"}
ADAM: dict[str, Any] = {"optimizer": "adamw", **CYCLE}
NESTEROV: dict[str, Any] = {"optimizer": "nesterov", **CYCLE}
WORDS: dict[str, Any] = {"optimizer": "adamw", "schedule": "cosine", "warmup": 0.02, "clip_norm": 1.0}
VECTORS: dict[str, Any] = {"learning_rate": 0.05, "weight_decay": 0.0, "plan": "plain"}
CROPPED, PUBLISHED = "flip,crop_padding=2", "flip,crop_padding=4"

# Networks that share a recipe: settings but batch size and epochs, augmentation, label smoothing, options, inputs; for
# 10 000 training examples, coloured pictures of 32 × 32 pixels or a million bytes of text.
Row = tuple[dict[str, Any], str, float, dict[str, Any], dict[str, Any]]
DECIDED: dict[str, Row] = {
    "perceptron linear logistic": ({**ADAM, "learning_rate": 0.01, "weight_decay": 0.0}, "", 0.0, {}, {}),
    # Vectors begin where one-hot features end.
    "mlp": ({**ADAM, "learning_rate": 1e-3}, "", 0.0, {}, {"embeddings": 51}),
    "lenet5": ({**ADAM, "learning_rate": 2e-3}, CROPPED, 0.0, {}, {}),
    "lenet5_1998": ({**ADAM, "learning_rate": 1e-3, "clip_norm": 5.0}, CROPPED, 0.0, {}, {}),
    "convnet": ({**ADAM, "learning_rate": 4e-3, "weight_decay": 0.02}, CROPPED, 0.05, {}, {}),
    # He et al. 2016, section 4.2: 0.1, 5·10⁻⁴ in the release, crops of pictures padded by 4.
    "resnet18 resnet34 resnet50 resnet101 resnet152 plain18 plain34": (
        {**NESTEROV, "learning_rate": 0.1, "weight_decay": 5e-4},
        PUBLISHED,
        0.05,
        {},
        {},
    ),
    "resnet20 resnet32 resnet44 resnet56 resnet110 plain20 plain32 plain44 plain56 plain110": (
        {"optimizer": "muon", **CYCLE, "learning_rate": 0.015, "momentum": 0.95, "weight_decay": 0.05},
        PUBLISHED,
        0.05,
        {},
        {},
    ),
    "alexnet alexnet_2012 vgg11 vgg13 vgg16 vgg19 googlenet squeezenet1_0 squeezenet1_1 facenet_nn1": (
        {**ADAM, "learning_rate": 3e-4, "weight_decay": 0.01, "clip_norm": 1.0},
        CROPPED,
        0.05,
        {},
        {},
    ),
    "vgg11_bn vgg13_bn vgg16_bn vgg19_bn densenet121 googlenet_bn inception_v3 dcgan_discriminator": (
        {**NESTEROV, "learning_rate": 0.05, "weight_decay": 1e-4},  # Huang et al. 2017
        CROPPED,
        0.05,
        {},
        {},
    ),
    "mobilenet_v1 mobilenet_v2": ({**NESTEROV, "learning_rate": 0.05, "weight_decay": 4e-5}, CROPPED, 0.05, {}, {}),
    "efficientnet_b0": ({**ADAM, "learning_rate": 2e-3, "weight_decay": 0.02}, CROPPED, 0.05, {}, {}),
    "convnext_tiny vit_s_16": (
        {
            "optimizer": "adamw",
            "schedule": "cosine",
            "warmup": 0.1,
            "learning_rate": 5e-4,
            "weight_decay": 0.05,
            "clip_norm": 1.0,
        },
        CROPPED,
        0.05,
        {},
        {},
    ),
    "facenet_nn4_small2 mobilefacenet": (
        {**NESTEROV, "learning_rate": 0.05, "weight_decay": 5e-4, "clip_norm": 5.0},  # Chen et al. 2018
        "flip",
        0.05,
        {},
        {},
    ),
    "dcgan_generator mtcnn_pnet mtcnn_rnet mtcnn_onet sensor_fusion": ({}, "", 0.0, {}, {}),
    # Radford et al. 2016, section 4: Adam with β₁ = 0.5. Smoothing of reals: Salimans et al. 2016.
    "dcgan": (
        {
            "optimizer": "adam:betas=0.5/0.999",
            "learning_rate": 5e-4,
            "weight_decay": 0.0,
            "schedule": "constant",
            "networks": "generator.ema_decay=0.99",
        },
        "",
        0.1,
        {},
        {"normalize": "symmetric"},
    ),
    # Ho et al. 2020, section 4: an average of the weights makes the pictures.
    "flow_unet": (
        {
            **ADAM,
            "learning_rate": 2e-3,
            "weight_decay": 0.0,
            "clip_norm": 1.0,
            "ema_decay": 0.995,
        },
        "",
        0.0,
        {},
        {"normalize": "symmetric"},
    ),
    # Kingma and Welling 2014, appendix C, with Adam for Adagrad.
    "vae": (
        {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.0, "schedule": "cosine"},
        "",
        0.0,
        {},
        {"normalize": "symmetric"},
    ),
    "yolo yolo_grid yolo_large localizer": (
        {
            **ADAM,
            "schedule": "cosine",
            "warmup": 0.05,
            "learning_rate": 1e-3,
            "weight_decay": 0.02,
            "clip_norm": 10.0,
            "ema_decay": 0.99,
        },
        "flip,zoom=0.3,shift=0.1,brightness=0.2,contrast=0.2,saturation=0.3",
        0.0,
        {},
        {"fit": "pad", "size": 64},
    ),
    "landmark_regressor landmark_heatmaps": (
        {**ADAM, "learning_rate": 2e-3, "weight_decay": 0.02, "clip_norm": 10.0, "ema_decay": 0.99},
        "flip,rotate=15,zoom=0.15,shift=0.05,brightness=0.3,contrast=0.3",
        0.0,
        {},
        {"fit": "pad", "size": 128},
    ),
    # Lim et al. 2017, section 4.2: Adam; here a higher rate for few updates, come down by one cycle, and averaged.
    "edsr": (
        {"optimizer": "adam", **CYCLE, "weight_decay": 0.0, "learning_rate": 2e-3, "ema_decay": 0.99},
        "flip",
        0.0,
        {},
        {"fit": "window", "size": 32, "normalize": "none"},
    ),
    "unet": (
        {**ADAM, "learning_rate": 2e-3, "weight_decay": 0.01, "clip_norm": 1.0},
        "flip,zoom=0.2,shift=0.1",
        0.0,
        {"width": 16, "batch_norm": True},
        {"fit": "pad"},
    ),
    # The trunk learns at a fiftieth of this rate: at 3e-4 its last stages fell silent.
    "unet_trunk": (
        {
            "optimizer": "adamw",
            "schedule": "cosine",
            "warmup": 0.05,
            "learning_rate": 5e-3,
            "weight_decay": 0.01,
            "clip_norm": 1.0,
            "ema_decay": 0.99,
        },
        "flip,zoom=0.3,shift=0.1,brightness=0.2,contrast=0.2,saturation=0.2",
        0.0,
        {},
        {"fit": "pad", "size": (32, 32)},
    ),
    "skip_gram cbow": ({"optimizer": "sgd", "schedule": "linear", **VECTORS}, "", 0.0, {}, {}),
    "glove": ({"optimizer": "adagrad", "schedule": "constant", **VECTORS}, "", 0.0, {}, {}),
    "text_bag": (
        {"optimizer": "adamw", "schedule": "linear", "learning_rate": 0.02, "weight_decay": 0.0},
        "",
        0.0,
        {},
        {"tokenizer": "ngrams"},
    ),
    "text_average": ({**ADAM, "learning_rate": 5e-3, "weight_decay": 0.01}, "", 0.0, {}, {"tokenizer": "words"}),
    "text_cnn": ({**ADAM, "learning_rate": 2e-3, "weight_decay": 0.05}, "", 0.0, {}, {"tokenizer": "words"}),
    "text_lstm text_gru": (
        {**ADAM, "learning_rate": 2e-3, "weight_decay": 0.05, "clip_norm": 1.0},
        "",
        0.0,
        {},
        {"tokenizer": "words", "max_length": 400},
    ),
    "bilstm_crf": (
        {**ADAM, "learning_rate": 2e-3, "weight_decay": 0.01, "clip_norm": 5.0, "ema_decay": 0.999},
        "",
        0.0,
        {},
        {},
    ),
    "lstm_lm": (
        {**WORDS, "learning_rate": 2e-3, "weight_decay": 0.1},
        "",
        0.0,
        {"dropout": 0.5, "input_dropout": 0.1},
        {"window": 64},
    ),
    "neural_lm": ({**WORDS, "learning_rate": 3e-3, "weight_decay": 0.01}, "", 0.0, {}, {"window": 64}),
    "transformer_lm": (
        {**WORDS, "warmup": 0.05, "learning_rate": 2e-3, "weight_decay": 0.1},
        "",
        0.0,
        {"dropout": 0.2},
        {"window": 128, "context": 64},
    ),
    "series_mlp": ({**ADAM, "learning_rate": 1e-3, "weight_decay": 0.1}, "", 0.0, {}, {}),
    "nlinear dlinear": ({**ADAM, "learning_rate": 1e-3, "weight_decay": 0.01}, "", 0.0, {}, {}),
    "series_lstm series_gru series_tcn": (
        {**ADAM, "learning_rate": 1e-3, "weight_decay": 0.01, "clip_norm": 1.0},
        "",
        0.0,
        {},
        {},
    ),
    "seq2seq_gru seq2seq_attention": (
        {**ADAM, "learning_rate": 2e-3, "weight_decay": 0.01, "clip_norm": 1.0},
        "",
        0.1,
        {"dropout": 0.3, "dim": 256, "units": 512},
        {},
    ),
    "transformer": (
        {**ADAM, "learning_rate": 1e-3, "weight_decay": 0.01, "clip_norm": 1.0},
        "",
        0.1,
        {"dropout": 0.3},
        {},
    ),
}
EACH = [(name, row) for names, row in DECIDED.items() for name in names.split()]


def facts_for(name: str, num_train: int = 10_000, **given: Any) -> Facts:
    kind = "picture" if name in SYSTEMS else MODELS[name].input_kind
    if kind == "tokens":
        return Facts(**{"num_train": num_train, **TEXT, **given})
    return Facts(**{"num_train": num_train, **(PHOTOGRAPHS if kind == "picture" else {}), **given})


def test_the_decisions_are_those_of_every_network() -> None:
    assert sorted(name for name, _ in EACH) == sorted(RECIPES)


def test_every_recipe_is_as_it_was_decided() -> None:
    wrong = {}
    for name, row in EACH:
        found = recipe(name, facts_for(name))
        settings = {key: value for key, value in found.settings.items() if key not in ("batch_size", "epochs")}
        made = (settings, found.augmentation, found.label_smoothing, dict(found.model_options), dict(found.inputs))
        if made != row:
            wrong[name] = [(a, b) for a, b in zip(made, row) if a != b]
    assert not wrong
    rates = {name: recipe(name, facts_for(name)).trunk_lr for name, _ in EACH}
    assert {name: rate for name, rate in rates.items() if rate != 0.3} == {"unet_trunk": 0.02}


# A network with each way of counting: (examples, batch size, epochs) on both sides of every step.
SIZES: dict[str, list[tuple[int, int, int]]] = {
    "convnet": [
        *((300, 16, 60), (301, 32, 30), (3_000, 32, 30), (3_001, 64, 15), (15_000, 64, 15), (15_001, 128, 10)),
        *((40_000, 128, 10), (40_001, 128, 4)),
    ],
    "resnet18": [(15_000, 64, 15), (40_001, 128, 10)],  # ten at least: deep networks learn slowly at first
    "vit_s_16": [(300, 16, 60), (3_001, 64, 30), (40_001, 128, 30)],
    "text_bag": [
        *((3_000, 32, 8), (3_001, 32, 5), (20_000, 32, 5), (20_001, 128, 3), (100_000, 128, 3), (100_001, 128, 2)),
    ],
    "text_cnn": [
        *((1_000, 32, 30), (1_001, 32, 8), (20_000, 32, 8), (20_001, 128, 4), (100_000, 128, 4), (100_001, 128, 2)),
    ],
    "bilstm_crf": [
        *((100, 4, 60), (101, 8, 30), (1_000, 8, 30), (1_001, 16, 15), (5_000, 16, 15), (5_001, 32, 8)),
    ],
    "series_mlp": [
        *((300, 16, 100), (301, 64, 30), (3_000, 64, 30), (3_001, 64, 6), (20_000, 64, 6), (20_001, 128, 4)),
    ],
    "glove": [(100, 8_192, 15), (100_000, 8_192, 15)],
    "transformer": [(100, 64, 20), (100_000, 64, 20)],
}


@pytest.mark.parametrize("name", SIZES)
def test_batches_and_passes_change_where_it_was_decided(name: str) -> None:
    for num_train, batch_size, epochs in SIZES[name]:
        found = recipe(name, facts_for(name, num_train))
        assert (found.settings["batch_size"], found.settings["epochs"]) == (batch_size, epochs), num_train
        updates = math.ceil(num_train / batch_size) * epochs
        counted = [sentence for sentence in found.reasons if "updates" in sentence and "fewer updates" not in sentence]
        if name not in ("resnet18", "vit_s_16") or num_train <= 300:  # whose passes are raised behind the sentence
            assert all(f"{updates} updates" in sentence for sentence in counted)


def test_a_short_series_has_a_higher_rate() -> None:
    rates = [recipe("nlinear", Facts(num_train=num)).settings["learning_rate"] for num in (300, 301, 50_000)]
    assert rates == [3e-3, 1e-3, 1e-3]


def test_few_rows_of_a_table_are_kept_from_being_learnt_by_heart() -> None:
    found = [recipe("mlp", Facts(num_train=num)).settings.get("weight_decay") for num in (3_000, 3_001)]
    assert found == [0.1, None]


@pytest.mark.parametrize(
    ("num_train", "size", "epochs", "options"),
    [
        (15_000, (65, 20), 40, {"dropout": 0.3}),
        (15_001, (65, 20), 10, {}),
        (15_000, (64, 64), 15, {}),
        (200, (0, 0), 60, {"dropout": 0.3}),
    ],
)
def test_few_photographs_get_dropout_and_more_passes(
    num_train: int, size: tuple[int, int], epochs: int, options: dict[str, float]
) -> None:
    found = recipe("convnet", Facts(num_train=num_train, picture_size=size, channels=3))
    assert (found.settings["epochs"], found.model_options) == (epochs, options)


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("convnet", {"picture_size": None}, ""),
        ("convnet", {"channels": 1, "mirrored": False, "num_train": 15_000}, "rotate=10,zoom=0.1"),
        ("convnet", {"channels": 1, "mirrored": False, "num_train": 15_001}, ""),
        ("convnet", {"mirrored": False}, "crop_padding=2"),
        ("convnet", {"picture_size": (8, 8)}, "flip,crop_padding=1"),
        ("convnet", {"picture_size": (20, 64)}, "flip,crop_padding=5"),  # a fourteenth of the longer side
        ("convnet", {"picture_size": (0, 0)}, "flip,rotate=15,zoom=0.2,brightness=0.2,contrast=0.2"),
        ("convnet", {"picture_size": (0, 0), "num_train": 15_001}, "flip"),
        ("resnet18", {"picture_size": (40, 40)}, "flip,crop_padding=4"),
        ("resnet18", {"picture_size": (41, 20)}, "flip"),
        ("resnet18", {"picture_size": (0, 0), "mirrored": False}, ""),
        ("resnet18", {"picture_size": None}, ""),
        ("mobilefacenet", {"mirrored": False}, ""),
        ("mobilefacenet", {"picture_size": None}, ""),
        ("mlp", {}, ""),
    ],
)
def test_pictures_are_changed_as_far_as_they_mean_the_same(name: str, facts: dict[str, Any], expected: str) -> None:
    assert recipe(name, Facts(**{"num_train": 10_000, **PHOTOGRAPHS, **facts})).augmentation == expected


# Bytes of training text → streams, passes, then what the network is given.
LANGUAGE: list[tuple[str, int, int, int, dict[str, Any]]] = [
    ("lstm_lm", 0, 16, 30, {"hidden": 256, "dropout": 0.3}),
    ("lstm_lm", 499_999, 16, 13, {"hidden": 256, "dropout": 0.3}),
    ("lstm_lm", 500_000, 32, 27, {"dropout": 0.5, "input_dropout": 0.1}),
    ("lstm_lm", 2_499_999, 32, 5, {"dropout": 0.5, "input_dropout": 0.1}),
    ("lstm_lm", 2_500_000, 32, 13, {"dropout": 0.1}),
    ("lstm_lm", 100_000_000, 32, 3, {"dropout": 0.1}),
    ("transformer_lm", 499_999, 16, 13, {"dropout": 0.2}),
    ("transformer_lm", 2_500_000, 32, 13, {"dropout": 0.1}),
    ("neural_lm", 2_500_000, 32, 13, {}),
]


@pytest.mark.parametrize(("name", "num_bytes", "streams", "epochs", "options"), LANGUAGE)
def test_a_text_is_read_so_often_that_the_updates_come_out_alike(
    name: str, num_bytes: int, streams: int, epochs: int, options: dict[str, Any]
) -> None:
    found = recipe(name, Facts(num_train=1, num_bytes=num_bytes))
    assert (found.settings["batch_size"], found.settings["epochs"]) == (streams, epochs)
    assert found.model_options == options
    # 6 500 updates of windows of 64 tokens for a short text, 16 000 for a long one; half as many of twice the length.
    if 3 < epochs < 30:
        window = found.inputs["window"]
        wanted = (6_500 if num_bytes < 2_500_000 else 16_000) * 64 / window
        assert epochs * (num_bytes // (streams * window)) == pytest.approx(wanted, rel=0.5 / epochs + 0.01)


def test_a_recurrent_language_model_of_a_long_text_decays_less_and_learns_faster() -> None:
    short, long = (recipe("lstm_lm", Facts(num_train=1, num_bytes=num)).settings for num in (2_499_999, 2_500_000))
    assert (short["learning_rate"], short["weight_decay"]) == (2e-3, 0.1)
    assert (long["learning_rate"], long["weight_decay"]) == (3e-3, 0.01)


@pytest.mark.parametrize(("num_bytes", "epochs"), [(0, 60), (100_000, 60), (400_000, 30), (3_000_000, 5), (10**9, 5)])
def test_words_are_read_twelve_million_bytes_in_all(num_bytes: int, epochs: int) -> None:
    settings = recipe("skip_gram", Facts(num_train=1, num_bytes=num_bytes)).settings
    assert (settings["epochs"], settings["batch_size"]) == (epochs, 1_536)


@pytest.mark.parametrize(
    ("mean_bytes", "epochs", "smoothing", "options"),
    [(39, 10, 0.0, {"dropout": 0.1}), (40, 20, 0.1, {"dropout": 0.3, "dim": 256, "units": 512})],
)
def test_short_sources_are_translated_by_a_small_network(
    mean_bytes: int, epochs: int, smoothing: float, options: dict[str, Any]
) -> None:
    found = recipe("seq2seq_gru", Facts(num_train=100, num_bytes=100 * mean_bytes))
    assert (found.settings["batch_size"], found.settings["epochs"]) == (64, epochs)
    assert (found.label_smoothing, found.model_options) == (smoothing, options)


@pytest.mark.parametrize(
    ("mode", "num_train", "batch_size", "epochs", "rate", "decay"),
    [
        ("head", 20, 16, 200, 3e-3, 0.1),
        ("head", 1_000, 16, 47, 3e-3, 0.1),  # 3 000 updates
        ("head", 1_001, 64, 187, 1e-3, 0.1),
        ("head", 60_000, 64, 20, 1e-3, 0.1),
        ("full", 500, 32, 8, 1e-4, 0.05),
        ("full", 501, 32, 5, 1e-4, 0.05),
        ("freeze", 3_000, 32, 5, 1e-4, 0.05),
        ("freeze", 3_001, 32, 4, 1e-4, 0.05),
        ("gradual", 3_001, 32, 4, 3e-4, 0.05),
    ],
)
def test_fine_tuning_is_as_it_was_decided(
    mode: str, num_train: int, batch_size: int, epochs: int, rate: float, decay: float
) -> None:
    found = finetuning_recipe(mode, Facts(num_train=num_train, **PHOTOGRAPHS))  # type: ignore[arg-type]
    expected: dict[str, Any] = {**ADAM, "learning_rate": rate, "weight_decay": decay, "batch_size": batch_size}
    expected |= {"epochs": epochs} if mode == "head" else {"epochs": epochs, "clip_norm": 1.0}
    assert found.settings == expected
    assert (found.augmentation, found.label_smoothing) == ("" if mode == "head" else "flip", 0.05)


def test_facts_of_texts_count_the_bytes_of_the_training_rows_alone() -> None:
    texts = ["ab", "çok", "d", "efgh"]
    raw = [text.encode() for text in texts]
    column = Column(name="text", kind=Kind.TEXT, role=Role.INPUT)
    target = Column(name="y", kind=Kind.CATEGORY, role=Role.TARGET, classes=("a", "b"))
    offsets = np.cumsum([0, *map(len, raw)])
    table = Table(
        name="toy",
        schema=Schema((column, target)),
        columns={
            "text": Ragged(np.frombuffer(b"".join(raw), np.uint8), offsets),
            "y": Dense(np.array([0, 1, 0, 1])),
        },
        splits={"train": np.array([1, 3])},
    )
    assert facts_of(table) == Facts(num_train=2, num_bytes=4 + 4, is_classes=True)
