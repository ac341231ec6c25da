"""What a search may change: how it is read, on which scale it is drawn, and the part around good values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from derin.api.arguments import SETTINGS
from derin.core.errors import UnknownNameError, UsageError
from derin.models.mlp import MLPOptions
from derin.strategy.search_space import Dimension, default_space, read_space
from derin.train.config import TrainConfig


def test_words_of_the_command_line_and_values_of_python_say_the_same() -> None:
    words = ["lr=1e-4:1e-1:log", "batch_size=32,64", "dropout=0:0.5", "momentum=0.8:0.99", "epochs=2:9"]
    values = {
        "learning_rate": (1e-4, 1e-1),
        "batch-size": [32, 64],
        "dropout": (0, 0.5),
        "momentum": (0.8, 0.99, "one-minus-log"),
        "epochs": (2, 9),
    }
    read = read_space(words, SETTINGS, MLPOptions())
    assert read == read_space(values, SETTINGS, MLPOptions())
    assert [(d.name, d.is_option, d.scale, d.whole) for d in read] == [
        ("learning_rate", False, "log", False),
        ("batch_size", False, "linear", False),
        ("dropout", True, "linear", False),
        ("momentum", False, "one-minus-log", False),
        ("epochs", False, "linear", True),
    ]
    assert [Dimension.from_json(d.to_json()) for d in read] == read


@pytest.mark.parametrize(
    ("dimension", "even"),
    [
        (Dimension(name="x", low=-2.0, high=6.0), lambda x: (x + 2) / 8),
        (Dimension(name="x", low=1e-4, high=1.0, scale="log"), lambda x: (np.log10(x) + 4) / 4),
        # From 10 to 1000 steps of memory: 1 / (1 − β) evenly by factors.
        (Dimension(name="x", low=0.9, high=0.999, scale="one-minus-log"), lambda x: (-np.log10(1 - x) - 1) / 2),
    ],
)
def test_values_are_drawn_evenly_on_their_scale(dimension: Dimension, even: object) -> None:
    random = np.random.default_rng(0)
    drawn = np.array([dimension.draw(random) for _ in range(2000)])
    assert kstest(even(drawn), "uniform").pvalue > 0.01  # type: ignore[operator]


def test_a_finer_space_holds_the_good_values_and_stays_within_the_whole() -> None:
    rate = Dimension(name="lr", low=1e-5, high=1.0, scale="log")
    near = rate.around([1e-3, 1e-2, 1e-1])
    assert near.low == pytest.approx(10**-3.2)
    assert near.high == pytest.approx(10**-0.8)
    one = rate.around([1.0])
    assert (one.low, one.high) == (pytest.approx(10**-0.5), 1.0)
    assert Dimension(name="b", choices=(16, 32, 64)).around([64, 16]).choices == (16, 64)


def test_the_default_space_lies_around_the_defaults() -> None:
    space = {d.name: d for d in default_space(TrainConfig(optimizer="momentum", batch_size=64), MLPOptions(), 1000)}
    assert set(space) == {"learning_rate", "batch_size", "weight_decay", "momentum", "dropout"}
    assert space["batch_size"].choices == (32, 64)  # of 128 there would be fewer than eight in an epoch
    assert space["learning_rate"].holds(TrainConfig().learning_rate)
    assert "momentum" not in {d.name for d in default_space(TrainConfig(), MLPOptions(), 1000)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", "must be NAME=LOW:HIGH"),
        ("lr=0:1:log", "has no logarithm"),
        ("lr=1:0.1", "must rise"),
        ("lr=0.1:1:cubic", "There is no scale named 'cubic'"),
        ("momentum=0.5:1", "must lie between 0 and below 1"),
        ("batch_size=32", "At least two different values"),
        ("batch_size=32,many", "is a whole number"),
        ("optimizer=1:2", "At least two different values"),
        ("loss=1,2", "neither a number nor a text"),
        ("threads=1,2", "There is no setting to search over named 'threads'"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_space([text], SETTINGS, MLPOptions())


def test_a_misspelled_setting_is_answered_with_the_near_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'dropout'"):
        read_space(["dropuot=0:1"], SETTINGS, MLPOptions())
    with pytest.raises(UsageError, match="searched over twice"):
        read_space(["lr=0.1:1", "learning_rate=0.1:1"], SETTINGS, None)
