"""Initializers by the statistics of what they draw."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from derin.core.errors import UnknownNameError
from derin.layers import Dense, Maxout, initialize
from derin.layers.initializers import fans

FAN_IN, FAN_OUT = 400, 250


def draw(name: str) -> nn.Linear:
    layer = nn.Linear(FAN_IN, FAN_OUT)
    initialize(layer, name, generator=torch.Generator().manual_seed(0))
    return layer


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("normal", 0.01),
        ("xavier", math.sqrt(1 / FAN_IN)),
        ("glorot", math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("he", math.sqrt(2 / FAN_IN)),
    ],
)
def test_normal_weights_have_the_stated_deviation(name: str, deviation: float) -> None:
    weight = draw(name).weight
    # 100 000 numbers: the deviation of a sample is exact to 1/√200 000 = 0.22 %, its mean to 1/√100 000; four of these.
    assert weight.std().item() == pytest.approx(deviation, rel=0.009)
    assert abs(weight.mean().item()) < 4 * deviation / math.sqrt(FAN_IN * FAN_OUT)


@pytest.mark.parametrize("name", ["zeros", "normal", "xavier", "glorot", "he", "orthogonal"])
def test_biases_begin_at_zero(name: str) -> None:
    assert not draw(name).bias.any()


def test_zeros_are_zero() -> None:
    assert not draw("zeros").weight.any()


def test_orthogonal_rows_are_orthonormal() -> None:
    weight = draw("orthogonal").weight.double()
    torch.testing.assert_close(
        weight @ weight.T, torch.eye(FAN_OUT, dtype=torch.float64), rtol=0, atol=1e-5
    )  # drawn in fp32


def test_the_same_generator_gives_the_same_weights_and_leaves_torchs_own_alone() -> None:
    before = torch.get_rng_state()
    layers = [nn.Linear(5, 3), nn.Linear(5, 3)]
    after_construction = torch.get_rng_state()
    for layer in layers:
        initialize(layer, "he", generator=torch.Generator().manual_seed(4))
    assert torch.equal(layers[0].weight, layers[1].weight)
    assert torch.equal(torch.get_rng_state(), after_construction)
    assert not torch.equal(before, after_construction)


def test_norms_and_embeddings_are_left_alone() -> None:
    net = nn.Sequential(nn.Embedding(5, 3), nn.BatchNorm1d(3))
    before = [p.clone() for p in net.parameters()]
    initialize(net, "zeros")
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters()))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Linear(12, 5), (12, 5)),
        (nn.Conv2d(6, 16, 5), (150, 400)),
        (nn.Conv2d(6, 12, 3, groups=3), (18, 36)),
        (nn.Conv1d(4, 5, 7), (28, 35)),
        (nn.ConvTranspose2d(6, 16, 4, stride=2), (6 * 4, 16 * 16)),
        (Maxout(5, pieces=3).build((12,)), (12, 15)),
    ],
)
def test_fans_count_inputs_and_outputs_of_a_unit(layer: nn.Module, expected: tuple[int, int]) -> None:
    assert fans(layer) == expected


def test_variance_of_the_signal_neither_grows_nor_dies_over_fifty_layers() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(64, 256, generator=generator)
    for _ in range(50):
        layer = nn.Linear(256, 256)
        initialize(layer, "he", generator=generator)
        x = layer(x).relu()
    # Each layer changes the mean square by a factor near one: fifty stay within a factor of four of the beginning.
    assert 0.25 < x.square().mean().item() < 4


def test_unknown_initializer_is_answered_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="'xavier'"):
        initialize(nn.Linear(2, 2), "xavir")
    with pytest.raises(UnknownNameError, match="'glorot'"):
        Dense(3, initializer="gloro")


def test_automatic_choice_is_he_before_a_rectifier_and_xavier_otherwise() -> None:
    rectified = Dense(1000, activation="relu").build((1000,)).weight.std().item()
    squashed = Dense(1000, activation="tanh").build((1000,)).weight.std().item()
    # A million numbers: exact to 0.07 %.
    assert rectified == pytest.approx(math.sqrt(2 / 1000), rel=0.005)
    assert squashed == pytest.approx(math.sqrt(1 / 1000), rel=0.005)
