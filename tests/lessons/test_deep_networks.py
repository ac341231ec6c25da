"""Lessons on depth teach what arithmetic says of it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from derin.core.errors import UnknownNameError
from derin.layers import Dense
from derin.lessons import parity
from derin.lessons.activations import ActivationsOptions
from derin.lessons.activations import run as run_activations
from derin.lessons.backpropagation import FUNCTIONS, BackpropagationOptions, backward
from derin.lessons.backpropagation import run as run_backpropagation
from derin.lessons.linear_collapse import LinearCollapseOptions, collapsed
from derin.lessons.linear_collapse import run as run_collapse
from derin.models.sequential import Sequential


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_by_hand_are_central_differences(name: str) -> None:
    g, slope = FUNCTIONS[name]
    draws = np.random.default_rng(3)
    x, y = draws.normal(size=(2, 5)), np.array([[0.0, 1, 1, 0, 1]])
    weights = [draws.normal(size=(4, 2)), draws.normal(size=(3, 4)), draws.normal(size=(1, 3))]
    biases = [draws.normal(size=(n, 1)) for n in (4, 3, 1)]

    def loss() -> float:
        a = x
        for w, b in zip(weights[:-1], biases[:-1]):
            a = g(w @ a + b)
        p = 1 / (1 + np.exp(-(weights[-1] @ a + biases[-1])))
        return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

    for layer, found in enumerate(backward(x, y, weights, biases, g, slope)):
        for values, gradient in ((weights[layer], found["dW"]), (biases[layer], found["db"])):
            for place in np.ndindex(values.shape):
                kept = values[place]
                values[place] = kept + 1e-6
                above = loss()
                values[place] = kept - 1e-6
                below = loss()
                values[place] = kept
                assert gradient[place] == pytest.approx((above - below) / 2e-6, abs=1e-8)


def test_every_gradient_has_the_shape_that_the_course_gives_it() -> None:
    found = run_backpropagation(BackpropagationOptions(units=(6, 4, 2, 1), examples=9)).numbers
    shapes = [row["shapes"] for row in found["layers"]]
    assert [s["dW"] for s in shapes] == [[4, 6], [2, 4], [1, 2]]
    assert [s["db"] for s in shapes] == [[4, 1], [2, 1], [1, 1]]
    assert [s["dZ"] for s in shapes] == [s["dA"] for s in shapes] == [[4, 9], [2, 9], [1, 9]]
    assert found["parameters"] == 24 + 4 + 8 + 2 + 2 + 1
    assert max(row["difference"] for row in found["layers"]) < 1e-14


@pytest.mark.parametrize("build", [parity.deep, parity.flat, parity.counting])
@pytest.mark.parametrize("n", [2, 5, 7])
def test_every_network_of_the_lesson_computes_parity(build, n: int) -> None:
    patterns = list(itertools.product((0, 1), repeat=n))
    with torch.no_grad():
        answers = build(n)(torch.tensor(patterns, dtype=torch.float32))[:, 0].tolist()
    assert answers == [pattern.count(1) % 2 for pattern in patterns]


def test_depth_needs_fewer_units_than_one_for_each_odd_pattern() -> None:
    found = parity.run(parity.ParityOptions(bits=8)).numbers
    assert found["hidden_units"]["flat"] == [2 ** (n - 1) for n in range(2, 9)]
    at = dict(zip(found["bits"], found["hidden_units"]["deep"]))
    assert (at[2], at[4], at[8]) == (2, 6, 14)  # 2(n − 1)
    assert found["depth_of_the_tree"] == 3
    assert all(found["exact"].values())


def test_activations_and_slopes_are_the_closed_forms() -> None:
    found = run_activations(ActivationsOptions()).numbers["functions"]
    z = np.array([-2.0, 0.0, 2.0])
    s = 1 / (1 + np.exp(-z))
    phi = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in z])
    forms = {
        "linear": (z, z**0),
        "sigmoid": (s, s * (1 - s)),
        "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
        "relu": (np.maximum(z, 0), (z > 0) * 1.0),
        "leaky_relu": (np.maximum(z, 0.01 * z), np.where(z > 0, 1, 0.01)),
        "softmax": (np.exp(z) / (np.exp(z) + 2), 2 * np.exp(z) / (np.exp(z) + 2) ** 2),
        "elu": (np.where(z > 0, z, np.exp(z) - 1), np.where(z > 0, 1, np.exp(z))),
        "gelu": (z * phi, phi + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)),
        "silu": (z * s, s + z * s * (1 - s)),
        "softplus": (np.log(1 + np.exp(z)), s),
    }
    for name, (g, slope) in forms.items():
        np.testing.assert_allclose(found[name]["g"], g, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(found[name]["slope"], slope, atol=1e-12, err_msg=name)
    assert found["maxout"]["g"] == [1, 0, 2]


def test_an_activation_that_the_loss_applies_itself_is_refused_at_the_end() -> None:
    refused = run_activations(ActivationsOptions(functions=("tanh",))).numbers["refused"]
    assert {task: said.split("; it ends in ")[1] for task, said in refused.items()} == {
        "classification": "softmax. Remove that last layer.",
        "binary": "sigmoid. Remove that last layer.",
        "regression": "relu. Remove that last layer.",
    }
    with pytest.raises(UnknownNameError, match="activation"):
        ActivationsOptions(functions=("rleu",))


def test_linear_layers_collapse_into_one_and_others_do_not() -> None:
    found = run_collapse(LinearCollapseOptions()).numbers
    assert found["linear"]["from_product"] < 1e-12
    assert found["linear"]["from_best_line"] < 1e-12
    for name in ("relu", "tanh"):
        assert found[name]["from_product"] > 0.1
        assert found[name]["from_best_line"] > 0.1


def test_the_collapsed_layer_answers_as_the_network() -> None:
    network = Sequential([Dense(7), Dense(5), Dense(2)], input_shape=(3,), seed=2).double()
    for bias in (p for p in network.parameters() if p.ndim == 1):
        torch.nn.init.normal_(bias)
    weight, bias = collapsed(network)
    x = torch.randn(11, 3, dtype=torch.float64)
    np.testing.assert_allclose(network(x).detach().numpy(), x.numpy() @ weight.T + bias, atol=1e-12)
