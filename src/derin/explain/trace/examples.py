r"""The worked example of the course, computed rightly: one training step of a 3-3-3-3 network.

Three inputs, a layer with ReLU, a layer with the sigmoid, an output layer with softmax, every bias 1, target [1, 0, 0],
learning rate 0.01. The forward pass, the loss, every gradient with the factors of its chain rule and every new weight,
in NumPy float64. The course's slides take the wrong turn early; `derin.explain.trace.example_errata` lists where.

    h1 = relu(x W_ij + b_j)    h2 = σ(h1 W_jk + b_k)    z = h2 W_kl + b_l    o = softmax(z)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

    from derin.explain.trace.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One dense layer on the way back.

    ``gradient[i, j] = entering[i] · delta[j]``, and the gradient of bias j is ``delta[j]``.

    Args:
        name: of its weights, as the course writes them: ``ij``, ``jk`` or ``kl``.
        entering: what enters it, (in,).
        weights, biases: before the step, (in, out) and (out,).
        delta: ∂E/∂(weighted sum), (out,).
        slope: the factor of the activation in ``delta``: its derivative (out,), or softmax's Jacobian (out, out).
        above: the other factor, ∂E/∂(activation), (out,).
        new_weights, new_biases: after the step.
    """

    name: str
    entering: Array
    weights: Array
    biases: Array
    delta: Array
    slope: Array
    above: Array
    gradient: Array
    new_weights: Array
    new_biases: Array


@dataclass(frozen=True, kw_only=True)
class BackwardPass:
    """A loss, its gradients and the step that they lead to.

    Args:
        name: ``categorical`` or ``binary``.
        loss: before the step.
        loss_after: of the network with the new weights and biases.
        d_output: ∂E/∂o, (3,).
        layers: from the output backwards: kl, jk, ij.
    """

    name: str
    loss: float
    loss_after: float
    d_output: Array
    layers: tuple[Layer, Layer, Layer]

    def layer(self, name: str) -> Layer:
        """The layer with weights ``ij``, ``jk`` or ``kl``."""
        return next(layer for layer in self.layers if layer.name == name)


@dataclass(frozen=True, kw_only=True)
class WorkedExample:
    """Every number of the step; vectors are (3,), matrices (3, 3), rows for what enters."""

    inputs: Array
    target: Array
    weights: dict[str, Array]
    biases: dict[str, Array]
    learning_rate: float
    h1_in: Array
    h1_out: Array
    h2_in: Array
    h2_out: Array
    logits: Array
    output: Array

    @cached_property
    def backward(self) -> dict[str, BackwardPass]:
        """The way back and the step, for each of `LOSSES`."""
        return {name: _back(self, name) for name in LOSSES}


def softmax(z: Array) -> Array:
    """e^z over its sum."""
    powers = np.exp(z - z.max())
    return np.asarray(powers / powers.sum())


def sigmoid(x: Array) -> Array:
    """1/(1 + e^−x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def categorical(target: Array, output: Array) -> float:
    """−Σ y ln o, the loss that belongs to softmax."""
    return float(-(target * np.log(output)).sum())


def binary(target: Array, output: Array) -> float:
    """−Σ [y ln o + (1 − y) ln(1 − o)], the sum that the slides write down."""
    return float(-(target * np.log(output) + (1 - target) * np.log(1 - output)).sum())


# Each loss with ∂E/∂o.
LOSSES: dict[str, tuple[Callable[[Array, Array], float], Callable[[Array, Array], Array]]] = {
    "binary": (binary, lambda target, output: -target / output + (1 - target) / (1 - output)),
    "categorical": (categorical, lambda target, output: -target / output),
}


def work_3_3_3_3() -> WorkedExample:
    """The whole example.

    Example:
        >>> worked = work_3_3_3_3()
        >>> worked.output.round(5).tolist()
        [0.19845, 0.28536, 0.5162]
        >>> [round(worked.backward[name].loss, 5) for name in ("categorical", "binary")]
        [1.61723, 2.67928]
    """
    inputs, target, rate = np.array([0.1, 0.2, 0.7]), np.array([1.0, 0.0, 0.0]), 0.01
    weights = {
        "ij": np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.7], [0.4, 0.3, 0.9]]),
        "jk": np.array([[0.2, 0.3, 0.5], [0.3, 0.5, 0.7], [0.6, 0.4, 0.8]]),
        "kl": np.array([[0.1, 0.4, 0.8], [0.3, 0.7, 0.2], [0.5, 0.2, 0.9]]),
    }
    biases = {name: np.ones(3) for name in weights}
    h1_in, h1_out, h2_in, h2_out, logits, output = _forward(inputs, weights, biases)
    return WorkedExample(
        inputs=inputs,
        target=target,
        weights=weights,
        biases=biases,
        learning_rate=rate,
        h1_in=h1_in,
        h1_out=h1_out,
        h2_in=h2_in,
        h2_out=h2_out,
        logits=logits,
        output=output,
    )


def loss_of(name: str, weights: dict[str, Array], biases: dict[str, Array], inputs: Array, target: Array) -> float:
    """The loss of the network with other weights."""
    return LOSSES[name][0](target, _forward(inputs, weights, biases)[-1])


def _back(worked: WorkedExample, name: str) -> BackwardPass:
    value, derivative = LOSSES[name]
    d_output = derivative(worked.target, worked.output)
    # J[i, j] = ∂o_i/∂z_j = o_i (δ_ij − o_j)
    jacobian = np.diag(worked.output) - np.outer(worked.output, worked.output)
    kl = _step(worked, "kl", worked.h2_out, d_output @ jacobian, jacobian, d_output)
    d_h2, slope = kl.weights @ kl.delta, worked.h2_out * (1 - worked.h2_out)
    jk = _step(worked, "jk", worked.h1_out, d_h2 * slope, slope, d_h2)
    d_h1, slope = jk.weights @ jk.delta, (worked.h1_in > 0).astype(np.float64)
    ij = _step(worked, "ij", worked.inputs, d_h1 * slope, slope, d_h1)
    layers = (kl, jk, ij)
    new_weights = {layer.name: layer.new_weights for layer in layers}
    new_biases = {layer.name: layer.new_biases for layer in layers}
    return BackwardPass(
        name=name,
        loss=value(worked.target, worked.output),
        loss_after=loss_of(name, new_weights, new_biases, worked.inputs, worked.target),
        d_output=d_output,
        layers=layers,
    )


def _step(worked: WorkedExample, name: str, entering: Array, delta: Array, slope: Array, above: Array) -> Layer:
    gradient = np.outer(entering, delta)
    return Layer(
        name=name,
        entering=entering,
        weights=worked.weights[name],
        biases=worked.biases[name],
        delta=delta,
        slope=slope,
        above=above,
        gradient=gradient,
        new_weights=worked.weights[name] - worked.learning_rate * gradient,
        new_biases=worked.biases[name] - worked.learning_rate * delta,
    )


def _forward(inputs: Array, weights: dict[str, Array], biases: dict[str, Array]) -> tuple[Array, ...]:
    h1_in = inputs @ weights["ij"] + biases["ij"]
    h1_out = np.maximum(h1_in, 0.0)
    h2_in = h1_out @ weights["jk"] + biases["jk"]
    h2_out = sigmoid(h2_in)
    logits = h2_out @ weights["kl"] + biases["kl"]
    return h1_in, h1_out, h2_in, h2_out, logits, softmax(logits)


def network_3_3_3_3() -> nn.Module:
    """The same network for PyTorch, in float64, softmax included."""
    import torch
    from torch import nn

    worked = work_3_3_3_3()
    dense = {name: nn.Linear(3, 3, dtype=torch.float64) for name in worked.weights}
    with torch.no_grad():
        for name, layer in dense.items():
            layer.weight.copy_(torch.from_numpy(worked.weights[name].T))
            layer.bias.copy_(torch.from_numpy(worked.biases[name]))
    network = nn.Sequential()
    network.add_module("hidden1", dense["ij"])
    network.add_module("relu", nn.ReLU())
    network.add_module("hidden2", dense["jk"])
    network.add_module("sigmoid", nn.Sigmoid())
    network.add_module("output", dense["kl"])
    network.add_module("softmax", nn.Softmax(dim=1))
    return network


def trace_3_3_3_3(loss: str) -> Trace:
    """The step as the engine traces it, for the page and the table of all numbers.

    Args:
        loss: ``binary`` or ``categorical``.
    """
    import torch

    from derin.explain.trace.trace import trace

    def binary(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return -(target * output.log() + (1 - target) * (1 - output).log()).sum()

    def categorical(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return -(target * output.log()).sum()

    worked = work_3_3_3_3()
    return trace(
        network_3_3_3_3(),
        torch.from_numpy(worked.inputs)[None],
        torch.from_numpy(worked.target)[None],
        loss={"binary": binary, "categorical": categorical}[loss],
        optimizer="sgd",
        learning_rate=worked.learning_rate,
    )


EXAMPLES: dict[str, Callable[[], WorkedExample]] = {"3-3-3-3": work_3_3_3_3}
